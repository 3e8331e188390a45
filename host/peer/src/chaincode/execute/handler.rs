//! One launched chaincode.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::chaincode::native::NativeChaincode;
use crate::chaincode::package::Guest;
use wasmcc_protocol::{
    BatchLimits, Completed, Invocation, PeerAction, PeerSide, ProtocolError, RunId, ShimAction,
    ShimSide, TxKey,
};
use wasmcc_runtime::Failure;

/// What runs behind a handler in this process.
pub(super) enum Program {
    /// A component; every call gets an instance of its own.
    Wasm(Guest),
    /// A system chaincode.
    Native(Arc<dyn NativeChaincode>),
}

/// A registered chaincode that takes transactions. Both halves of the protocol stand face to face
/// here, so that a component passes through the same states as a chaincode behind a stream; what a
/// component asks of its peer is a call, not a message.
pub(super) struct Handler {
    program: Program,
    link: Mutex<Link>,
}

/// A peer side and a shim side that hand each other their messages. Whoever holds the lock carries
/// all messages over before letting go, so the only actions there are belong to the holder.
struct Link {
    peer: PeerSide,
    shim: ShimSide,
}

/// What remains to be done when no message is under way.
enum Event {
    Invoke(Invocation),
    Finish(Result<Completed, ProtocolError>),
}

impl Handler {
    /// Registers a program: REGISTER, REGISTERED, READY.
    pub(super) fn register(
        ccid: impl Into<String>,
        program: Program,
    ) -> Result<Self, ProtocolError> {
        let peer = PeerSide::new(BatchLimits::default()).in_process();
        let mut link = Link { peer, shim: ShimSide::new(ccid).in_process() };
        link.carry()?;
        Ok(Self { program, link: Mutex::new(link) })
    }

    /// What runs here.
    pub(super) fn program(&self) -> &Program {
        &self.program
    }

    /// Begins one transaction; gives what the chaincode is called with.
    pub(super) fn begin(
        &self,
        invocation: Invocation,
    ) -> Result<(Begun<'_>, Invocation), ProtocolError> {
        let tx = invocation.tx.clone();
        let mut link = self.lock();
        let run = link.peer.handle_execute(invocation)?;
        let begun = Begun { handler: self, tx, run, is_over: false };
        match link.carry() {
            Ok(Some(Event::Invoke(invocation))) => Ok((begun, invocation)),
            carried => {
                drop(link);
                Err(carried.err().unwrap_or(ProtocolError::StreamTerminated))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One transaction that has begun. Dropping it ends it, as a timeout does.
pub(super) struct Begun<'a> {
    handler: &'a Handler,
    tx: TxKey,
    run: RunId,
    is_over: bool,
}

impl Begun<'_> {
    /// Takes what the chaincode came to through the protocol.
    pub(super) fn finish(
        mut self,
        outcome: Result<Completed, Failure>,
    ) -> Result<Completed, ProtocolError> {
        self.is_over = true;
        self.end(outcome)
    }

    fn end(&self, outcome: Result<Completed, Failure>) -> Result<Completed, ProtocolError> {
        let mut link = self.handler.lock();
        if outcome == Err(Failure::Timeout) {
            link.peer.handle_timeout(&self.tx, self.run);
        }
        let outcome = outcome.map_err(|failure| failure.to_string());
        link.shim.handle_completed(self.tx.clone(), outcome);
        match link.carry()? {
            Some(Event::Finish(outcome)) => outcome,
            _ => Err(ProtocolError::StreamTerminated),
        }
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            // Nobody waits for the outcome.
            let _ = self.end(Err(Failure::Timeout));
        }
    }
}

impl Link {
    /// Carries messages over until there are none; gives what else came up, of which there is at
    /// most one thing at a time.
    fn carry(&mut self) -> Result<Option<Event>, ProtocolError> {
        let mut event = None;
        loop {
            if let Some(action) = self.shim.poll_action() {
                match action {
                    ShimAction::Send(message) => self.peer.handle_message(message)?,
                    ShimAction::Invoke(invocation) => event = Some(Event::Invoke(invocation)),
                    // A program in this process asks by calls and is stopped by its deadline.
                    ShimAction::Resume { .. } | ShimAction::Cancel { .. } | ShimAction::Close => {}
                }
            } else if let Some(action) = self.peer.poll_action() {
                match action {
                    PeerAction::Send(message) => self.shim.handle_message(message)?,
                    PeerAction::Register { .. } => self.peer.handle_launched(),
                    PeerAction::Finish { outcome, .. } => event = Some(Event::Finish(outcome)),
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
    use crate::chaincode::native::Stub;
    use wasmcc_protocol::TxKey;
    use wasmcc_types::{Entry, Response};

    struct Nothing;

    impl NativeChaincode for Nothing {
        fn invoke(&self, _: &mut Stub<'_>) -> Response {
            Response::success("")
        }
    }

    fn handler() -> Handler {
        Handler::register("cc:1", Program::Native(Arc::new(Nothing))).unwrap()
    }

    fn call(entry: Entry) -> Invocation {
        let input = Default::default();
        Invocation { tx: TxKey::new("ch", "tx"), entry, input, proposal: None }
    }

    fn done(response: Response) -> Result<Completed, Failure> {
        Ok(Completed { response, event: None })
    }

    /// Takes a call through the protocol that comes to `outcome`.
    fn execute(
        handler: &Handler,
        entry: Entry,
        outcome: Result<Completed, Failure>,
    ) -> Result<Completed, ProtocolError> {
        let (begun, invocation) = handler.begin(call(entry))?;
        assert_eq!(invocation.entry, entry);
        begun.finish(outcome)
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
        let outcome = outer.finish(done(Response::success("outer")));
        assert_eq!(outcome.unwrap().response.payload, b"outer");
    }

    #[test]
    fn a_failed_init_is_an_error_with_the_message_only() {
        let outcome = execute(&handler(), Entry::Init, done(Response::error("no")));
        assert_eq!(outcome, Err(ProtocolError::Returned("no".into())));
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
