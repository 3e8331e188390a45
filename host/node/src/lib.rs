//! A whole peer: this crate connects all parts.
//!
//! [`Peer`] is set up by [`PeerConfig`]; [`sandbox`] has a peer for tests. [`Peer::open`] makes the
//! parts in their order: begin reading there.
//!
//! Does not contain logic of its own.

pub mod sandbox;

mod block_signers;
#[cfg(feature = "server")]
mod chaincodes;
mod condition;
mod config;
mod data_folder;
mod deployments;
mod determinism;
#[cfg(feature = "server")]
mod discovery;
mod endorsements;
mod error;
mod index_builder;
mod indexes;
#[cfg(feature = "server")]
mod installed;
mod joining;
mod ledger_folder;
mod local_orgs;
mod observer;
mod ordering;
#[cfg(feature = "server")]
mod participation;
#[cfg(feature = "server")]
mod private_events;
mod running;
#[cfg(feature = "server")]
mod serve;
mod snapshots;
mod system_chaincodes;
mod twice;
mod vscc_port;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::data_folder::DataFolder;
use crate::deployments::Deployments;
use crate::indexes::IndexCreator;
use crate::local_orgs::LocalOrgs;
use crate::observer::Place;
use crate::ordering::Ordering;
use crate::running::RunningChaincodes;
use crate::snapshots::Snapshots;
use crate::twice::Twice;
use crate::vscc_port::VsccPort;
use wasmcc_channel::collections::LocalPeers;
use wasmcc_channel::{Channel, ChannelError, Channels};
use wasmcc_committer::{Committer, DeployListener, EndorsementValidator};
use wasmcc_ledger::Ledgers;
#[cfg(feature = "server")]
use wasmcc_msp::MspManager;
use wasmcc_msp::{BatchLimits, Network, SigningIdentity};
use wasmcc_peer::chaincode::{AccessControl, ChaincodeSupport, PackageStore};
use wasmcc_peer::endorser::{Endorser, Processed, Rejected, Turns, UnpackedProposal};
use wasmcc_peer::syscc::Acl;
use wasmcc_runtime::{Runtime, wait};
use wasmcc_types::Client;
use wasmcc_types::proto::protos;

pub use condition::Interruption;
pub use config::{CACHE_FOLDER, LEDGER_FOLDER, PeerConfig};
pub use data_folder::{DataFolderError, folder_org};
pub use determinism::Divergence;
pub use error::{CreateChannelError, OpenError, PackagesError};
pub use ledger_folder::open_ledger_folder;
pub use local_orgs::LocalOrgsError;
pub use observer::{Observer, Seen};
pub use snapshots::SnapshotRefusal;

/// Makes one endorser for each organization.
fn endorsers(
    support: &Arc<ChaincodeSupport>,
    channels: &Arc<Channels>,
    access: &Arc<dyn AccessControl>,
    orgs: &LocalOrgs,
) -> Vec<(String, Endorser)> {
    let (peers, turns) = (orgs.peers(), Arc::<Turns>::default());
    let endorsers = orgs.msps().map(|(org, msps)| {
        let endorser = Endorser::new(
            Arc::clone(support),
            Arc::clone(channels),
            Arc::clone(access),
            Arc::clone(msps),
            (org, peers.clone()),
            Arc::clone(&turns),
        );
        (org.to_owned(), endorser)
    });
    endorsers.collect()
}

/// A peer with its ledgers, its chaincodes and a solo orderer for each channel. It may contain the
/// peers of several organizations, which share all of these.
pub struct Peer {
    network: Network,
    runtime: Arc<Runtime>,
    batch: BatchLimits,
    support: Arc<ChaincodeSupport>,
    /// Endorsers by organization, the first one is the default.
    endorsers: Vec<(String, Endorser)>,
    access: Arc<dyn AccessControl>,
    ledgers: Arc<Ledgers>,
    channels: Arc<Channels>,
    validator: Arc<dyn EndorsementValidator>,
    peers: LocalPeers,
    deploys: Arc<dyn DeployListener>,
    snapshots: Arc<Snapshots>,
    /// The identities that may sign blocks, the orderer's first.
    signers: Vec<Arc<SigningIdentity>>,
    /// The signing identities of the peers, by MSP id.
    #[cfg(feature = "server")]
    signers_of_orgs: BTreeMap<String, Arc<SigningIdentity>>,
    /// The MSPs that the peers accept without a channel, by MSP id.
    #[cfg(feature = "server")]
    local_msps: BTreeMap<String, Arc<MspManager>>,
    #[cfg(feature = "server")]
    running: RunningChaincodes,
    observer: Option<Arc<dyn Observer>>,
    twice: Option<Twice>,
    committers: Mutex<BTreeMap<String, Arc<Committer>>>,
    orderers: Mutex<BTreeMap<String, Ordering>>,
}

impl Peer {
    /// Opens or creates a peer and recovers its state.
    pub fn open(mut config: PeerConfig) -> Result<Arc<Self>, OpenError> {
        let named = std::iter::once(&config.org).chain(&config.more_orgs).map(String::as_str);
        let orgs = LocalOrgs::new(&config.network, named)?;
        let folder = config.data.as_deref();
        let folder = folder.map(|data| DataFolder::check(data, &config.network, &orgs.msp_ids()));
        let folder = folder.transpose()?;
        let ledgers = Arc::new(config.open_ledgers()?);
        let channels = Arc::new(Channels::open(Arc::clone(&ledgers))?);
        if let Some(folder) = folder {
            folder.adopt(&config.network, &channels)?;
        }
        let snapshots = config.open_snapshots(&ledgers, &orgs)?;
        let runtime = config.runtime()?;
        let PeerConfig { network, support, batch, observer, twice, .. } = config;
        let local = orgs.msps().map(|(org, msps)| (org.to_owned(), Arc::clone(msps)));
        let access: Arc<dyn AccessControl> =
            Arc::new(Acl::new(Arc::clone(&channels), local.collect()));
        let packages = Arc::new(PackageStore::new(Arc::clone(&ledgers), Arc::clone(&runtime)));
        let running = RunningChaincodes::new(Arc::clone(&packages), orgs.msp_ids());
        let indexes = IndexCreator::new(Arc::clone(&packages), running.clone());
        indexes.catch_up(&channels);
        let mut support = ChaincodeSupport::new(
            Arc::clone(&runtime),
            Arc::clone(&packages),
            Arc::clone(&ledgers),
            Arc::clone(&access),
            support,
        );
        let holders = system_chaincodes::holders(&ledgers).map_err(ChannelError::from)?;
        let packages = (packages, holders);
        system_chaincodes::register(&mut support, packages, &channels, &access, &orgs)?;
        #[cfg(feature = "server")]
        support.set_dialer(Arc::new(chaincodes::GrpcDialer::default()));
        let support = Arc::new(support);
        let deploys = Deployments {
            indexes,
            running: running.clone(),
            channels: Arc::clone(&channels),
            support: Arc::clone(&support),
            snapshots: Arc::clone(&snapshots),
        };
        let peer = Arc::new(Self {
            endorsers: endorsers(&support, &channels, &access, &orgs),
            signers: block_signers::all(&network, &orgs),
            validator: Arc::new(VsccPort::new(Arc::clone(&support))),
            peers: orgs.peers(),
            network,
            runtime,
            batch,
            support,
            access,
            ledgers,
            channels,
            deploys: Arc::new(deploys),
            snapshots,
            #[cfg(feature = "server")]
            signers_of_orgs: orgs.signers(),
            #[cfg(feature = "server")]
            local_msps: orgs.msps().map(|(org, msps)| (org.to_owned(), msps.clone())).collect(),
            #[cfg(feature = "server")]
            running,
            observer,
            twice: twice.then(Twice::default),
            committers: Mutex::default(),
            orderers: Mutex::default(),
        });
        peer.snapshots.catch_up(&peer.channels);
        peer.resume_ordering();
        Ok(peer)
    }

    /// Returns the runtime of components.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Returns the organizations and their identities.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Returns the channels that the peer has joined.
    pub fn channels(&self) -> &Arc<Channels> {
        &self.channels
    }

    /// Returns the chaincode support, for callers that run a transaction without a proposal to this
    /// peer, such as an audit of another peer's transactions.
    pub fn support(&self) -> &Arc<ChaincodeSupport> {
        &self.support
    }

    /// Returns the access control.
    pub fn access(&self) -> &dyn AccessControl {
        self.access.as_ref()
    }

    /// Returns the MSP ids of the organizations of these peers, the first one first.
    pub fn orgs(&self) -> impl Iterator<Item = &str> {
        self.endorsers.iter().map(|(org, _)| org.as_str())
    }

    fn org(&self) -> Option<&str> {
        self.orgs().next()
    }

    /// Checks, simulates and endorses one proposal as the peer of the first organization. Blocks
    /// the thread. An error of the chaincode is not an `Err`: the response has its status. Needs a
    /// thread with a large stack: see [`Workers`](wasmcc_workers::Workers).
    pub fn process(&self, signed: protos::SignedProposal) -> Result<Processed, Rejected> {
        self.process_as(self.org().unwrap_or_default(), signed)
    }

    /// As [`process`](Self::process), for the peer of the organization `org` (MSP id).
    pub fn process_as(
        &self,
        org: &str,
        signed: protos::SignedProposal,
    ) -> Result<Processed, Rejected> {
        wait(self.process_for(org, signed, Client::default()))
    }

    /// As [`process_as`](Self::process_as), for asynchronous code: it yields while it waits for a
    /// chaincode in another process, and every 10 ms while a guest computes. The transaction ends
    /// if the future is dropped or the client leaves.
    pub async fn process_for(
        &self,
        org: &str,
        signed: protos::SignedProposal,
        client: Client,
    ) -> Result<Processed, Rejected> {
        self.endorser(org)?;
        let proposal = UnpackedProposal::unpack_for_endorser(signed)?;
        self.process_unpacked(org, proposal, client).await
    }

    /// As [`process_for`](Self::process_for), for a proposal that is already unpacked and that
    /// several organizations may share.
    pub async fn process_unpacked(
        &self,
        org: &str,
        proposal: Arc<UnpackedProposal>,
        client: Client,
    ) -> Result<Processed, Rejected> {
        let (endorser, Some(observer)) = (self.endorser(org)?, self.observer.as_deref()) else {
            return self.endorser(org)?.process(proposal, client).await;
        };
        let at = Place { org, endorser, runtime: &self.runtime };
        observer::process(at, observer, self.twice.as_ref(), proposal, client).await
    }

    fn endorser(&self, org: &str) -> Result<&Endorser, Rejected> {
        let endorser = self.endorsers.iter().find(|(msp_id, _)| msp_id == org);
        let no_peer = || Rejected::new(format!("organization {org} has no peer here"));
        endorser.map(|(_, endorser)| endorser).ok_or_else(no_peer)
    }

    /// Returns the committer of a channel; None if the peer has not joined the channel.
    pub fn committer(&self, channel: &str) -> Option<Arc<Committer>> {
        let mut committers = lock(&self.committers);
        if let Some(committer) = committers.get(channel) {
            return Some(Arc::clone(committer));
        }
        let found: Arc<Channel> = self.channels.get(channel)?;
        let config = found.config();
        let committer = Committer::new(found, Arc::clone(&self.validator));
        let deploys = Arc::clone(&self.deploys);
        let committer = committer.with_peers(self.peers.clone()).with_deploy_listener(deploys);
        let signers = block_signers::of_channel(&self.signers, &config);
        let committer = Arc::new(committer.with_signers(signers));
        committers.insert(channel.to_owned(), Arc::clone(&committer));
        Some(committer)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
