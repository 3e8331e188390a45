//! The members of a query other than its selector and its fields.

use serde_json::Value;

use super::field;
use super::field::Path;
use super::refusal::{Parsed, invalid_bookmark, refused, shown};

/// CouchDB's bookmark of a result without rows. As an argument it means no bookmark.
pub(super) const NO_BOOKMARK: &str = "nil";

/// The requested order; without fields, any order.
#[derive(Default)]
pub(super) struct Sort {
    pub(super) fields: Vec<Path>,
    pub(super) is_descending: bool,
}

impl Sort {
    pub(super) fn parse(value: &Value) -> Parsed<Self> {
        let Value::Array(specs) = value else {
            let reason = format!("Sort must be an array of sort specs, not: {}", shown(value));
            return Err(refused("invalid_sort_json", &reason));
        };
        let mut sort = Self::default();
        for spec in specs {
            let bad = |error, what| refused(error, &format!("{what}: {}", shown(spec)));
            let members = spec.as_object().filter(|members| members.len() == 1);
            let (name, is_descending) = match (spec, members.and_then(|all| all.iter().next())) {
                (Value::String(name), _) => (name, false),
                (_, Some((name, direction))) => match direction.as_str() {
                    Some("asc") => (name, false),
                    Some("desc") => (name, true),
                    _ => return Err(bad("invalid_sort_dir", "Invalid sort direction")),
                },
                _ => return Err(bad("invalid_sort_field", "Invalid sort field")),
            };
            if !sort.fields.is_empty() && sort.is_descending != is_descending {
                let reason = "Sorts currently only support a single direction for all fields.";
                return Err(refused("unsupported_mixed_sort", reason));
            }
            sort.is_descending = is_descending;
            sort.fields.push(field::path(&[], name)?);
        }
        Ok(sort)
    }
}

pub(super) fn skip(value: &Value) -> Parsed<usize> {
    let skip = value.as_u64().map(|skip| usize::try_from(skip).unwrap_or(usize::MAX));
    skip.ok_or_else(|| {
        let reason = format!("{} is not an integer greater than or equal to zero", shown(value));
        refused("invalid_non_neg_integer", &reason)
    })
}

/// Returns what `use_index` names, as CouchDB's messages have it.
pub(super) fn index_name(value: &Value) -> Parsed<Option<String>> {
    let parts: Option<Vec<&str>> = match value {
        Value::Null => Some(Vec::new()),
        Value::String(name) => Some(name.split('/').filter(|part| *part != "_design").collect()),
        Value::Array(parts) => parts.iter().map(Value::as_str).collect(),
        _ => None,
    };
    match parts.as_deref() {
        Some([]) => Ok(None),
        Some([design, name @ ..]) if name.len() < 2 => {
            let design = design.strip_prefix("_design/").unwrap_or(design);
            let name = name.iter().map(|name| format!(", {name}"));
            Ok(Some(format!("_design/{design}{}", name.collect::<String>())))
        }
        _ => {
            let reason = format!("Invalid index name: {}", shown(value));
            Err(refused("invalid_index_name", &reason))
        }
    }
}

pub(super) fn bookmark(value: &Value) -> Parsed<Option<String>> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(given(text)),
        value => Err(invalid_bookmark(&shown(value))),
    }
}

/// Parses a bookmark; None for the beginning.
pub(super) fn given(bookmark: &str) -> Option<String> {
    (!matches!(bookmark, "" | NO_BOOKMARK)).then(|| bookmark.to_owned())
}

pub(super) fn boolean(value: &Value) -> Parsed<bool> {
    value.as_bool().ok_or_else(|| {
        refused("invalid_boolean", &format!("Invalid boolean value: {}", shown(value)))
    })
}
