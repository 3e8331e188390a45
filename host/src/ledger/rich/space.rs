//! Where the documents of a query are: the keys of one namespace, or of one collection of it.
//!
//! Invariant: says which rows, reads none.

use crate::ledger::error::LedgerError;
use crate::ledger::key;
use crate::ledger::key::after_prefix;
use crate::ledger::rich::collation::encoded_len;

/// The kind of an index's rows.
pub(super) const ENTRY: u8 = b'i';
/// The kind of the rows that say which indexes there are.
pub(super) const DEFINITION: u8 = b'x';

/// Rows whose keys begin with the same bytes; what follows is the key of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Space {
    namespace: String,
    /// Empty for public state.
    collection: String,
    /// What the rows of the values have in front of the key.
    prefix: Vec<u8>,
    /// What tells this space's entries from others in one index; no scope is the beginning of
    /// another.
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
        let (prefix, _) = key::private_range((org, namespace, collection), "", "");
        let mut scope = Vec::new();
        key::push_name(&mut scope, org.as_bytes());
        Self::new(namespace, collection, prefix, scope)
    }

    /// Rows that begin with `prefix`. Where several spaces share the indexes of a collection, such
    /// as the private states of several organizations, each needs a `scope` of its own.
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

    /// First row and row after the last.
    pub(super) fn bounds(&self) -> (Vec<u8>, Vec<u8>) {
        (self.prefix.clone(), after_prefix(self.prefix.clone()))
    }

    /// The row of a key's value.
    pub(super) fn row(&self, key: &str) -> Vec<u8> {
        [self.prefix.as_slice(), key.as_bytes()].concat()
    }

    /// The key of a value's row.
    pub(super) fn key(&self, row: &[u8]) -> Result<String, LedgerError> {
        row.strip_prefix(self.prefix.as_slice())
            .and_then(|key| std::str::from_utf8(key).ok())
            .map(str::to_owned)
            .ok_or(LedgerError::CorruptState { what: "a state key is not text" })
    }

    /// What the entries of this space in index `id` have in front.
    pub(super) fn index_head(&self, id: u32) -> Vec<u8> {
        [&[ENTRY], id.to_be_bytes().as_slice(), &self.scope].concat()
    }
}

/// The key at the end of an index entry, after its head and so many encoded values.
pub(super) fn entry_key(row: &[u8], head: usize, columns: usize) -> Option<&str> {
    let mut rest = row.get(head..)?;
    for _ in 0..columns {
        rest = rest.get(encoded_len(rest)?..)?;
    }
    std::str::from_utf8(rest).ok()
}

/// First row and row after the last of the entries of index `id`.
pub(super) fn entry_range(id: u32) -> (Vec<u8>, Vec<u8>) {
    let head = [&[ENTRY], id.to_be_bytes().as_slice()].concat();
    (head.clone(), after_prefix(head))
}

/// The index that a row is an entry of.
pub(crate) fn entry_index(row: &[u8]) -> Option<u32> {
    let id = row.strip_prefix(&[ENTRY])?.first_chunk()?;
    Some(u32::from_be_bytes(*id))
}

/// The row that says what index `id` is.
pub(super) fn definition_row(id: u32) -> Vec<u8> {
    [&[DEFINITION], id.to_be_bytes().as_slice()].concat()
}

/// What a row of an index is, for people; None if it is none.
pub(crate) fn describe(row: &[u8]) -> Option<String> {
    let (kind, rest) = row.split_first()?;
    let id = u32::from_be_bytes(*rest.first_chunk()?);
    match *kind {
        ENTRY => Some(format!("an entry of index {id}")),
        DEFINITION => Some(format!("the definition of index {id}")),
        _ => None,
    }
}
