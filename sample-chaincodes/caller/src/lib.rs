//! A shop that is paid through another chaincode: the calling chaincode of the pair `caller` and
//! `callee`.
//!
//! Invariant: an item changes its owner exactly when its price is paid. Both happen in one
//! transaction: if the payment is refused, so is the sale, and both chaincodes' writes are
//! committed together.

use serde::{Deserialize, Serialize};
use wasmcc_sdk::{Context, DataType, Error, Result, args, client, contract, ensure};

/// The name of the chaincode with the accounts on the channel.
pub const CALLEE: &str = "callee";

/// The function of the accounts' chaincode that the shop calls. The macro makes the client
/// `AccountsClient` of it, which encodes arguments and results.
#[client]
pub trait Accounts {
    /// Pays from one account to another; returns the remaining balance.
    fn pay(&self, from: &str, to: &str, amount: u64) -> Result<u64>;
}

/// An item of the shop.
#[derive(Clone, Debug, PartialEq, DataType, Serialize, Deserialize)]
pub struct Item {
    /// Its price.
    pub price: u64,
    /// The account of its owner: the seller's, then the buyer's.
    pub owner: String,
    /// True if it is for sale.
    pub for_sale: bool,
}

/// The contract.
pub struct Shop;

#[contract(name = "Shop", version = "1.0.0")]
impl Shop {
    /// Offers an item of an account.
    #[transaction]
    fn offer(&self, ctx: &Context, item: &str, price: u64, seller: String) -> Result<()> {
        ensure!(ctx.get_state(item)?.is_none(), 409, "there is an item {item} already");
        // Reads the other chaincode: at commit, the peer checks again that the account exists. This
        // is a call without a typed client.
        ctx.invoke_chaincode(CALLEE, &args!["Read", &seller], "").ok()?;
        ctx.put(item, &Item { price, owner: seller, for_sale: true })
    }

    /// Buys an item and pays from the buyer's account. Returns the remaining balance.
    #[transaction]
    fn buy(&self, ctx: &Context, item: &str, buyer: String) -> Result<u64> {
        let offered = self.read(ctx, item)?;
        ensure!(offered.for_sale, 409, "{item} is sold");
        // A refusal becomes this chaincode's own, so that nothing is endorsed. Ignoring it would
        // commit the other chaincode's earlier writes.
        let mut accounts = AccountsClient::new(ctx.chaincode(CALLEE));
        let left = accounts.pay(&buyer, &offered.owner, offered.price)?;
        ctx.put(item, &Item { owner: buyer, for_sale: false, ..offered })?;
        ctx.set_event("Sold", item.as_bytes())?;
        Ok(left)
    }

    /// Returns an item.
    #[transaction(evaluate)]
    fn read(&self, ctx: &Context, item: &str) -> Result<Item> {
        ctx.get(item)?.ok_or_else(|| Error::not_found(format!("there is no item {item}")))
    }
}

wasmcc_sdk::chaincode!(Shop);

#[cfg(test)]
mod tests {
    use super::*;
    use callee::Account;
    use wasmcc_sdk::Contracts;
    use wasmcc_sdk::testing::MockLedger;

    /// Returns a ledger with both chaincodes, the accounts of ann and bob, and bob's bike for 40.
    fn offered() -> MockLedger {
        let mut ledger = MockLedger::new(vec![&Shop]);
        ledger.install(CALLEE, Contracts::new(vec![&callee::Accounts]));
        for (name, balance) in [("bob", 5), ("ann", 100)] {
            let client = ledger.as_client("Org1MSP", name, &[]);
            client.submit_to(CALLEE, "Open", args![name, balance]).unwrap();
        }
        ledger.submit("Offer", args!["bike", 40, "bob"]).unwrap();
        ledger
    }

    fn balance(ledger: &mut MockLedger, name: &str) -> u64 {
        let account = ledger.submit_to(CALLEE, "Read", args![name]).unwrap();
        account.json::<Account>().balance
    }

    #[test]
    fn an_item_is_sold_and_paid_in_one_transaction() {
        let mut ledger = offered();
        let sold = ledger.submit("Buy", args!["bike", "ann"]).unwrap();
        assert_eq!(sold.text(), "60");
        assert_eq!(sold.event, Some(("Sold".into(), b"bike".to_vec())), "the caller's event");
        let item = r#"{"price":40,"owner":"ann","for_sale":false}"#;
        assert_eq!(ledger.get_state("bike"), Some(item.as_bytes()));
        assert_eq!((balance(&mut ledger, "ann"), balance(&mut ledger, "bob")), (60, 45));
        let again = ledger.submit("Buy", args!["bike", "ann"]).unwrap_err();
        assert_eq!((again.status(), again.message()), (409, "bike is sold"));
    }

    #[test]
    fn a_refused_payment_is_a_refused_sale() {
        let mut ledger = offered();
        ledger.submit("Offer", args!["car", 500, "bob"]).unwrap();
        let poor = ledger.submit("Buy", args!["car", "ann"]).unwrap_err();
        assert_eq!((poor.status(), poor.message()), (409, "the account ann has only 100"));
        let thief = ledger.as_client("Org1MSP", "eve", &[]).submit("Buy", args!["bike", "ann"]);
        let thief = thief.unwrap_err();
        let expected = "the account ann belongs to another client";
        assert_eq!((thief.status(), thief.message()), (403, expected));
        let nobody = ledger.submit("Offer", args!["boat", 1, "eve"]).unwrap_err();
        assert_eq!((nobody.status(), nobody.message()), (404, "there is no account eve"));
        let none = ledger.submit("Buy", args!["boat", "ann"]).unwrap_err();
        assert_eq!((none.status(), none.message()), (404, "there is no item boat"));
        assert_eq!((balance(&mut ledger, "ann"), balance(&mut ledger, "bob")), (100, 5));
    }
}
