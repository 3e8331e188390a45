//! Series by name: each is created at its first use, up to a limit.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Number of names per kind that get series of their own.
pub(crate) const NAMES: usize = 1_000;

/// Series by two names, such as channel and chaincode.
///
/// Invariant: there are at most [`NAMES`] pairs.
pub(crate) struct ByNames<T>(RwLock<Table<T>>);

struct Table<T> {
    /// By the first name, then by the second, so that a look-up needs no copies.
    series: HashMap<Box<str>, HashMap<Box<str>, Arc<T>>>,
    pairs: usize,
}

impl<T> Default for ByNames<T> {
    fn default() -> Self {
        Self(RwLock::new(Table { series: HashMap::new(), pairs: 0 }))
    }
}

impl<T> ByNames<T> {
    /// Returns the series if it exists.
    pub(crate) fn known(&self, one: &str, two: &str) -> Option<Arc<T>> {
        let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
        table.series.get(one)?.get(two).cloned()
    }

    /// Returns the series, creating it if necessary; None at the limit of series.
    pub(crate) fn get(&self, one: &str, two: &str, make: impl FnOnce() -> T) -> Option<Arc<T>> {
        if let Some(known) = self.known(one, two) {
            return Some(known);
        }
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = table.series.get(one).and_then(|series| series.get(two)) {
            // Another thread inserted it first.
            return Some(Arc::clone(known));
        }
        if table.pairs >= NAMES {
            return None;
        }
        table.pairs += 1;
        let made = Arc::new(make());
        table.series.entry(one.into()).or_default().insert(two.into(), Arc::clone(&made));
        Some(made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_only_so_many_series() {
        let series = ByNames::<usize>::default();
        for number in 0..NAMES {
            let made = series.get("ch", &number.to_string(), || number);
            assert_eq!(made.as_deref(), Some(&number));
        }
        assert_eq!(series.get("ch", "one more", || 0), None);
        assert_eq!(series.get("other", "0", || 0), None);
        assert_eq!(series.get("ch", "7", || 0).as_deref(), Some(&7));
        assert_eq!(series.known("ch", "one more"), None);
    }
}
