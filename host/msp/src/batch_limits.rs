//! The limits at which an orderer cuts a block, from a channel's configuration.
//!
//! Does not look up the values in the configuration: `config_reader` does.

use std::time::Duration;

use wasmcc_types::duration;
use wasmcc_types::proto::orderer::{BatchSize, BatchTimeout};

/// The limits at which an orderer cuts a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    /// Limit on the transactions of a block.
    pub max_message_count: u32,
    /// Limit on the size of a block, in bytes.
    pub absolute_max_bytes: u32,
    /// Size at which a block is cut, in bytes. Only a single large transaction may exceed it.
    pub preferred_max_bytes: u32,
    /// Time from the first waiting transaction until the block is cut. See
    /// [`is_group_commit`](Self::is_group_commit) for very short ones.
    pub timeout: Duration,
}

impl BatchLimits {
    /// The timeout of channels whose orderer never waits. Fabric requires a positive one.
    pub const NO_WAIT: Duration = Duration::from_micros(1);
    /// With a shorter timeout the orderer does not wait: waking a thread takes longer.
    const SHORTEST_WAIT: Duration = Duration::from_millis(1);

    /// Reads the values of a configuration. The texts of errors are Fabric's:
    /// common/channelconfig/orderer.go, `validateBatchSize`, `validateBatchTimeout`.
    pub(crate) fn from_values(size: BatchSize, timeout: &BatchTimeout) -> Result<Self, String> {
        let BatchSize { max_message_count, absolute_max_bytes, preferred_max_bytes } = size;
        let counts = [
            ("max message count", max_message_count),
            ("absolute max bytes", absolute_max_bytes),
            ("preferred max bytes", preferred_max_bytes),
        ];
        if let Some((what, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return Err(format!("Attempted to set the batch size {what} to an invalid value: 0"));
        }
        if preferred_max_bytes > absolute_max_bytes {
            return Err(format!(
                "Attempted to set the batch size preferred max bytes ({preferred_max_bytes}) \
                 greater than the absolute max bytes ({absolute_max_bytes})."
            ));
        }
        let timeout = timeout_of(&timeout.timeout)?;
        Ok(Self { max_message_count, absolute_max_bytes, preferred_max_bytes, timeout })
    }

    /// True if blocks are cut without waiting. A block then has all transactions that were accepted
    /// while the last one was committed, or a single transaction if the orderer was idle.
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

/// Parses a timeout, which must be positive.
fn timeout_of(text: &str) -> Result<Duration, String> {
    let attempted = "Attempted to set the batch timeout to a";
    let Some(timeout) = duration::parse(text.strip_prefix(['+', '-']).unwrap_or(text)) else {
        return Err(format!("{attempted} invalid value: time: invalid duration {text:?}"));
    };
    let sign = if text.starts_with('-') { "-" } else { "" };
    if timeout.is_zero() || !sign.is_empty() {
        let timeout = duration::format(timeout);
        return Err(format!("{attempted} non-positive value: {sign}{timeout}"));
    }
    Ok(timeout)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(counts: [u32; 3], timeout: &str) -> Result<BatchLimits, String> {
        let [max_message_count, absolute_max_bytes, preferred_max_bytes] = counts;
        let size = BatchSize { max_message_count, absolute_max_bytes, preferred_max_bytes };
        BatchLimits::from_values(size, &BatchTimeout { timeout: timeout.to_owned() })
    }

    #[test]
    fn sizes_and_timeouts_are_fabrics() {
        // Fabric: common/channelconfig/orderer_test.go, `TestBatchSize` and `TestBatchTimeout`.
        let good = read([10, 1000, 500], "1s").unwrap();
        assert_eq!((good.max_message_count, good.timeout), (10, Duration::from_secs(1)));
        assert!(read([10, 1000, 1000], "+1s").is_ok());
        let size = "Attempted to set the batch size";
        let time = "Attempted to set the batch timeout to a";
        let cases = [
            ([0, 1000, 500], "1s", format!("{size} max message count to an invalid value: 0")),
            ([10, 0, 500], "1s", format!("{size} absolute max bytes to an invalid value: 0")),
            ([10, 1000, 0], "1s", format!("{size} preferred max bytes to an invalid value: 0")),
            (
                [10, 1000, 1001],
                "1s",
                format!(
                    "{size} preferred max bytes (1001) greater than the absolute max bytes (1000)."
                ),
            ),
            ([10, 1000, 500], "-1s", format!("{time} non-positive value: -1s")),
            ([10, 1000, 500], "0", format!("{time} non-positive value: 0s")),
            ([10, 1000, 500], "", format!("{time} invalid value: time: invalid duration \"\"")),
            (
                [10, 1000, 500],
                "--1s",
                format!("{time} invalid value: time: invalid duration \"--1s\""),
            ),
        ];
        for (counts, timeout, text) in cases {
            assert_eq!(read(counts, timeout).unwrap_err(), text);
        }
    }
}
