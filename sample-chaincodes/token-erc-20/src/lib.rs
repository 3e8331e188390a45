//! Fungible tokens: clients have balances, transfer tokens, and allow others to spend some.
//!
//! Names, JSON and messages are those of `token-erc-20` in fabric-samples.
//!
//! Invariant: the balances of all accounts add up to the total supply. An account is the id of a
//! client, and its balance is a decimal number under that key.

mod amount;
mod options;

use amount::{add, read, sub, write};
use serde::{Deserialize, Serialize};
use wasmcc_sdk::{Context, Error, Result, contract};

/// The organization that sets the contract up, mints and burns.
const CENTRAL_BANKER: &str = "Org1MSP";
/// The key of the number of all tokens.
const TOTAL_SUPPLY: &str = "totalSupply";
/// The object type of allowance keys; owner and spender follow.
const ALLOWANCE: &str = "allowance";
/// The sender of minted tokens and the recipient of burned ones, in events.
const NOBODY: &str = "0x0";

/// The payload of the events `Transfer` and `Approval`.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The owner of the tokens, or their previous owner.
    pub from: String,
    /// Their recipient or spender.
    pub to: String,
    /// Their number.
    pub value: i64,
}

/// The contract.
pub struct TokenErc20;

#[contract(name = "TokenERC20Contract", version = "1.0.0")]
impl TokenErc20 {
    /// Sets name, symbol and decimals of the token, once. Only for clients of the central banker.
    #[transaction]
    fn initialize(&self, ctx: &Context, name: &str, symbol: &str, decimals: &str) -> Result<bool> {
        if ctx.client_identity()?.msp_id() != CENTRAL_BANKER {
            return Err(Error::internal("client is not authorized to initialize contract"));
        }
        options::set(ctx, name, symbol, decimals)?;
        Ok(true)
    }

    /// Adds new tokens to the client's account. Only for clients of the central banker.
    #[transaction]
    fn mint(&self, ctx: &Context, amount: i64) -> Result<()> {
        let minter = central_banker(ctx)?;
        if amount <= 0 {
            return Err(Error::internal("mint amount must be a positive integer"));
        }
        let balance = read(ctx, &minter)?.unwrap_or(0);
        write(ctx, &minter, add(balance, amount)?)?;
        let supply = read(ctx, TOTAL_SUPPLY)?.unwrap_or(0);
        write(ctx, TOTAL_SUPPLY, add(supply, amount)?)?;
        announce(ctx, "Transfer", NOBODY, &minter, amount)
    }

    /// Destroys tokens of the client's account. Only for clients of the central banker.
    #[transaction]
    fn burn(&self, ctx: &Context, amount: i64) -> Result<()> {
        let minter = central_banker(ctx)?;
        if amount <= 0 {
            return Err(Error::internal("burn amount must be a positive integer"));
        }
        let balance = read(ctx, &minter)?;
        let balance = balance.ok_or_else(|| Error::internal("The balance does not exist"))?;
        write(ctx, &minter, sub(balance, amount)?)?;
        let supply = read(ctx, TOTAL_SUPPLY)?;
        let supply = supply.ok_or_else(|| Error::internal("totalSupply does not exist"))?;
        write(ctx, TOTAL_SUPPLY, sub(supply, amount)?)?;
        announce(ctx, "Transfer", &minter, NOBODY, amount)
    }

    /// Transfers tokens from the client's account to another one, which need not exist yet.
    #[transaction]
    fn transfer(&self, ctx: &Context, recipient: &str, amount: i64) -> Result<()> {
        options::are_set(ctx)?;
        let client = ctx.client_identity()?.id()?;
        move_tokens(ctx, &client, recipient, amount)?;
        announce(ctx, "Transfer", &client, recipient, amount)
    }

    /// Transfers tokens of an account that allows the client to spend some of them.
    #[transaction]
    fn transfer_from(&self, ctx: &Context, from: &str, to: &str, value: i64) -> Result<()> {
        options::are_set(ctx)?;
        let spender = ctx.client_identity()?.id()?;
        let key = ctx.create_composite_key(ALLOWANCE, &[from, &spender])?;
        let allowance = read(ctx, &key)?.unwrap_or(0);
        if allowance < value {
            return Err(Error::internal("spender does not have enough allowance for transfer"));
        }
        move_tokens(ctx, from, to, value)?;
        write(ctx, &key, sub(allowance, value)?)?;
        announce(ctx, "Transfer", from, to, value)
    }

    /// Sets how many tokens of the client's account another account may spend.
    #[transaction]
    fn approve(&self, ctx: &Context, spender: &str, value: i64) -> Result<()> {
        options::are_set(ctx)?;
        let owner = ctx.client_identity()?.id()?;
        write(ctx, &ctx.create_composite_key(ALLOWANCE, &[&owner, spender])?, value)?;
        announce(ctx, "Approval", &owner, spender, value)
    }

    /// Returns how many tokens of an owner's account a spender may still transfer.
    #[transaction(evaluate)]
    fn allowance(&self, ctx: &Context, owner: &str, spender: &str) -> Result<i64> {
        options::are_set(ctx)?;
        let key = ctx.create_composite_key(ALLOWANCE, &[owner, spender])?;
        Ok(read(ctx, &key)?.unwrap_or(0))
    }

    /// Returns the balance of an account.
    #[transaction(evaluate)]
    fn balance_of(&self, ctx: &Context, account: &str) -> Result<i64> {
        options::are_set(ctx)?;
        read(ctx, account)?
            .ok_or_else(|| Error::internal(format!("the account {account} does not exist")))
    }

    /// Returns the balance of the client's account.
    #[transaction(evaluate)]
    fn client_account_balance(&self, ctx: &Context) -> Result<i64> {
        self.balance_of(ctx, &ctx.client_identity()?.id()?)
    }

    /// Returns the client's account, which payers need.
    #[transaction(evaluate, name = "ClientAccountID")]
    fn client_account_id(&self, ctx: &Context) -> Result<String> {
        options::are_set(ctx)?;
        ctx.client_identity()?.id()
    }

    /// Returns the number of all tokens.
    #[transaction(evaluate)]
    fn total_supply(&self, ctx: &Context) -> Result<i64> {
        options::are_set(ctx)?;
        Ok(read(ctx, TOTAL_SUPPLY)?.unwrap_or(0))
    }

    /// Returns the token's name.
    #[transaction(evaluate)]
    fn name(&self, ctx: &Context) -> Result<String> {
        options::get(ctx, options::NAME)
    }

    /// Returns the token's symbol.
    #[transaction(evaluate)]
    fn symbol(&self, ctx: &Context) -> Result<String> {
        options::get(ctx, options::SYMBOL)
    }

    /// Returns how many digits of a displayed amount are decimals.
    #[transaction(evaluate)]
    fn decimals(&self, ctx: &Context) -> Result<String> {
        options::get(ctx, options::DECIMALS)
    }
}

/// Returns the client's account if the client belongs to the central banker.
fn central_banker(ctx: &Context) -> Result<String> {
    options::are_set(ctx)?;
    let client = ctx.client_identity()?;
    if client.msp_id() != CENTRAL_BANKER {
        return Err(Error::internal("client is not authorized to mint new tokens"));
    }
    client.id()
}

fn move_tokens(ctx: &Context, from: &str, to: &str, value: i64) -> Result<()> {
    let refused = |why: String| Error::internal(format!("failed to transfer: {why}"));
    // Both balances would be read before either is written.
    if from == to {
        return Err(refused("cannot transfer to and from same client account".to_owned()));
    }
    // These keys are not accounts.
    if options::KEYS.contains(&to) || to == TOTAL_SUPPLY {
        return Err(refused(format!("{to} is not a client account")));
    }
    if value < 0 {
        return Err(refused("transfer amount cannot be negative".to_owned()));
    }
    let balance = read(ctx, from)?;
    let balance =
        balance.ok_or_else(|| refused(format!("client account {from} has no balance")))?;
    if balance < value {
        return Err(refused(format!("client account {from} has insufficient funds")));
    }
    let left = sub(balance, value).map_err(|error| error.context("failed to transfer"))?;
    let of_recipient = read(ctx, to)?.unwrap_or(0);
    let sum = add(of_recipient, value).map_err(|error| error.context("failed to transfer"))?;
    write(ctx, from, left)?;
    write(ctx, to, sum)
}

fn announce(ctx: &Context, name: &str, from: &str, to: &str, value: i64) -> Result<()> {
    let event = Event { from: from.to_owned(), to: to.to_owned(), value };
    ctx.set_event(name, &serde_json::to_vec(&event)?)
}

wasmcc_sdk::chaincode!(TokenErc20);

#[cfg(test)]
mod tests;
