//! The operations address: `/healthz`, `/metrics`, `/logspec`, `/version`, as on Fabric's peers.
//! Fabric: `core/operations/system.go`.
//!
//! Invariant: transactions do not depend on this address, and its clients cannot delay them.

mod disk;
mod health;
mod logspec;
mod requests;
mod server;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::net::TcpListener;

use crate::addresses::to_listen;
use crate::expiry::{self, Certificate};
pub(crate) use crate::operations::disk::Disk;
pub(crate) use crate::operations::health::FailedCheck;
pub(crate) use crate::operations::server::Server;
use crate::tls::{read_cas, read_pem};
use crate::usage::wrong;
use wasmcc_tls::Acceptor;
use wasmcc_types::ServerTls;

/// The process whose condition is reported.
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
    /// The address for operators, with /healthz, /metrics, /logspec and /version [default: none].
    /// Every client that reaches it may use it: keep it on 127.0.0.1, or give
    /// --operations-client-ca.
    #[arg(long, env = "CORE_OPERATIONS_LISTENADDRESS", value_name = "HOST:PORT")]
    #[arg(value_parser = to_listen)]
    operations_listen: Option<String>,
    /// Serve that address with TLS [default: if there is a certificate].
    #[arg(long, env = "CORE_OPERATIONS_TLS_ENABLED", value_name = "BOOL")]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    operations_tls: Option<bool>,
    /// The certificate for TLS on that address, a PEM file.
    #[arg(long, env = "CORE_OPERATIONS_TLS_CERT_FILE", value_name = "FILE")]
    operations_tls_cert: Option<PathBuf>,
    /// Its private key, a PEM file.
    #[arg(long, env = "CORE_OPERATIONS_TLS_KEY_FILE", value_name = "FILE")]
    operations_tls_key: Option<PathBuf>,
    /// A CA whose clients may use /metrics and /logspec, a PEM file; may be repeated, or separated
    /// by blanks [default: all clients may].
    #[arg(long, env = "CORE_OPERATIONS_TLS_CLIENTROOTCAS_FILES", value_name = "FILE")]
    operations_client_ca: Vec<PathBuf>,
    /// Free space on the disk of the data folder below which /healthz reports a failure.
    #[arg(long, default_value_t = 512, value_name = "MIB")]
    operations_disk_mib: u32,
}

/// A bound address that does not serve yet.
pub(crate) struct Operations {
    listener: TcpListener,
    acceptor: Option<Acceptor>,
    asks_for_certificates: bool,
    /// The certificate of `acceptor`.
    certificate: Option<Certificate>,
}

impl OperationsArgs {
    /// Returns the disk of a folder, with the required free space.
    pub(crate) fn disk(&self, folder: Option<&Path>) -> Option<Disk> {
        folder.map(|folder| Disk::new(folder, u64::from(self.operations_disk_mib) << 20))
    }

    /// Binds the address, if one is given.
    pub(crate) async fn bind(&self) -> Result<Option<Operations>> {
        let Some(address) = &self.operations_listen else { return self.no_address() };
        let tls = self.tls()?;
        let asks_for_certificates = tls.as_ref().is_some_and(|tls| tls.client_ca.is_some());
        let acceptor = tls.as_ref().map(Acceptor::for_http).transpose();
        let acceptor = acceptor.context("the TLS material for --operations-listen is unusable")?;
        let listener = TcpListener::bind(address).await.with_context(|| {
            format!("cannot listen on {address}: choose another with --operations-listen")
        })?;
        let certificate = tls.and_then(|tls| {
            let what = "the TLS certificate of --operations-listen";
            Certificate::of_pem(what.to_owned(), tls.certificate.as_bytes())
        });
        Ok(Some(Operations { listener, acceptor, asks_for_certificates, certificate }))
    }

    /// Refuses TLS options when no operations address is opened: they would have no effect.
    fn no_address(&self) -> Result<Option<Operations>> {
        let is_given = self.operations_tls_cert.is_some() || self.operations_tls_key.is_some();
        let is_given = is_given || !self.operations_client_ca.is_empty();
        if self.operations_tls.unwrap_or(is_given) {
            return Err(wrong(
                "TLS of the operations address is configured, but no address: give \
                 --operations-listen (CORE_OPERATIONS_LISTENADDRESS), or --operations-tls=false \
                 (CORE_OPERATIONS_TLS_ENABLED)",
            ));
        }
        Ok(None)
    }

    fn tls(&self) -> Result<Option<ServerTls>> {
        let client_ca = &self.operations_client_ca;
        match (&self.operations_tls_cert, &self.operations_tls_key) {
            // Variables of Fabric's peer may be set while TLS is off.
            _ if self.operations_tls == Some(false) => Ok(None),
            (Some(certificate), Some(key)) => Ok(Some(ServerTls {
                certificate: read_pem(certificate)?,
                key: read_pem(key)?,
                client_ca: read_cas(client_ca)?,
                client_auth_required: true,
            })),
            (None, None) if client_ca.is_empty() && self.operations_tls.is_none() => Ok(None),
            (None, None) if self.operations_tls.is_none() => Err(wrong(
                "clients can show certificates only with TLS: give --operations-tls-cert and \
                 --operations-tls-key",
            )),
            _ => Err(wrong(
                "TLS needs a certificate and its key: give --operations-tls-cert and \
                 --operations-tls-key",
            )),
        }
    }
}

impl Operations {
    /// Serves as long as tokio runs.
    pub(crate) fn serve(self, subject: Arc<dyn Subject>) -> Result<()> {
        let address = self.listener.local_addr().context("cannot read the address of a socket")?;
        let scheme = if self.acceptor.is_some() { "https" } else { "http" };
        wasmcc_metrics::get().process.version(env!("CARGO_PKG_VERSION"));
        tracing::info!("operations on {scheme}://{address}");
        if !address.ip().is_loopback() && !self.asks_for_certificates {
            tracing::warn!(
                "clients of {address} can read metrics and change the log: listen on \
                 127.0.0.1, or give --operations-client-ca"
            );
        }
        expiry::watch(self.certificate.into_iter().collect());
        let is_local = address.ip().is_loopback();
        let routes = requests::routes(subject, self.asks_for_certificates, is_local);
        tokio::spawn(Server { listener: self.listener, acceptor: self.acceptor, routes }.run());
        Ok(())
    }
}
