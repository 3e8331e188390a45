//! Amounts of tokens: their form on the ledger, and sums without overflow.
//!
//! Invariant: an amount on the ledger is a decimal number.

use wasmcc_sdk::{Context, Error, Result};

/// Returns the amount under a key; None if it does not exist.
pub(crate) fn read(ctx: &Context, key: &str) -> Result<Option<i64>> {
    let Some(value) = ctx.get_state(key)? else { return Ok(None) };
    let number = str::from_utf8(&value).ok().and_then(|text| text.parse().ok());
    let broken = || Error::internal(format!("the value of {key} is not an amount"));
    number.map(Some).ok_or_else(broken)
}

/// Writes an amount under a key.
pub(crate) fn write(ctx: &Context, key: &str, amount: i64) -> Result<()> {
    ctx.put_state(key, amount.to_string().as_bytes())
}

/// Returns the sum of two amounts.
pub(crate) fn add(b: i64, q: i64) -> Result<i64> {
    b.checked_add(q)
        .ok_or_else(|| Error::internal(format!("Math: addition overflow occurred {b} + {q}")))
}

/// Returns `b` minus `q`, where `q` is greater than 0.
pub(crate) fn sub(b: i64, q: i64) -> Result<i64> {
    if q <= 0 {
        return Err(Error::internal(format!(
            "Error: the subtraction number is {q}, it should be greater than 0"
        )));
    }
    if b < q {
        return Err(Error::internal(format!(
            "Error: the number {b} is not enough to be subtracted by {q}"
        )));
    }
    Ok(b - q)
}
