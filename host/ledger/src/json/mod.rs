//! The only reader of JSON values: for checks of writes, for indexes and for queries. It accepts
//! what Go's `encoding/json` accepts, so a value is a document here if it is one on a Fabric peer.
//!
//! Invariant: no recursion, whatever the input; memory is proportional to the text.

mod scan;
mod value;
mod write;

#[cfg(test)]
mod tests;

pub(crate) use scan::Sink;
pub(crate) use scan::is_blank;
pub(crate) use scan::scan;
pub(crate) use scan::unquote;
pub(crate) use value::Event;
pub(crate) use value::Json;
pub(crate) use value::Kind;
pub(crate) use value::Value;
pub(crate) use write::shorten;
pub(crate) use write::write_text;
