//! Stores the private data of a simulation (fabric `core/endorser/endorser.go`, `simulateProposal`;
//! `gossip/privdata/distributor.go`).
//!
//! The peers of this process share one ledger, so data that one of them stores is available to all
//! members when the transaction commits. There are no other peers; a collection that requires more
//! is refused.

use crate::endorser::not_executed::{NotDistributed, PeersError, PrivateDataError};
use wasmcc_channel::Channel;
use wasmcc_channel::collections::{Collection, DefinedCollections, LocalPeers};
use wasmcc_ledger::Snapshot;
use wasmcc_msp::MspManager;
use wasmcc_types::proto::protos::StaticCollectionConfig;
use wasmcc_types::proto::rwset::TxPvtReadWriteSet;

/// Stores private data until the transaction commits. `creator` is the client's serialized
/// identity, `state` the state that the simulation read, and `org` the organization whose peer
/// simulated.
pub(super) fn keep(
    private: &TxPvtReadWriteSet,
    (tx_id, creator): (&str, &[u8]),
    channel: &Channel,
    state: &Snapshot,
    (org, peers): (&str, &LocalPeers),
) -> Result<(), PrivateDataError> {
    let config = channel.config();
    for set in &private.ns_pvt_rwset {
        let namespace = &set.namespace;
        let mut read = |ns: &str, key: &str| state.get(ns, key).map(|v| v.map(|v| v.value));
        let defined = DefinedCollections::look_up(namespace, &mut read)
            .map_err(|source| PrivateDataError::Config { namespace: namespace.clone(), source })?;
        for collection in &set.collection_pvt_rwset {
            let name = &collection.collection_name;
            check_peers(&defined, name, (org, peers), config.msps()).map_err(|source| {
                PrivateDataError::Peers(Box::new(NotDistributed {
                    tx_id: tx_id.to_owned(),
                    channel: config.channel_id().to_string(),
                    namespace: namespace.clone(),
                    collection: name.clone(),
                    source,
                }))
            })?;
        }
    }
    channel.ledger().keep_transient(tx_id, creator, private).map_err(PrivateDataError::Transient)
}

/// Checks that the collection has as many other eligible peers as it requires. Peers beyond the
/// required number are never needed here.
fn check_peers(
    defined: &DefinedCollections,
    name: &str,
    (org, peers): (&str, &LocalPeers),
    msps: &MspManager,
) -> Result<(), PeersError> {
    let config = defined.get(name).ok_or_else(|| PeersError::NoCollection(name.to_owned()))?;
    let StaticCollectionConfig { required_peer_count: required, .. } = config;
    let collection = Collection::new(config);
    let collection = collection.map_err(|why| PeersError::Unusable(why.to_string()))?;
    let eligible = peers.members(&collection, msps).filter(|member| *member != org).count();
    if i64::try_from(eligible).is_ok_and(|eligible| eligible < i64::from(required)) {
        return Err(PeersError::TooFew { required, eligible });
    }
    Ok(())
}
