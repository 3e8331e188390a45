//! The private data in block events. Fabric: `core/peer/deliverevents.go`, `getPrivateData`,
//! `CheckCollectionPolicy`.
//!
//! Invariant: access to a collection is decided by its definition before the block, which the
//! endorsers of the block's transactions used. Later definitions do not count.

use std::collections::BTreeMap;
use std::sync::Arc;

use wasmcc_channel::Channel;
use wasmcc_channel::collections::{
    Collection, DefinedCollections, LookupError, UnusableCollection,
};
use wasmcc_ledger::{LedgerError, Snapshot};
use wasmcc_msp::{Identity, SignedData};
use wasmcc_types::proto::rwset::TxPvtReadWriteSet;

/// The reason why the private data of a block cannot be delivered. The texts are Fabric's.
#[derive(Debug, thiserror::Error)]
pub(super) enum PrivateEventsError {
    /// The ledger cannot be read.
    #[error("error getting private data by block number {block}: {error}")]
    Ledger {
        /// The block.
        block: u64,
        /// The cause.
        error: LedgerError,
    },
    /// The definition before the block cannot be read.
    #[error(
        "error getting most recent collection config below block sequence = {block} for chaincode \
         {chaincode}: {error}"
    )]
    Definition {
        /// The block.
        block: u64,
        /// The chaincode.
        chaincode: String,
        /// The cause.
        error: LookupError<LedgerError>,
    },
    /// The definition before the block does not have the collection.
    #[error("no collection config was found for collection {collection} for chaincode {chaincode}")]
    NotDefined {
        /// The collection.
        collection: String,
        /// The chaincode.
        chaincode: String,
    },
    /// The definition of the collection cannot be used.
    #[error("error setting up collection  {name}: {reason}")]
    Collection {
        /// The collection.
        name: String,
        /// Describes the error.
        reason: UnusableCollection,
    },
}

/// Returns the private data of a block that the peer of an organization has. Leaves out collections
/// that only members may read, if the signer of the request is not a member.
pub(super) fn visible(
    channel: &Channel,
    msp_id: &str,
    block: u64,
    request: &SignedData,
) -> Result<BTreeMap<u64, TxPvtReadWriteSet>, PrivateEventsError> {
    let failed = |error| PrivateEventsError::Ledger { block, error };
    let mut sets = channel.ledger().private_data_of_block(msp_id, block).map_err(failed)?;
    if sets.is_empty() {
        return Ok(sets);
    }
    // The signature of the request has been verified.
    let reader = channel.config().msps().deserialize(&request.identity).ok();
    let mut definitions = DefinitionsBefore {
        snapshot: channel.ledger().snapshot(),
        block,
        reader: reader.as_ref(),
        known: BTreeMap::new(),
    };
    for set in sets.values_mut() {
        for ns in &mut set.ns_pvt_rwset {
            let mut seen = Vec::with_capacity(ns.collection_pvt_rwset.len());
            for collection in std::mem::take(&mut ns.collection_pvt_rwset) {
                if definitions.may_read(&ns.namespace, &collection.collection_name)? {
                    seen.push(collection);
                }
            }
            ns.collection_pvt_rwset = seen;
        }
        set.ns_pvt_rwset.retain(|ns| !ns.collection_pvt_rwset.is_empty());
    }
    sets.retain(|_, set| !set.ns_pvt_rwset.is_empty());
    Ok(sets)
}

/// The definitions before a block, each looked up once, and the reader.
struct DefinitionsBefore<'a> {
    snapshot: Snapshot,
    block: u64,
    reader: Option<&'a Arc<Identity>>,
    known: BTreeMap<String, DefinedCollections>,
}

impl DefinitionsBefore<'_> {
    fn may_read(&mut self, namespace: &str, collection: &str) -> Result<bool, PrivateEventsError> {
        let defined = match self.known.get(namespace) {
            Some(defined) => defined,
            None => {
                let mut read =
                    |ns: &str, key: &str| self.snapshot.value_before(ns, key, self.block);
                let defined =
                    DefinedCollections::look_up(namespace, &mut read).map_err(|error| {
                        let (block, chaincode) = (self.block, namespace.to_owned());
                        PrivateEventsError::Definition { block, chaincode, error }
                    })?;
                self.known.entry(namespace.to_owned()).or_insert(defined)
            }
        };
        let config = defined.get(collection).ok_or_else(|| {
            let (collection, chaincode) = (collection.to_owned(), namespace.to_owned());
            PrivateEventsError::NotDefined { collection, chaincode }
        })?;
        let name = config.name.clone();
        let collection = Collection::new(config)
            .map_err(|reason| PrivateEventsError::Collection { name, reason })?;
        Ok(collection.permission(self.reader).read)
    }
}
