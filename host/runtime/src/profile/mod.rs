//! Profiles the fuel of a transaction by function.
//!
//! A component with probes ([`with_probes`]) gets its fuel in single units, so wasmtime calls back
//! at every call and return. Between two callbacks only one function runs, and the fuel used
//! meanwhile is its own. So a profile is exact, and its sum is the cost of the call without
//! profiling. For development only: such a call takes a hundred times as long.
//!
//! Does not profile chaincodes that the transaction calls: each has its own fuel.

mod import_calls;
mod probes;
mod tree;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wasmtime::{AsContext, CallHook, FrameInfo, WasmBacktrace};

use crate::by_tx::{ByTx, Entry};
use crate::names::readable;
use wasmcc_types::TxId;

pub(crate) use import_calls::ImportCalls;
pub use probes::{Unprobed, with_probes};
pub use tree::{Function, FunctionKind, Profile, StackedCall};

use tree::CallTree;

/// Collects the profile of a transaction.
#[derive(Debug, Default)]
pub(crate) struct Profiler {
    is_taken: AtomicBool,
    stack: Mutex<Stack>,
}

/// Profiles one instance.
#[derive(Debug)]
pub(crate) struct InstanceProfiler {
    profiler: Arc<Profiler>,
    import_calls: Option<Arc<ImportCalls>>,
}

/// The current call stack of the guest.
#[derive(Debug, Default)]
struct Stack {
    tree: CallTree,
    /// The running function; None before the first call.
    current: Option<usize>,
    /// The import that it calls directly, without an intermediate function.
    import: Option<Arc<str>>,
    /// The running function before each call of the host into the guest.
    outer: Vec<Option<usize>>,
    /// Units that were added to the tree.
    spent: u64,
}

impl InstanceProfiler {
    /// Returns the profiler of a transaction to the first instance that asks: of nested chaincodes,
    /// only the outermost one is profiled.
    pub(crate) fn of(
        profilers: &Profilers,
        tx_id: &TxId,
        import_calls: Option<&Arc<ImportCalls>>,
    ) -> Option<Arc<Self>> {
        let profiler = profilers.of(tx_id)?;
        let is_first = !profiler.is_taken.swap(true, Ordering::Relaxed);
        let import_calls = import_calls.cloned();
        is_first.then(|| Arc::new(Self { profiler, import_calls }))
    }

    /// Records a transition between guest and host, after `used` units of fuel.
    pub(crate) fn at(&self, store: impl AsContext, at: CallHook, used: u64) {
        let mut stack = self.profiler.stack();
        stack.spend(used);
        match at {
            CallHook::CallingHost => {
                let frames = WasmBacktrace::force_capture(store);
                stack.stand(&frames, self.import_calls.as_deref());
            }
            CallHook::ReturningFromHost => {}
            CallHook::CallingWasm => {
                let current = stack.current;
                stack.outer.push(current);
            }
            CallHook::ReturningFromWasm => stack.current = stack.outer.pop().flatten(),
        }
    }

    /// Records the guest's payment for a call of an import.
    pub(crate) fn paid(&self, used: u64) {
        self.profiler.stack().pay(used);
    }

    /// Records the end.
    pub(crate) fn end(&self, used: u64) {
        self.profiler.stack().spend(used);
    }
}

impl Profiler {
    fn stack(&self) -> MutexGuard<'_, Stack> {
        self.stack.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stack {
    /// Adds the fuel used since the last call of `spend` to the current function.
    fn spend(&mut self, used: u64) {
        let fuel = used.saturating_sub(self.spent);
        if fuel > 0 {
            let current = self.current.unwrap_or_else(|| {
                let name = "(outside of functions)".into();
                self.tree.call(None, Function { name, kind: FunctionKind::Named })
            });
            self.tree.add(current, fuel);
            self.spent = used;
        }
    }

    fn pay(&mut self, used: u64) {
        let Some(current) = self.current.filter(|_| used > self.spent) else { return };
        let before = self.current;
        if !self.tree.is_import(current) {
            let import = self.import.take().unwrap_or_else(|| "(import)".into());
            self.current = Some(self.tree.call(before, imported(&import)));
        }
        self.spend(used);
        self.current = before;
    }

    fn stand(&mut self, stack: &WasmBacktrace, import_calls: Option<&ImportCalls>) {
        let (mut at, mut import): (_, Option<&Arc<str>>) = (None, None);
        for frame in stack.frames().iter().rev() {
            // Frames between a call of an import and the host only pass it on, so they count as the
            // import.
            let function = import.map_or_else(|| function(frame), |name| imported(name));
            at = Some(self.tree.call(at, function));
            import = import_calls.and_then(|calls| calls.at(frame.module_offset()));
        }
        self.current = at.or(self.current);
        self.import = import.cloned();
    }
}

fn function(frame: &FrameInfo) -> Function {
    let module = frame.module().name().unwrap_or_default();
    let Some(name) = frame.func_name() else {
        let name = format!("function {} of {module}", frame.func_index());
        let name = name.trim_end_matches(" of ").to_owned();
        return Function { name, kind: FunctionKind::Unnamed };
    };
    Function { name: readable(name), kind: FunctionKind::Named }
}

fn imported(name: &str) -> Function {
    Function { name: name.to_owned(), kind: FunctionKind::Import }
}

/// The profiled transactions of a runtime; empty except in development.
pub(crate) type Profilers = ByTx<Profiler>;

/// Profiles a transaction until this is dropped.
#[must_use]
pub struct Profiling<'a>(Entry<'a, Profiler>);

impl<'a> Profiling<'a> {
    pub(crate) fn start(profilers: &'a Profilers, tx_id: &TxId) -> Self {
        Self(profilers.insert(tx_id, Profiler::default()))
    }

    /// Returns the profile so far.
    pub fn profile(&self) -> Profile {
        self.0.stack().tree.profile().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_is_paid_for_where_it_was_called() {
        let mut stack = Stack::default();
        stack.spend(1);
        let main = Function { name: "main".into(), kind: FunctionKind::Named };
        stack.current = Some(stack.tree.call(None, main));
        stack.spend(3);
        stack.pay(10);
        stack.pay(10);
        stack.spend(11);
        stack.import = Some("a:b/c#f".into());
        stack.pay(13);
        // The fuel of an import that is called within an import counts for the outer one.
        stack.current = Some(3);
        stack.pay(14);
        let profile = stack.tree.profile();
        let all = profile.calls.iter().map(|call| {
            let name = profile.functions[call.function].name.as_str();
            (name, call.caller, call.fuel)
        });
        let expected = [
            ("(outside of functions)", None, 1),
            ("main", None, 3),
            ("(import)", Some(1), 7),
            ("a:b/c#f", Some(1), 3),
        ];
        assert!(all.eq(expected), "{profile:?}");
    }
}
