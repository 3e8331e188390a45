//! Collections in LSCC's state (fabric 1.4 `core/scc/lscc/lscc.go`, `putChaincodeCollectionData`).

use prost::Message;

use crate::chaincode::Stub;
use wasmcc_channel::collections::{
    CollectionsError, check_against_committed, check_members, check_package, lscc_key,
};
use wasmcc_msp::ChannelConfig;
use wasmcc_types::proto::protos::CollectionConfigPackage;

/// Writes the collections of a chaincode, as they were given; does nothing if none were. What VSCC
/// asks of them is asked here too, so that nobody endorses what cannot be valid: an upgrade reads
/// those that are replaced.
pub(super) fn put(
    stub: &mut Stub<'_>,
    chaincode: &str,
    given: &[u8],
    config: &ChannelConfig,
    is_upgrade: bool,
) -> Result<(), String> {
    if given.is_empty() {
        return Ok(());
    }
    if !config.capabilities().v1_2 {
        return Err("as V1_2 or later capability is not enabled, private channel collections and \
                    data are not available"
            .into());
    }
    let package = CollectionConfigPackage::decode(given)
        .map_err(|e| format!("invalid collection configuration supplied for {chaincode}: {e}"))?;
    let failed = |why: CollectionsError| format!("collection member policy check failed: {why}");
    let collections = check_package(&package).map_err(failed)?;
    collections
        .iter()
        .try_for_each(|collection| check_members(collection, config.msps()))
        .map_err(failed)?;
    let key = lscc_key(chaincode);
    if is_upgrade && let Some(committed) = stub.get_state(&key).map_err(|e| e.to_string())? {
        let committed = CollectionConfigPackage::decode(committed.as_slice())
            .map_err(|e| format!("the collections of {chaincode} are damaged: {e}"))?;
        check_against_committed(&collections, &committed).map_err(|error| error.to_string())?;
    }
    stub.put_state(&key, given.to_vec())
        .map_err(|error| format!("error putting collection for chaincode {chaincode}: {error}"))
}

/// `GetCollectionsConfig`: the collections as they were given.
pub(super) fn get(stub: &mut Stub<'_>) -> Result<Vec<u8>, String> {
    let chaincode = stub.text_arg(1).unwrap_or_default();
    let stored = stub.get_state(&lscc_key(&chaincode)).map_err(|e| e.to_string())?;
    stored.ok_or_else(|| format!("collections config not defined for chaincode {chaincode}"))
}
