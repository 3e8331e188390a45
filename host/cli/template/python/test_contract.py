"""Native tests on the SDK's mock ledger, the fastest ones. test_sandbox.py tests the component."""

import pytest

from contract import AssetTransfer
from wasmcc import ContractError
from wasmcc.mock import MockLedger


@pytest.fixture
def ledger():
    """A ledger with one asset."""
    ledger = MockLedger(AssetTransfer)
    ledger.submit("CreateAsset", "asset1", "blue", 300)
    return ledger


def test_a_created_asset_belongs_to_the_callers_organization(ledger):
    asset = ledger.evaluate("ReadAsset", "asset1").json()
    assert (asset["Owner"], asset["AppraisedValue"]) == ("Org1MSP", 300)
    with pytest.raises(ContractError, match="the asset asset1 already exists") as refused:
        ledger.submit("CreateAsset", "asset1", "red", 1)
    assert refused.value.status == 409


def test_only_its_owner_transfers_an_asset(ledger):
    assert ledger.submit("TransferAsset", "asset1", "Org2MSP").text() == "Org1MSP"
    with pytest.raises(ContractError, match="the asset asset1 belongs to Org2MSP"):
        ledger.submit("TransferAsset", "asset1", "Org1MSP")
    ledger.client("Org2MSP", "ann")
    ledger.submit("TransferAsset", "asset1", "Org1MSP")


def test_a_deleted_asset_is_gone(ledger):
    ledger.submit("DeleteAsset", "asset1")
    assert ledger.evaluate("GetAllAssets").text() == "[]"
    with pytest.raises(ContractError, match="does not exist"):
        ledger.evaluate("ReadAsset", "asset1")
