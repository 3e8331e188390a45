//! Selectors. CouchDB: `mango_selector.erl`.
//!
//! Parsing normalizes a selector: it joins names of nested fields, and moves negations down to the
//! conditions. So a condition on a missing field never holds, negated or not, except `"$exists":
//! false`. Within `$elemMatch`, `$allMatch` and `$keyMapMatch` negations are not moved.

use serde_json::Value;

use super::condition::{Comparison, Condition};
use super::field;
use super::field::{Document, Found, Path};
use super::refusal::{Parsed, bad_arg, refused, shorten, shown};

/// Maximum depth of selectors and conditions.
const MAX_DEPTH: usize = 64;

/// Selects documents.
pub(super) enum Selector {
    /// All of these; if empty, every document.
    All(Vec<Selector>),
    /// At least one of these; if empty, no document.
    Any(Vec<Selector>),
    /// A condition on the value at a path; an empty path is the document itself.
    Field(Path, Condition),
    /// Documents that do not match this. Only within `$elemMatch` and the like.
    Not(Box<Selector>),
}

/// The position of a part of a selector.
pub(super) struct Place {
    /// Quoted from the query.
    text: String,
    path: Path,
    is_negated: bool,
    depth: usize,
    /// True within `$elemMatch` and the like, where conditions apply to the value itself.
    in_element: bool,
}

impl Selector {
    /// Parses the selector of a query.
    pub(super) fn parse(json: &Value) -> Parsed<Self> {
        let text = "selector".to_owned();
        let Value::Object(members) = json else {
            let reason =
                format!("Selector must be a JSON object, not: {} (at {text})", shown(json));
            return Err(refused("invalid_selector_json", &reason));
        };
        if members.is_empty() {
            return Ok(Self::All(Vec::new()));
        }
        let place =
            Place { text, path: Path::new(), is_negated: false, depth: 0, in_element: false };
        match place.selector(json)? {
            // CouchDB treats an empty list as true everywhere but here.
            Self::All(parts) if parts.is_empty() => Ok(Self::Any(Vec::new())),
            Self::Field(path, _) if path.is_empty() => {
                let reason = "One or more conditions is missing a field name.";
                Err(refused("invalid_selector", &format!("{reason} (at {})", place.text)))
            }
            selector => Ok(selector),
        }
    }

    /// Returns true if a document matches.
    pub(super) fn matches(&self, document: Document<'_>) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.matches(document)),
            Self::Any(parts) => parts.iter().any(|part| part.matches(document)),
            // CouchDB's document also has its key and version, so it never equals a value of the
            // query.
            Self::Field(path, condition) if path.is_empty() && document.key.is_some() => {
                match condition {
                    Condition::Compare(Comparison::Eq, _) | Condition::In(_) => false,
                    Condition::Compare(Comparison::Ne, _) | Condition::Nin(_) => true,
                    condition => condition.holds(document.value),
                }
            }
            Self::Field(path, condition) => match field::find(document, path) {
                Found::Value(value) => condition.holds(value),
                Found::Key(key) => condition.holds(&key.into()),
                Found::Missing => matches!(condition, Condition::Exists(false)),
                Found::BadPath => false,
            },
            Self::Not(selector) => !selector.matches(document),
        }
    }
}

impl Place {
    fn below(&self, name: &str) -> Self {
        Self {
            text: format!("{}.{}", self.text, shorten(name)),
            path: self.path.clone(),
            depth: self.depth + 1,
            ..*self
        }
    }

    /// Parses an argument with conditions on the elements of a value. A negation around it is not
    /// moved inside. CouchDB does not support `$nor` there: an internal error makes it match
    /// nothing.
    pub(super) fn element(&self, operator: &str, argument: &Value) -> Parsed<Box<Selector>> {
        if !argument.is_object() {
            return Err(bad_arg(operator, argument, &self.text));
        }
        let inner = Self {
            text: self.text.clone(),
            path: Path::new(),
            is_negated: false,
            depth: self.depth + 1,
            in_element: true,
        };
        let selector = inner.selector(argument)?;
        Ok(Box::new(if has_nor(argument) { Selector::Any(Vec::new()) } else { selector }))
    }

    fn selector(&self, json: &Value) -> Parsed<Selector> {
        if self.depth > MAX_DEPTH {
            let reason = format!("it is more than {MAX_DEPTH} deep (at {})", self.text);
            return Err(refused("invalid_selector", &reason));
        }
        let Some(members) = json.as_object().filter(|members| !members.is_empty()) else {
            return self.leaf(Condition::equal_to(json));
        };
        let parts = members.iter().map(|(name, argument)| self.member(name, argument));
        let mut parts = parts.collect::<Parsed<Vec<_>>>()?;
        match parts.pop() {
            Some(only) if parts.is_empty() => Ok(only),
            last => {
                parts.extend(last);
                Ok(self.combined(true, parts))
            }
        }
    }

    fn member(&self, name: &str, argument: &Value) -> Parsed<Selector> {
        let mut below = self.below(name);
        match name {
            "$and" => below.list(name, argument, true),
            "$or" => below.list(name, argument, false),
            "$nor" => {
                below.is_negated = !self.is_negated;
                below.list(name, argument, false)
            }
            "$not" if argument.is_object() && self.in_element => {
                Ok(Selector::Not(Box::new(below.selector(argument)?)))
            }
            "$not" if argument.is_object() => {
                below.is_negated = !self.is_negated;
                below.selector(argument)
            }
            "$not" => Err(bad_arg(name, argument, &below.text)),
            _ if name.starts_with('$') => {
                let condition = Condition::parse(name, argument, &below, &below.text)?;
                below.leaf(condition)
            }
            _ => {
                below.path = field::path(&self.path, name)?;
                below.selector(argument)
            }
        }
    }

    /// Parses the selectors of `$and`, `$or` and `$nor`.
    fn list(&self, operator: &str, argument: &Value, is_all: bool) -> Parsed<Selector> {
        let parts = argument.as_array().ok_or_else(|| bad_arg(operator, argument, &self.text))?;
        let parts = parts.iter().enumerate();
        let parts = parts.map(|(number, part)| self.below(&number.to_string()).selector(part));
        Ok(self.combined(is_all, parts.collect::<Parsed<_>>()?))
    }

    /// Applies De Morgan's rule. CouchDB treats an empty list of either as true.
    fn combined(&self, is_all: bool, parts: Vec<Selector>) -> Selector {
        match is_all != self.is_negated || parts.is_empty() {
            true => Selector::All(parts),
            false => Selector::Any(parts),
        }
    }

    fn leaf(&self, condition: Condition) -> Parsed<Selector> {
        let condition = if self.is_negated { condition.negate() } else { condition };
        Ok(Selector::Field(self.path.clone(), condition))
    }
}

/// Returns true if a selector has a `$nor`, except within the elements below it.
fn has_nor(selector: &Value) -> bool {
    let mut members = selector.as_object().into_iter().flatten();
    members.any(|(name, argument)| match name.as_str() {
        "$nor" => true,
        "$and" | "$or" => argument.as_array().is_some_and(|parts| parts.iter().any(has_nor)),
        "$not" => has_nor(argument),
        name => !name.starts_with('$') && has_nor(argument),
    })
}
