//! When an orderer cuts a block, as a channel's configuration has it.
//!
//! Does not read the configuration: `channel_config` does.

use std::time::Duration;

/// When an orderer cuts a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    /// Transactions of a block.
    pub max_message_count: u32,
    /// Largest block, in bytes.
    pub absolute_max_bytes: u32,
    /// Size from which on a block is cut, in bytes. Only a single large transaction may exceed it.
    pub preferred_max_bytes: u32,
    /// Time from the first waiting transaction until the block is cut. See
    /// [`is_group_commit`](Self::is_group_commit) for very short ones.
    pub timeout: Duration,
}

impl BatchLimits {
    /// The timeout of channels whose orderer never waits. Fabric wants one that is positive.
    pub const NO_WAIT: Duration = Duration::from_micros(1);
    /// A shorter timeout is over before a thread can be woken by it.
    const SHORTEST_WAIT: Duration = Duration::from_millis(1);

    /// Whether blocks are cut without waiting: a block has what was accepted while the last one was
    /// committed, or a single transaction if the orderer was idle.
    pub fn is_group_commit(&self) -> bool {
        self.timeout < Self::SHORTEST_WAIT
    }
}

impl Default for BatchLimits {
    /// The values of Fabric's sample configuration.
    fn default() -> Self {
        Self {
            max_message_count: 500,
            absolute_max_bytes: 10 * 1024 * 1024,
            preferred_max_bytes: 2 * 1024 * 1024,
            timeout: Duration::from_secs(2),
        }
    }
}
