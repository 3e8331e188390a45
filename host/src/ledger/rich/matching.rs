//! Whether a document is what a selector wants. CouchDB: `mango_selector:match/3`.
//!
//! Invariant: no deeper than the selector, which is bounded; nothing is copied but keys.

use std::cmp::Ordering;

use serde_json::Value;

use crate::ledger::rich::collation::compare;
use crate::ledger::rich::field::Document;
use crate::ledger::rich::field::Found;
use crate::ledger::rich::selector::Condition;
use crate::ledger::rich::selector::Selector;

impl Selector {
    /// Whether a document is wanted.
    pub(super) fn matches(&self, document: Document<'_>) -> bool {
        match self {
            Self::Nothing => false,
            Self::All(parts) => parts.iter().all(|part| part.matches(document)),
            Self::Any(parts) => parts.iter().any(|part| part.matches(document)),
            Self::Field(path, condition) => match path.find(document) {
                Found::Value(value) => condition.holds(value),
                Found::Key(key) => condition.holds(&Value::from(key)),
                Found::Missing => matches!(condition, Condition::Exists(false)),
                Found::BadPath => false,
            },
        }
    }
}

impl Condition {
    fn holds(&self, value: &Value) -> bool {
        let order = |other: &Value| compare(value, other);
        let equal = |a: &Value, b: &Value| compare(a, b) == Ordering::Equal;
        match self {
            Self::Lt(other) => order(other).is_lt(),
            Self::Lte(other) => order(other).is_le(),
            Self::Eq(other) => order(other).is_eq(),
            Self::Ne(other) => order(other).is_ne(),
            Self::Gte(other) => order(other).is_ge(),
            Self::Gt(other) => order(other).is_gt(),
            Self::In(others) => is_in(value, others),
            Self::Nin(others) => !is_in(value, others),
            Self::Exists(exists) => *exists,
            Self::Type(name) => name == type_name(value),
            Self::Size(size) => value.as_array().is_some_and(|array| array.len() as u64 == *size),
            Self::Mod(divisor, remainder) => {
                integer(value).and_then(|value| value.checked_rem(*divisor)) == Some(*remainder)
            }
            Self::Regex(regular) => value.as_str().is_some_and(|text| regular.is_match(text)),
            Self::BeginsWith(beginning) => {
                value.as_str().is_some_and(|text| text.starts_with(beginning))
            }
            Self::All(wanted) => {
                let Value::Array(elements) = value else { return false };
                let held = |one: &Value| elements.iter().any(|element| equal(element, one));
                !wanted.is_empty() && wanted.iter().all(held)
                    // A single array is also the whole value.
                    || matches!(wanted.as_slice(), [whole @ Value::Array(_)] if equal(whole, value))
            }
            Self::ElemMatch(selector) => value.as_array().is_some_and(|elements| {
                elements.iter().any(|value| selector.matches(Document { key: None, value }))
            }),
            Self::AllMatch(selector) => value.as_array().is_some_and(|elements| {
                let is_wanted = |value| selector.matches(Document { key: None, value });
                !elements.is_empty() && elements.iter().all(is_wanted)
            }),
            Self::KeyMapMatch(selector) => value.as_object().is_some_and(|members| {
                members.keys().any(|name| {
                    selector.matches(Document { key: None, value: &Value::from(name.as_str()) })
                })
            }),
            Self::Not(condition) => !condition.holds(value),
        }
    }
}

/// Of an array, one element is enough; the array as a whole is not looked for.
fn is_in(value: &Value, others: &[Value]) -> bool {
    let is_one = |value: &Value| others.iter().any(|other| compare(value, other).is_eq());
    match value {
        Value::Array(elements) => elements.iter().any(is_one),
        value => is_one(value),
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// A number without fraction, however it is written: Fabric's peer writes 4.0 as 4.
fn integer(value: &Value) -> Option<i64> {
    let whole = |number: f64| number.fract() == 0.0 && number.abs() < 9.3e18;
    value.as_i64().or_else(|| value.as_f64().filter(|n| whole(*n)).map(|number| number as i64))
}
