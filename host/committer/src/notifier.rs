//! Notifies waiters of committed transactions and blocks.
//!
//! Invariant: no notification is lost or comes too early. A new waiter reads the ledger under the
//! lock that announcing a commit takes. A block can be read from the ledger before it is announced.
//! Each channel has one notifier, its committer's.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Instant;

use crate::aftermath::SettledTx;
use wasmcc_ledger::{CommittedBlock, Ledger, LedgerError};
use wasmcc_types::proto::protos::TxValidationCode;

/// The outcome of a transaction: the verdict and the number of its block.
pub type TxVerdict = (TxValidationCode, u64);

/// Called once for a transaction, with None if the channel has stopped or is interrupted.
type TxListener = Box<dyn FnOnce(Option<TxVerdict>) + Send>;
/// Called for each block.
type BlockListener = Arc<dyn Fn(&Arc<CommittedBlock>) + Send + Sync>;

/// Number of reasons that are kept.
const REASONS: usize = 1_000;
/// Longest id for which a reason is kept, in bytes. Valid ids have 64 characters, others may have
/// any length.
const MAX_ID_BYTES: usize = 1_000;

/// The waiters for commits of one channel.
pub struct Notifier {
    ledger: Arc<Ledger>,
    state: Mutex<NotifierState>,
}

struct NotifierState {
    /// Number of announced blocks. The ledger's index may already contain one more, which its
    /// readers do not see yet.
    height: u64,
    /// By transaction id, then by the id of the watch.
    txs: BTreeMap<String, BTreeMap<u64, TxListener>>,
    blocks: BTreeMap<u64, BlockListener>,
    /// The reasons of the last invalid transactions with their ids, oldest first.
    reasons: VecDeque<(String, String)>,
    next_id: u64,
    closed: bool,
}

impl NotifierState {
    fn next_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    fn remember(&mut self, tx_id: &str, reason: String) {
        if self.reasons.len() == REASONS {
            self.reasons.pop_front();
        }
        self.reasons.push_back((tx_id.to_owned(), reason));
    }
}

impl Notifier {
    pub(crate) fn new(ledger: Arc<Ledger>) -> Self {
        let state = NotifierState {
            height: ledger.height(),
            txs: BTreeMap::new(),
            blocks: BTreeMap::new(),
            reasons: VecDeque::new(),
            next_id: 0,
            closed: false,
        };
        Self { ledger, state: Mutex::new(state) }
    }

    /// Waits until a transaction is committed, valid or not. None if the deadline has passed or the
    /// channel has stopped.
    pub fn wait_for_tx(
        self: &Arc<Self>,
        tx_id: &str,
        deadline: Instant,
    ) -> Result<Option<TxVerdict>, LedgerError> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let _watch = self.watch_tx(tx_id, move |verdict| {
            // The receiver is gone if the deadline has passed.
            let _ = sender.send(verdict);
        })?;
        let left = deadline.saturating_duration_since(Instant::now());
        Ok(receiver.recv_timeout(left).unwrap_or(None))
    }

    /// Calls `done` when a transaction is committed. If it is committed already, calls it at once,
    /// else on the thread that commits, where it must neither wait nor panic. Passes None if the
    /// channel has stopped or is interrupted. Does not call it if the watch is dropped before.
    pub fn watch_tx(
        self: &Arc<Self>,
        tx_id: &str,
        done: impl FnOnce(Option<TxVerdict>) + Send + 'static,
    ) -> Result<Watch, LedgerError> {
        let mut state = self.state();
        let known = self.ledger.tx_validation(tx_id)?.filter(|(_, block)| *block < state.height);
        let id = state.next_id();
        if known.is_some() || state.closed {
            drop(state);
            done(known);
        } else {
            state.txs.entry(tx_id.to_owned()).or_default().insert(id, Box::new(done));
        }
        Ok(Watch { notifier: Arc::clone(self), tx_id: tx_id.to_owned(), id })
    }

    /// The human-readable reason why a transaction is not valid. None if it is valid, or if the
    /// reason was dropped: the channel's last 1,000 reasons since the process started are kept.
    pub fn reason(&self, tx_id: &str) -> Option<String> {
        let state = self.state();
        let found = state.reasons.iter().rev().find(|(known, _)| known == tx_id);
        found.map(|(_, reason)| reason.clone())
    }

    /// Calls `listener` for each block committed from now on, on the thread that commits, where it
    /// must neither wait nor panic. The listener is dropped when the subscription is dropped, or
    /// when the channel stops or is interrupted.
    ///
    /// To learn the number of the next block, ask the ledger after subscribing, not before.
    pub fn subscribe(
        self: &Arc<Self>,
        listener: impl Fn(&Arc<CommittedBlock>) + Send + Sync + 'static,
    ) -> Subscription {
        let mut state = self.state();
        let id = state.next_id();
        if !state.closed {
            state.blocks.insert(id, Arc::new(listener));
        }
        drop(state);
        Subscription { notifier: Arc::clone(self), id }
    }

    /// Announces a block that is in the ledger now.
    pub(crate) fn committed(&self, block: &Arc<CommittedBlock>, txs: Vec<SettledTx>) {
        let mut state = self.state();
        state.height = block.number + 1;
        let mut told = Vec::new();
        for SettledTx { tx_id, code, reason, .. } in txs {
            let Some(tx_id) = tx_id else { continue };
            // If several transactions have one id, the ledger returns the first.
            let listeners = state.txs.remove(&tx_id).into_iter().flat_map(BTreeMap::into_values);
            told.extend(listeners.map(|listener| (listener, (code, block.number))));
            if let Some(reason) = reason
                && code != TxValidationCode::DuplicateTxid
                && tx_id.len() <= MAX_ID_BYTES
            {
                state.remember(&tx_id, reason);
            }
        }
        let listeners: Vec<_> = state.blocks.values().cloned().collect();
        // Listeners may call this notifier, for instance to drop their subscription.
        drop(state);
        for (listener, verdict) in told {
            isolated(|| listener(Some(verdict)));
        }
        for listener in listeners {
            isolated(|| listener(block));
        }
    }

    /// Accepts waiters again.
    pub(crate) fn reopen(&self) {
        let mut state = self.state();
        state.closed = false;
        state.height = self.ledger.height();
    }

    /// Wakes all present and future waiters without a block, until `reopen`.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        let waiting = std::mem::take(&mut state.txs);
        let listeners = std::mem::take(&mut state.blocks);
        drop(state);
        isolated(|| drop(listeners));
        for listener in waiting.into_values().flat_map(BTreeMap::into_values) {
            isolated(|| listener(None));
        }
    }

    fn state(&self) -> MutexGuard<'_, NotifierState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Calls a listener and catches its panic, so that the others are called and the commit continues.
pub(crate) fn isolated(call: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(call)).is_err() {
        tracing::error!("a listener panicked");
    }
}

/// A pending wait for a transaction. Dropping this ends it.
#[must_use = "the wait ends when this is dropped"]
pub struct Watch {
    notifier: Arc<Notifier>,
    tx_id: String,
    id: u64,
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut state = self.notifier.state();
        let Some(listeners) = state.txs.get_mut(&self.tx_id) else { return };
        let listener = listeners.remove(&self.id);
        if listeners.is_empty() {
            state.txs.remove(&self.tx_id);
        }
        drop(state);
        drop(listener);
    }
}

/// A subscription to all blocks. Dropping this ends it.
#[must_use = "the subscription ends when this is dropped"]
pub struct Subscription {
    notifier: Arc<Notifier>,
    id: u64,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let listener = self.notifier.state().blocks.remove(&self.id);
        drop(listener);
    }
}
