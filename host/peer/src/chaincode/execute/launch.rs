//! Launches and releases chaincodes. A launch loads a component, connects to a chaincode server, or
//! waits for the chaincode to connect.
//!
//! Invariant: no code here blocks on a connection. Callers that need the chaincode wait at the
//! registry.

use std::sync::{Arc, Weak};
use std::time::Instant;

use crate::chaincode::execute::error::LaunchError;
use crate::chaincode::execute::handler::{Handler, Program};
use crate::chaincode::execute::registry::{Launched, Launching, Registry, Started};
use crate::chaincode::execute::support::ChaincodeSupport;
use crate::chaincode::external::{
    DialError, Dialer, ExternalConfig, ExternalProgram, ExternalStream, Outbox, Owner, Registrar,
    RegistrationError, dial,
};
use crate::chaincode::package::{Code, Description, DialTarget, PackageError, PackageStore};
use wasmcc_runtime::PackageLimits;
use wasmcc_types::{SECRET_SEPARATOR, StreamOrigin, sha256};

impl ChaincodeSupport {
    /// Opens the stream of a chaincode that has connected to this peer.
    pub fn open_stream(&self, outbox: Outbox, origin: StreamOrigin) -> ExternalStream {
        let registrar = IncomingRegistrar {
            packages: Arc::downgrade(&self.packages),
            registry: Arc::downgrade(&self.registry),
            config: self.config().external.clone(),
            origin,
        };
        ExternalStream::open(outbox, &self.config().external, Box::new(registrar))
    }

    /// Releases the chaincodes of this process whose ids are not wanted, each when its last
    /// transaction has ended. A later call launches it again.
    pub fn retire(&self, is_wanted: impl Fn(&str) -> bool) {
        for chaincode in self.registry.retire(is_wanted) {
            tracing::info!(%chaincode, "released: no channel runs it any more");
        }
    }

    /// Returns true if a chaincode is launched and its stream, if it has one, is open.
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
    /// Launches an installed chaincode. In development mode, a chaincode that is not installed is
    /// expected to connect.
    pub(super) fn run(self, launching: Launching) {
        let code = match self.packages.code(launching.ccid()) {
            Err(PackageError::NotInstalled(_)) if self.config.dev => Ok(None),
            code => code.map(Some),
        };
        let result = match code {
            Err(error) => Err(LaunchError::Build(error)),
            Ok(None | Some(Code::Elsewhere { description: Description::Connects(_), .. })) => {
                Ok(Started::Awaited)
            }
            Ok(Some(Code::Elsewhere { description: Description::Serves(connection), .. })) => {
                return self.connect(launching, &connection);
            }
            Ok(Some(Code::Component { wasm, limits })) => {
                self.load(launching.ccid(), &wasm, &limits)
            }
        };
        launching.finish(result);
    }

    /// Compiles a component and registers it.
    fn load(
        &self,
        ccid: &str,
        wasm: &[u8],
        limits: &PackageLimits,
    ) -> Result<Started, LaunchError> {
        let begin = Instant::now();
        let guest = self.packages.guest(ccid, wasm, limits);
        let guest = guest.map_err(|error| LaunchError::Build(error.into()))?;
        let handler = Handler::register(ccid, Program::Wasm(guest));
        let handler = handler.map_err(LaunchError::Registration)?;
        log_launched(ccid, begin);
        Ok(Started::Ready(Launched::Here(Arc::new(handler))))
    }

    /// Begins to connect to a server. The launch ends when the server is ready.
    fn connect(self, launching: Launching, connection: &DialTarget) {
        let Some(dialer) = self.dialer else {
            launching.finish(Err(LaunchError::NoDialer));
            return;
        };
        let (begin, ccid) = (Instant::now(), launching.ccid().to_owned());
        let launching = Arc::new(launching);
        let its = Arc::clone(&launching);
        let launched = move |result: Result<Arc<ExternalProgram>, DialError>| {
            let result = result.map(|program| Started::Ready(Launched::External(program)));
            let is_ready = result.is_ok();
            let is_taken = its.finish(result.map_err(LaunchError::Dial));
            if is_ready && is_taken {
                log_launched(its.ccid(), begin);
            }
            is_taken
        };
        let launched = (launching.registry() as Weak<_>, Arc::new(launched) as Arc<_>);
        let abort = dial(dialer.as_ref(), &ccid, connection, &self.config, launched);
        launching.abort_with(abort);
    }
}

fn log_launched(chaincode: &str, begin: Instant) {
    tracing::info!(%chaincode, ms = begin.elapsed().as_millis(), "launched");
}

/// Registers chaincodes that connect by themselves. A stream whose chaincode has not registered
/// does not keep the peer alive.
pub(super) struct IncomingRegistrar {
    pub packages: Weak<PackageStore>,
    pub registry: Weak<Registry>,
    pub config: ExternalConfig,
    pub origin: StreamOrigin,
}

impl IncomingRegistrar {
    /// Checks that the client is the chaincode `ccid`. `expected` is the hash of the secret in its
    /// package, if it has one.
    fn prove(
        &self,
        ccid: &str,
        expected: Option<[u8; 32]>,
        secret: Option<&str>,
    ) -> Result<(), RegistrationError> {
        if self.origin.common_name.as_deref() == Some(ccid) {
            return Ok(());
        }
        match (expected, secret) {
            (Some(hash), Some(secret)) if sha256(secret.as_bytes()) == hash => return Ok(()),
            (Some(_), Some(_)) => return Err(RegistrationError::WrongSecret(ccid.to_owned())),
            _ => {}
        }
        if self.origin.is_local && self.config.trust_local {
            tracing::warn!(
                chaincode = ccid,
                "a program on this machine is accepted as this chaincode without a proof"
            );
            return Ok(());
        }
        Err(RegistrationError::NoProof { ccid: ccid.to_owned(), separator: SECRET_SEPARATOR })
    }
}

impl Registrar for IncomingRegistrar {
    fn admit(&self, said: &str) -> Result<String, RegistrationError> {
        let (ccid, secret) = match said.split_once(SECRET_SEPARATOR) {
            Some((ccid, secret)) => (ccid, Some(secret)),
            None => (said, None),
        };
        if !self.config.dev || ccid.is_empty() {
            let packages = self.packages.upgrade().ok_or(RegistrationError::PeerStopped)?;
            self.prove(ccid, packages.expect(ccid)?, secret)?;
        }
        Ok(ccid.to_owned())
    }

    fn owner(&self) -> Option<Owner> {
        self.registry.upgrade().map(|registry| registry as Owner)
    }

    fn enter(&self, name: &str, program: &Arc<ExternalProgram>) -> Result<(), RegistrationError> {
        let registry = self.registry.upgrade().ok_or(RegistrationError::PeerStopped)?;
        registry.register(name, program)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use prost::Message;

    use super::*;
    use wasmcc_types::proto::protos::chaincode_message::Type;
    use wasmcc_types::proto::protos::{ChaincodeId, ChaincodeMessage};

    /// A peer that ends while a chaincode registers.
    struct Ending {
        registrar: IncomingRegistrar,
        registry: Mutex<Option<Arc<Registry>>>,
    }

    impl Registrar for Ending {
        fn owner(&self) -> Option<Owner> {
            self.registrar.owner()
        }

        fn admit(&self, said: &str) -> Result<String, RegistrationError> {
            self.registrar.admit(said)
        }

        fn enter(
            &self,
            name: &str,
            program: &Arc<ExternalProgram>,
        ) -> Result<(), RegistrationError> {
            let _ends = self.registry.lock().unwrap_or_else(PoisonError::into_inner).take();
            self.registrar.enter(name, program)
        }
    }

    #[test]
    fn a_peer_may_end_while_a_chaincode_registers() {
        let registry = Registry::new(|| usize::MAX);
        let config = ExternalConfig { dev: true, ..ExternalConfig::default() };
        let registrar = IncomingRegistrar {
            packages: Weak::new(),
            registry: Arc::downgrade(&registry),
            config: config.clone(),
            origin: StreamOrigin::default(),
        };
        let (outbox, _inbox) = tokio::sync::mpsc::channel(8);
        let ending = Ending { registrar, registry: Mutex::new(Some(registry)) };
        let stream = ExternalStream::open(outbox, &config, Box::new(ending));
        let id = ChaincodeId { name: "cc:1".to_owned(), ..ChaincodeId::default() };
        stream.receive(ChaincodeMessage {
            r#type: Type::Register.into(),
            payload: id.encode_to_vec(),
            ..ChaincodeMessage::default()
        });
        assert!(!stream.is_open());
    }
}
