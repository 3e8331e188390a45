//! Sends the events of one chaincode, block by block.
//!
//! Invariant: only events of valid transactions are sent, in the order of the ledger.

use std::sync::Arc;

use tonic::Status;

use crate::block_feed::BlockFeed;
use crate::filtered_block;
use crate::outlet::{Outlet, Packer};
use crate::peer::Peer;
use crate::waits::{WaitingPlace, Waits};
use wasmcc_types::Opened;
use wasmcc_types::proto::common::BlockMetadataIndex;
use wasmcc_types::proto::gateway::{ChaincodeEventsRequest, ChaincodeEventsResponse};
use wasmcc_types::proto::orderer::seek_position;
use wasmcc_types::proto::{common, protos};

/// Sends the events of each block that has any, until the client disconnects or the peer stops.
pub(super) struct Feed {
    blocks: BlockFeed,
    chaincode_id: String,
    next_block: u64,
    /// Events up to and including this transaction's are skipped, in whichever block it is.
    after: Option<String>,
    _place: WaitingPlace,
}

impl Feed {
    /// Finds the first block (fabric `internal/pkg/gateway/chaincodeevents.go`). May block.
    pub(super) fn start(
        peer: Arc<dyn Peer>,
        waits: Waits,
        place: WaitingPlace,
        request: ChaincodeEventsRequest,
    ) -> Result<Self, Status> {
        let ChaincodeEventsRequest { channel_id, chaincode_id, .. } = request;
        let blocks = BlockFeed::open(Arc::clone(&peer), waits, &channel_id)
            .ok_or_else(|| Status::not_found(format!("channel not found: {channel_id}")))?;
        let after = Some(request.after_transaction_id).filter(|tx_id| !tx_id.is_empty());
        let known = after.as_deref().and_then(|tx_id| {
            let status = peer.commit_status(&channel_id, tx_id);
            status.ok().flatten().map(|status| status.block_number)
        });
        let position = request.start_position.and_then(|position| position.r#type);
        let next_block = match (known, position) {
            (Some(block), _) => block,
            (None, None | Some(seek_position::Type::NextCommit(_))) => blocks.height(),
            (None, Some(seek_position::Type::Specified(block))) => block.number,
            (None, Some(seek_position::Type::Newest(_))) => return Err(not_a_start("Newest")),
            (None, Some(seek_position::Type::Oldest(_))) => return Err(not_a_start("Oldest")),
        };
        Ok(Self { blocks, chaincode_id, next_block, after, _place: place })
    }

    /// Runs until the client disconnects or the peer stops.
    pub(super) async fn run(mut self, out: Outlet, packer: Packer) {
        let failed = loop {
            let sent = tokio::select! {
                sent = self.send_next(&out, &packer) => sent,
                () = out.closed() => return,
            };
            if let Err(status) = sent {
                break status;
            }
        };
        out.fail(failed);
    }

    /// Waits for the next block, and sends the chaincode's events in it, if any.
    async fn send_next(&mut self, out: &Outlet, packer: &Packer) -> Result<(), Status> {
        if !self.blocks.reach(self.next_block).await? {
            return Err(self.blocks.ended());
        }
        // Read only now, so that a block for a client that does not read stays on disk.
        let slot = out.slot().await?;
        let mut room = None;
        let passed = loop {
            let turn = packer.turn().await;
            let (response, passed) = self.response().await?;
            if response.events.is_empty() {
                break passed;
            }
            let packed = packer.pack(&response, room.take())?;
            drop((turn, response));
            match packed {
                Ok(message) => {
                    slot.send(message);
                    break passed;
                }
                // The block is read again when there is room.
                Err(asked) => room = Some(out.room(asked).await?),
            }
        };
        self.next_block += 1;
        self.after = self.after.take().filter(|_| !passed);
        Ok(())
    }

    /// Returns the events of the next block; true if the event is among them after which they
    /// begin.
    async fn response(&self) -> Result<(ChaincodeEventsResponse, bool), Status> {
        let number = self.next_block;
        let block = self.blocks.read(number).await?;
        let block = block.ok_or_else(|| Status::unavailable("the channel has stopped"))?;
        let mut events = events(block);
        let mut passed = false;
        if let Some(after) = &self.after {
            let place = events.iter().position(|event| event.tx_id == *after);
            events.drain(..place.map_or(events.len(), |place| place + 1));
            passed = place.is_some();
        }
        events.retain(|event| event.chaincode_id == self.chaincode_id);
        Ok((ChaincodeEventsResponse { events, block_number: number }, passed))
    }
}

/// Returns the error for a start position; its type is named as in Go.
fn not_a_start(position: &str) -> Status {
    let text = format!("invalid start position type: *orderer.SeekPosition_{position}");
    Status::invalid_argument(text)
}

/// Returns the events of a block's valid transactions.
fn events(block: common::Block) -> Vec<protos::ChaincodeEvent> {
    let flags = block.metadata.as_ref().and_then(|metadata| {
        metadata.metadata.get(BlockMetadataIndex::TransactionsFilter as usize)
    });
    let valid = i32::from(protos::TxValidationCode::Valid);
    let is_valid = |index| {
        flags.and_then(|flags| flags.get(index)).is_some_and(|&flag| i32::from(flag) == valid)
    };
    let entries = block.data.map_or_else(Vec::new, |data| data.data);
    let valid = entries.into_iter().enumerate().filter(|(index, _)| is_valid(*index));
    valid.filter_map(|(_, entry)| event(&Opened::open(entry).ok()?)).collect()
}

/// Returns the event of an endorsed transaction.
fn event(opened: &Opened) -> Option<protos::ChaincodeEvent> {
    if !opened.is_endorser_tx() {
        return None;
    }
    let event = filtered_block::event(opened.endorsed().ok()?)?;
    (!event.event_name.is_empty() && !event.tx_id.is_empty()).then_some(event)
}
