//! Accepts connections and performs TLS handshakes for all servers of the program, and builds the
//! TLS settings of clients, whose handshakes tonic performs.
//!
//! Does not decide which connections are accepted or where TLS is used. Does not read files.

mod any_client;
mod door;
mod incoming;
mod material;
mod watched;

use std::error::Error;

use tonic::Status;
use tonic::transport::{Certificate, ClientTlsConfig, Identity};

pub use crate::door::{Acceptor, Client, ClientCertificate, Connection, Door, Opened};
pub use crate::incoming::{Admission, Incoming};
pub use crate::material::{Part, UnusableTls};
pub use crate::watched::{Reading, Watched};
use wasmcc_types::{ClientIdentity, ClientTls};

/// Builds the TLS settings of a client.
pub fn client(tls: &ClientTls) -> ClientTlsConfig {
    let mut config = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(&tls.root));
    if let Some(ClientIdentity { certificate, key }) = &tls.identity {
        config = config.identity(Identity::from_pem(certificate, key));
    }
    match &tls.domain {
        Some(domain) => config.domain_name(domain),
        None => config,
    }
}

/// Error texts of hyper and rustls for a connection that the server has closed or refused.
const REFUSALS: [&str; 5] =
    ["operation was canceled", "fatal alert", "close_notify", "connection reset", "broken pipe"];

/// Returns an error with its causes; tonic's own text is only "transport error".
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        // Some layers repeat the text of their cause.
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}

/// Returns the text of a status: message and code if the server sent it, otherwise its causes.
pub fn status_text(status: &Status) -> String {
    match (status.source(), status.message()) {
        (Some(source), message) => {
            let causes = chain(source);
            if causes.contains(message) { causes } else { format!("{message}: {causes}") }
        }
        (None, "") => format!("{:?}: {}", status.code(), status.code()),
        (None, message) => format!("{:?}: {message}", status.code()),
    }
}

/// As [`chain`], for a failed call over a connection with this material. A refused client often
/// learns the reason only from its first call.
pub fn failed_call(status: &Status, material: Option<&ClientTls>) -> String {
    match status.source() {
        None => status.message().to_owned(),
        Some(_) => format!("{} ({})", status_text(status), hint(material)),
    }
}

/// As [`chain`], for a connection with this material that could not be opened. A server may refuse
/// a client by closing the connection before the first call.
pub fn failed_connection(error: &dyn Error, material: Option<&ClientTls>) -> String {
    let text = chain(error);
    let lower = text.to_lowercase();
    match REFUSALS.iter().any(|refusal| lower.contains(refusal)) {
        true => format!("{text} ({})", hint(material)),
        false => text,
    }
}

fn hint(material: Option<&ClientTls>) -> &'static str {
    match material {
        None => "does the server want TLS?",
        Some(ClientTls { identity: None, .. }) => "does the server want a client certificate?",
        Some(_) => "does the server accept this client certificate?",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An error with this text and a cause.
    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Layer(&'static str, #[source] Option<Box<Layer>>);

    fn layers(texts: &[&'static str]) -> Layer {
        let (first, rest) = texts.split_first().unwrap();
        Layer(first, (!rest.is_empty()).then(|| Box::new(layers(rest))))
    }

    #[test]
    fn causes_are_named_once() {
        let error = layers(&["transport error", "bad certificate: Unknown", "Unknown", "x"]);
        assert_eq!(chain(&error), "transport error: bad certificate: Unknown: x");
        let text = "no: transport error: gone: transport error";
        assert_eq!(chain(&layers(&[text, "transport error: gone", "gone"])), text);
    }

    #[test]
    fn a_status_is_its_message_or_its_causes() {
        let said = Status::unavailable("Cancelling all calls");
        assert_eq!(status_text(&said), "Unavailable: Cancelling all calls");
        assert_eq!(failed_call(&said, None), "Cancelling all calls");
        assert!(status_text(&Status::aborted("")).starts_with("Aborted: "));
        let broke = || Box::new(layers(&["transport error", "it broke"]));
        let status = Status::from_error(broke());
        assert_eq!(status_text(&status), "transport error: it broke");
        let hinted = "transport error: it broke (does the server want TLS?)";
        assert_eq!(failed_call(&status, None), hinted);
    }

    #[test]
    fn a_connection_that_the_server_ends_has_a_hint() {
        let (root, identity, domain) = (String::new(), None, None);
        let material = ClientTls { root, identity, domain };
        let failed = |text| failed_connection(&layers(&["transport error", text]), Some(&material));
        let text = failed("operation was canceled");
        assert!(text.ends_with(" (does the server want a client certificate?)"), "{text}");
        let text = failed("invalid peer certificate: UnknownIssuer");
        assert_eq!(text, "transport error: invalid peer certificate: UnknownIssuer");
    }
}
