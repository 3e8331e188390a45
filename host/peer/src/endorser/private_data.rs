//! What becomes of the private data of a simulation (fabric `core/endorser/endorser.go`,
//! `simulateProposal`; `gossip/privdata/distributor.go`).
//!
//! The peers of this process share one ledger, so what one of them keeps, all members have when the
//! transaction commits. There are no other peers, and a collection that asks for more of them is
//! refused.

use wasmcc_channel::Channel;
use wasmcc_channel::collections::{Collection, DefinedCollections, LocalPeers};
use wasmcc_ledger::Snapshot;
use wasmcc_msp::MspManager;
use wasmcc_types::proto::protos::StaticCollectionConfig;
use wasmcc_types::proto::rwset::TxPvtReadWriteSet;

/// Keeps private data until the transaction commits. `creator` is the client's serialized identity,
/// `state` is what the simulation read, and `org` the one whose peer simulated.
pub(super) fn keep(
    private: &TxPvtReadWriteSet,
    (tx_id, creator): (&str, &[u8]),
    channel: &Channel,
    state: &Snapshot,
    (org, peers): (&str, &LocalPeers),
) -> Result<(), String> {
    let config = channel.config();
    for set in &private.ns_pvt_rwset {
        let namespace = &set.namespace;
        let mut read = |ns: &str, key: &str| state.get(ns, key).map(|v| v.map(|v| v.value));
        let defined = DefinedCollections::look_up(namespace, &mut read).map_err(|error| {
            format!(
                "failed to obtain collections config: error while retrieving collection config \
                 for chaincode \"{namespace}\": {error}"
            )
        })?;
        for collection in &set.collection_pvt_rwset {
            let name = &collection.collection_name;
            check_peers(&defined, name, (org, peers), config.msps()).map_err(|why| {
                format!(
                    "failed to distribute private collection, txID {tx_id}, channel {}: could not \
                     build private data dissemination plan for chaincode {namespace} and \
                     collection {name}: {why}",
                    config.channel_id()
                )
            })?;
        }
    }
    channel
        .ledger()
        .keep_transient(tx_id, creator, private)
        .map_err(|error| format!("failed to store private data into transient store: {error}"))
}

/// Whether there are as many other peers that may hold the data as the collection requires. More
/// than the required number are never needed here.
fn check_peers(
    defined: &DefinedCollections,
    name: &str,
    (org, peers): (&str, &LocalPeers),
    msps: &MspManager,
) -> Result<(), String> {
    let config =
        defined.get(name).ok_or_else(|| format!("no configuration for collection {name} found"))?;
    let StaticCollectionConfig { required_peer_count: required, .. } = config;
    let collection = Collection::new(config).map_err(|error| error.to_string())?;
    let eligible = peers.members(&collection, msps).filter(|member| *member != org).count();
    if i64::try_from(eligible).is_ok_and(|eligible| eligible < i64::from(required)) {
        return Err(format!(
            "required to disseminate to at least {required} peers, but know of only {eligible} \
             eligible peers"
        ));
    }
    Ok(())
}
