//! The queue of events from the network to the terminal and the log file.
//!
//! Invariant: senders never block, except for messages of the network itself. If the queue is full,
//! an event is dropped and counted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crate::output;
use wasmcc_ledger::CommittedBlock;
use wasmcc_node::{Divergence, Observer, Seen};
use wasmcc_peer::endorser::{Checked, UnpackedProposal};

/// Capacity of the queue.
const QUEUE: usize = 4_096;

/// The reporter of this process, if it serves a network.
static REPORTER: OnceLock<Events> = OnceLock::new();

/// An event.
pub(crate) enum Event {
    /// A peer has processed a proposal.
    Processed(Processed),
    /// A transaction was only evaluated.
    Evaluated(String),
    /// A block of a channel is committed.
    Committed(Arc<str>, Arc<CommittedBlock>, Reasons),
    /// Runs of one transaction behaved differently.
    Diverged {
        /// The transaction.
        tx_id: String,
        /// The called chaincode.
        chaincode: String,
        /// The difference.
        text: String,
    },
    /// A contract wrote to its log.
    Logged(Logged),
    /// A message of the network itself.
    Said(String),
    /// The network begins (true) or ends to deploy: its own transactions are not reported.
    Deploying(bool),
    /// Requests an answer when everything before this is reported.
    Flush(SyncSender<()>),
}

/// Returns why the transaction with an id is not valid; None if it is valid.
pub(crate) type Reasons = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// The outcome of a proposal.
pub(crate) struct Processed {
    /// The MSP id of the peer's organization.
    pub(crate) org: String,
    pub(crate) proposal: Arc<UnpackedProposal>,
    pub(crate) fuel: u64,
    pub(crate) host_calls: u64,
    /// The response's status and message, or the error that took its place.
    pub(crate) answer: Result<(i32, String), String>,
    /// The reads and writes: a serialized `protos.ProposalResponsePayload`.
    pub(crate) results: Vec<u8>,
    pub(crate) started: Instant,
    pub(crate) elapsed: Duration,
    /// The checks before the execution, in order.
    pub(crate) checks: Vec<Checked>,
}

/// A line of a contract's log.
pub(crate) struct Logged {
    pub(crate) chaincode: String,
    pub(crate) tx_id: String,
    pub(crate) level: &'static str,
    pub(crate) text: String,
}

/// The sending half of the queue.
#[derive(Clone)]
pub(crate) struct Events {
    queue: SyncSender<Event>,
    dropped: Arc<AtomicU64>,
}

impl Events {
    /// Makes the queue. The first one of a process also receives the log lines of its contracts.
    pub(crate) fn start() -> (Self, Receiver<Event>) {
        let (queue, events) = sync_channel(QUEUE);
        let events_of = Self { queue, dropped: Arc::default() };
        // A process serves one network.
        let _ = REPORTER.set(events_of.clone());
        (events_of, events)
    }

    /// Sends an event; drops and counts it if the queue is full.
    pub(crate) fn tell(&self, event: Event) {
        if self.queue.try_send(event).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Sends a message; blocks while the queue is full, because it must not be lost.
    pub(crate) fn say(&self, text: impl Into<String>) {
        // Fails only without a reporter.
        let _ = self.queue.send(Event::Said(text.into()));
    }

    /// As [`say`](Self::say), for other events.
    pub(crate) fn tell_surely(&self, event: Event) {
        let _ = self.queue.send(event);
    }

    /// Waits until all events are reported, at most this long.
    pub(crate) fn flush(&self, limit: Duration) {
        let (done, is_done) = sync_channel(1);
        self.tell(Event::Flush(done));
        let _ = is_done.recv_timeout(limit);
    }

    /// Returns the number of events dropped since the last call.
    pub(crate) fn take_dropped(&self) -> u64 {
        self.dropped.swap(0, Ordering::Relaxed)
    }
}

/// Sends a line of a contract's log, if this process serves a network.
pub(crate) fn logged(line: Logged) {
    if let Some(events) = REPORTER.get() {
        events.tell(Event::Logged(line));
    }
}

impl Observer for Events {
    fn processed(&self, seen: &Seen<'_>) {
        let ((fuel, host_calls), answer, results) = match seen.outcome {
            Ok(processed) => {
                let response = processed.response.response.as_ref();
                let answer = response.map(|it| (it.status, it.message.clone()));
                let cost = (processed.fuel, processed.host_calls);
                let results = processed.response.payload.clone();
                (cost, Ok(answer.unwrap_or_default()), results)
            }
            Err(rejected) => ((0, 0), Err(rejected.to_string()), Vec::new()),
        };
        let now = Instant::now();
        let started = now.checked_sub(seen.elapsed).unwrap_or(now);
        let (proposal, elapsed) = (Arc::clone(seen.proposal), seen.elapsed);
        let org = seen.org.to_owned();
        self.tell(Event::Processed(Processed {
            org,
            proposal,
            fuel,
            host_calls,
            answer,
            results,
            started,
            elapsed,
            checks: seen.checks.to_vec(),
        }));
    }

    fn evaluated(&self, tx_id: &str) {
        self.tell(Event::Evaluated(tx_id.to_owned()));
    }

    fn diverged(&self, proposal: &Arc<UnpackedProposal>, divergence: &Divergence) {
        let function = proposal.input.args.first().map(|arg| output::text(arg));
        let (chaincode, function) = (&proposal.chaincode_id.name, function.unwrap_or_default());
        let tx_id = proposal.tx_id();
        let text = format!("{chaincode}.{function}  tx {tx_id}: {divergence}");
        let (tx_id, chaincode) = (tx_id.to_owned(), chaincode.clone());
        self.tell(Event::Diverged { tx_id, chaincode, text });
    }
}
