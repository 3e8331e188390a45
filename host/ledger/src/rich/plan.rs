//! Chooses the index that a query reads, and the part of it. CouchDB: `mango_idx_view:is_usable/3`,
//! `mango_cursor_view:choose_best_index/2`.
//!
//! An index is usable if every matching document has all of its fields, and if it has the requested
//! order. Among several, the one wins with the most fields that the selector restricts, counted
//! from its first field; then the one with fewer fields; then the names of design document and
//! index decide.
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
use crate::rich::query::RichQuery;
use crate::rich::selector::{Condition, Selector};
use crate::rich::space::Space;
use crate::store::key::after_prefix;

/// CouchDB's warning for a query that reads every document.
const NO_INDEX: &str = "No matching index found, create an index to optimize query time.";

/// The rows to read.
#[derive(Debug)]
pub(crate) struct QueryPlan {
    /// None: the values themselves.
    pub(crate) index: Option<Arc<Index>>,
    pub(crate) from: Vec<u8>,
    /// End of the range, excluded.
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
    /// True if a condition counts for the choice of an index, even one that leaves no value out.
    is_restricted: bool,
}

impl QueryPlan {
    /// Makes the plan for a query of a space with these indexes.
    ///
    /// Errors: the sort or `use_index` needs an index, and none is usable.
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
        let mut warnings = Vec::new();
        let mut best = best(usable.iter().copied().filter(named), &wants);
        if let (None, Some(wanted)) = (best, &query.use_index) {
            if !query.allow_fallback {
                let reason = format!("_design/{} cannot be used for this query.", wanted.ddoc);
                return Err(QueryError::refused("no_usable_index", reason));
            }
            warnings.push(match &wanted.name {
                None => format!(
                    "_design/{} was not used because it does not contain a valid index for this \
                     query.",
                    wanted.ddoc
                ),
                Some(name) => format!(
                    "_design/{}, {name} was not used because it is not a valid index for this \
                     query.",
                    wanted.ddoc
                ),
            });
        }
        best = best.or_else(|| self::best(usable.into_iter(), &wants));
        let (reverse, by_key) = (query.sort.descending, query.sort.fields.iter().all(Path::is_id));
        match best {
            Some(index) => {
                let (from, to) = index_bounds(index, space, &wants);
                Ok(Self { index: Some(Arc::clone(index)), from, to, reverse, warnings })
            }
            None if by_key && query.sort.fields.len() <= 1 => {
                let (from, to) = key_bounds(space, &query.selector);
                warnings.push(NO_INDEX.to_owned());
                Ok(Self { index: None, from, to, reverse, warnings })
            }
            None => {
                let mut reason =
                    "No index exists for this sort, try indexing by the sort fields.".to_owned();
                let fits = |index: &&Arc<Index>| is_usable(index, &wants, &query.sort.fields);
                let building = indexes.iter().filter(|index| !index.is_built).find(fits);
                if let Some(index) = building {
                    let name = index.definition.full_name();
                    reason += &format!(" Index {name} is still being built, try again later.");
                }
                Err(QueryError::refused("no_usable_index", reason))
            }
        }
    }
}

fn is_usable(index: &Index, wants: &Wants<'_>, sort: &[Path]) -> bool {
    let columns = &index.definition.columns;
    let is_there =
        |column: &Path| column.is_id() || sort.contains(column) || wants.requires(column);
    if !columns.iter().all(is_there) {
        return false;
    }
    // Columns with a single value may precede those to sort by.
    let Some(first) = sort.first() else { return true };
    let constant = |column: &&Path| *column != first && wants.span(column).is_constant;
    let skipped = columns.iter().take_while(constant).count();
    columns.get(skipped..).is_some_and(|columns| columns.starts_with(sort))
}

/// The index with the most columns that are restricted, before the first that is not.
fn best<'a>(
    indexes: impl Iterator<Item = &'a Arc<Index>>,
    wants: &Wants<'_>,
) -> Option<&'a Arc<Index>> {
    indexes.min_by_key(|index| {
        let IndexDefinition { columns, ddoc, name, .. } = &index.definition;
        let is_restricted =
            |column: &&Path| wants.spans.get(column).is_some_and(|span| span.is_restricted);
        let restricted = columns.iter().take_while(is_restricted).count();
        (Reverse(restricted), columns.len(), ddoc.as_str(), name.as_str())
    })
}

/// The range of entries: fields with one value, then one with a range.
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

/// The range of keys.
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

    fn span(&self, path: &Path) -> Span {
        self.spans.get(path).cloned().unwrap_or_default()
    }
}

/// The fields that every matching document has; None if no document can match, so that every field
/// may be required.
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
    /// Adds a condition. Ends are always included: encodings are cut, so an end may stand for more
    /// values.
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
                // If two different values are required, nothing matches, and either span is right.
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
