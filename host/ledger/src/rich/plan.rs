//! Chooses the index that a query reads, and the range of its rows. CouchDB:
//! `mango_idx_view:is_usable/3`, `mango_cursor_view:choose_best_index/2`.
//!
//! An index is usable if every matching document has all of its fields, and if it has the requested
//! order. Among several, the index wins with the most fields that the selector restricts, counted
//! from its first field. Then fewer fields win, then the names of design document and index decide.
//!
//! Invariant: depends on the query and the definitions only, so peers agree.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::error::QueryError;
use crate::json::Json;
use crate::rich::collation::{encode, encode_beginning};
use crate::rich::field::Path;
use crate::rich::index::{Index, IndexDefinition};
use crate::rich::query::{IndexName, RichQuery};
use crate::rich::selector::{Condition, Selector};
use crate::rich::space::Space;
use crate::store::key::after_prefix;

/// CouchDB's warning for a query that reads every document.
const NO_INDEX: &str = "No matching index found, create an index to optimize query time.";

/// The rows to read.
#[derive(Debug)]
pub(crate) struct QueryPlan {
    /// The index; None: the values themselves are read.
    pub(crate) index: Option<Arc<Index>>,
    pub(crate) from: Vec<u8>,
    /// The end of the range, excluded.
    pub(crate) to: Vec<u8>,
    /// True to read from the last row to the first.
    pub(crate) reverse: bool,
    /// Warnings, with CouchDB's texts.
    pub(crate) warnings: Vec<String>,
}

/// The restrictions of a selector on fields that every match must satisfy. Computed once, so that
/// the cost for each index does not depend on the query.
struct Wants<'a> {
    /// The fields that every matching document has; None if no document can match.
    required: Option<BTreeSet<&'a Path>>,
    spans: BTreeMap<&'a Path, Span>,
}

/// Bounds of a field's encoded value: from the first (included) to the second (excluded).
#[derive(Clone, Default)]
struct Span {
    low: Option<Vec<u8>>,
    high: Option<Vec<u8>>,
    /// True if only one value matches.
    is_constant: bool,
    /// True if a condition is considered in the choice of an index, even one that excludes no
    /// value.
    is_restricted: bool,
}

impl QueryPlan {
    /// Makes the plan for a query of a space with these indexes.
    ///
    /// Errors: the sort, `use_index` or `allow_fallback` needs an index, and none is usable.
    pub(crate) fn new(
        query: &RichQuery,
        space: &Space,
        indexes: &[Arc<Index>],
    ) -> Result<Self, QueryError> {
        let named = |index: &&Arc<Index>| {
            query.use_index.as_ref().is_some_and(|wanted| {
                let definition = &index.definition;
                definition.ddoc == wanted.ddoc
                    && wanted.name.as_ref().is_none_or(|name| *name == definition.name)
            })
        };
        let wants = Wants::of(&query.selector);
        let usable = |index: &&Arc<Index>| {
            // A partial index is used only if the query names it.
            let is_whole = index.definition.filter.is_none();
            index.is_built
                && (is_whole || named(index))
                && is_usable(index, &wants, &query.sort.fields)
        };
        let usable: Vec<&Arc<Index>> = indexes.iter().filter(usable).collect();
        let by_key = is_ordered_by_key(&query.sort.fields, &wants);
        if usable.is_empty() && !by_key {
            return Err(no_index_for_sort(&query.sort.fields, indexes, &wants));
        }
        let mut best = best(usable.iter().copied().filter(named), &wants);
        let mut warnings = Vec::new();
        if best.is_none() {
            // CouchDB counts the order by key as an index. It needs none by name if there are two.
            let has_choice = usable.len() + usize::from(by_key) > 1;
            let may_choose = query.allow_fallback || query.use_index.is_none() && has_choice;
            if !may_choose {
                return Err(not_suitable(query.use_index.as_ref()));
            }
            warnings.extend(query.use_index.as_ref().map(not_used));
        }
        best = best.or_else(|| self::best(usable.into_iter(), &wants));
        let reverse = query.sort.descending;
        if let Some(index) = best {
            let (from, to) = index_bounds(index, space, &wants);
            return Ok(Self { index: Some(Arc::clone(index)), from, to, reverse, warnings });
        }
        let (from, to) = key_bounds(space, &query.selector);
        warnings.push(NO_INDEX.to_owned());
        Ok(Self { index: None, from, to, reverse, warnings })
    }
}

/// True if the order of the keys is the requested one. CouchDB sorts by the key alone only if the
/// selector restricts the key: `mango_idx_special:is_usable/3`.
fn is_ordered_by_key(sort: &[Path], wants: &Wants<'_>) -> bool {
    match sort {
        [] => true,
        [only] => only.is_id() && wants.restricts(only),
        _ => false,
    }
}

/// The refusal of a sort without an index. Names the index that is still being built.
fn no_index_for_sort(sort: &[Path], indexes: &[Arc<Index>], wants: &Wants<'_>) -> QueryError {
    let mut reason = "No index exists for this sort, try indexing by the sort fields.".to_owned();
    let mut building = indexes.iter().filter(|index| !index.is_built);
    if let Some(index) = building.find(|index| is_usable(index, wants, sort)) {
        let name = index.definition.full_name();
        reason += &format!(" Index {name} is still being built, try again later.");
    }
    QueryError::refused("no_usable_index", reason)
}

/// The refusal of a query that may use no other index than the named one.
fn not_suitable(wanted: Option<&IndexName>) -> QueryError {
    let reason = match wanted {
        None => "You must specify an index with the `use_index` parameter.".to_owned(),
        Some(wanted) => {
            let wanted = wanted.shown();
            format!("{wanted} specified by `use_index` could not be found or it is not suitable.")
        }
    };
    QueryError::refused("invalid_index", reason)
}

/// The warning of a query that uses another index than the named one.
fn not_used(wanted: &IndexName) -> String {
    let why = match &wanted.name {
        None => "it does not contain a valid index",
        Some(_) => "it is not a valid index",
    };
    format!("{} was not used because {why} for this query.", wanted.shown())
}

fn is_usable(index: &Index, wants: &Wants<'_>, sort: &[Path]) -> bool {
    let columns = &index.definition.columns;
    let is_there =
        |column: &Path| column.is_id() || sort.contains(column) || wants.requires(column);
    if !columns.iter().all(is_there) {
        return false;
    }
    // Columns with a single value may precede the columns to sort by.
    let Some(first) = sort.first() else { return true };
    let constant = |column: &&Path| *column != first && wants.span(column).is_constant;
    let skipped = columns.iter().take_while(constant).count();
    columns.get(skipped..).is_some_and(|columns| columns.starts_with(sort))
}

/// Returns the index with the most restricted columns, counted up to the first unrestricted one.
fn best<'a>(
    indexes: impl Iterator<Item = &'a Arc<Index>>,
    wants: &Wants<'_>,
) -> Option<&'a Arc<Index>> {
    indexes.min_by_key(|index| {
        let IndexDefinition { columns, ddoc, name, .. } = &index.definition;
        let restricted = columns.iter().take_while(|column| wants.restricts(column)).count();
        (Reverse(restricted), columns.len(), ddoc.as_str(), name.as_str())
    })
}

/// Returns the range of entries: columns with one value, then one with a range.
fn index_bounds(index: &Index, space: &Space, wants: &Wants<'_>) -> (Vec<u8>, Vec<u8>) {
    let mut prefix = space.index_head(index.id);
    for column in &index.definition.columns {
        let span = wants.span(column);
        match (span.low, span.high) {
            (Some(only), _) if span.is_constant => prefix.extend_from_slice(&only),
            (low, high) => {
                let from = [prefix.as_slice(), &low.unwrap_or_default()].concat();
                let to = match high {
                    Some(high) => [prefix.as_slice(), &high].concat(),
                    None => after_prefix(prefix),
                };
                return (from, to);
            }
        }
    }
    (prefix.clone(), after_prefix(prefix))
}

/// Returns the range of keys.
fn key_bounds(space: &Space, selector: &Selector) -> (Vec<u8>, Vec<u8>) {
    fn narrow<'a>(selector: &'a Selector, space: &Space, from: &mut Vec<u8>, to: &mut Vec<u8>) {
        let (first, last) = match selector {
            Selector::All(parts) => {
                parts.iter().for_each(|part| narrow(part, space, from, to));
                return;
            }
            Selector::Field(path, condition) if path.is_id() => match condition {
                Condition::Eq(key) => (Some(key), Some(key)),
                Condition::Gt(key) | Condition::Gte(key) => (Some(key), None),
                Condition::Lt(key) | Condition::Lte(key) => (None, Some(key)),
                _ => return,
            },
            _ => return,
        };
        let text = |key: Option<&'a Json>| key.and_then(|key| key.value().as_text());
        let (first, last) = (text(first), text(last));
        if let Some(first) = first {
            *from = space.row(first).max(std::mem::take(from));
        }
        if let Some(last) = last {
            let after = [space.row(last), vec![0]].concat();
            *to = after.min(std::mem::take(to));
        }
    }
    let (mut from, mut to) = space.bounds();
    narrow(selector, space, &mut from, &mut to);
    (from, to)
}

impl<'a> Wants<'a> {
    fn of(selector: &'a Selector) -> Self {
        let mut spans = BTreeMap::new();
        add_spans(selector, &mut spans);
        Self { required: required(selector), spans }
    }

    fn requires(&self, path: &Path) -> bool {
        self.required.as_ref().is_none_or(|required| required.contains(path))
    }

    fn restricts(&self, path: &Path) -> bool {
        self.spans.get(path).is_some_and(|span| span.is_restricted)
    }

    fn span(&self, path: &Path) -> Span {
        self.spans.get(path).cloned().unwrap_or_default()
    }
}

/// Returns the fields that every matching document has. None if no document can match: then any
/// field may be required.
fn required(selector: &Selector) -> Option<BTreeSet<&Path>> {
    match selector {
        Selector::All(parts) => {
            let mut all = BTreeSet::new();
            for part in parts {
                let mut more = required(part)?;
                if more.len() > all.len() {
                    std::mem::swap(&mut more, &mut all);
                }
                all.append(&mut more);
            }
            Some(all)
        }
        Selector::Any(parts) => {
            let mut common: Option<BTreeSet<&Path>> = None;
            for part in parts {
                common = match (common, required(part)) {
                    (Some(common), Some(more)) => Some(&common & &more),
                    (one, other) => one.or(other),
                };
            }
            common
        }
        Selector::Field(_, Condition::Exists(false)) => Some(BTreeSet::new()),
        Selector::Field(path, _) => Some(BTreeSet::from([path])),
        Selector::Not(_) => Some(BTreeSet::new()),
        Selector::Nothing => None,
    }
}

fn add_spans<'a>(selector: &'a Selector, spans: &mut BTreeMap<&'a Path, Span>) {
    match selector {
        Selector::All(parts) => parts.iter().for_each(|part| add_spans(part, spans)),
        Selector::Field(path, condition) => spans.entry(path).or_default().add(condition),
        _ => {}
    }
}

impl Span {
    /// Adds a condition. Ends are always included: encodings are cut, so an end may stand for
    /// several values.
    fn add(&mut self, condition: &Condition) {
        let encoded = |value: &Json| {
            let mut bytes = Vec::new();
            encode(value.value(), &mut bytes);
            bytes
        };
        self.is_restricted |= matches!(
            condition,
            Condition::Lt(_)
                | Condition::Lte(_)
                | Condition::Eq(_)
                | Condition::Gte(_)
                | Condition::Gt(_)
                | Condition::BeginsWith(_)
                | Condition::Exists(_)
        );
        match condition {
            Condition::Eq(value) => {
                self.is_constant = true;
                // If two different values are required, nothing matches, and either span is
                // correct.
                let only = encoded(value);
                self.high = Some(after_prefix(only.clone()));
                self.low = Some(only);
            }
            _ if self.is_constant => {}
            Condition::Gt(value) | Condition::Gte(value) => self.raise(encoded(value)),
            Condition::Lt(value) | Condition::Lte(value) => {
                self.lower(after_prefix(encoded(value)));
            }
            Condition::BeginsWith(text) => {
                let beginning = encode_beginning(text);
                self.lower(after_prefix(beginning.clone()));
                self.raise(beginning);
            }
            _ => {}
        }
    }

    fn raise(&mut self, low: Vec<u8>) {
        self.low = self.low.take().max(Some(low));
    }

    fn lower(&mut self, high: Vec<u8>) {
        self.high = Some(match self.high.take() {
            Some(known) => known.min(high),
            None => high,
        });
    }
}
