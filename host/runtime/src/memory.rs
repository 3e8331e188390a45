//! The limit on memory and tables.

use std::sync::Arc;

use wasmtime::ResourceLimiter;

use crate::failure::{Failure, Stop};
use crate::guest_memory::UsedMemory;
use crate::limits::Limits;

/// Counts all linear memories of an instance together; wasmtime's own limit is for each of them.
pub(crate) struct MemoryLimiter {
    used: usize,
    refused: bool,
    limits: Arc<Limits>,
    /// The instance's account in the memory of all guests.
    of_all: UsedMemory,
}

impl MemoryLimiter {
    pub(crate) fn new(limits: Arc<Limits>, of_all: UsedMemory) -> Self {
        Self { used: 0, refused: false, limits, of_all }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Whether the guest was ever refused more.
    pub(crate) fn has_refused(&self) -> bool {
        self.refused
    }
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        let used = self.used.saturating_sub(current).saturating_add(desired);
        let allowed = used <= self.limits.memory_bytes;
        if allowed {
            self.of_all.reserve(used).map_err(Stop)?;
            self.used = used;
        } else {
            self.refused = true;
        }
        Ok(allowed)
    }

    fn table_growing(
        &mut self,
        _: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= self.limits.table_elements)
    }

    /// A failure to allocate memory within the limits differs between peers, so the guest must not
    /// see it.
    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        Err(Stop(Failure::Host(format!("no memory: {error:#}"))).into())
    }

    fn table_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        Err(Stop(Failure::Host(format!("no memory: {error:#}"))).into())
    }

    fn instances(&self) -> usize {
        64
    }

    fn tables(&self) -> usize {
        64
    }

    fn memories(&self) -> usize {
        4
    }
}
