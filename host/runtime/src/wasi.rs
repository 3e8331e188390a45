//! The part of WASI that guests can use, made deterministic. The clock is fixed at the
//! transaction's time, random numbers derive from its id, and there are no files, timers or
//! connections. Interfaces are linked one by one, so others (http) are refused at admission. For
//! sockets see [`network`](crate::network).
//!
//! Every call is charged when it gets the transaction's state, which each call does once.

use std::convert::Infallible;
use std::time::Duration;

use wasmtime::component::{HasData, Linker, Resource, ResourceTable};
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView};
use wasmtime_wasi::p2::{DynPollable, bindings as wasi};
use wasmtime_wasi::random::{WasiRandom, WasiRandomView};
use wasmtime_wasi::{HostWallClock, WasiCtx, WasiCtxView, WasiView};

use crate::cost::{self, Bill};
use crate::failure::{Failure, Stop};
use crate::instance::Invocation;
use crate::output::Capture;
use crate::tx_state::TxState;
use crate::variation::Variation;
use wasmcc_types::sha256_all;

/// Links every WASI interface that a component may import.
pub(crate) fn add_to_linker(linker: &mut Linker<TxState>) -> wasmtime::Result<()> {
    let l = linker;
    wasi::io::error::add_to_linker::<TxState, Io>(l, |t| t.wasi_call().table())?;
    wasi::io::poll::add_to_linker::<TxState, Polls<'static>>(l, |t| Polls(t.wasi_call()))?;
    wasi::io::streams::add_to_linker::<TxState, Io>(l, |t| t.wasi_call().table())?;
    wasi::clocks::wall_clock::add_to_linker::<TxState, WasiClocks>(l, |t| t.wasi_call().clocks())?;
    wasi::clocks::monotonic_clock::add_to_linker::<TxState, StillClock>(l, |t| {
        let variation = t.variation();
        StillClock(clock(t.wasi_call().invocation(), variation))
    })?;
    wasi::random::random::add_to_linker::<TxState, WasiRandom>(l, |t| t.wasi_call().random())?;
    wasi::random::insecure::add_to_linker::<TxState, WasiRandom>(l, |t| t.wasi_call().random())?;
    wasi::random::insecure_seed::add_to_linker::<TxState, WasiRandom>(l, |t| {
        t.wasi_call().random()
    })?;
    wasi::cli::environment::add_to_linker::<TxState, WasiCli>(l, |t| t.wasi_call().cli())?;
    wasi::cli::exit::add_to_linker::<TxState, WasiCli>(l, |t| t.wasi_call().cli())?;
    wasi::cli::stdin::add_to_linker::<TxState, WasiCli>(l, |t| t.wasi_call().cli())?;
    wasi::cli::stdout::add_to_linker::<TxState, WasiCli>(l, |t| t.wasi_call().cli())?;
    wasi::cli::stderr::add_to_linker::<TxState, WasiCli>(l, |t| t.wasi_call().cli())?;
    wasi::cli::terminal_input::add_to_linker::<TxState, WasiCli>(l, |t| t.wasi_call().cli())?;
    wasi::cli::terminal_output::add_to_linker::<TxState, WasiCli>(l, |t| t.wasi_call().cli())?;
    wasi::cli::terminal_stdin::add_to_linker::<TxState, WasiCli>(l, |t| t.wasi_call().cli())?;
    wasi::cli::terminal_stdout::add_to_linker::<TxState, WasiCli>(l, |t| t.wasi_call().cli())?;
    wasi::cli::terminal_stderr::add_to_linker::<TxState, WasiCli>(l, |t| t.wasi_call().cli())?;
    // There are no preopens, so a guest never has a descriptor.
    wasi::filesystem::preopens::add_to_linker::<TxState, WasiFilesystem>(l, |t| {
        t.wasi_call().filesystem()
    })?;
    wasi::filesystem::types::add_to_linker::<TxState, WasiFilesystem>(l, |t| {
        t.wasi_call().filesystem()
    })
}

/// The WASI context of one transaction.
pub(crate) fn context(
    invocation: &Invocation,
    variation: Variation,
    stdout: Capture,
    stderr: Capture,
    bill: &Bill,
) -> WasiCtx {
    let seed = sha256_all([
        b"wasmcc random 1".as_slice(),
        invocation.channel_id.as_bytes(),
        b"/",
        invocation.tx_id.as_bytes(),
        variation.salt(),
    ]);
    let insecure_seed = u128::from_le_bytes(*seed.first_chunk().expect("a hash has 32 bytes"));
    WasiCtx::builder()
        .stdout(stdout)
        .stderr(stderr)
        .secure_random(TxRandom::new(seed, b"secure", bill.clone()))
        .insecure_random(TxRandom::new(seed, b"insecure", bill.clone()))
        .insecure_random_seed(insecure_seed)
        .max_random_size(1 << 20)
        .wall_clock(StillClock(clock(invocation, variation)))
        .allow_blocking_current_thread(true)
        .build()
}

impl WasiView for TxState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let (ctx, table) = self.wasi_and_table();
        WasiCtxView { ctx, table }
    }
}

/// Returns the time of the clocks, in nanoseconds since 1970.
fn clock(invocation: &Invocation, variation: Variation) -> u64 {
    nanoseconds(invocation).saturating_add(variation.clock_offset())
}

/// Returns the transaction's time. A time before 1970, or none, reads as 1970: WASI's clock is
/// unsigned.
fn nanoseconds(invocation: &Invocation) -> u64 {
    let at = invocation.proposal.timestamp.unwrap_or_default();
    u64::try_from(at.seconds)
        .ok()
        .and_then(|seconds| seconds.checked_mul(1_000_000_000))
        .map_or(0, |ns| ns.saturating_add(u64::from(at.nanos)))
}

struct Io;

impl HasData for Io {
    type Data<'a> = &'a mut ResourceTable;
}

/// Polls handles. One call may name the same handle millions of times, so each handle has a price.
struct Polls<'a>(&'a mut TxState);

impl HasData for Polls<'static> {
    type Data<'a> = Polls<'a>;
}

impl wasi::io::poll::Host for Polls<'_> {
    async fn poll(&mut self, pollables: Vec<Resource<DynPollable>>) -> wasmtime::Result<Vec<u32>> {
        self.0.charge(cost::POLLED.saturating_mul(pollables.len() as u64));
        wasi::io::poll::Host::poll(self.0.table(), pollables).await
    }
}

impl wasi::io::poll::HostPollable for Polls<'_> {
    async fn ready(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<bool> {
        wasi::io::poll::HostPollable::ready(self.0.table(), pollable).await
    }

    async fn block(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        wasi::io::poll::HostPollable::block(self.0.table(), pollable).await
    }

    fn drop(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        wasi::io::poll::HostPollable::drop(self.0.table(), pollable)
    }
}

/// A fixed clock, in nanoseconds since 1970. With wasmtime-wasi's own monotonic clock, a guest
/// could sleep in real time, where neither fuel nor the deadline can stop it.
struct StillClock(u64);

impl HasData for StillClock {
    type Data<'a> = StillClock;
}

impl HostWallClock for StillClock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        Duration::from_nanos(self.0)
    }
}

impl wasi::clocks::monotonic_clock::Host for StillClock {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.0)
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(1)
    }

    fn subscribe_instant(&mut self, _: u64) -> wasmtime::Result<Resource<DynPollable>> {
        sleep_is_refused()
    }

    fn subscribe_duration(&mut self, _: u64) -> wasmtime::Result<Resource<DynPollable>> {
        sleep_is_refused()
    }
}

fn sleep_is_refused<T>() -> wasmtime::Result<T> {
    let trap = "it tried to sleep, but a transaction's clock stands still".into();
    Err(Stop(Failure::Trapped { trap, stderr: String::new() }).into())
}

/// Random numbers that are the same on every endorser: SHA-256 of the seed, a label and a counter.
struct TxRandom {
    seed: [u8; 32],
    label: &'static [u8],
    counter: u64,
    block: [u8; 32],
    used: usize,
    bill: Bill,
}

impl TxRandom {
    fn new(seed: [u8; 32], label: &'static [u8], bill: Bill) -> Self {
        Self { seed, label, counter: 0, block: [0; 32], used: 32, bill }
    }

    /// Charges for this many random bytes.
    fn charge(&self, bytes: usize) {
        self.bill.add(cost::RANDOM_BYTE.saturating_mul(bytes as u64));
        self.bill.add(cost::bytes(bytes));
    }

    fn next_byte(&mut self) -> u8 {
        if self.used == self.block.len() {
            let counter = self.counter.to_le_bytes();
            self.block = sha256_all([self.seed.as_slice(), self.label, counter.as_slice()]);
            self.counter += 1;
            self.used = 0;
        }
        let byte = self.block[self.used];
        self.used += 1;
        byte
    }
}

impl rand::TryRng for TxRandom {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.charge(4);
        Ok(u32::from_le_bytes(std::array::from_fn(|_| self.next_byte())))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.charge(8);
        Ok(u64::from_le_bytes(std::array::from_fn(|_| self.next_byte())))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.charge(bytes.len());
        bytes.fill_with(|| self.next_byte());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::TryRng;

    #[test]
    fn random_numbers_depend_on_seed_and_label_only() {
        let draw = |seed: u8, label| {
            let mut bytes = [0; 100];
            let bill = Bill::default();
            let Ok(()) = TxRandom::new([seed; 32], label, bill.clone()).try_fill_bytes(&mut bytes);
            assert_eq!(bill.take(), 100 * (cost::RANDOM_BYTE + cost::BYTE));
            bytes
        };
        assert_eq!(draw(1, b"a"), draw(1, b"a"));
        assert_ne!(draw(1, b"a"), draw(2, b"a"));
        assert_ne!(draw(1, b"a"), draw(1, b"b"));
    }
}
