//! The path to a part of a query, written as in the query, for error texts.
//!
//! Invariant: formatted only for an error, so a correct query does not pay for it.

use std::fmt;

use crate::error::QueryError;
use crate::json::{Value, shorten};

/// A member or an element, and its container.
#[derive(Clone, Copy)]
pub(crate) struct QueryPlace<'a> {
    outer: Option<&'a QueryPlace<'a>>,
    step: PlaceStep<'a>,
}

#[derive(Clone, Copy)]
enum PlaceStep<'a> {
    Member(&'a str),
    Element(usize),
}

impl<'a> QueryPlace<'a> {
    /// Makes an outermost place.
    pub(crate) fn root(name: &'a str) -> Self {
        Self { outer: None, step: PlaceStep::Member(name) }
    }

    pub(crate) fn member(&'a self, name: &'a str) -> Self {
        Self { outer: Some(self), step: PlaceStep::Member(name) }
    }

    pub(crate) fn element(&'a self, index: usize) -> Self {
        Self { outer: Some(self), step: PlaceStep::Element(index) }
    }
}

impl fmt::Display for QueryPlace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut steps = Vec::from_iter(std::iter::successors(Some(self), |place| place.outer));
        steps.reverse();
        for (number, place) in steps.into_iter().enumerate() {
            if number > 0 {
                f.write_str(".")?;
            }
            match place.step {
                PlaceStep::Member(name) => f.write_str(&shorten(name))?,
                PlaceStep::Element(index) => write!(f, "{index}")?,
            }
        }
        Ok(())
    }
}

/// Returns the error for an unusable argument of an operator at `place` in the selector.
pub(crate) fn bad_arg(operator: &str, argument: Value<'_>, place: &QueryPlace<'_>) -> QueryError {
    let (operator, shown) = (shorten(operator), argument.shown());
    let reason = format!("Bad argument for operator {operator}: {shown} (at {place})");
    QueryError::refused("bad_arg", reason)
}
