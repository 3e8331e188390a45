//! How a chaincode comes to be ready: it is loaded, connected to, or connects by itself; and how
//! it goes.
//!
//! Invariant: nothing waits here for a chaincode to connect; those who need it wait at the
//! registry.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::chaincode::external::{
    Description, Dialer, ExternalConfig, ExternalProgram, Registrar, dial,
};
use crate::chaincode::handler::{Handler, Program};
use crate::chaincode::install_package::Code;
use crate::chaincode::packages::{PackageError, Packages};
use crate::chaincode::registry::{Launched, Registry, Started};
use crate::chaincode::support::ChaincodeSupport;

impl ChaincodeSupport {
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
pub struct Launch {
    pub packages: Arc<Packages>,
    pub dialer: Option<Arc<dyn Dialer>>,
    pub config: ExternalConfig,
    /// For a chaincode server to say who it is.
    pub timeout: Duration,
}

impl Launch {
    /// Launches what is installed as `ccid`. In development, what is not installed will come.
    pub fn run(self, ccid: &str) -> Result<Started, String> {
        let begin = Instant::now();
        let failed = |error: PackageError| format!("error building chaincode: {error}");
        let code = match self.packages.code(ccid) {
            Err(PackageError::NotInstalled(_)) if self.config.dev => return Ok(Started::Awaited),
            code => code.map_err(failed)?,
        };
        let launched = match code {
            Code::Elsewhere(Description::Connects) => return Ok(Started::Awaited),
            Code::Elsewhere(Description::Serves(connection)) => {
                let dialer = self.dialer.as_deref();
                let dialer = dialer.ok_or("this peer cannot connect to chaincode servers")?;
                let program = dial(dialer, ccid, &connection, &self.config, self.timeout)?;
                Launched::External(program)
            }
            Code::Component { wasm, limits } => {
                let guest = self.packages.guest(ccid, &wasm, &limits).map_err(failed)?;
                let handler = Handler::register(ccid, Program::Wasm(guest))
                    .map_err(|e| format!("chaincode registration failed: {e}"))?;
                Launched::Here(Arc::new(handler))
            }
        };
        tracing::info!(chaincode = %ccid, ms = begin.elapsed().as_millis(), "launched");
        Ok(Started::Ready(launched))
    }
}

/// Takes chaincodes that connect by themselves.
pub struct Arrivals {
    pub packages: Arc<Packages>,
    pub registry: Arc<Registry>,
    /// Any id will do.
    pub dev: bool,
}

impl Registrar for Arrivals {
    fn admit(&self, name: &str) -> Result<(), String> {
        if self.dev && !name.is_empty() {
            return Ok(());
        }
        self.packages.expect(name)
    }

    fn enter(&self, name: &str, program: &Arc<ExternalProgram>) -> Result<(), String> {
        self.registry.register(name, program)
    }
}
