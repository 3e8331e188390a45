//! Shows the fuel of a running guest to the backend that answers its calls.
//!
//! Does not slow down ordinary calls: only [`Runtime::invoke_gauged`] updates a gauge.
//!
//! [`Runtime::invoke`]: crate::Runtime::invoke
//! [`Runtime::invoke_gauged`]: crate::Runtime::invoke_gauged

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The fuel that a guest had used when it last called its host. Clones share one gauge.
#[derive(Clone, Debug, Default)]
pub struct FuelGauge(Arc<AtomicU64>);

impl FuelGauge {
    /// Returns the units that were used.
    pub fn used(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self, used: u64) {
        self.0.store(used, Ordering::Relaxed);
    }
}
