"""Tests of a contract on a whole peer: built, deployed, endorsed, ordered, committed.

    sandbox = Sandbox(orgs=2)
    sandbox.deploy("assets", build())
    sandbox.submit("assets", "CreateAsset", "asset1", "blue", 300)
    asset = sandbox.evaluate("assets", "ReadAsset", "asset1").json()

The program `wasmcc` is the peer; it is found by the variable WASMCC or on the PATH, and `wasmcc test`
sets all that.
"""

import json
import os
import subprocess
from pathlib import Path

from ..mock.ledger import as_argument, as_timestamp, as_transient
from .error import SandboxError
from .lift import lift
from .pipe import link, program

__all__ = ["CHANNEL", "Sandbox", "SandboxError", "build"]

# The channel of every sandbox.
CHANNEL = "mychannel"


class Sandbox:
    """In-memory peers of one or more organizations, with one channel.

    `orgs` is how many organizations are on the channel, Org1MSP and so on, with the users User1 and
    User2 each; `peers` are the MSP ids of those that have a peer (the first one); `timeout` is how
    many seconds a transaction may take. `clients` are further ones, as in
    `[("Org1MSP", "ann", {"role": "auditor"})]`, with attributes as those of fabric-ca.
    """

    def __init__(self, orgs=1, peers=(), timeout=None, clients=()):
        self._link = link()
        self._number = self._link.number()
        milliseconds = None if timeout is None else int(timeout * 1000)
        request = {
            "network": _network(orgs),
            "clients": [
                {"msp_id": msp_id, "name": name, "attributes": list(attributes.items())}
                for msp_id, name, attributes in clients
            ],
            "orgs": _list("peers", peers),
            "limits": None,
            "execute_timeout_ms": milliseconds,
        }
        self._ask("new", request)

    def deploy(self, name, component, collections=None, indexes=None, policy=None):
        """Deploys a component on the channel by LSCC, or its next version if the channel has a
        chaincode of this name; its state stays, and so do policy and collections that are not given
        again. `collections` are those of private data, as in Fabric's collections_config.json;
        `indexes` the texts of index files; `policy` the endorsement policy."""
        return self._deploy("deploy", name, component, collections, indexes, policy)

    def deploy_by_lifecycle(self, name, component, policy=None, collections=None, indexes=None):
        """As `deploy`, by `_lifecycle`: such a chaincode has an implicit collection for each
        organization. Without a policy, the channel's own applies."""
        return self._deploy("deploy_by_lifecycle", name, component, collections, indexes, policy)

    def evaluate(self, chaincode, function, *args, **options):
        """Calls a function and returns its answer; nothing is committed. Fails if the answer is an
        error.

        Options are `org` and `user`, who calls, `transient`, a dict, `timestamp` and `nonce`.
        """
        return self._call("evaluate", chaincode, function, args, **options)

    def submit(self, chaincode, function, *args, **options):
        """Calls a function, orders the transaction and commits it. Fails if it is refused or not
        valid."""
        return self._call("submit", chaincode, function, args, **options)

    def endorse(self, chaincode, function, *args, **options):
        """Has a call endorsed; an error is an answer. `commit` takes what it returns."""
        return self._call("endorse", chaincode, function, args, **options)

    def assert_deterministic(self, chaincode, function, *args, **options):
        """As `endorse`, in several runs: with other random numbers, clocks and memory. Fails with
        the first difference."""
        return self._call("assert_deterministic", chaincode, function, args, **options)

    def endorse_also(self, org, *endorsed):
        """Has the peer of another organization endorse the same calls."""
        self._ask("endorse_also", {"org": org, "endorsed": [one.kept for one in endorsed]})

    def commit(self, *endorsed):
        """Commits endorsements in one block, in this order; returns what became of each."""
        return self._ask("commit", {"endorsed": [one.kept for one in endorsed]})

    def height(self):
        """How many blocks the channel has."""
        return self._ask("height", {})

    def get_state(self, name, key):
        """The value of a key in a chaincode's namespace; None if there is none."""
        answer, blobs = self._link.ask("get_state", self._number, {"name": name, "key": key}, [])
        return None if answer is None else blobs[answer]

    def close(self):
        """Gives back what the sandbox takes."""
        self._link.tell("end", self._number)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _deploy(self, verb, name, component, collections, indexes, policy):
        request = {
            "name": name,
            "component": 0,
            "collections": _json(collections),
            "indexes": indexes and [_json(index) for index in _list("indexes", indexes)],
            "policy": policy,
        }
        return self._ask(verb, request, [bytes(component)])

    def _call(
        self,
        verb,
        chaincode,
        function,
        args,
        org=None,
        user="User1",
        transient=None,
        timestamp=None,
        nonce=None,
    ):
        blobs = []

        def add(value):
            blobs.append(value)
            return len(blobs) - 1

        timestamp = as_timestamp(timestamp)
        call = {
            "chaincode": chaincode,
            "args": [add(as_argument(value)) for value in (function, *args)],
            "transient": {
                name: add(as_transient(value)) for name, value in (transient or {}).items()
            },
            "org": org,
            "user": user,
            "timestamp": timestamp and [timestamp.seconds, timestamp.nanos],
            "nonce": None if nonce is None else add(as_transient(nonce)),
        }
        # Set by `wasmcc test --twice`.
        if os.environ.get("WASMCC_TWICE"):
            self._ask("assert_deterministic", {"call": call}, blobs)
        return self._ask(verb, {"call": call}, blobs)

    def _ask(self, verb, request, blobs=()):
        return lift(*self._link.ask(verb, self._number, request, blobs))


def build(folder="."):
    """Builds the contract in `folder` and returns its component. Under `wasmcc test` it is built
    already."""
    built, of = os.environ.get("WASMCC_COMPONENT"), os.environ.get("WASMCC_CONTRACT")
    if built and of and Path(folder).resolve() == Path(of).resolve():
        return Path(built).read_bytes()
    command = [program(), "build", "--json", str(Path(folder).resolve())]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except OSError as error:
        raise SandboxError("build", f"cannot build the component: {error}") from None
    if done.returncode != 0:
        raise SandboxError("build", f"cannot build the component: {done.stderr}")
    return Path(json.loads(done.stdout)["path"]).read_bytes()


def _json(value):
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _list(what, values):
    # A text is a sequence too: of its characters.
    if isinstance(values, str):
        raise TypeError(f"{what} must be a list, not {values!r}")
    return list(values)


def _network(count):
    orgs = [
        {
            "msp_id": f"Org{number}MSP",
            "domain": f"org{number}.example.com",
            "users": ["User1", "User2"],
        }
        for number in range(1, count + 1)
    ]
    return {"orgs": orgs, "orderer": {"msp_id": "OrdererMSP", "domain": "example.com"}}
