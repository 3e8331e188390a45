//! `protos.Deliver`: the blocks of a peer, complete, filtered, or with private data.

use tonic::{Request, Response, Status as RpcStatus, Streaming};

use crate::deliver::{Deliverer, Deliveries, Form};
use crate::filtered_block::filtered_block;
use crate::peer::{Peer, Reading};
use crate::peer_error::LedgerReadError;
use crate::seek::SeekRequest;
use wasmcc_metrics::BlockKind;
use wasmcc_types::proto::common::{Block, Envelope, Status};
use wasmcc_types::proto::protos::deliver_response::Type;
use wasmcc_types::proto::protos::{BlockAndPrivateData, DeliverResponse, deliver_server};

/// The service.
pub(super) struct PeerDeliver(pub(super) Deliverer);

/// Complete blocks.
pub(super) struct Blocks;
/// Filtered blocks, without the contents of transactions.
pub(super) struct FilteredBlocks;
/// Complete blocks with the private data that the client may read.
pub(super) struct BlocksWithPrivateData;

fn response(content: Type) -> DeliverResponse {
    DeliverResponse { r#type: Some(content) }
}

impl Form for Blocks {
    type Message = DeliverResponse;
    const READING: Reading = Reading::Resource("event/Block");
    const METHOD: &'static str = "/protos.Deliver/Deliver";

    fn status(status: Status) -> DeliverResponse {
        response(Type::Status(status.into()))
    }

    fn block(
        _: &dyn Peer,
        _: &str,
        _: &SeekRequest,
        block: Block,
    ) -> Result<DeliverResponse, LedgerReadError> {
        Ok(response(Type::Block(block)))
    }
}

impl Form for FilteredBlocks {
    type Message = DeliverResponse;
    const READING: Reading = Reading::Resource("event/FilteredBlock");
    const METHOD: &'static str = "/protos.Deliver/DeliverFiltered";
    const COUNTED: BlockKind = BlockKind { filtered: "true", data_type: "filtered_block" };

    fn status(status: Status) -> DeliverResponse {
        Blocks::status(status)
    }

    fn block(
        _: &dyn Peer,
        _: &str,
        _: &SeekRequest,
        block: Block,
    ) -> Result<DeliverResponse, LedgerReadError> {
        Ok(response(Type::FilteredBlock(filtered_block(block))))
    }
}

impl Form for BlocksWithPrivateData {
    type Message = DeliverResponse;
    const READING: Reading = Reading::Resource("event/Block");
    const METHOD: &'static str = "/protos.Deliver/DeliverWithPrivateData";
    const COUNTED: BlockKind = BlockKind { filtered: "false", data_type: "block_and_pvtdata" };

    fn status(status: Status) -> DeliverResponse {
        Blocks::status(status)
    }

    fn block(
        peer: &dyn Peer,
        org: &str,
        request: &SeekRequest,
        block: Block,
    ) -> Result<DeliverResponse, LedgerReadError> {
        let number = block.header.as_ref().map_or(0, |header| header.number);
        let SeekRequest { channel_id, signed, .. } = request;
        let private_data_map = peer.private_data(org, channel_id, number, signed)?;
        let block = BlockAndPrivateData { block: Some(block), private_data_map };
        Ok(response(Type::BlockAndPrivateData(block)))
    }
}

#[tonic::async_trait]
impl deliver_server::Deliver for PeerDeliver {
    type DeliverStream = Deliveries<Blocks>;

    async fn deliver(
        &self,
        request: Request<Streaming<Envelope>>,
    ) -> Result<Response<Self::DeliverStream>, RpcStatus> {
        self.0.serve::<Blocks>(request).await
    }

    type DeliverFilteredStream = Deliveries<FilteredBlocks>;

    async fn deliver_filtered(
        &self,
        request: Request<Streaming<Envelope>>,
    ) -> Result<Response<Self::DeliverFilteredStream>, RpcStatus> {
        self.0.serve::<FilteredBlocks>(request).await
    }

    type DeliverWithPrivateDataStream = Deliveries<BlocksWithPrivateData>;

    async fn deliver_with_private_data(
        &self,
        request: Request<Streaming<Envelope>>,
    ) -> Result<Response<Self::DeliverWithPrivateDataStream>, RpcStatus> {
        self.0.serve::<BlocksWithPrivateData>(request).await
    }
}
