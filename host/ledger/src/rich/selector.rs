//! Selectors of CouchDB's Mango. CouchDB: `mango_selector.erl`.
//!
//! A selector is normalized while it is parsed: names of nested fields are joined, and negations
//! are moved down to the conditions. So a condition on a field that a document lacks never matches,
//! negated or not; only `"$exists": false` does. Within `$elemMatch`, `$allMatch` and
//! `$keyMapMatch` negations are not moved.
//!
//! Invariant: no deeper than `MAX_DEPTH`, so recursion over a selector is bounded.

use std::collections::BTreeMap;

use crate::error::QueryError;
use crate::json::{Json, Value, shorten};
use crate::rich::constants::Constants;
use crate::rich::field::Path;
use crate::rich::place::{QueryPlace, bad_arg};
use crate::rich::regular::{Regular, Regulars};

/// Limit on the depth of selectors and conditions.
pub(crate) const MAX_DEPTH: usize = 64;

/// The limits of one selector.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SelectorBounds {
    /// The number of conditions, and of lists of them.
    pub(crate) conditions: usize,
    /// Memory of all regular expressions, in bytes.
    pub(crate) regexes_bytes: usize,
}

impl SelectorBounds {
    /// The limits for the selector of a query.
    pub(crate) const QUERY: Self = Self { conditions: 32_768, regexes_bytes: 8 << 20 };
    /// The limits for the filter of an index, which is evaluated at every write.
    pub(crate) const FILTER: Self = Self { conditions: 256, regexes_bytes: 1 << 20 };
}

/// Selects documents.
#[derive(Clone, Debug)]
pub(crate) enum Selector {
    /// All of these; if empty, every document.
    All(Vec<Selector>),
    /// At least one of these.
    Any(Vec<Selector>),
    /// A condition on the value at a path; without parts, on the document itself.
    Field(Path, Condition),
    /// Everything that does not match this. Only within `$elemMatch` and similar operators.
    Not(Box<Selector>),
    /// No document: a bare `$and` or `$or` without selectors.
    Nothing,
}

/// A condition on a value.
#[derive(Clone, Debug)]
pub(crate) enum Condition {
    Lt(Json),
    Lte(Json),
    Eq(Json),
    Ne(Json),
    Gte(Json),
    Gt(Json),
    /// Several `Eq`, of which one must hold.
    EqAny(Constants),
    /// Several `Ne`, which must all hold.
    NeAll(Constants),
    In(Constants),
    Nin(Constants),
    Exists(bool),
    Type(String),
    Size(u64),
    Mod(i64, i64),
    Regex(Regular),
    BeginsWith(String),
    /// The value is an array that contains all of these, or equals the given array.
    All(Constants, Option<Json>),
    /// At least one element of an array matches.
    ElemMatch(Box<Selector>),
    /// Every element of an array matches, and there is at least one.
    AllMatch(Box<Selector>),
    /// At least one key of an object matches.
    KeyMapMatch(Box<Selector>),
    Not(Box<Condition>),
}

/// The context of a part of a selector.
#[derive(Clone, Copy)]
struct SelectorContext<'a> {
    path: &'a Path,
    /// For error texts.
    place: &'a QueryPlace<'a>,
    negated: bool,
    depth: usize,
    /// True within `$elemMatch` and similar operators, where conditions apply to the value itself.
    in_element: bool,
}

/// Counts of the parts parsed so far.
struct ParseCounts {
    limit: usize,
    conditions: usize,
    regulars: Regulars,
    /// True if there was a `$nor` within the innermost `$elemMatch` or similar operator.
    has_nor: bool,
}

impl Selector {
    /// Parses a selector; `name` is its name in error texts. Adds the memory of its regular
    /// expressions to `regexes_bytes`.
    pub(crate) fn parse(
        json: Value<'_>,
        name: &str,
        bounds: SelectorBounds,
        regexes_bytes: &mut usize,
    ) -> Result<Self, QueryError> {
        let place = &QueryPlace::root(name);
        if !json.is_object() {
            let shown = json.shown();
            let reason = format!("Selector must be a JSON object, not: {shown} (at {place})");
            return Err(QueryError::refused("invalid_selector_json", reason));
        }
        if json.members().next().is_none() {
            return Ok(Self::All(Vec::new()));
        }
        let path = Path::default();
        let context =
            SelectorContext { path: &path, place, negated: false, depth: 0, in_element: false };
        let regulars = Regulars::up_to(bounds.regexes_bytes);
        let limit = bounds.conditions;
        let mut read = ParseCounts { limit, conditions: 0, regulars, has_nor: false };
        let selector = context.selector(json, &mut read)?;
        *regexes_bytes += read.regulars.bytes();
        match selector {
            // An empty list, even within a field or a negation.
            Self::All(parts) if parts.is_empty() => Ok(Self::Nothing),
            Self::Field(path, _) if path.is_empty() => {
                let reason = "One or more conditions is missing a field name.";
                let reason = format!("{reason} (at {place})");
                Err(QueryError::refused("invalid_selector", reason))
            }
            selector => Ok(selector),
        }
    }
}

impl<'a> SelectorContext<'a> {
    fn selector(self, json: Value<'_>, read: &mut ParseCounts) -> Result<Selector, QueryError> {
        if self.depth > MAX_DEPTH {
            let reason = format!("it is more than {MAX_DEPTH} deep (at {})", self.place);
            return Err(QueryError::refused("invalid_selector", reason));
        }
        let mut members = json.members();
        match (members.next(), members.next()) {
            (None, _) => self.leaf(Condition::Eq(json.to_json()), read),
            (Some((name, argument)), None) => self.member(name, argument, read),
            _ => {
                let parts = json.members().map(|(name, value)| self.member(name, value, read));
                let parts = parts.collect::<Result<_, _>>()?;
                self.combined(true, parts, read)
            }
        }
    }

    fn member(
        self,
        name: &str,
        argument: Value<'_>,
        read: &mut ParseCounts,
    ) -> Result<Selector, QueryError> {
        let place = self.place.member(name);
        let below = SelectorContext { place: &place, depth: self.depth + 1, ..self };
        match name {
            "$and" => below.list(name, argument, true, read),
            "$or" => below.list(name, argument, false, read),
            "$nor" => {
                read.has_nor |= self.in_element;
                SelectorContext { negated: !self.negated, ..below }
                    .list(name, argument, false, read)
            }
            "$not" if argument.is_object() && self.in_element => {
                Ok(Selector::Not(Box::new(below.selector(argument, read)?)))
            }
            "$not" if argument.is_object() => {
                SelectorContext { negated: !self.negated, ..below }.selector(argument, read)
            }
            "$not" => Err(bad_arg(name, argument, &place)),
            _ if name.starts_with('$') => {
                let condition = below.condition(name, argument, read)?;
                below.leaf(condition, read)
            }
            _ => {
                let path = self.path.join(name)?;
                SelectorContext { path: &path, ..below }.selector(argument, read)
            }
        }
    }

    /// Parses the selectors of `$and`, `$or` and `$nor`.
    fn list(
        self,
        operator: &str,
        argument: Value<'_>,
        all: bool,
        read: &mut ParseCounts,
    ) -> Result<Selector, QueryError> {
        if !argument.is_array() {
            return Err(bad_arg(operator, argument, self.place));
        }
        let parts = argument.elements().enumerate().map(|(index, selector)| {
            let place = self.place.element(index);
            SelectorContext { place: &place, depth: self.depth + 1, ..self }
                .selector(selector, read)
        });
        let parts = parts.collect::<Result<_, _>>()?;
        self.combined(all, parts, read)
    }

    /// Applies De Morgan's rule. CouchDB treats an empty list of either as true.
    fn combined(
        self,
        all: bool,
        parts: Vec<Selector>,
        read: &mut ParseCounts,
    ) -> Result<Selector, QueryError> {
        self.count(read)?;
        Ok(match all != self.negated || parts.is_empty() {
            true => Selector::All(gathered(parts, true)),
            false => Selector::Any(gathered(parts, false)),
        })
    }

    fn leaf(self, condition: Condition, read: &mut ParseCounts) -> Result<Selector, QueryError> {
        self.count(read)?;
        let condition = if self.negated { condition.negate() } else { condition };
        Ok(Selector::Field(self.path.clone(), condition))
    }

    fn count(self, read: &mut ParseCounts) -> Result<(), QueryError> {
        read.conditions += 1;
        if read.conditions > read.limit {
            let what = format!("conditions in a selector (at {})", self.place);
            return Err(QueryError::too_many(read.conditions, read.limit, what));
        }
        Ok(())
    }

    fn condition(
        self,
        operator: &str,
        argument: Value<'_>,
        read: &mut ParseCounts,
    ) -> Result<Condition, QueryError> {
        let bad = || bad_arg(operator, argument, self.place);
        let any = || argument.to_json();
        let list = || match argument.is_array() {
            true => Ok(Constants::new(argument.elements().map(Value::to_json).collect())),
            false => Err(bad()),
        };
        let text = || argument.as_text().map(str::to_owned).ok_or_else(bad);
        Ok(match operator {
            "$lt" => Condition::Lt(any()),
            "$lte" => Condition::Lte(any()),
            "$eq" => Condition::Eq(any()),
            "$ne" => Condition::Ne(any()),
            "$gte" => Condition::Gte(any()),
            "$gt" => Condition::Gt(any()),
            "$in" => Condition::In(list()?),
            "$nin" => Condition::Nin(list()?),
            "$all" => {
                let mut elements = argument.elements();
                let whole = match (elements.next(), elements.next()) {
                    (Some(only), None) if only.is_array() => Some(only.to_json()),
                    _ => None,
                };
                Condition::All(list()?, whole)
            }
            "$exists" => Condition::Exists(argument.as_bool().ok_or_else(bad)?),
            "$type" => Condition::Type(text()?),
            "$size" => Condition::Size(natural(argument).ok_or_else(bad)?),
            "$mod" => {
                let mut numbers = argument.elements().map(integer);
                match (numbers.next(), numbers.next(), numbers.next()) {
                    (Some(Some(divisor)), Some(Some(remainder)), None) if divisor != 0 => {
                        Condition::Mod(divisor, remainder)
                    }
                    _ => return Err(bad()),
                }
            }
            "$regex" => {
                let compiled = read.regulars.get(argument.as_text().ok_or_else(bad)?);
                Condition::Regex(compiled.map_err(|why| {
                    let reason = format!("Bad argument for operator $regex: {why}");
                    QueryError::refused("bad_arg", format!("{reason} (at {})", self.place))
                })?)
            }
            "$beginsWith" => Condition::BeginsWith(text()?),
            "$elemMatch" => Condition::ElemMatch(self.element(operator, argument, read)?),
            "$allMatch" => Condition::AllMatch(self.element(operator, argument, read)?),
            "$keyMapMatch" => Condition::KeyMapMatch(self.element(operator, argument, read)?),
            "$text" | "$where" | "$geoWithin" | "$geoIntersects" | "$near" | "$nearSphere" => {
                let reason = format!("Unsupported operator: {operator} (at {})", self.place);
                return Err(QueryError::refused("not_supported", reason));
            }
            _ => {
                let operator = shorten(operator);
                let reason = format!("Invalid operator: {operator} (at {})", self.place);
                return Err(QueryError::refused("invalid_operator", reason));
            }
        })
    }

    /// Parses a selector for the contents of an array or object. Negations are not moved across it:
    /// a negation within it matches an element that lacks the field. CouchDB does not support
    /// `$nor` there: it catches an internal error, and the operator matches nothing. This differs
    /// from CouchDB in one case: there, an earlier part of an `$or` or `$and` may decide before the
    /// `$nor` is looked at.
    fn element(
        self,
        operator: &str,
        argument: Value<'_>,
        read: &mut ParseCounts,
    ) -> Result<Box<Selector>, QueryError> {
        if !argument.is_object() {
            return Err(bad_arg(operator, argument, self.place));
        }
        let path = Path::default();
        let inner = SelectorContext {
            path: &path,
            negated: false,
            depth: self.depth + 1,
            in_element: true,
            ..self
        };
        let has_nor = std::mem::take(&mut read.has_nor);
        let selector = inner.selector(argument, read)?;
        let matches_nothing = std::mem::replace(&mut read.has_nor, has_nor);
        Ok(Box::new(if matches_nothing { Selector::Nothing } else { selector }))
    }
}

/// Combines conditions that compare one field with constants into one condition, so that a
/// document's value is looked up among the constants.
fn gathered(parts: Vec<Selector>, all: bool) -> Vec<Selector> {
    let mut constants: BTreeMap<Path, Vec<Json>> = BTreeMap::new();
    let mut gathered = Vec::new();
    for part in parts {
        match part {
            Selector::Field(path, Condition::Eq(value)) if !all => {
                constants.entry(path).or_default().push(value);
            }
            Selector::Field(path, Condition::Ne(value)) if all => {
                constants.entry(path).or_default().push(value);
            }
            other => gathered.push(other),
        }
    }
    gathered.extend(constants.into_iter().map(|(path, values)| {
        let values = Constants::new(values);
        let condition = if all { Condition::NeAll(values) } else { Condition::EqAny(values) };
        Selector::Field(path, condition)
    }));
    gathered
}

/// Returns an integer that is also written as one.
pub(crate) fn integer(json: Value<'_>) -> Option<i64> {
    json.as_integer().filter(|number| number.abs() < 9.2e18).map(|number| number as i64)
}

/// Returns a non-negative integer. A number that is too large becomes the largest.
pub(crate) fn natural(json: Value<'_>) -> Option<u64> {
    json.as_integer().filter(|number| *number >= 0.0).map(|number| number as u64)
}
