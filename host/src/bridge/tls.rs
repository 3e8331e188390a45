//! TLS material, as PEM text.
//!
//! Invariant: private keys are never shown.

use std::fmt;

use tonic::transport::{Certificate, ClientTlsConfig, Identity, ServerTlsConfig};

/// How a chaincode server proves who it is, and who may dial it.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerTls {
    /// The server's certificate, with its chain.
    pub certificate: String,
    /// Its private key.
    pub key: String,
    /// The CA of peers. Some: only peers with a certificate of it may connect.
    pub client_ca: Option<String>,
}

/// How a chaincode that dials a peer proves who it is.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientTls {
    /// The CA of the peer's certificate.
    pub root: String,
    /// Certificate and private key, if the peer asks for them.
    pub identity: Option<(String, String)>,
    /// The name in the peer's certificate, if it is not that of the address.
    pub domain: Option<String>,
}

impl ServerTls {
    pub(super) fn config(&self) -> ServerTlsConfig {
        let identity = Identity::from_pem(&self.certificate, &self.key);
        let config = ServerTlsConfig::new().identity(identity);
        match &self.client_ca {
            Some(ca) => config.client_ca_root(Certificate::from_pem(ca)),
            None => config,
        }
    }
}

impl ClientTls {
    pub(super) fn config(&self) -> ClientTlsConfig {
        let mut config = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(&self.root));
        if let Some((certificate, key)) = &self.identity {
            config = config.identity(Identity::from_pem(certificate, key));
        }
        match &self.domain {
            Some(domain) => config.domain_name(domain),
            None => config,
        }
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mutual = self.client_ca.is_some();
        f.debug_struct("ServerTls").field("mutual", &mutual).finish_non_exhaustive()
    }
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mutual = self.identity.is_some();
        f.debug_struct("ClientTls").field("mutual", &mutual).finish_non_exhaustive()
    }
}
