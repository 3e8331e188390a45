//! TLS certificates and keys, as PEM text.
//!
//! Invariant: `Debug` never shows private keys.

use std::fmt;

/// A server's TLS identity, and the CAs of its clients.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerTls {
    /// The server's certificate, with its chain.
    pub certificate: String,
    /// Its private key.
    pub key: String,
    /// The CAs of client certificates.
    pub client_ca: Option<String>,
    /// True if only clients with a certificate of `client_ca` may connect. Otherwise such a
    /// certificate only identifies the client.
    pub client_auth_required: bool,
}

/// The CAs that a client trusts, and its own TLS identity.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientTls {
    /// The CAs of the server's certificate.
    pub root: String,
    /// For servers that request it.
    pub identity: Option<ClientIdentity>,
    /// The name in the server's certificate, if it differs from the address.
    pub domain: Option<String>,
}

/// A client's TLS identity.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientIdentity {
    /// The certificate, with its chain.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mutual = self.client_ca.is_some() && self.client_auth_required;
        f.debug_struct("ServerTls").field("mutual", &mutual).finish_non_exhaustive()
    }
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientIdentity").finish_non_exhaustive()
    }
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mutual = self.identity.is_some();
        f.debug_struct("ClientTls").field("mutual", &mutual).finish_non_exhaustive()
    }
}
