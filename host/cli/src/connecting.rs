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

/// Limit of headers in bytes; that of Go's clients.
const HEADER_BYTES: u32 = 16 << 20;
/// Time limit of one attempt to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a peer that sends nothing is asked whether it is still there, while an answer or a
/// stream is waited for, and how long that may take: as Fabric's command does it
/// (`internal/pkg/comm/config.go`, `DefaultKeepaliveOptions`). More often is refused by its peers.
const PING_EVERY: Duration = Duration::from_secs(60);
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// How long to retry: a peer that is starting listens within this time.
const STARTING: Duration = Duration::from_secs(10);
/// Pause between two attempts.
const PAUSE: Duration = Duration::from_millis(100);

/// Connects. A peer that does not listen yet is waited for some seconds, one that listens but does
/// not answer to TLS yet, because it opens its ledgers, as long as `target` waits for an answer.
pub(crate) async fn connect(target: &Target, material: Option<&ClientTls>) -> Result<Channel> {
    wait_for_dev(target).await?;
    let peer = target.peer()?;
    let address = ["http://", "https://"].iter().find_map(|scheme| peer.strip_prefix(scheme));
    let address = address.unwrap_or(&peer);
    let endpoint = endpoint(address, material)?;
    let (begun, mut is_told) = (Instant::now(), false);
    let error = loop {
        // What the endpoint's own timeout leaves out: a server that does not answer to TLS.
        let patience = target.timeout.max(CONNECT_TIMEOUT);
        let Ok(connected) = tokio::time::timeout(patience, endpoint.connect()).await else {
            bail!("the peer at {address} does not answer: is it a peer, and does it serve TLS?");
        };
        // The errors in between repeat the same text.
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

/// Waits for the network of this folder, if its peer is meant: it may be starting.
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

/// True if nothing listens there.
fn is_refused(why: &(dyn Error + 'static)) -> bool {
    let error = why.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

/// Whether the system could not connect, or did not know where.
fn is_unreachable(why: &(dyn Error + 'static)) -> bool {
    let error = why.downcast_ref::<io::Error>();
    error.is_some_and(|error| {
        error.raw_os_error().is_some() || error.to_string().starts_with("failed to lookup")
    })
}
