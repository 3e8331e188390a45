//! Human-readable reasons why the ledger made a transaction invalid.
//!
//! Invariant: explanations only; no verdict depends on them.

use std::fmt;

use crate::error::no_document::NoDocument;
use wasmcc_types::proto::protos::TxValidationCode;
use wasmcc_types::{Height, hex};

/// The reason why the ledger made a transaction invalid; most often another transaction was faster.
/// The verdict itself is the `TxValidationCode`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// A key that the transaction read was written afterwards.
    Key {
        /// The namespace.
        namespace: String,
        /// The key.
        key: String,
        /// The version that the transaction read; None if the key did not exist.
        read: Option<Height>,
        /// The current version; None if the key does not exist.
        now: Option<Height>,
        /// The transaction that wrote or deleted the key afterwards, if known.
        writer: Option<String>,
    },
    /// A private key that the transaction read was written afterwards.
    PrivateKey {
        /// The namespace.
        namespace: String,
        /// The collection.
        collection: String,
        /// SHA-256 of the key.
        key_hash: Vec<u8>,
        /// The version that the transaction read; None if the key did not exist.
        read: Option<Height>,
        /// The current version; None if the key does not exist.
        now: Option<Height>,
        /// The transaction that wrote or deleted the key afterwards, if known.
        writer: Option<String>,
    },
    /// A range query would now return other rows.
    Range {
        /// The namespace.
        namespace: String,
        /// First key of the range.
        start_key: String,
        /// The end of the range; empty: the range is open.
        end_key: String,
        /// The first row that differs; None if the transaction recorded hashes only.
        key: Option<String>,
        /// The version of that row that the transaction read; None if it did not see the row.
        read: Option<Height>,
        /// The current version of that row; None if it was deleted.
        now: Option<Height>,
        /// The transaction that wrote or deleted that row afterwards, if known.
        writer: Option<String>,
        /// The most recently written row of the range, if only hashes were recorded. Most likely
        /// this row differs, unless a row was deleted.
        newest: Option<NewestRow>,
    },
    /// An earlier transaction has the same id.
    DuplicateTxId {
        /// The block that contains the earlier one; None: the same block.
        block: Option<u64>,
    },
    /// The transaction writes a key or value that CouchDB does not accept.
    Refused {
        /// The namespace.
        namespace: String,
        /// The key.
        key: String,
        /// The reason.
        reason: NoDocument,
    },
}

/// The row of a range that was written last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewestRow {
    /// Its key.
    pub key: String,
    /// Its version.
    pub version: Height,
    /// The transaction that wrote it, if known.
    pub writer: Option<String>,
}

impl Conflict {
    /// The verdict on a transaction with this conflict.
    pub fn code(&self) -> TxValidationCode {
        match self {
            Self::Key { .. } | Self::PrivateKey { .. } => TxValidationCode::MvccReadConflict,
            Self::Range { .. } => TxValidationCode::PhantomReadConflict,
            Self::DuplicateTxId { .. } => TxValidationCode::DuplicateTxid,
            Self::Refused { .. } => TxValidationCode::InvalidWriteset,
        }
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key { namespace, key, read, now, writer } => {
                let key = ShownName(key);
                write!(f, "key {key} of {namespace} {}", VersionChange { read, now, writer })
            }
            Self::PrivateKey { namespace, collection, key_hash, read, now, writer } => {
                let (hash, change) = (hex(key_hash), VersionChange { read, now, writer });
                write!(f, "the private key of {namespace}/{collection} with hash {hash} {change}")
            }
            Self::Range { namespace, start_key, end_key, key, read, now, writer, newest } => {
                let (start, end) = (ShownName(start_key), ShownName(end_key));
                write!(f, "the range from {start} to {end} of {namespace} has changed")?;
                match (key, newest) {
                    (Some(key), _) => {
                        write!(
                            f,
                            ": key {} {}",
                            ShownName(key),
                            VersionChange { read, now, writer }
                        )
                    }
                    (None, Some(NewestRow { key, version, writer })) => {
                        write!(
                            f,
                            "; only hashes of its rows were recorded, the one written last is key \
                             {} at {version}",
                            ShownName(key)
                        )?;
                        match writer {
                            Some(writer) => write!(f, ", by transaction {writer}"),
                            None => Ok(()),
                        }
                    }
                    (None, None) => f.write_str("; it is empty now"),
                }
            }
            Self::DuplicateTxId { block: Some(block) } => {
                write!(f, "the transaction id is in block {block} already")
            }
            Self::DuplicateTxId { block: None } => {
                write!(f, "an earlier transaction of this block has the same id")
            }
            Self::Refused { namespace, key, reason } => {
                write!(f, "CouchDB does not accept key {} of {namespace}: ", ShownName(key))?;
                match reason {
                    NoDocument::EmptyKey => f.write_str("it may not be empty"),
                    NoDocument::ReservedKey { .. } => f.write_str("it may not begin with \"_\""),
                    NoDocument::ReservedField { field } => {
                        write!(f, "its value may not have the field {}", ShownName(field))
                    }
                }
            }
        }
    }
}

/// Limit on the characters of a key that are shown. Logs cut long lines, and the text after the key
/// is needed, too.
const MAX_SHOWN: usize = 100;

struct ShownName<'a>(&'a str);

impl fmt::Display for ShownName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(MAX_SHOWN) {
            Some((end, _)) => write!(f, "{:?}...", &self.0[..end]),
            None => write!(f, "{:?}", self.0),
        }
    }
}

struct VersionChange<'a> {
    read: &'a Option<Height>,
    now: &'a Option<Height>,
    writer: &'a Option<String>,
}

impl fmt::Display for VersionChange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "was read at {} and is now at {}",
            ShownVersion(self.read),
            ShownVersion(self.now)
        )?;
        match (self.writer, self.now) {
            (Some(writer), Some(_)) => write!(f, ", written by transaction {writer}"),
            (Some(writer), None) => write!(f, ", deleted by transaction {writer}"),
            (None, _) => Ok(()),
        }
    }
}

struct ShownVersion<'a>(&'a Option<Height>);

impl fmt::Display for ShownVersion<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(height) => write!(f, "{height}"),
            None => f.write_str("no version"),
        }
    }
}
