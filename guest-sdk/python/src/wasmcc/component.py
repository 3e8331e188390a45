"""The exports of a component for a contract's module. Runs while the component is built: objects
made here are part of the component, and each transaction starts with a fresh copy of them."""

import sys

from . import bindings, logs, policy_text  # noqa: F401  There are no files later.
from .chaincode import Chaincode, Contracts
from .contract import Contract
from .errors import Defect
from .response import Response
from .stub import ChaincodeStub
from .trace import keep_source, refusal_of


def chaincode_of(module):
    """Returns the chaincode of a module: its list `contracts`, or its `Chaincode`, or all contract
    classes in it, including imported ones. The first contract is the default."""
    members = vars(module)
    if "contracts" in members:
        return Contracts(members["contracts"])
    classes = [one for one in members.values() if isinstance(one, type)]
    own = (Chaincode, Contracts, Contract)
    shims = [one for one in classes if issubclass(one, Chaincode) and one not in own]
    contracts = [one for one in classes if issubclass(one, Contract) and one not in own]
    # Imported ones only serve to be called.
    shims = [one for one in shims if one.__module__ == module.__name__] or shims
    if len(shims) > 1:
        raise Defect(f"{module.__name__} has several classes of Chaincode")
    if shims:
        return shims[0]()
    bases = {base for one in contracts for base in one.__mro__[1:]}
    leaves = [one for one in dict.fromkeys(contracts) if one not in bases]
    if not leaves:
        raise Defect(
            f"{module.__name__} has no contract: write `class Assets(Contract):` with functions "
            "below @transaction, or name another module in pyproject.toml: [tool.wasmcc], "
            'module = "..."'
        )
    return Contracts(leaves)


def answer(function, wit, caught=BaseException):
    """Runs `init` or `invoke` of a chaincode; an exception becomes a refusal."""
    try:
        response = function(ChaincodeStub(wit))
    except MemoryError:
        # Ends the transaction: there may be no memory for an answer.
        raise
    except caught as error:
        return refusal_of(error)
    if not isinstance(response, Response):
        return Response.error(f"the chaincode returned {type(response).__name__}, not a Response")
    return response


def export(module):
    """Returns the class that componentize-py searches for: the exported interface."""
    wit = bindings.of_component()
    logs.install(wit)
    chaincode = chaincode_of(module)
    keep_source(_sources(module))
    # None if neither the contract nor its packages use it.
    random = sys.modules.get("random")

    class Component:
        """Handles the two calls of the peer."""

        def init(self):
            return self._answer(chaincode.init)

        def invoke(self):
            return self._answer(chaincode.invoke)

        def _answer(self, function):
            if random:
                # Its seed is still that of the build.
                random.seed()
            response = answer(function, wit)
            return wit.response(response.status, response.message, response.payload)

    return Component


def _sources(contract):
    """Returns the files of the contract's modules. The requirements' sources are only read when
    they are shown, because refusals are more frequent."""
    # The folder that componentize-py received for them.
    root = contract.__file__.split("/")[:2]
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None) or ""
        is_own = path.split("/")[:2] == root and name.partition(".")[0] != __package__
        if is_own and path.endswith(".py"):
            yield path
