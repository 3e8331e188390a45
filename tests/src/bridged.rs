//! Components behind the chaincode protocol, in this process: the code of `wasmcc serve` and of the
//! external builder, on the loopback.
//!
//! Invariant: a component has the limits of [`runtime`], here and in a peer's own process.

use std::sync::{Arc, LazyLock};

use tokio::runtime::{Builder, Runtime as Tokio};
use tokio::task::JoinHandle;
use wasmcc_bridge::{
    BridgeError, ChaincodeServer, PeerAddress, PeerClient, Program, ProgramConfig, ServerConfig,
    Stop, StopHandle,
};
use wasmcc_runtime::{Limits, Runtime, RuntimeConfig};
use wasmcc_types::ServerTls;

/// Each instance reserves 4 GiB of address space.
pub(crate) const INSTANCES: u32 = 32;

/// Small enough that an endless loop ends soon, even one that calls a peer each time.
pub const FUEL: u64 = 50_000_000;

/// Returns the shared runtime with little fuel, so that a component is compiled once.
pub fn runtime() -> Arc<Runtime> {
    static RUNTIME: LazyLock<Arc<Runtime>> = LazyLock::new(|| {
        let limits = Limits { fuel: FUEL, instances: INSTANCES, ..Limits::default() };
        let runtime = Runtime::new(RuntimeConfig { limits, ..Default::default() });
        Arc::new(runtime.expect("the machine runs WebAssembly"))
    });
    Arc::clone(&RUNTIME)
}

/// Returns a component under a package id.
pub fn program(id: &str, component: &[u8], config: ProgramConfig) -> Arc<Program> {
    let component = runtime().load(component).expect("it is a component");
    let config = ProgramConfig { peer_msp_id: "Org1MSP".into(), ..config };
    Arc::new(Program::new(id, component, runtime(), config))
}

/// A program with its streams; stopped when dropped.
pub struct Bridged {
    address: String,
    stop: Arc<StopHandle>,
    serving: Option<JoinHandle<Result<(), BridgeError>>>,
    tokio: Tokio,
}

impl Bridged {
    /// Listens for peers on a free port.
    pub fn serve(program: Arc<Program>, tls: Option<ServerTls>) -> Self {
        let config = ServerConfig { tls, ..ServerConfig::default() };
        let tokio = tokio();
        let server = tokio.block_on(ChaincodeServer::bind("127.0.0.1:0", program, config));
        let server = server.expect("there is a free port");
        let address = server.address().to_string();
        let (stop, stopped) = Stop::new();
        let serving = Some(tokio.spawn(server.serve(stopped)));
        Self { address, stop, serving, tokio }
    }

    /// Connects to a peer.
    ///
    /// # Errors
    /// The connection fails.
    pub fn register(program: Arc<Program>, peer: &PeerAddress) -> Result<Self, BridgeError> {
        let config = ServerConfig::default();
        let tokio = tokio();
        let client = tokio.block_on(PeerClient::connect(peer))?;
        let (stop, stopped) = Stop::new();
        let serving = Some(tokio.spawn(client.serve(program, stopped, config.grace)));
        Ok(Self { address: peer.address.clone(), stop, serving, tokio })
    }

    /// Returns the listener's HOST:PORT.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Returns the contents of a peer's package for this server.
    pub fn connection(&self) -> Vec<u8> {
        format!(r#"{{"address": "{}"}}"#, self.address).into_bytes()
    }

    /// Returns the handle that stops it.
    pub fn stop_handle(&self) -> Arc<StopHandle> {
        Arc::clone(&self.stop)
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// It ended without being stopped; the error has the reason.
    pub fn ended(mut self) -> Result<(), BridgeError> {
        let serving = self.serving.take().expect("only this and drop take it");
        self.tokio.block_on(serving).expect("it does not panic")
    }
}

impl Drop for Bridged {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(serving) = self.serving.take() {
            // A failed test has already reported it.
            let _ = self.tokio.block_on(serving);
        }
    }
}

fn tokio() -> Tokio {
    let tokio = Builder::new_multi_thread().worker_threads(1).enable_all().build();
    tokio.expect("there are threads")
}
