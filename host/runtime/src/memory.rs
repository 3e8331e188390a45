//! Limits the memory and the tables of an instance.

use std::sync::Arc;

use wasmtime::ResourceLimiter;

use crate::failure::{Failure, Stop};
use crate::guest_memory::UsedMemory;
use crate::limits::Limits;

/// Counts all linear memories of an instance together; wasmtime's own limit applies to each one.
pub(crate) struct MemoryLimiter {
    sizes: Sizes,
    refused: bool,
    limits: Arc<Limits>,
    /// The instance's account in the memory of all guests. None while no transaction has the
    /// instance: the code that makes such instances bounds their memory.
    of_all: Option<UsedMemory>,
}

/// Sizes of an instance's memories and tables.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sizes {
    /// Bytes of all linear memories.
    pub(crate) memories: usize,
    /// Bytes of its tables and of the host's data about it. The guest cannot see them, so no limit
    /// of a transaction applies to them.
    pub(crate) beside: usize,
}

/// Bytes of an element of a table.
const ELEMENT_BYTES: usize = size_of::<usize>();

impl MemoryLimiter {
    pub(crate) fn new(limits: Arc<Limits>) -> Self {
        Self { sizes: Sizes::default(), refused: false, limits, of_all: None }
    }

    /// Makes the limiter of a transaction, which has this account.
    pub(crate) fn of_transaction(limits: Arc<Limits>, of_all: UsedMemory) -> Self {
        Self { of_all: Some(of_all), ..Self::new(limits) }
    }

    pub(crate) fn sizes(&self) -> Sizes {
        self.sizes
    }

    /// Sets the current sizes of the instance.
    ///
    /// # Errors
    /// The memory of all guests does not have that much left.
    pub(crate) fn set(&mut self, sizes: Sizes) -> Result<(), Failure> {
        self.sizes = sizes;
        let all = sizes.memories.saturating_add(sizes.beside);
        self.of_all.as_mut().map_or(Ok(()), |of_all| of_all.reserve(all))
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Returns true if the guest was ever refused memory.
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
        let memories = self.sizes.memories.saturating_sub(current).saturating_add(desired);
        let allowed = memories <= self.limits.memory_bytes;
        if allowed {
            self.set(Sizes { memories, ..self.sizes }).map_err(Stop)?;
        } else {
            self.refused = true;
        }
        Ok(allowed)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let allowed = desired <= self.limits.table_elements;
        if allowed {
            let more = desired.saturating_sub(current).saturating_mul(ELEMENT_BYTES);
            let beside = self.sizes.beside.saturating_add(more);
            self.set(Sizes { beside, ..self.sizes }).map_err(Stop)?;
        }
        Ok(allowed)
    }

    /// If memory within the limits cannot be allocated, ends the guest: such failures differ
    /// between peers, so the guest must not see them.
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
