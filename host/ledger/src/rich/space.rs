//! The rows of a query's documents: the keys of a namespace, or of a collection of it.
//!
//! Does not read rows.

use crate::error::LedgerError;
use crate::rich::collation::encoded_len;
use crate::store::key::{self, after_prefix};

/// First byte of the rows of index entries.
pub(crate) const ENTRY: u8 = b'i';
/// First byte of the rows of index definitions.
pub(crate) const DEFINITION: u8 = b'x';

/// Rows with a common prefix, after which the key of a document follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Space {
    namespace: String,
    /// Empty for public state.
    collection: String,
    /// The prefix of the rows of values.
    prefix: Vec<u8>,
    /// The prefix of this space's entries within an index; no scope is a prefix of another.
    scope: Vec<u8>,
}

impl Space {
    /// The public state of a chaincode.
    pub(crate) fn public(namespace: &str) -> Self {
        let (prefix, _) = key::state_range(namespace, "", "");
        Self::new(namespace, "", prefix, Vec::new())
    }

    /// The private state of an organization (MSP id) in a collection.
    pub(crate) fn private(org: &str, namespace: &str, collection: &str) -> Self {
        let (prefix, _) = key::private_range(org, namespace, collection, "", "");
        let mut scope = Vec::new();
        key::push_name(&mut scope, org.as_bytes());
        Self::new(namespace, collection, prefix, scope)
    }

    /// Rows that begin with `prefix`. If several spaces share the indexes of a collection, such as
    /// the private states of several organizations, each needs its own `scope`.
    fn new(namespace: &str, collection: &str, prefix: Vec<u8>, scope: Vec<u8>) -> Self {
        let (namespace, collection) = (namespace.to_owned(), collection.to_owned());
        Self { namespace, collection, prefix, scope }
    }

    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    pub(crate) fn collection(&self) -> &str {
        &self.collection
    }

    /// The first row, and the row after the last.
    pub(crate) fn bounds(&self) -> (Vec<u8>, Vec<u8>) {
        (self.prefix.clone(), after_prefix(self.prefix.clone()))
    }

    /// The row of a key's value.
    pub(crate) fn row(&self, key: &str) -> Vec<u8> {
        [self.prefix.as_slice(), key.as_bytes()].concat()
    }

    /// The key of a value's row.
    pub(crate) fn key(&self, row: &[u8]) -> Result<String, LedgerError> {
        row.strip_prefix(self.prefix.as_slice())
            .and_then(|key| std::str::from_utf8(key).ok())
            .map(str::to_owned)
            .ok_or(LedgerError::CorruptState { what: "a state key is not text" })
    }

    /// The prefix of this space's entries in index `id`.
    pub(crate) fn index_head(&self, id: u32) -> Vec<u8> {
        [&[ENTRY], id.to_be_bytes().as_slice(), &self.scope].concat()
    }
}

/// Returns the key at the end of an index entry, after its prefix and `columns` encoded values.
pub(crate) fn entry_key(row: &[u8], head: usize, columns: usize) -> Option<&str> {
    let mut rest = row.get(head..)?;
    for _ in 0..columns {
        rest = rest.get(encoded_len(rest)?..)?;
    }
    std::str::from_utf8(rest).ok()
}

/// The first row and the row after the last of the entries of index `id`.
pub(crate) fn entry_range(id: u32) -> (Vec<u8>, Vec<u8>) {
    let head = [&[ENTRY], id.to_be_bytes().as_slice()].concat();
    (head.clone(), after_prefix(head))
}

/// Returns the index that an entry belongs to.
pub(crate) fn entry_index(row: &[u8]) -> Option<u32> {
    let id = row.strip_prefix(&[ENTRY])?.first_chunk()?;
    Some(u32::from_be_bytes(*id))
}

/// The row with the definition of index `id`.
pub(crate) fn definition_row(id: u32) -> Vec<u8> {
    [&[DEFINITION], id.to_be_bytes().as_slice()].concat()
}
