//! Recent events, for pages that follow them.
//!
//! Invariant: bounded in entries and bytes. Reporting an event never waits for pages.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio::sync::watch;

use crate::dev::{Logged, Processed, TxLine};
use crate::inspect::explained_tx::conflict_json;
use crate::web::costs::{Costs, End};
use crate::web::site::{lock, random_id};
use wasmcc_ledger::{CommittedBlock, Conflict, tx_filter};
use wasmcc_peer::endorser::Checked;
use wasmcc_types::proto::protos::TxValidationCode;

/// The number of entries that are kept.
const ENTRIES: usize = 1_000;
/// The number of transactions with observations that are kept.
const TRANSACTIONS: usize = 5_000;
/// Limit on the kept endorsements of a transaction.
const ENDORSEMENTS: usize = 32;
/// The length of a run's id, in bytes.
const RUN_BYTES: usize = 8;
/// Characters of a text in an entry.
const CHARS: usize = 500;

/// See the head of this file.
pub(crate) struct Feed {
    /// The id of this process's run: distinguishes its entries from those of earlier runs.
    run: String,
    state: Mutex<FeedState>,
    newest: watch::Sender<u64>,
}

#[derive(Default)]
struct FeedState {
    entries: VecDeque<FeedEntry>,
    last: u64,
    costs: Costs,
    seen: HashMap<String, Value>,
    by_age: VecDeque<String>,
}

/// An event.
#[derive(Clone)]
pub(super) struct FeedEntry {
    /// The number, from 1.
    pub(super) number: u64,
    /// JSON.
    pub(super) text: Arc<str>,
}

impl Default for Feed {
    fn default() -> Self {
        Self { run: random_id::<RUN_BYTES>(), state: Mutex::default(), newest: watch::channel(0).0 }
    }
}

impl Feed {
    fn state(&self) -> MutexGuard<'_, FeedState> {
        lock(&self.state)
    }

    fn publish(&self, mut entry: Value) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        entry["time"] = json!(u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
        let mut state = self.state();
        state.last += 1;
        let number = state.last;
        state.entries.push_back(FeedEntry { number, text: entry.to_string().into() });
        if state.entries.len() > ENTRIES {
            state.entries.pop_front();
        }
        drop(state);
        self.newest.send_replace(number);
    }

    /// Records a processed proposal. `is_first`: no other peer of this process has processed it.
    /// `refusal` is the reason why the peer does not endorse.
    pub(crate) fn processed(&self, it: &Processed, refusal: Option<&str>, is_first: bool) {
        let line = TxLine::of_proposal(&it.proposal);
        // Peers do not report the fuel of an execution without an answer.
        let is_measured = refusal.is_none() || it.fuel > 0;
        let endorsement = json!({
            "msp_id": it.org,
            "fuel": it.fuel,
            "host_calls": it.host_calls,
            "measured": is_measured,
            "ms": it.elapsed.as_secs_f64() * 1e3,
            "refusal": refusal.map(shortened),
            "checks": it.checks.iter().map(checked).collect::<Vec<_>>(),
        });
        let mut state = self.state();
        if let Value::Array(all) = &mut state.seen(&line.tx_id)["endorsements"]
            && all.len() < ENDORSEMENTS
        {
            all.push(endorsement);
        }
        if line.is_system() {
            return;
        }
        let function = shortened(&line.function);
        if is_first {
            let used = is_measured.then_some((it.fuel, it.host_calls));
            state.costs.ran(&line.chaincode, &function, used, it.elapsed);
        }
        if refusal.is_some() {
            state.costs.ended(&line.chaincode, &function, End::Refused);
        }
    }

    /// Records a committed block.
    pub(crate) fn committed(&self, channel: &str, block: &CommittedBlock) {
        let codes = tx_filter(&block.block);
        let valid = codes.iter().filter(|code| i32::from(**code) == TxValidationCode::Valid as i32);
        self.publish(json!({
            "kind": "block",
            "channel": channel,
            "number": block.number,
            "transactions": codes.len(),
            "valid": valid.count(),
        }));
    }

    /// Records the verdict of a transaction in a block.
    pub(crate) fn judged(&self, line: &TxLine, conflict: Option<&Conflict>) {
        let mut state = self.state();
        if line.reason.is_some() || conflict.is_some() {
            let seen = state.seen(&line.tx_id);
            seen["reason"] = json!(line.reason);
            seen["conflict"] = conflict.map(conflict_json).unwrap_or_default();
        }
        if !line.is_system() && !line.function.is_empty() {
            let function = shortened(&line.function);
            let is_valid = line.verdict == TxValidationCode::Valid.as_str_name();
            let end = if is_valid { End::Valid } else { End::Invalid };
            state.costs.ended(&line.chaincode, &function, end);
        }
    }

    /// Records the outcome of a transaction that was reported.
    pub(crate) fn shown(&self, line: &TxLine, elapsed: Option<Duration>) {
        if line.verdict == "evaluated" {
            let function = shortened(&line.function);
            self.state().costs.ended(&line.chaincode, &function, End::Evaluated);
        }
        self.publish(json!({
            "kind": "transaction",
            "channel": shortened(&line.channel),
            "chaincode": shortened(&line.chaincode),
            "function": shortened(&line.function),
            "creator": shortened(&line.creator),
            "verdict": line.verdict,
            "fuel": line.fuel,
            "block": line.block,
            "tx_id": shortened(&line.tx_id),
            "reason": line.reason.as_deref().map(shortened),
            "ms": elapsed.map(|elapsed| elapsed.as_secs_f64() * 1e3),
        }));
    }

    /// Records a log line of a contract.
    pub(crate) fn logged(&self, line: &Logged) {
        self.publish(json!({
            "kind": "log",
            "chaincode": shortened(&line.chaincode),
            "tx_id": shortened(&line.tx_id),
            "level": line.level,
            "text": shortened(&line.text),
        }));
    }

    /// Records a message of the network.
    pub(crate) fn said(&self, text: &str) {
        let text: String = text.chars().take(8 * CHARS).collect();
        self.publish(json!({ "kind": "network", "text": text }));
    }

    /// Returns the observations of a transaction, beyond the data in its block.
    pub(super) fn seen(&self, tx_id: &str) -> Option<Value> {
        self.state().seen.get(tx_id).cloned()
    }

    /// Returns the cost table as lines; empty if nothing ran.
    pub(crate) fn costs_text(&self) -> Vec<String> {
        self.state().costs.as_text()
    }

    /// Returns the cost table as JSON.
    pub(super) fn costs(&self) -> Value {
        self.state().costs.as_json()
    }

    /// The id of this run of the program.
    pub(super) fn run(&self) -> &str {
        &self.run
    }

    /// Returns the number of the newest entry, with notification of changes.
    pub(super) fn newest(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    /// Returns at most `limit` entries after number `after`.
    pub(super) fn after(&self, after: u64, limit: usize) -> Vec<FeedEntry> {
        let state = self.state();
        let new = state.entries.iter().filter(|entry| entry.number > after);
        new.take(limit).cloned().collect()
    }
}

impl FeedState {
    fn seen(&mut self, tx_id: &str) -> &mut Value {
        if !self.seen.contains_key(tx_id) {
            self.by_age.push_back(tx_id.to_owned());
            if self.by_age.len() > TRANSACTIONS
                && let Some(oldest) = self.by_age.pop_front()
            {
                self.seen.remove(&oldest);
            }
        }
        let new = || json!({ "endorsements": [], "reason": null, "conflict": null });
        self.seen.entry(tx_id.to_owned()).or_insert_with(new)
    }
}

/// Returns `[check, passed, microseconds]`, compact because many are kept.
fn checked(it: &Checked) -> Value {
    json!([it.check.as_str(), it.passed, it.took.as_nanos() as f64 / 1e3])
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(CHARS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(tx_id: &str) -> TxLine {
        TxLine {
            chaincode: "cc".into(),
            function: "f".into(),
            tx_id: tx_id.into(),
            ..Default::default()
        }
    }

    #[test]
    fn entries_are_numbered_bounded_and_found_again() {
        let feed = Feed::default();
        for _ in 0..ENTRIES + 5 {
            feed.said("x");
        }
        let all = feed.after(0, usize::MAX);
        assert_eq!((all.len(), all[0].number), (ENTRIES, 6));
        let last = feed.after(ENTRIES as u64 + 4, 10);
        assert_eq!((last.len(), last[0].number), (1, *feed.newest().borrow()));
    }

    #[test]
    fn what_is_known_of_transactions_is_bounded() {
        let feed = Feed::default();
        for number in 0..=TRANSACTIONS {
            let reason = Some("lost".to_owned());
            feed.judged(&TxLine { reason, ..line(&number.to_string()) }, None);
        }
        assert!(feed.seen("0").is_none());
        assert_eq!(feed.seen("1").unwrap()["reason"], "lost");
        assert_eq!(feed.state().seen.len(), TRANSACTIONS);
    }

    #[test]
    fn texts_are_bounded() {
        let feed = Feed::default();
        feed.shown(&TxLine { function: "\u{e9}".repeat(CHARS + 1), ..line("t") }, None);
        let entry: Value = serde_json::from_str(&feed.after(0, 1)[0].text).unwrap();
        assert_eq!(entry["function"].as_str().unwrap().chars().count(), CHARS + 3);
    }
}
