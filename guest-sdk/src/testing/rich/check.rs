//! What CouchDB refuses in a query, with the texts of a peer.

use serde_json::Map;
use serde_json::Value;

use super::Parsed;
use super::Path;
use super::refused;
use crate::data_type::begin_of;
use crate::error::Refusal;

/// Characters of a value or a name that a text repeats.
const SHOWN: usize = 80;

/// Refuses operators that there are not, and arguments that they do not take. `place` is the place
/// of the selector in the query.
pub(super) fn check(selector: &Map<String, Value>, place: &str) -> Parsed<()> {
    for (name, argument) in selector {
        let place = format!("{place}.{}", begin_of(name, SHOWN));
        match name.as_str() {
            "$and" | "$or" | "$nor" => {
                let parts = argument.as_array().ok_or_else(|| bad(name, argument, &place))?;
                for (index, part) in parts.iter().enumerate() {
                    below(part, &format!("{place}.{index}"))?;
                }
            }
            "$not" if !argument.is_object() => return Err(bad(name, argument, &place)),
            "$not" | "$elemMatch" | "$allMatch" => below(argument, &place)?,
            operator if operator.starts_with('$') => condition(operator, argument, &place)?,
            name => {
                path(name)?;
                below(argument, &place)?;
            }
        }
    }
    Ok(())
}

fn below(argument: &Value, place: &str) -> Parsed<()> {
    argument.as_object().map_or(Ok(()), |selector| check(selector, place))
}

fn condition(operator: &str, argument: &Value, place: &str) -> Parsed<()> {
    let is_taken = match operator {
        "$lt" | "$lte" | "$eq" | "$ne" | "$gte" | "$gt" => true,
        "$in" | "$nin" | "$all" => argument.is_array(),
        "$exists" => argument.is_boolean(),
        "$type" | "$beginsWith" => argument.is_string(),
        "$size" => argument.as_u64().is_some(),
        "$mod" => match argument.as_array().map(Vec::as_slice) {
            Some([divisor, rest]) => {
                divisor.as_i64().is_some_and(|divisor| divisor != 0) && rest.is_i64()
            }
            _ => false,
        },
        "$regex" => {
            return Err(Refusal::Unsupported(
                "the mock ledger has no regular expressions: test this query in the sandbox".into(),
            ));
        }
        _ => {
            let operator = begin_of(operator, SHOWN);
            let reason = format!("Invalid operator: {operator} (at {place})");
            return Err(refused("invalid_operator", &reason));
        }
    };
    match is_taken {
        true => Ok(()),
        false => Err(bad(operator, argument, place)),
    }
}

fn bad(operator: &str, argument: &Value, place: &str) -> Refusal {
    let shown = shown(argument);
    let reason = format!("Bad argument for operator {operator}: {shown} (at {place})");
    refused("bad_arg", &reason)
}

fn shown(value: &Value) -> String {
    begin_of(&value.to_string(), SHOWN)
}

/// The parts of a field's name; none may be empty.
pub(super) fn path(name: &str) -> Parsed<Path> {
    let path = super::path(name);
    match path.iter().any(String::is_empty) {
        false => Ok(path),
        true => {
            let name = begin_of(name, SHOWN);
            let reason = format!("Invalid field name: {name:?} has an empty part");
            Err(refused("invalid_field_name", &reason))
        }
    }
}

pub(super) fn index_name(value: &Value) -> Parsed<()> {
    let is_taken = match value {
        Value::Null => true,
        Value::String(name) => {
            let parts = name.split('/').filter(|part| *part != "_design").count();
            matches!(parts, 1 | 2)
        }
        Value::Array(parts) => parts.len() <= 2 && parts.iter().all(Value::is_string),
        _ => false,
    };
    match is_taken {
        true => Ok(()),
        false => {
            let shown = shown(value);
            Err(refused("invalid_index_name", &format!("Invalid index name: {shown}")))
        }
    }
}

pub(super) fn bookmark(value: &Value) -> Parsed<()> {
    match value {
        Value::Null | Value::String(_) => Ok(()),
        value => {
            let shown = shown(value);
            let reason = format!("Invalid bookmark value: {shown:?}");
            Err(refused("invalid_bookmark", &reason))
        }
    }
}

pub(super) fn boolean(value: &Value) -> Parsed<()> {
    match value.is_boolean() {
        true => Ok(()),
        false => {
            let shown = shown(value);
            Err(refused("invalid_boolean", &format!("Invalid boolean value: {shown}")))
        }
    }
}
