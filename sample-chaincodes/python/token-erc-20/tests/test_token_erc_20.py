import json

import pytest

from token_erc_20 import TokenERC20
from wasmcc import ContractError
from wasmcc.mock import MockLedger


@pytest.fixture
def ledger():
    ledger = MockLedger(TokenERC20)
    assert ledger.submit("Initialize", "some name", "SYM", "2").text() == "true"
    ledger.submit("Mint", "1000")
    return ledger


def account(ledger, msp_id, name="User1"):
    ledger.client(msp_id, name)
    return ledger.evaluate("ClientAccountID").text()


def balances(ledger, *accounts):
    return [int(ledger.evaluate("BalanceOf", one).text()) for one in accounts]


def refused(ledger, *call):
    with pytest.raises(ContractError) as caught:
        ledger.submit(*call)
    return str(caught.value)


def test_the_options_are_set_once_and_by_the_central_banker(ledger):
    assert ledger.evaluate("Name").text() == "some name"
    assert ledger.evaluate("Symbol").text() == "SYM"
    assert "already set" in refused(ledger, "Initialize", "a", "b", "c")
    ledger.client("Org2MSP")
    assert refused(ledger, "Initialize", "a", "b", "c") == (
        "client is not authorized to initialize contract"
    )
    assert "call Initialize() to initialize contract" in refused(MockLedger(TokenERC20), "Name")


def test_tokens_are_minted_and_burnt(ledger):
    burnt = ledger.submit("Burn", "100")
    assert burnt.event.name == "Transfer"
    assert json.loads(burnt.event.payload)["to"] == "0x0"
    assert ledger.evaluate("TotalSupply").text() == "900"
    assert ledger.evaluate("ClientAccountBalance").text() == "900"
    assert refused(ledger, "Mint", "0") == "mint amount must be a positive integer"
    assert refused(ledger, "Burn", "-1") == "burn amount must be a positive integer"
    assert "addition overflow occurred" in refused(ledger, "Mint", str((1 << 63) - 1))
    assert "Subtraction overflow occurred" in refused(ledger, "Burn", "901")
    ledger.client("Org2MSP")
    assert refused(ledger, "Mint", "1") == "client is not authorized to mint new tokens"


def test_tokens_are_transferred(ledger):
    bob, ann = account(ledger, "Org2MSP"), account(ledger, "Org1MSP")
    paid = ledger.submit("Transfer", bob, "300")
    assert json.loads(paid.event.payload) == {"from": ann, "to": bob, "value": 300}
    assert balances(ledger, ann, bob) == [700, 300]
    same = "failed to transfer: cannot transfer to and from same client account"
    assert refused(ledger, "Transfer", ann, "1") == same
    assert "insufficient funds" in refused(ledger, "Transfer", bob, "701")
    assert "cannot be negative" in refused(ledger, "Transfer", bob, "-1")
    account(ledger, "Org2MSP", "User2")
    assert "has no balance" in refused(ledger, "Transfer", bob, "1")
    assert "does not exist" in refused(ledger, "BalanceOf", "nobody")


def test_a_spender_withdraws_what_was_approved(ledger):
    spender, ann = account(ledger, "Org2MSP", "spender"), account(ledger, "Org1MSP")
    ledger.submit("Approve", spender, "50")
    assert ledger.evaluate("Allowance", ann, spender).text() == "50"
    ledger.client("Org2MSP", "spender")
    ledger.submit("TransferFrom", ann, spender, "20")
    assert ledger.evaluate("Allowance", ann, spender).text() == "30"
    assert balances(ledger, ann, spender) == [980, 20]
    assert refused(ledger, "TransferFrom", ann, spender, "31") == (
        "spender does not have enough allowance for transfer"
    )
