//! Index definitions, and the entry of a document in an index. CouchDB: `mango_idx_view.erl`;
//! Fabric's checks of definitions: `internal/ccmetadata/validators.go`.
//!
//! Invariant: a document has at most one entry in an index, and none if it lacks one of the fields.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::error::QueryError;
use crate::json::{Json, JsonKind, Value, shorten};
use crate::rich::collation::{encode, encode_text};
use crate::rich::columns::{Columns, FoundColumn, FoundColumns};
use crate::rich::field::{Document, Path};
use crate::rich::query::Sort;
use crate::rich::selector::{Selector, SelectorBounds};
use crate::rich::work::QueryWork;
use wasmcc_types::{hex, sha256};

/// Limit on the fields of an index.
const MAX_COLUMNS: usize = 16;
/// Longest definition, in bytes.
const MAX_BYTES: usize = 64 << 10;

/// Limit on the work of one document in a `partial_filter_selector`, in units of a `Meter`. A
/// document above the limit is left out of the index, on every peer, so that no definition delays
/// commits.
const MAX_FILTER_WORK: u64 = 4_000_000;

/// The contents of a file in `META-INF/statedb/couchdb/indexes`.
#[derive(Clone, Debug)]
pub struct IndexDefinition {
    /// Its design document, without `_design/`.
    pub(crate) ddoc: String,
    pub(crate) name: String,
    pub(crate) columns: Vec<Path>,
    /// The same columns, prepared for look-ups.
    sorted: Columns,
    /// Limits the index to the documents that match.
    pub(crate) filter: Option<Selector>,
    /// The original text.
    pub(crate) json: String,
}

/// An index of a channel.
#[derive(Debug)]
pub(crate) struct Index {
    pub(crate) id: u32,
    pub(crate) namespace: String,
    /// Empty for public state.
    pub(crate) collection: String,
    pub(crate) definition: IndexDefinition,
    /// True if it contains all documents.
    pub(crate) is_built: bool,
    /// Set when the index is replaced; from then on entries may be missing.
    pub(crate) replaced: Arc<AtomicBool>,
}

impl IndexDefinition {
    /// Parses the JSON of a definition: `{"index": {"fields": ["a", {"b.c": "desc"}]}, "ddoc": "d",
    /// "name": "n", "type": "json"}`.
    pub fn parse(json: &[u8]) -> Result<Self, QueryError> {
        if json.len() > MAX_BYTES {
            let reason = format!("it has {} bytes, more than {MAX_BYTES}", json.len());
            return Err(QueryError::definition(reason));
        }
        let read = Json::read(json)
            .map_err(|error| QueryError::definition(format!("it is not a JSON object: {error}")))?;
        if !read.value().is_object() {
            return Err(QueryError::definition("it is not a JSON object"));
        }
        let (mut sort, mut filter, mut named, mut index) =
            (None, None, [None, None], String::new());
        for (key, value) in read.value().members() {
            match (key, value.kind()) {
                ("index", JsonKind::Object) => {
                    (sort, filter) = fields_and_filter(value)?;
                    index = value.to_json().to_string();
                }
                ("index", _) => {
                    return Err(QueryError::definition("Invalid entry, \"index\" must be a JSON"));
                }
                ("ddoc", JsonKind::Text(text)) => named[0] = Some(text.to_owned()),
                ("name", JsonKind::Text(text)) => named[1] = Some(text.to_owned()),
                ("ddoc" | "name", _) => {
                    let reason = format!("Invalid entry, {key:?} must be a string");
                    return Err(QueryError::definition(reason));
                }
                ("type", JsonKind::Text("json")) => {}
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
        // CouchDB also replaces missing names by a hash.
        let [ddoc, name] =
            named.map(|name| name.unwrap_or_else(|| hex(&sha256(index.as_bytes())[..20])));
        let ddoc = ddoc.strip_prefix("_design/").unwrap_or(&ddoc).to_owned();
        let json = read.to_string();
        let sorted = columns.iter().collect();
        Ok(Self { ddoc, name, columns, sorted, filter, json })
    }

    /// `DESIGN_DOCUMENT/NAME`.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.ddoc, self.name)
    }

    /// Encodes the values of a document for this index; None if the document is not in the index.
    /// Adds the units of work to `spent`.
    pub(crate) fn entry(&self, document: Document<'_>, spent: &mut u64) -> Option<Vec<u8>> {
        if !self.is_wanted(document, spent) {
            return None;
        }
        let found = self.sorted.find(document);
        *spent += found.work();
        self.encoded(&found)
    }

    /// As [`entry`](Self::entry), for a document whose columns were looked up for all indexes of
    /// its space.
    pub(crate) fn entry_of(
        &self,
        document: Document<'_>,
        found: &FoundColumns<'_>,
    ) -> Option<Vec<u8>> {
        if self.is_wanted(document, &mut 0) { self.encoded(found) } else { None }
    }

    /// True if a document matches the filter.
    fn is_wanted(&self, document: Document<'_>, spent: &mut u64) -> bool {
        let Some(filter) = &self.filter else { return true };
        let mut work = QueryWork::up_to(MAX_FILTER_WORK);
        let is_wanted = filter.matches(document, &mut work);
        *spent += work.used();
        is_wanted.unwrap_or(false)
    }

    fn encoded(&self, found: &FoundColumns<'_>) -> Option<Vec<u8>> {
        let mut entry = Vec::new();
        for column in &self.columns {
            match found.get(column)? {
                FoundColumn::Value(value) => encode(value, &mut entry),
                FoundColumn::Key(key) => encode_text(key, &mut entry),
            }
        }
        Some(entry)
    }
}

/// Parses the columns and the filter of the member `index`.
fn fields_and_filter(index: Value<'_>) -> Result<(Option<Sort>, Option<Selector>), QueryError> {
    let refused = |error: QueryError| QueryError::definition(error.to_string());
    let (mut sort, mut filter) = (None, None);
    for (key, value) in index.members() {
        match key {
            "fields" if value.is_array() => sort = Some(Sort::parse(value).map_err(refused)?),
            "fields" => return Err(QueryError::definition("Expecting a JSON array of fields")),
            "partial_filter_selector" => {
                let selector =
                    Selector::parse(value, key, SelectorBounds::FILTER, &mut 0).map_err(refused)?;
                // As a query, an empty list matches nothing. In CouchDB's indexer, it matches every
                // document, and the index is a partial one nevertheless.
                filter = match selector {
                    _ if value.members().next().is_none() => None,
                    Selector::Nothing => Some(Selector::All(Vec::new())),
                    selector => Some(selector),
                };
            }
            _ => return Err(invalid_entry(key)),
        }
    }
    Ok((sort, filter))
}

fn invalid_entry(key: &str) -> QueryError {
    QueryError::definition(format!("Invalid Entry.  Entry {}", shorten(key)))
}
