//! Names of fields: parts separated by dots; a backslash makes a dot part of a name.

use serde_json::Value;

use super::refusal::{Parsed, refused, shorten};

/// Names of members, outermost first. An empty path is the document itself.
pub(in crate::testing) type Path = Vec<String>;

/// The field that is the document's key.
const ID: &str = "_id";

/// The value that a selector is applied to.
#[derive(Clone, Copy)]
pub(super) struct Document<'a> {
    /// None within a document.
    pub(super) key: Option<&'a str>,
    pub(super) value: &'a Value,
}

/// The result of a search at a path.
pub(super) enum Found<'a> {
    Value(&'a Value),
    Key(&'a str),
    /// An object on the path has no such member.
    Missing,
    /// The path leads through a value without members.
    BadPath,
}

/// Returns the parts of a name below `outer`; empty parts are refused.
pub(in crate::testing) fn path(outer: &[String], name: &str) -> Parsed<Path> {
    let (mut parts, mut part, mut letters) = (outer.to_vec(), String::new(), name.chars());
    while let Some(letter) = letters.next() {
        match letter {
            '.' => parts.push(std::mem::take(&mut part)),
            '\\' => part.extend(letters.next()),
            letter => part.push(letter),
        }
    }
    parts.push(part);
    if parts.iter().any(String::is_empty) {
        let reason = format!("Invalid field name: {:?} has an empty part", shorten(name));
        return Err(refused("invalid_field_name", &reason));
    }
    Ok(parts)
}

/// Returns true if a path is the document's key.
pub(super) fn is_id(path: &[String]) -> bool {
    matches!(path, [only] if only == ID)
}

/// Finds the value of a document at a path.
pub(super) fn find<'a>(document: Document<'a>, path: &[String]) -> Found<'a> {
    if let (Some(key), true) = (document.key, is_id(path)) {
        return Found::Key(key);
    }
    let mut value = document.value;
    for name in path {
        value = match step(value, name) {
            Found::Value(next) => next,
            nothing => return nothing,
        };
    }
    Found::Value(value)
}

/// Returns a value's member of this name; the names of array elements are their indexes.
pub(super) fn step<'a>(value: &'a Value, name: &str) -> Found<'a> {
    match value {
        Value::Object(members) => members.get(name).map_or(Found::Missing, Found::Value),
        Value::Array(elements) => {
            let number = name.parse::<usize>().ok();
            let element = number.and_then(|number| elements.get(number));
            element.map_or(Found::BadPath, Found::Value)
        }
        _ => Found::BadPath,
    }
}
