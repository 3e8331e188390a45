"""Tests the component on a complete peer, from the build to the commit of transactions."""

from pathlib import Path

import pytest

from wasmcc.test import Sandbox, SandboxError, build

CHAINCODE = "my-contract"


@pytest.fixture(scope="session")
def component():
    return build(Path(__file__).parent.parent)


@pytest.fixture
def sandbox(component):
    """A channel of two organizations with the contract and one asset. Each test has its own."""
    with Sandbox(orgs=2) as sandbox:
        sandbox.deploy(CHAINCODE, component)
        sandbox.submit(CHAINCODE, "CreateAsset", "asset1", "blue", 300)
        yield sandbox


def owner(sandbox, id):
    return sandbox.evaluate(CHAINCODE, "ReadAsset", id).json()["Owner"]


def test_an_asset_goes_from_one_organization_to_another(sandbox):
    transferred = sandbox.submit(CHAINCODE, "TransferAsset", "asset1", "Org2MSP")
    assert transferred.text() == "Org1MSP", "it returns the old owner"
    assert owner(sandbox, "asset1") == "Org2MSP"
    # A client of the other organization.
    sandbox.submit(CHAINCODE, "TransferAsset", "asset1", "Org1MSP", org="Org2MSP")
    assert owner(sandbox, "asset1") == "Org1MSP"


def test_of_two_transfers_at_the_same_time_the_second_is_not_valid(sandbox):
    # Both are endorsed on the same state, then ordered into one block.
    first = sandbox.endorse(CHAINCODE, "TransferAsset", "asset1", "Org2MSP")
    second = sandbox.endorse(CHAINCODE, "TransferAsset", "asset1", "Org3MSP")
    one, two = sandbox.commit(first, second)
    assert (one.code, two.code) == ("VALID", "MVCC_READ_CONFLICT")
    assert owner(sandbox, "asset1") == "Org2MSP"


def test_what_the_contract_refuses_is_not_committed(sandbox):
    height = sandbox.height()
    with pytest.raises(SandboxError, match="the asset asset1 belongs to Org1MSP") as refused:
        sandbox.submit(CHAINCODE, "DeleteAsset", "asset1", org="Org2MSP")
    assert (refused.value.kind, refused.value.response.status) == ("refused", 403)
    assert sandbox.height() == height


def test_a_new_asset_is_written_as_json_and_announced(sandbox):
    endorsed = sandbox.endorse(CHAINCODE, "CreateAsset", "asset2", "red", 7)
    [write] = endorsed.rwset[CHAINCODE].writes
    assert write.value == b'{"AppraisedValue":7,"Color":"red","ID":"asset2","Owner":"Org1MSP"}'
    assert endorsed.event.name == "CreateAsset"
