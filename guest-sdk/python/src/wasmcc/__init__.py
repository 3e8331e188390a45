"""Chaincodes for Hyperledger Fabric in Python.

    from wasmcc import Context, Contract, ContractError, evaluate, transaction

    class Assets(Contract):
        @transaction
        def create_asset(self, ctx: Context, id: str, value: int):
            ctx.put(id, {"ID": id, "Value": value})

`wasmcc build` compiles it to a WebAssembly component.
"""

from .chaincode import Chaincode
from .codecs import member, read_json, write_json
from .context import Context
from .contract import Contract, evaluate, submit, transaction
from .errors import ContractError, Defect, PeerError
from .identity import ClientIdentity
from .policy import Policy, Role
from .response import Response
from .rows import KeyModification, KeyValue, Page
from .stub import ChaincodeStub
from .timestamp import Timestamp
from .version import VERSION as __version__

__all__ = [
    "Chaincode",
    "ChaincodeStub",
    "ClientIdentity",
    "Context",
    "Contract",
    "ContractError",
    "Defect",
    "KeyModification",
    "KeyValue",
    "Page",
    "PeerError",
    "Policy",
    "Response",
    "Role",
    "Timestamp",
    "__version__",
    "evaluate",
    "member",
    "read_json",
    "submit",
    "transaction",
    "write_json",
]
