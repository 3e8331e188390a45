//! Launches a chaincode server: connects to it and waits for it to say who it is.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use crate::chaincode::external::{
    Connection, Dialer, ExternalConfig, ExternalProgram, ExternalStream, Registrar,
};

type Registered = Result<Arc<ExternalProgram>, String>;

/// Takes the one program that was asked for and hands it to who waits.
struct Awaited {
    ccid: String,
    registered: mpsc::Sender<Registered>,
}

impl Registrar for Awaited {
    fn admit(&self, name: &str) -> Result<(), String> {
        if name == self.ccid {
            return Ok(());
        }
        // Fabric only logs it, and the transaction hangs until the start timeout.
        let text = format!("the chaincode is {name}, not {}", self.ccid);
        // Nobody waits for a second one.
        let _ = self.registered.send(Err(format!("chaincode registration failed: {text}")));
        Err(text)
    }

    fn enter(&self, _: &str, program: &Arc<ExternalProgram>) -> Result<(), String> {
        let gone = |_| "the peer does not wait any more".to_owned();
        self.registered.send(Ok(Arc::clone(program))).map_err(gone)
    }
}

/// The program `ccid` behind `connection`, ready (fabric `core/chaincode/runtime_launcher.go`,
/// `Launch`).
pub fn dial(
    dialer: &dyn Dialer,
    ccid: &str,
    connection: &Connection,
    config: &ExternalConfig,
    timeout: Duration,
) -> Registered {
    let (registered, launched) = mpsc::channel();
    let registrar = Awaited { ccid: ccid.to_owned(), registered };
    let config = config.clone();
    let open = Box::new(move |outbox| ExternalStream::open(outbox, &config, Box::new(registrar)));
    let address = &connection.address;
    dialer.dial(connection, open).map_err(|why| {
        format!("connection to {ccid} failed: error creating grpc connection to {address}: {why}")
    })?;
    match launched.recv_timeout(timeout) {
        Ok(registered) => registered,
        Err(mpsc::RecvTimeoutError::Timeout) => {
            Err(format!("timeout expired while starting chaincode {ccid} for transaction"))
        }
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            Err(format!("connection to {ccid} terminated"))
        }
    }
}
