//! TLS of all doors: servers take the handshakes of their clients here, clients leave theirs to
//! tonic.
//!
//! Does not decide where TLS is used, and reads no files.

mod door;

use std::error::Error;

use tonic::Status;
use tonic::transport::{Certificate, ClientTlsConfig, Identity};

pub use crate::door::{Acceptor, Client, Connection, Door, Opened, UnusableTls};
use wasmcc_types::ClientTls;

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
