//! Connects to a peer, which may still be starting.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use tonic::transport::{Channel, Endpoint};

use crate::output;
use crate::settings::PEER_ADDRESS;
use crate::target::Target;
use wasmcc_tls as tls;
use wasmcc_types::ClientTls;

/// Limit on header bytes, as in Go's clients.
const HEADER_BYTES: u32 = 16 << 20;
/// Time limit of one attempt to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Interval of keep-alive pings to a silent peer during a call or stream, and the time limit of
/// their answer. As in Fabric's command (`internal/pkg/comm/config.go`, `DefaultKeepaliveOptions`).
/// Its peers refuse more frequent pings.
const PING_EVERY: Duration = Duration::from_secs(60);
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// How long refused connections are retried: a starting peer listens within this time.
const STARTING: Duration = Duration::from_secs(10);
/// Pause between two attempts.
const PAUSE: Duration = Duration::from_millis(100);

/// Connects to the peer. Retries for some seconds if nothing listens yet. A peer may listen but not
/// answer the TLS handshake while it opens its ledgers: for that, the limit is `target.timeout`.
pub(crate) async fn connect(target: &Target, material: Option<&ClientTls>) -> Result<Channel> {
    wait_for_dev(target).await?;
    let peer = target.peer()?;
    let address = ["http://", "https://"].iter().find_map(|scheme| peer.strip_prefix(scheme));
    let address = address.unwrap_or(&peer);
    let endpoint = endpoint(address, material)?;
    let (begun, mut is_told) = (Instant::now(), false);
    let error = loop {
        // The endpoint's own timeout does not cover the TLS handshake.
        let patience = target.timeout.max(CONNECT_TIMEOUT);
        let Ok(connected) = tokio::time::timeout(patience, endpoint.connect()).await else {
            bail!("the peer at {address} does not answer: is it a peer, and does it serve TLS?");
        };
        // The intermediate errors repeat the same text.
        let error = match connected {
            Ok(connection) => return Ok(connection),
            Err(error) => anyhow!(error),
        };
        let is_over = begun.elapsed() >= STARTING.min(target.timeout);
        if is_over || !is_refused(error.root_cause()) {
            break error;
        }
        if !is_told {
            output::aside(&format!("waiting for a peer at {address} ..."));
            is_told = true;
        }
        tokio::time::sleep(PAUSE).await;
    };
    let why = error.root_cause();
    if material.is_some() && !is_unreachable(why) {
        let ca = target.ca_option();
        bail!(
            "no TLS with the peer at {address} ({why}): it must serve TLS, with a certificate for \
             this name by the CA of {ca}"
        );
    }
    if target.is_dev()? {
        bail!("no peer answers at {address} ({why}): start the network with `wasmcc dev`");
    }
    let another = match target.is_peer_of_variable() {
        true => format!("name another with --peer (this one is that of {PEER_ADDRESS})"),
        false => "name another with --peer".to_owned(),
    };
    let Some(network) = target.optional_network()? else {
        bail!("no peer answers at {address} ({why}): {another}");
    };
    let network = network.display();
    bail!(
        "no peer answers at {address} ({why}): start one with `wasmcc peer --network {network} \
         --listen {address}`, or {another}"
    )
}

/// Waits until the development network of this folder runs, if the target is its peer.
async fn wait_for_dev(target: &Target) -> Result<()> {
    let (begun, mut is_told) = (Instant::now(), false);
    while target.is_down()? {
        if begun.elapsed() >= STARTING.min(target.timeout) {
            bail!(
                "no network is running in this folder: start it with `wasmcc dev`, or name a peer \
                 with --peer"
            );
        }
        if !is_told {
            output::aside("waiting for `wasmcc dev` in this folder ...");
            is_told = true;
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

fn endpoint(address: &str, material: Option<&ClientTls>) -> Result<Endpoint> {
    let scheme = if material.is_some() { "https" } else { "http" };
    let endpoint = Endpoint::from_shared(format!("{scheme}://{address}"))
        .with_context(|| format!("'{address}' is not an address: write HOST:PORT"))?
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_max_header_list_size(HEADER_BYTES)
        .http2_keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_TIMEOUT)
        .tcp_nodelay(true);
    match material {
        None => Ok(endpoint),
        Some(material) => endpoint
            .tls_config(tls::client(material))
            .context("the TLS key and certificates cannot be used"),
    }
}

/// True if nothing listens at the address.
fn is_refused(why: &(dyn Error + 'static)) -> bool {
    let error = why.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

/// True if the system could not connect or resolve the name.
fn is_unreachable(why: &(dyn Error + 'static)) -> bool {
    let error = why.downcast_ref::<io::Error>();
    error.is_some_and(|error| {
        error.raw_os_error().is_some() || error.to_string().starts_with("failed to lookup")
    })
}
