//! Checks JSON against a schema.
//!
//! Does not repeat the checks that serde has made before: missing members, integers out of range,
//! `null` in place of a value.

use std::fmt;

use crate::data_type::begin_of;
use crate::schema::json::Json;
use crate::schema::members::{Members, Others};
use crate::schema::{Part, Schema};
use crate::{Result, read_json};

const ANOTHER_NAME: &str = "another name";

/// A place where JSON does not match its schema.
#[derive(Debug)]
struct Mismatch {
    /// Members and indexes, innermost first.
    path: Vec<String>,
    reason: Reason,
}

#[derive(Debug)]
enum Reason {
    Unknown,
    Expected(&'static str),
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<&str> = self.path.iter().rev().map(String::as_str).collect();
        let path = parts.join(".");
        match &self.reason {
            Reason::Unknown => write!(f, "unknown member {path}"),
            Reason::Expected(what) if path.is_empty() => write!(f, "expected {what}"),
            Reason::Expected(what) => write!(f, "expected {what} as {path}"),
        }
    }
}

impl Mismatch {
    fn expected(what: &'static str) -> Self {
        Self { path: Vec::new(), reason: Reason::Expected(what) }
    }

    fn inside(mut self, part: String) -> Self {
        self.path.push(part);
        self
    }

    /// Ranks the errors of several alternatives. The best match is reported: the one whose JSON is
    /// correct down to the deepest place.
    fn rank(&self) -> (usize, bool) {
        let above = self.path.len().saturating_sub(1);
        match self.reason {
            Reason::Unknown => (above, true),
            // The tag belongs to another alternative.
            Reason::Expected(ANOTHER_NAME) => (above, false),
            Reason::Expected(_) => (self.path.len(), false),
        }
    }
}

impl Schema {
    /// Compares JSON with the schema.
    ///
    /// # Errors
    /// Describes the first difference.
    pub(crate) fn check(&'static self, json: &[u8]) -> Result<(), String> {
        let json = read_json::from_slice(json).map_err(|error| error.to_string())?;
        check(self, &json).map_err(|mismatch| mismatch.to_string())
    }
}

fn check(schema: &'static Schema, json: &Json) -> Result<(), Mismatch> {
    let expected = |what| Err(Mismatch::expected(what));
    match (schema.itself(), json) {
        (Schema::Any, _) | (_, Json::Null) => Ok(()),
        (Schema::OneOf { alternatives, .. }, _) => check_any(alternatives, json),
        (Schema::Object { parts, .. }, Json::Object(members)) => check_object(parts, members),
        (Schema::Map(inner), Json::Object(members)) => {
            members.iter().try_for_each(|(name, value)| check_member(inner, name, value))
        }
        (Schema::Object { .. } | Schema::Map(_), _) => expected("an object"),
        (Schema::List(inner), Json::List(elements)) => {
            check_elements(elements.iter().map(|element| (*inner, element)))
        }
        (Schema::Tuple(parts), Json::List(elements)) => {
            check_elements(parts.iter().copied().zip(elements))
        }
        (Schema::List(_) | Schema::Tuple(_), _) => expected("an array"),
        (Schema::Names { names, .. }, Json::Text(text)) => match names.contains(&text.as_str()) {
            true => Ok(()),
            false => expected(ANOTHER_NAME),
        },
        (Schema::Text { .. }, Json::Text(_)) => Ok(()),
        (Schema::Text { .. } | Schema::Names { .. }, _) => expected("a string"),
        (Schema::Integer { .. } | Schema::Number { .. }, Json::Number(number)) => {
            check_range(schema.itself(), *number)
        }
        (Schema::Integer { .. } | Schema::Number { .. }, _) => expected("a number"),
        (Schema::Boolean, Json::Boolean) => Ok(()),
        (Schema::Boolean, _) => expected("true or false"),
        (Schema::Null, _) => expected("nothing"),
        // `itself` returns none of these, and a transaction without a result has no JSON to check.
        (Schema::Nothing | Schema::Named { .. } | Schema::Optional(_), _) => Ok(()),
    }
}

fn check_any(alternatives: &'static [&'static Schema], json: &Json) -> Result<(), Mismatch> {
    let mut best: Option<Mismatch> = None;
    for alternative in alternatives {
        let Err(mismatch) = check(alternative, json) else { return Ok(()) };
        if best.as_ref().is_none_or(|best| mismatch.rank() > best.rank()) {
            best = Some(mismatch);
        }
    }
    best.map_or(Ok(()), Err)
}

fn check_object(parts: &'static [Part], object: &[(String, Json)]) -> Result<(), Mismatch> {
    let members = Members::of(parts);
    for (name, value) in object {
        match (members.get(name), members.others) {
            (Some(schema), _) | (None, Others::Like(schema)) => check_member(schema, name, value)?,
            (None, Others::Any) => {}
            (None, Others::Refused) => {
                let unknown = Mismatch { path: Vec::new(), reason: Reason::Unknown };
                return Err(unknown.inside(begin_of(name, 32)));
            }
        }
    }
    Ok(())
}

fn check_member(schema: &'static Schema, name: &str, value: &Json) -> Result<(), Mismatch> {
    check(schema, value).map_err(|mismatch| mismatch.inside(begin_of(name, 32)))
}

fn check_elements<'a>(
    elements: impl Iterator<Item = (&'static Schema, &'a Json)>,
) -> Result<(), Mismatch> {
    for (index, (schema, element)) in elements.enumerate() {
        check(schema, element).map_err(|mismatch| mismatch.inside(index.to_string()))?;
    }
    Ok(())
}

/// serde reads infinity for a number that a smaller float cannot hold, and a native `usize` accepts
/// values that are too large.
fn check_range(schema: &Schema, number: f64) -> Result<(), Mismatch> {
    let fits = match schema {
        Schema::Integer { minimum, maximum, .. } => {
            minimum.is_none_or(|minimum| number >= minimum as f64)
                && maximum.is_none_or(|maximum| number <= maximum as f64)
        }
        Schema::Number { format } => !(*format == "float" && (number as f32).is_infinite()),
        _ => true,
    };
    match fits {
        true => Ok(()),
        false => Err(Mismatch::expected("a number in range")),
    }
}
