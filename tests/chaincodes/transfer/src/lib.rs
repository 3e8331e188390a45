//! The benchmark contract: accounts as JSON records, a transfer as two reads and two writes.
//!
//! It stands on the WIT alone, so that a measurement with it measures the host and not the SDK.
//!
//! Invariant: every answer depends on the arguments and the committed state only.

use serde::{Deserialize, Serialize};

/// Why a call is refused: the text of a response with status 500.
pub type Refusal = String;

/// What the contract asks of its ledger.
pub trait Ledger {
    /// None: the key does not exist.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Refusal>;
    /// Writes at commit.
    fn put(&self, key: &str, value: &[u8]) -> Result<(), Refusal>;
}

/// One account record as it stands on the ledger.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// Who owns it; also its key.
    pub owner: String,
    /// In the smallest unit.
    pub balance: u64,
}

/// Runs `open NAME AMOUNT`, `transfer FROM TO AMOUNT`, `copy KEY` or `noop`.
pub fn invoke(ledger: &impl Ledger, function: &str, args: &[String]) -> Result<(), Refusal> {
    match (function, args) {
        ("noop", _) => Ok(()),
        ("open", [name, amount]) => {
            store(ledger, &Account { owner: name.clone(), balance: parse(amount)? })
        }
        // A read and a write of the same bytes, and nothing else.
        ("copy", [key]) => {
            let value = ledger.get(key)?.ok_or_else(|| format!("no key {key}"))?;
            ledger.put(key, &value)
        }
        ("transfer", [from, to, amount]) => transfer(ledger, from, to, parse(amount)?),
        _ => Err(format!("no function {function} with {} arguments", args.len())),
    }
}

fn transfer(ledger: &impl Ledger, from: &str, to: &str, amount: u64) -> Result<(), Refusal> {
    // Reads do not see own writes: a transfer to oneself would create money.
    if from == to {
        return Err(format!("{from} cannot pay itself"));
    }
    let mut payer = load(ledger, from)?;
    let mut payee = load(ledger, to)?;
    payer.balance =
        payer.balance.checked_sub(amount).ok_or_else(|| format!("{from} has too little"))?;
    payee.balance =
        payee.balance.checked_add(amount).ok_or_else(|| format!("{to} has too much"))?;
    store(ledger, &payer)?;
    store(ledger, &payee)
}

fn load(ledger: &impl Ledger, name: &str) -> Result<Account, Refusal> {
    let record = ledger.get(name)?.ok_or_else(|| format!("no account {name}"))?;
    serde_json::from_slice(&record).map_err(|error| format!("account {name}: {error}"))
}

fn store(ledger: &impl Ledger, account: &Account) -> Result<(), Refusal> {
    let record = serde_json::to_vec(account).map_err(|error| error.to_string())?;
    ledger.put(&account.owner, &record)
}

fn parse(amount: &str) -> Result<u64, Refusal> {
    amount.parse().map_err(|error| format!("amount {amount}: {error}"))
}

#[cfg(target_family = "wasm")]
mod component;

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    #[derive(Default)]
    struct Map(RefCell<BTreeMap<String, Vec<u8>>>);

    impl Ledger for Map {
        fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Refusal> {
            Ok(self.0.borrow().get(key).cloned())
        }

        fn put(&self, key: &str, value: &[u8]) -> Result<(), Refusal> {
            self.0.borrow_mut().insert(key.to_owned(), value.to_owned());
            Ok(())
        }
    }

    fn call(ledger: &Map, function: &str, args: &[&str]) -> Result<(), Refusal> {
        invoke(ledger, function, &args.iter().map(|a| a.to_string()).collect::<Vec<_>>())
    }

    #[test]
    fn a_transfer_moves_money_and_creates_none() {
        let ledger = Map::default();
        call(&ledger, "open", &["alice", "100"]).unwrap();
        call(&ledger, "open", &["bob", "5"]).unwrap();
        call(&ledger, "transfer", &["alice", "bob", "30"]).unwrap();
        assert_eq!(load(&ledger, "alice").unwrap().balance, 70);
        assert_eq!(ledger.get("bob").unwrap().unwrap(), br#"{"owner":"bob","balance":35}"#);
    }

    #[test]
    fn a_transfer_that_cannot_be_is_refused() {
        let ledger = Map::default();
        call(&ledger, "open", &["alice", "1"]).unwrap();
        let refused = |args: &[&str]| call(&ledger, "transfer", args).unwrap_err();
        assert_eq!(refused(&["alice", "bob", "1"]), "no account bob");
        assert_eq!(refused(&["alice", "alice", "1"]), "alice cannot pay itself");
        call(&ledger, "open", &["bob", "1"]).unwrap();
        assert_eq!(refused(&["alice", "bob", "2"]), "alice has too little");
        assert_eq!(refused(&["alice"]), "no function transfer with 1 arguments");
    }

    #[test]
    fn a_copy_writes_what_it_reads() {
        let ledger = Map::default();
        assert_eq!(call(&ledger, "copy", &["alice"]).unwrap_err(), "no key alice");
        call(&ledger, "open", &["alice", "1"]).unwrap();
        call(&ledger, "copy", &["alice"]).unwrap();
        assert_eq!(load(&ledger, "alice").unwrap().balance, 1);
    }
}
