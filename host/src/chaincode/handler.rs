//! One launched chaincode.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::chaincode::installed::Guest;
use crate::chaincode::native::NativeChaincode;
use crate::protocol::{
    BatchLimits, Completed, Invocation, PeerAction, PeerSide, ProtocolError, ShimAction, ShimSide,
};
use crate::runtime::Failure;

/// What runs behind a handler in this process.
pub enum Program {
    /// A component; every call gets an instance of its own.
    Wasm(Guest),
    /// A system chaincode.
    Native(Arc<dyn NativeChaincode>),
}

/// A registered chaincode that takes transactions. Both halves of the protocol stand face to face
/// here, so that a component passes through the same states as a chaincode behind a stream; what a
/// component asks of its peer is a call, not a message.
pub struct Handler {
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
    pub fn register(ccid: impl Into<String>, program: Program) -> Result<Self, ProtocolError> {
        let mut link =
            Link { peer: PeerSide::new(BatchLimits::default()), shim: ShimSide::new(ccid) };
        link.carry()?;
        Ok(Self { program, link: Mutex::new(link) })
    }

    /// What runs here.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Takes one transaction through the protocol; `run` is the chaincode's function.
    pub fn execute(
        &self,
        invocation: Invocation,
        run: impl FnOnce(&Program, Invocation) -> Result<Completed, Failure>,
    ) -> Result<Completed, ProtocolError> {
        let tx = invocation.tx.clone();
        let mut link = self.lock();
        let id = link.peer.handle_execute(invocation)?;
        let Some(Event::Invoke(invocation)) = link.carry()? else {
            return Err(ProtocolError::StreamTerminated);
        };
        drop(link);

        // A panic in here must end this transaction, not the peer.
        let outcome = catch_unwind(AssertUnwindSafe(|| run(&self.program, invocation)));
        let outcome =
            outcome.unwrap_or_else(|_| Err(Failure::Host("panic during execution".into())));

        let mut link = self.lock();
        if outcome == Err(Failure::Timeout) {
            link.peer.handle_timeout(&tx, id);
        }
        link.shim.handle_completed(tx, outcome.map_err(|failure| failure.to_string()));
        match link.carry()? {
            Some(Event::Finish(outcome)) => outcome,
            _ => Err(ProtocolError::StreamTerminated),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
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
    use crate::protocol::TxKey;
    use crate::types::{Entry, Response};

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

    #[test]
    fn a_transaction_completes() {
        let outcome = handler().execute(call(Entry::Invoke), |_, invocation| {
            assert_eq!(invocation.entry, Entry::Invoke);
            done(Response::success("x"))
        });
        assert_eq!(outcome.unwrap().response.payload, b"x");
    }

    #[test]
    fn a_running_transaction_is_refused_a_second_time() {
        let handler = handler();
        let outcome = handler.execute(call(Entry::Invoke), |_, _| {
            let inner = handler.execute(call(Entry::Invoke), |_, _| done(Response::success("")));
            assert_eq!(inner.unwrap_err().to_string(), "txid: tx(ch) exists");
            done(Response::success("outer"))
        });
        assert_eq!(outcome.unwrap().response.payload, b"outer");
    }

    #[test]
    fn a_failed_init_is_an_error_with_the_message_only() {
        let outcome = handler().execute(call(Entry::Init), |_, _| done(Response::error("no")));
        assert_eq!(outcome, Err(ProtocolError::Returned("no".into())));
    }

    #[test]
    fn a_panic_ends_its_transaction_only() {
        let handler = handler();
        let outcome = handler.execute(call(Entry::Invoke), |_, _| panic!("on purpose"));
        assert!(outcome.unwrap_err().to_string().contains("panic during execution"));
        let again = handler.execute(call(Entry::Invoke), |_, _| done(Response::success("")));
        assert!(again.is_ok());
    }

    #[test]
    fn a_timeout_ends_the_transaction_and_frees_its_id() {
        let handler = handler();
        for _ in 0..2 {
            let outcome = handler.execute(call(Entry::Invoke), |_, _| Err(Failure::Timeout));
            let text = outcome.unwrap_err().to_string();
            assert_eq!(text, "timeout expired while executing transaction");
        }
    }
}
