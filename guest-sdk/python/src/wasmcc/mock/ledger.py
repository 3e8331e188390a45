"""The ledger: the committed data, and the execution of calls as transactions."""

import datetime
import enum
import functools
import hashlib
import json
from dataclasses import dataclass, field

from ..bindings import Bindings
from ..chaincode import Chaincode, Contracts
from ..codecs import Mismatch, codec_of, write_json
from ..component import answer, chaincode_of
from ..errors import ContractError
from ..timestamp import Timestamp
from .certificate import creator_of
from .interfaces import INTERFACES, TYPES
from .rich import Index
from .simulation import Refused, Simulation

MAIN = "contract"


@dataclass
class Outcome:
    """The result of a call."""

    tx_id: str
    payload: bytes
    # Name and payload; None if the transaction has no event.
    event: object
    # Keys and values of the contract's namespace; None is a deletion.
    writes: dict
    # Keys and values of each collection.
    private_writes: dict
    # Keys that were read.
    reads: list
    log: list = field(repr=False)

    def text(self):
        """Returns the payload as text."""
        return self.payload.decode()

    def json(self):
        """Returns the payload, read as JSON."""
        return json.loads(self.payload)


class MockLedger:
    """An in-memory ledger. Takes a `Contract`, several of them, a `Chaincode`, or the module that
    contains them. Classes are instantiated for each transaction; an object belongs to the test and
    keeps its attributes. `indexes` are the texts of its index files, as for the sandbox."""

    def __init__(self, *chaincode, channel="mychannel", peer_msp_id="Org1MSP", indexes=()):
        self.channel = channel
        self.peer_msp_id = peer_msp_id
        # Functions that instantiate chaincodes for each transaction. This and the following are by
        # namespace.
        self.chaincodes = {}
        self.indexes = {}
        # By namespace, collection ("" for the public state) and key.
        self.state = {}
        self.metadata = {}
        self.history = {}
        self._blocks = 0
        self.client("Org1MSP", "User1")
        self.deploy(MAIN, *chaincode, indexes=indexes)

    def deploy(self, name, *chaincode, indexes=()):
        """Deploys a further chaincode, which `stub.invoke_chaincode` finds by its name."""
        _chaincode(chaincode)  # Defects are raised here.
        self.chaincodes[name] = functools.partial(_chaincode, chaincode)
        # A new one replaces the one with the same name; the others remain, as in CouchDB.
        known = [*self.indexes.get(name, ()), *map(Index.parse, indexes)]
        self.indexes[name] = list({index.full_name: index for index in known}.values())

    def client(self, msp_id, name="User1", attributes=None, units=("client",)):
        """Sets the client of the following calls."""
        self._creator = creator_of(msp_id, name, attributes, units)
        return self

    def init(self, *args, **options):
        """Instantiates the chaincode: runs its `init` and commits. Options are those of `submit`.
        """
        return self._call("init", args, True, **options)

    def submit(self, function, *args, **options):
        """Calls a function and commits its writes; raises `ContractError` if it is refused. Options
        are `transient`, a dict, and `timestamp`, a `Timestamp` or a `datetime`."""
        return self._call("invoke", (function, *args), True, **options)

    def evaluate(self, function, *args, **options):
        """Calls a function without a commit."""
        return self._call("invoke", (function, *args), False, **options)

    def get_state(self, key, collection="", chaincode=MAIN):
        """Returns a committed value; None if the key does not exist."""
        return self.state.get((chaincode, collection), {}).get(key)

    def _call(self, entry, args, is_committed, transient=None, timestamp=None):
        self._blocks += 1
        creator = self._creator
        simulation = Simulation(
            ledger=self,
            args=list(map(as_argument, args)),
            tx_id=hashlib.sha256(b"%d" % self._blocks + creator).hexdigest(),
            creator=creator,
            transient={name: as_transient(value) for name, value in (transient or {}).items()},
            timestamp=as_timestamp(timestamp) or Timestamp(1_700_000_000 + self._blocks),
            is_init=entry == "init",
        )
        response = self.run(MAIN, simulation, entry)
        status, message = response.status, response.message
        if status >= 400:
            raise ContractError(message, status)
        if is_committed and status < 200:
            # An endorsement that the Gateway does not submit.
            text = f"proposal response was not successful, error code {status}, msg {message}"
            raise ContractError(text)
        if is_committed:
            self._commit(simulation)
        return simulation.outcome(MAIN, response.payload, Outcome)

    def run(self, name, simulation, entry="invoke"):
        """Runs `init` or `invoke` of a chaincode in a simulation and returns its response."""
        interfaces = {key: make(name, simulation) for key, make in INTERFACES.items()}
        bindings = Bindings(interfaces, TYPES, Refused)
        # Ctrl-C and exceptions of pytest end the test, not the transaction.
        caught = (Exception, SystemExit)
        simulation.running.append(name)
        try:
            return answer(getattr(self.chaincodes[name](), entry), bindings, caught)
        finally:
            simulation.running.pop()

    def _commit(self, simulation):
        for (namespace, collection, key), value in simulation.writes.items():
            state = self.state.setdefault((namespace, collection), {})
            if value is None:
                state.pop(key, None)
                self.metadata.pop((namespace, collection, key), None)
            else:
                state[key] = value
            if not collection:
                change = (simulation.tx_id, value, simulation.timestamp)
                self.history.setdefault((namespace, key), []).insert(0, change)
        for place, entries in simulation.metadata.items():
            if place[2] in self.state.get(place[:2], {}):
                self.metadata[place] = entries


def as_argument(value):
    """Encodes arguments as clients of Fabric do: text, times and enums as text, bytes unchanged,
    the rest as JSON."""
    if isinstance(value, (enum.Enum, datetime.datetime, Timestamp)):
        try:
            return codec_of(type(value)).encode(value)
        except Mismatch as mismatch:
            raise ContractError(f"{value!r} is not an argument: {mismatch}", 400) from None
    return as_transient(value)


def as_transient(value):
    """Encodes entries of transient data, which `Context.transient` reads as JSON: text and bytes
    unchanged, the rest as JSON."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    return write_json(value)


def as_timestamp(moment):
    """Returns the `Timestamp` of a `datetime`; other values, and None, are returned unchanged."""
    return Timestamp.of(moment) if isinstance(moment, datetime.datetime) else moment


def _chaincode(given):
    if len(given) == 1 and not isinstance(given[0], type) and hasattr(given[0], "__spec__"):
        return chaincode_of(given[0])
    if len(given) == 1:
        one = given[0]() if isinstance(given[0], type) else given[0]
        if isinstance(one, Chaincode):
            return one
    return Contracts(given)
