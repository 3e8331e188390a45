//! Launches a chaincode server: connects to it and lets it say who it is.
//!
//! Invariant: nothing waits here. Those who need the chaincode wait at the registry, and when none
//! of them does any more, the connection ends.

use std::sync::Arc;

use crate::chaincode::external::{
    Abort, Dialer, ExternalConfig, ExternalProgram, ExternalStream, Registrar,
};
use crate::chaincode::package::Connection;

/// Hears what became of a connection; only the first result counts. False: nobody waits for it.
pub(super) type Launched = Arc<dyn Fn(Result<Arc<ExternalProgram>, String>) -> bool + Send + Sync>;

/// Takes the one program that was asked for and hands it to who waits.
struct Awaited {
    ccid: String,
    launched: Launched,
}

impl Registrar for Awaited {
    fn admit(&self, name: &str) -> Result<String, String> {
        if name == self.ccid {
            return Ok(name.to_owned());
        }
        // Fabric only logs it, and the transaction hangs until the start timeout.
        let text = format!("the chaincode is {name}, not {}", self.ccid);
        (self.launched)(Err(format!("chaincode registration failed: {text}")));
        Err(text)
    }

    fn enter(&self, _: &str, program: &Arc<ExternalProgram>) -> Result<(), String> {
        match (self.launched)(Ok(Arc::clone(program))) {
            true => Ok(()),
            false => Err("the peer does not wait any more".to_owned()),
        }
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        // If it has registered, this comes too late to count.
        (self.launched)(Err(format!("connection to {} terminated", self.ccid)));
    }
}

/// Connects to the program `ccid` behind `connection` (fabric
/// `core/chaincode/runtime_launcher.go`, `Launch`).
pub(crate) fn dial(
    dialer: &dyn Dialer,
    ccid: &str,
    connection: &Connection,
    config: &ExternalConfig,
    launched: Launched,
) -> Abort {
    let registrar = Awaited { ccid: ccid.to_owned(), launched: Arc::clone(&launched) };
    let config = config.clone();
    let open = Box::new(move |outbox| ExternalStream::open(outbox, &config, Box::new(registrar)));
    let (ccid, address) = (ccid.to_owned(), connection.address.clone());
    let failed = Box::new(move |why: String| {
        launched(Err(format!(
            "connection to {ccid} failed: error creating grpc connection to {address}: {why}"
        )));
    });
    dialer.dial(connection, open, failed)
}
