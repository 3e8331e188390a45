//! Human-readable names of the rows of a channel's table.
//!
//! Does not interpret the values.

use std::borrow::Cow;

use crate::rich::space::{DEFINITION, ENTRY};
use crate::store::key::{
    BLOCK, BLOCK_HASH, EXPIRY, HASHED, HISTORY, PRIVATE, PRIVATE_NAME, SAVEPOINT, STATE, TX,
    height, split_bytes,
};
use wasmcc_types::Height;

/// The kind of a row, as far as its key shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowKind {
    /// A key's value, public or private.
    Value,
    /// An organization that holds a private key, and the plain key.
    PrivateName,
    /// The expiry of a private key.
    Expiry {
        /// The block that wrote the key.
        committing: Option<u64>,
    },
    /// A part of a key's history.
    History {
        /// The last height in it.
        last: Option<Height>,
    },
    /// The location of a transaction.
    Transaction,
    /// The location of a block.
    Block {
        /// The block's number.
        number: Option<u64>,
    },
    /// The number of the block with a header hash.
    BlockHash,
    /// An index of rich queries, or an entry of one.
    Index,
    /// The number of the last applied block.
    Savepoint,
    /// A row that this program does not write.
    Unknown,
}

/// Returns the kind of a row, and a human-readable name.
pub(crate) fn describe(row: &[u8]) -> (RowKind, String) {
    let unknown = || (RowKind::Unknown, format!("a row of {} bytes of an unknown kind", row.len()));
    let Some((&kind, rest)) = row.split_first() else { return unknown() };
    match kind {
        STATE => split_name(rest).map(|(namespace, key)| {
            let key = String::from_utf8_lossy(key);
            (RowKind::Value, format!("the value of key {key:?} of {namespace}"))
        }),
        HASHED => split_name(rest).and_then(|(namespace, rest)| {
            let (collection, _) = split_name(rest)?;
            Some((RowKind::Value, format!("a private value of {namespace}/{collection}")))
        }),
        PRIVATE => split_name(rest).and_then(|(org, rest)| {
            let (namespace, rest) = split_name(rest)?;
            let (collection, key) = split_name(rest)?;
            let key = String::from_utf8_lossy(key);
            let name = format!("the value of private key {key:?} of {namespace}/{collection}");
            Some((RowKind::Value, format!("{name} at {org}")))
        }),
        PRIVATE_NAME => split_name(rest).and_then(|(namespace, rest)| {
            let (collection, _) = split_name(rest)?;
            Some((RowKind::PrivateName, format!("a private name of {namespace}/{collection}")))
        }),
        EXPIRY => rest.get(16..).and_then(split_name).and_then(|(namespace, rest)| {
            let (collection, _) = split_name(rest)?;
            let committing = rest_number(row.get(9..17));
            let name = format!("the expiry of a private key of {namespace}/{collection}");
            Some((RowKind::Expiry { committing }, name))
        }),
        HISTORY => split_name(rest).and_then(|(namespace, rest)| {
            let (key, last) = split_name(rest)?;
            let last = height(last).map(|(last, _)| last);
            Some((RowKind::History { last }, format!("the history of key {key:?} of {namespace}")))
        }),
        TX => Some((RowKind::Transaction, "the index entry of a transaction".to_owned())),
        BLOCK => {
            let number = rest.try_into().ok().map(u64::from_be_bytes);
            Some((RowKind::Block { number }, "the place of the block".to_owned()))
        }
        BLOCK_HASH => Some((RowKind::BlockHash, "the index entry of the block's hash".to_owned())),
        _ if describe_index(row).is_some() => {
            describe_index(row).map(|name| (RowKind::Index, name))
        }
        _ if row == SAVEPOINT => Some((RowKind::Savepoint, "the savepoint".to_owned())),
        _ => None,
    }
    .unwrap_or_else(unknown)
}

fn rest_number(digits: Option<&[u8]>) -> Option<u64> {
    digits?.try_into().ok().map(u64::from_be_bytes)
}

fn split_name(bytes: &[u8]) -> Option<(Cow<'_, str>, &[u8])> {
    split_bytes(bytes).map(|(name, rest)| (String::from_utf8_lossy(name), rest))
}

/// Returns a human-readable name for a row of an index; None for other rows.
fn describe_index(row: &[u8]) -> Option<String> {
    let (kind, rest) = row.split_first()?;
    let id = u32::from_be_bytes(*rest.first_chunk()?);
    match *kind {
        ENTRY => Some(format!("an entry of index {id}")),
        DEFINITION => Some(format!("the definition of index {id}")),
        _ => None,
    }
}
