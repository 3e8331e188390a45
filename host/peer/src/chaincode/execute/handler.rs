//! One launched chaincode.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::chaincode::execute::not_ended::NotEnded;
use crate::chaincode::native::NativeChaincode;
use crate::chaincode::package::Guest;
use wasmcc_protocol::{
    BatchLimits, Completed, InvokeMessage, PeerAction, PeerSide, ProtocolError, RunId, ShimAction,
    ShimSide, TxKey,
};
use wasmcc_runtime::Failure;

/// The program behind a handler, in this process.
pub(super) enum Program {
    /// A component; every call has its own instance.
    Wasm(Guest),
    /// A system chaincode.
    Native(Arc<dyn NativeChaincode>),
}

/// A registered chaincode that is ready for transactions. It holds both halves of the protocol, so
/// that a component passes through the same states as a chaincode behind a stream. Requests of a
/// component are function calls, not messages.
pub(super) struct Handler {
    program: Program,
    link: Mutex<Halves>,
}

/// A peer side and a shim side. The holder of the lock passes all messages between them before it
/// releases the lock, so all actions belong to that holder.
struct Halves {
    peer: PeerSide,
    shim: ShimSide,
}

/// The remaining action after all messages were passed.
enum Carried {
    Invoke(InvokeMessage),
    Finish(Result<Completed, ProtocolError>),
}

impl Handler {
    /// Registers a program by REGISTER, REGISTERED and READY.
    pub(super) fn register(
        ccid: impl Into<String>,
        program: Program,
    ) -> Result<Self, ProtocolError> {
        let peer = PeerSide::new(BatchLimits::default()).in_process();
        let mut link = Halves { peer, shim: ShimSide::new(ccid).in_process() };
        link.carry()?;
        Ok(Self { program, link: Mutex::new(link) })
    }

    /// Returns the program.
    pub(super) fn program(&self) -> &Program {
        &self.program
    }

    /// Returns the program, if it is a system chaincode.
    pub(super) fn native(&self) -> Option<&dyn NativeChaincode> {
        match &self.program {
            Program::Native(chaincode) => Some(chaincode.as_ref()),
            Program::Wasm(_) => None,
        }
    }

    /// Begins a transaction. Also returns the chaincode's invocation.
    pub(super) fn begin(
        &self,
        invocation: InvokeMessage,
    ) -> Result<(Begun<'_>, InvokeMessage), NotEnded<ProtocolError>> {
        let tx = invocation.tx.clone();
        let mut link = self.lock();
        let run = link.peer.handle_execute(invocation).map_err(refused)?;
        let begun = Begun { handler: self, tx, run, is_over: false };
        match link.carry() {
            Ok(Some(Carried::Invoke(invocation))) => Ok((begun, invocation)),
            carried => {
                drop(link);
                Err(refused(carried.err().unwrap_or(ProtocolError::StreamTerminated)))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Halves> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A transaction that has begun. Dropping this ends it, as a timeout does.
pub(super) struct Begun<'a> {
    handler: &'a Handler,
    tx: TxKey,
    run: RunId,
    is_over: bool,
}

impl Begun<'_> {
    /// Passes the result through the protocol. An INIT with an error status ends with ERROR on
    /// every peer.
    pub(super) fn finish(
        mut self,
        completed: Completed,
    ) -> Result<Completed, NotEnded<ProtocolError>> {
        self.is_over = true;
        self.end(Ok(completed)).map_err(|error| match error {
            ProtocolError::Returned(_) => NotEnded::Everywhere(error),
            error => NotEnded::OnThisPeer(error),
        })
    }

    /// Passes the failure of the guest through the protocol, which carries only its text. The type
    /// of the failure decides whether other peers get it, too.
    pub(super) fn fail(mut self, failure: Failure) -> NotEnded<ProtocolError> {
        self.is_over = true;
        let is_of_this_peer = !failure.is_deterministic();
        let error = self.end(Err(failure)).err().unwrap_or(ProtocolError::StreamTerminated);
        match error {
            ProtocolError::Returned(_) => NotEnded::new(is_of_this_peer, error),
            error => NotEnded::OnThisPeer(error),
        }
    }

    fn end(&self, outcome: Result<Completed, Failure>) -> Result<Completed, ProtocolError> {
        let mut link = self.handler.lock();
        if outcome == Err(Failure::Timeout) {
            link.peer.handle_timeout(&self.tx, self.run);
        }
        let outcome = outcome.map_err(|failure| failure.to_string());
        link.shim.handle_completed(self.tx.clone(), outcome);
        match link.carry()? {
            Some(Carried::Finish(outcome)) => outcome,
            _ => Err(ProtocolError::StreamTerminated),
        }
    }
}

/// Classifies the refusal of a transaction. A transaction that already runs is refused on every
/// peer: the chaincode has called itself.
pub(super) fn refused(error: ProtocolError) -> NotEnded<ProtocolError> {
    match error {
        ProtocolError::TxExists(_) => NotEnded::Everywhere(error),
        error => NotEnded::OnThisPeer(error),
    }
}

/// Classifies the end of a transaction in another process. ERROR carries only a text;
/// host-dependent failures are recognized by it. This is the only place in the peer where a text
/// decides.
pub(super) fn ended_elsewhere(error: ProtocolError) -> NotEnded<ProtocolError> {
    match error {
        ProtocolError::Returned(text) => {
            NotEnded::new(Failure::is_text_of_one_host(&text), ProtocolError::Returned(text))
        }
        error => NotEnded::OnThisPeer(error),
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            // The outcome is not needed any more.
            let _ = self.end(Err(Failure::Timeout));
        }
    }
}

impl Halves {
    /// Passes messages between both sides until none is left. Returns the remaining action; there
    /// is at most one.
    fn carry(&mut self) -> Result<Option<Carried>, ProtocolError> {
        let mut event = None;
        loop {
            if let Some(action) = self.shim.poll_action() {
                match action {
                    ShimAction::Send(message) => self.peer.handle_message(message)?,
                    ShimAction::Invoke(invocation) => event = Some(Carried::Invoke(invocation)),
                    // A program in this process sends no requests as messages, and its deadline
                    // stops it.
                    ShimAction::Resume { .. } | ShimAction::Cancel { .. } | ShimAction::Close => {}
                }
            } else if let Some(action) = self.peer.poll_action() {
                match action {
                    PeerAction::Send(message) => self.shim.handle_message(message)?,
                    PeerAction::Register { .. } => self.peer.handle_launched(),
                    PeerAction::Finish { outcome, .. } => event = Some(Carried::Finish(outcome)),
                    PeerAction::Serve { .. } | PeerAction::Close => {}
                }
            } else {
                return Ok(event);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chaincode::native::{NativeError, Stub};
    use wasmcc_protocol::TxKey;
    use wasmcc_types::{Entry, Response};

    struct Nothing;

    impl NativeChaincode for Nothing {
        fn invoke(&self, _: &mut Stub<'_>) -> Result<Vec<u8>, NativeError> {
            Ok(Vec::new())
        }
    }

    fn handler() -> Handler {
        Handler::register("cc:1", Program::Native(Arc::new(Nothing))).unwrap()
    }

    fn call(entry: Entry) -> InvokeMessage {
        let input = Default::default();
        InvokeMessage { tx: TxKey::new("ch", "tx"), entry, input, proposal: None }
    }

    fn done(response: Response) -> Result<Completed, Failure> {
        Ok(Completed { response, event: None })
    }

    /// Passes a call with this outcome through the protocol.
    fn execute(
        handler: &Handler,
        entry: Entry,
        outcome: Result<Completed, Failure>,
    ) -> Result<Completed, NotEnded<ProtocolError>> {
        let (begun, invocation) = handler.begin(call(entry))?;
        assert_eq!(invocation.entry, entry);
        match outcome {
            Ok(completed) => begun.finish(completed),
            Err(failure) => Err(begun.fail(failure)),
        }
    }

    #[test]
    fn a_transaction_completes() {
        let outcome = execute(&handler(), Entry::Invoke, done(Response::success("x")));
        assert_eq!(outcome.unwrap().response.payload, b"x");
    }

    #[test]
    fn a_running_transaction_is_refused_a_second_time() {
        let handler = handler();
        let (outer, _) = handler.begin(call(Entry::Invoke)).unwrap();
        let inner = handler.begin(call(Entry::Invoke)).err().unwrap();
        assert_eq!(inner.to_string(), "txid: tx(ch) exists");
        let outcome = outer.finish(done(Response::success("outer")).unwrap());
        assert_eq!(outcome.unwrap().response.payload, b"outer");
    }

    #[test]
    fn a_failed_init_is_an_error_with_the_message_only() {
        let outcome = execute(&handler(), Entry::Init, done(Response::error("no")));
        assert_eq!(outcome, Err(NotEnded::Everywhere(ProtocolError::Returned("no".into()))));
    }

    #[test]
    fn who_comes_to_a_failure_is_known_from_its_type() {
        let limit = Failure::Limit("cannot run chaincode: x".into());
        let text = ProtocolError::Returned(limit.to_string());
        let everywhere = execute(&handler(), Entry::Invoke, Err(limit));
        assert_eq!(everywhere, Err(NotEnded::Everywhere(text)));
        let host = Failure::Host("x".into());
        let text = ProtocolError::Returned(host.to_string());
        let here = execute(&handler(), Entry::Invoke, Err(host));
        assert_eq!(here, Err(NotEnded::OnThisPeer(text.clone())));
        assert_eq!(ended_elsewhere(text.clone()), NotEnded::OnThisPeer(text));
        let trap = ProtocolError::Returned("chaincode trapped: x".into());
        assert_eq!(ended_elsewhere(trap.clone()), NotEnded::Everywhere(trap));
    }

    #[test]
    fn a_timeout_ends_the_transaction_and_frees_its_id() {
        let handler = handler();
        for _ in 0..2 {
            let outcome = execute(&handler, Entry::Invoke, Err(Failure::Timeout));
            let text = outcome.unwrap_err().to_string();
            assert_eq!(text, "timeout expired while executing transaction");
        }
    }

    #[test]
    fn a_transaction_that_nobody_waits_for_frees_its_id() {
        let handler = handler();
        for _ in 0..2 {
            drop(handler.begin(call(Entry::Invoke)).unwrap());
        }
        assert!(execute(&handler, Entry::Invoke, done(Response::success(""))).is_ok());
    }
}
