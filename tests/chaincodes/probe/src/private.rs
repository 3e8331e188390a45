//! The probe's operations on collections.
//!
//! Invariant: each function of the WIT interface `private-data` has an operation.

use wasmcc_sdk::{Context, Error, Result};

use crate::{hex, lines, policy_of, rows, split, text};

/// The names are `p` followed by the operation on the world state; the collection is the first
/// argument. `transient NAME` returns transient data, `pput-transient` writes it.
pub(crate) fn invoke(ctx: &Context, operation: &str, args: &[&str]) -> Result<Vec<u8>> {
    match (operation, args) {
        ("pput", [collection, key, value]) => {
            ctx.put_private_data(collection, key, value.as_bytes())?;
        }
        ("pput-transient", [collection, key, name]) => {
            let value = ctx.get_transient().remove(*name).unwrap_or_default();
            ctx.put_private_data(collection, key, &value)?;
        }
        ("pget", [collection, key]) => {
            return Ok(ctx.get_private_data(collection, key)?.unwrap_or_default());
        }
        ("pmget", [collection, keys @ ..]) => {
            let values = ctx.get_multiple_private_data(collection, keys)?;
            return Ok(lines(values.into_iter().map(|value| match value {
                Some(value) => text(&value),
                None => "-".to_owned(),
            })));
        }
        ("phash", [collection, key]) => {
            let hash = ctx.get_private_data_hash(collection, key)?.unwrap_or_default();
            return Ok(hex(&hash).into_bytes());
        }
        ("pdel", [collection, key]) => ctx.del_private_data(collection, key)?,
        ("ppurge", [collection, key]) => ctx.purge_private_data(collection, key)?,
        ("prange", [collection, start, end]) => {
            return rows(ctx.get_private_data_by_range(collection, start, end)?);
        }
        ("ppcomp", [collection, object_type, attributes @ ..]) => {
            let found =
                ctx.get_private_data_by_partial_composite_key(collection, object_type, attributes)?;
            return rows(found.map(|row| split(ctx, row?)));
        }
        ("pquery", [collection, selector]) => {
            return rows(ctx.get_private_data_query_result(collection, selector)?);
        }
        ("psetmeta", [collection, key, policy]) => {
            ctx.set_private_data_validation_parameter(collection, key, &policy_of(policy))?;
        }
        ("pgetmeta", [collection, key]) => {
            let policy = ctx.get_private_data_validation_parameter(collection, key)?;
            return Ok(policy.unwrap_or_default());
        }
        ("transient", [name]) => return Ok(ctx.get_transient().remove(*name).unwrap_or_default()),
        _ => {
            let count = args.len();
            return Err(Error::bad_request(format!(
                "no operation {operation} with {count} arguments"
            )));
        }
    }
    Ok(Vec::new())
}
