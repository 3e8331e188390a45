//! TLS of all doors: what tonic makes of the material.
//!
//! Invariant: no opinion on who uses TLS, and no files.

use std::error::Error;
use std::time::Duration;

use tonic::Status;
use tonic::transport::{self, Certificate, ClientTlsConfig, Identity, Server, ServerTlsConfig};

use crate::types::{ClientTls, ServerTls};

/// Who connects and says nothing is not waited for longer.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// A server's side.
pub fn server(tls: &ServerTls) -> ServerTlsConfig {
    let identity = Identity::from_pem(&tls.certificate, &tls.key);
    let config = ServerTlsConfig::new().identity(identity).timeout(HANDSHAKE);
    match &tls.client_ca {
        Some(ca) => config.client_ca_root(Certificate::from_pem(ca)),
        None => config,
    }
}

/// Whether a server can use this, so that it can be told before there is one.
pub fn check_server(tls: &ServerTls) -> Result<(), transport::Error> {
    Server::builder().tls_config(server(tls)).map(drop)
}

/// A client's side.
pub fn client(tls: &ClientTls) -> ClientTlsConfig {
    let mut config = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(&tls.root));
    if let Some((certificate, key)) = &tls.identity {
        config = config.identity(Identity::from_pem(certificate, key));
    }
    match &tls.domain {
        Some(domain) => config.domain_name(domain),
        None => config,
    }
}

/// An error with its causes; what tonic says itself is "transport error".
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        // Some layers repeat the one below.
        if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}

/// As [`chain`], for what came of a call over a connection with this material. The first call is
/// where a client hears that the server does not want it, if it hears of more than the end.
pub fn failed_call(status: &Status, material: Option<&ClientTls>) -> String {
    let Some(source) = status.source() else { return status.message().to_owned() };
    let hint = match material {
        None => "does the server want TLS?",
        Some(ClientTls { identity: None, .. }) => "does the server want a client certificate?",
        Some(_) => "does the server accept this client certificate?",
    };
    format!("{}: {} ({hint})", status.message(), chain(source))
}
