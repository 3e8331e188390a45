//! Hooks between a guest and its host: they make the guest pay for calls and end it when its time
//! is up.

use std::sync::Arc;

use wasmtime::{
    AsContextMut, CallHook, Store, StoreContextMut, Trap, UpdateDeadline, WasmBacktrace,
};

use crate::profile::InstanceProfiler;
use crate::source_lines::SourceLines;
use crate::time_left::TimeLeft;
use crate::tx_state::TxState;
use crate::variation::Watch;

/// A function that is called at each transition between a guest and its host.
pub(crate) trait Hook:
    FnMut(StoreContextMut<'_, TxState>, CallHook) -> wasmtime::Result<()> + Send + Sync + 'static
{
}

impl<H> Hook for H where
    H: FnMut(StoreContextMut<'_, TxState>, CallHook) -> wasmtime::Result<()>
        + Send
        + Sync
        + 'static
{
}

/// Sets the hook of a guest whose calls may be recorded, with its source lines if they are
/// available. Without `pay`, calls are free.
pub(crate) fn set(
    store: &mut Store<TxState>,
    watch: Option<(Arc<Watch>, Option<Arc<SourceLines>>)>,
    pay: Option<impl Hook>,
) {
    match (watch, pay) {
        (None, None) => {}
        (None, Some(pay)) => store.call_hook(pay),
        (Some((watch, lines)), mut pay) => store.call_hook(move |store, at| {
            if let CallHook::CallingHost = at {
                watch.calls_from(&WasmBacktrace::force_capture(&store), lines.as_ref());
            }
            pay.as_mut().map_or(Ok(()), |pay| pay(store, at))
        }),
    }
}

/// Sets the hook of a guest that is profiled. It gets its fuel in single units.
pub(crate) fn profile(
    store: &mut Store<TxState>,
    profiler: Arc<InstanceProfiler>,
    fuel: u64,
    mut pay: Option<impl Hook>,
) -> wasmtime::Result<()> {
    store.fuel_async_yield_interval(Some(1))?;
    store.call_hook(move |mut store, at| {
        let used = fuel.saturating_sub(store.get_fuel()?);
        profiler.at(&store, at, used);
        let paid = pay.as_mut().map_or(Ok(()), |pay| pay(store.as_context_mut(), at));
        if let CallHook::ReturningFromHost = at {
            profiler.paid(fuel.saturating_sub(store.get_fuel()?));
        }
        paid
    });
    Ok(())
}

/// Takes the cost of a call from the guest's fuel when the call returns. wasmtime calls this for
/// every import.
///
/// wasmtime also calls this for its own helpers (memory growth, the end of an epoch), even while a
/// guest's function allocates memory within an import. There the fuel must not be changed: the
/// guest continues with its own counter, and the clock decides where an epoch ends.
pub(crate) fn pay(mut store: StoreContextMut<'_, TxState>, at: CallHook) -> wasmtime::Result<()> {
    match at {
        CallHook::CallingHost => {
            store.data_mut().open_calls().enter();
            Ok(())
        }
        CallHook::ReturningFromHost => {
            let cost = store.data_mut().open_calls().leave();
            if cost == 0 {
                return Ok(());
            }
            match store.get_fuel()?.checked_sub(cost) {
                Some(left) => store.set_fuel(left),
                None => {
                    store.set_fuel(0)?;
                    Err(Trap::OutOfFuel.into())
                }
            }
        }
        CallHook::CallingWasm | CallHook::ReturningFromWasm => Ok(()),
    }
}

/// Decides at the end of a slice whether a guest may continue.
pub(crate) fn go_on(time: &TimeLeft) -> wasmtime::Result<UpdateDeadline> {
    time.check().map(|()| UpdateDeadline::Yield(1))
}
