"""Tests a contract on a complete peer, from deployment to commit.

    sandbox = Sandbox(orgs=2)
    sandbox.deploy("assets", build())
    sandbox.submit("assets", "CreateAsset", "asset1", "blue", 300)
    asset = sandbox.evaluate("assets", "ReadAsset", "asset1").json()

The peer is the program `wasmcc`, found by the variable WASMCC or on the PATH. `wasmcc test` sets
these variables.
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

    `orgs` is the number of organizations on the channel, Org1MSP and so on, with the users User1
    and User2 each. `peers` are the MSP ids of the organizations that have a peer (the first one).
    `timeout` is the time limit of a transaction in seconds. `clients` are further clients, as in
    `[("Org1MSP", "ann", {"role": "auditor"})]`, with attributes as fabric-ca writes them.
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
        """Deploys a component by LSCC, as the next version if the channel already has the
        chaincode. Its state remains; so do policy and collections unless they are set again.
        `collections` are private data collections as in Fabric's collections_config.json, `indexes`
        the texts of index files, `policy` the endorsement policy."""
        return self._deploy("deploy", name, component, collections, indexes, policy)

    def deploy_by_lifecycle(self, name, component, policy=None, collections=None, indexes=None):
        """As `deploy`, by `_lifecycle`: such a chaincode has an implicit collection for each
        organization. Without a policy, the channel's own applies."""
        return self._deploy("deploy_by_lifecycle", name, component, collections, indexes, policy)

    def evaluate(self, chaincode, function, *args, **options):
        """Calls a function and returns its answer without a commit. Fails if the answer is an
        error.

        Options are the caller's `org` and `user`, `transient`, a dict, `timestamp` and `nonce`.
        """
        return self._call("evaluate", chaincode, function, args, **options)

    def submit(self, chaincode, function, *args, **options):
        """Calls a function, orders the transaction and commits it. Fails if it is refused or not
        valid."""
        return self._call("submit", chaincode, function, args, **options)

    def endorse(self, chaincode, function, *args, **options):
        """Endorses a call; an error status is not an error. `commit` accepts the result."""
        return self._call("endorse", chaincode, function, args, **options)

    def assert_deterministic(self, chaincode, function, *args, **options):
        """As `endorse`, in several runs with other random numbers, clocks and memory. Fails with
        the first difference."""
        return self._call("assert_deterministic", chaincode, function, args, **options)

    def endorse_also(self, org, *endorsed):
        """The peer of another organization endorses the same calls."""
        self._ask("endorse_also", {"org": org, "endorsed": [one.kept for one in endorsed]})

    def commit(self, *endorsed):
        """Commits endorsements in one block, in this order; returns the outcome of each."""
        return self._ask("commit", {"endorsed": [one.kept for one in endorsed]})

    def height(self):
        """Returns the number of blocks of the channel."""
        return self._ask("height", {})

    def get_state(self, name, key):
        """Returns the value of a key in a chaincode's namespace; None if it does not exist."""
        answer, blobs = self._link.ask("get_state", self._number, {"name": name, "key": key}, [])
        return None if answer is None else blobs[answer]

    def close(self):
        """Frees the sandbox's resources."""
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
    """Builds the contract in `folder` and returns its component. Under `wasmcc test` it is already
    built."""
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
    # A text is a sequence, too: of its characters.
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
