import pytest

from asset_transfer_basic import AssetTransfer
from wasmcc import ContractError
from wasmcc.mock import MockLedger


@pytest.fixture
def ledger():
    ledger = MockLedger(AssetTransfer)
    ledger.submit("InitLedger")
    return ledger


def test_the_ledger_begins_with_six_assets(ledger):
    assets = ledger.evaluate("GetAllAssets").json()
    assert [asset["ID"] for asset in assets] == [f"asset{number}" for number in range(1, 7)]
    assert ledger.evaluate("ReadAsset", "asset1").text() == (
        '{"AppraisedValue":300,"Color":"blue","ID":"asset1","Owner":"Tomoko","Size":5}'
    )


def test_an_asset_is_created_updated_and_deleted(ledger):
    ledger.submit("CreateAsset", "a", "red", "7", "Ann", "9")
    assert ledger.evaluate("AssetExists", "a").text() == "true"
    ledger.submit("UpdateAsset", "a", "blue", "8", "Bob", "10")
    assert ledger.evaluate("ReadAsset", "a").json()["Color"] == "blue"
    ledger.submit("DeleteAsset", "a")
    assert ledger.evaluate("AssetExists", "a").text() == "false"


def test_a_transfer_returns_the_old_owner(ledger):
    assert ledger.submit("TransferAsset", "asset1", "Ann").text() == "Tomoko"
    assert ledger.evaluate("ReadAsset", "asset1").json()["Owner"] == "Ann"


@pytest.mark.parametrize(
    "call, message",
    [
        (("CreateAsset", "asset1", "x", "1", "y", "1"), "the asset asset1 already exists"),
        (("ReadAsset", "a"), "the asset a does not exist"),
        (("UpdateAsset", "a", "x", "1", "y", "1"), "the asset a does not exist"),
        (("DeleteAsset", "a"), "the asset a does not exist"),
        (("TransferAsset", "a", "x"), "the asset a does not exist"),
    ],
)
def test_refusals_have_the_texts_of_the_sample(ledger, call, message):
    with pytest.raises(ContractError, match=f"^{message}$"):
        ledger.submit(*call)
