//! The options of the token. Until they are set, the contract refuses all other calls.

use wasmcc_sdk::{Context, Error, Result};

/// The key of the token's name.
pub(crate) const NAME: &str = "name";
/// The key of its symbol.
pub(crate) const SYMBOL: &str = "symbol";
/// The key of its decimals.
pub(crate) const DECIMALS: &str = "decimals";

/// The keys of all options.
pub(crate) const KEYS: [&str; 3] = [NAME, SYMBOL, DECIMALS];

/// Sets the options, once.
pub(crate) fn set(ctx: &Context, name: &str, symbol: &str, decimals: &str) -> Result<()> {
    if ctx.get_state(NAME)?.is_some() {
        return Err(Error::internal(
            "contract options are already set, client is not authorized to change them",
        ));
    }
    ctx.put_state(NAME, name.as_bytes())?;
    ctx.put_state(SYMBOL, symbol.as_bytes())?;
    ctx.put_state(DECIMALS, decimals.as_bytes())
}

/// Refuses the call until the options are set.
pub(crate) fn are_set(ctx: &Context) -> Result<()> {
    match ctx.get_state(NAME)? {
        Some(_) => Ok(()),
        None => Err(Error::internal(
            "Contract options need to be set before calling any function, call Initialize() to \
             initialize contract",
        )),
    }
}

/// Returns one of the options.
pub(crate) fn get(ctx: &Context, key: &str) -> Result<String> {
    are_set(ctx)?;
    Ok(String::from_utf8(ctx.get_state(key)?.unwrap_or_default())?)
}
