//! The blocks of a peer from its Deliver service; the peer may be of this program or of Fabric.

use anyhow::{Context, Result, anyhow};
use tokio::runtime::{Handle, Runtime};
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tonic::transport::Channel;

use crate::ordering::{explained, seek_envelope};
use crate::session::{MESSAGE_BYTES, Session};
use crate::signal::{Interrupt, Interrupted};
use wasmcc_ledger::Step;
use wasmcc_types::proto::common::{Block, Envelope, Status};
use wasmcc_types::proto::orderer::seek_info::SeekBehavior;
use wasmcc_types::proto::orderer::seek_position::Type as Position;
use wasmcc_types::proto::orderer::{SeekInfo, SeekPosition, SeekSpecified};
use wasmcc_types::proto::protos::deliver_client::DeliverClient;
use wasmcc_types::proto::protos::deliver_response::Type;

/// Capacity of the queue of received blocks.
const WAITING: usize = 16;

/// A stream of blocks.
pub(crate) struct PeerBlocks {
    blocks: mpsc::Receiver<Result<Block>>,
    handle: Handle,
    /// The number of the first block.
    from: u64,
    /// The number of the next block.
    next: u64,
    /// The channel's height at the start.
    height: u64,
    follows: bool,
}

impl PeerBlocks {
    /// Requests blocks from the first number on. `height` is the peer's present height, and the end
    /// unless `follows`.
    pub(crate) fn start(
        runtime: &Runtime,
        session: &Session,
        channel: &str,
        (from, height): (u64, u64),
        follows: bool,
    ) -> Result<Self> {
        let (sender, blocks) = mpsc::channel(WAITING);
        let last = if follows { u64::MAX } else { height.saturating_sub(1) };
        if follows || from < height {
            let at = |number| {
                let r#type = Some(Position::Specified(SeekSpecified { number }));
                Some(SeekPosition { r#type })
            };
            let behavior = SeekBehavior::BlockUntilReady.into();
            let info =
                SeekInfo { start: at(from), stop: at(last), behavior, ..SeekInfo::default() };
            let envelope = seek_envelope(session, channel, &info)?;
            let connection = session.connection();
            runtime.spawn(async move {
                if let Err(error) = deliver(connection, envelope, &sender).await {
                    // The receiver may have been dropped.
                    let _ = sender.send(Err(error)).await;
                }
            });
        }
        let handle = runtime.handle().clone();
        Ok(Self { blocks, handle, from, next: from, height, follows })
    }

    /// Returns the next block; None at the end. A signal ends the wait.
    pub(crate) fn next(&mut self, interrupt: &mut Interrupt) -> Result<Option<Block>> {
        if !self.follows && self.next >= self.height {
            return Ok(None);
        }
        let next = self.next;
        let broken = || format!("the peer's stream of blocks broke off before block {next}");
        let received = self.handle.block_on(async {
            tokio::select! {
                received = self.blocks.recv() => Ok(received),
                () = interrupt.raised() => Err(Interrupted),
            }
        })?;
        let block = received.with_context(broken)?.with_context(broken)?;
        self.next += 1;
        Ok(Some(block))
    }

    /// Returns the number of the first block, and the channel's height at the start.
    pub(crate) fn range(&self) -> (u64, u64) {
        (self.from, self.height)
    }

    /// Returns the progress, in blocks instead of bytes.
    pub(crate) fn step(&self) -> Step {
        let of_bytes = self.height.max(self.next);
        Step { blocks: self.next, bytes: self.next, of_bytes }
    }
}

/// Forwards the blocks of a stream until it ends.
async fn deliver(
    connection: Channel,
    envelope: Envelope,
    to: &mpsc::Sender<Result<Block>>,
) -> Result<()> {
    let mut peer = DeliverClient::new(connection).max_decoding_message_size(MESSAGE_BYTES);
    // The peer would take the end of this stream for a client that has gone.
    let requests = tokio_stream::once(envelope).chain(tokio_stream::pending());
    let failed = |status: tonic::Status| anyhow!("{}: {}", status.code(), status.message());
    let mut answers = peer.deliver(requests).await.map_err(failed)?.into_inner();
    while let Some(answer) = answers.message().await.map_err(failed)? {
        match answer.r#type {
            Some(Type::Block(block)) => {
                if to.send(Ok(block)).await.is_err() {
                    return Ok(());
                }
            }
            Some(Type::Status(status)) if status == Status::Success as i32 => return Ok(()),
            Some(Type::Status(status)) => {
                return Err(anyhow!("the peer answered {}", explained(status)));
            }
            _ => return Err(anyhow!("the peer sent something other than blocks")),
        }
    }
    Ok(())
}
