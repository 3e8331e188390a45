//! The contract, for any ledger. Needs no operating system: `tests/beside` compiles the same file
//! as a plain module.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

/// A refusal: the text of a response with status 500.
pub type Refusal = String;

/// The calls of the ledger that the contract needs.
pub trait Ledger {
    /// Returns the value; None if the key does not exist.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Refusal>;
    /// Writes at commit.
    fn put(&self, key: &str, value: &[u8]) -> Result<(), Refusal>;
}

/// An account record in its form on the ledger.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// Its owner and key.
    pub owner: String,
    /// The balance in the smallest unit.
    pub balance: u64,
}

/// Runs `open NAME AMOUNT`, `transfer FROM TO AMOUNT`, `copy KEY` or `noop`.
pub fn invoke(ledger: &impl Ledger, function: &str, args: &[String]) -> Result<(), Refusal> {
    match (function, args) {
        ("noop", _) => Ok(()),
        ("open", [name, amount]) => {
            store(ledger, &Account { owner: name.clone(), balance: parse(amount)? })
        }
        // Reads and writes the same bytes.
        ("copy", [key]) => {
            let value = ledger.get(key)?.ok_or_else(|| format!("no key {key}"))?;
            ledger.put(key, &value)
        }
        ("transfer", [from, to, amount]) => transfer(ledger, from, to, parse(amount)?),
        _ => Err(format!("no function {function} with {} arguments", args.len())),
    }
}

fn transfer(ledger: &impl Ledger, from: &str, to: &str, amount: u64) -> Result<(), Refusal> {
    // Reads do not see own writes: a transfer to the same account would create money.
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

pub(crate) fn load(ledger: &impl Ledger, name: &str) -> Result<Account, Refusal> {
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
