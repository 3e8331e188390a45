//! A ledger without a peer, with unsigned transactions that no chaincode made.

use std::path::Path;
use std::sync::Arc;

use prost::Message;
use wasmcc_ledger::{
    CommitTx, CommittedBlock, Ledger, LedgerConfig, LedgerError, Ledgers, NoCollections,
    TxEnvelope, TxRwSet, new_block,
};
use wasmcc_types::proto::common::{Block, ChannelHeader, Envelope, Header, HeaderType, Payload};
use wasmcc_types::proto::protos::{
    ChaincodeAction, ChaincodeActionPayload, ChaincodeEndorsedAction, ProposalResponsePayload,
    Transaction, TransactionAction, TxValidationCode,
};

/// The only channel.
pub const CHANNEL: &str = "mychannel";

/// Opens the ledgers in a folder; creates the channel if it is missing.
///
/// # Errors
/// The ledger fails.
pub fn open_chain(dir: &Path) -> Result<(Ledgers, Arc<Ledger>), LedgerError> {
    let config = LedgerConfig { cache_bytes: 16 << 20, ..LedgerConfig::default() };
    let ledgers = Ledgers::open(dir, config)?;
    let ledger = match ledgers.get(CHANNEL) {
        Some(ledger) => ledger,
        None => ledgers.create(&genesis())?,
    };
    Ok((ledgers, ledger))
}

/// Commits the next block.
///
/// # Errors
/// The ledger fails.
pub fn commit(ledger: &Ledger, envelopes: Vec<Vec<u8>>) -> Result<CommittedBlock, LedgerError> {
    let txs = envelopes.iter().map(|bytes| {
        let parsed = TxEnvelope::parse(bytes)?;
        let rwset = parsed.rwset()?;
        let tx_id = Some(parsed.into_channel_header().tx_id);
        Ok(CommitTx { tx_id, code: TxValidationCode::Valid, rwset })
    });
    let txs = txs.collect::<Result<Vec<_>, LedgerError>>()?;
    let info = ledger.info();
    ledger.commit(new_block(info.height, info.current_block_hash, envelopes), txs, &NoCollections)
}

/// Returns a chaincode's transaction with this read-write set; `input` is its proposal's input.
pub fn transaction(tx_id: &str, rwset: &TxRwSet, input: Vec<u8>) -> Vec<u8> {
    let action = ChaincodeAction { results: rwset.encode(), ..Default::default() };
    let response =
        ProposalResponsePayload { extension: action.encode_to_vec(), ..Default::default() };
    let endorsed = ChaincodeEndorsedAction {
        proposal_response_payload: response.encode_to_vec(),
        ..Default::default()
    };
    let payload =
        ChaincodeActionPayload { chaincode_proposal_payload: input, action: Some(endorsed) };
    let action = TransactionAction { payload: payload.encode_to_vec(), ..Default::default() };
    let transaction = Transaction { actions: vec![action] };
    envelope(HeaderType::EndorserTransaction, tx_id, transaction.encode_to_vec())
}

fn genesis() -> Block {
    new_block(0, Vec::new(), vec![envelope(HeaderType::Config, "", b"config".to_vec())])
}

fn envelope(r#type: HeaderType, tx_id: &str, data: Vec<u8>) -> Vec<u8> {
    let header = ChannelHeader {
        r#type: r#type as i32,
        channel_id: CHANNEL.into(),
        tx_id: tx_id.into(),
        ..Default::default()
    };
    let header = Header { channel_header: header.encode_to_vec(), ..Default::default() };
    let payload = Payload { header: Some(header), data }.encode_to_vec();
    Envelope { payload, signature: Vec::new() }.encode_to_vec()
}
