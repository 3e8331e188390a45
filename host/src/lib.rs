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
//! With the feature `server` (on by default) [`Server`] offers it to clients over gRPC.

pub use wasmcc_client::ProposalBuilder;
pub use wasmcc_client::lscc::Definition;
pub use wasmcc_ledger::{Ledger, LedgerConfig};
pub use wasmcc_msp::{Network, NetworkSpec, OrdererSpec, OrgSpec, SigningIdentity};
pub use wasmcc_node::sandbox::{
    self, CHANNEL, Call, Divergence, Endorsed, Sandbox, SandboxBuilder, SandboxError, Submitted,
    build,
};
pub use wasmcc_node::{Peer, PeerConfig};
pub use wasmcc_runtime::{
    Backend, Component, Failure, Instance, Invocation, Limits, Outcome, Runtime, RuntimeConfig,
};
pub use wasmcc_types::proto::protos::TxValidationCode;
pub use wasmcc_types::{ChaincodeEvent, Response, Timestamp};
pub use wasmcc_workers::Workers;

#[cfg(feature = "server")]
pub use wasmcc_api::{Listener, Server, ServerConfig};
