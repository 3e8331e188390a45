//! A whole peer in one value, for tests. It opens no ports and leaves no files.
//!
//! The documentation of the crate `wasmcc` has an example.
//!
//! A proposal passes through the same endorser, chaincodes, ledger and committer as on a served
//! peer. It is signed by real identities of a network in memory. Sandboxes are independent and may
//! run in parallel; they share compiled components.
//!
//! Invariant: a sandbox behaves as a served peer.

mod build;
mod call;
mod cargo_flags;
mod deploy;
mod deployment;
mod determinism;
mod error;
mod outcome;
mod profile;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use crate::{Peer, PeerConfig};
use wasmcc_client as client;
use wasmcc_client::ProposalBuilder;
use wasmcc_ledger::Ledger;
use wasmcc_msp::{Network, NetworkSpec, SigningIdentity};
use wasmcc_peer::chaincode::ExternalConfig;
use wasmcc_peer::endorser::{Processed, Rejected, UnpackedProposal};
use wasmcc_runtime::{Limits, MAX_COMPONENT_BYTES, Runtime, RuntimeConfig, RuntimeError, wait};
use wasmcc_types::Client;
use wasmcc_types::proto::common;
use wasmcc_types::proto::protos::TxValidationCode;
use wasmcc_workers::Workers;

pub use crate::determinism::Divergence;
pub use build::build;
pub use call::Call;
pub use cargo_flags::cargo_config;
pub use deployment::Deployment;
pub use error::{SandboxError, SetupError};
pub use outcome::{Endorsed, Submitted};
pub use wasmcc_ledger::OwnRead;

/// The channel that every sandbox has.
pub const CHANNEL: &str = "mychannel";

/// The configuration of a sandbox.
#[derive(Default)]
pub struct SandboxBuilder {
    network: NetworkSpec,
    members: Option<Network>,
    clients: Vec<ClientSpec>,
    orgs: Vec<String>,
    is_profiled: bool,
    limits: Option<Limits>,
    execute_timeout: Option<std::time::Duration>,
    external: ExternalConfig,
}

/// A client that the network's specification does not contain.
struct ClientSpec {
    msp_id: String,
    name: String,
    attributes: BTreeMap<String, String>,
}

/// In-memory peers of one or more organizations, with one channel. A sandbox in a `static` is not
/// dropped; the next process with a sandbox removes its folder (`wasmcc-ledger-*` among the
/// temporary files).
pub struct Sandbox {
    peer: Arc<Peer>,
    org: String,
    workers: Workers,
}

impl SandboxBuilder {
    /// Sets the organizations of the channel. The peer belongs to the first one.
    pub fn network(mut self, network: NetworkSpec) -> Self {
        self.network = network;
        self
    }

    /// Takes the organizations and identities of an existing network, so that calls are signed by
    /// the same clients in every sandbox.
    pub fn members(mut self, network: Network) -> Self {
        self.members = Some(network);
        self
    }

    /// Allows [`Sandbox::profile`]. The sandbox then has its own runtime.
    pub fn profiled(mut self) -> Self {
        self.is_profiled = true;
        self
    }

    /// Adds a client of an organization. Its certificate has attributes as in certificates of
    /// fabric-ca.
    pub fn client(mut self, msp_id: &str, name: &str, attributes: &[(&str, &str)]) -> Self {
        let attributes = attributes.iter();
        let attributes = attributes.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let (msp_id, name) = (msp_id.to_owned(), name.to_owned());
        self.clients.push(ClientSpec { msp_id, name, attributes: attributes.collect() });
        self
    }

    /// Sets the organizations that have a peer, by MSP id. By default only the first one has.
    pub fn orgs<'a>(mut self, msp_ids: impl IntoIterator<Item = &'a str>) -> Self {
        self.orgs = msp_ids.into_iter().map(str::to_owned).collect();
        self
    }

    /// Sets the limits of components. At most 128 instances are alive at once.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = Some(limits);
        self
    }

    /// Sets the time limit of a transaction.
    pub fn execute_timeout(mut self, timeout: std::time::Duration) -> Self {
        self.execute_timeout = Some(timeout);
        self
    }

    /// Configures chaincodes in other processes.
    pub fn external(mut self, external: ExternalConfig) -> Self {
        self.external = external;
        self
    }

    /// Opens the peer and creates the channel.
    pub fn build(self) -> Result<Sandbox, SandboxError> {
        self.set_up().map_err(SandboxError::Setup)
    }

    fn set_up(self) -> Result<Sandbox, SetupError> {
        let mut network = self.members.map_or_else(|| Network::in_memory(&self.network), Ok)?;
        for ClientSpec { msp_id, name, attributes } in &self.clients {
            network = network.with_client(msp_id, name, attributes)?;
        }
        let first = network.orgs().first().map(|org| org.msp_id().to_owned());
        let mut orgs = self.orgs.into_iter();
        let org = orgs.next().or(first);
        let org = org.ok_or(SetupError::NoOrganization)?;
        let mut config = PeerConfig::new(network, &org);
        config.more_orgs = orgs.collect();
        config.runtime = Some(match self.limits {
            limits if self.is_profiled => profiling_runtime(limits.unwrap_or_default())?,
            None => shared_runtime()?,
            Some(limits) => own_runtime(limits)?,
        });
        if let Some(timeout) = self.execute_timeout {
            config.support.execute_timeout = timeout;
        }
        config.support.external = self.external;
        config.ledger.cache_bytes = 16 << 20;
        let peer = Peer::open(config)?;
        let workers = Workers::new(1, 64)?;
        let creating = Arc::clone(&peer);
        workers.run_blocking(move || creating.create_channel(CHANNEL))??;
        Ok(Sandbox { peer, org, workers })
    }
}

/// The pool of a runtime reserves 4 GiB of address space for each instance, so tests use few.
const SHARED_INSTANCES: u32 = 128;
/// Limit on nested chaincode calls.
const PROFILED_INSTANCES: u32 = 32;

/// Returns the runtime of all sandboxes with default limits in a process. They share it, so that a
/// component is compiled only once.
fn shared_runtime() -> Result<Arc<Runtime>, Arc<RuntimeError>> {
    static RUNTIME: OnceLock<Result<Arc<Runtime>, Arc<RuntimeError>>> = OnceLock::new();
    // Some peers admit such components, and the build has checked them.
    let limits = Limits::default().admitting(MAX_COMPONENT_BYTES);
    RUNTIME.get_or_init(|| own_runtime(limits)).clone()
}

/// Makes a runtime that records the source lines of calls.
fn own_runtime(limits: Limits) -> Result<Arc<Runtime>, Arc<RuntimeError>> {
    let limits = Limits { instances: limits.instances.min(SHARED_INSTANCES), ..limits };
    let config = RuntimeConfig { limits, source_lines: true, ..Default::default() };
    Runtime::new(config).map(Arc::new).map_err(Arc::new)
}

/// Makes a runtime for single transactions, whose components have probes.
fn profiling_runtime(limits: Limits) -> Result<Arc<Runtime>, Arc<RuntimeError>> {
    let instances = limits.instances.min(PROFILED_INSTANCES);
    let limits = Limits { instances, ..limits.with_probes() };
    let config = RuntimeConfig { limits, profiles: true, ..Default::default() };
    Runtime::new(config).map(Arc::new).map_err(Arc::new)
}

impl Sandbox {
    /// Makes a peer of `Org1MSP` with the users `Admin`, `User1` and `User2`, and the channel
    /// [`CHANNEL`].
    pub fn new() -> Result<Self, SandboxError> {
        Self::builder().build()
    }

    /// Returns a builder with the default configuration.
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder::default()
    }

    /// Returns the peer itself.
    pub fn peer(&self) -> &Arc<Peer> {
        &self.peer
    }

    /// Returns the channel's ledger.
    pub fn ledger(&self) -> Arc<Ledger> {
        let channel = self.peer.channels().get(CHANNEL);
        Arc::clone(channel.expect("the builder created the channel").ledger())
    }

    /// Returns an identity of the peer's organization, such as "User1" or "Admin".
    pub fn identity(&self, user: &str) -> Result<Arc<SigningIdentity>, SandboxError> {
        self.identity_of(&self.org, user)
    }

    /// Returns an identity of any organization of the network.
    pub fn identity_of(&self, org: &str, user: &str) -> Result<Arc<SigningIdentity>, SandboxError> {
        let no_user = |reason: String| SandboxError::NoUser {
            org: org.to_owned(),
            user: user.to_owned(),
            reason,
        };
        let found = self.peer.network().org(org);
        let found = found.ok_or_else(|| no_user("the organization does not exist".into()))?;
        found.user(user).map(Arc::new).map_err(|error| no_user(error.to_string()))
    }

    /// Returns the number of blocks of the channel.
    pub fn height(&self) -> Result<u64, SandboxError> {
        Ok(self.ledger().height())
    }

    /// Returns the committed value of a key of a chaincode.
    pub fn get_state(&self, chaincode: &str, key: &str) -> Result<Option<Vec<u8>>, SandboxError> {
        let found = self.ledger().snapshot().get(chaincode, key);
        let found = found.map_err(|error| SandboxError::Setup(error.into()))?;
        Ok(found.map(|found| found.value))
    }

    /// Simulates and endorses a call on the caller's peer, without committing it. A response with
    /// an error status is not an `Err`.
    pub fn endorse(&self, call: Call) -> Result<Endorsed, SandboxError> {
        let (builder, org, user) = call.into_proposal();
        let org = org.unwrap_or_else(|| self.org.clone());
        let signer = self.identity_of(&org, &user)?;
        self.endorse_at(self.peer_of(&org), builder, &signer)
    }

    /// As [`endorse`](Self::endorse), for a proposal that was built by hand, on the first peer.
    pub fn endorse_as(
        &self,
        proposal: ProposalBuilder,
        signer: &Arc<SigningIdentity>,
    ) -> Result<Endorsed, SandboxError> {
        self.endorse_at(&self.org, proposal, signer)
    }

    /// As [`endorse_as`](Self::endorse_as), on the peer of an organization.
    pub fn endorse_at(
        &self,
        org: &str,
        proposal: ProposalBuilder,
        signer: &Arc<SigningIdentity>,
    ) -> Result<Endorsed, SandboxError> {
        let proposal = proposal.sign(signer);
        let unpacked = UnpackedProposal::unpack_for_endorser(proposal.signed.clone())?;
        let processed = self.process(org, &unpacked)?;
        Endorsed::read(processed, (proposal, unpacked), Arc::clone(signer))
    }

    /// Endorses on the peer of a further organization, too. A different result is detected at the
    /// commit.
    pub fn endorse_also(&self, org: &str, endorsed: &mut Endorsed) -> Result<(), SandboxError> {
        let processed = self.process(org, &endorsed.unpacked)?;
        endorsed.more.push(processed.response);
        Ok(())
    }

    fn process(
        &self,
        org: &str,
        proposal: &Arc<UnpackedProposal>,
    ) -> Result<Processed, SandboxError> {
        let (peer, proposal) = (Arc::clone(&self.peer), Arc::clone(proposal));
        let org = org.to_owned();
        let processed = move || wait(peer.process_unpacked(&org, proposal, Client::default()));
        Ok(self.run(processed)??)
    }

    /// Returns the organization whose peer endorses for a caller.
    fn peer_of<'a>(&'a self, org: &'a str) -> &'a str {
        if self.peer.orgs().any(|known| known == org) { org } else { &self.org }
    }

    /// Collects the further endorsements that are needed, or fails as the Gateway does. A single
    /// peer endorses alone; if that does not suffice, the commit fails.
    fn endorse_enough(&self, org: &str, endorsed: &mut Endorsed) -> Result<(), SandboxError> {
        if self.peer.orgs().count() == 1 {
            return Ok(());
        }
        let (proposal, response) = (&endorsed.unpacked, &endorsed.proposal_response);
        let by = [org.to_owned()];
        let needed = self.peer.needed_endorsers(proposal, response, &by, &[]);
        let needed = needed.map_err(|why| Rejected::new(why.to_string()))?;
        let mut others = needed.iter().filter(|other| *other != org);
        others.try_for_each(|other| self.endorse_also(other, endorsed))
    }

    /// Simulates a call. A response with an error status is an error.
    pub fn evaluate(&self, call: Call) -> Result<Endorsed, SandboxError> {
        self.endorse(call)?.accepted()
    }

    /// Endorses a call on as many peers as needed, and commits it in its own block. An invalid
    /// transaction is an error.
    pub fn submit(&self, call: Call) -> Result<Submitted, SandboxError> {
        let (builder, org, user) = call.into_proposal();
        let org = org.unwrap_or_else(|| self.org.clone());
        let signer = self.identity_of(&org, &user)?;
        let peer = self.peer_of(&org);
        let mut endorsed = self.endorse_at(peer, builder, &signer)?.accepted()?;
        self.endorse_enough(peer, &mut endorsed)?;
        self.commit_valid(endorsed)
    }

    /// Commits endorsed calls in one block, in their order, valid or not.
    pub fn commit(&self, endorsed: Vec<Endorsed>) -> Result<Vec<Submitted>, SandboxError> {
        let mut envelopes = Vec::with_capacity(endorsed.len());
        for one in &endorsed {
            let first = std::iter::once(&one.proposal_response);
            let responses: Vec<_> = first.chain(&one.more).cloned().collect();
            let envelope = client::transaction(&one.proposal.signed, &responses)?;
            envelopes.push(client::sign_envelope(envelope, &one.signer));
        }
        self.commit_envelopes(envelopes, endorsed)
    }

    fn commit_valid(&self, endorsed: Endorsed) -> Result<Submitted, SandboxError> {
        let submitted = self.commit(vec![endorsed])?;
        let Some(submitted) = submitted.into_iter().next() else {
            return Err(SandboxError::Commit("the block is empty".into()));
        };
        if submitted.code == TxValidationCode::Valid {
            return Ok(submitted);
        }
        let (tx_id, code) = (submitted.endorsed.tx_id, submitted.code);
        let conflict = submitted.conflict.map(Box::new);
        let error = SandboxError::Invalid { tx_id, code, conflict, reason: submitted.reason };
        let orgs = self.peer.network().orgs().iter().map(|org| org.msp_id());
        let without: Vec<&str> = orgs.filter(|org| self.peer_of(org) != *org).collect();
        Err(error.without_peers(&without))
    }

    fn commit_envelopes(
        &self,
        envelopes: Vec<common::Envelope>,
        endorsed: Vec<Endorsed>,
    ) -> Result<Vec<Submitted>, SandboxError> {
        let failed = |error: &dyn std::fmt::Display| SandboxError::Commit(error.to_string());
        let committer = self.peer.committer(CHANNEL).ok_or_else(|| failed(&"no channel"))?;
        // In a test the committer does not wait for space on a full disk; it returns the error.
        committer.end_pauses();
        let block = committer.commit_envelopes(envelopes).map_err(|error| failed(&error))?;
        Ok(endorsed
            .into_iter()
            .zip(&block.txs)
            .map(|(endorsed, tx)| Submitted {
                block: block.number,
                code: tx.code,
                conflict: tx.conflict.clone(),
                reason: committer.notifier().reason(&endorsed.tx_id),
                endorsed,
            })
            .collect())
    }

    /// Runs on the sandbox's own thread, whose stack is large enough for nested chaincode calls.
    fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, SandboxError> {
        self.workers.run_blocking(job).map_err(|error| SandboxError::Setup(error.into()))
    }
}
