//! Runs a transaction with variations of conditions that a contract must not depend on, and records
//! its calls in each run. If two runs differ, the contract is not deterministic.
//!
//! Does not compare the runs; the caller does.

mod place;
mod recorder;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wasmtime::WasmBacktrace;

use crate::backend::Backend;
use crate::by_tx::{ByTx, Entry};
use crate::source_lines::{SourceLines, SourcePlace};
use wasmcc_types::TxId;

pub(crate) use recorder::Recorder;

/// The variation of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variation {
    /// No variation: a run as on a peer.
    None,
    /// Different random numbers, and so a different order of hash maps.
    Random,
    /// Different clocks of WASI. The transaction's timestamp stays the same.
    Clocks,
    /// An earlier call in the same instance, so that addresses and statics differ.
    Memory,
}

impl Variation {
    /// All variations that differ from a run on a peer.
    pub const ALL: [Self; 3] = [Self::Random, Self::Clocks, Self::Memory];

    /// Returns a value that is mixed into the seed of random numbers.
    pub(crate) fn salt(self) -> &'static [u8] {
        match self {
            Self::Random => b"/other random numbers",
            Self::None | Self::Clocks | Self::Memory => b"",
        }
    }

    /// Returns an offset of the clocks, in nanoseconds: a little more than a leap year, so that
    /// every field of a date differs.
    pub(crate) fn clock_offset(self) -> u64 {
        match self {
            Self::Clocks => 34_308_367_123_456_789,
            Self::None | Self::Random | Self::Memory => 0,
        }
    }
}

/// A call of a contract to its peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostCall {
    /// The calling chaincode.
    pub chaincode: String,
    /// The function and its arguments. Long arguments are reduced to their beginning and a hash.
    pub call: String,
    /// The peer's answer; empty if the transaction ended first.
    pub answer: String,
    /// The calling function of the contract; empty if the component has no names.
    pub function: String,
    /// The position of the call, if the component has debug information and the runtime keeps it.
    pub source: Option<SourcePlace>,
}

/// Limit on the recording of a run, in bytes. Later calls are not recorded.
const MAX_BYTES: usize = 64 << 20;

/// A transaction whose runs are recorded.
#[derive(Debug)]
pub(crate) struct Watch {
    pub variation: Variation,
    calls: Mutex<Calls>,
    is_called_before: AtomicBool,
}

#[derive(Debug, Default)]
struct Calls {
    all: Vec<HostCall>,
    bytes: usize,
    /// The function of the guest that calls its host, and the position of the call.
    caller: (String, Option<SourcePlace>),
}

impl Watch {
    /// Returns true for the first instance that asks, if the variation needs an earlier call. So of
    /// nested chaincodes only the outermost is called twice.
    pub(crate) fn takes_earlier_call(&self) -> bool {
        let is_wanted = self.variation == Variation::Memory;
        is_wanted && !self.is_called_before.swap(true, Ordering::Relaxed)
    }

    /// Forgets the calls recorded so far.
    pub(crate) fn forget(&self) {
        *self.calls() = Calls::default();
    }

    /// Records the function of the guest that calls the host.
    pub(crate) fn calls_from(&self, stack: &WasmBacktrace, lines: Option<&Arc<SourceLines>>) {
        let (function, offset) = place::caller(stack);
        let source = lines.zip(offset);
        let source = source.map(|(lines, offset)| SourcePlace::new(Arc::clone(lines), offset));
        self.calls().caller = (function, source);
    }

    /// Records a call and returns its number; None at the limit.
    fn begin(&self, chaincode: &str, call: String) -> Option<usize> {
        let mut calls = self.calls();
        calls.bytes += call.len();
        if calls.bytes > MAX_BYTES {
            return None;
        }
        let chaincode = chaincode.to_owned();
        let (function, source) = calls.caller.clone();
        calls.all.push(HostCall { chaincode, call, answer: String::new(), function, source });
        Some(calls.all.len() - 1)
    }

    fn end(&self, number: Option<usize>, answer: String) {
        let mut calls = self.calls();
        calls.bytes += answer.len();
        if let Some(call) = number.and_then(|number| calls.all.get_mut(number)) {
            call.answer = answer;
        }
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The recorded transactions of a runtime; empty except in tests.
pub(crate) type Watches = ByTx<Watch>;

/// Records a transaction's runs until this is dropped.
#[must_use]
pub struct Recording<'a>(Entry<'a, Watch>);

impl<'a> Recording<'a> {
    pub(crate) fn start(watches: &'a Watches, tx_id: &TxId, variation: Variation) -> Self {
        let (calls, is_called_before) = Default::default();
        Self(watches.insert(tx_id, Watch { variation, calls, is_called_before }))
    }

    /// Returns the calls to the peer so far, in order.
    pub fn host_calls(&self) -> Vec<HostCall> {
        self.0.calls().all.clone()
    }
}

/// Returns the port of a transaction; it records its calls if `watch` is set.
pub(crate) fn recorded(
    watch: Option<&Arc<Watch>>,
    chaincode: &str,
    backend: Box<dyn Backend>,
) -> Box<dyn Backend> {
    match watch {
        Some(watch) => Box::new(Recorder::new(Arc::clone(watch), chaincode, backend)),
        None => backend,
    }
}
