//! The peers and the orderer of the network, at their addresses.

use std::any::Any;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::compiler;
use crate::dev::events::{Event, Events, Reasons};
use crate::dev::network::Members;
use crate::dev::place::{Place, Record};
use wasmcc_api::{Descriptors, Server, ServerConfig};
use wasmcc_msp::BatchLimits;
use wasmcc_msp::network::Org;
use wasmcc_node::{Peer, PeerConfig};
use wasmcc_types::ServerTls;
use wasmcc_workers::Workers;

/// The channel of Fabric's samples.
const CHANNEL: &str = "mychannel";
/// Connections at each address.
const CONNECTIONS: u64 = 900;
/// For calls that are open when the network ends.
const GRACE: Duration = Duration::from_millis(200);
/// Proposals that wait for a thread.
const QUEUE: usize = 1_000;

/// Where the network listens.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Addresses; port 0 takes any free one")]
pub(super) struct Ports {
    /// The address of this machine to listen on; 0.0.0.0 for clients on others.
    #[arg(long, default_value = "127.0.0.1", value_name = "HOST")]
    host: String,
    /// The port of Org1's peer.
    #[arg(long, default_value_t = 7051, value_name = "PORT")]
    org1_port: u16,
    /// The port of Org2's peer.
    #[arg(long, default_value_t = 9051, value_name = "PORT")]
    org2_port: u16,
    /// The port of the orderer.
    #[arg(long, default_value_t = 7050, value_name = "PORT")]
    orderer_port: u16,
}

impl Ports {
    /// Who listens there, the port, and the flag that changes it.
    fn all(&self) -> [(&'static str, u16, &'static str); 3] {
        [
            ("Org1's peer", self.org1_port, "--org1-port"),
            ("Org2's peer", self.org2_port, "--org2-port"),
            ("the orderer", self.orderer_port, "--orderer-port"),
        ]
    }

    /// Whether all are free; the error names the one that is not.
    pub(super) async fn check(&self) -> Result<()> {
        let mut held = Vec::new();
        for (who, port, flag) in self.all() {
            let listener = TcpListener::bind((self.host.as_str(), port)).await;
            held.push(listener.map_err(|error| self.cannot_listen(who, port, flag, &error))?);
        }
        Ok(())
    }

    fn cannot_listen(
        &self,
        who: &str,
        port: u16,
        flag: &str,
        error: &std::io::Error,
    ) -> anyhow::Error {
        let host = &self.host;
        match error.kind() {
            std::io::ErrorKind::AddrInUse => anyhow!(
                "port {port}, which {who} listens on, is in use: end what listens there (another \
                 `wasmcc dev`, or Fabric's test network), or choose another port with {flag}"
            ),
            _ => {
                anyhow!("cannot listen on {host}:{port} for {who}: {error}; see --host and {flag}")
            }
        }
    }

    /// How clients of this machine reach a port; certificates have this name.
    fn reached_at(&self, address: SocketAddr) -> String {
        match address.ip().is_loopback() || address.ip().is_unspecified() {
            true => format!("localhost:{}", address.port()),
            false => address.to_string(),
        }
    }
}

/// The network, ready to serve.
pub(super) struct Serving {
    servers: Vec<Server>,
    peer: Arc<Peer>,
    workers: Arc<Workers>,
    record: Record,
    /// Reports blocks as long as it is there.
    reporting: Box<dyn Any + Send>,
}

impl Serving {
    /// Opens ledgers and sockets, and creates the channel where there is none.
    pub(super) fn open(
        runtime: &Runtime,
        members: Members,
        ports: &Ports,
        place: &Place,
        events: &Events,
    ) -> Result<Self> {
        let mut servers = runtime.block_on(bind(&members, ports))?;
        let (orgs, addresses) = (members.network.orgs(), servers.iter().map(Server::address));
        let addresses: Vec<SocketAddr> = addresses.collect();
        let advertised: BTreeMap<String, String> = orgs
            .iter()
            .zip(&addresses)
            .filter_map(|(org, address)| {
                let name = format!("{}:{}", org.peer_name()?, address.port());
                Some((org.msp_id().to_owned(), name))
            })
            .collect();
        servers.iter_mut().for_each(|server| server.advertise(advertised.clone()));
        let bound: Vec<u16> = addresses.iter().map(SocketAddr::port).collect();
        members.write_profiles(place, &bound)?;
        let reached = |address: &SocketAddr| ports.reached_at(*address);
        let peers = orgs.iter().zip(&addresses);
        let record = Record {
            process: std::process::id(),
            organizations: members.folder.clone(),
            channel: CHANNEL.to_owned(),
            peers: peers.map(|(org, at)| (org.msp_id().to_owned(), reached(at))).collect(),
            orderer: addresses.last().map(reached).unwrap_or_default(),
        };
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let workers = Workers::new(workers, QUEUE).context("cannot start the workers")?;
        let peer = open_peer(members, place, events)?;
        if peer.channels().get(CHANNEL).is_none() {
            let peer = Arc::clone(&peer);
            workers.run_blocking(move || peer.create_channel(CHANNEL))??;
        }
        let reporting = report_blocks(&peer, events)?;
        place.write_record(&record)?;
        let at: Vec<String> = record.peers.iter().map(|(org, at)| format!("{org} {at}")).collect();
        let (at, orderer) = (at.join(", "), &record.orderer);
        let folder = crate::build::shown(&record.organizations);
        events.say(format!("{CHANNEL}: {at}, orderer {orderer}; identities in {folder}"));
        Ok(Self { servers, peer, workers: Arc::new(workers), record, reporting })
    }

    /// Where it serves.
    pub(super) fn record(&self) -> &Record {
        &self.record
    }

    /// Serves until what this returns first is dropped; the task is over then.
    pub(super) fn serve(self) -> (watch::Sender<()>, JoinHandle<Result<()>>) {
        let (stop, stopping) = watch::channel(());
        let Self { servers, peer, workers, reporting, .. } = self;
        let mut serving = JoinSet::new();
        for server in servers {
            let (peer, workers, mut stopping) =
                (Arc::clone(&peer), Arc::clone(&workers), stopping.clone());
            // It ends when nothing will come any more.
            let ended = async move { while stopping.changed().await.is_ok() {} };
            serving.spawn(server.serve(peer, workers, ended));
        }
        let served = tokio::spawn(async move {
            let _until_the_end = reporting;
            while let Some(served) = serving.join_next().await {
                served.context("the server panicked")?.context("the server failed")?;
            }
            Ok(())
        });
        (stop, served)
    }
}

/// The peers' sockets in the order of the organizations, then the orderer's.
async fn bind(members: &Members, ports: &Ports) -> Result<Vec<Server>> {
    let orderer = members.orderer().context("the network has no orderer")?;
    let orgs = members.network.orgs().iter().chain([orderer]);
    let connections = Descriptors::raise().connections(CONNECTIONS, ports.all().len())?;
    let mut servers = Vec::new();
    for (org, (who, port, flag)) in orgs.zip(ports.all()) {
        let is_orderer = org.msp_id() == orderer.msp_id();
        let config = ServerConfig {
            connections: usize::try_from(connections).unwrap_or(usize::MAX),
            grace: GRACE,
            tls: Some(tls(org)?),
            msp_id: (!is_orderer).then(|| org.msp_id().to_owned()),
            ..ServerConfig::default()
        };
        let server = Server::bind(&format!("{}:{port}", ports.host), config).await;
        servers.push(server.map_err(|error| ports.cannot_listen(who, port, flag, &error))?);
    }
    Ok(servers)
}

fn tls(org: &Org) -> Result<ServerTls> {
    let own = org.peer_tls().with_context(|| {
        format!("the node of {} has no TLS certificate with its key", org.msp_id())
    })?;
    let (certificate, key) = (own.certificate.clone(), own.key.clone());
    Ok(ServerTls { certificate, key, client_ca: None })
}

fn open_peer(members: Members, place: &Place, events: &Events) -> Result<Arc<Peer>> {
    let mut orgs = members.network.orgs().iter().map(|org| org.msp_id().to_owned());
    let first = orgs.next().context("the network has no organization")?;
    let more_orgs = orgs.collect();
    let mut config = PeerConfig {
        more_orgs,
        data: Some(place.data()),
        compiler: compiler::compiler()?,
        observer: Some(Arc::new(events.clone())),
        ..PeerConfig::new(members.network, first)
    };
    config.batch.timeout = BatchLimits::NO_WAIT;
    Peer::open(config).context(
        "the state of this folder cannot be used: see --fresh, which begins anew with the same \
         identities",
    )
}

/// Tells of every block until what it returns is dropped.
fn report_blocks(peer: &Peer, events: &Events) -> Result<Box<dyn Any + Send>> {
    let committer = peer.committer(CHANNEL).context("there is no channel")?;
    let notifier = Arc::clone(committer.notifier());
    let (events, known) = (events.clone(), Arc::clone(&notifier));
    let reasons: Reasons = Arc::new(move |tx_id| known.reason(tx_id));
    let subscription = notifier.subscribe(move |block| {
        events.tell(Event::Committed(Arc::clone(block), Arc::clone(&reasons)));
    });
    Ok(Box::new(subscription))
}
