//! An instance that has started and not been called.

use wasmtime::Store;

use crate::failure::Failure;
use crate::held::Held;
use crate::memory::Sizes;
use crate::tx_state::TxState;
use crate::versions::Contract;

/// One page takes memory when it is written, by one instruction at least; the kernel's size.
const PAGE_BYTES: u64 = 4 << 10;

/// An instance of nobody.
pub(crate) struct Ready {
    pub(crate) store: Store<TxState>,
    pub(crate) contract: Contract,
    /// What its start took of what it was given.
    pub(crate) fuel: u64,
    pub(crate) sizes: Sizes,
}

/// An instance of a transaction, which was ready.
pub(crate) struct Taken {
    pub(crate) store: Store<TxState>,
    pub(crate) contract: Contract,
    pub(crate) fuel: u64,
    pub(crate) before: Before,
}

/// What the instance of a transaction had before.
pub(crate) struct Before {
    /// Large, and moved with the instance from one future to the next.
    of_nobody: Box<TxState>,
    places: usize,
}

impl Ready {
    /// Bytes that it holds at most. A page takes memory when it is written, and each write of the
    /// start took fuel.
    pub(crate) fn bytes(&self) -> usize {
        let written = usize::try_from(self.fuel.saturating_mul(PAGE_BYTES)).unwrap_or(usize::MAX);
        written.min(self.sizes.memories).saturating_add(self.sizes.beside)
    }

    /// Gives it to a transaction. It has `places` in the pool.
    ///
    /// # Errors
    /// The transaction may not have the memory that the instance has.
    pub(crate) fn given_to(self, mut state: TxState, places: usize) -> Result<Taken, Failure> {
        let Self { mut store, contract, fuel, sizes } = self;
        state.memory().set(sizes)?;
        let of_nobody = Box::new(std::mem::replace(store.data_mut(), state));
        Ok(Taken { store, contract, fuel, before: Before { of_nobody, places } })
    }
}

impl Before {
    /// Makes the instance one of nobody again. Returns the transaction's state, and what the
    /// instance holds at most.
    pub(crate) fn restore(self, store: &mut Store<TxState>) -> (TxState, Held) {
        let mut state = std::mem::replace(store.data_mut(), *self.of_nobody);
        let Sizes { memories, beside } = state.memory().sizes();
        let held = Held { places: self.places, bytes: memories.saturating_add(beside) };
        (state, held)
    }
}
