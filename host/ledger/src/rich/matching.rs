//! Matches documents with selectors. CouchDB: `mango_selector:match/3`.
//!
//! Invariant: recursion is no deeper than the selector, which is bounded. Only keys are copied.
//! Work is charged before it is done.

use std::cmp::Ordering;

use crate::json::{Json, JsonKind, Value};
use crate::rich::collation::compare;
use crate::rich::constants::{Constants, comparison_cost};
use crate::rich::field::{Document, FoundValue};
use crate::rich::selector::{Condition, Selector};
use crate::rich::work::{CONDITION, QueryWork};
use wasmcc_types::Exhausted;

/// The result of a match; fails if the work units are used up.
type Verdict = Result<bool, Exhausted>;

impl Selector {
    /// True if a document matches.
    pub(crate) fn matches(&self, document: Document<'_>, work: &mut QueryWork<'_>) -> Verdict {
        work.spend(CONDITION)?;
        match self {
            Self::Nothing => Ok(false),
            Self::Not(selector) => Ok(!selector.matches(document, work)?),
            Self::All(parts) => all(parts, |part| part.matches(document, work)),
            Self::Any(parts) => any(parts, |part| part.matches(document, work)),
            // CouchDB's document also contains its key and version, so no other value is equal to
            // it.
            Self::Field(path, condition) if path.is_empty() && document.key.is_some() => {
                match condition {
                    Condition::Eq(_) | Condition::EqAny(_) | Condition::In(_) => Ok(false),
                    Condition::Ne(_) | Condition::NeAll(_) | Condition::Nin(_) => Ok(true),
                    condition => condition.holds(document.value, work),
                }
            }
            Self::Field(path, condition) => match path.find(document, work)? {
                FoundValue::Value(value) => condition.holds(value, work),
                FoundValue::Key(key) => condition.holds(Json::from(key).value(), work),
                FoundValue::Missing => Ok(matches!(condition, Condition::Exists(false))),
                FoundValue::BadPath => Ok(false),
            },
        }
    }
}

impl Condition {
    fn holds(&self, value: Value<'_>, work: &mut QueryWork<'_>) -> Verdict {
        let mut order = |other: &Json| {
            work.spend(comparison_cost(other.weight()))?;
            Ok::<Ordering, Exhausted>(compare(value, other.value()))
        };
        Ok(match self {
            Self::Lt(other) => order(other)?.is_lt(),
            Self::Lte(other) => order(other)?.is_le(),
            Self::Eq(other) => order(other)?.is_eq(),
            Self::Ne(other) => order(other)?.is_ne(),
            Self::Gte(other) => order(other)?.is_ge(),
            Self::Gt(other) => order(other)?.is_gt(),
            Self::EqAny(others) => others.contains(value, work)?,
            Self::NeAll(others) => !others.contains(value, work)?,
            Self::In(others) => is_in(value, others, work)?,
            Self::Nin(others) => !is_in(value, others, work)?,
            Self::Exists(exists) => *exists,
            Self::Type(name) => name == type_name(value),
            Self::Size(size) => value.is_array() && count(value, work)? == *size,
            Self::Mod(divisor, remainder) => {
                integer(value).and_then(|value| value.checked_rem(*divisor)) == Some(*remainder)
            }
            Self::Regex(regular) => match value.as_text() {
                Some(text) => regular.is_match(text, work)?,
                None => false,
            },
            Self::BeginsWith(beginning) => {
                work.spend(comparison_cost(beginning.len()))?;
                value.as_text().is_some_and(|text| text.starts_with(beginning))
            }
            Self::All(wanted, whole) => {
                holds_all(value, wanted, work)?
                    || match whole {
                        Some(whole) => {
                            work.spend(comparison_cost(whole.weight()))?;
                            compare(value, whole.value()).is_eq()
                        }
                        None => false,
                    }
            }
            Self::ElemMatch(selector) => {
                any(value.elements(), |value| selector.matches(inner(value), work))?
            }
            Self::AllMatch(selector) => {
                value.elements().next().is_some()
                    && all(value.elements(), |value| selector.matches(inner(value), work))?
            }
            Self::KeyMapMatch(selector) => any(value.members(), |(name, _)| {
                selector.matches(inner(Json::from(name).value()), work)
            })?,
            Self::Not(condition) => !condition.holds(value, work)?,
        })
    }
}

/// A part of a document.
fn inner(value: Value<'_>) -> Document<'_> {
    Document { key: None, value }
}

fn all<T>(parts: impl IntoIterator<Item = T>, mut holds: impl FnMut(T) -> Verdict) -> Verdict {
    for part in parts {
        if !holds(part)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn any<T>(parts: impl IntoIterator<Item = T>, mut holds: impl FnMut(T) -> Verdict) -> Verdict {
    for part in parts {
        if holds(part)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// True if the value, or one element of an array, is among the constants; an array as a whole never
/// is.
fn is_in(value: Value<'_>, others: &Constants, work: &mut QueryWork<'_>) -> Verdict {
    match value.is_array() {
        true => any(value.elements(), |element| others.contains(element, work)),
        false => others.contains(value, work),
    }
}

/// True if an array contains each of the values; false if there are none.
fn holds_all(value: Value<'_>, wanted: &Constants, work: &mut QueryWork<'_>) -> Verdict {
    let mut missing = vec![true; wanted.len()];
    let mut left = wanted.len();
    for element in value.elements() {
        if let Some(found) = wanted.position(element, work)?
            && let Some(missing) = missing.get_mut(found)
            && std::mem::take(missing)
        {
            left -= 1;
        }
    }
    Ok(left == 0 && wanted.len() > 0)
}

fn count(value: Value<'_>, work: &mut QueryWork<'_>) -> Result<u64, Exhausted> {
    let mut count = 0;
    for _ in value.elements() {
        work.spend(1)?;
        count += 1;
    }
    Ok(count)
}

fn type_name(value: Value<'_>) -> &'static str {
    match value.kind() {
        JsonKind::Null => "null",
        JsonKind::Boolean(_) => "boolean",
        JsonKind::Number(_) => "number",
        JsonKind::Text(_) => "string",
        JsonKind::Array => "array",
        JsonKind::Object => "object",
    }
}

/// A number without a fraction, however it is written: Fabric's peer writes 4.0 as 4.
fn integer(value: Value<'_>) -> Option<i64> {
    match value.kind() {
        JsonKind::Number(number) if number.fract() == 0.0 && number.abs() < 9.2e18 => {
            Some(number as i64)
        }
        _ => None,
    }
}
