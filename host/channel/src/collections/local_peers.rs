//! The peers that run in this process.

use std::sync::Arc;

use crate::collections::collection::Collection;
use wasmcc_msp::{Identity, MspManager};

/// The peers of this process, one for each organization. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct LocalPeers(Arc<[LocalPeer]>);

#[derive(Debug)]
struct LocalPeer {
    msp_id: String,
    /// `msp.SerializedIdentity`.
    identity: Vec<u8>,
}

impl LocalPeers {
    /// Makes the list from MSP ids and serialized identities.
    pub fn new<'a>(peers: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let peer = |(msp_id, identity): (&str, &[u8])| LocalPeer {
            msp_id: msp_id.to_owned(),
            identity: identity.to_vec(),
        };
        Self(peers.into_iter().map(peer).collect())
    }

    /// The peer of an organization, if its identity is valid on the channel.
    pub fn identity(&self, msp_id: &str, msps: &MspManager) -> Option<Arc<Identity>> {
        let peer = self.0.iter().find(|peer| peer.msp_id == msp_id)?;
        msps.deserialize(&peer.identity).ok()
    }

    /// The organizations whose peers may hold the private data of a collection (fabric
    /// `gossip/privdata`: the peer's own identity against the member policy).
    pub fn members<'a>(
        &'a self,
        collection: &'a Collection,
        msps: &'a MspManager,
    ) -> impl Iterator<Item = &'a str> {
        let is_member = |peer: &&LocalPeer| {
            let identity = msps.deserialize(&peer.identity);
            identity.is_ok_and(|identity| collection.has_member(&identity))
        };
        self.0.iter().filter(is_member).map(|peer| peer.msp_id.as_str())
    }
}
