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
    /// The instance's account in the memory of all guests. None as long as no transaction has it:
    /// its pages are those of the component's image, which takes no memory before it is written.
    of_all: Option<UsedMemory>,
}

impl MemoryLimiter {
    pub(crate) fn new(limits: Arc<Limits>) -> Self {
        Self { used: 0, refused: false, limits, of_all: None }
    }

    /// The limiter of a transaction, which has this account.
    pub(crate) fn of_transaction(limits: Arc<Limits>, of_all: UsedMemory) -> Self {
        Self { of_all: Some(of_all), ..Self::new(limits) }
    }

    /// Bytes of all linear memories.
    pub(crate) fn used(&self) -> usize {
        self.used
    }

    /// Counts the bytes of an instance that was made before its transaction.
    ///
    /// # Errors
    /// The memory of all guests has no room for them.
    pub(crate) fn begin_with(&mut self, used: usize) -> Result<(), Failure> {
        self.used = used;
        self.of_all.as_mut().map_or(Ok(()), |of_all| of_all.reserve(used))
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
            self.begin_with(used).map_err(Stop)?;
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
