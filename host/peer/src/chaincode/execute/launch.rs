//! How a chaincode comes to be ready: it is loaded, connected to, or connects by itself; and how
//! it goes.
//!
//! Invariant: nothing waits here for a chaincode to connect; those who need it wait at the
//! registry.

use std::sync::{Arc, Weak};
use std::time::Instant;

use crate::chaincode::execute::handler::{Handler, Program};
use crate::chaincode::execute::registry::{Launched, Launching, Registry, Started};
use crate::chaincode::execute::support::ChaincodeSupport;
use crate::chaincode::external::{
    Dialer, ExternalConfig, ExternalProgram, ExternalStream, Outbox, Registrar, dial,
};
use crate::chaincode::package::{Code, Description, PackageError, PackageStore};
use wasmcc_types::{StreamOrigin, sha256};

impl ChaincodeSupport {
    /// A chaincode has connected to this peer.
    pub fn open_stream(&self, outbox: Outbox, origin: StreamOrigin) -> ExternalStream {
        let registrar = Arrivals {
            packages: Arc::downgrade(&self.packages),
            registry: Arc::downgrade(&self.registry),
            config: self.config().external.clone(),
            origin,
        };
        ExternalStream::open(outbox, &self.config().external, Box::new(registrar))
    }

    /// Lets go of the chaincodes of this process whose ids are not wanted, each when no transaction
    /// runs on it any more. One that is called nevertheless is launched again.
    pub fn retire(&self, is_wanted: impl Fn(&str) -> bool) {
        for chaincode in self.registry.retire(is_wanted) {
            tracing::info!(%chaincode, "let go of, no channel runs it any more");
        }
    }

    /// Whether a chaincode is launched, and its stream, if it has one, stands.
    pub fn is_launched(&self, ccid: &str) -> bool {
        self.registry.ready(ccid).is_some()
    }
}

/// One launch.
pub(super) struct Launch {
    pub packages: Arc<PackageStore>,
    pub dialer: Option<Arc<dyn Dialer>>,
    pub config: ExternalConfig,
}

impl Launch {
    /// Launches what is installed. In development, what is not installed will come.
    pub(super) fn run(self, launching: Launching) {
        let failed = |error: PackageError| format!("error building chaincode: {error}");
        let code = match self.packages.code(launching.ccid()) {
            Err(PackageError::NotInstalled(_)) if self.config.dev => Ok(None),
            code => code.map(Some).map_err(failed),
        };
        let result = match code {
            Err(why) => Err(why),
            Ok(None | Some(Code::Elsewhere { description: Description::Connects(_), .. })) => {
                Ok(Started::Awaited)
            }
            Ok(Some(Code::Elsewhere { description: Description::Serves(connection), .. })) => {
                let Some(dialer) = self.dialer else {
                    launching.finish(Err("this peer cannot connect to chaincode servers".into()));
                    return;
                };
                let (begin, ccid) = (Instant::now(), launching.ccid().to_owned());
                let launching = Arc::new(launching);
                let its = Arc::clone(&launching);
                let launched = move |result: Result<Arc<ExternalProgram>, String>| {
                    let result = result.map(|program| Started::Ready(Launched::External(program)));
                    let is_ready = result.is_ok();
                    let is_taken = its.finish(result);
                    if is_ready && is_taken {
                        log_launched(its.ccid(), begin);
                    }
                    is_taken
                };
                let abort =
                    dial(dialer.as_ref(), &ccid, &connection, &self.config, Arc::new(launched));
                launching.abort_with(abort);
                return;
            }
            Ok(Some(Code::Component { wasm, limits })) => {
                let begin = Instant::now();
                let ccid = launching.ccid();
                let guest = self.packages.guest(ccid, &wasm, &limits).map_err(|e| failed(e.into()));
                let handler = guest.and_then(|guest| {
                    Handler::register(ccid, Program::Wasm(guest))
                        .map_err(|e| format!("chaincode registration failed: {e}"))
                });
                handler.map(|handler| {
                    log_launched(ccid, begin);
                    Started::Ready(Launched::Here(Arc::new(handler)))
                })
            }
        };
        launching.finish(result);
    }
}

fn log_launched(chaincode: &str, begin: Instant) {
    tracing::info!(%chaincode, ms = begin.elapsed().as_millis(), "launched");
}

/// Takes chaincodes that connect by themselves. A stream whose chaincode has not registered keeps
/// nothing of the peer.
pub(super) struct Arrivals {
    pub packages: Weak<PackageStore>,
    pub registry: Weak<Registry>,
    pub config: ExternalConfig,
    pub origin: StreamOrigin,
}

/// Between a chaincode's id and its secret in REGISTER. No id has it. Fabric's shims send what they
/// are told their id is, and nothing else that could hold a secret.
pub const SECRET_SEPARATOR: char = '@';

impl Arrivals {
    /// Whether the client proves to be the chaincode `ccid`, whose package may have the hash of a
    /// secret.
    fn prove(
        &self,
        ccid: &str,
        expected: Option<[u8; 32]>,
        secret: Option<&str>,
    ) -> Result<(), String> {
        if self.origin.common_name.as_deref() == Some(ccid) {
            return Ok(());
        }
        match (expected, secret) {
            (Some(hash), Some(secret)) if sha256(secret.as_bytes()) == hash => return Ok(()),
            (Some(_), Some(_)) => return Err(format!("the secret of chaincode {ccid} is wrong")),
            _ => {}
        }
        if self.origin.is_local && self.config.trust_local {
            tracing::warn!(
                chaincode = ccid,
                "a program of this machine may be this chaincode without a proof"
            );
            return Ok(());
        }
        Err(format!(
            "nothing proves that this is chaincode {ccid}: let it register as \
             {ccid}{SECRET_SEPARATOR}SECRET, with the secret that it was deployed with, or connect \
             with a TLS client certificate of the common name {ccid}"
        ))
    }
}

const GONE: &str = "the peer has stopped";

impl Registrar for Arrivals {
    fn admit(&self, said: &str) -> Result<String, String> {
        let (ccid, secret) = match said.split_once(SECRET_SEPARATOR) {
            Some((ccid, secret)) => (ccid, Some(secret)),
            None => (said, None),
        };
        if !self.config.dev || ccid.is_empty() {
            let expected = self.packages.upgrade().ok_or(GONE)?.expect(ccid);
            let expected = expected.map_err(|error| error.to_string())?;
            self.prove(ccid, expected, secret)?;
        }
        Ok(ccid.to_owned())
    }

    fn enter(&self, name: &str, program: &Arc<ExternalProgram>) -> Result<(), String> {
        self.registry.upgrade().ok_or(GONE)?.register(name, program)
    }
}
