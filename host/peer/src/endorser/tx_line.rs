//! The log line of a transaction.
//!
//! Invariant: one line, which itself names the transaction, because the spans around it may be
//! filtered out.

use std::time::Duration;

use crate::endorser::error::Rejected;
use wasmcc_ledger::OwnRead;
use wasmcc_types::{Exhausted, shown, shown_name};

/// The log target of executed transactions.
const TRANSACTIONS: &str = "wasmcc::transaction";
/// Limit on warnings about one transaction.
const MAX_WARNINGS: usize = 10;

/// The names of a transaction, which are unverified claims.
#[derive(Clone, Copy)]
pub(super) struct TxLine<'a> {
    /// The channel's name; empty for a proposal to the peer itself.
    pub channel: &'a str,
    /// The transaction's id.
    pub tx_id: &'a str,
    /// The chaincode's name.
    pub chaincode: &'a str,
}

/// Writes the line of a transaction whose client has left, unless it has ended.
pub(super) struct Unfinished<'a>(Option<TxLine<'a>>);

impl TxLine<'_> {
    /// Logs that it was refused before its execution.
    pub(super) fn refused(self, rejected: &Rejected) {
        let (reason, cause) = (rejected.to_string(), rejected.cause().map(shown));
        let (reason, Self { channel, tx_id, chaincode }) = (shown(&reason), self.shown());
        tracing::warn!(channel, tx_id, chaincode, cause, reason, "a transaction is refused");
    }

    /// Logs that it was not executed because the peer is busy.
    pub(super) fn not_run(self, reason: &str) {
        let (reason, Self { channel, tx_id, chaincode }) = (shown(reason), self.shown());
        tracing::warn!(channel, tx_id, chaincode, reason, "a transaction is refused");
    }

    /// Logs that its execution failed.
    pub(super) fn failed(self, reason: &str) {
        let (reason, Self { channel, tx_id, chaincode }) = (shown(reason), self.shown());
        tracing::warn!(channel, tx_id, chaincode, reason, "a transaction failed");
    }

    /// Logs that it was executed. This line has its own target, because it is needed only for
    /// analysis.
    pub(super) fn executed(self, status: i32, fuel: u64, host_calls: u64, took: Duration) {
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
    /// Begins a transaction.
    pub(super) fn new(line: TxLine<'a>) -> Self {
        Self(Some(line))
    }

    /// The transaction has ended; another line reports that.
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

/// In development, warns that a read returned the value from before the transaction.
pub(super) fn warn_of_own_reads(own_reads: &[OwnRead], is_dev: bool) {
    let text = "the transaction read a key after writing it, and got the old value";
    for OwnRead { namespace: chaincode, key } in own_reads.iter().take(MAX_WARNINGS) {
        match is_dev {
            true => tracing::warn!(chaincode, ?key, "{text}"),
            false => tracing::debug!(chaincode, ?key, "{text}"),
        }
    }
}
