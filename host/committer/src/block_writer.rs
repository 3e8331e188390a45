//! Writes the orderer's metadata of a block: the number of the block with the configuration in
//! force, and a signature. Fabric: `orderer/common/multichannel/blockwriter.go`.
//!
//! Invariant: writes only metadata; hashes do not cover it, and verdicts do not depend on it.

use std::sync::Arc;

use prost::Message;

use wasmcc_ledger::{MatchedBlock, header_bytes};
use wasmcc_msp::SigningIdentity;
use wasmcc_types::proto::common::{
    BlockMetadataIndex, LastConfig, Metadata, MetadataSignature, OrdererBlockMetadata,
    SignatureHeader,
};

/// Writes the number of the last configuration block, which may be this one, and signs the block if
/// a signer is given. Fabric: `addLastConfig`, `addBlockSignature`.
pub(crate) fn add_metadata(
    block: &mut MatchedBlock,
    last_config: u64,
    signer: Option<&Arc<SigningIdentity>>,
) {
    let last_config = LastConfig { index: last_config };
    let value = OrdererBlockMetadata {
        last_config: Some(last_config),
        consenter_metadata: Metadata::default().encode_to_vec(),
    };
    let value = value.encode_to_vec();
    let header = header_bytes(block.header());
    let signatures = signer.map(|signer| {
        let creator = signer.serialized().to_vec();
        let signature_header = SignatureHeader { creator, nonce: random_nonce() }.encode_to_vec();
        let signature = signer.sign(&[&value[..], &signature_header, &header].concat());
        MetadataSignature { signature_header, signature, identifier_header: Vec::new() }
    });
    let signatures = Metadata { value, signatures: signatures.into_iter().collect() };
    let last_config = Metadata { value: last_config.encode_to_vec(), signatures: Vec::new() };
    let slots = &mut block.metadata_mut().metadata;
    let entries = [
        (BlockMetadataIndex::Signatures, signatures),
        (BlockMetadataIndex::LastConfig, last_config),
    ];
    for (index, entry) in entries {
        if slots.len() <= index as usize {
            slots.resize(index as usize + 1, Vec::new());
        }
        if let Some(slot) = slots.get_mut(index as usize) {
            *slot = entry.encode_to_vec();
        }
    }
}

/// 24 bytes, as everywhere in Fabric.
pub(crate) fn random_nonce() -> Vec<u8> {
    let mut nonce = vec![0; 24];
    aws_lc_rs::rand::fill(&mut nonce).expect("the system has randomness, or it had no keys either");
    nonce
}
