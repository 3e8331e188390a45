//! Selectors: what CouchDB's Mango makes of the JSON of one. CouchDB: `mango_selector.erl`.
//!
//! A selector is normalized while it is read: names are joined down to the conditions, and
//! negations are moved down to them, so that a condition on a field that a document lacks is never
//! met, negated or not; only `"$exists": false` is.
//!
//! Invariant: no deeper than `MAX_DEPTH`, so that whoever walks over one may recurse.

use serde_json::Value;

use crate::ledger::rich::error::QueryError;
use crate::ledger::rich::field::Path;
use crate::ledger::rich::regular::Regular;

/// Selectors and conditions within each other.
pub(super) const MAX_DEPTH: usize = 64;

/// Which documents are wanted.
#[derive(Clone, Debug)]
pub(super) enum Selector {
    /// All of these; without any: every document.
    All(Vec<Selector>),
    /// One of these, at least.
    Any(Vec<Selector>),
    /// A condition on what is at a path.
    Field(Path, Condition),
    /// No document: a bare `$and` or `$or` without selectors.
    Nothing,
}

/// What a value must be like.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    Lt(Value),
    Lte(Value),
    Eq(Value),
    Ne(Value),
    Gte(Value),
    Gt(Value),
    In(Vec<Value>),
    Nin(Vec<Value>),
    Exists(bool),
    Type(String),
    Size(u64),
    Mod(i64, i64),
    Regex(Regular),
    BeginsWith(String),
    /// The value is an array that holds all of these.
    All(Vec<Value>),
    /// Of an array: one element, at least.
    ElemMatch(Box<Selector>),
    /// Of an array that is not empty: every element.
    AllMatch(Box<Selector>),
    /// Of an object: one key, at least.
    KeyMapMatch(Box<Selector>),
    Not(Box<Condition>),
}

/// Where a part of a selector is.
#[derive(Clone, Copy)]
struct Context<'a> {
    path: &'a Path,
    /// In words of the query.
    place: &'a str,
    negated: bool,
    depth: usize,
    /// Conditions on the value itself make sense: within `$elemMatch` and its like.
    in_element: bool,
}

impl Selector {
    /// Reads the JSON of a selector; `place` is its name in error texts.
    pub(super) fn parse(json: &Value, place: &str) -> Result<Self, QueryError> {
        let Value::Object(members) = json else {
            let reason = format!("Selector must be a JSON object, not: {json} (at {place})");
            return Err(QueryError::refused("invalid_selector_json", reason));
        };
        if members.is_empty() {
            return Ok(Self::All(Vec::new()));
        }
        let path = Path::default();
        let context = Context { path: &path, place, negated: false, depth: 0, in_element: false };
        let selector = context.selector(json)?;
        let only = members.iter().next().filter(|_| members.len() == 1);
        Ok(match only {
            Some((operator, Value::Array(none)))
                if none.is_empty() && matches!(operator.as_str(), "$and" | "$or" | "$nor") =>
            {
                Self::Nothing
            }
            _ => selector,
        })
    }
}

impl<'a> Context<'a> {
    fn selector(self, json: &Value) -> Result<Selector, QueryError> {
        if self.depth > MAX_DEPTH {
            let reason = format!("it is more than {MAX_DEPTH} deep (at {})", self.place);
            return Err(QueryError::refused("invalid_selector", reason));
        }
        let Value::Object(members) = json else { return self.leaf(Condition::Eq(json.clone())) };
        let mut members_left = members.iter();
        match (members_left.next(), members_left.next()) {
            (None, _) => self.leaf(Condition::Eq(json.clone())),
            (Some((name, argument)), None) => self.member(name, argument),
            _ => {
                let parts = members.iter().map(|(name, argument)| self.member(name, argument));
                self.combined(true, parts.collect::<Result<_, _>>()?)
            }
        }
    }

    fn member(self, name: &str, argument: &Value) -> Result<Selector, QueryError> {
        let place = format!("{}.{name}", self.place);
        let below = Context { place: &place, depth: self.depth + 1, ..self };
        match name {
            "$and" => below.list(name, argument, true),
            "$or" => below.list(name, argument, false),
            "$nor" => Context { negated: !self.negated, ..below }.list(name, argument, false),
            "$not" if argument.is_object() => {
                Context { negated: !self.negated, ..below }.selector(argument)
            }
            "$not" => Err(QueryError::bad_arg(name, argument, &place)),
            _ if name.starts_with('$') => {
                let condition = below.condition(name, argument)?;
                below.leaf(condition)
            }
            _ => {
                let path = self.path.join(name)?;
                Context { path: &path, ..below }.selector(argument)
            }
        }
    }

    /// The selectors of `$and`, `$or` and `$nor`.
    fn list(self, operator: &str, argument: &Value, all: bool) -> Result<Selector, QueryError> {
        let Value::Array(selectors) = argument else {
            return Err(QueryError::bad_arg(operator, argument, self.place));
        };
        let parts = selectors.iter().enumerate().map(|(index, selector)| {
            let place = format!("{}.{index}", self.place);
            Context { place: &place, depth: self.depth + 1, ..self }.selector(selector)
        });
        self.combined(all, parts.collect::<Result<_, _>>()?)
    }

    /// De Morgan's rule. Without parts, CouchDB takes either for true.
    fn combined(self, all: bool, parts: Vec<Selector>) -> Result<Selector, QueryError> {
        Ok(match all != self.negated || parts.is_empty() {
            true => Selector::All(parts),
            false => Selector::Any(parts),
        })
    }

    fn leaf(self, condition: Condition) -> Result<Selector, QueryError> {
        if self.path.is_empty() && !self.in_element {
            let reason = "One or more conditions is missing a field name.";
            let reason = format!("{reason} (at {})", self.place);
            return Err(QueryError::refused("invalid_selector", reason));
        }
        let condition = if self.negated { condition.negate() } else { condition };
        Ok(Selector::Field(self.path.clone(), condition))
    }

    fn condition(self, operator: &str, argument: &Value) -> Result<Condition, QueryError> {
        let bad = || QueryError::bad_arg(operator, argument, self.place);
        let any = || argument.clone();
        let list = || argument.as_array().cloned().ok_or_else(bad);
        let text = || argument.as_str().map(str::to_owned).ok_or_else(bad);
        Ok(match operator {
            "$lt" => Condition::Lt(any()),
            "$lte" => Condition::Lte(any()),
            "$eq" => Condition::Eq(any()),
            "$ne" => Condition::Ne(any()),
            "$gte" => Condition::Gte(any()),
            "$gt" => Condition::Gt(any()),
            "$in" => Condition::In(list()?),
            "$nin" => Condition::Nin(list()?),
            "$all" => Condition::All(list()?),
            "$exists" => Condition::Exists(argument.as_bool().ok_or_else(bad)?),
            "$type" => Condition::Type(text()?),
            "$size" => Condition::Size(argument.as_u64().ok_or_else(bad)?),
            "$mod" => {
                let numbers = argument.as_array().map(Vec::as_slice).unwrap_or_default();
                let [divisor, remainder] = numbers else { return Err(bad()) };
                let divisor = divisor.as_i64().filter(|divisor| *divisor != 0);
                let remainder = remainder.as_i64();
                Condition::Mod(divisor.ok_or_else(bad)?, remainder.ok_or_else(bad)?)
            }
            "$regex" => {
                let compiled = Regular::new(argument.as_str().ok_or_else(bad)?);
                Condition::Regex(compiled.map_err(|why| {
                    let reason = format!("Bad argument for operator $regex: {why}");
                    QueryError::refused("bad_arg", format!("{reason} (at {})", self.place))
                })?)
            }
            "$beginsWith" => Condition::BeginsWith(text()?),
            "$elemMatch" => Condition::ElemMatch(self.element(operator, argument)?),
            "$allMatch" => Condition::AllMatch(self.element(operator, argument)?),
            "$keyMapMatch" => Condition::KeyMapMatch(self.element(operator, argument)?),
            "$text" | "$where" | "$geoWithin" | "$geoIntersects" | "$near" | "$nearSphere" => {
                let reason = format!("Unsupported operator: {operator} (at {})", self.place);
                return Err(QueryError::refused("not_supported", reason));
            }
            _ => {
                let reason = format!("Invalid operator: {operator} (at {})", self.place);
                return Err(QueryError::refused("invalid_operator", reason));
            }
        })
    }

    /// A selector over what an array or an object holds. A negation around it stays outside.
    fn element(self, operator: &str, argument: &Value) -> Result<Box<Selector>, QueryError> {
        if !argument.is_object() {
            return Err(QueryError::bad_arg(operator, argument, self.place));
        }
        let path = Path::default();
        let inner = Context {
            path: &path,
            negated: false,
            depth: self.depth + 1,
            in_element: true,
            ..self
        };
        inner.selector(argument).map(Box::new)
    }
}
