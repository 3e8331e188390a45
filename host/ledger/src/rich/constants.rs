//! The constants of a list operator, sorted for fast look-ups.
//!
//! Invariant: sorted, without duplicates.

use crate::json::{Json, Value};
use crate::rich::collation::compare;
use crate::rich::work::{COMPARED_BYTES, CONDITION, QueryWork};
use wasmcc_types::Exhausted;

/// A set of values.
#[derive(Clone, Debug)]
pub(crate) struct Constants {
    sorted: Vec<Json>,
    /// The cost of one look-up, in units of work.
    cost: u64,
}

impl Constants {
    pub(crate) fn new(mut values: Vec<Json>) -> Self {
        let heaviest = values.iter().map(|value| value.weight()).max().unwrap_or_default();
        values.sort_by(|a, b| compare(a.value(), b.value()));
        values.dedup_by(|a, b| compare(a.value(), b.value()).is_eq());
        values.shrink_to_fit();
        let steps = u64::from(values.len().checked_ilog2().unwrap_or_default()) + 1;
        let cost = steps * comparison_cost(heaviest);
        Self { sorted: values, cost }
    }

    /// The position of a value among the constants.
    pub(crate) fn position(
        &self,
        value: Value<'_>,
        work: &mut QueryWork<'_>,
    ) -> Result<Option<usize>, Exhausted> {
        work.spend(self.cost)?;
        Ok(self.sorted.binary_search_by(|own| compare(own.value(), value)).ok())
    }

    pub(crate) fn contains(
        &self,
        value: Value<'_>,
        work: &mut QueryWork<'_>,
    ) -> Result<bool, Exhausted> {
        Ok(self.position(value, work)?.is_some())
    }

    pub(crate) fn len(&self) -> usize {
        self.sorted.len()
    }
}

/// The cost of comparing a value with a constant of this weight, in units of work.
pub(crate) fn comparison_cost(weight: usize) -> u64 {
    CONDITION + (weight / COMPARED_BYTES) as u64
}
