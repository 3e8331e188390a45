//! Costs of calls from the guest to its host, in units of fuel. A guest pays for the data that
//! crosses the port (calls, bytes, rows), so a call costs the same with every backend.
//!
//! Work that only the embedded peer does, such as scanning documents for a query, does not cost
//! fuel. The transaction's [`Meter`](wasmcc_types::Meter) counts it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::backend::{KeyModification, KeyValue, QueryBatch};
use wasmcc_types::Response;

/// Each call, including refused ones: about the work of a call to the host and its return.
pub(crate) const CALL: u64 = 500;
/// Each byte that a call carries, in either direction.
pub(crate) const BYTE: u64 = 1;
/// A request for one key: reads, writes, metadata, the end of a batch of writes.
pub(crate) const KEY: u64 = 5_000;
/// Opening a query, or fetching its next batch.
pub(crate) const QUERY: u64 = 20_000;
/// Each row that the peer sends.
pub(crate) const ROW: u64 = 1_000;
/// Running another chaincode in a fresh instance. That chaincode has its own fuel.
pub(crate) const CHAINCODE: u64 = 50_000;
/// A log line, whether it is shown or not: that differs between peers.
pub(crate) const LOG_LINE: u64 = 2_000;
/// Each random byte, in addition to carrying it. Random numbers are hashes.
pub(crate) const RANDOM_BYTE: u64 = 10;

/// Each handle whose readiness a call polls.
pub(crate) const POLLED: u64 = 100;

/// Returns the cost of carrying `count` bytes.
pub(crate) fn bytes(count: usize) -> u64 {
    BYTE.saturating_mul(count as u64)
}

/// Returns the size of a list: each element has a pointer and a length in addition to its bytes.
pub(crate) fn list_bytes<'a>(elements: impl IntoIterator<Item = &'a [u8]>) -> usize {
    elements.into_iter().map(|element| element.len() + 8).sum()
}

/// Returns the size of a list of texts.
pub(crate) fn text_bytes(texts: &[String]) -> usize {
    list_bytes(texts.iter().map(String::as_bytes))
}

/// The cost of a transaction's calls that its guest has not paid yet. Clones share one bill.
#[derive(Clone, Default)]
pub(crate) struct Bill(Arc<AtomicU64>);

impl Bill {
    /// Adds a cost to the bill. The calls of one transaction are sequential.
    pub(crate) fn add(&self, cost: u64) {
        let sum = self.0.load(Ordering::Relaxed).saturating_add(cost);
        self.0.store(sum, Ordering::Relaxed);
    }

    /// Takes the whole sum off the bill.
    pub(crate) fn take(&self) -> u64 {
        match self.0.load(Ordering::Relaxed) {
            0 => 0,
            cost => {
                self.0.store(0, Ordering::Relaxed);
                cost
            }
        }
    }
}

/// The open calls to the host, which may be nested, and their cost.
pub(crate) struct OpenCalls {
    bill: Bill,
    open: u32,
}

impl OpenCalls {
    /// Starts without calls; their costs go on this bill.
    pub(crate) fn new(bill: Bill) -> Self {
        Self { bill, open: 0 }
    }

    /// Adds a cost to the bill.
    pub(crate) fn charge(&self, cost: u64) {
        self.bill.add(cost);
    }

    /// Begins a call.
    pub(crate) fn enter(&mut self) {
        self.open += 1;
    }

    /// Ends a call and returns what the guest must pay now. The guest pays when the outermost call
    /// ends: only then does it read its fuel again.
    pub(crate) fn leave(&mut self) -> u64 {
        self.open = self.open.saturating_sub(1);
        if self.open == 0 { self.bill.take() } else { 0 }
    }
}

/// A value that a guest receives, and its cost.
pub(crate) trait Received {
    /// Returns the cost in units of fuel.
    fn cost(&self) -> u64;
}

impl Received for () {
    fn cost(&self) -> u64 {
        0
    }
}

impl Received for Vec<u8> {
    fn cost(&self) -> u64 {
        bytes(self.len())
    }
}

impl<T: Received> Received for Option<T> {
    fn cost(&self) -> u64 {
        self.as_ref().map_or(0, T::cost)
    }
}

impl Received for Vec<Option<Vec<u8>>> {
    fn cost(&self) -> u64 {
        bytes(list_bytes(self.iter().map(|value| value.as_deref().unwrap_or_default())))
    }
}

impl Received for Vec<Vec<u8>> {
    fn cost(&self) -> u64 {
        bytes(list_bytes(self.iter().map(Vec::as_slice)))
    }
}

/// Returns the cost of named entries: metadata, transient data, decorations.
pub(crate) fn entries<'a>(entries: impl IntoIterator<Item = (&'a String, &'a Vec<u8>)>) -> u64 {
    bytes(entries.into_iter().map(|(name, value)| name.len() + value.len() + 16).sum())
}

impl Received for Vec<(String, Vec<u8>)> {
    fn cost(&self) -> u64 {
        entries(self.iter().map(|(name, value)| (name, value)))
    }
}

impl Received for KeyValue {
    fn cost(&self) -> u64 {
        ROW.saturating_add(bytes(self.key.len() + self.value.len()))
    }
}

impl Received for KeyModification {
    fn cost(&self) -> u64 {
        ROW.saturating_add(bytes(self.tx_id.len() + self.value.len()))
    }
}

impl<R: Received> Received for QueryBatch<R> {
    fn cost(&self) -> u64 {
        let rows = self.rows.iter().map(Received::cost).fold(0, u64::saturating_add);
        rows.saturating_add(bytes(self.bookmark.as_ref().map_or(0, String::len)))
    }
}

impl Received for Response {
    fn cost(&self) -> u64 {
        bytes(self.message.len() + self.payload.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_pinned() {
        // The costs decide where a transaction ends, so all peers of a channel need the same ones.
        // docs/determinism.md lists them; changing one changes the interface.
        let costs = [CALL, BYTE, KEY, QUERY, ROW, CHAINCODE, LOG_LINE, RANDOM_BYTE, POLLED];
        assert_eq!(costs, [500, 1, 5_000, 20_000, 1_000, 50_000, 2_000, 10, 100]);
    }

    #[test]
    fn a_batch_costs_its_rows_and_what_they_hold() {
        let row = KeyValue { key: "ab".into(), value: vec![0; 3] };
        let rows = vec![row.clone(), row];
        let batch =
            QueryBatch { rows, has_more: true, id: "q".into(), bookmark: Some("ab".into()) };
        assert_eq!(batch.cost(), 2 * (ROW + 5 * BYTE) + 2 * BYTE);
        assert_eq!(vec![None, Some(vec![1, 2])].cost(), 2 + 2 * 8);
    }

    #[test]
    fn a_bill_is_paid_once_and_never_wraps() {
        let bill = Bill::default();
        bill.add(1);
        bill.clone().add(2);
        assert_eq!((bill.take(), bill.take()), (3, 0));
        bill.add(u64::MAX);
        bill.add(1);
        assert_eq!(bill.take(), u64::MAX);
    }

    #[test]
    fn only_the_outermost_call_is_paid_for() {
        let mut calls = OpenCalls::new(Bill::default());
        calls.enter();
        calls.charge(3);
        // The guest allocates memory for the result, which calls a helper of wasmtime.
        for _ in 0..2 {
            calls.enter();
            assert_eq!(calls.leave(), 0);
        }
        assert_eq!(calls.leave(), 3);
        calls.enter();
        assert_eq!(calls.leave(), 0);
    }
}
