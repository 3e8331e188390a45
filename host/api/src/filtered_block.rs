//! A block without what its transactions did: ids, verdicts, and names of events. Fabric:
//! `core/peer/deliverevents.go`, `toFilteredBlock`.
//!
//! Invariant: payloads never go out. Unlike Fabric's, this leaves out of a block what does not
//! parse, in place of refusing the block: one such entry would end every stream.

use prost::Message;

use wasmcc_types::proto::common::{
    Block, BlockMetadataIndex, ChannelHeader, Envelope, HeaderType, Payload,
};
use wasmcc_types::proto::protos::filtered_transaction::Data;
use wasmcc_types::proto::protos::{
    ChaincodeAction, ChaincodeActionPayload, ChaincodeEvent, FilteredBlock,
    FilteredChaincodeAction, FilteredTransaction, FilteredTransactionActions,
    ProposalResponsePayload, Transaction, TransactionAction, TxValidationCode,
};

/// What of a block goes to those who may not see transactions.
pub(super) fn filtered_block(block: &Block) -> FilteredBlock {
    let number = block.header.as_ref().map_or(0, |header| header.number);
    let mut filtered = FilteredBlock { number, ..FilteredBlock::default() };
    let flags = block.metadata.as_ref().and_then(|metadata| {
        metadata.metadata.get(BlockMetadataIndex::TransactionsFilter as usize)
    });
    let flag = |index: usize| match flags.and_then(|flags| flags.get(index)) {
        Some(flag) => i32::from(*flag),
        None => TxValidationCode::NotValidated.into(),
    };
    let entries = block.data.as_ref().map_or(&[][..], |data| &data.data);
    for (index, entry) in entries.iter().enumerate() {
        let Some((header, data)) = channel_header(entry) else { continue };
        filtered.channel_id = header.channel_id;
        let is_endorsed = header.r#type == i32::from(HeaderType::EndorserTransaction);
        filtered.filtered_transactions.push(FilteredTransaction {
            txid: header.tx_id,
            r#type: header.r#type,
            tx_validation_code: flag(index),
            data: is_endorsed.then(|| Data::TransactionActions(actions(&data))),
        });
    }
    filtered
}

/// The channel header and the data of an entry of a block, if it parses.
pub(super) fn channel_header(entry: &[u8]) -> Option<(ChannelHeader, Vec<u8>)> {
    let envelope = Envelope::decode(entry).ok()?;
    let payload = Payload::decode(envelope.payload.as_slice()).ok()?;
    let header = ChannelHeader::decode(payload.header?.channel_header.as_slice()).ok()?;
    Some((header, payload.data))
}

fn actions(transaction: &[u8]) -> FilteredTransactionActions {
    let transaction = Transaction::decode(transaction).unwrap_or_default();
    let chaincode_actions = transaction.actions.iter().filter_map(event).map(|event| {
        let chaincode_event = Some(ChaincodeEvent { payload: Vec::new(), ..event });
        FilteredChaincodeAction { chaincode_event }
    });
    FilteredTransactionActions { chaincode_actions: chaincode_actions.collect() }
}

/// The event of an action, if it has one.
pub(super) fn event(action: &TransactionAction) -> Option<ChaincodeEvent> {
    let endorsed = ChaincodeActionPayload::decode(action.payload.as_slice()).ok()?.action?;
    let payload = endorsed.proposal_response_payload.as_slice();
    let payload = ProposalResponsePayload::decode(payload).ok()?;
    let action = ChaincodeAction::decode(payload.extension.as_slice()).ok()?;
    let event = ChaincodeEvent::decode(action.events.as_slice()).ok()?;
    (!event.chaincode_id.is_empty()).then_some(event)
}
