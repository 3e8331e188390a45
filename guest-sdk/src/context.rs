//! A transaction's access to its peer.
//!
//! The functions are Fabric's stub functions in snake_case; the WIT package defines their meaning.
//! `get`, `put`, `transient` and `client_identity` are short forms of them.
//!
//! Does not contain rules. The same call reaches the peer that runs the component or, in a native
//! test, the mock ledger.

mod private_data;
mod query;
mod state;
mod transaction;

use crate::peer::Peer;
use crate::types::{Level, Response};
use crate::{Result, composite_key};

/// One transaction's access to the ledger.
///
/// Every transaction function receives it, so a contract is an ordinary value that
/// [`crate::testing`] can test. In a component its size is zero.
///
/// ```
/// use wasmcc_sdk::{Context, Error, Result};
/// fn owner(ctx: &Context, id: &str) -> Result<String> {
///     let owner = ctx.get_state(id)?.ok_or_else(|| Error::not_found(format!("no {id}")))?;
///     Ok(String::from_utf8(owner)?)
/// }
/// ```
pub struct Context {
    peer: Peer,
}

impl Context {
    pub(crate) fn new(peer: Peer) -> Self {
        Self { peer }
    }

    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn into_peer(self) -> Peer {
        self.peer
    }

    /// Runs another chaincode in this transaction; an empty `channel` means the current one.
    ///
    /// On the same channel its reads and writes become part of this transaction, even if it returns
    /// an error. On another channel it can only read, and these reads are not checked at commit.
    /// Its event is dropped. A call that the peer refuses returns status 500 with the reason as
    /// payload; [`Response::ok`] turns both kinds of refusal into an error.
    ///
    /// ```
    /// # use wasmcc_sdk::{Context, Result, args};
    /// fn price(ctx: &Context, id: &str) -> Result<Vec<u8>> {
    ///     ctx.invoke_chaincode("prices", &args!["Price", id], "").ok()
    /// }
    /// ```
    pub fn invoke_chaincode(&self, name: &str, args: &[Vec<u8>], channel: &str) -> Response {
        self.try_invoke_chaincode(name, args, channel).unwrap_or_else(|refused| Response {
            payload: refused.into_message().into_bytes(),
            ..Response::error("")
        })
    }

    /// As [`Context::invoke_chaincode`], but a refusal by the peer is an error with its kind.
    ///
    /// # Errors
    /// The peer does not run the chaincode: no chaincode has this name, or it already runs in this
    /// transaction.
    pub fn try_invoke_chaincode(
        &self,
        name: &str,
        args: &[Vec<u8>],
        channel: &str,
    ) -> Result<Response> {
        self.peer.invoke_chaincode(name, args, channel)
    }

    /// Sets the one event of this transaction; a later call replaces it. Listeners receive it when
    /// the transaction commits as valid.
    ///
    /// # Errors
    /// The name is empty.
    pub fn set_event(&self, name: &str, payload: &[u8]) -> Result<()> {
        self.peer.set_event(name, payload)
    }

    /// Writes a line to the peer's log. Logging is not part of the transaction.
    ///
    /// In a component the macros of the crate `log` write there too, and `println!` output is
    /// logged at the level debug. In a native test, lines go to stderr.
    pub fn log(&self, level: Level, message: &str) {
        self.log_with(level, message, &[]);
    }

    /// As [`Context::log`], with fields (names and values) for programs that read the log.
    ///
    /// ```
    /// # use wasmcc_sdk::{Context, Level};
    /// fn note(ctx: &Context, to: &str, amount: u64) {
    ///     ctx.log_with(Level::Info, "paid", &[("to", to), ("amount", &amount.to_string())]);
    /// }
    /// ```
    pub fn log_with(&self, level: Level, message: &str, fields: &[(&str, &str)]) {
        self.peer.log(level, message, fields);
    }

    /// Makes a key of several parts. [`Context::get_state_by_partial_composite_key`] can select
    /// such keys by their first parts. Does not call the peer.
    ///
    /// # Errors
    /// A part contains U+0000 or U+10FFFF.
    pub fn create_composite_key(
        &self,
        object_type: &str,
        attributes: &[impl AsRef<str>],
    ) -> Result<String> {
        composite_key::create(object_type, attributes)
    }

    /// Returns object type and attributes of a composite key. Does not call the peer.
    ///
    /// # Errors
    /// [`Context::create_composite_key`] did not make the key.
    pub fn split_composite_key(&self, key: &str) -> Result<(String, Vec<String>)> {
        composite_key::split(key)
    }
}
