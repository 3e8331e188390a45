//! Launches a chaincode server: connects to it and checks its REGISTER.
//!
//! Invariant: no code here waits. Callers that need the chaincode wait at the registry. When none
//! of them waits any more, the connection ends.

use std::any::Any;
use std::sync::{Arc, Weak};

use crate::chaincode::external::error::{DialError, OtherChaincode, RegistrationError};
use crate::chaincode::external::{
    AbortDial, Dialer, ExternalConfig, ExternalProgram, ExternalStream, Owner, Registrar,
};
use crate::chaincode::package::DialTarget;

/// Called with the result of a connection; only the first result counts. Returns false if no caller
/// waits for it.
pub(super) type OnLaunched =
    Arc<dyn Fn(Result<Arc<ExternalProgram>, DialError>) -> bool + Send + Sync>;

/// Accepts only the program that the peer dialed, and passes it to the waiting callers.
struct Awaited {
    owner: Weak<dyn Any + Send + Sync>,
    ccid: String,
    launched: OnLaunched,
}

impl Registrar for Awaited {
    fn owner(&self) -> Option<Owner> {
        self.owner.upgrade()
    }

    fn admit(&self, name: &str) -> Result<String, RegistrationError> {
        if name == self.ccid {
            return Ok(name.to_owned());
        }
        let other = OtherChaincode { found: name.to_owned(), expected: self.ccid.clone() };
        (self.launched)(Err(DialError::Other(other.clone())));
        Err(other.into())
    }

    fn enter(&self, _: &str, program: &Arc<ExternalProgram>) -> Result<(), RegistrationError> {
        match (self.launched)(Ok(Arc::clone(program))) {
            true => Ok(()),
            false => Err(RegistrationError::NotAwaited),
        }
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        // Ignored if the program has registered.
        (self.launched)(Err(DialError::Terminated(self.ccid.clone())));
    }
}

/// Connects to the program `ccid` at `connection` (fabric `core/chaincode/runtime_launcher.go`,
/// `Launch`). `launched` adds it to `owner`.
pub(crate) fn dial(
    dialer: &dyn Dialer,
    ccid: &str,
    connection: &DialTarget,
    config: &ExternalConfig,
    (owner, launched): (Weak<dyn Any + Send + Sync>, OnLaunched),
) -> AbortDial {
    let registrar = Awaited { owner, ccid: ccid.to_owned(), launched: Arc::clone(&launched) };
    let config = config.clone();
    let open = Box::new(move |outbox| ExternalStream::open(outbox, &config, Box::new(registrar)));
    let (ccid, address) = (ccid.to_owned(), connection.address.clone());
    let failed = Box::new(move |why: String| {
        launched(Err(DialError::Connect { ccid, address, why }));
    });
    dialer.dial(connection, open, failed)
}
