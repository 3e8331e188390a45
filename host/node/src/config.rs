//! The configuration of a peer, and its folders.

use std::path::PathBuf;
use std::sync::Arc;

use crate::error::OpenError;
use crate::local_orgs::LocalOrgs;
use crate::observer::Observer;
use crate::snapshots::Snapshots;
use wasmcc_ledger::{LedgerConfig, Ledgers};
use wasmcc_msp::{BatchLimits, Network};
use wasmcc_peer::chaincode::SupportConfig;
use wasmcc_runtime::{Compiler, Limits, Runtime, RuntimeConfig};

/// The folder of compiled code in a data folder.
pub const CACHE_FOLDER: &str = "compiled";
/// The folder of ledgers in a data folder.
pub const LEDGER_FOLDER: &str = "ledger";
/// The folder of snapshots in a data folder.
const SNAPSHOTS_FOLDER: &str = "snapshots";

/// The configuration of a peer.
pub struct PeerConfig {
    /// The organizations and their identities.
    pub network: Network,
    /// The MSP id of the organization whose peer this is.
    pub org: String,
    /// The MSP ids of further organizations whose peers run in this process. They share blocks,
    /// public state and installed chaincodes. Each signs as itself and has its own private data.
    pub more_orgs: Vec<String>,
    /// The data folder; None: everything is in memory.
    pub data: Option<PathBuf>,
    /// The folder of channel snapshots, by default in the data folder.
    pub snapshots: Option<PathBuf>,
    /// Limits of components. Ignored if `runtime` is given.
    pub limits: Limits,
    /// Memory of all guests, see [`RuntimeConfig::memory_of_all`]. Ignored if `runtime` is given.
    pub memory_of_all: Option<usize>,
    /// Selects where components are compiled. Ignored if `runtime` is given.
    pub compiler: Compiler,
    /// A runtime to share with other peers of this process.
    pub runtime: Option<Arc<Runtime>>,
    /// Timeouts and limits of executions.
    pub support: SupportConfig,
    /// Limits of ledgers.
    pub ledger: LedgerConfig,
    /// The conditions to cut a block on channels that this peer creates.
    pub batch: BatchLimits,
    /// Called for every proposal.
    pub observer: Option<Arc<dyn Observer>>,
    /// Runs each proposal several times, and reports runs that differ to the observer. For
    /// development: a proposal takes several times as long.
    pub twice: bool,
}

impl PeerConfig {
    /// Makes the default configuration of a peer of `org`, in memory.
    pub fn new(network: Network, org: impl Into<String>) -> Self {
        Self {
            network,
            org: org.into(),
            more_orgs: Vec::new(),
            data: None,
            snapshots: None,
            limits: Limits::default(),
            memory_of_all: None,
            compiler: Compiler::default(),
            runtime: None,
            support: SupportConfig::default(),
            ledger: LedgerConfig::default(),
            batch: BatchLimits::default(),
            observer: None,
            twice: false,
        }
    }

    pub(crate) fn open_ledgers(&mut self) -> Result<Ledgers, OpenError> {
        let config = std::mem::take(&mut self.ledger);
        match &self.data {
            Some(data) => Ledgers::open(&data.join(LEDGER_FOLDER), config)
                .map_err(|source| OpenError::Ledgers { folder: data.clone(), source }),
            None => Ledgers::temporary(config).map_err(OpenError::LedgersInMemory),
        }
    }

    /// Opens the snapshots. Those of a peer in memory are removed with it.
    pub(crate) fn open_snapshots(
        &self,
        ledgers: &Arc<Ledgers>,
        orgs: &LocalOrgs,
    ) -> Result<Arc<Snapshots>, OpenError> {
        let parent = self.data.as_deref().unwrap_or(ledgers.dir());
        let root = self.snapshots.clone().unwrap_or_else(|| parent.join(SNAPSHOTS_FOLDER));
        let opened = Snapshots::open(ledgers, &root, &orgs.msp_ids());
        opened.map_err(|source| OpenError::Snapshots { folder: root, source })
    }

    pub(crate) fn runtime(&mut self) -> Result<Arc<Runtime>, OpenError> {
        if let Some(shared) = self.runtime.take() {
            return Ok(shared);
        }
        let config = RuntimeConfig {
            limits: std::mem::take(&mut self.limits),
            memory_of_all: self.memory_of_all,
            cache_dir: self.data.as_ref().map(|data| data.join(CACHE_FOLDER)),
            compiler: std::mem::take(&mut self.compiler),
            source_lines: self.twice,
            ..Default::default()
        };
        Ok(Arc::new(Runtime::new(config)?))
    }
}
