//! An address of a server, and its role.

use std::fmt;

use wasmcc_types::ServerTls;

/// An address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// HOST:PORT; port 0 selects a free port.
    pub address: String,
    /// None: without TLS.
    pub tls: Option<ServerTls>,
    /// The services at this address.
    pub role: Role,
}

/// The services at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// The peer of an organization, by its MSP id; None: the first one. The address also has the
    /// orderer's services, for networks in which the orderer has no address of its own.
    Peer(Option<String>),
    /// The orderer.
    Orderer,
    /// The orderer's administration: the channel participation API, HTTP with JSON.
    OrdererAdmin,
}

impl Listener {
    /// Returns a listener for the peer of the first organization, without TLS.
    pub fn peer(address: impl Into<String>) -> Self {
        Self { address: address.into(), tls: None, role: Role::Peer(None) }
    }

    /// Returns a listener for the peer of an organization, without TLS.
    pub fn peer_of(address: impl Into<String>, msp_id: impl Into<String>) -> Self {
        Self { role: Role::Peer(Some(msp_id.into())), ..Self::peer(address) }
    }

    /// Returns a listener for the orderer, without TLS.
    pub fn orderer(address: impl Into<String>) -> Self {
        Self { role: Role::Orderer, ..Self::peer(address) }
    }
}

impl fmt::Display for Role {
    /// Writes the MSP id, "orderer" or "orderer admin".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peer(msp_id) => f.write_str(msp_id.as_deref().unwrap_or("peer")),
            Self::Orderer => f.write_str("orderer"),
            Self::OrdererAdmin => f.write_str("orderer admin"),
        }
    }
}
