//! Shared by the ledger's tests: golden blocks, and blocks made from read-write sets.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use prost::Message;
use prost::bytes::Bytes;

use crate::{
    CommitTx, CommittedBlock, Ledger, LedgerConfig, Ledgers, NoCollections, Simulator, TxEnvelope,
    TxRwSet, new_block,
};
use wasmcc_types::proto::common::{Block, ChannelHeader, Envelope, Header, HeaderType, Payload};
use wasmcc_types::proto::protos::{
    ChaincodeAction, ChaincodeActionPayload, ChaincodeEndorsedAction, ProposalResponsePayload,
    Transaction, TransactionAction, TxValidationCode,
};

pub(crate) const CHANNEL: &str = "mychannel";

pub(crate) fn golden_dir() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden"))
}

/// Blocks 0 to 45 as a Fabric 2.5.4 peer stored them.
pub(crate) fn golden_blocks() -> Vec<Block> {
    (0..46)
        .map(|number| {
            let path = golden_dir().join(format!("channel/b{number:03}.block"));
            Block::decode(std::fs::read(path).unwrap().as_slice()).unwrap()
        })
        .collect()
}

pub(crate) fn envelopes(block: &Block) -> &[Bytes] {
    &block.data.as_ref().unwrap().data
}

/// A transaction of a block with a verdict of the layers above.
pub(crate) fn commit_tx(envelope: &[u8], code: TxValidationCode) -> CommitTx {
    let parsed = TxEnvelope::parse(envelope).unwrap();
    let rwset = parsed.rwset().unwrap();
    CommitTx { tx_id: Some(parsed.tx_id()), code, rwset }
}

fn envelope(channel: &str, r#type: HeaderType, tx_id: &str, data: Vec<u8>) -> Vec<u8> {
    let header = ChannelHeader {
        r#type: r#type as i32,
        channel_id: channel.into(),
        tx_id: tx_id.into(),
        timestamp: Some(prost_types::Timestamp { seconds: 7, nanos: 9 }),
        ..Default::default()
    };
    let header = Header { channel_header: header.encode_to_vec(), signature_header: vec![] };
    let payload = Payload { header: Some(header), data }.encode_to_vec();
    Envelope { payload, signature: vec![] }.encode_to_vec()
}

/// The envelope of a chaincode's transaction with this read-write set.
pub(crate) fn tx_envelope(tx_id: &str, rwset: &TxRwSet) -> Vec<u8> {
    let action = ChaincodeAction { results: rwset.encode(), ..Default::default() };
    let response =
        ProposalResponsePayload { proposal_hash: vec![], extension: action.encode_to_vec() };
    let endorsed = ChaincodeEndorsedAction {
        proposal_response_payload: response.encode_to_vec(),
        endorsements: vec![],
    };
    let payload =
        ChaincodeActionPayload { chaincode_proposal_payload: vec![], action: Some(endorsed) };
    let action = TransactionAction { header: vec![], payload: payload.encode_to_vec() };
    let tx = Transaction { actions: vec![action] };
    envelope(CHANNEL, HeaderType::EndorserTransaction, tx_id, tx.encode_to_vec())
}

pub(crate) fn genesis() -> Block {
    genesis_of(CHANNEL)
}

pub(crate) fn genesis_of(channel: &str) -> Block {
    new_block(0, vec![], vec![envelope(channel, HeaderType::Config, "", b"config".to_vec())])
}

/// Opens the ledgers in a folder, and the one channel, which is created if it is missing.
pub(crate) fn open_with(dir: &Path, config: LedgerConfig) -> (Ledgers, Arc<Ledger>) {
    let ledgers = Ledgers::open(dir, config).unwrap();
    let ledger = match ledgers.get(CHANNEL) {
        Some(ledger) => ledger,
        None => ledgers.create(&genesis()).unwrap(),
    };
    (ledgers, ledger)
}

/// Temporary ledgers with one channel.
pub(crate) fn temporary() -> (Ledgers, Arc<Ledger>) {
    temporary_with(small_config())
}

pub(crate) fn temporary_with(config: LedgerConfig) -> (Ledgers, Arc<Ledger>) {
    let ledgers = Ledgers::temporary(config).unwrap();
    let ledger = ledgers.create(&genesis()).unwrap();
    (ledgers, ledger)
}

pub(crate) fn small_config() -> LedgerConfig {
    LedgerConfig { cache_bytes: 8 << 20, ..LedgerConfig::default() }
}

/// Without CouchDB's rules, as on the peers whose bytes were captured.
pub(crate) fn leveldb_config() -> LedgerConfig {
    LedgerConfig { rich_queries: false, ..small_config() }
}

/// Returns the next block of a ledger with these transactions, and their list for the commit.
pub(crate) fn next_block(ledger: &Ledger, txs: &[(&str, TxRwSet)]) -> (Block, Vec<CommitTx>) {
    let envelopes: Vec<_> = txs.iter().map(|(tx_id, rwset)| tx_envelope(tx_id, rwset)).collect();
    let list = envelopes.iter().map(|envelope| commit_tx(envelope, TxValidationCode::Valid));
    let list = list.collect();
    let info = ledger.info();
    (new_block(info.height, info.current_block_hash, envelopes), list)
}

/// Commits a block of these transactions.
pub(crate) fn commit(ledger: &Ledger, txs: &[(&str, TxRwSet)]) -> CommittedBlock {
    let (block, list) = next_block(ledger, txs);
    ledger.commit(block, list, &NoCollections).unwrap()
}

/// Simulates on the newest state.
pub(crate) fn simulate(ledger: &Arc<Ledger>, run: impl FnOnce(&mut Simulator)) -> TxRwSet {
    let mut simulator = ledger.simulator("tx");
    run(&mut simulator);
    simulator.finish().public
}

/// A transaction that only puts keys; an empty value deletes.
pub(crate) fn puts(ledger: &Arc<Ledger>, puts: &[(&str, &str)]) -> TxRwSet {
    simulate(ledger, |simulator| {
        for (key, value) in puts {
            simulator.put_state("ns", key, value.as_bytes().to_vec()).unwrap();
        }
    })
}
