//! Accounts that other chaincodes charge: the called chaincode of the pair `caller` and `callee`.
//!
//! A chaincode that is called on the same channel takes part in the caller's transaction. It sees
//! the same client. Its reads and writes are checked and committed with the caller's. Its event is
//! dropped.
//!
//! Invariant: payments keep the sum of all balances. Only its owner's client can change an account,
//! also when another chaincode calls on behalf of that client.

use serde::{Deserialize, Serialize};
use wasmcc_sdk::{Context, DataType, Error, Result, contract, ensure};

/// An account.
#[derive(Clone, Debug, PartialEq, DataType, Serialize, Deserialize)]
pub struct Account {
    /// The id (`ClientIdentity::id`) of the client that opened it.
    pub client: String,
    /// Its balance.
    pub balance: u64,
}

/// The contract.
pub struct Accounts;

#[contract(name = "Accounts", version = "1.0.0")]
impl Accounts {
    /// Opens an account of the client with an initial balance.
    #[transaction]
    fn open(&self, ctx: &Context, name: &str, balance: u64) -> Result<()> {
        ensure!(ctx.get_state(name)?.is_none(), 409, "there is an account {name} already");
        ctx.put(name, &Account { client: ctx.client_identity()?.id()?, balance })
    }

    /// Pays from an account of the client to another account; returns the remaining balance.
    #[transaction]
    fn pay(&self, ctx: &Context, from: &str, to: &str, amount: u64) -> Result<u64> {
        // A transaction does not read its own writes: the second write would undo the first.
        ensure!(from != to, 400, "an account does not pay itself");
        let (mut payer, mut payee) = (self.read(ctx, from)?, self.read(ctx, to)?);
        let is_owner = payer.client == ctx.client_identity()?.id()?;
        ensure!(is_owner, 403, "the account {from} belongs to another client");
        ensure!(payer.balance >= amount, 409, "the account {from} has only {}", payer.balance);
        payer.balance -= amount;
        payee.balance = payee.balance.checked_add(amount).ok_or_else(|| {
            Error::conflict(format!("the account {to} cannot take {amount} more"))
        })?;
        ctx.put(from, &payer)?;
        ctx.put(to, &payee)?;
        // Listeners receive this event only for a direct payment, not if a chaincode calls.
        ctx.set_event("Paid", to.as_bytes())?;
        Ok(payer.balance)
    }

    /// Returns an account.
    #[transaction(evaluate)]
    fn read(&self, ctx: &Context, name: &str) -> Result<Account> {
        ctx.get(name)?.ok_or_else(|| Error::not_found(format!("there is no account {name}")))
    }
}

wasmcc_sdk::chaincode!(Accounts);

#[cfg(test)]
mod tests {
    use super::*;
    use wasmcc_sdk::args;
    use wasmcc_sdk::testing::MockLedger;

    fn opened() -> MockLedger {
        let mut ledger = MockLedger::new(vec![&Accounts]);
        ledger.as_client("Org1MSP", "bob", &[]).submit("Open", args!["bob", 5]).unwrap();
        ledger.as_client("Org1MSP", "ann", &[]).submit("Open", args!["ann", 100]).unwrap();
        ledger
    }

    fn balance(ledger: &mut MockLedger, name: &str) -> u64 {
        ledger.evaluate("Read", args![name]).unwrap().json::<Account>().balance
    }

    #[test]
    fn a_payment_goes_from_one_account_to_the_other() {
        let mut ledger = opened();
        let paid = ledger.submit("Pay", args!["ann", "bob", 40]).unwrap();
        assert_eq!(paid.text(), "60");
        assert_eq!(paid.event, Some(("Paid".into(), b"bob".to_vec())));
        assert_eq!((balance(&mut ledger, "ann"), balance(&mut ledger, "bob")), (60, 45));
    }

    #[test]
    fn a_payment_that_cannot_be_made_changes_nothing() {
        let mut ledger = opened();
        for (args, status, expected) in [
            (args!["ann", "bob", 101], 409, "the account ann has only 100"),
            (args!["bob", "ann", 1], 403, "the account bob belongs to another client"),
            (args!["ann", "eve", 1], 404, "there is no account eve"),
            (args!["ann", "ann", 1], 400, "an account does not pay itself"),
        ] {
            let refused = ledger.submit("Pay", args).unwrap_err();
            assert_eq!((refused.status(), refused.message()), (status, expected));
        }
        let again = ledger.submit("Open", args!["ann", 1]).unwrap_err();
        assert_eq!((again.status(), again.message()), (409, "there is an account ann already"));
        assert_eq!((balance(&mut ledger, "ann"), balance(&mut ledger, "bob")), (100, 5));
    }

    #[test]
    fn a_balance_does_not_overflow() {
        let mut ledger = opened();
        ledger.submit("Open", args!["full", u64::MAX]).unwrap();
        let refused = ledger.submit("Pay", args!["ann", "full", 1]).unwrap_err();
        assert_eq!(refused.message(), "the account full cannot take 1 more");
    }
}
