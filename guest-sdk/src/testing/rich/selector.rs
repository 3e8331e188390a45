//! Selectors. CouchDB: `mango_selector.erl`.
//!
//! A selector is normalized while it is parsed: names of nested fields are joined, and negations
//! are moved down to the conditions. So a condition on a field that a document lacks never holds,
//! negated or not; only `"$exists": false` does.

use serde_json::Value;

use super::condition::Condition;
use super::field;
use super::field::Document;
use super::field::Found;
use super::field::Path;
use super::refusal::Parsed;
use super::refusal::bad_arg;
use super::refusal::refused;
use super::refusal::shorten;
use super::refusal::shown;

/// Depth of selectors and conditions.
const MAX_DEPTH: usize = 64;

/// Which documents are wanted.
pub(super) enum Selector {
    /// All of these; if empty, every document.
    All(Vec<Selector>),
    /// At least one of these; if empty, no document.
    Any(Vec<Selector>),
    /// A condition on what is at a path.
    Field(Path, Condition),
}

/// The place of a part of a selector.
pub(super) struct Place {
    /// In the query's own words.
    text: String,
    path: Path,
    is_negated: bool,
    depth: usize,
    /// Within `$elemMatch` and the like, where conditions apply to the value itself.
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
        let selector = place.selector(json)?;
        let is_empty_list = |name: &&str| {
            members.get(*name).and_then(Value::as_array).is_some_and(|list| list.is_empty())
        };
        // CouchDB takes an empty list for true everywhere but here.
        match members.len() == 1 && ["$and", "$or", "$nor"].iter().any(is_empty_list) {
            true => Ok(Self::Any(Vec::new())),
            false => Ok(selector),
        }
    }

    /// Whether it is `{}`.
    pub(super) fn is_everything(&self) -> bool {
        matches!(self, Self::All(parts) if parts.is_empty())
    }

    /// Whether a document matches.
    pub(super) fn matches(&self, document: Document<'_>) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.matches(document)),
            Self::Any(parts) => parts.iter().any(|part| part.matches(document)),
            Self::Field(path, condition) => match field::find(document, path) {
                Found::Value(value) => condition.holds(value),
                Found::Key(key) => condition.holds(&key.into()),
                Found::Missing => matches!(condition, Condition::Exists(false)),
                Found::BadPath => false,
            },
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

    /// The selector of an argument, whose conditions are on the elements of a value. A negation
    /// around it stays outside.
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
        inner.selector(argument).map(Box::new)
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

    /// The selectors of `$and`, `$or` and `$nor`.
    fn list(&self, operator: &str, argument: &Value, is_all: bool) -> Parsed<Selector> {
        let parts = argument.as_array().ok_or_else(|| bad_arg(operator, argument, &self.text))?;
        let parts = parts.iter().enumerate();
        let parts = parts.map(|(number, part)| self.below(&number.to_string()).selector(part));
        Ok(self.combined(is_all, parts.collect::<Parsed<_>>()?))
    }

    /// De Morgan's rule. CouchDB takes an empty list of either for true.
    fn combined(&self, is_all: bool, parts: Vec<Selector>) -> Selector {
        match is_all != self.is_negated || parts.is_empty() {
            true => Selector::All(parts),
            false => Selector::Any(parts),
        }
    }

    fn leaf(&self, condition: Condition) -> Parsed<Selector> {
        if self.path.is_empty() && !self.in_element {
            let reason = "One or more conditions is missing a field name.";
            let reason = format!("{reason} (at {})", self.text);
            return Err(refused("invalid_selector", &reason));
        }
        let condition = if self.is_negated { condition.negate() } else { condition };
        Ok(Selector::Field(self.path.clone(), condition))
    }
}
