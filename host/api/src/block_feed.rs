//! Reads the blocks of a channel in order, as they are committed.
//!
//! Invariant: no block is skipped, and waiting for one blocks no thread. The peer announces the
//! number of blocks; the blocks are read on demand.

use std::sync::Arc;

use tokio::sync::watch;
use tonic::Status;

use crate::peer::{Peer, Watching};
use crate::shutdown::stops;
use crate::waits::Waits;
use wasmcc_types::proto::common::Block;

/// Reads the blocks of one channel in order.
pub(super) struct BlockFeed {
    peer: Arc<dyn Peer>,
    waits: Waits,
    channel_id: String,
    height: watch::Receiver<u64>,
    _watching: Watching,
}

/// The reason why no block is returned.
pub(super) enum NoBlock {
    /// The peer is stopping, or its queue is full.
    Refused(Status),
    /// The block cannot be read from the ledger. The reason is logged as well.
    Unreadable(String),
}

impl From<Status> for NoBlock {
    fn from(status: Status) -> Self {
        Self::Refused(status)
    }
}

impl From<NoBlock> for Status {
    fn from(why: NoBlock) -> Self {
        match why {
            NoBlock::Refused(status) => status,
            NoBlock::Unreadable(text) => Self::aborted(text),
        }
    }
}

/// Returns the error for a client that waits for blocks of a channel that has stopped or is
/// interrupted.
pub(super) fn no_blocks(peer: &dyn Peer, channel_id: &str) -> Status {
    Status::unavailable(match peer.interruption(channel_id) {
        Some(reason) => format!(
            "channel '{channel_id}' commits nothing until this peer can write again: {reason}"
        ),
        None => "the channel has stopped".to_owned(),
    })
}

impl BlockFeed {
    /// Subscribes to all blocks from now on. Returns None if the peer has not joined the channel.
    /// May block briefly.
    pub(super) fn open(peer: Arc<dyn Peer>, waits: Waits, channel_id: &str) -> Option<Self> {
        let (sender, height) = watch::channel(0);
        let rise = move |sender: &watch::Sender<u64>, to: u64| {
            sender.send_if_modified(|height| {
                let rises = *height < to;
                *height = to.max(*height);
                rises
            });
        };
        let announced = sender.clone();
        let watching =
            peer.watch_blocks(channel_id, Box::new(move |number| rise(&announced, number + 1)))?;
        // Read after subscribing, so that no block is missed in between.
        rise(&sender, peer.height(channel_id)?);
        let channel_id = channel_id.to_owned();
        Some(Self { peer, waits, channel_id, height, _watching: watching })
    }

    /// Returns the number of blocks.
    pub(super) fn height(&self) -> u64 {
        *self.height.borrow()
    }

    /// Waits until the block with this number is committed. Returns false if the channel stops or
    /// is interrupted before.
    pub(super) async fn reach(&mut self, number: u64) -> Result<bool, Status> {
        let mut stopping = self.waits.stopping();
        tokio::select! {
            there = self.height.wait_for(|height| *height > number) => Ok(there.is_ok()),
            () = stopping.wait() => Err(stops()),
        }
    }

    /// Returns the error for a client after `reach` has returned false.
    pub(super) fn ended(&self) -> Status {
        no_blocks(self.peer.as_ref(), &self.channel_id)
    }

    /// Reads a block that is committed.
    pub(super) async fn read(&self, number: u64) -> Result<Option<Block>, NoBlock> {
        let (peer, channel_id) = (Arc::clone(&self.peer), self.channel_id.clone());
        let read = self.waits.run(move || peer.block(&channel_id, number)).await?;
        read.map_err(|error| {
            tracing::error!(channel = %self.channel_id, number, %error, "cannot read a block");
            NoBlock::Unreadable(error.to_string())
        })
    }
}
