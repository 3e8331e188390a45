//! What a peer has installed, for those who look into it.
//!
//! Invariant: changes nothing.

use crate::Peer;
use crate::error::PackagesError;
use wasmcc_channel::Channel;
use wasmcc_peer::chaincode::PackageStore;

impl Peer {
    /// The ids of the packages from which this peer runs a chaincode of a channel. Each
    /// organization may have chosen another one.
    pub fn packages_of(
        &self,
        channel: &Channel,
        chaincode: &str,
    ) -> Result<Vec<String>, PackagesError> {
        let found = self.running.packages(channel.ledger(), chaincode);
        found.map(Vec::from_iter).map_err(PackagesError)
    }

    /// The installed packages.
    pub fn packages(&self) -> &PackageStore {
        self.running.store()
    }
}
