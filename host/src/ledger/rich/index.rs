//! Index definitions, and what an index holds of a document. CouchDB: `mango_idx_view.erl`; what
//! Fabric takes for a definition: `internal/ccmetadata/validators.go`.
//!
//! Invariant: a document has at most one entry in an index, and none if it lacks a field of it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde_json::Map;
use serde_json::Value;

use crate::ledger::rich::collation::encode;
use crate::ledger::rich::collation::encode_text;
use crate::ledger::rich::error::QueryError;
use crate::ledger::rich::field::Document;
use crate::ledger::rich::field::Found;
use crate::ledger::rich::field::Path;
use crate::ledger::rich::query::Sort;
use crate::ledger::rich::selector::Selector;
use crate::types::hex;
use crate::types::sha256;

/// Fields of one index.
const MAX_COLUMNS: usize = 16;
/// Bytes of one definition.
const MAX_BYTES: usize = 64 << 10;

/// What a file of `META-INF/statedb/couchdb/indexes` says.
#[derive(Clone, Debug)]
pub struct IndexDefinition {
    /// Its design document, without `_design/`.
    pub(super) ddoc: String,
    pub(super) name: String,
    pub(super) columns: Vec<Path>,
    /// The documents that it leaves out do not match this.
    pub(super) filter: Option<Selector>,
    /// As it came.
    pub(super) json: String,
}

/// An index of a channel.
#[derive(Debug)]
pub(super) struct Index {
    pub(super) id: u32,
    pub(super) namespace: String,
    /// Empty for public state.
    pub(super) collection: String,
    pub(super) definition: IndexDefinition,
    /// Whether all documents are in it.
    pub(super) is_built: bool,
    /// Its entries may be gone from now on.
    pub(super) replaced: Arc<AtomicBool>,
}

impl IndexDefinition {
    /// Reads the JSON of a definition:
    /// `{"index": {"fields": ["a", {"b.c": "desc"}]}, "ddoc": "d", "name": "n", "type": "json"}`.
    pub fn parse(json: &[u8]) -> Result<Self, QueryError> {
        if json.len() > MAX_BYTES {
            let reason = format!("it has {} bytes, more than {MAX_BYTES}", json.len());
            return Err(QueryError::definition(reason));
        }
        let refused = |error: QueryError| QueryError::definition(error.to_string());
        let members: Map<String, Value> = serde_json::from_slice(json)
            .map_err(|error| QueryError::definition(format!("it is not a JSON object: {error}")))?;
        let (mut sort, mut filter, mut named) = (None, None, [None, None]);
        for (key, value) in &members {
            match (key.as_str(), value) {
                ("index", Value::Object(index)) => {
                    for (key, value) in index {
                        match key.as_str() {
                            "fields" if value.is_array() => {
                                sort = Some(Sort::parse(value).map_err(refused)?);
                            }
                            "fields" => {
                                return Err(QueryError::definition(
                                    "Expecting a JSON array of fields",
                                ));
                            }
                            "partial_filter_selector" => {
                                let selector = Selector::parse(value, key).map_err(refused)?;
                                let is_all = matches!(value, Value::Object(of) if of.is_empty());
                                filter = (!is_all).then_some(selector);
                            }
                            _ => return Err(invalid_entry(key)),
                        }
                    }
                }
                ("index", _) => {
                    return Err(QueryError::definition("Invalid entry, \"index\" must be a JSON"));
                }
                ("ddoc", Value::String(text)) => named[0] = Some(text.clone()),
                ("name", Value::String(text)) => named[1] = Some(text.clone()),
                ("ddoc" | "name", _) => {
                    let reason = format!("Invalid entry, {key:?} must be a string");
                    return Err(QueryError::definition(reason));
                }
                ("type", Value::String(kind)) if kind == "json" => {}
                ("type", _) => return Err(QueryError::definition("Index type must be json")),
                _ => return Err(invalid_entry(key)),
            }
        }
        let columns = sort.map(|sort| sort.fields).filter(|columns| !columns.is_empty());
        let columns = columns.ok_or_else(|| {
            QueryError::definition("Index definition must include a \"fields\" definition")
        })?;
        if columns.len() > MAX_COLUMNS {
            let reason = format!("it has {} fields, more than {MAX_COLUMNS}", columns.len());
            return Err(QueryError::definition(reason));
        }
        // CouchDB makes names of a hash, too.
        let index = members.get("index").map(Value::to_string).unwrap_or_default();
        let [ddoc, name] =
            named.map(|name| name.unwrap_or_else(|| hex(&sha256(index.as_bytes())[..20])));
        let ddoc = ddoc.strip_prefix("_design/").unwrap_or(&ddoc).to_owned();
        let json = Value::Object(members).to_string();
        Ok(Self { ddoc, name, columns, filter, json })
    }

    /// `DESIGN_DOCUMENT/NAME`.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.ddoc, self.name)
    }

    /// The encoded values of a document; None if it is not in the index.
    pub(super) fn entry(&self, document: Document<'_>) -> Option<Vec<u8>> {
        if self.filter.as_ref().is_some_and(|filter| !filter.matches(document)) {
            return None;
        }
        let mut entry = Vec::new();
        for column in &self.columns {
            match column.find(document) {
                Found::Value(value) => encode(value, &mut entry),
                Found::Key(key) => encode_text(key, &mut entry),
                Found::Missing | Found::BadPath => return None,
            }
        }
        Some(entry)
    }
}

fn invalid_entry(key: &str) -> QueryError {
    QueryError::definition(format!("Invalid Entry.  Entry {key}"))
}

/// The JSON object of a value; None if it is anything else, which no query finds. So is an object
/// more than 128 deep: the parser goes no deeper.
pub(super) fn document(value: &[u8]) -> Option<Value> {
    // Most values that are no objects are known by their first letter.
    let first = value.iter().find(|byte| !byte.is_ascii_whitespace());
    if first != Some(&b'{') {
        return None;
    }
    serde_json::from_slice(value).ok().filter(Value::is_object)
}
