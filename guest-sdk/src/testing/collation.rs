//! CouchDB's order of JSON values.
//!
//! Does not order texts by a locale: every endorser must read the same rows.

use std::cmp::Ordering;

use serde_json::Value;

/// Returns the name of a value's type in CouchDB's queries.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Compares in CouchDB's order: null, false, true, numbers, strings by their bytes, arrays,
/// objects.
pub(super) fn compare(one: &Value, other: &Value) -> Ordering {
    let rank = |value: &Value| match value {
        Value::Null => 0,
        Value::Bool(false) => 1,
        Value::Bool(true) => 2,
        Value::Number(_) => 3,
        Value::String(_) => 4,
        Value::Array(_) => 5,
        Value::Object(_) => 6,
    };
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            let number = |number: &serde_json::Number| number.as_f64().unwrap_or_default();
            // JSON has no NaN.
            number(one).partial_cmp(&number(other)).unwrap_or(Ordering::Equal)
        }
        (Value::String(one), Value::String(other)) => one.cmp(other),
        (Value::Array(one), Value::Array(other)) => {
            let orders = one.iter().zip(other).map(|(one, other)| compare(one, other));
            first_difference(orders).then_with(|| one.len().cmp(&other.len()))
        }
        (Value::Object(one), Value::Object(other)) => {
            let orders = one
                .iter()
                .zip(other)
                .map(|((one, a), (other, b))| one.cmp(other).then_with(|| compare(a, b)));
            first_difference(orders).then_with(|| one.len().cmp(&other.len()))
        }
        _ => rank(one).cmp(&rank(other)),
    }
}

fn first_difference(mut orders: impl Iterator<Item = Ordering>) -> Ordering {
    orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}
