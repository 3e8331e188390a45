"""Fungible tokens after ERC-20, in Python.

Names, JSON and messages are those of `token-erc-20` in fabric-samples. An account is the id of a
client; the first organization mints.
"""

import logging

from wasmcc import Context, Contract, ContractError, evaluate, transaction, write_json

NAME, SYMBOL, DECIMALS, TOTAL_SUPPLY = "name", "symbol", "decimals", "totalSupply"
ALLOWANCE = "allowance"
CENTRAL_BANKER = "Org1MSP"
# The sender of minted tokens and the recipient of burned ones, in events.
NOBODY = "0x0"
# The sample in Go uses 64-bit integers.
LARGEST = (1 << 63) - 1
LOG = logging.getLogger(__name__)


class TokenERC20(Contract, name="SmartContract", version="1.0.0"):
    """Fungible tokens with balances, transfers and allowances."""

    @transaction
    def initialize(self, ctx: Context, name: str, symbol: str, decimals: str) -> bool:
        """Sets the options of the token, once."""
        if ctx.client_identity.get_msp_id() != CENTRAL_BANKER:
            raise ContractError("client is not authorized to initialize contract")
        if ctx.stub.get_state(NAME) is not None:
            raise ContractError(
                "contract options are already set, client is not authorized to change them"
            )
        for key, value in ((NAME, name), (SYMBOL, symbol), (DECIMALS, decimals)):
            ctx.stub.put_state(key, value)
        return True

    @transaction
    def mint(self, ctx: Context, amount: int) -> None:
        """Adds new tokens to the caller's account."""
        minter = banker(ctx)
        if amount <= 0:
            raise ContractError("mint amount must be a positive integer")
        change(ctx, minter, add(number(ctx, minter) or 0, amount))
        change(ctx, TOTAL_SUPPLY, add(number(ctx, TOTAL_SUPPLY) or 0, amount))
        announce(ctx, "Transfer", NOBODY, minter, amount)

    @transaction
    def burn(self, ctx: Context, amount: int) -> None:
        """Destroys tokens of the caller's account."""
        minter = banker(ctx)
        if amount <= 0:
            raise ContractError("burn amount must be a positive integer")
        balance = number(ctx, minter)
        if balance is None:
            raise ContractError("The balance does not exist")
        change(ctx, minter, subtract(balance, amount))
        supply = number(ctx, TOTAL_SUPPLY)
        if supply is None:
            raise ContractError("totalSupply does not exist")
        change(ctx, TOTAL_SUPPLY, subtract(supply, amount))
        announce(ctx, "Transfer", minter, NOBODY, amount)

    @transaction
    def transfer(self, ctx: Context, recipient: str, amount: int) -> None:
        """Pays from the caller's account."""
        must_be_initialized(ctx)
        payer = ctx.client_identity.get_id()
        pay(ctx, payer, recipient, amount)
        announce(ctx, "Transfer", payer, recipient, amount)

    @transaction
    def approve(self, ctx: Context, spender: str, value: int) -> None:
        """Lets another client withdraw from the caller's account."""
        must_be_initialized(ctx)
        owner = ctx.client_identity.get_id()
        change(ctx, allowance_key(ctx, owner, spender), value)
        announce(ctx, "Approval", owner, spender, value)

    @transaction
    def transfer_from(self, ctx: Context, from_: str, to: str, value: int) -> None:
        """Pays from an account that lets the caller withdraw."""
        must_be_initialized(ctx)
        key = allowance_key(ctx, from_, ctx.client_identity.get_id())
        allowance = number(ctx, key) or 0
        if allowance < value:
            raise ContractError("spender does not have enough allowance for transfer")
        pay(ctx, from_, to, value)
        change(ctx, key, subtract(allowance, value))
        announce(ctx, "Transfer", from_, to, value)

    @evaluate
    def allowance(self, ctx: Context, owner: str, spender: str) -> int:
        """Returns the amount that a client may still withdraw from an account."""
        must_be_initialized(ctx)
        return number(ctx, allowance_key(ctx, owner, spender)) or 0

    @evaluate
    def balance_of(self, ctx: Context, account: str) -> int:
        """Returns the balance of an account."""
        must_be_initialized(ctx)
        return existing_balance(ctx, account)

    @evaluate
    def client_account_balance(self, ctx: Context) -> int:
        """Returns the balance of the caller."""
        must_be_initialized(ctx)
        return existing_balance(ctx, ctx.client_identity.get_id())

    @evaluate(name="ClientAccountID")
    def client_account_id(self, ctx: Context) -> str:
        """Returns the account of the caller, which payers need."""
        must_be_initialized(ctx)
        return ctx.client_identity.get_id()

    @evaluate
    def total_supply(self, ctx: Context) -> int:
        """Returns the number of all tokens."""
        must_be_initialized(ctx)
        return number(ctx, TOTAL_SUPPLY) or 0

    @evaluate
    def name(self, ctx: Context) -> str:
        """Returns the name of the token."""
        must_be_initialized(ctx)
        return ctx.stub.get_state(NAME).decode()

    @evaluate
    def symbol(self, ctx: Context) -> str:
        """Returns the symbol of the token."""
        must_be_initialized(ctx)
        return (ctx.stub.get_state(SYMBOL) or b"").decode()


def must_be_initialized(ctx):
    if ctx.stub.get_state(NAME) is None:
        raise ContractError(
            "Contract options need to be set before calling any function, call Initialize() to "
            "initialize contract"
        )


def banker(ctx):
    """Returns the account of the caller if it may mint and burn."""
    must_be_initialized(ctx)
    if ctx.client_identity.get_msp_id() != CENTRAL_BANKER:
        raise ContractError("client is not authorized to mint new tokens")
    return ctx.client_identity.get_id()


def allowance_key(ctx, owner, spender):
    return ctx.stub.create_composite_key(ALLOWANCE, [owner, spender])


def number(ctx, key):
    value = ctx.stub.get_state(key)
    return None if value is None else int(value)


def change(ctx, key, value):
    ctx.stub.put_state(key, str(value))
    LOG.info("%r is now %d", key, value)


def existing_balance(ctx, account):
    balance = number(ctx, account)
    if balance is None:
        raise ContractError(f"the account {account} does not exist")
    return balance


def pay(ctx, payer, payee, value):
    try:
        if payer == payee:
            raise ContractError("cannot transfer to and from same client account")
        if value < 0:
            raise ContractError("transfer amount cannot be negative")
        balance = number(ctx, payer)
        if balance is None:
            raise ContractError(f"client account {payer} has no balance")
        if balance < value:
            raise ContractError(f"client account {payer} has insufficient funds")
        other = number(ctx, payee) or 0
        change(ctx, payer, subtract(balance, value))
        change(ctx, payee, add(other, value))
    except ContractError as error:
        raise ContractError(f"failed to transfer: {error}") from None


def add(one, other):
    if one + other > LARGEST:
        raise ContractError(f"Math: addition overflow occurred {one} + {other}")
    return one + other


def subtract(one, other):
    if other > one:
        raise ContractError(f"Math: Subtraction overflow occurred  {one} - {other}")
    return one - other


def announce(ctx, event, from_, to, value):
    ctx.stub.set_event(event, write_json({"from": from_, "to": to, "value": value}))
