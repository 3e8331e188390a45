//! The JSON of a rich query. CouchDB: `mango_opts:validate_find`; Fabric's changes to it:
//! `statecouchdb.go`, `applyAdditionalQueryOptions`.
//!
//! `limit` is accepted and ignored, as on a Fabric peer, which replaces it: the caller or the page
//! size decides the number of rows.
//!
//! Invariant: never changed after parsing.

use crate::error::QueryError;
use crate::json::{Json, JsonKind, Value, shorten};
use crate::rich::field::Path;
use crate::rich::projection::Projection;
use crate::rich::selector::{Selector, SelectorBounds, natural};

/// Limit on the fields to sort by.
const MAX_SORT: usize = 64;

/// Limit on the memory for one byte of a query: `{"a":1},` becomes a condition.
const MEMORY_OF_BYTE: usize = 24;

/// A rich query.
#[derive(Clone, Debug)]
pub(crate) struct RichQuery {
    pub(crate) selector: Selector,
    pub(crate) sort: Sort,
    /// None: whole values.
    pub(crate) fields: Option<Projection>,
    /// Rows to skip at the beginning.
    pub(crate) skip: u64,
    pub(crate) use_index: Option<IndexName>,
    /// True if another index may be used when this one is not usable or not given.
    pub(crate) allow_fallback: bool,
    /// The position at which to continue; None: the beginning.
    pub(crate) bookmark: Option<String>,
    /// Memory of its regular expressions.
    pub(crate) regexes_bytes: usize,
    /// Approximate memory of the query, expressions included.
    pub(crate) weight: usize,
}

/// The requested order; without fields, any order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sort {
    pub(crate) fields: Vec<Path>,
    pub(crate) descending: bool,
}

/// An index, or all indexes of a design document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IndexName {
    /// The name without `_design/`.
    pub(crate) ddoc: String,
    pub(crate) name: Option<String>,
}

impl RichQuery {
    /// Parses a query of at most `limit` bytes.
    pub(crate) fn parse(text: &str, limit: usize) -> Result<Self, QueryError> {
        if text.len() > limit {
            return Err(QueryError::TooLong { bytes: text.len(), limit });
        }
        // As in Go's decoder, text after the object is ignored.
        let json = match Json::read_first(text.as_bytes()) {
            Ok((json, _)) if json.value().is_object() => json,
            Ok(_) => return Err(QueryError::NotJson { reason: "it is another value".to_owned() }),
            Err(error) => return Err(QueryError::NotJson { reason: error.to_string() }),
        };
        let selector = json.value().members().find(|(name, _)| *name == "selector");
        let (_, selector) = selector.ok_or_else(|| {
            QueryError::refused("missing_required_key", "Missing required key: selector")
        })?;
        let mut regexes_bytes = 0;
        let mut query = Self {
            selector: Selector::parse(
                selector,
                "selector",
                SelectorBounds::QUERY,
                &mut regexes_bytes,
            )?,
            sort: Sort::default(),
            fields: None,
            skip: 0,
            use_index: None,
            allow_fallback: true,
            bookmark: None,
            regexes_bytes,
            weight: text.len() * MEMORY_OF_BYTE + regexes_bytes,
        };
        for (key, value) in json.value().members() {
            match key {
                "selector" | "limit" => {}
                "sort" => query.sort = Sort::parse(value)?,
                "fields" => query.fields = Some(Projection::parse(value)?),
                "skip" => query.skip = natural(value).ok_or_else(|| not_natural(value))?,
                "use_index" => query.use_index = IndexName::parse(value)?,
                "bookmark" => query.bookmark = bookmark(value)?,
                "allow_fallback" => query.allow_fallback = boolean(value)?,
                // These options select how CouchDB's nodes agree; here is only one.
                "conflicts" | "update" | "stable" | "execution_stats" => {
                    boolean(value)?;
                }
                "r" | "stale" => {}
                _ => {
                    let reason = format!("Invalid key {} for this request.", shorten(key));
                    return Err(QueryError::refused("invalid_key", reason));
                }
            }
        }
        Ok(query)
    }
}

impl Sort {
    pub(crate) fn parse(json: Value<'_>) -> Result<Self, QueryError> {
        if !json.is_array() {
            let reason = format!("Sort must be an array of sort specs, not: {}", json.shown());
            return Err(QueryError::refused("invalid_sort_json", reason));
        }
        let count = json.elements().count();
        if count > MAX_SORT {
            return Err(QueryError::too_many(count, MAX_SORT, "fields to sort by"));
        }
        let mut sort = Self::default();
        for spec in json.elements() {
            let bad = |error, what| QueryError::refused(error, format!("{what}: {}", spec.shown()));
            let mut members = spec.members();
            let (name, descending) = match (spec.kind(), members.next(), members.next()) {
                (JsonKind::Text(name), ..) => (name, false),
                (JsonKind::Object, Some((name, direction)), None) => match direction.as_text() {
                    Some("asc") => (name, false),
                    Some("desc") => (name, true),
                    _ => return Err(bad("invalid_sort_dir", "Invalid sort direction")),
                },
                _ => return Err(bad("invalid_sort_field", "Invalid sort field")),
            };
            if !sort.fields.is_empty() && sort.descending != descending {
                let reason = "Sorts currently only support a single direction for all fields.";
                return Err(QueryError::refused("unsupported_mixed_sort", reason));
            }
            sort.descending = descending;
            sort.fields.push(Path::parse(name)?);
        }
        Ok(sort)
    }
}

impl IndexName {
    fn parse(json: Value<'_>) -> Result<Option<Self>, QueryError> {
        let texts: Option<Vec<&str>> = match json.kind() {
            JsonKind::Null => Some(Vec::new()),
            JsonKind::Text(name) => {
                Some(name.split('/').filter(|part| *part != "_design").take(3).collect())
            }
            JsonKind::Array => json.elements().take(3).map(Value::as_text).collect(),
            _ => None,
        };
        let (ddoc, name) = match texts.as_deref() {
            Some([]) => return Ok(None),
            Some([ddoc]) => (*ddoc, None),
            Some([ddoc, name]) => (*ddoc, Some((*name).to_owned())),
            _ => {
                let reason = format!("Invalid index name: {}", json.shown());
                return Err(QueryError::refused("invalid_index_name", reason));
            }
        };
        let ddoc = ddoc.strip_prefix("_design/").unwrap_or(ddoc).to_owned();
        Ok(Some(Self { ddoc, name }))
    }

    /// Returns the name as CouchDB's messages have it.
    pub(crate) fn shown(&self) -> String {
        match &self.name {
            None => format!("_design/{}", self.ddoc),
            Some(name) => format!("_design/{}, {name}", self.ddoc),
        }
    }
}

/// CouchDB returns "nil" if there was no row, and accepts it as no bookmark.
fn bookmark(json: Value<'_>) -> Result<Option<String>, QueryError> {
    match json.kind() {
        JsonKind::Null | JsonKind::Text("" | "nil") => Ok(None),
        JsonKind::Text(text) => Ok(Some(text.to_owned())),
        _ => Err(invalid_bookmark(&json.shown())),
    }
}

pub(crate) fn invalid_bookmark(text: &str) -> QueryError {
    let reason = format!("Invalid bookmark value: {:?}", shorten(text));
    QueryError::refused("invalid_bookmark", reason)
}

fn boolean(json: Value<'_>) -> Result<bool, QueryError> {
    json.as_bool().ok_or_else(|| {
        let reason = format!("Invalid boolean value: {}", json.shown());
        QueryError::refused("invalid_boolean", reason)
    })
}

fn not_natural(json: Value<'_>) -> QueryError {
    let reason = format!("{} is not an integer greater than or equal to zero", json.shown());
    QueryError::refused("invalid_non_neg_integer", reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_query_are_read() {
        let query = RichQuery::parse(
            r#"{"selector": {}, "sort": [{"a": "desc"}, {"b.c": "desc"}], "fields": ["a"],
                "skip": 3, "limit": "whatever", "use_index": ["_design/d", "n"], "r": 1,
                "bookmark": "b0", "execution_stats": true}"#,
            1000,
        );
        let query = query.unwrap();
        assert_eq!((query.sort.fields.len(), query.sort.descending, query.skip), (2, true, 3));
        assert_eq!(query.use_index, Some(IndexName { ddoc: "d".into(), name: Some("n".into()) }));
        assert_eq!(query.bookmark.as_deref(), Some("b0"));
        for (name, ddoc, index) in [
            (r#""d""#, "d", None),
            (r#""_design/d""#, "d", None),
            (r#""d/n""#, "d", Some("n")),
            (r#""_design/d/n""#, "d", Some("n")),
            (r#"["d"]"#, "d", None),
        ] {
            let query = format!(r#"{{"selector": {{}}, "use_index": {name}}}"#);
            let found = RichQuery::parse(&query, 1000).unwrap().use_index.unwrap();
            assert_eq!((found.ddoc.as_str(), found.name.as_deref()), (ddoc, index), "{name}");
        }
        for none in [r#"null"#, r#""""#, r#""nil""#] {
            let query = format!(r#"{{"selector": {{}}, "bookmark": {none}}}"#);
            assert_eq!(RichQuery::parse(&query, 1000).unwrap().bookmark, None);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for (text, error) in [
            ("", "must be a JSON object"),
            ("[]", "must be a JSON object"),
            ("{}", "Missing required key: selector"),
            (r#"{"selector": 1}"#, "Error:invalid_selector_json,"),
            (r#"{"selector": {}, "fields": "a"}"#, "fields definition must be an array"),
            (r#"{"selector": {}, "skip": -1}"#, "Error:invalid_non_neg_integer,"),
            (r#"{"selector": {}, "sort": "a"}"#, "Error:invalid_sort_json,"),
            (r#"{"selector": {}, "sort": [1]}"#, "Error:invalid_sort_field,"),
            (r#"{"selector": {}, "sort": [{"a": "up"}]}"#, "Error:invalid_sort_dir,"),
            (r#"{"selector": {}, "sort": ["a", {"b": "desc"}]}"#, "unsupported_mixed_sort"),
            (r#"{"selector": {}, "use_index": [1]}"#, "Error:invalid_index_name,"),
            (r#"{"selector": {}, "bookmark": 1}"#, "Error:invalid_bookmark,"),
            (r#"{"selector": {}, "stable": 1}"#, "Error:invalid_boolean,"),
            (r#"{"selector": {}, "where": 1}"#, "Invalid key where for this request."),
        ] {
            let refused = RichQuery::parse(text, 1000).unwrap_err().to_string();
            assert!(refused.contains(error), "{text}: {refused}");
        }
        let long = QueryError::TooLong { bytes: 15, limit: 14 };
        assert_eq!(RichQuery::parse(r#"{"selector":{}}"#, 14).unwrap_err(), long);
        assert!(RichQuery::parse(r#"{"selector":{}}"#, 15).is_ok());
        // As deep as the JSON parser accepts, and deeper.
        let deep = format!(r#"{{"selector": {{"a": {}}}}}"#, "[".repeat(200_000));
        assert!(RichQuery::parse(&deep, 1 << 20).is_err());
    }
}
