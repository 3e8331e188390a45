//! The blocks of a channel, one after the other, as they are committed.
//!
//! Invariant: no block is left out, and waiting for one holds no thread. The peer announces how
//! many blocks there are; they are read when they are asked for.

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

/// Why there is no block.
pub(super) enum NoBlock {
    /// The peer is stopping or takes no more work.
    Refused(Status),
    /// It cannot be read from the ledger. The log says why, too.
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

/// The error for a client that waits for blocks of a channel that has stopped or is interrupted.
pub(super) fn no_blocks(peer: &dyn Peer, channel_id: &str) -> Status {
    Status::unavailable(match peer.interruption(channel_id) {
        Some(reason) => format!(
            "channel '{channel_id}' commits nothing until this peer can write again: {reason}"
        ),
        None => "the channel has stopped".to_owned(),
    })
}

impl BlockFeed {
    /// Subscribes to all blocks from now on; None if the peer has not joined the channel. Blocks
    /// for a moment.
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
        // Asked after subscribing, so that no block can slip through in between.
        rise(&sender, peer.height(channel_id)?);
        let channel_id = channel_id.to_owned();
        Some(Self { peer, waits, channel_id, height, _watching: watching })
    }

    /// How many blocks there are.
    pub(super) fn height(&self) -> u64 {
        *self.height.borrow()
    }

    /// Waits for the block of this number; false if the channel has stopped or is interrupted
    /// before.
    pub(super) async fn reach(&mut self, number: u64) -> Result<bool, Status> {
        let mut stopping = self.waits.stopping();
        tokio::select! {
            there = self.height.wait_for(|height| *height > number) => Ok(there.is_ok()),
            () = stopping.wait() => Err(stops()),
        }
    }

    /// The error for a client, once `reach` has returned false.
    pub(super) fn ended(&self) -> Status {
        no_blocks(self.peer.as_ref(), &self.channel_id)
    }

    /// Reads a block that was reached.
    pub(super) async fn read(&self, number: u64) -> Result<Option<Block>, NoBlock> {
        let (peer, channel_id) = (Arc::clone(&self.peer), self.channel_id.clone());
        let read = self.waits.run(move || peer.block(&channel_id, number)).await?;
        read.map_err(|error| {
            tracing::error!(channel = %self.channel_id, number, %error, "cannot read a block");
            NoBlock::Unreadable(error.to_string())
        })
    }
}
