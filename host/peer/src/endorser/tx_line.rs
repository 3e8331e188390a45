//! The line that a transaction without a response leaves in the log.
//!
//! Invariant: one line, which names the transaction by itself: the spans around it may be filtered
//! out.

use std::time::Duration;

use crate::endorser::error::Rejected;
use wasmcc_types::{Exhausted, shown, shown_name};

/// Where the lines of transactions come from that were executed.
const TRANSACTIONS: &str = "wasmcc::transaction";
/// Warnings about one transaction.
const MAX_WARNINGS: usize = 10;

/// Which transaction; nothing of it need be true.
#[derive(Clone, Copy)]
pub(super) struct TxLine<'a> {
    /// The channel's name; empty for a proposal to the peer itself.
    pub channel: &'a str,
    /// The transaction's id.
    pub tx_id: &'a str,
    /// The chaincode's name.
    pub chaincode: &'a str,
}

/// Writes the line of a transaction whose client has gone, unless it has come to its end.
pub(super) struct Unfinished<'a>(Option<TxLine<'a>>);

impl TxLine<'_> {
    /// It was not executed.
    pub(super) fn refused(self, rejected: &Rejected) {
        let (reason, cause) = (rejected.to_string(), rejected.cause().map(shown));
        let (reason, Self { channel, tx_id, chaincode }) = (shown(&reason), self.shown());
        tracing::warn!(channel, tx_id, chaincode, cause, reason, "a transaction is refused");
    }

    /// There was no room for it.
    pub(super) fn not_run(self, reason: &str) {
        let (reason, Self { channel, tx_id, chaincode }) = (shown(reason), self.shown());
        tracing::warn!(channel, tx_id, chaincode, reason, "a transaction is refused");
    }

    /// Its execution failed.
    pub(super) fn failed(self, reason: &str) {
        let (reason, Self { channel, tx_id, chaincode }) = (shown(reason), self.shown());
        tracing::warn!(channel, tx_id, chaincode, reason, "a transaction failed");
    }

    /// It was executed. Nobody needs this line while all is well, so it has a target of its own.
    pub(super) fn executed(self, status: i32, (fuel, host_calls): (u64, u64), took: Duration) {
        let Self { channel, tx_id, chaincode } = self.shown();
        let ms = took.as_secs_f64() * 1_000.0;
        tracing::info!(
            target: TRANSACTIONS,
            channel, tx_id, chaincode, status, fuel, host_calls, ms, "executed a transaction"
        );
    }

    fn shown(self) -> Self {
        let Self { channel, tx_id, chaincode } = self;
        let (channel, chaincode) = (shown_name(channel), shown_name(chaincode));
        Self { channel, tx_id: shown_name(tx_id), chaincode }
    }
}

impl<'a> Unfinished<'a> {
    /// It begins.
    pub(super) fn new(line: TxLine<'a>) -> Self {
        Self(Some(line))
    }

    /// It has come to its end, of which another line tells.
    pub(super) fn ends(mut self) {
        self.0 = None;
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if let Some(line) = self.0 {
            line.failed(&Exhausted::Abandoned.to_string());
        }
    }
}

/// In development it is worth a warning that a read gave what was there before the transaction.
pub(super) fn warn_of_own_reads(own_reads: &[(String, String)], is_dev: bool) {
    let text = "the transaction read a key that it had written, and got the value from before";
    for (chaincode, key) in own_reads.iter().take(MAX_WARNINGS) {
        match is_dev {
            true => tracing::warn!(chaincode, ?key, "{text}"),
            false => tracing::debug!(chaincode, ?key, "{text}"),
        }
    }
}
