//! The executions of a chaincode, as its peer tracks them.

use std::collections::{BTreeMap, VecDeque, btree_map};

use crate::given_up::{GiveUp, GivenUp};
use crate::size_limit::SizeLimit;
use crate::{
    Completed, InvokeMessage, Message, MessageType, PeerAction, ProtocolError, Request, RunId,
    Ticket, TxKey, failure_text,
};

/// The executions of a stream that is ready.
#[derive(Debug)]
pub(super) struct Executions {
    open: BTreeMap<TxKey, OpenExecution>,
    given_up: GivenUp,
    runs: u64,
    limit: SizeLimit,
}

#[derive(Debug)]
enum OpenExecution {
    Running(RunId),
    /// A request of this type is being served.
    Serving(RunId, MessageType),
    /// The peer has given it up after a timeout; the chaincode has not ended it yet.
    Abandoned(GiveUp),
}

impl Executions {
    pub(super) fn new(limit: SizeLimit) -> Self {
        Self { open: BTreeMap::new(), given_up: GivenUp::default(), runs: 0, limit }
    }

    /// Returns the number of transactions about which messages may still arrive.
    #[cfg(test)]
    pub(super) fn known(&self) -> usize {
        self.open.len()
    }

    pub(super) fn execute(
        &mut self,
        invocation: InvokeMessage,
        actions: &mut VecDeque<PeerAction>,
    ) -> Result<RunId, ProtocolError> {
        let btree_map::Entry::Vacant(place) = self.open.entry(invocation.tx.clone()) else {
            return Err(ProtocolError::TxExists(invocation.tx));
        };
        let message = Message::Invoke(invocation);
        self.limit.check(&message)?;
        self.runs += 1;
        let run = RunId(self.runs);
        place.insert(OpenExecution::Running(run));
        actions.push_back(PeerAction::Send(message));
        Ok(run)
    }

    /// Handles a request; `Err` is the error of one that cannot be decoded.
    pub(super) fn request(
        &mut self,
        tx: TxKey,
        kind: MessageType,
        request: Result<Request, String>,
        actions: &mut VecDeque<PeerAction>,
    ) {
        let cause = match (self.open.get_mut(&tx), request) {
            (Some(execution @ &mut OpenExecution::Running(run)), Ok(request)) => {
                *execution = OpenExecution::Serving(run, kind);
                actions.push_back(PeerAction::Serve { ticket: Ticket { tx, run }, request });
                return;
            }
            (Some(OpenExecution::Running(_)), Err(cause)) => cause,
            (Some(OpenExecution::Serving(..)), _) => {
                ProtocolError::RequestInFlight(tx.clone()).to_string()
            }
            (Some(OpenExecution::Abandoned(_)) | None, _) => no_context(kind).to_owned(),
        };
        actions.push_back(self.refusal(tx, kind, &cause));
    }

    pub(super) fn served(
        &mut self,
        ticket: Ticket,
        answer: Result<Vec<u8>, String>,
        actions: &mut VecDeque<PeerAction>,
    ) {
        let Ticket { tx, run } = ticket;
        let kind = match self.open.get_mut(&tx) {
            Some(execution @ &mut OpenExecution::Serving(now, kind)) if now == run => {
                *execution = OpenExecution::Running(run);
                kind
            }
            _ => return,
        };
        let cause = match answer {
            Ok(payload) => {
                let message = Message::Response { tx: tx.clone(), payload };
                match self.limit.check(&message) {
                    Ok(()) => return actions.push_back(PeerAction::Send(message)),
                    Err(error) => error.to_string(),
                }
            }
            Err(cause) => cause,
        };
        actions.push_back(self.refusal(tx, kind, &cause));
    }

    /// Handles COMPLETED or ERROR, which may be late or name a transaction that was never executed.
    pub(super) fn finish(
        &mut self,
        tx: TxKey,
        outcome: Result<Completed, ProtocolError>,
        actions: &mut VecDeque<PeerAction>,
    ) {
        match self.open.remove(&tx) {
            Some(OpenExecution::Running(run)) => {
                actions.push_back(PeerAction::Finish { tx, run, outcome });
            }
            Some(OpenExecution::Serving(run, kind)) => {
                actions.push_back(self.refusal(tx.clone(), kind, no_context(kind)));
                actions.push_back(PeerAction::Finish { tx, run, outcome });
            }
            Some(OpenExecution::Abandoned(_)) | None => {}
        }
    }

    /// Handles a message that chaincodes must not send. It is answered with ERROR, since it may be
    /// a request of a later version, and it ends its execution.
    pub(super) fn refuse(
        &mut self,
        tx: TxKey,
        error: ProtocolError,
        actions: &mut VecDeque<PeerAction>,
    ) {
        let message = self.limit.error(tx.clone(), error.to_string());
        actions.push_back(PeerAction::Send(message));
        if let Some(&(OpenExecution::Running(run) | OpenExecution::Serving(run, _))) =
            self.open.get(&tx)
        {
            self.give_up(&tx, run, error, actions);
        }
    }

    /// Gives up an execution. Has no effect if it has ended already.
    pub(super) fn give_up(
        &mut self,
        tx: &TxKey,
        run: RunId,
        error: ProtocolError,
        actions: &mut VecDeque<PeerAction>,
    ) {
        match self.open.get(tx) {
            Some(&OpenExecution::Running(now)) if now == run => {}
            Some(&OpenExecution::Serving(now, kind)) if now == run => {
                actions.push_back(self.refusal(tx.clone(), kind, no_context(kind)));
            }
            _ => return,
        }
        let (this, oldest) = self.given_up.add(tx.clone());
        self.open.insert(tx.clone(), OpenExecution::Abandoned(this));
        if let Some((oldest, time)) = oldest
            && matches!(self.open.get(&oldest), Some(&OpenExecution::Abandoned(of)) if of == time)
        {
            self.open.remove(&oldest);
        }
        actions.push_back(PeerAction::Finish { tx: tx.clone(), run, outcome: Err(error) });
    }

    fn refusal(&self, tx: TxKey, kind: MessageType, cause: &str) -> PeerAction {
        let text = failure_text(kind, &tx, cause);
        PeerAction::Send(self.limit.error(tx, text))
    }

    pub(super) fn terminate(self, actions: &mut VecDeque<PeerAction>) {
        for (tx, execution) in self.open {
            match execution {
                OpenExecution::Running(run) | OpenExecution::Serving(run, _) => {
                    let outcome = Err(ProtocolError::StreamTerminated);
                    actions.push_back(PeerAction::Finish { tx, run, outcome });
                }
                OpenExecution::Abandoned(_) => {}
            }
        }
    }
}

/// As `core/chaincode/handler.go`: `HandleTransaction` and `getTxContextForInvoke`.
fn no_context(kind: MessageType) -> &'static str {
    match kind {
        MessageType::InvokeChaincode => "could not get valid transaction",
        _ => "no ledger context",
    }
}
