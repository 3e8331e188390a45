//! Rich queries of the mock ledger: CouchDB's selectors over the JSON objects of a place.
//!
//! Regular expressions are left out: they would be the only need for a crate that is larger than
//! this one. The sandbox has them.

mod check;
mod numbers;

use std::cmp::Ordering;

use serde::Serialize;
use serde_json::Map;
use serde_json::Value;

use crate::error::Refusal;
use crate::testing::collation::{compare, type_name};
use check::check;
use numbers::Go;

/// A parsed query.
pub(super) struct Query {
    selector: Map<String, Value>,
    sort: Vec<Path>,
    descending: bool,
    skip: usize,
    fields: Option<Vec<Path>>,
}

/// Names of members from the outside in.
type Path = Vec<String>;

/// What a selector is applied to.
#[derive(Clone, Copy)]
struct Document<'a> {
    /// The key of a row, which is its member `_id`.
    key: Option<&'a str>,
    value: &'a Value,
}

/// A reason without the name of the error.
type Parsed<T> = Result<T, Refusal>;

impl Query {
    /// Parses a query, and refuses what CouchDB or this module does not take.
    pub(super) fn parse(text: &str) -> Parsed<Self> {
        let read = serde_json::Deserializer::from_str(text).into_iter::<Value>().next();
        let Some(Ok(Value::Object(members))) = read else {
            return Err(refused("bad_request", "the query is no JSON object"));
        };
        let Some(Value::Object(selector)) = members.get("selector") else {
            return Err(refused("missing_required_key", "Missing required key: selector"));
        };
        check(selector, "selector")?;
        let mut query = Self {
            selector: selector.clone(),
            sort: Vec::new(),
            descending: false,
            skip: 0,
            fields: None,
        };
        for (name, value) in &members {
            match name.as_str() {
                "sort" => query.set_sort(value)?,
                "skip" => match value.as_u64() {
                    Some(skip) => query.skip = skip as usize,
                    None => {
                        let reason =
                            format!("{value} is not an integer greater than or equal to zero");
                        return Err(refused("invalid_non_neg_integer", &reason));
                    }
                },
                "fields" => query.set_fields(value)?,
                "use_index" => check::index_name(value)?,
                "bookmark" => check::bookmark(value)?,
                "allow_fallback" | "conflicts" | "update" | "stable" | "execution_stats" => {
                    check::boolean(value)?;
                }
                "selector" | "limit" | "r" | "stale" => {}
                name => {
                    let reason = format!("Invalid key {name} for this request.");
                    return Err(refused("invalid_key", &reason));
                }
            }
        }
        Ok(query)
    }

    /// The refusal of an order that no index has.
    pub(super) fn without_index() -> Refusal {
        let reason = "No index exists for this sort, try indexing by the sort fields.";
        refused("no_usable_index", reason)
    }

    /// The text of the refusal of a bookmark.
    pub(super) fn invalid_bookmark(bookmark: &str) -> String {
        text("invalid_bookmark", &format!("Invalid bookmark value: {bookmark:?}"))
    }

    fn set_sort(&mut self, value: &Value) -> Parsed<()> {
        let bad = || refused("invalid_sort_json", "Sort must be an array of sort specs");
        for spec in value.as_array().ok_or_else(bad)? {
            let (name, descending) = match spec {
                Value::String(name) => (name, false),
                Value::Object(members) if members.len() == 1 => {
                    let (name, direction) = members.iter().next().ok_or_else(bad)?;
                    match direction.as_str() {
                        Some("asc") => (name, false),
                        Some("desc") => (name, true),
                        _ => return Err(refused("invalid_sort_dir", "Invalid sort direction")),
                    }
                }
                _ => return Err(refused("invalid_sort_field", "Invalid sort field")),
            };
            if !self.sort.is_empty() && self.descending != descending {
                let reason = "Sorts currently only support a single direction for all fields.";
                return Err(refused("unsupported_mixed_sort", reason));
            }
            self.descending = descending;
            self.sort.push(check::path(name)?);
        }
        Ok(())
    }

    fn set_fields(&mut self, value: &Value) -> Parsed<()> {
        let bad = || refused("invalid_fields_json", "Fields must be an array of strings");
        let names = value.as_array().ok_or_else(bad)?.iter();
        let paths = names.map(|name| check::path(name.as_str().ok_or_else(bad)?));
        self.fields = Some(paths.collect::<Parsed<_>>()?);
        Ok(())
    }

    /// The names of the fields to sort by, which an index must have.
    pub(super) fn sorted_by(&self) -> Vec<String> {
        self.sort.iter().map(|path| path.join(".")).collect()
    }

    /// The rows that match, in the order of the query; `rows` come in the order of their keys.
    pub(super) fn run(&self, rows: Vec<(String, Vec<u8>)>) -> Vec<(String, Vec<u8>)> {
        let documents = rows.into_iter().filter_map(|(key, bytes)| {
            let value: Value = serde_json::from_slice(&bytes).ok().filter(Value::is_object)?;
            Some((key, bytes, value))
        });
        let matching = documents.filter(|(key, _, value)| {
            let document = Document { key: Some(key), value };
            let has = |path: &Path| find(document, path).is_some();
            self.sort.iter().all(has) && all(&self.selector, document, &[])
        });
        let mut matching: Vec<_> = matching.collect();
        matching.sort_by(|one, other| {
            let mut orders = self.sort.iter().map(|path| {
                let part = |of: &(String, Vec<u8>, Value)| {
                    find(Document { key: Some(&of.0), value: &of.2 }, path).unwrap_or_default()
                };
                compare(&part(one), &part(other))
            });
            let order = orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal);
            let order = order.then_with(|| one.0.cmp(&other.0));
            if self.descending { order.reverse() } else { order }
        });
        let rows = matching.into_iter().skip(self.skip);
        rows.map(|(key, bytes, value)| (key, self.projected(bytes, &value))).collect()
    }

    /// The members that the query asks for.
    fn projected(&self, bytes: Vec<u8>, value: &Value) -> Vec<u8> {
        let Some(fields) = &self.fields else { return bytes };
        let mut projected = Value::Object(Map::new());
        for path in fields {
            let Some(found) = find(Document { key: None, value }, path) else { continue };
            let mut at = &mut projected;
            for name in path {
                at = &mut at[name.as_str()];
            }
            *at = found;
        }
        let mut json = Vec::new();
        // Writing a value to memory does not fail.
        let written =
            projected.serialize(&mut serde_json::Serializer::with_formatter(&mut json, Go));
        written.map_or(bytes, |()| json)
    }
}

fn refused(error: &str, reason: &str) -> Refusal {
    Refusal::InvalidArgument(text(error, reason))
}

fn text(error: &str, reason: &str) -> String {
    format!("error handling CouchDB request. Error:{error},  Status Code:400,  Reason:{reason}")
}

/// The parts of a name; `\.` is a dot in one of them.
fn path(name: &str) -> Path {
    let mut parts = vec![String::new()];
    let mut characters = name.chars();
    while let Some(character) = characters.next() {
        match (character, parts.last_mut()) {
            ('.', _) => parts.push(String::new()),
            ('\\', Some(last)) => last.extend(characters.next()),
            (character, Some(last)) => last.push(character),
            (_, None) => {}
        }
    }
    parts
}

/// What is at a path; elements of arrays have their numbers as names.
fn find(document: Document<'_>, path: &[String]) -> Option<Value> {
    if let (Some(key), [name]) = (document.key, path)
        && name == "_id"
    {
        return Some(key.into());
    }
    path.iter()
        .try_fold(document.value, |at, name| match at {
            Value::Object(members) => members.get(name),
            Value::Array(elements) => elements.get(name.parse::<usize>().ok()?),
            _ => None,
        })
        .cloned()
}

/// Whether all parts of a selector hold for what is at `at`.
fn all(selector: &Map<String, Value>, document: Document<'_>, at: &[String]) -> bool {
    selector.iter().all(|(name, argument)| member(name, argument, document, at))
}

fn member(name: &str, argument: &Value, document: Document<'_>, at: &[String]) -> bool {
    let part = |selector: &Value| match selector {
        Value::Object(selector) => all(selector, document, at),
        value => condition("$eq", value, document, at),
    };
    let list = argument.as_array().map(Vec::as_slice).unwrap_or_default();
    match name {
        "$and" => !list.is_empty() && list.iter().all(part),
        "$or" => list.iter().any(part),
        "$nor" => !list.is_empty() && list.iter().all(|selector| negated(selector, document, at)),
        "$not" => negated(argument, document, at),
        _ if name.starts_with('$') => condition(name, argument, document, at),
        _ => {
            let inner: Path = at.iter().cloned().chain(path(name)).collect();
            match argument {
                Value::Object(selector) if !selector.is_empty() => all(selector, document, &inner),
                value => condition("$eq", value, document, &inner),
            }
        }
    }
}

/// As CouchDB: a condition on a member that is missing does not hold, negated or not.
fn negated(selector: &Value, document: Document<'_>, at: &[String]) -> bool {
    let Value::Object(parts) = selector else {
        return condition("$ne", selector, document, at);
    };
    parts.iter().any(|(name, argument)| {
        let list = argument.as_array().map(Vec::as_slice).unwrap_or_default();
        match name.as_str() {
            "$and" => list.iter().any(|selector| negated(selector, document, at)),
            "$or" => list.iter().all(|selector| negated(selector, document, at)),
            "$nor" => list.iter().any(|selector| match selector {
                Value::Object(selector) => all(selector, document, at),
                _ => false,
            }),
            "$not" => match argument {
                Value::Object(selector) => all(selector, document, at),
                value => condition("$eq", value, document, at),
            },
            "$exists" => {
                argument.as_bool().is_some_and(|wanted| find(document, at).is_some() != wanted)
            }
            name if name.starts_with('$') => {
                find(document, at).is_some() && !condition(name, argument, document, at)
            }
            name => {
                let inner: Path = at.iter().cloned().chain(path(name)).collect();
                negated(argument, document, &inner)
            }
        }
    })
}

fn condition(name: &str, argument: &Value, document: Document<'_>, at: &[String]) -> bool {
    let found = match at {
        [] => Some(document.value.clone()),
        at => find(document, at),
    };
    if name == "$exists" {
        return argument.as_bool() == Some(found.is_some());
    }
    let Some(value) = found else { return false };
    let order = || compare(&value, argument);
    let list = argument.as_array().map(Vec::as_slice).unwrap_or_default();
    let elements = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let equals = |one: &Value, other: &Value| compare(one, other).is_eq();
    let is_in = || match &value {
        Value::Array(elements) => {
            elements.iter().any(|one| list.iter().any(|other| equals(one, other)))
        }
        value => list.iter().any(|other| equals(value, other)),
    };
    let inner = |element: &Value| match argument {
        // CouchDB compares with it.
        Value::Object(selector) if selector.is_empty() => equals(element, argument),
        Value::Object(selector) => all(selector, Document { key: None, value: element }, &[]),
        value => equals(element, value),
    };
    match name {
        "$lt" => order().is_lt(),
        "$lte" => order().is_le(),
        "$eq" => order().is_eq(),
        "$ne" => order().is_ne(),
        "$gte" => order().is_ge(),
        "$gt" => order().is_gt(),
        "$in" => is_in(),
        "$nin" => !is_in(),
        "$type" => argument.as_str() == Some(type_name(&value)),
        "$size" => value.is_array() && argument.as_u64() == Some(elements.len() as u64),
        "$mod" => match (value.as_i64(), list) {
            (Some(value), [divisor, rest]) => {
                divisor.as_i64().and_then(|divisor| value.checked_rem(divisor)) == rest.as_i64()
            }
            _ => false,
        },
        "$all" => {
            let holds = |wanted: &Value| elements.iter().any(|element| equals(element, wanted));
            !list.is_empty() && list.iter().all(holds)
        }
        "$elemMatch" => elements.iter().any(inner),
        "$allMatch" => !elements.is_empty() && elements.iter().all(inner),
        "$beginsWith" => match (value.as_str(), argument.as_str()) {
            (Some(text), Some(beginning)) => text.starts_with(beginning),
            _ => false,
        },
        _ => false,
    }
}
