import json

import pytest

from asset_transfer_private_data import AssetTransfer
from wasmcc import ContractError
from wasmcc.mock import MockLedger

ASSET = {"objectType": "asset", "assetID": "a", "color": "green", "size": 20}


def send(ledger, msp_id, function, name, **members):
    ledger.client(msp_id)
    ledger.peer_msp_id = msp_id
    return ledger.submit(function, transient={name: members})


def create(ledger, **members):
    return send(ledger, "Org1MSP", "CreateAsset", "asset_properties", **{**ASSET, **members})


@pytest.fixture
def ledger():
    ledger = MockLedger(AssetTransfer)
    create(ledger, appraisedValue=100)
    return ledger


def test_an_asset_and_its_value_are_in_two_collections(ledger):
    asset = ledger.evaluate("ReadAsset", "a").json()
    assert asset["owner"].startswith("x509::CN=User1,")
    details = ledger.evaluate("ReadAssetPrivateDetails", "Org1MSPPrivateCollection", "a")
    assert details.text() == '{"appraisedValue":100,"assetID":"a"}'
    assert ledger.evaluate("ReadAsset", "b").text() == ""
    assert ledger.state.get(("contract", "")) is None


def test_an_asset_goes_to_a_buyer_that_agreed_to_its_value(ledger):
    send(ledger, "Org2MSP", "AgreeToTransfer", "asset_value", assetID="a", appraisedValue=100)
    # The bytes are compared; the owner's are canonical JSON.
    ledger.client("Org2MSP")
    agreement = ledger.evaluate("ReadTransferAgreement", "a").json()
    send(ledger, "Org1MSP", "TransferAsset", "asset_owner", assetID="a", buyerMSP="Org2MSP")
    assert ledger.evaluate("ReadAsset", "a").json()["owner"] == agreement["buyerID"]
    assert ledger.evaluate("ReadTransferAgreement", "a").text() == ""
    assert ledger.get_state("a", collection="Org1MSPPrivateCollection") is None


def test_a_buyer_that_agreed_to_another_value_gets_nothing(ledger):
    send(ledger, "Org2MSP", "AgreeToTransfer", "asset_value", assetID="a", appraisedValue=99)
    with pytest.raises(ContractError, match="failed transfer verification: hash for appraised"):
        send(ledger, "Org1MSP", "TransferAsset", "asset_owner", assetID="a", buyerMSP="Org2MSP")
    send(ledger, "Org2MSP", "DeleteTranferAgreement", "agreement_delete", assetID="a")
    with pytest.raises(ContractError, match="AgreeToTransfer must be called by the buyer first"):
        send(ledger, "Org1MSP", "TransferAsset", "asset_owner", assetID="a", buyerMSP="Org2MSP")


@pytest.mark.parametrize(
    "members, message",
    [
        ({"objectType": ""}, "objectType field must be a non-empty string"),
        ({"assetID": ""}, "assetID field must be a non-empty string"),
        ({"color": ""}, "color field must be a non-empty string"),
        ({"size": 0}, "size field must be a positive integer"),
        ({}, "appraisedValue field must be a positive integer"),
        ({"appraisedValue": 1}, "this asset already exists: a"),
        ({"size": "x"}, "failed to unmarshal JSON: expected an integer as size"),
    ],
)
def test_what_is_wrong_with_a_new_asset_is_said(ledger, members, message):
    with pytest.raises(ContractError, match=f"^{message}$"):
        create(ledger, **members)


def test_missing_transient_data_are_named(ledger):
    for function, message in [
        ("CreateAsset", "asset not found in the transient map input"),
        ("AgreeToTransfer", "asset_value key not found in the transient map"),
        ("TransferAsset", "asset owner not found in the transient map"),
        ("DeleteAsset", "asset to delete not found in the transient map"),
        ("PurgeAsset", "asset to purge not found in the transient map"),
        ("DeleteTranferAgreement", "asset to delete not found in the transient map"),
    ]:
        with pytest.raises(ContractError, match=f"^{message}$"):
            ledger.submit(function)


def test_a_client_has_only_the_peers_of_its_organization_write(ledger):
    ledger.client("Org2MSP")
    value = json.dumps({"assetID": "a", "appraisedValue": 100})
    with pytest.raises(ContractError, match="client from org Org2MSP is not authorized to read or"):
        ledger.submit("AgreeToTransfer", transient={"asset_value": value})


def test_assets_are_found_deleted_and_purged(ledger):
    create(ledger, assetID="b", appraisedValue=5)
    assets = ledger.evaluate("GetAssetByRange", "a", "c").json()
    assert [asset["assetID"] for asset in assets] == ["a", "b"]
    owner = assets[0]["owner"]
    assert len(ledger.evaluate("QueryAssetByOwner", "asset", owner).json()) == 2
    assert ledger.evaluate("QueryAssets", '{"selector":{"size":1}}').text() == "[]"
    send(ledger, "Org1MSP", "DeleteAsset", "asset_delete", assetID="a")
    send(ledger, "Org1MSP", "PurgeAsset", "asset_purge", assetID="b")
    assert ledger.evaluate("GetAssetByRange", "", "").text() == "[]"
    with pytest.raises(ContractError, match="^asset not found: a$"):
        send(ledger, "Org1MSP", "DeleteAsset", "asset_delete", assetID="a")
