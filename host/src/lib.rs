//! wasmcc runs Hyperledger Fabric chaincode as WebAssembly components, in process, in place of
//! container launch.
//!
//! This crate has the names that programs need to embed a peer or a sandbox. The parts are crates
//! of their own (`wasmcc-ledger`, `wasmcc-msp`, `wasmcc-runtime`, ...) for programs that need more
//! of one of them. The command line is `wasmcc-cli`. Does not contain code of its own.
//!
//! # Tests of a contract
//! The crate `wasmcc-test` has the same API and compiles no peer: it has the program `wasmcc` run
//! it. This one runs the peer in the test's own process.
//! ```no_run
//! use wasmcc::{Call, Sandbox, build};
//!
//! # fn main() -> Result<(), wasmcc::SandboxError> {
//! let sandbox = Sandbox::new()?;
//! sandbox.deploy("basic", &build(env!("CARGO_MANIFEST_DIR"))?)?;
//! sandbox.submit(Call::new("basic", "CreateAsset").args(["a1", "blue", "5", "Tomoko", "300"]))?;
//! let asset = sandbox.evaluate(Call::new("basic", "ReadAsset").args(["a1"]))?;
//! assert!(asset.text().contains("Tomoko"));
//! # Ok(())
//! # }
//! ```
//!
//! # A peer in your program
//! A peer of one or more organizations, on disk or in memory. It takes what clients signed and
//! returns what they expect of a Fabric peer.
//! ```
//! use wasmcc::{Network, NetworkSpec, Peer, PeerConfig, ProposalBuilder};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let network = Network::in_memory(&NetworkSpec::default())?;
//! let user = network.org("Org1MSP").ok_or("no organization")?.user("User1")?;
//! let peer = Peer::open(PeerConfig::new(network, "Org1MSP"))?;
//! peer.create_channel("mychannel")?;
//!
//! let query = ProposalBuilder::new("mychannel", "qscc").args(["GetChainInfo", "mychannel"]);
//! let answer = peer.process(query.sign(&user).signed)?.response;
//! assert_eq!(answer.response.map(|response| response.status), Some(200));
//! # Ok(())
//! # }
//! ```
//! With the feature `server` (on by default) [`Server`] offers it to clients over gRPC, with TLS
//! if the [`Listener`] has a [`ServerTls`].
//!
//! The methods of [`Sandbox`] and [`Peer`] block the calling thread, also one that runs
//! asynchronous code; [`Peer::process_for`] does not.
//!
//! # Components without a peer
//! [`Runtime`] loads a component and runs one [`Invocation`] at a time. What the contract asks of
//! its peer is answered by the program's own [`Backend`].
//! ```no_run
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use wasmcc::{
//!     Backend, Entry, Invocation, Meter, Outcome, ProposalContext, Runtime, RuntimeConfig, TxId,
//! };
//!
//! type Error = Box<dyn std::error::Error>;
//!
//! fn invoke(wasm: &[u8], backend: Box<dyn Backend>) -> Result<Outcome, Error> {
//!     let runtime = Runtime::new(RuntimeConfig::default())?;
//!     let component = runtime.load(wasm)?;
//!     let invocation = Invocation {
//!         entry: Entry::Invoke,
//!         chaincode: "basic".into(),
//!         channel_id: "mychannel".into(),
//!         tx_id: TxId::parse("1")?,
//!         args: vec![b"ReadAsset".to_vec(), b"a1".to_vec()],
//!         decorations: Default::default(),
//!         proposal: Arc::new(ProposalContext::default()),
//!         peer_msp_id: "Org1MSP".into(),
//!         timeout: Duration::from_secs(30),
//!         meter: Arc::new(Meter::unlimited(Duration::from_secs(30))),
//!         share: Arc::default(),
//!         limits: None,
//!     };
//!     Ok(runtime.invoke(&component, invocation, backend)?)
//! }
//! ```

pub use wasmcc_client::lscc::Definition;
pub use wasmcc_client::{ClientProposal, ProposalBuilder};
pub use wasmcc_ledger::{Conflict, Ledger, LedgerConfig, LedgerError, TxRwSet};
pub use wasmcc_msp::{
    BatchLimits, MspError, Network, NetworkError, NetworkSpec, OrdererSpec, OrgSpec, PolicyError,
    SigningIdentity,
};
pub use wasmcc_node::sandbox::{
    self, CHANNEL, Call, Divergence, Endorsed, Sandbox, SandboxBuilder, SandboxError, SetupError,
    Submitted, build,
};
pub use wasmcc_node::{
    CreateChannelError, DataFolderError, LocalOrgsError, Observer, OpenError, Peer, PeerConfig,
    Seen,
};
pub use wasmcc_peer::chaincode::{ExternalConfig, QueryLimits, SupportConfig};
pub use wasmcc_peer::endorser::{Processed, Rejected};
pub use wasmcc_runtime::{
    AdmissionError, Backend, BackendError, ChildCompiler, CodeLimits, Compiler, Component,
    ErrorKind, Failure, Instance, Invocation, KeyModification, KeyValue, Limits, LoadError,
    Outcome, PageRequest, ProposalPart, QueryBatch, Reply, Report, Runtime, RuntimeConfig,
    RuntimeError,
};
pub use wasmcc_types::proto::protos::{ProposalResponse, SignedProposal, TxValidationCode};
pub use wasmcc_types::{
    ChaincodeEvent, Client, Entry, Exhausted, InvalidId, Meter, ProposalContext, Response,
    ServerTls, Share, Timestamp, TxId,
};
pub use wasmcc_workers::{Running, Workers, WorkersError};

#[cfg(feature = "server")]
pub use wasmcc_api::{BindError, DeliverConfig, Listener, Patience, Role, Server, ServerConfig};
