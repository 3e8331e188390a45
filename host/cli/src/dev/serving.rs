//! Serves the peers and the orderer of the network.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::dev::events::Events;
use crate::dev::follow::Follower;
use crate::dev::network::{Members, tls};
use crate::dev::place::{Place, Record};
use crate::limits::ComponentArgs;
use crate::web::{Calls, Feed, Site, Turns};
use crate::{compiler, doors};
use wasmcc_api::{BindError, Descriptors, Listener, Role, Server, ServerConfig};
use wasmcc_audit::LaboratoryConfig;
use wasmcc_msp::BatchLimits;
use wasmcc_node::{CACHE_FOLDER, Peer, PeerConfig};
use wasmcc_runtime::{Limits, MAX_COMPONENT_BYTES};
use wasmcc_tls::UnusableTls;
use wasmcc_types::ServerTls;
use wasmcc_workers::Workers;

/// The channel of Fabric's samples.
const CHANNEL: &str = "mychannel";
/// Limit on connections at each address.
const CONNECTIONS: u64 = 900;
/// Time limit for open calls when the network stops.
const GRACE: Duration = Duration::from_millis(200);
/// Limit on proposals that wait for a thread.
const QUEUE: usize = 1_000;

/// How the peer runs components.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    /// Run each transaction several times.
    pub(super) twice: bool,
    /// The limit on component files.
    pub(super) component: ComponentArgs,
}

/// The addresses of the network.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Addresses; port 0 takes any free one")]
pub(super) struct Ports {
    /// The address of this machine to listen on; 0.0.0.0 for clients on other machines.
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
    /// The port of the orderer's administration, for osnadmin.
    #[arg(long, default_value_t = 7053, value_name = "PORT")]
    orderer_admin_port: u16,
}

impl Ports {
    /// Returns each server with its port and the flag for it.
    fn all(&self) -> [(&'static str, u16, &'static str); 4] {
        [
            ("Org1's peer", self.org1_port, "--org1-port"),
            ("Org2's peer", self.org2_port, "--org2-port"),
            ("the orderer", self.orderer_port, "--orderer-port"),
            ("the orderer's administration", self.orderer_admin_port, "--orderer-admin-port"),
        ]
    }

    /// Checks that all ports are free; the error names one that is not.
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
            _ if error.get_ref().is_some_and(|error| error.is::<UnusableTls>()) => {
                anyhow!("the TLS files of {who} cannot be used: {error}")
            }
            _ => {
                anyhow!("cannot listen on {host}:{port} for {who}: {error}; see --host and {flag}")
            }
        }
    }

    /// The error for a server that could not open one of the ports.
    fn not_bound(&self, error: &BindError) -> anyhow::Error {
        let is_it = |port: u16| error.address == format!("{}:{port}", self.host);
        match self.all().into_iter().find(|(_, port, _)| is_it(*port)) {
            Some((who, port, flag)) => self.cannot_listen(who, port, flag, &error.source),
            None => anyhow!("{error}"),
        }
    }

    /// Returns the address for clients of this machine; certificates have this name.
    fn reached_at(&self, address: SocketAddr) -> String {
        match address.ip().is_loopback() || address.ip().is_unspecified() {
            true => format!("localhost:{}", address.port()),
            false => address.to_string(),
        }
    }
}

/// The network, ready to serve.
pub(super) struct Serving {
    server: Server,
    peer: Arc<Peer>,
    workers: Arc<Workers>,
    record: Record,
    /// Reports blocks.
    follower: Follower<Peer>,
}

impl Serving {
    /// Opens ledgers and sockets, and creates the channel if it does not exist.
    pub(super) fn open(
        runtime: &Runtime,
        members: Members,
        (ports, run): (&Ports, Run),
        (place, events): (&Place, &Events),
        page: Option<String>,
    ) -> Result<Self> {
        let mut server = runtime.block_on(bind(&members, ports))?;
        let (orgs, addresses) = (members.network.orgs(), server.addresses());
        let addresses: Vec<SocketAddr> = addresses.map(|(_, address)| address).collect();
        let advertised: BTreeMap<String, String> = orgs
            .iter()
            .chain(members.orderer())
            .zip(&addresses)
            .filter_map(|(org, address)| {
                let name = format!("{}:{}", org.peer_name()?, address.port());
                Some((org.msp_id().to_owned(), name))
            })
            .collect();
        server.advertise(advertised);
        let bound: Vec<u16> = addresses.iter().map(SocketAddr::port).collect();
        members.write_profiles(place, &bound)?;
        let reached = |address: &SocketAddr| ports.reached_at(*address);
        let peers = orgs.iter().zip(&addresses);
        let record = Record {
            process: Some(std::process::id()),
            state: place.state().to_owned(),
            organizations: members.folder.clone(),
            channel: CHANNEL.to_owned(),
            peers: peers.map(|(org, at)| (org.msp_id().to_owned(), reached(at))).collect(),
            orderer: addresses.get(orgs.len()).map(reached).unwrap_or_default(),
            page,
        };
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let workers = Workers::new(workers, QUEUE).context("cannot start the workers")?;
        let peer = open_peer(members, place, events, run)?;
        if peer.channels().get(CHANNEL).is_none() {
            let peer = Arc::clone(&peer);
            workers.run_blocking(move || peer.create_channel(CHANNEL))??;
        }
        let follower = Follower::begin(Arc::clone(&peer), events.clone());
        place.write_record(&record)?;
        let at: Vec<String> = record.peers.iter().map(|(org, at)| format!("{org} {at}")).collect();
        let (at, orderer) = (at.join(", "), &record.orderer);
        let folder = crate::build::shown(&record.organizations);
        events.say(format!("{CHANNEL}: {at}, orderer {orderer}; identities in {folder}"));
        Ok(Self { server, peer, workers: Arc::new(workers), record, follower })
    }

    /// Returns the data source of the page.
    pub(super) fn site(&self, feed: Arc<Feed>, place: &Place) -> Site {
        let record = &self.record;
        let cache = Some(place.data().join(CACHE_FOLDER));
        let laboratory = move || {
            let (compiler, cache) = (compiler::compiler()?, cache.clone());
            let usual = LaboratoryConfig::default();
            // The peer has admitted the components.
            let limits = usual.limits.clone().admitting(MAX_COMPONENT_BYTES);
            Ok(LaboratoryConfig { limits, compiler, cache, ..usual })
        };
        Site {
            peer: Arc::clone(&self.peer),
            feed,
            calls: Some(Calls::new(record.organizations.clone(), record.peers.clone())),
            laboratory: Box::new(laboratory),
            turns: Turns::default(),
            descriptions: Mutex::default(),
        }
    }

    /// The network's addresses.
    pub(super) fn record(&self) -> &Record {
        &self.record
    }

    /// Starts to serve. Dropping the sender stops the server; the task ends with its result.
    pub(super) fn serve(self) -> (watch::Sender<()>, JoinHandle<Result<()>>) {
        let (stop, mut stopping) = watch::channel(());
        let Self { server, peer, workers, follower, .. } = self;
        // The channel closes when the sender is dropped.
        let ended = async move { while stopping.changed().await.is_ok() {} };
        let served = tokio::spawn(async move {
            let following = tokio::spawn(follower.run());
            // The page may still hold the peer when the process ends.
            let ledgers = Arc::clone(peer.channels().ledgers());
            let served = server.serve(peer, workers, ended).await;
            following.abort();
            ledgers.flush();
            served.context("the server failed")
        });
        (stop, served)
    }
}

/// Opens the sockets of the peers in the order of the organizations, then those of the orderer.
async fn bind(members: &Members, ports: &Ports) -> Result<Server> {
    let orderer = members.orderer().context("the network has no orderer")?;
    let peers = members.network.orgs().iter();
    let peers = peers.map(|org| Ok((Role::Peer(Some(org.msp_id().to_owned())), tls(org)?)));
    let own = tls(orderer)?;
    // Every TLS certificate of the orderer's organization gives access to the administration.
    let client_ca = Some(orderer.tls_ca_certificate().to_owned());
    let admin = (Role::OrdererAdmin, ServerTls { client_ca, ..own.clone() });
    let nodes: Result<Vec<_>> = peers.chain([Ok((Role::Orderer, own)), Ok(admin)]).collect();
    let listeners = nodes?.into_iter().zip(ports.all()).map(|((role, tls), (_, port, _))| {
        Listener { address: format!("{}:{port}", ports.host), tls: Some(tls), role }
    });
    let connections = Descriptors::raise().connections(CONNECTIONS, ports.all().len())?;
    let config = ServerConfig {
        connections: usize::try_from(connections).unwrap_or(usize::MAX),
        grace: GRACE,
        deep_stacks: doors::has_several_threads(),
        ..ServerConfig::default()
    };
    Server::bind(listeners, config).await.map_err(|error| ports.not_bound(&error))
}

/// Opens the peer.
fn open_peer(members: Members, place: &Place, events: &Events, run: Run) -> Result<Arc<Peer>> {
    let mut orgs = members.network.orgs().iter().map(|org| org.msp_id().to_owned());
    let first = orgs.next().context("the network has no organization")?;
    let more_orgs = orgs.collect();
    let mut config = PeerConfig {
        more_orgs,
        data: Some(place.data()),
        compiler: compiler::compiler()?,
        observer: Some(Arc::new(events.clone())),
        limits: run.component.apply(Limits::default()),
        twice: run.twice,
        ..PeerConfig::new(members.network, first)
    };
    config.batch.timeout = BatchLimits::NO_WAIT;
    Peer::open(config).context(
        "the state of this folder cannot be used: see --fresh, which makes a new one with the same \
         identities",
    )
}
