//! Filters a block: keeps ids, verdicts, and names of events. Fabric: `core/peer/deliverevents.go`,
//! `toFilteredBlock`.
//!
//! Invariant: payloads are never included. An entry that cannot be decoded is left out; Fabric
//! refuses the block, so that one such entry would end every stream.

use prost::Message;

use wasmcc_types::proto::common::{Block, BlockMetadataIndex};
use wasmcc_types::proto::protos::filtered_transaction::Data;
use wasmcc_types::proto::protos::{
    ChaincodeEvent, FilteredBlock, FilteredChaincodeAction, FilteredTransaction,
    FilteredTransactionActions, TxValidationCode,
};
use wasmcc_types::{Endorsed, Opened};

/// Returns the part of a block for clients that may not read transactions.
pub(super) fn filtered_block(block: Block) -> FilteredBlock {
    let number = block.header.as_ref().map_or(0, |header| header.number);
    let mut filtered = FilteredBlock { number, ..FilteredBlock::default() };
    let flags = block.metadata.as_ref().and_then(|metadata| {
        metadata.metadata.get(BlockMetadataIndex::TransactionsFilter as usize)
    });
    let flag = |index: usize| match flags.and_then(|flags| flags.get(index)) {
        Some(flag) => i32::from(*flag),
        None => TxValidationCode::NotValidated.into(),
    };
    let entries = block.data.map_or_else(Vec::new, |data| data.data);
    for (index, entry) in entries.into_iter().enumerate() {
        let Ok(opened) = Opened::open(entry) else { continue };
        let data = opened.is_endorser_tx().then(|| Data::TransactionActions(actions(&opened)));
        filtered.channel_id = opened.channel_header.channel_id;
        filtered.filtered_transactions.push(FilteredTransaction {
            txid: opened.channel_header.tx_id,
            r#type: opened.channel_header.r#type,
            tx_validation_code: flag(index),
            data,
        });
    }
    filtered
}

fn actions(opened: &Opened) -> FilteredTransactionActions {
    let actions = opened.actions().unwrap_or_default();
    let events = actions.iter().filter_map(|action| event(&action.endorsed().ok()?));
    let chaincode_actions = events.map(|event| {
        let chaincode_event = Some(ChaincodeEvent { payload: Vec::new(), ..event });
        FilteredChaincodeAction { chaincode_event }
    });
    FilteredTransactionActions { chaincode_actions: chaincode_actions.collect() }
}

/// Returns the event of an action, if it has one.
pub(super) fn event(endorsed: &Endorsed) -> Option<ChaincodeEvent> {
    let action = endorsed.response.as_ref().ok()?.action().ok()?;
    let event = ChaincodeEvent::decode(action.events.clone()).ok()?;
    (!event.chaincode_id.is_empty()).then_some(event)
}
