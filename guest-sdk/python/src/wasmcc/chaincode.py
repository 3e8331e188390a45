"""Chaincodes, which components run.

Order and texts of the routing are those of fabric-contract-api-go,
contractapi/contract_chaincode.go.
"""

from . import canonical, metadata
from .codecs import Anything, Mismatch
from .contract import Contract, capitalized, transactions_of
from .errors import ContractError, Defect
from .response import Response


class Chaincode:
    """The two functions of Fabric's shim, for chaincodes that read their arguments themselves. Most
    chaincodes should use `Contract`."""

    def init(self, stub):
        """Runs when the chaincode is instantiated or upgraded. A status of 500 or more refuses
        that."""
        return Response.success()

    def invoke(self, stub):
        """Runs for every other proposal and returns a `Response`."""
        raise NotImplementedError


class Contracts(Chaincode):
    """A chaincode that consists of several contracts; the first one is the default.

    The first argument of a call is `Contract:Function`, split at the last colon. Without a colon it
    is a function of the default contract. Clients may write `CreateAsset` or `createAsset`.
    """

    def __init__(self, contracts):
        made = [one() if isinstance(one, type) else one for one in contracts]
        for one in made:
            if not isinstance(one, Contract):
                raise Defect(f"{one!r} is not a Contract")
        names = [one.contract_name for one in made]
        for name in names:
            if names.count(name) > 1 or name == metadata.SYSTEM_CONTRACT:
                raise Defect(f"two contracts have the name {name}")
        if not made:
            raise Defect("there is no contract")
        self._contracts = [(one, transactions_of(one)) for one in made]
        self._by_name = {one.contract_name: (one, known) for one, known in self._contracts}
        # Made now, so that defects of the types are found before the chaincode runs.
        self.metadata = canonical.dumps(metadata.describe(self._contracts))

    def init(self, stub):
        """Succeeds without arguments, as in Fabric."""
        args = stub.get_args()
        if not args or not args[0]:
            return Response.success("Default initiator successful.")
        return self.invoke(stub)

    def invoke(self, stub):
        """Runs the function; an exception becomes a refusal."""
        called, *args = stub.get_args() or [b""]
        name, colon, function = called.decode("utf-8", "replace").rpartition(":")
        if name == metadata.SYSTEM_CONTRACT and capitalized(function) == "GetMetadata":
            return Response.success(self.metadata)
        found = self._by_name.get(name) if colon else self._contracts[0]
        if found is None:
            raise ContractError(f"Contract not found with name {name}")
        if not function:
            raise ContractError("Blank function name passed")
        contract, known = found
        ctx = contract.context_class(stub)
        contract.before_transaction(ctx)
        one = known.get(capitalized(function))
        if one is None:
            result = contract.unknown_transaction(ctx)
            payload = _encoded(result)
        else:
            result = one.function(contract, ctx, *one.arguments(args))
            payload = one.payload(result)
        contract.after_transaction(ctx, result)
        return Response(200, "", payload)


def _encoded(result):
    """Returns the payload of a result without a type hint."""
    try:
        return Anything().encode(result)
    except Mismatch as mismatch:
        raise ContractError(str(mismatch)) from None
