//! Notifies waiters of committed transactions and blocks.
//!
//! Invariant: no wake-up is lost, and none comes early. A new waiter looks into the
//! ledger under the same lock under which commits are announced, and a block can be read from the
//! ledger before it is announced. There is one notifier for a channel, that of its committer.

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

/// How many reasons are remembered.
const REASONS: usize = 1_000;
/// Ids of transactions have 64 characters; of those that are not valid they may be anything.
const MAX_ID_BYTES: usize = 1_000;

/// The waiters for commits of one channel.
pub struct Notifier {
    ledger: Arc<Ledger>,
    state: Mutex<NotifierState>,
}

struct NotifierState {
    /// How many blocks have been announced. The ledger's index may know one more already, which its
    /// readers do not see yet.
    height: u64,
    /// By transaction id, then by the number of the watch.
    txs: BTreeMap<String, BTreeMap<u64, TxListener>>,
    blocks: BTreeMap<u64, BlockListener>,
    /// Why the last transactions that are not valid are not, by their ids, oldest first.
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

    /// Waits until a transaction is committed, valid or not. None: the deadline has passed or the
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

    /// Calls `done` when a transaction is committed: at once if it is so already, else from the
    /// thread that commits, where it must neither wait nor panic. With None if the channel has
    /// stopped or is interrupted. Not at all if the watch is dropped before.
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

    /// The human-readable reason why a transaction is not valid; None if it is valid, or if the
    /// reason was forgotten: the last 1,000 reasons of this process are remembered.
    pub fn reason(&self, tx_id: &str) -> Option<String> {
        let state = self.state();
        let found = state.reasons.iter().rev().find(|(known, _)| known == tx_id);
        found.map(|(_, reason)| reason.clone())
    }

    /// Calls `listener` for each block that is committed from now on, from the thread that commits,
    /// where it must neither wait nor panic; until the subscription is dropped or the channel stops
    /// or is interrupted, when the listener is dropped.
    ///
    /// Which block is the next can be asked of the ledger, but only after subscribing.
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
            // Of several transactions with one id, the ledger finds the first.
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
        // Listeners may come back here, for instance to drop their subscription.
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

    /// Wakes all present and later waiters without a block, until `reopen`.
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

/// Calls a listener. One that panics has broken its promise; all others are called nevertheless,
/// and the commit goes on.
pub(crate) fn isolated(call: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(call)).is_err() {
        tracing::error!("a listener panicked");
    }
}

/// A wait for a transaction. Dropping this ends it.
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
