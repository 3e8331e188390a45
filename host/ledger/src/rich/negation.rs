//! The negation of a condition.
//!
//! Invariant: a comparison and its negation treat a missing field the same way.

use crate::rich::selector::Condition;

impl Condition {
    /// CouchDB: `mango_selector:negate/1`.
    pub(crate) fn negate(self) -> Self {
        match self {
            Self::Lt(value) => Self::Gte(value),
            Self::Lte(value) => Self::Gt(value),
            Self::Eq(value) => Self::Ne(value),
            Self::Ne(value) => Self::Eq(value),
            Self::Gte(value) => Self::Lt(value),
            Self::Gt(value) => Self::Lte(value),
            Self::In(values) => Self::Nin(values),
            Self::Nin(values) => Self::In(values),
            Self::Exists(exists) => Self::Exists(!exists),
            Self::Not(condition) => *condition,
            other => Self::Not(Box::new(other)),
        }
    }
}
