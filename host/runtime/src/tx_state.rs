//! The state of one transaction: the resources that it has used, and its limits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tracing::Span;
use wasmtime::component::{Resource, ResourceTable};
use wasmtime_wasi::WasiCtx;

use crate::backend::{Backend, BackendError, ErrorKind, ProposalPart};
use crate::cost::{self, Bill, OpenCalls};
use crate::failure::{Failure, Stop, classify, classify_start};
use crate::instance::Invocation;
use crate::limits::Limits;
use crate::memory::MemoryLimiter;
use crate::time_left::TimeLeft;
use crate::variation::Variation;
use wasmcc_types::{CHAINCODE_LOG, ChaincodeEvent, Entry, Meter, ProposalContext, TxId};

/// Memory of a row beside its key and value, about: the row itself and two allocations.
const ROW_BYTES: usize = 100;

/// The state used by the host functions of one transaction.
pub(crate) struct TxState {
    wasi: WasiCtx,
    table: ResourceTable,
    memory: MemoryLimiter,
    invocation: Invocation,
    time: TimeLeft,
    /// None while there is no transaction.
    backend: Option<Box<dyn Backend>>,
    event: Option<ChaincodeEvent>,
    calls: u64,
    /// The cost of calls since the guest last paid.
    open_calls: OpenCalls,
    open_iterators: u32,
    /// Bytes of the keys and values in the rows that the iterators hold.
    iterator_bytes: usize,
    /// Number of these rows.
    iterator_rows: usize,
    /// The most memory that they had.
    most_iterator_memory: usize,
    log_lines: u32,
    /// The span of log lines; made for the first line.
    span: Option<Span>,
    /// Set if this run differs from that on a peer.
    variation: Variation,
}

impl TxState {
    pub(crate) fn new(
        invocation: Invocation,
        backend: Box<dyn Backend>,
        wasi: WasiCtx,
        bill: Bill,
        memory: MemoryLimiter,
    ) -> Self {
        Self { backend: Some(backend), ..Self::without_backend(invocation, wasi, bill, memory) }
    }

    /// Makes the state of an instance that has no transaction yet. It cannot call the peer.
    pub(crate) fn of_nobody(memory: MemoryLimiter) -> Self {
        let invocation = Invocation {
            entry: Entry::Init,
            chaincode: String::new(),
            channel_id: String::new(),
            tx_id: TxId::parse("none").expect("it is not empty"),
            args: Vec::new(),
            decorations: BTreeMap::new(),
            proposal: Arc::new(ProposalContext::default()),
            peer_msp_id: String::new(),
            timeout: Duration::ZERO,
            meter: Arc::new(Meter::unlimited(Duration::ZERO)),
            share: Arc::default(),
            limits: None,
        };
        let wasi = WasiCtx::builder().build();
        Self::without_backend(invocation, wasi, Bill::default(), memory)
    }

    fn without_backend(
        invocation: Invocation,
        wasi: WasiCtx,
        bill: Bill,
        memory: MemoryLimiter,
    ) -> Self {
        let time = TimeLeft::new(&invocation.meter, invocation.timeout);
        Self {
            wasi,
            table: ResourceTable::new(),
            memory,
            invocation,
            time,
            backend: None,
            event: None,
            calls: 0,
            open_calls: OpenCalls::new(bill),
            open_iterators: 0,
            iterator_bytes: 0,
            iterator_rows: 0,
            most_iterator_memory: 0,
            log_lines: 0,
            span: None,
            variation: Variation::None,
        }
    }

    /// Returns how this run differs from that of a peer.
    pub(crate) fn variation(&self) -> Variation {
        self.variation
    }

    /// Sets how this run differs from that of a peer.
    pub(crate) fn vary(&mut self, variation: Variation) {
        self.variation = variation;
    }

    /// Forgets the event of a call that does not count.
    pub(crate) fn forget_event(&mut self) {
        self.event = None;
    }

    /// Returns the limiter that wasmtime calls before memory grows.
    pub(crate) fn memory(&mut self) -> &mut MemoryLimiter {
        &mut self.memory
    }

    pub(crate) fn into_event(self) -> Option<ChaincodeEvent> {
        self.event
    }

    pub(crate) fn invocation(&self) -> &Invocation {
        &self.invocation
    }

    /// Returns the transaction's time limit; the time began when this state was made.
    pub(crate) fn time(&self) -> &TimeLeft {
        &self.time
    }

    pub(crate) fn limits(&self) -> &Limits {
        self.memory.limits()
    }

    pub(crate) fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }

    pub(crate) fn wasi_and_table(&mut self) -> (&mut WasiCtx, &mut ResourceTable) {
        (&mut self.wasi, &mut self.table)
    }

    /// Classifies the error that ended the guest. Out-of-memory appears as a plain trap, so its
    /// text names the limit.
    pub(crate) fn failure(&self, error: &wasmtime::Error, stderr: String) -> Failure {
        match classify(error, self.limits(), stderr) {
            Failure::Trapped { trap, stderr } if self.memory.has_refused() => {
                let limit = self.limits().memory_bytes;
                let trap = format!("{trap} after it was refused more than {limit} bytes of memory");
                Failure::Trapped { trap, stderr }
            }
            failure => failure,
        }
    }

    /// As [`failure`](Self::failure), for an error while the instance was made. If the host cannot
    /// make an instance, wasmtime's error is only a text, so an unknown error counts as the host's.
    pub(crate) fn failure_at_start(&self, error: &wasmtime::Error, stderr: String) -> Failure {
        match self.memory.has_refused() {
            true => self.failure(error, stderr),
            false => classify_start(error, self.limits(), stderr),
        }
    }

    /// Adds a cost to the guest's bill, which is paid when the call returns.
    pub(crate) fn charge(&mut self, cost: u64) {
        self.open_calls.charge(cost);
    }

    /// Returns the open calls that the guest pays for.
    pub(crate) fn open_calls(&mut self) -> &mut OpenCalls {
        &mut self.open_calls
    }

    /// Charges for one call of a WASI interface, which does not call the peer.
    pub(crate) fn wasi_call(&mut self) -> &mut Self {
        self.charge(cost::CALL);
        self
    }

    /// Returns the number of the guest's calls to its peer.
    pub(crate) fn host_calls(&self) -> u64 {
        self.calls
    }

    /// Counts one call from the guest to the host, with this many bytes of arguments.
    pub(crate) fn count_call(&mut self, bytes: usize) -> wasmtime::Result<()> {
        self.charge(cost::CALL.saturating_add(cost::bytes(bytes)));
        self.calls += 1;
        let limit = self.limits().host_calls;
        if self.calls > limit {
            return stop_at_limit(format!("more than {limit} calls to the peer"));
        }
        Ok(())
    }

    /// Returns the port for one call, after charging its cost and its bytes.
    pub(crate) fn backend(
        &mut self,
        cost: u64,
        bytes: usize,
    ) -> wasmtime::Result<&mut dyn Backend> {
        Ok(self.backend_and_time(cost, bytes)?.0)
    }

    /// As [`backend`](Self::backend), with the time limit for a call that may need several answers.
    pub(crate) fn backend_and_time(
        &mut self,
        cost: u64,
        bytes: usize,
    ) -> wasmtime::Result<(&mut dyn Backend, &TimeLeft)> {
        self.charge(cost);
        self.count_call(bytes)?;
        Ok((peer(&mut self.backend)?, &self.time))
    }

    /// Reports to the port that the guest reads data that no block contains. Costs nothing.
    pub(crate) fn reads_proposal(&mut self, part: ProposalPart) {
        if let Some(backend) = &mut self.backend {
            backend.reads_proposal(part);
        }
    }

    /// Returns a cursor of the guest, the port and the time limit, for one call.
    pub(crate) fn cursor_and_backend<C: Send + 'static>(
        &mut self,
        cursor: &Resource<C>,
    ) -> wasmtime::Result<(&mut C, &mut dyn Backend, &TimeLeft)> {
        self.count_call(0)?;
        Ok((self.table.get_mut(cursor)?, peer(&mut self.backend)?, &self.time))
    }

    /// Counts one more open iterator. An iterator counts until the peer has sent its last row, as
    /// on a Fabric peer, even if the guest keeps the handle.
    pub(crate) fn reserve_iterator(&mut self) -> wasmtime::Result<()> {
        let limit = self.limits().open_iterators;
        if self.open_iterators >= limit {
            return stop_at_limit(format!("more than {limit} open iterators"));
        }
        self.open_iterators += 1;
        Ok(())
    }

    /// Counts one open iterator less.
    pub(crate) fn release_iterator(&mut self) {
        self.open_iterators = self.open_iterators.saturating_sub(1);
    }

    /// Counts rows that an iterator received. Only the sum over all iterators is limited here,
    /// since a guest may open many.
    pub(crate) fn hold_rows(&mut self, bytes: usize, rows: usize) -> wasmtime::Result<()> {
        let limit = self.limits().iterator_bytes;
        self.iterator_bytes = self.iterator_bytes.saturating_add(bytes);
        if self.iterator_bytes > limit {
            return stop_at_limit(format!(
                "more than {limit} bytes of rows in open iterators: close those that are read, or \
                 read pages"
            ));
        }
        self.iterator_rows = self.iterator_rows.saturating_add(rows);
        let beside = self.iterator_rows.saturating_mul(ROW_BYTES);
        let memory = self.iterator_bytes.saturating_add(beside);
        let more = memory.saturating_sub(self.most_iterator_memory);
        self.most_iterator_memory += more;
        self.keep(more)
    }

    /// Counts bytes that stay until the transaction ends.
    fn keep(&self, bytes: usize) -> wasmtime::Result<()> {
        let kept = self.invocation.meter.keep(bytes);
        kept.map_err(|why| Stop(Failure::TransactionOver(why.to_string())).into())
    }

    /// Subtracts rows that left an iterator.
    pub(crate) fn release_rows(&mut self, bytes: usize, rows: usize) {
        self.iterator_bytes = self.iterator_bytes.saturating_sub(bytes);
        self.iterator_rows = self.iterator_rows.saturating_sub(rows);
    }

    /// Checks the size of a value to write.
    pub(crate) fn check_value(&self, value: &[u8]) -> Result<(), BackendError> {
        let (size, limit) = (value.len(), self.limits().value_bytes);
        if size <= limit {
            return Ok(());
        }
        let text = format!("value of {size} bytes is over the limit of {limit} bytes");
        Err(BackendError::new(ErrorKind::LimitExceeded, text))
    }

    /// Returns the size of the event that is set, in bytes.
    pub(crate) fn event_bytes(&self) -> usize {
        self.event.as_ref().map_or(0, |event| event.name.len() + event.payload.len())
    }

    /// Sets the event; replaces an earlier one.
    pub(crate) fn set_event(&mut self, event: ChaincodeEvent) -> wasmtime::Result<()> {
        let bytes = event.name.len() + event.payload.len();
        let more = bytes.saturating_sub(self.event_bytes());
        self.event = Some(event);
        self.keep(more)
    }

    /// Runs `log` in the transaction's span.
    pub(crate) fn in_span(&mut self, log: impl FnOnce()) {
        let Invocation { channel_id, tx_id, chaincode, .. } = &self.invocation;
        let span = self.span.get_or_insert_with(|| {
            let tx_id = tx_id.short();
            tracing::info_span!("invoke", channel = %channel_id, tx_id, chaincode = %chaincode)
        });
        span.in_scope(log);
    }

    /// Returns true if one more line may be logged.
    pub(crate) fn take_log_line(&mut self) -> bool {
        let limit = self.limits().log_lines;
        self.log_lines = self.log_lines.saturating_add(1);
        if self.log_lines == limit.saturating_add(1) {
            let text = format!("more than {limit} lines, the rest is not shown");
            self.in_span(|| tracing::warn!(target: CHAINCODE_LOG, "{text}"));
        }
        self.log_lines <= limit
    }
}

fn peer(backend: &mut Option<Box<dyn Backend>>) -> wasmtime::Result<&mut dyn Backend> {
    match backend {
        Some(backend) => Ok(backend.as_mut()),
        None => Err(Stop(Failure::Host("the instance has no transaction".into())).into()),
    }
}

fn stop_at_limit<T>(text: String) -> wasmtime::Result<T> {
    Err(Stop(Failure::Limit(text)).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmcc_types::{Share, Shares};

    #[test]
    fn rows_need_memory_beside_their_keys_and_values() {
        let memory = MemoryLimiter::new(Arc::new(Limits::default()));
        let mut state = TxState::of_nobody(memory);
        let all = Shares::new("bytes", 1 << 20);
        let meter = Meter::unlimited(Duration::MAX).keeping(&all, Share::default());
        state.invocation.meter = Arc::new(meter);
        // Iterators that are read and dropped one after the other need the memory of one.
        for _ in 0..1_000 {
            state.hold_rows(500, 100).unwrap();
            state.release_rows(500, 100);
        }
        let most = (0..1_000).take_while(|_| state.hold_rows(500, 100).is_ok()).count();
        assert!((50..105).contains(&most), "{most}");
    }
}
