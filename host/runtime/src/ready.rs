//! An instance that has started and has not been called.

use wasmtime::Store;

use crate::failure::Failure;
use crate::held::Held;
use crate::memory::Sizes;
use crate::tx_state::TxState;
use crate::versions::Contract;

/// Size of a page of the kernel. A page takes memory when it is written, by at least one
/// instruction.
const PAGE_BYTES: u64 = 4 << 10;

/// A started instance without a transaction.
pub(crate) struct Ready {
    pub(crate) store: Store<TxState>,
    pub(crate) contract: Contract,
    /// Fuel that its start used.
    pub(crate) fuel: u64,
    pub(crate) sizes: Sizes,
}

/// An instance made ahead, with its transaction.
pub(crate) struct Taken {
    pub(crate) store: Store<TxState>,
    pub(crate) contract: Contract,
    pub(crate) fuel: u64,
    pub(crate) before: Before,
}

/// The state of an instance before its transaction.
pub(crate) struct Before {
    /// Boxed because it is large and moved with the instance from one future to the next.
    of_nobody: Box<TxState>,
    places: usize,
}

impl Ready {
    /// Returns an upper bound of the bytes that it holds. A page takes memory when it is written,
    /// and each write of the start used fuel.
    pub(crate) fn bytes(&self) -> usize {
        let written = usize::try_from(self.fuel.saturating_mul(PAGE_BYTES)).unwrap_or(usize::MAX);
        written.min(self.sizes.memories).saturating_add(self.sizes.beside)
    }

    /// Assigns the instance to a transaction. It takes `places` slots of the pool.
    ///
    /// # Errors
    /// The transaction may not use the memory that the instance has.
    pub(crate) fn given_to(self, mut state: TxState, places: usize) -> Result<Taken, Failure> {
        let Self { mut store, contract, fuel, sizes } = self;
        state.memory().set(sizes)?;
        let of_nobody = Box::new(std::mem::replace(store.data_mut(), state));
        Ok(Taken { store, contract, fuel, before: Before { of_nobody, places } })
    }
}

impl Before {
    /// Detaches the transaction from the instance. Returns the transaction's state, and an upper
    /// bound of what the instance holds.
    pub(crate) fn restore(self, store: &mut Store<TxState>) -> (TxState, Held) {
        let mut state = std::mem::replace(store.data_mut(), *self.of_nobody);
        let Sizes { memories, beside } = state.memory().sizes();
        let held = Held { places: self.places, bytes: memories.saturating_add(beside) };
        (state, held)
    }
}
