"""The metadata of a chaincode, the answer to `org.hyperledger.fabric:GetMetadata`.

It has the form of Fabric's contract API: `info`, `contracts` with their transactions, and in
`components.schemas` the dataclasses that their types use.
"""

from .codecs import description_of
from .version import VERSION

# The system contract, which every chaincode has.
SYSTEM_CONTRACT = "org.hyperledger.fabric"
# The URL of the document's schema, as Fabric's libraries write it.
_SCHEMA = "https://hyperledger.github.io/fabric-chaincode-node/release-2.1/api/contract-schema.json"
_COMPONENTS = "#/components/schemas/"


class Schemas:
    """The classes found while describing a chaincode. Each has a unique name."""

    def __init__(self):
        self.components = {}
        self._names = {}
        self._depth = 0

    def refer(self, of, describe):
        """Returns a reference to a class; `describe` makes its schema at the first call."""
        if of not in self._names:
            name, number = of.__name__, 2
            while name in self.components:
                name, number = f"{of.__name__}{number}", number + 1
            self._names[of] = name
            # Registered first: a recursive class is found again while it is described.
            self.components[name] = None
            self._depth += 1
            schema = describe(self)
            self._depth -= 1
            self.components[name] = {**schema, "$id": name}
        # Fabric's convention: the bare name within components, the path elsewhere.
        return {"$ref": ("" if self._depth else _COMPONENTS) + self._names[of]}


def describe(contracts):
    """Returns the metadata of contracts and their transactions. Title and version are those of the
    first contract, which is the default."""
    schemas, by_name = Schemas(), {}
    for index, (contract, transactions) in enumerate(contracts):
        info = {"title": contract.contract_name, "version": contract.contract_version}
        by_name[contract.contract_name] = {
            "name": contract.contract_name,
            "info": _described(info, description_of(type(contract))),
            "default": index == 0,
            "transactions": [_transaction(one, schemas) for one in transactions.values()],
        }
    by_name[SYSTEM_CONTRACT] = {
        "name": SYSTEM_CONTRACT,
        "info": {"title": SYSTEM_CONTRACT, "version": VERSION},
        "default": False,
        "transactions": [
            {"name": "GetMetadata", "tag": _tag(True), "returns": {"type": "string"}}
        ],
    }
    first = contracts[0][0]
    return {
        "$schema": _SCHEMA,
        "info": {"title": first.contract_name, "version": first.contract_version},
        "contracts": by_name,
        "components": {"schemas": schemas.components},
    }


def _transaction(one, schemas):
    json = {"name": one.name, "tag": _tag(one.is_evaluate)}
    parameters = []
    for index, parameter in enumerate(one.parameters):
        required = index < one.required
        schema = parameter.codec.schema(schemas)
        described = {"name": parameter.name, "required": required, "schema": schema}
        parameters.append(_described(described, parameter.words))
    if parameters:
        json["parameters"] = parameters
    returns = one.returns.schema(schemas) if one.returns else None
    if returns is not None:
        json["returns"] = returns
    return _described(json, one.description)


def _tag(is_evaluate):
    return ["evaluate", "EVALUATE"] if is_evaluate else ["submit", "SUBMIT"]


def _described(json, words):
    return {**json, "description": words} if words else json
