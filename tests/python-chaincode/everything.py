"""The chaincodes `probe` and `records` of tests/chaincodes in one component. Names with a capital
letter are functions of the contract, all others operations of the probe."""

from functions import FUNCTIONS
from probe import Probe
from records import Records
from wasmcc import Chaincode
from wasmcc.chaincode import Contracts


class Everything(Chaincode):
    def __init__(self):
        self.contracts = Contracts([Records])
        self.probe = Probe(FUNCTIONS)

    def _of(self, stub):
        name, _ = stub.get_function_and_parameters()
        is_contract = not name or ":" in name or name[:1].isupper()
        return self.contracts if is_contract else self.probe

    def init(self, stub):
        return self._of(stub).init(stub)

    def invoke(self, stub):
        return self._of(stub).invoke(stub)
