//! wasmcc runs Hyperledger Fabric chaincode as WebAssembly components in its own process, instead
//! of in containers.
//!
//! This crate exports the names that programs need to embed a peer or a sandbox. Programs that need
//! more of one part use its crate (`wasmcc-ledger`, `wasmcc-msp`, `wasmcc-runtime`, ...). The
//! command line is `wasmcc-cli`. Does not contain code of its own.
//!
//! # Tests of a contract
//! The crate `wasmcc-test` has the same API without compiling a peer: it runs the program `wasmcc`.
//! This crate runs the peer in the test's own process.
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
//! A peer of one or more organizations, on disk or in memory. It accepts signed messages of clients
//! and returns the same as a Fabric peer.
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
//! A contract is installed and defined by transactions, as on any peer. Its own transactions are
//! endorsed and ordered; the verdict is known once their block is committed:
//! ```no_run
//! use std::sync::mpsc;
//! use wasmcc::{Peer, ProposalBuilder, Response, SigningIdentity, TxValidationCode, client};
//!
//! type Error = Box<dyn std::error::Error>;
//!
//! /// Submits a transaction and waits for its verdict.
//! fn submit(peer: &Peer, user: &SigningIdentity, call: ProposalBuilder) -> Result<(), Error> {
//!     let call = call.sign(user);
//!     let endorsed = peer.process(call.signed.clone())?.response;
//!     let envelope = client::transaction(&call.signed, &[endorsed])?;
//!     let committer = peer.committer("mychannel").ok_or("no such channel")?;
//!     let (send, verdict) = mpsc::channel();
//!     let tell = move |verdict| send.send(verdict).unwrap_or_default();
//!     let _watch = committer.notifier().watch_tx(call.tx_id.as_str(), tell)?;
//!     let orderer = peer.orderer("mychannel")?.ok_or("no orderer")?;
//!     orderer.order(client::sign_envelope(envelope, user))?;
//!     let (code, block) = verdict.recv()?.ok_or("the peer was closed")?;
//!     println!("{} in block {block}", code.as_str_name());
//!     if code == TxValidationCode::Valid { Ok(()) } else { Err(code.as_str_name().into()) }
//! }
//!
//! fn deploy(peer: &Peer, admin: &SigningIdentity, component: Vec<u8>) -> Result<(), Error> {
//!     let install = client::lscc::install("basic", "1.0", component).sign(admin);
//!     let installed = peer.process(install.signed)?.response.response.unwrap_or_default();
//!     if installed.status >= Response::ERROR_THRESHOLD {
//!         return Err(installed.message.into());
//!     }
//!     let definition = wasmcc::Definition {
//!         channel_id: "mychannel".into(),
//!         name: "basic".into(),
//!         version: "1.0".into(),
//!         ..Default::default()
//!     };
//!     submit(peer, admin, client::lscc::deploy(definition))
//! }
//! ```
//! With the feature `server` (on by default) [`Server`] serves clients over gRPC, with TLS if the
//! [`Listener`] has a [`ServerTls`].
//!
//! The methods of [`Sandbox`] and [`Peer`] block the calling thread, even one that runs
//! asynchronous code; [`Peer::process_for`] does not.
//!
//! # Components without a peer
//! [`Runtime`] loads a component and runs one [`Invocation`] at a time. The program's own
//! [`Backend`] answers the contract's calls to the peer.
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

pub use wasmcc_channel::{Channel, ChannelError, Channels};
pub use wasmcc_client::lscc::Definition;
pub use wasmcc_client::{self as client, ClientError, ClientProposal, ProposalBuilder};
pub use wasmcc_committer::{
    CommitError, Committer, Notifier, OrderError, Ordered, Solo, SoloConfig, Subscription,
    TxVerdict, Watch,
};
pub use wasmcc_ledger::{
    CollectionRwSet, CommittedBlock, CommittedTx, Conflict, Ledger, LedgerConfig, LedgerError,
    NewestRow, NsRwSet, TxRwSet,
};
pub use wasmcc_msp::network::{Credentials, Org, TlsFiles};
pub use wasmcc_msp::{
    BatchLimits, GenesisSpec, Identity, MspError, Network, NetworkError, NetworkSpec, OrdererSpec,
    OrgSpec, PolicyError, SigningIdentity,
};
pub use wasmcc_node::sandbox::{
    self, CHANNEL, Call, Deployment, Divergence, Endorsed, OwnRead, Sandbox, SandboxBuilder,
    SandboxError, SetupError, Submitted, build,
};
pub use wasmcc_node::{
    CreateChannelError, DataFolderError, Interruption, LocalOrgsError, Observer, OpenError,
    PackagesError, Peer, PeerConfig, Seen, SnapshotRefusal,
};
pub use wasmcc_peer::chaincode::{ExternalConfig, QueryLimits, SupportConfig};
pub use wasmcc_peer::endorser::{
    Check, Checked, Checks, NoEndorsers, Processed, Rejected, UnpackedProposal,
};
pub use wasmcc_runtime::{
    AdmissionError, Backend, BackendError, ChildCompiler, CodeLimits, Compiler, Component,
    ErrorKind, Failure, Function, FunctionKind, HostCall, Invocation, KeyModification, KeyValue,
    Limits, LoadError, Needs, Outcome, PageRequest, Profile, Profiling, ProposalPart, QueryBatch,
    Recording, Reply, Report, Runtime, RuntimeConfig, RuntimeError, SharedMemory, StackedCall,
    Variation, Waiter,
};
pub use wasmcc_types::proto::common::Envelope;
pub use wasmcc_types::proto::protos::{ProposalResponse, SignedProposal, TxValidationCode};
pub use wasmcc_types::{
    ChaincodeEvent, ChannelId, Client, Entry, Exhausted, Height, InvalidId, Meter, ProposalContext,
    Response, ServerTls, Share, Shares, Timestamp, TxId,
};
pub use wasmcc_workers::{Workers, WorkersError};

#[cfg(feature = "server")]
pub use wasmcc_api::{BindError, DeliverConfig, Listener, Patience, Role, Server, ServerConfig};
