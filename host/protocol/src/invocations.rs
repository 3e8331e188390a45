//! The invocations of a chaincode, as its half of the stream tracks them.

use std::collections::{BTreeMap, VecDeque, btree_map};

use crate::given_up::{GiveUp, GivenUp};
use crate::size_limit::SizeLimit;
use crate::{Completed, InvokeMessage, Message, ProtocolError, Request, ShimAction, TxKey};
use wasmcc_types::{Entry, Response};

/// The invocations of a stream that is ready.
#[derive(Debug)]
pub(super) struct Invocations {
    open: BTreeMap<TxKey, Progress>,
    given_up: GivenUp,
    limit: SizeLimit,
}

/// Messages do not say which request they answer, nor to which invocation of a transaction they
/// belong. So a transaction is kept until no message about it can arrive any more, or until too
/// many others have been given up.
#[derive(Clone, Copy, Debug)]
enum Progress {
    Running(Entry),
    /// Waiting for the answer to a request.
    Waiting(Entry),
    /// Cancelled, but still running.
    Cancelled {
        answer_due: bool,
    },
    /// It has ended; the answer to its last request is still due.
    Draining(GiveUp),
}

impl Invocations {
    pub(super) fn new(limit: SizeLimit) -> Self {
        Self { open: BTreeMap::new(), given_up: GivenUp::default(), limit }
    }

    pub(super) fn start(&mut self, invocation: InvokeMessage, actions: &mut VecDeque<ShimAction>) {
        if let btree_map::Entry::Vacant(place) = self.open.entry(invocation.tx.clone()) {
            place.insert(Progress::Running(invocation.entry));
            actions.push_back(ShimAction::Invoke(invocation));
        } else {
            let text = ProtocolError::TxExists(invocation.tx.clone()).to_string();
            self.refuse(invocation.tx, text, actions);
        }
    }

    /// Answers INIT or TRANSACTION with ERROR. The peer takes that as the end of the transaction.
    /// So if the transaction is running, nothing more may be sent about it.
    pub(super) fn refuse(&mut self, tx: TxKey, text: String, actions: &mut VecDeque<ShimAction>) {
        if let Some(progress) = self.open.get_mut(&tx) {
            match *progress {
                Progress::Running(_) => {
                    *progress = Progress::Cancelled { answer_due: false };
                    actions.push_back(ShimAction::Cancel { tx: tx.clone() });
                }
                Progress::Waiting(_) => {
                    *progress = Progress::Cancelled { answer_due: true };
                    let answer = Err(text.clone());
                    actions.push_back(ShimAction::Resume { tx: tx.clone(), answer });
                    actions.push_back(ShimAction::Cancel { tx: tx.clone() });
                }
                Progress::Cancelled { .. } | Progress::Draining(_) => {}
            }
        }
        actions.push_back(ShimAction::Send(self.limit.error(tx, text)));
    }

    pub(super) fn request(
        &mut self,
        tx: TxKey,
        request: Request,
        actions: &mut VecDeque<ShimAction>,
    ) -> Result<(), ProtocolError> {
        match self.open.get_mut(&tx) {
            Some(progress @ &mut Progress::Running(entry)) => {
                let message = Message::Request { tx, request };
                self.limit.check(&message)?;
                *progress = Progress::Waiting(entry);
                actions.push_back(ShimAction::Send(message));
                Ok(())
            }
            Some(Progress::Waiting(_)) => Err(ProtocolError::RequestInFlight(tx)),
            Some(Progress::Cancelled { .. } | Progress::Draining(_)) | None => {
                Err(ProtocolError::NotRunning(tx))
            }
        }
    }

    pub(super) fn answer(
        &mut self,
        tx: TxKey,
        answer: Result<Vec<u8>, String>,
        actions: &mut VecDeque<ShimAction>,
    ) {
        match self.open.get_mut(&tx) {
            Some(progress @ &mut Progress::Waiting(entry)) => {
                *progress = Progress::Running(entry);
                actions.push_back(ShimAction::Resume { tx, answer });
            }
            Some(Progress::Cancelled { answer_due }) => *answer_due = false,
            Some(Progress::Draining(_)) => {
                self.open.remove(&tx);
            }
            Some(Progress::Running(_)) | None => {}
        }
    }

    pub(super) fn complete(
        &mut self,
        tx: TxKey,
        outcome: Result<Completed, String>,
        actions: &mut VecDeque<ShimAction>,
    ) {
        match self.open.get(&tx) {
            Some(&Progress::Running(entry)) => {
                self.open.remove(&tx);
                actions.push_back(ShimAction::Send(self.ending(tx, entry, outcome)));
            }
            Some(&Progress::Waiting(entry)) => {
                self.drain(tx.clone());
                actions.push_back(ShimAction::Send(self.ending(tx, entry, outcome)));
            }
            Some(Progress::Cancelled { answer_due: true }) => self.drain(tx),
            Some(Progress::Cancelled { answer_due: false }) => {
                self.open.remove(&tx);
            }
            Some(Progress::Draining(_)) | None => {}
        }
    }

    /// Returns the number of transactions about which messages may still arrive.
    #[cfg(test)]
    pub(super) fn known(&self) -> usize {
        self.open.len()
    }

    fn drain(&mut self, tx: TxKey) {
        let (this, oldest) = self.given_up.add(tx.clone());
        self.open.insert(tx, Progress::Draining(this));
        if let Some((oldest, time)) = oldest
            && matches!(self.open.get(&oldest), Some(&Progress::Draining(of)) if of == time)
        {
            self.open.remove(&oldest);
        }
    }

    /// Returns the message that ends a transaction. If it is too large, the transaction fails.
    fn ending(&self, tx: TxKey, entry: Entry, outcome: Result<Completed, String>) -> Message {
        let message = ending(tx, entry, outcome);
        match (self.limit.check(&message), message) {
            (Err(error), Message::Completed { tx, .. }) => self.limit.error(tx, error.to_string()),
            (_, Message::Error { tx, text }) => self.limit.error(tx, text),
            (_, message) => message,
        }
    }

    pub(super) fn terminate(self, actions: &mut VecDeque<ShimAction>) {
        for (tx, progress) in self.open {
            match progress {
                Progress::Waiting(_) => {
                    let answer = Err(ProtocolError::StreamTerminated.to_string());
                    actions.push_back(ShimAction::Resume { tx: tx.clone(), answer });
                    actions.push_back(ShimAction::Cancel { tx });
                }
                Progress::Running(_) => actions.push_back(ShimAction::Cancel { tx }),
                Progress::Cancelled { .. } | Progress::Draining(_) => {}
            }
        }
    }
}

/// Returns the message for an outcome. A failed INIT becomes ERROR with the response's message, so
/// that the peer sees a failed execution. A failed TRANSACTION becomes COMPLETED with the failure
/// inside (`shim/handler.go`, `handleInit` and `handleTransaction`).
fn ending(tx: TxKey, entry: Entry, outcome: Result<Completed, String>) -> Message {
    match outcome {
        Ok(Completed { response, .. })
            if entry == Entry::Init && response.status >= Response::ERROR =>
        {
            Message::Error { tx, text: response.message }
        }
        Ok(completed) => Message::Completed { tx, completed },
        Err(text) => Message::Error { tx, text },
    }
}
