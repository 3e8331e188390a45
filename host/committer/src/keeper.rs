//! The thread of an orderer that stores accepted envelopes. It writes all waiting envelopes to the
//! log with one flush, queues them and answers their clients.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};

use prost::bytes::Bytes;

use crate::accepted_log::{Accepted, AcceptedLog};
use crate::commit::Committer;
use crate::msg_processor::Checked;
use crate::order_error::OrderError;
use crate::order_queue::{Backlog, Queued};
use crate::solo::ToTell;
use wasmcc_ledger::Ledger;
use wasmcc_types::sha256;

/// Limit on the bytes written with one flush, which the last envelope may exceed.
const GROUP_BYTES: usize = 8 << 20;

/// A checked envelope whose client waits for the answer.
pub(crate) struct ToKeep {
    pub(crate) checked: Checked,
    pub(crate) done: ToTell,
}

/// State of the keeper's thread.
pub(crate) struct Keeper {
    ledger: Arc<Ledger>,
    log: AcceptedLog,
    incoming: Receiver<ToKeep>,
    queue: Sender<Queued>,
    backlog: Arc<Backlog>,
}

impl Keeper {
    pub(crate) fn new(
        committer: &Committer,
        log: AcceptedLog,
        incoming: Receiver<ToKeep>,
        queue: Sender<Queued>,
        backlog: Arc<Backlog>,
    ) -> Self {
        let ledger = Arc::clone(committer.channel().ledger());
        Self { ledger, log, incoming, queue, backlog }
    }

    /// Runs until all senders are dropped; returns the log.
    pub(crate) fn run(mut self) -> AcceptedLog {
        while let Ok(first) = self.incoming.recv() {
            let mut bytes = first.checked.size();
            let mut group = vec![first];
            while bytes < GROUP_BYTES
                && let Ok(next) = self.incoming.try_recv()
            {
                bytes += next.checked.size();
                group.push(next);
            }
            self.keep(group);
        }
        self.log
    }

    fn keep(&mut self, group: Vec<ToKeep>) {
        let channel = self.ledger.channel_id();
        if self.backlog.failure().is_some() {
            return self.refuse(group, || self.backlog.stopped(channel.as_str()));
        }
        let envelopes =
            group.iter().map(|ToKeep { checked, .. }| (checked.sequence, checked.bytes.clone()));
        // No block below this height holds one of these envelopes.
        let height = self.ledger.height();
        match self.log.append(self.backlog.settled(), height, envelopes) {
            Ok(first) => self.enqueue(first, group),
            Err(error) => {
                tracing::error!(%channel, %error, "cannot write the log of accepted envelopes");
                self.refuse(group, || OrderError::NotKept {
                    channel: channel.to_string(),
                    reason: error.to_string(),
                });
            }
        }
    }

    /// Queues the whole group before it answers any client, so that an orderer that does not wait
    /// makes one block of it.
    fn enqueue(&self, first: u64, group: Vec<ToKeep>) {
        let mut kept = Vec::with_capacity(group.len());
        for (number, ToKeep { checked, done }) in (first..).zip(group) {
            match self.queue.send(Queued { checked, number }) {
                Ok(()) => kept.push(done),
                // The envelope is on disk and is ordered when the peer opens the channel again.
                Err(back) => {
                    let checked = back.0.checked;
                    self.refuse(vec![ToKeep { checked, done }], || {
                        self.backlog.stopped(self.ledger.channel_id().as_str())
                    });
                }
            }
        }
        kept.into_iter().for_each(|done| done.tell(Ok(())));
    }

    fn refuse(&self, group: Vec<ToKeep>, why: impl Fn() -> OrderError) {
        for ToKeep { checked, done } in group {
            self.backlog.remove(&checked);
            done.tell(Err(why()));
        }
    }
}

/// Returns the accepted envelopes that are not in a block. After a crash the log may still hold
/// envelopes of the last blocks.
pub(crate) fn not_in_blocks(
    accepted: Vec<Accepted>,
    committer: &Committer,
) -> io::Result<Vec<Queued>> {
    let ledger = committer.channel().ledger();
    let height = ledger.height();
    let first = accepted.iter().map(|record| record.height).min().unwrap_or(height);
    let mut in_blocks = HashSet::new();
    for number in first..height {
        let block = ledger.block(number).map_err(io::Error::other)?.unwrap_or_default();
        let entries = block.data.unwrap_or_default().data;
        in_blocks.extend(entries.iter().map(|entry| sha256(entry)));
    }
    let waiting = accepted.into_iter().filter(|it| !in_blocks.contains(&sha256(&it.envelope)));
    let queued = waiting.map(|Accepted { number, sequence, envelope, .. }| {
        let checked = Checked::again(Bytes::from(envelope), sequence).map_err(io::Error::other)?;
        Ok(Queued { checked, number })
    });
    queued.collect()
}
