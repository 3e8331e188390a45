//! Recorded channels: the captured one as a file of blocks, and forged chains.
#![allow(clippy::unwrap_used, reason = "a test cannot go on without its channel")]

use std::path::Path;

use prost::Message;
use wasmcc_ledger::{
    CommitTx, LedgerConfig, Ledgers, NoCollections, TxEnvelope, TxRwSet, new_block, tx_filter,
};
use wasmcc_types::proto::common::{Block, Envelope, Payload};
use wasmcc_types::proto::protos::{
    ChaincodeAction, ChaincodeActionPayload, ProposalResponsePayload, Transaction, TxValidationCode,
};

/// Returns the blocks 0 to 45 of the captured channel.
pub fn golden_blocks() -> Vec<Block> {
    let block = |number| {
        let path = crate::golden(&format!("channel/b{number:03}.block"));
        Block::decode(std::fs::read(path).unwrap().as_slice()).unwrap()
    };
    (0..46).map(block).collect()
}

/// Writes blocks as `wasmcc ledger export` does.
pub fn write_blocks(path: &Path, blocks: &[Block]) {
    let bytes: Vec<u8> = blocks.iter().flat_map(Message::encode_length_delimited_to_vec).collect();
    std::fs::write(path, bytes).unwrap();
}

/// Returns the captured channel with other entries in some blocks, and updated data hashes, block
/// hashes and commit hashes. Only the signatures are those of the original.
pub fn forged_chain(forge: impl Fn(u64, usize, Vec<u8>) -> Vec<u8>) -> Vec<Block> {
    let blocks = golden_blocks();
    let config = LedgerConfig { rich_queries: false, ..LedgerConfig::default() };
    let ledgers = Ledgers::temporary(config).unwrap();
    let ledger = ledgers.create(&blocks[0]).unwrap();
    for block in &blocks[1..] {
        let number = block.header.as_ref().unwrap().number;
        let entries = block.data.clone().unwrap().data.into_iter().enumerate();
        let entries: Vec<_> = entries.map(|(at, entry)| forge(number, at, entry.into())).collect();
        let txs = entries.iter().zip(tx_filter(block)).map(|(entry, &code)| {
            let envelope = TxEnvelope::parse(entry).unwrap();
            let code = TxValidationCode::try_from(i32::from(code)).unwrap();
            let is_of_policies = code == TxValidationCode::EndorsementPolicyFailure;
            let code = if is_of_policies { code } else { TxValidationCode::Valid };
            CommitTx { tx_id: Some(envelope.tx_id()), code, rwset: envelope.rwset().unwrap() }
        });
        let txs = txs.collect();
        let forged = new_block(number, ledger.info().current_block_hash, entries);
        let committed = ledger.commit(forged, txs, &NoCollections).unwrap();
        assert_eq!(tx_filter(&committed.block), tx_filter(block), "block {number}");
    }
    (0..ledger.height()).map(|number| ledger.block(number).unwrap().unwrap()).collect()
}

/// Returns a transaction with another read-write set in the endorsed bytes.
pub fn with_results(entry: &[u8], change: impl FnOnce(&mut TxRwSet)) -> Vec<u8> {
    let mut envelope = Envelope::decode(entry).unwrap();
    let mut payload = Payload::decode(envelope.payload.as_slice()).unwrap();
    let mut tx = Transaction::decode(payload.data.as_slice()).unwrap();
    let mut action = ChaincodeActionPayload::decode(tx.actions[0].payload.as_slice()).unwrap();
    let mut endorsed = action.action.take().unwrap();
    let response = endorsed.proposal_response_payload.as_slice();
    let mut response = ProposalResponsePayload::decode(response).unwrap();
    let mut results = ChaincodeAction::decode(response.extension.as_slice()).unwrap();
    let mut rwset = TxRwSet::decode(&results.results).unwrap();
    change(&mut rwset);
    results.results = rwset.encode();
    response.extension = results.encode_to_vec();
    endorsed.proposal_response_payload = response.encode_to_vec();
    action.action = Some(endorsed);
    tx.actions[0].payload = action.encode_to_vec();
    payload.data = tx.encode_to_vec();
    envelope.payload = payload.encode_to_vec();
    envelope.encode_to_vec()
}
