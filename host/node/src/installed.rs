//! Reports which packages a peer has installed and runs.
//!
//! Invariant: these methods change nothing.

use crate::Peer;
use crate::error::PackagesError;
use wasmcc_channel::Channel;
use wasmcc_peer::chaincode::PackageStore;

impl Peer {
    /// Returns the ids of the packages from which this peer runs a chaincode of a channel. Each
    /// organization may have chosen a different package.
    pub fn packages_of(
        &self,
        channel: &Channel,
        chaincode: &str,
    ) -> Result<Vec<String>, PackagesError> {
        let found = self.running.packages(channel.ledger(), chaincode);
        found.map(Vec::from_iter).map_err(PackagesError)
    }

    /// Returns the installed packages.
    pub fn packages(&self) -> &PackageStore {
        self.running.store()
    }
}
