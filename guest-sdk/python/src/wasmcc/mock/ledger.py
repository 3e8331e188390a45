"""The ledger: what is committed, and how a call becomes a transaction."""

import hashlib
import json
from dataclasses import dataclass, field

from ..bindings import Bindings
from ..chaincode import Chaincode, Contracts
from ..codecs import write_json
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
    """What a call has come to."""

    tx_id: str
    payload: bytes
    # Name and payload; None if the transaction has no event.
    event: object
    # Keys and values of the contract's namespace; None is a deletion.
    writes: dict
    # The same for each collection.
    private_writes: dict
    # Keys that were read.
    reads: list
    log: list = field(repr=False)

    def text(self):
        """The payload as text."""
        return self.payload.decode()

    def json(self):
        """The payload, read as JSON."""
        return json.loads(self.payload)


class MockLedger:
    """See the head of the package. Takes a `Contract`, several of them, a `Chaincode`, or the
    module that has them. `indexes` are the texts of its index files, as for the sandbox."""

    def __init__(self, *chaincode, channel="mychannel", peer_msp_id="Org1MSP", indexes=()):
        self.channel = channel
        self.peer_msp_id = peer_msp_id
        self.chaincodes = {}
        # By namespace.
        self.indexes = {}
        # By namespace, collection ("" for the public state) and key.
        self.state = {}
        self.metadata = {}
        self.history = {}
        self._blocks = 0
        self.client("Org1MSP", "User1")
        self.deploy(MAIN, *chaincode, indexes=indexes)

    def deploy(self, name, *chaincode, indexes=()):
        """A further chaincode, which `stub.invoke_chaincode` finds by its name."""
        self.chaincodes[name] = _chaincode(chaincode)
        # A new one replaces that of its name; the others stay, as in CouchDB.
        known = [*self.indexes.get(name, ()), *map(Index.parse, indexes)]
        self.indexes[name] = list({index.full_name: index for index in known}.values())

    def client(self, msp_id, name="User1", attributes=None, units=("client",)):
        """Who makes the calls that follow."""
        self._creator = creator_of(msp_id, name, attributes, units)
        return self

    def submit(self, function, *args, **options):
        """Calls a function and commits what it writes; raises `ContractError` if it is refused.
        Options are `transient`, a dict, and `timestamp`."""
        return self._call(function, args, True, **options)

    def evaluate(self, function, *args, **options):
        """Calls a function; nothing is committed."""
        return self._call(function, args, False, **options)

    def get_state(self, key, collection="", chaincode=MAIN):
        """A committed value; None if there is none."""
        return self.state.get((chaincode, collection), {}).get(key)

    def _call(self, function, args, is_committed, transient=None, timestamp=None):
        self._blocks += 1
        creator = self._creator
        simulation = Simulation(
            ledger=self,
            args=[function.encode(), *map(as_argument, args)],
            tx_id=hashlib.sha256(b"%d" % self._blocks + creator).hexdigest(),
            creator=creator,
            transient={name: as_argument(value) for name, value in (transient or {}).items()},
            timestamp=timestamp or Timestamp(1_700_000_000 + self._blocks),
        )
        response = self.run(MAIN, simulation)
        if response.status >= 400:
            raise ContractError(response.message, response.status)
        if is_committed:
            self._commit(simulation)
        return simulation.outcome(MAIN, response.payload, Outcome)

    def run(self, name, simulation, function="invoke"):
        """Runs a chaincode in a simulation and returns its response."""
        interfaces = {key: make(name, simulation) for key, make in INTERFACES.items()}
        bindings = Bindings(interfaces, TYPES, Refused)
        # Ctrl-C and what pytest raises end the test, not the transaction.
        caught = (Exception, SystemExit)
        return answer(getattr(self.chaincodes[name], function), bindings, caught)

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
    """Arguments as clients of Fabric send them: text and bytes as they are, the rest as JSON."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    return write_json(value)


def _chaincode(given):
    if len(given) == 1 and not isinstance(given[0], type) and hasattr(given[0], "__spec__"):
        return chaincode_of(given[0])
    if len(given) == 1:
        one = given[0]() if isinstance(given[0], type) else given[0]
        if isinstance(one, Chaincode):
            return one
    return Contracts(given)
