//! Fungible tokens as unspent outputs of transactions: a transfer spends some of the client's
//! outputs and makes new ones of the same sum.
//!
//! Names, JSON and messages are those of `token-utxo` in fabric-samples.
//!
//! Invariant: an output is spent as a whole, once, by its owner. Two transactions that spend the
//! same output read its key, so at most one of them is valid.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use wasmcc_sdk::{Context, DataType, Error, Result, contract};

/// The organization that sets the contract up and mints.
const CENTRAL_BANKER: &str = "Org1MSP";
/// The object type of output keys; owner and key of the output follow.
const OUTPUT: &str = "utxo";
/// The keys of the options.
const NAME: &str = "name";
const SYMBOL: &str = "symbol";

/// An unspent output of a transaction.
#[derive(Clone, Debug, PartialEq, DataType, Serialize, Deserialize)]
pub struct Utxo {
    /// The id of the transaction that made it, a dot, and its number among the outputs. Empty in
    /// arguments of a client.
    #[serde(rename = "utxo_key")]
    pub key: String,
    /// The id of the client that may spend it.
    pub owner: String,
    /// Its number of tokens.
    pub amount: i64,
}

/// The contract.
pub struct TokenUtxo;

#[contract(name = "TokenUTXO", version = "1.0.0")]
impl TokenUtxo {
    /// Sets name and symbol of the token, once. Only for clients of the central banker.
    #[transaction]
    fn initialize(&self, ctx: &Context, name: &str, symbol: &str) -> Result<bool> {
        if ctx.client_identity()?.msp_id() != CENTRAL_BANKER {
            return Err(Error::internal("client is not authorized to initialize contract"));
        }
        if ctx.get_state(NAME)?.is_some() {
            return Err(Error::internal(
                "contract options are already set, client is not authorized to change them",
            ));
        }
        ctx.put_state(NAME, name.as_bytes())?;
        ctx.put_state(SYMBOL, symbol.as_bytes())?;
        Ok(true)
    }

    /// Mints tokens of the client as one output. Only for clients of the central banker.
    #[transaction]
    fn mint(&self, ctx: &Context, amount: i64) -> Result<Utxo> {
        is_initialized(ctx)?;
        let minter = ctx.client_identity()?;
        if minter.msp_id() != CENTRAL_BANKER {
            return Err(Error::internal("client is not authorized to mint new tokens"));
        }
        if amount <= 0 {
            return Err(Error::internal("mint amount must be a positive integer"));
        }
        let output = Utxo { key: output_key(ctx, 0), owner: minter.id()?, amount };
        output.write(ctx)?;
        Ok(output)
    }

    /// Spends outputs of the client and makes new ones of the same sum, for any clients.
    #[transaction]
    fn transfer(
        &self,
        ctx: &Context,
        utxo_input_keys: Vec<String>,
        utxo_outputs: Vec<Utxo>,
    ) -> Result<Vec<Utxo>> {
        is_initialized(ctx)?;
        let client = ctx.client_identity()?.id()?;
        let mut spent = BTreeSet::new();
        let mut total_input = 0;
        for key in &utxo_input_keys {
            if !spent.insert(key) {
                return Err(Error::internal("the same utxo input can not be spend twice"));
            }
            let input = ctx.create_composite_key(OUTPUT, &[&client, key])?;
            let amount = ctx.get_state(&input)?.ok_or_else(|| {
                Error::internal(format!("utxoInput {key} not found for client {client}"))
            })?;
            total_input = add(total_input, parse(&amount)?)?;
            ctx.del_state(&input)?;
        }
        let mut total_output = 0;
        let mut outputs = utxo_outputs;
        for (number, output) in outputs.iter_mut().enumerate() {
            if output.amount <= 0 {
                return Err(Error::internal("utxo output amount must be a positive integer"));
            }
            output.key = output_key(ctx, number);
            total_output = add(total_output, output.amount)?;
            output.write(ctx)?;
        }
        // A refused transaction writes nothing.
        if total_input != total_output {
            return Err(Error::internal(format!(
                "total utxoInput amount {total_input} does not equal total utxoOutput amount \
                 {total_output}"
            )));
        }
        Ok(outputs)
    }

    /// Returns the client's outputs.
    #[transaction(evaluate, name = "ClientUTXOs")]
    fn client_utxos(&self, ctx: &Context) -> Result<Vec<Utxo>> {
        is_initialized(ctx)?;
        let owner = ctx.client_identity()?.id()?;
        let rows = ctx.get_state_by_partial_composite_key(OUTPUT, &[&owner])?;
        let output = |row: wasmcc_sdk::KeyValue| {
            let (_, parts) = ctx.split_composite_key(&row.key)?;
            let [_, key] = parts.as_slice() else {
                let expected = "expected composite key with two parts (owner:utxoKey)";
                return Err(Error::internal(expected));
            };
            Ok(Utxo { key: key.clone(), owner: owner.clone(), amount: parse(&row.value)? })
        };
        rows.map(|row| output(row?)).collect()
    }

    /// Returns the client's id, which payers need.
    #[transaction(evaluate, name = "ClientID")]
    fn client_id(&self, ctx: &Context) -> Result<String> {
        is_initialized(ctx)?;
        ctx.client_identity()?.id()
    }

    /// Returns the token's name.
    #[transaction(evaluate)]
    fn name(&self, ctx: &Context) -> Result<String> {
        option(ctx, NAME)
    }

    /// Returns the token's symbol.
    #[transaction(evaluate)]
    fn symbol(&self, ctx: &Context) -> Result<String> {
        option(ctx, SYMBOL)
    }
}

impl Utxo {
    /// Writes the amount under a key of owner and output key, so that queries find an owner's
    /// outputs.
    fn write(&self, ctx: &Context) -> Result<()> {
        let key = ctx.create_composite_key(OUTPUT, &[&self.owner, &self.key])?;
        ctx.put_state(&key, self.amount.to_string().as_bytes())
    }
}

/// Returns the key of an output of this transaction.
fn output_key(ctx: &Context, number: usize) -> String {
    format!("{}.{number}", ctx.get_tx_id())
}

/// Refuses the call until the options are set.
fn is_initialized(ctx: &Context) -> Result<()> {
    option(ctx, NAME).map(drop)
}

/// Returns one of the options, which are all set together.
fn option(ctx: &Context, key: &str) -> Result<String> {
    let value = ctx.get_state(key)?.ok_or_else(|| {
        Error::internal(
            "contract options need to be set before calling any function, call Initialize() to \
             initialize contract",
        )
    })?;
    Ok(String::from_utf8(value)?)
}

fn parse(amount: &[u8]) -> Result<i64> {
    Ok(str::from_utf8(amount)?.parse()?)
}

fn add(b: i64, q: i64) -> Result<i64> {
    b.checked_add(q)
        .ok_or_else(|| Error::internal(format!("math: addition overflow occurred {b} + {q}")))
}

wasmcc_sdk::chaincode!(TokenUtxo);

#[cfg(test)]
mod tests {
    use super::*;
    use wasmcc_sdk::args;
    use wasmcc_sdk::testing::MockLedger;

    fn initialized() -> MockLedger {
        let mut ledger = MockLedger::new(vec![&TokenUtxo]);
        as_minter(&mut ledger).submit("Initialize", args!["some name", "some symbol"]).unwrap();
        ledger
    }

    fn as_minter(ledger: &mut MockLedger) -> &mut MockLedger {
        ledger.as_client("Org1MSP", "minter", &[])
    }

    fn as_recipient(ledger: &mut MockLedger) -> &mut MockLedger {
        ledger.as_client("Org2MSP", "recipient", &[])
    }

    fn mint(ledger: &mut MockLedger, amount: i64) -> Utxo {
        as_minter(ledger).submit("Mint", args![amount]).unwrap().json()
    }

    fn output(owner: &str, amount: i64) -> Utxo {
        Utxo { key: String::new(), owner: owner.to_owned(), amount }
    }

    #[test]
    fn a_transfer_spends_an_output_and_returns_the_change() {
        let mut ledger = initialized();
        let minted = mint(&mut ledger, 5000);
        let key = format!("\0utxo\0{}\0{}\0", minted.owner, minted.key);
        assert_eq!(ledger.get_state(&key), Some(b"5000".as_slice()));
        let recipient = as_recipient(&mut ledger).evaluate("ClientID", args![]).unwrap().text();
        let outputs = vec![output(&recipient, 100), output(&minted.owner, 4900)];
        let args = args![vec![minted.key.clone()], outputs];
        let made = as_minter(&mut ledger).submit("Transfer", args.clone()).unwrap();
        let tx_id = made.tx_id.clone();
        let made: Vec<Utxo> = made.json();
        let keys: Vec<&str> = made.iter().map(|output| output.key.as_str()).collect();
        assert_eq!(keys, [format!("{tx_id}.0"), format!("{tx_id}.1")]);
        assert_eq!(ledger.get_state(&key), None);
        let left: Vec<Utxo> = ledger.evaluate("ClientUTXOs", args![]).unwrap().json();
        assert_eq!(left, made[1..]);
        let got: Vec<Utxo> =
            as_recipient(&mut ledger).evaluate("ClientUTXOs", args![]).unwrap().json();
        assert_eq!(got, made[..1]);
        let again = as_minter(&mut ledger).submit("Transfer", args).unwrap_err();
        let expected = format!("utxoInput {} not found for client {}", minted.key, minted.owner);
        assert_eq!(again.message(), expected);
    }

    #[test]
    fn inputs_and_outputs_have_the_same_sum() {
        let mut ledger = initialized();
        let minted = mint(&mut ledger, 10);
        let one = vec![minted.key.clone()];
        let twice = vec![minted.key.clone(), minted.key.clone()];
        let of = |amounts: &[i64]| -> Vec<Utxo> {
            amounts.iter().map(|amount| output("somebody", *amount)).collect()
        };
        let sums = "total utxoInput amount 10 does not equal total utxoOutput amount 11";
        let overflow = "math: addition overflow occurred 9223372036854775807 + 1";
        for (inputs, outputs, expected) in [
            (&one, of(&[5, 6]), sums),
            (&twice, of(&[20]), "the same utxo input can not be spend twice"),
            (&one, of(&[11, -1]), "utxo output amount must be a positive integer"),
            (&one, of(&[10, 0]), "utxo output amount must be a positive integer"),
            (&one, of(&[i64::MAX, 1]), overflow),
        ] {
            let refused = ledger.submit("Transfer", args![inputs, outputs]).unwrap_err();
            assert_eq!(refused.message(), expected);
        }
        let thief = as_recipient(&mut ledger).submit("Transfer", args![one, of(&[10])]);
        let said = thief.unwrap_err();
        assert!(said.message().contains("not found for client "), "{said}");
    }

    #[test]
    fn only_the_central_banker_initializes_and_mints() {
        let mut ledger = MockLedger::new(vec![&TokenUtxo]);
        for (function, args) in [
            ("Mint", args![1]),
            ("Transfer", args!["[]", "[]"]),
            ("ClientUTXOs", args![]),
            ("ClientID", args![]),
            ("Name", args![]),
            ("Symbol", args![]),
        ] {
            let refused = as_minter(&mut ledger).submit(function, args).unwrap_err();
            let expected = "contract options need to be set before calling any function, call \
                            Initialize() to initialize contract";
            assert_eq!(refused.message(), expected, "{function}");
        }
        let initialize = || args!["some name", "some symbol"];
        let refused = as_recipient(&mut ledger).submit("Initialize", initialize()).unwrap_err();
        assert_eq!(refused.message(), "client is not authorized to initialize contract");
        as_minter(&mut ledger).submit("Initialize", initialize()).unwrap();
        let again = ledger.submit("Initialize", initialize()).unwrap_err();
        let expected = "contract options are already set, client is not authorized to change them";
        assert_eq!(again.message(), expected);
        let zero = ledger.submit("Mint", args![0]).unwrap_err();
        assert_eq!(zero.message(), "mint amount must be a positive integer");
        let other = as_recipient(&mut ledger).submit("Mint", args![1]).unwrap_err();
        assert_eq!(other.message(), "client is not authorized to mint new tokens");
        assert_eq!(ledger.evaluate("Name", args![]).unwrap().text(), "some name");
        assert_eq!(ledger.evaluate("Symbol", args![]).unwrap().text(), "some symbol");
    }
}
