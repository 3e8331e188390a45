//! Rich queries of the mock ledger: CouchDB's selectors over the JSON objects of a namespace or
//! collection.
//!
//! Unsupported parts (regular expressions, names of indexes) are refused by name.

mod condition;
mod field;
mod index;
mod numbers;
mod options;
mod projection;
mod refusal;
mod selector;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;

use serde_json::{Value, json};

use crate::error::Refusal;
use crate::testing::collation::compare;
use crate::testing::go_json::whole;
use crate::types::KeyValue;
use field::{Document, Found};
use options::{NO_BOOKMARK, Sort};
use projection::Projection;
use refusal::{Parsed, invalid_bookmark, refused, shorten, unknown};
use selector::Selector;

pub(super) use field::Path;
pub(super) use field::path;

/// A parsed query.
pub(super) struct Query {
    selector: Selector,
    sort: Sort,
    skip: usize,
    fields: Option<Projection>,
    /// The index, or all of a design document, that the query names.
    named: Option<String>,
    /// True if the query may use another index, also if it names none.
    may_fall_back: bool,
    bookmark: Option<String>,
}

/// Rows, and the bookmark of the next page.
pub(super) struct Rows {
    pub(super) rows: Vec<KeyValue>,
    pub(super) bookmark: String,
}

/// The sort position of a row: its values in the index that is read, and its key.
#[derive(serde::Serialize, serde::Deserialize)]
struct Position {
    values: Vec<Value>,
    key: String,
}

impl Query {
    /// Parses a query. Refuses queries that CouchDB refuses or this module does not support.
    pub(super) fn parse(text: &str) -> Parsed<Self> {
        let not_an_object = |why: &str| {
            let words = format!("a rich query must be a JSON object: {why}");
            Err(Refusal::InvalidArgument(words))
        };
        let text = whole(text.as_bytes());
        let members = match serde_json::Deserializer::from_str(&text).into_iter::<Value>().next() {
            Some(Ok(Value::Object(members))) => members,
            Some(Ok(_)) => return not_an_object("it is another value"),
            Some(Err(error)) => return not_an_object(&error.to_string()),
            None => return not_an_object("it is empty"),
        };
        let selector = members
            .get("selector")
            .ok_or_else(|| refused("missing_required_key", "Missing required key: selector"))?;
        let mut query = Self {
            selector: Selector::parse(selector)?,
            sort: Sort::default(),
            skip: 0,
            fields: None,
            named: None,
            may_fall_back: true,
            bookmark: None,
        };
        for (name, value) in &members {
            match name.as_str() {
                "sort" => query.sort = Sort::parse(value)?,
                "skip" => query.skip = options::skip(value)?,
                "fields" => query.fields = Some(Projection::parse(value)?),
                "use_index" => query.named = options::index_name(value)?,
                "bookmark" => query.bookmark = options::bookmark(value)?,
                "allow_fallback" => query.may_fall_back = options::boolean(value)?,
                "conflicts" | "update" | "stable" | "execution_stats" => {
                    options::boolean(value)?;
                }
                "selector" | "limit" | "r" | "stale" => {}
                name => {
                    let reason = format!("Invalid key {} for this request.", shorten(name));
                    return Err(refused("invalid_key", &reason));
                }
            }
        }
        Ok(query)
    }

    /// Starts after a bookmark, unless it is empty.
    pub(super) fn go_on_after(&mut self, bookmark: &str) {
        if !bookmark.is_empty() {
            self.bookmark = options::given(bookmark);
        }
    }

    /// Returns at most `size` matching rows, in the order of the query.
    pub(super) fn run(
        &self,
        rows: Vec<KeyValue>,
        indexes: &[Vec<Path>],
        size: usize,
    ) -> Parsed<Rows> {
        let index = self.index(indexes)?;
        let after = self.bookmark.as_deref().map(|text| self.position(text, index)).transpose()?;
        let mut found: Vec<_> =
            rows.into_iter().filter_map(|row| self.look_at(row, index)).collect();
        found.sort_by(|(one, _), (other, _)| self.order(one, other));
        if let Some(after) = after {
            found.retain(|(position, _)| self.order(position, &after).is_gt());
        }
        let found: Vec<_> = found.into_iter().skip(self.skip).take(size).collect();
        let bookmark = match (found.last(), &self.bookmark) {
            (Some((last, _)), _) => self.bookmark_after(last, index),
            (None, Some(bookmark)) => bookmark.clone(),
            (None, None) => NO_BOOKMARK.to_owned(),
        };
        Ok(Rows { rows: found.into_iter().map(|(_, row)| row).collect(), bookmark })
    }

    /// Returns the fields of the index that is read; empty if the rows are ordered by key.
    fn index<'a>(&self, indexes: &'a [Vec<Path>]) -> Parsed<&'a [Path]> {
        let usable = indexes.iter().map(Vec::as_slice);
        let usable = usable.filter(|one| index::is_usable(one, &self.selector, &self.sort.fields));
        let usable: Vec<_> = usable.collect();
        let is_by_key = index::is_ordered_by_key(&self.selector, &self.sort.fields);
        if usable.is_empty() && !is_by_key {
            let reason = "No index exists for this sort, try indexing by the sort fields.";
            return Err(refused("no_usable_index", reason));
        }
        let unsuitable = |reason: &str| Err(refused("invalid_index", reason));
        match (&self.named, usable.len()) {
            // The order by key counts as an index. With two, there is a choice.
            (None, count) if self.may_fall_back || count + usize::from(is_by_key) > 1 => {}
            (None, _) => {
                return unsuitable("You must specify an index with the `use_index` parameter.");
            }
            (Some(_), 0 | 1) if self.may_fall_back => {}
            (Some(name), 0) => {
                return unsuitable(&format!(
                    "{name} specified by `use_index` could not be found or it is not suitable."
                ));
            }
            _ => return Err(unknown("names of indexes (use_index)")),
        }
        let best = usable.into_iter().min_by_key(|one| index::rank(one, &self.selector));
        Ok(best.unwrap_or(&[]))
    }

    /// Returns the row for a query's result if its document matches. For a value that is not an
    /// object, Fabric's peer stores a document without members and attaches the value.
    fn look_at(&self, row: KeyValue, index: &[Path]) -> Option<(Position, KeyValue)> {
        let value = serde_json::from_str(&whole(&row.value)).ok().filter(Value::is_object);
        let value = value.unwrap_or_else(|| json!({}));
        let document = Document { key: Some(&row.key), value: &value };
        let values = index.iter().map(|path| match field::find(document, path) {
            Found::Value(value) => Some(value.clone()),
            Found::Key(key) => Some(key.into()),
            Found::Missing | Found::BadPath => None,
        });
        let values = values.collect::<Option<_>>()?;
        if !self.selector.matches(document) {
            return None;
        }
        let position = Position { values, key: row.key.clone() };
        let value = self.fields.as_ref().map(|fields| fields.apply(&value));
        Some((position, KeyValue { value: value.unwrap_or(row.value), key: row.key }))
    }

    fn order(&self, one: &Position, other: &Position) -> Ordering {
        let mut orders =
            one.values.iter().zip(&other.values).map(|(one, other)| compare(one, other));
        let order = orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal);
        let order = order.then_with(|| one.key.cmp(&other.key));
        if self.sort.is_descending { order.reverse() } else { order }
    }

    /// A bookmark contains its sort order: it is invalid for any other.
    fn bookmark_after(&self, position: &Position, index: &[Path]) -> String {
        let json = json!([self.sort.is_descending, index, position]).to_string();
        json.bytes().map(|byte| format!("{byte:02x}")).collect()
    }

    fn position(&self, bookmark: &str, index: &[Path]) -> Parsed<Position> {
        let bytes = (0..bookmark.len()).step_by(2).map(|at| {
            let digits = bookmark.get(at..at + 2)?;
            u8::from_str_radix(digits, 16).ok()
        });
        let position = bytes.collect::<Option<Vec<_>>>().and_then(|json| {
            let (is_descending, of, position): (bool, Vec<Path>, Position) =
                serde_json::from_slice(&json).ok()?;
            let is_of_this = is_descending == self.sort.is_descending && of == index;
            is_of_this.then_some(position)
        });
        position.ok_or_else(|| invalid_bookmark(bookmark))
    }
}
