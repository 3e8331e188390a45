//! The contract, for any ledger. Needs no operating system: `tests/beside` runs the same lines as a
//! plain module.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

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
