//! TLS material, as PEM text.
//!
//! Invariant: private keys are never shown.

use std::fmt;

/// How a server proves who it is, and who may dial it.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerTls {
    /// The server's certificate, with its chain.
    pub certificate: String,
    /// Its private key.
    pub key: String,
    /// The CAs of clients. Some: only clients with a certificate of one of them may connect.
    pub client_ca: Option<String>,
}

/// How a client proves who it is, and whom it believes to be the server.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientTls {
    /// The CAs of the server's certificate.
    pub root: String,
    /// Certificate and private key, if the server asks for them.
    pub identity: Option<(String, String)>,
    /// The name in the server's certificate, if it is not that of the address.
    pub domain: Option<String>,
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
