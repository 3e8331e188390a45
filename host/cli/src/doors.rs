//! The peer's listeners: limits of connections, and opening the sockets.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use anyhow::Result;
use tokio::runtime::Runtime;

use crate::duration;
use wasmcc_api::{BindError, Descriptors, Listener, Patience, Role, Server, ServerConfig};

/// The default, unless the limit on open files is lower.
const CONNECTIONS: u32 = 900;

/// Options for the limits of connections.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Connections")]
pub(crate) struct Doors {
    /// Most connections, at all addresses. At the limit, a new connection replaces an idle one; if
    /// all are in use, calls are refused [default: 900, or fewer if the limit on open files is
    /// low].
    #[arg(long, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    connections: Option<u32>,
    /// How long a connection may be without an open call.
    #[arg(long, default_value = "10m", value_parser = duration::positive, value_name = "TIME")]
    idle_timeout: Duration,
    /// Most calls that may wait for blocks, and as many for events and for transactions, at all
    /// addresses. One organization may have half of them, one connection a quarter.
    #[arg(long, default_value_t = 2500, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    waiting_calls: u32,
    /// Time limit for open calls when the peer stops.
    #[arg(long, default_value = "10s", value_parser = duration::positive, value_name = "TIME")]
    grace: Duration,
}

impl Doors {
    /// Returns the limits for a server with this number of addresses. Raises this process's limit
    /// on open files.
    pub(crate) fn config(&self, addresses: usize) -> Result<ServerConfig> {
        let wanted = self.connections.unwrap_or(CONNECTIONS).into();
        let connections = Descriptors::raise().connections(wanted, addresses)?;
        if self.connections.is_some() && connections < wanted {
            tracing::warn!(
                wanted,
                connections,
                "--connections is lowered to what the limit on open files (ulimit -n) allows"
            );
        }
        Ok(ServerConfig {
            connections: usize::try_from(connections).unwrap_or(usize::MAX),
            waiting_calls: self.waiting_calls as usize,
            grace: self.grace,
            patience: Patience { idle: self.idle_timeout, ..Patience::default() },
            deep_stacks: has_several_threads(),
            ..ServerConfig::default()
        })
    }

    /// The time limit for open calls.
    pub(crate) fn grace(&self) -> Duration {
        self.grace
    }
}

/// Starts the threads of a server. Their stacks are as deep as those of the workers, since short
/// calls begin on them.
pub(crate) fn runtime() -> io::Result<Runtime> {
    let mut threads = tokio::runtime::Builder::new_multi_thread();
    threads.enable_all().thread_stack_size(wasmcc_workers::STACK_BYTES).build()
}

/// True if a server can handle its connections while one thread runs a call.
pub(crate) fn has_several_threads() -> bool {
    std::thread::available_parallelism().is_ok_and(|processors| processors.get() > 1)
}

/// Opens the sockets in order.
pub(crate) async fn bind(listeners: Vec<Listener>, config: ServerConfig) -> Result<Server> {
    let flags = listeners.iter().map(|listener| {
        let flag = match listener.role {
            Role::Peer(_) => "--listen",
            Role::Orderer => "--orderer-listen",
            Role::OrdererAdmin => "--orderer-admin-listen",
        };
        (listener.address.clone(), flag)
    });
    // Of two listeners with the same address, the last one fails.
    let flags: BTreeMap<String, &str> = flags.collect();
    Server::bind(listeners, config).await.map_err(|BindError { address, source }| {
        let flag = flags.get(&address).copied().unwrap_or("--listen");
        let hint = format!("cannot listen on {address}: choose another address with {flag}");
        anyhow::Error::new(source).context(hint)
    })
}
