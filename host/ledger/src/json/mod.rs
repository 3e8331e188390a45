//! The only reader of JSON values: for checks of writes, for indexes and for queries. It accepts
//! what Go's `encoding/json` accepts, so a value is a document here if it is one on a Fabric peer.
//!
//! Invariant: no recursion, whatever the input; memory is proportional to the text.

mod scan;
mod value;
mod write;

#[cfg(test)]
mod tests;

pub(crate) use scan::{Sink, is_blank, scan, unquote};
pub(crate) use value::{Json, JsonEvent, JsonKind, Value};
pub(crate) use write::{shorten, write_text};
