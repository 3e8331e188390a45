//! Collections in LSCC's state (fabric 1.4 `core/scc/lscc/lscc.go`, `putChaincodeCollectionData`).

use prost::Message;

use crate::chaincode::Stub;
use crate::syscc::lscc::error::LsccError;
use wasmcc_channel::collections::{check_against_committed, check_package, lscc_key};
use wasmcc_msp::ChannelConfig;
use wasmcc_types::proto::protos::CollectionConfigPackage;
use wasmcc_types::{DEFINITION_FIELDS, decode_bounded};

/// Writes the collections of a chaincode unchanged; does nothing if there are none. Also makes
/// VSCC's checks, so that a transaction that cannot be valid is not endorsed. An upgrade reads the
/// collections that it replaces.
pub(super) fn put(
    stub: &mut Stub<'_>,
    chaincode: &str,
    given: &[u8],
    config: &ChannelConfig,
    is_upgrade: bool,
) -> Result<(), LsccError> {
    if given.is_empty() {
        return Ok(());
    }
    if !config.capabilities().v1_2 {
        return Err(LsccError::NoCollectionsYet);
    }
    let package = decode_bounded::<CollectionConfigPackage>(given, DEFINITION_FIELDS);
    let package = package.map_err(|error| LsccError::CollectionsEncoding {
        chaincode: chaincode.to_owned(),
        error,
    })?;
    let collections =
        check_package(&package, Some(config.msps())).map_err(LsccError::Collections)?;
    let key = lscc_key(chaincode);
    if is_upgrade && let Some(committed) = stub.get_state(&key)? {
        let committed = CollectionConfigPackage::decode(committed.as_slice()).map_err(|error| {
            LsccError::CollectionsDamaged { chaincode: chaincode.to_owned(), error }
        })?;
        check_against_committed(&collections, &committed).map_err(LsccError::CollectionsChanged)?;
    }
    stub.put_state(&key, given.to_vec())
        .map_err(|error| LsccError::PutCollections { chaincode: chaincode.to_owned(), error })
}

/// `GetCollectionsConfig`: returns the collections unchanged.
pub(super) fn get(stub: &mut Stub<'_>) -> Result<Vec<u8>, LsccError> {
    let chaincode = stub.text_arg(1).unwrap_or_default();
    let stored = stub.get_state(&lscc_key(&chaincode))?;
    stored.ok_or(LsccError::NoCollections(chaincode))
}
