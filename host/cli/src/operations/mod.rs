//! The operations address: `/healthz`, `/metrics`, `/logspec`, `/version`, as Fabric's peers have
//! them. Fabric: `core/operations/system.go`.
//!
//! Invariant: nothing here is needed to serve transactions, and nothing that a client does here
//! holds them up.

mod disk;
mod health;
mod logspec;
mod requests;
mod server;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use tokio::net::TcpListener;

pub(crate) use crate::operations::disk::Disk;
pub(crate) use crate::operations::health::FailedCheck;
pub(crate) use crate::operations::server::Server;
use crate::tls::read_pem;
use wasmcc_tls::Acceptor;
use wasmcc_types::ServerTls;

/// The process whose condition is served.
pub(crate) trait Subject: Send + Sync + 'static {
    /// Runs the health checks. May block on the disk.
    fn failed_checks(&self) -> Vec<FailedCheck>;

    /// Sets the gauges of current use.
    fn measure(&self);
}

/// Options of the operations address.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Operations")]
pub(crate) struct OperationsArgs {
    /// Serve /healthz, /metrics, /logspec and /version, for operators, on this address
    /// [default: nowhere]. Whoever reaches it may use it: keep it on 127.0.0.1, or give
    /// --operations-client-ca.
    #[arg(long, env = "CORE_OPERATIONS_LISTENADDRESS", value_name = "HOST:PORT")]
    operations_listen: Option<String>,
    /// The certificate for TLS on that address, a PEM file [default: without TLS].
    #[arg(long, env = "CORE_OPERATIONS_TLS_CERT_FILE", value_name = "FILE")]
    operations_tls_cert: Option<PathBuf>,
    /// Its private key, a PEM file.
    #[arg(long, env = "CORE_OPERATIONS_TLS_KEY_FILE", value_name = "FILE")]
    operations_tls_key: Option<PathBuf>,
    /// The CA whose clients may use /metrics and /logspec, a PEM file [default: anybody may].
    #[arg(long, env = "CORE_OPERATIONS_TLS_CLIENTROOTCAS_FILES", value_name = "FILE")]
    operations_client_ca: Option<PathBuf>,
    /// Free room below which /healthz reports the disk of the data folder.
    #[arg(long, default_value_t = 512, value_name = "MIB")]
    operations_disk_mib: u32,
}

/// An address that is open, and not served yet.
pub(crate) struct Operations {
    listener: TcpListener,
    acceptor: Option<Acceptor>,
    asks_for_certificates: bool,
}

impl OperationsArgs {
    /// The disk of a folder, with the room that must be left.
    pub(crate) fn disk(&self, folder: Option<&Path>) -> Option<Disk> {
        folder.map(|folder| Disk::new(folder, u64::from(self.operations_disk_mib) << 20))
    }

    /// Opens the address, if there is one.
    pub(crate) async fn bind(&self) -> Result<Option<Operations>> {
        let tls = self.tls()?;
        let Some(address) = &self.operations_listen else { return Ok(None) };
        let asks_for_certificates = tls.as_ref().is_some_and(|tls| tls.client_ca.is_some());
        let acceptor = tls.as_ref().map(Acceptor::for_http).transpose();
        let acceptor = acceptor.context("the TLS material for --operations-listen is unusable")?;
        let listener = TcpListener::bind(address).await.with_context(|| {
            format!("cannot listen on {address}: choose another with --operations-listen")
        })?;
        Ok(Some(Operations { listener, acceptor, asks_for_certificates }))
    }

    fn tls(&self) -> Result<Option<ServerTls>> {
        let client_ca = self.operations_client_ca.as_deref();
        let client_ca = client_ca.filter(|file| !file.as_os_str().is_empty());
        match (&self.operations_tls_cert, &self.operations_tls_key) {
            (Some(certificate), Some(key)) => Ok(Some(ServerTls {
                certificate: read_pem(certificate)?,
                key: read_pem(key)?,
                client_ca: client_ca.map(read_pem).transpose()?,
            })),
            (None, None) if client_ca.is_none() => Ok(None),
            (None, None) => bail!(
                "clients can show certificates only with TLS: give --operations-tls-cert and \
                 --operations-tls-key"
            ),
            _ => bail!(
                "TLS needs a certificate and its key: give --operations-tls-cert and \
                 --operations-tls-key"
            ),
        }
    }
}

impl Operations {
    /// Serves from now on, as long as tokio runs.
    pub(crate) fn serve(self, subject: Arc<dyn Subject>) -> Result<()> {
        let address = self.listener.local_addr().context("an address without a name")?;
        let scheme = if self.acceptor.is_some() { "https" } else { "http" };
        wasmcc_metrics::get().process.version(env!("CARGO_PKG_VERSION"));
        tracing::info!("operations on {scheme}://{address}");
        if !address.ip().is_loopback() && !self.asks_for_certificates {
            tracing::warn!(
                "whoever reaches {address} can read metrics and change what is logged: listen on \
                 127.0.0.1, or give --operations-client-ca"
            );
        }
        let is_local = address.ip().is_loopback();
        let routes = requests::routes(subject, self.asks_for_certificates, is_local);
        tokio::spawn(Server { listener: self.listener, acceptor: self.acceptor, routes }.run());
        Ok(())
    }
}
