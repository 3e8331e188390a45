import json

import pytest

from asset_transfer_events import AssetTransferEvents
from wasmcc import ContractError
from wasmcc.mock import MockLedger

SECRET = '{"price":90}'


@pytest.fixture
def ledger():
    ledger = MockLedger(AssetTransferEvents)
    transient = {"asset_properties": SECRET}
    ledger.submit("CreateAsset", "a", "blue", "5", "Sam", "50", transient=transient)
    return ledger


def test_every_change_is_announced(ledger):
    for call, event, owner in [
        (("TransferAsset", "a", "Ann"), "TransferAsset", "Ann"),
        (("UpdateAsset", "a", "red", "6", "Bob", "60"), "UpdateAsset", "Bob"),
        (("DeleteAsset", "a"), "DeleteAsset", "Bob"),
    ]:
        announced = ledger.submit(*call).event
        assert (announced.name, json.loads(announced.payload)["Owner"]) == (event, owner)
    with pytest.raises(ContractError, match="^The asset a does not exist$"):
        ledger.evaluate("ReadAsset", "a")


def test_properties_are_private_to_the_organization(ledger):
    assert ledger.get_state("a", collection="_implicit_org_Org1MSP") == SECRET.encode()
    assert ledger.evaluate("ReadAsset", "a").json()["asset_properties"] == {"price": 90}
    ledger.client("Org2MSP")
    assert "asset_properties" not in ledger.evaluate("ReadAsset", "a").json()
    ledger.client("Org1MSP").submit("DeleteAsset", "a")
    assert ledger.get_state("a", collection="_implicit_org_Org1MSP") is None
