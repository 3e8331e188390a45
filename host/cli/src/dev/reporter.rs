//! Reports events: transactions on standard output, and transactions and log lines in the file of
//! `wasmcc logs` and on the page.
//!
//! Invariant: a transaction is reported once, when its outcome is final. Only one that was endorsed
//! and not submitted may be reported again.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::dev::events::{Event, Events, Logged, Processed};
use crate::dev::journal::{Journal, Kind};
use crate::dev::tx_line::{self, TxLine};
use crate::web::Feed;
use crate::{block_json, output};
use wasmcc_ledger::CommittedBlock;
use wasmcc_types::LIFECYCLE;

/// Limit on endorsed transactions that may still be ordered; the oldest are forgotten.
const PENDING: usize = 10_000;
/// Interval of the search for endorsed transactions that were not submitted.
const SWEEP: Duration = Duration::from_secs(1);
/// Time after which an endorsed transaction is reported as not submitted. The client probably only
/// queries: Fabric's `peer chaincode query` has queries endorsed.
const UNSUBMITTED: Duration = Duration::from_secs(3);
/// Statuses from this value on are refusals.
const ERROR_THRESHOLD: i32 = 400;

/// The state of the reporter's thread.
pub(crate) struct Reporter {
    events: Events,
    outputs: Outputs,
    pending: HashMap<String, Pending>,
    /// The transactions of `pending` by age.
    by_age: VecDeque<String>,
    /// Transactions of this process's own deployments.
    own: HashSet<String>,
    is_deploying: bool,
    /// The time of the last sweep of `pending`.
    swept: Instant,
}

/// The destinations of reports.
#[derive(Default)]
pub(crate) struct Outputs {
    /// The log file.
    pub(crate) journal: Option<Journal>,
    /// Standard output, if any; true adds read-write sets, events and log lines.
    pub(crate) terminal: Option<bool>,
    /// The page.
    pub(crate) feed: Option<Arc<Feed>>,
}

/// A transaction that was endorsed.
struct Pending {
    line: TxLine,
    /// A serialized `protos.ProposalResponsePayload`, kept only for verbose output.
    results: Vec<u8>,
    started: Instant,
    elapsed: Duration,
    is_shown: bool,
}

impl Reporter {
    pub(crate) fn new(events: Events, outputs: Outputs) -> Self {
        let (pending, by_age, own) = (HashMap::new(), VecDeque::new(), HashSet::new());
        let swept = Instant::now();
        Self { events, outputs, pending, by_age, own, is_deploying: false, swept }
    }

    /// Runs until all senders are dropped.
    pub(crate) fn run(mut self, events: &Receiver<Event>) {
        loop {
            let event = match events.recv_timeout(self.sweep_if_due()) {
                Ok(event) => event,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            match event {
                Event::Processed(processed) => self.processed(processed),
                Event::Evaluated(tx_id) => self.evaluated(&tx_id),
                Event::Committed(channel, block, reasons) => {
                    self.committed(&channel, &block, reasons.as_ref());
                }
                Event::Diverged { tx_id, chaincode, text } => {
                    // Another endorser of the transaction has reported it already.
                    if !self.pending.contains_key(&tx_id) {
                        self.diverged(&chaincode, &text);
                    }
                }
                Event::Logged(line) => self.logged(&line),
                Event::Said(text) => self.say(&text),
                Event::Deploying(begins) => self.is_deploying = begins,
                Event::Flush(done) => drop(done.try_send(())),
            }
            let dropped = self.events.take_dropped();
            if dropped > 0 {
                self.say(&format!("{dropped} events are not shown: there were too many at once"));
            }
        }
    }

    fn processed(&mut self, processed: Processed) {
        let proposal = &processed.proposal;
        let tx_id = proposal.tx_id().to_owned();
        if self.is_deploying && proposal.chaincode_id.name == LIFECYCLE {
            self.own.insert(tx_id);
            return;
        }
        let known = self.pending.contains_key(&tx_id);
        let refusal = match &processed.answer {
            Ok((status, message)) if *status >= ERROR_THRESHOLD => Some(message.as_str()),
            Ok(_) => None,
            Err(reason) => Some(reason.as_str()),
        };
        if let Some(feed) = &self.outputs.feed {
            feed.processed(&processed, refusal, !known);
        }
        if let Some(known) = self.pending.get_mut(&tx_id) {
            // A further endorsement; its cost is the same.
            known.line.fuel = known.line.fuel.max(processed.fuel);
            known.elapsed = known.elapsed.max(processed.elapsed);
            if refusal.is_none() {
                return;
            }
        }
        let line = TxLine { fuel: processed.fuel, ..TxLine::of_proposal(proposal) };
        if let Some(reason) = refusal {
            self.pending.remove(&tx_id);
            let line = TxLine { verdict: "REFUSED".into(), reason: Some(reason.into()), ..line };
            return self.show(&line, processed.elapsed);
        }
        let (started, elapsed) = (processed.started, processed.elapsed);
        let is_verbose = self.outputs.terminal == Some(true);
        let results = if is_verbose { processed.results } else { Vec::new() };
        let pending = Pending { line, results, started, elapsed, is_shown: false };
        self.pending.insert(tx_id.clone(), pending);
        self.by_age.push_back(tx_id);
        while self.by_age.len() > PENDING {
            let oldest = self.by_age.pop_front();
            oldest.and_then(|tx_id| self.pending.remove(&tx_id));
        }
    }

    fn evaluated(&mut self, tx_id: &str) {
        let Some(pending) = self.pending.remove(tx_id) else { return };
        let Pending { line, results, elapsed, .. } = pending;
        // Queries of system chaincodes are not of interest.
        if !line.is_system() {
            let line = TxLine { verdict: "evaluated".into(), ..line };
            self.show_with(&line, Some(elapsed), &block_json::results(&results));
        }
    }

    /// Sweeps if it is due, so that frequent events do not prevent it. Returns the time until the
    /// next sweep.
    fn sweep_if_due(&mut self) -> Duration {
        if self.swept.elapsed() >= SWEEP {
            self.sweep();
            self.swept = Instant::now();
        }
        SWEEP.saturating_sub(self.swept.elapsed())
    }

    /// Reports transactions that were endorsed and not submitted.
    fn sweep(&mut self) {
        let mut found = Vec::new();
        for pending in self.pending.values_mut().filter(|it| !it.is_shown) {
            if pending.started.elapsed() > UNSUBMITTED && !pending.line.is_system() {
                pending.is_shown = true;
                let line = TxLine { verdict: "endorsed".into(), ..pending.line.clone() };
                let results = block_json::results(&pending.results);
                found.push((pending.started, line, pending.elapsed, results));
            }
        }
        found.sort_by_key(|(started, ..)| *started);
        for (_, line, elapsed, results) in &found {
            self.show_with(line, Some(*elapsed), results);
        }
    }

    fn committed(
        &mut self,
        channel: &str,
        block: &CommittedBlock,
        reasons: &dyn Fn(&str) -> Option<String>,
    ) {
        let shown = serde_json::to_value(block_json::Block::new(&block.block));
        let Ok(shown) = shown else { return };
        let transactions = shown["transactions"].as_array().map_or(&[][..], Vec::as_slice);
        if let Some(feed) = &self.outputs.feed {
            feed.committed(channel, block);
        }
        for (at, transaction) in transactions.iter().enumerate() {
            let tx_id = transaction["tx_id"].as_str().unwrap_or_default();
            let pending = self.pending.remove(tx_id);
            if self.own.remove(tx_id) {
                continue;
            }
            let mut line = TxLine::of_block(transaction, block.number);
            line.channel = channel.to_owned();
            line.reason = reasons(tx_id);
            if let Some(feed) = &self.outputs.feed {
                let conflict = block.txs.get(at).and_then(|tx| tx.conflict.as_ref());
                feed.judged(&line, conflict);
            }
            let (fuel, elapsed) = pending
                .map_or((0, None), |pending| (pending.line.fuel, Some(pending.started.elapsed())));
            line.fuel = fuel;
            self.show_with(&line, elapsed, transaction);
        }
    }

    fn logged(&mut self, line: &Logged) {
        let Logged { chaincode, tx_id, level, text } = line;
        let text = format!("{level} {chaincode} {tx_id}: {text}");
        self.write(Kind::Log, Some(chaincode), &text);
        if let Some(feed) = &self.outputs.feed {
            feed.logged(line);
        }
        if self.outputs.terminal == Some(true) {
            print(&format!("  {}", output::shown(&text)));
        }
    }

    fn diverged(&mut self, chaincode: &str, text: &str) {
        self.write(Kind::Log, Some(chaincode), text);
        self.tell(text);
    }

    fn say(&mut self, text: &str) {
        self.write(Kind::Network, None, text);
        self.tell(text);
    }

    /// Shows a text on the page and on the terminal.
    fn tell(&self, text: &str) {
        if let Some(feed) = &self.outputs.feed {
            feed.said(text);
        }
        if self.outputs.terminal.is_some() {
            // A compiler's output has several lines.
            text.lines().for_each(|line| print(&output::shown(line)));
        }
    }

    fn show(&mut self, line: &TxLine, elapsed: Duration) {
        self.show_with(line, Some(elapsed), &Value::Null);
    }

    fn show_with(&mut self, line: &TxLine, elapsed: Option<Duration>, transaction: &Value) {
        let text = line.text(elapsed);
        self.write(Kind::Transaction, Some(&line.chaincode), &text);
        if let Some(feed) = &self.outputs.feed {
            feed.shown(line, elapsed);
        }
        let Some(is_verbose) = self.outputs.terminal else { return };
        print(&text);
        if is_verbose {
            tx_line::details(transaction).iter().for_each(|detail| print(detail));
        }
    }

    fn write(&mut self, kind: Kind, chaincode: Option<&str>, text: &str) {
        if let Some(journal) = &mut self.outputs.journal {
            journal.write(kind, chaincode, text);
        }
    }
}

/// Ignores a closed terminal: the network continues.
fn print(line: &str) {
    let _ = output::line(line);
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    #[test]
    fn what_nobody_submits_is_reported_though_something_happens_all_the_time() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let journal = Some(Journal::open(&log).unwrap());
        let (events, _) = Events::start();
        let mut reporter = Reporter::new(events, Outputs { journal, ..Outputs::default() });
        let ago = |time| Instant::now().checked_sub(time).unwrap();
        let pending = Pending {
            line: TxLine { chaincode: "cc".into(), tx_id: "5a".into(), ..TxLine::default() },
            results: Vec::new(),
            started: ago(UNSUBMITTED),
            elapsed: Duration::ZERO,
            is_shown: false,
        };
        reporter.pending.insert("5a".into(), pending);
        reporter.swept = ago(SWEEP);
        let (sender, waiting) = sync_channel(1);
        sender.send(Event::Said("something".into())).unwrap();
        drop(sender);
        reporter.run(&waiting);
        let log = std::fs::read_to_string(&log).unwrap();
        assert!(log.contains("endorsed"), "{log}");
    }
}
