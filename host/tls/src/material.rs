//! Reads a server's key and certificates. Errors name the unusable part, since only the caller
//! knows its file.

use std::fmt::{self, Display, Formatter};

use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{Error, RootCertStore};

/// A part of a server's TLS material.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The server's private key.
    Key,
    /// The server's certificate, with those of intermediate CAs.
    Certificate,
    /// The CAs of clients.
    ClientCa,
}

/// TLS material of a server that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{part}: {why}")]
pub struct UnusableTls {
    /// The unusable part.
    pub part: Part,
    /// The reason.
    pub why: String,
}

impl UnusableTls {
    pub(crate) fn new(part: Part, why: impl Display) -> Self {
        Self { part, why: why.to_string() }
    }

    /// The error of a key and a certificate that can be read but not used together.
    pub(crate) fn of_pair(error: Error) -> Self {
        match error {
            Error::InconsistentKeys(_) => {
                Self::new(Part::Key, "it does not belong to the certificate")
            }
            Error::InvalidCertificate(_) => Self::new(Part::Certificate, error),
            error => Self::new(Part::Key, error),
        }
    }
}

/// Reads the first private key of a PEM text.
pub(crate) fn private_key(pem: &str) -> Result<PrivateKeyDer<'static>, UnusableTls> {
    let unusable = |why: &str| UnusableTls::new(Part::Key, why);
    if pem.contains("ENCRYPTED PRIVATE KEY") || pem.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(unusable(
            "it is encrypted: decrypt it, as with `openssl pkey -in KEY -out PLAIN_KEY`",
        ));
    }
    if !pem.contains("PRIVATE KEY-----") {
        return Err(match holds_certificate(pem) {
            true => unusable("it is a certificate, not a private key"),
            false => unusable("there is no private key in PEM form"),
        });
    }
    PrivateKeyDer::from_pem_slice(pem.as_bytes())
        .map_err(|error| UnusableTls::new(Part::Key, format!("it cannot be read: {error}")))
}

/// Reads all certificates of a PEM text; fails if there is none.
pub(crate) fn certificates(
    pem: &str,
    part: Part,
) -> Result<Vec<CertificateDer<'static>>, UnusableTls> {
    if !holds_certificate(pem) {
        return Err(match pem.contains("PRIVATE KEY-----") {
            true => UnusableTls::new(part, "it is a private key, not a certificate"),
            false => UnusableTls::new(part, "there is no certificate in PEM form"),
        });
    }
    CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| UnusableTls::new(part, format!("it cannot be read: {error}")))
}

/// Reads the CAs of clients. Unusable ones are skipped, as in rustls, but logged: their clients
/// would be refused without a reason.
pub(crate) fn roots(pem: &str) -> Result<RootCertStore, UnusableTls> {
    let mut roots = RootCertStore::empty();
    let mut first_error = None;
    for (place, certificate) in certificates(pem, Part::ClientCa)?.into_iter().enumerate() {
        if let Err(error) = roots.add(certificate) {
            let number = place + 1;
            tracing::warn!(%error, "CA certificate {number} of the clients cannot be used");
            first_error.get_or_insert(error);
        }
    }
    match first_error {
        Some(error) if roots.is_empty() => Err(UnusableTls::new(Part::ClientCa, error)),
        _ => Ok(roots),
    }
}

fn holds_certificate(pem: &str) -> bool {
    pem.contains("-----BEGIN CERTIFICATE-----")
}

impl Display for Part {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key => "the server's private key",
            Self::Certificate => "the server's certificate",
            Self::ClientCa => "the CA of clients",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

    fn key(label: &str) -> String {
        format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n")
    }

    #[test]
    fn what_is_no_key_is_named() {
        let refused = |pem: &str| private_key(pem).unwrap_err().to_string();
        let begins = "the server's private key: ";
        assert_eq!(refused(""), format!("{begins}there is no private key in PEM form"));
        let certificate = format!("{begins}it is a certificate, not a private key");
        assert_eq!(refused(CERTIFICATE), certificate);
        assert!(refused(&key("ENCRYPTED PRIVATE KEY")).starts_with(&format!("{begins}it is encr")));
        let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAA==\n";
        assert!(refused(old).contains("it is encrypted"));
        assert!(private_key(&key("PRIVATE KEY")).is_ok());
    }

    #[test]
    fn what_is_no_certificate_is_named() {
        let refused = |pem: &str| roots(pem).unwrap_err().to_string();
        let begins = "the CA of clients: ";
        assert_eq!(refused(""), format!("{begins}there is no certificate in PEM form"));
        let private = format!("{begins}it is a private key, not a certificate");
        assert_eq!(refused(&key("PRIVATE KEY")), private);
        assert!(refused(CERTIFICATE).starts_with(begins));
        let error = certificates("", Part::Certificate).unwrap_err();
        assert_eq!(error.part, Part::Certificate);
    }
}
