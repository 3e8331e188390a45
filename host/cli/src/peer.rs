//! `wasmcc peer`: runs the embedded peer.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::addresses::Addresses;
use crate::doors::{self, Doors, bind};
use crate::limits::LimitArgs;
use crate::operations::OperationsArgs;
use crate::peer_condition::PeerCondition;
use crate::signal::{Deadline, told_to_end};
use crate::target::open_network;
use crate::tls::PeerTls;
use crate::web::{MakeLaboratory, Page, WebArgs};
use crate::{compiler, duration, expiry, output};
use wasmcc_api::{Server, ServerConfig};
use wasmcc_audit::LaboratoryConfig;
use wasmcc_ledger::LedgerConfig;
use wasmcc_msp::{self as msp, Network};
use wasmcc_node as node;
use wasmcc_peer::chaincode::{ExternalConfig, SupportConfig};
use wasmcc_protocol::BatchLimits;
use wasmcc_workers::Workers;

const EXAMPLES: &str = "\
Examples:
  wasmcc peer --network net
  wasmcc peer --network net --in-memory --batch-timeout 10ms
  wasmcc peer --network net --listen Org1MSP=127.0.0.1:7051 --listen Org2MSP=127.0.0.1:9051 \
    --orderer-listen 127.0.0.1:7050 --tls
  wasmcc peer --network net --data /var/lib/wasmcc --listen 0.0.0.0:7051 --channel assets
  wasmcc peer --network net --web 127.0.0.1:8080
  wasmcc peer --network net --tls-cert server.crt --tls-key server.key --tls-client-ca ca.crt

It serves Fabric's Endorser and Gateway services, and ChaincodeSupport for chaincodes in processes
of their own, until it gets SIGTERM or SIGINT; a second signal ends it at once.";

/// Time limit for closing threads and databases after the last call.
const CLOSING: Duration = Duration::from_secs(5);

/// Run a peer: it endorses, orders, validates and commits, all on this machine.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Peer {
    /// The network folder with the peer's identity.
    #[arg(long, env = "WASMCC_NETWORK", value_name = "DIR")]
    network: PathBuf,
    #[command(flatten)]
    addresses: Addresses,
    /// The folder for ledgers and compiled chaincode [default: data/MSPID in the network folder].
    #[arg(long, value_name = "DIR", conflicts_with = "in_memory")]
    data: Option<PathBuf>,
    /// Keep all data in memory only.
    #[arg(long)]
    in_memory: bool,
    /// The folder for snapshots of channels [default: snapshots in the data folder].
    #[arg(long, value_name = "DIR")]
    snapshots: Option<PathBuf>,
    /// A channel of the peers, created if it does not exist; may be repeated.
    #[arg(long = "channel", default_value = "mychannel", value_name = "NAME")]
    channels: Vec<String>,
    /// Create and join no channel: clients join the peers to channels, as with `peer channel join`.
    #[arg(long)]
    no_channel: bool,
    #[command(flatten)]
    tls: PeerTls,
    /// Behave like a Fabric peer with LevelDB: refuse rich queries, and accept keys and values that
    /// CouchDB refuses.
    #[arg(long, env = "WASMCC_NO_RICH_QUERIES")]
    no_rich_queries: bool,
    #[command(flatten)]
    chaincodes: Chaincodes,
    #[command(flatten)]
    doors: Doors,
    #[command(flatten)]
    operations: OperationsArgs,
    #[command(flatten)]
    web: WebArgs,
    #[command(flatten)]
    limits: Limits,
    #[command(flatten)]
    guests: LimitArgs,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Chaincodes in processes of their own")]
struct Chaincodes {
    /// Developer mode: let any chaincode connect, not only installed external ones, and warn about
    /// transactions that read a key that they wrote.
    #[arg(long)]
    chaincode_dev: bool,
    /// Accept any program of this machine as an installed external chaincode, without its secret.
    #[arg(long)]
    chaincode_insecure: bool,
    /// How long a transaction waits for a chaincode that is not connected.
    #[arg(long, default_value = "10s", value_parser = duration::positive, value_name = "TIME")]
    chaincode_wait: Duration,
    /// Interval of keep-alive messages to chaincodes [default: never; the Node shim ends at such a
    /// message].
    #[arg(long, value_parser = duration::positive, value_name = "TIME")]
    chaincode_keepalive: Option<Duration>,
    /// Offer the batch messages of Fabric 3.1.
    #[arg(long)]
    chaincode_batches: bool,
}

impl Chaincodes {
    fn config(self) -> ExternalConfig {
        // The same limit as Fabric's peer.
        let batch = self.chaincode_batches.then_some(1000);
        ExternalConfig {
            dev: self.chaincode_dev,
            trust_local: self.chaincode_insecure,
            connect_wait: self.chaincode_wait,
            keepalive: self.chaincode_keepalive,
            batch: BatchLimits { write_batch: batch, get_multiple: batch },
        }
    }
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
struct Limits {
    /// Time limit for one transaction of a chaincode.
    #[arg(long, env = "WASMCC_EXECUTE_TIMEOUT", default_value = "30s")]
    #[arg(value_parser = duration::positive, value_name = "TIME")]
    execute_timeout: Duration,
    /// How long a block waits for more transactions (on channels that are created) [default: not at
    /// all; it has the transactions that arrived during the last commit].
    #[arg(long, value_parser = duration::positive, value_name = "TIME")]
    batch_timeout: Option<Duration>,
    /// Most transactions in a block (on channels that are created).
    #[arg(long, default_value_t = 500, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    max_message_count: u32,
    /// Memory for all transactions together; one client or chaincode may use half of it [default:
    /// half of the machine's].
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..))]
    guests_mib: Option<u32>,
    /// Threads that process proposals; a waiting proposal needs none [default: one per processor].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    workers: Option<u16>,
    /// Most proposals that may wait for a thread.
    #[arg(long, default_value_t = 1000, value_name = "N")]
    queue: u16,
    /// Size of all requests that are processed or wait for it, in MiB. Requests that are being
    /// received may take as much again, and so may blocks that are being sent to clients.
    #[arg(long, default_value_t = 512, value_name = "MIB")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    request_mib: u16,
}

impl Peer {
    /// Serves until SIGINT or SIGTERM.
    pub(crate) fn run(self) -> Result<()> {
        let channels = if self.no_channel { Vec::new() } else { self.channels.clone() };
        let deadline = Deadline::new(self.doors.grace() + CLOSING)?;
        let network = open_network(&self.network)?;
        let orgs = self.addresses.orgs(&network)?;
        let listeners = self.addresses.listeners(&network, &orgs, &self.tls)?;
        let certificates = expiry::of_peers(&orgs, network.orderer(), &listeners);
        let bounds = ServerConfig {
            request_bytes: usize::from(self.limits.request_mib) << 20,
            ..self.doors.config(listeners.len())?
        };
        let runtime = doors::runtime().context("cannot start the server")?;
        // Bind first: a peer that cannot listen must not create files.
        let mut server = runtime.block_on(bind(listeners, bounds))?;
        let operations = runtime.block_on(self.operations.bind())?;
        runtime.block_on(async { expiry::watch(certificates) });
        let page = runtime.block_on(self.web.bind())?.map(Page::new).transpose()?;
        server.advertise(self.addresses.advertised(&network, &orgs, &server)?);
        let orgs: Vec<String> = orgs.into_iter().map(|org| org.msp_id().to_owned()).collect();
        let workers = match self.limits.workers {
            Some(workers) => workers.into(),
            None => std::thread::available_parallelism().map_or(1, usize::from),
        };
        let queue = usize::from(self.limits.queue);
        let workers = Workers::new(workers, queue);
        let workers = Arc::new(workers.context("cannot start the workers")?);
        let data = self.data(&orgs);
        let disk = self.operations.disk(data.as_deref());
        let laboratory = self.laboratory(data.as_deref());
        let mut config = self.config(network, orgs, data)?;
        config.observer = page.as_ref().map(Page::observer);
        let peer = node::Peer::open(config)?;
        for channel in channels {
            let peer = Arc::clone(&peer);
            workers.run_blocking(move || peer.join_channel(&channel))??;
        }
        if let Some(operations) = operations {
            let (peer, workers) = (Arc::clone(&peer), Arc::clone(&workers));
            let condition = PeerCondition { peer, workers, queue, disk };
            runtime.block_on(async { operations.serve(Arc::new(condition)) })?;
        }
        if let Some(page) = page {
            runtime.block_on(async { page.serve(&peer, laboratory) });
        }
        // The page and blocked calls may still hold the peer when the process ends.
        let ledgers = Arc::clone(peer.channels().ledgers());
        let served = runtime.block_on(serve(server, peer, workers, &deadline));
        deadline.begin();
        // Does not wait for blocked calls.
        runtime.shutdown_background();
        ledgers.flush();
        served
    }

    /// Returns the data folder; None for a peer in memory.
    fn data(&self, orgs: &[String]) -> Option<PathBuf> {
        let usual = || Some(self.network.join("data").join(orgs.first()?));
        if self.in_memory { None } else { self.data.clone().or_else(usual) }
    }

    /// Returns how the page makes laboratories, which run past transactions again.
    fn laboratory(&self, data: Option<&Path>) -> MakeLaboratory {
        let cache = data.map(|data| data.join(node::CACHE_FOLDER));
        let limits = self.guests.apply(wasmcc_runtime::Limits::default());
        let execute_timeout = self.limits.execute_timeout;
        let rich_queries = !self.no_rich_queries;
        Box::new(move || {
            let (limits, cache) = (limits.clone(), cache.clone());
            let compiler = compiler::compiler()?;
            let support = SupportConfig { execute_timeout, ..SupportConfig::default() };
            let ledger = LedgerConfig { rich_queries, ..LedgerConfig::default() };
            Ok(LaboratoryConfig { limits, cache, compiler, support, ledger, ..Default::default() })
        })
    }

    fn config(
        self,
        network: Network,
        mut orgs: Vec<String>,
        data: Option<PathBuf>,
    ) -> Result<node::PeerConfig> {
        let rich_queries = !self.no_rich_queries;
        let Self { chaincodes, limits, guests, snapshots, .. } = self;
        let more_orgs = orgs.split_off(orgs.len().min(1));
        let msp_id = orgs.pop().context("the network has no organization")?;
        let config = node::PeerConfig::new(network, msp_id);
        let compiler = compiler::compiler()?;
        let mut config = node::PeerConfig { data, snapshots, more_orgs, compiler, ..config };
        config.ledger.rich_queries = rich_queries;
        config.support.external = chaincodes.config();
        config.support.execute_timeout = limits.execute_timeout;
        config.batch.timeout = limits.batch_timeout.unwrap_or(msp::BatchLimits::NO_WAIT);
        config.batch.max_message_count = limits.max_message_count;
        config.limits = guests.apply(config.limits);
        if let Some(bytes) = guests.value_bytes() {
            // This limit also applies to external chaincodes.
            config.ledger.max_value_bytes = bytes;
        }
        let bytes = |mib| usize::try_from(u64::from(mib) << 20).unwrap_or(usize::MAX);
        config.memory_of_all = limits.guests_mib.map(bytes);
        Ok(config)
    }
}

async fn serve(
    server: Server,
    peer: Arc<node::Peer>,
    workers: Arc<Workers>,
    deadline: &Deadline,
) -> Result<()> {
    // First install the signal handlers: an early signal must not interrupt the start.
    let signal = told_to_end()?;
    for (number, (role, address)) in server.addresses().enumerate() {
        match number {
            0 => output::line(&format!("ready on {address}"))?,
            _ => output::line(&format!("{role} on {address}"))?,
        }
    }
    let told = async {
        signal.await;
        tracing::info!("stopping");
        deadline.begin();
    };
    server.serve(peer, workers, told).await.context("the server failed")
}
