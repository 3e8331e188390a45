//! Conditions on one value. CouchDB: `mango_selector:match/3`.
//!
//! Regular expressions are missing: they would need a crate that is larger than this one. The
//! sandbox supports them.

use std::cmp::Ordering;

use serde_json::Value;

use super::field::Document;
use super::refusal::{Parsed, bad_arg, refused, shorten, unknown};
use super::selector::{Place, Selector};
use crate::testing::collation::{compare, type_name};

/// From here on a peer treats all numbers as integers.
const INTEGERS: f64 = 9.2e18;

/// A condition on a value.
pub(super) enum Condition {
    Compare(Comparison, Value),
    In(Vec<Value>),
    Nin(Vec<Value>),
    /// An array that contains all of these, or that equals the only one of them.
    All(Vec<Value>),
    Exists(bool),
    Type(String),
    Size(u64),
    Mod(i64, i64),
    BeginsWith(String),
    ElemMatch(Box<Selector>),
    AllMatch(Box<Selector>),
    KeyMapMatch(Box<Selector>),
    Not(Box<Condition>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Lt,
    Lte,
    Eq,
    Ne,
    Gte,
    Gt,
}

impl Condition {
    pub(super) fn equal_to(value: &Value) -> Self {
        Self::Compare(Comparison::Eq, value.clone())
    }

    /// Parses the argument of an operator; `place` is its position in the query.
    pub(super) fn parse(
        operator: &str,
        argument: &Value,
        place: &Place,
        text: &str,
    ) -> Parsed<Self> {
        let bad = || bad_arg(operator, argument, text);
        let compare = |comparison| Ok(Self::Compare(comparison, argument.clone()));
        let list = || argument.as_array().cloned().ok_or_else(bad);
        let words = || argument.as_str().map(str::to_owned).ok_or_else(bad);
        match operator {
            "$lt" => compare(Comparison::Lt),
            "$lte" => compare(Comparison::Lte),
            "$eq" => compare(Comparison::Eq),
            "$ne" => compare(Comparison::Ne),
            "$gte" => compare(Comparison::Gte),
            "$gt" => compare(Comparison::Gt),
            "$in" => list().map(Self::In),
            "$nin" => list().map(Self::Nin),
            "$all" => list().map(Self::All),
            "$exists" => argument.as_bool().map(Self::Exists).ok_or_else(bad),
            "$type" => words().map(Self::Type),
            "$size" => argument.as_u64().map(Self::Size).ok_or_else(bad),
            "$mod" => match argument.as_array().map(Vec::as_slice) {
                Some([divisor, rest]) => match (divisor.as_i64(), rest.as_i64()) {
                    (Some(divisor), Some(rest)) if divisor != 0 => Ok(Self::Mod(divisor, rest)),
                    _ => Err(bad()),
                },
                _ => Err(bad()),
            },
            "$regex" => words().and_then(|_| Err(unknown("regular expressions"))),
            "$beginsWith" => words().map(Self::BeginsWith),
            "$elemMatch" => place.element(operator, argument).map(Self::ElemMatch),
            "$allMatch" => place.element(operator, argument).map(Self::AllMatch),
            "$keyMapMatch" => place.element(operator, argument).map(Self::KeyMapMatch),
            "$text" | "$where" | "$geoWithin" | "$geoIntersects" | "$near" | "$nearSphere" => {
                let reason = format!("Unsupported operator: {operator} (at {text})");
                Err(refused("not_supported", &reason))
            }
            _ => {
                let reason = format!("Invalid operator: {} (at {text})", shorten(operator));
                Err(refused("invalid_operator", &reason))
            }
        }
    }

    /// Negates the condition. CouchDB: `mango_selector:negate/1`.
    pub(super) fn negate(self) -> Self {
        match self {
            Self::Compare(comparison, value) => Self::Compare(comparison.negate(), value),
            Self::In(values) => Self::Nin(values),
            Self::Nin(values) => Self::In(values),
            Self::Exists(exists) => Self::Exists(!exists),
            Self::Not(condition) => *condition,
            other => Self::Not(Box::new(other)),
        }
    }

    /// Returns true if the condition holds for a value.
    pub(super) fn holds(&self, value: &Value) -> bool {
        let elements = value.as_array().map(Vec::as_slice).unwrap_or_default();
        let matches =
            |selector: &Selector, value: &Value| selector.matches(Document { key: None, value });
        match self {
            Self::Compare(comparison, other) => comparison.holds(compare(value, other)),
            Self::In(others) => is_in(value, others),
            Self::Nin(others) => !is_in(value, others),
            Self::All(wanted) => {
                let has_all = wanted.iter().all(|wanted| contains(elements, wanted));
                let is_only = matches!(
                    wanted.as_slice(),
                    [only @ Value::Array(_)] if compare(value, only).is_eq()
                );
                has_all && !wanted.is_empty() || is_only
            }
            Self::Exists(exists) => *exists,
            Self::Type(name) => name == type_name(value),
            Self::Size(size) => value.is_array() && elements.len() as u64 == *size,
            Self::Mod(divisor, rest) => {
                integer(value).and_then(|value| value.checked_rem(*divisor)) == Some(*rest)
            }
            Self::BeginsWith(beginning) => {
                value.as_str().is_some_and(|text| text.starts_with(beginning))
            }
            Self::ElemMatch(selector) => elements.iter().any(|value| matches(selector, value)),
            Self::AllMatch(selector) => {
                !elements.is_empty() && elements.iter().all(|value| matches(selector, value))
            }
            Self::KeyMapMatch(selector) => value.as_object().is_some_and(|members| {
                members.keys().any(|name| matches(selector, &name.as_str().into()))
            }),
            Self::Not(condition) => !condition.holds(value),
        }
    }
}

impl Comparison {
    fn negate(self) -> Self {
        match self {
            Self::Lt => Self::Gte,
            Self::Lte => Self::Gt,
            Self::Eq => Self::Ne,
            Self::Ne => Self::Eq,
            Self::Gte => Self::Lt,
            Self::Gt => Self::Lte,
        }
    }

    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Lt => order.is_lt(),
            Self::Lte => order.is_le(),
            Self::Eq => order.is_eq(),
            Self::Ne => order.is_ne(),
            Self::Gte => order.is_ge(),
            Self::Gt => order.is_gt(),
        }
    }
}

/// For an array, its elements are compared, not the array itself.
fn is_in(value: &Value, others: &[Value]) -> bool {
    match value {
        Value::Array(elements) => elements.iter().any(|element| contains(others, element)),
        value => contains(others, value),
    }
}

fn contains(values: &[Value], wanted: &Value) -> bool {
    values.iter().any(|value| compare(value, wanted).is_eq())
}

/// Returns a number without fraction in any form: 4.0 is 4.
fn integer(value: &Value) -> Option<i64> {
    let number = value.as_f64()?;
    (number.fract() == 0.0 && number.abs() < INTEGERS).then_some(number as i64)
}
