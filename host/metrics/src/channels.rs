//! Blocks and envelopes of channels. Fabric: `core/ledger/kvledger/metrics.go`,
//! `common/ledger/blkstorage/metrics.go`, `orderer/common/blockcutter/metrics.go`,
//! `orderer/common/broadcast/metrics.go`, `orderer/common/multichannel/metrics.go`,
//! `common/deliver/metrics.go`.

use std::sync::Arc;
use std::time::Duration;

use prometheus::{DEFAULT_BUCKETS, Histogram, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec};

use crate::names::{ByNames, NAMES};
use crate::registry::{Families, histogram};
use crate::{UNKNOWN, get};

const CHANNEL: &[&str] = &["channel"];
/// Bucket bounds as in Fabric.
const COMMIT_SECONDS: [f64; 7] = [0.005, 0.01, 0.015, 0.05, 0.1, 1.0, 10.0];

/// Metrics by channel.
pub struct Channels {
    height: IntGaugeVec,
    processing: HistogramVec,
    storing: HistogramVec,
    storing_with_private: HistogramVec,
    applying: HistogramVec,
    transactions: IntCounterVec,
    kinds: ByNames<()>,
    filling: HistogramVec,
    blocks_sent: IntCounterVec,
    requests_received: IntCounterVec,
    requests_completed: IntCounterVec,
    by_name: ByNames<Channel>,
    /// Envelopes from clients to the orderer.
    pub envelopes: Envelopes,
    /// Channels that the orderer serves.
    pub participation: Participation,
}

/// Envelopes for the orderer.
pub struct Envelopes {
    processed: IntCounterVec,
    validating: HistogramVec,
    enqueuing: HistogramVec,
}

/// The channels that the orderer of this process orders for.
pub struct Participation {
    status: IntGaugeVec,
    relation: IntGaugeVec,
}

/// The orderer's relation to a channel, with Fabric's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsensusRelation {
    /// The channel's configuration names no consenters.
    Other = 0,
    /// This orderer is one of the consenters.
    Consenter = 1,
}

/// The series of one channel.
pub struct Channel {
    name: Box<str>,
    height: IntGauge,
    processing: Histogram,
    storing: Histogram,
    storing_with_private: Histogram,
    applying: Histogram,
    filling: Histogram,
}

/// The labels of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TransactionKind<'a> {
    /// Fabric's name of the header's type.
    pub header_type: &'a str,
    /// "name:version", or the name.
    pub chaincode: &'a str,
    /// False for an invalid transaction; its chaincode may not exist.
    pub is_valid: bool,
    /// Fabric's name of the verdict.
    pub code: &'a str,
}

/// Returns the series of a channel that this peer has joined.
pub fn channel(name: &str) -> Arc<Channel> {
    let all = &get().channels;
    let made = all.by_name.get(name, "", || all.make(name));
    made.unwrap_or_else(|| Arc::new(all.make(UNKNOWN)))
}

impl Channels {
    pub(crate) fn new(f: &mut Families) -> Self {
        let commit = COMMIT_SECONDS;
        Self {
            height: f.gauges("ledger_blockchain_height", CHANNEL, "Height of the chain in blocks."),
            processing: f.histograms_in(
                &commit,
                "ledger_block_processing_time",
                CHANNEL,
                "Time taken in seconds for ledger block processing.",
            ),
            storing: f.histograms_in(
                &commit,
                "ledger_blockstorage_commit_time",
                CHANNEL,
                "Time taken in seconds for committing the block to storage.",
            ),
            storing_with_private: f.histograms_in(
                &commit,
                "ledger_blockstorage_and_pvtdata_commit_time",
                CHANNEL,
                "Time taken in seconds for committing the block and private data to storage.",
            ),
            applying: f.histograms_in(
                &commit,
                "ledger_statedb_commit_time",
                CHANNEL,
                "Time taken in seconds for committing block changes to state db.",
            ),
            transactions: f.counters(
                "ledger_transaction_count",
                &["channel", "transaction_type", "chaincode", "validation_code"],
                "Number of transactions processed.",
            ),
            kinds: ByNames::default(),
            filling: f.histograms(
                "blockcutter_block_fill_duration",
                CHANNEL,
                "The time from first transaction enqueuing to the block being cut in seconds.",
            ),
            blocks_sent: f.counters(
                "deliver_blocks_sent",
                &["channel", "filtered", "data_type"],
                "The number of blocks sent by the deliver service.",
            ),
            requests_received: f.counters(
                "deliver_requests_received",
                &["channel", "filtered", "data_type"],
                "The number of deliver requests that have been received.",
            ),
            requests_completed: f.counters(
                "deliver_requests_completed",
                &["channel", "filtered", "data_type", "success"],
                "The number of deliver requests that have been completed.",
            ),
            by_name: ByNames::default(),
            envelopes: Envelopes::new(f),
            participation: Participation::new(f),
        }
    }

    fn make(&self, name: &str) -> Channel {
        let of = [name];
        Channel {
            name: name.into(),
            height: self.height.with_label_values(&of),
            processing: histogram(&self.processing, &of),
            storing: histogram(&self.storing, &of),
            storing_with_private: histogram(&self.storing_with_private, &of),
            applying: histogram(&self.applying, &of),
            filling: histogram(&self.filling, &of),
        }
    }
}

impl Envelopes {
    fn new(f: &mut Families) -> Self {
        const LABELS: &[&str] = &["channel", "type", "status"];
        let of = DEFAULT_BUCKETS;
        Self {
            processed: f.counters(
                "broadcast_processed_count",
                LABELS,
                "The number of transactions processed.",
            ),
            validating: f.histograms_in(
                of,
                "broadcast_validate_duration",
                LABELS,
                "The time to validate a transaction in seconds.",
            ),
            enqueuing: f.histograms_in(
                of,
                "broadcast_enqueue_duration",
                LABELS,
                "The time to enqueue a transaction in seconds.",
            ),
        }
    }

    /// Counts an envelope that was accepted or refused: channel, type, status. The channel's name
    /// is empty if the channel does not exist. `enqueuing` is None if a check refused the envelope.
    pub fn processed(
        &self,
        channel: &str,
        header_type: &str,
        status: &str,
        validating: Duration,
        enqueuing: Option<Duration>,
    ) {
        let channel = if channel.is_empty() { UNKNOWN } else { channel };
        let labels = [channel, header_type, status];
        self.processed.with_label_values(&labels).inc();
        self.validating.with_label_values(&labels).observe(validating.as_secs_f64());
        if let Some(enqueuing) = enqueuing {
            self.enqueuing.with_label_values(&labels).observe(enqueuing.as_secs_f64());
        }
    }
}

impl Participation {
    /// Fabric: `types.StatusActive`.
    const ACTIVE: i64 = 1;

    fn new(f: &mut Families) -> Self {
        Self {
            status: f.gauges(
                "participation_status",
                CHANNEL,
                "The channel participation status of the node: 0 if inactive, 1 if active, 2 if \
                 onboarding, 3 if failed.",
            ),
            relation: f.gauges(
                "participation_consensus_relation",
                CHANNEL,
                "The channel participation consensus relation of the node: 0 if other, 1 if \
                 consenter, 2 if follower, 3 if config-tracker.",
            ),
        }
    }

    /// Sets the channels that the orderer serves; other channels have no series.
    pub fn set<'a>(&self, channels: impl IntoIterator<Item = (&'a str, ConsensusRelation)>) {
        self.status.reset();
        self.relation.reset();
        for (channel, relation) in channels.into_iter().take(NAMES) {
            self.status.with_label_values(&[channel]).set(Self::ACTIVE);
            self.relation.with_label_values(&[channel]).set(relation as i64);
        }
    }
}

/// The kind of blocks that a client reads, in the words of Fabric's metrics.
#[derive(Clone, Copy, Debug)]
pub struct BlockKind {
    /// Whether blocks are filtered.
    pub filtered: &'static str,
    /// The type of the data.
    pub data_type: &'static str,
}

impl Channel {
    /// Sets the height of the ledger.
    pub fn height(&self, height: u64) {
        self.height.set(i64::try_from(height).unwrap_or(i64::MAX));
    }

    /// Counts a committed block. `storing_with_private` includes `storing`.
    pub fn committed(
        &self,
        storing: Duration,
        storing_with_private: Duration,
        applying: Duration,
        all: Duration,
    ) {
        self.storing.observe(storing.as_secs_f64());
        self.storing_with_private.observe(storing_with_private.as_secs_f64());
        self.applying.observe(applying.as_secs_f64());
        self.processing.observe(all.as_secs_f64());
    }

    /// Records the time from a block's first transaction to its cutting.
    pub fn cut(&self, filled_for: Duration) {
        self.filling.observe(filled_for.as_secs_f64());
    }

    /// Counts the transactions of a block.
    pub fn transactions(&self, kind: TransactionKind<'_>, count: u64) {
        let all = &get().channels;
        let TransactionKind { header_type, chaincode, is_valid, code } = kind;
        let known = match is_valid {
            true => all.kinds.get(&self.name, chaincode, || ()),
            false => all.kinds.known(&self.name, chaincode),
        };
        let chaincode = known.map_or(UNKNOWN, |_| chaincode);
        let labels = [&*self.name, header_type, chaincode, code];
        all.transactions.with_label_values(&labels).inc_by(count);
    }

    /// Counts a client's request for blocks.
    pub fn blocks_wanted(&self, kind: BlockKind) {
        let labels = [&*self.name, kind.filtered, kind.data_type];
        get().channels.requests_received.with_label_values(&labels).inc();
    }

    /// Counts a block that was sent.
    pub fn block_sent(&self, kind: BlockKind) {
        let labels = [&*self.name, kind.filtered, kind.data_type];
        get().channels.blocks_sent.with_label_values(&labels).inc();
    }

    /// Counts a completed request for blocks.
    pub fn blocks_ended(&self, kind: BlockKind, success: bool) {
        let success = if success { "true" } else { "false" };
        let labels = [&*self.name, kind.filtered, kind.data_type, success];
        get().channels.requests_completed.with_label_values(&labels).inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_that_the_checks_refuse_was_not_enqueued() {
        let envelopes = &get().channels.envelopes;
        let took = Duration::from_millis(7);
        envelopes.processed("of-broadcast", "MESSAGE", "SUCCESS", took, Some(took));
        envelopes.processed("", "MESSAGE", "BAD_REQUEST", took, None);
        let text = crate::text();
        let of = |name: &str, channel: &str, status: &str, value: &str| {
            format!(
                "broadcast_{name}{{channel=\"{channel}\",status=\"{status}\",\
                 type=\"MESSAGE\"{value}\n"
            )
        };
        for (name, channel, status, value) in [
            ("processed_count", "of-broadcast", "SUCCESS", "} 1"),
            ("validate_duration_count", "of-broadcast", "SUCCESS", "} 1"),
            // The bucket bounds are the defaults of Go's Prometheus library, as in Fabric.
            ("validate_duration_bucket", "of-broadcast", "SUCCESS", ",le=\"0.005\"} 0"),
            ("validate_duration_bucket", "of-broadcast", "SUCCESS", ",le=\"0.01\"} 1"),
            ("validate_duration_bucket", "of-broadcast", "SUCCESS", ",le=\"2.5\"} 1"),
            ("enqueue_duration_sum", "of-broadcast", "SUCCESS", "} 0.007"),
            ("validate_duration_count", UNKNOWN, "BAD_REQUEST", "} 1"),
        ] {
            let line = of(name, channel, status, value);
            assert!(text.contains(&line), "{line}{text}");
        }
        assert!(!text.contains(&of("enqueue_duration_count", UNKNOWN, "BAD_REQUEST", "} 1")));
    }

    #[test]
    fn a_channel_that_is_not_ordered_any_more_has_no_series() {
        let participation = &get().channels.participation;
        let (one, two) = (ConsensusRelation::Other, ConsensusRelation::Consenter);
        participation.set([("one", one), ("two", two)]);
        let line = |name: &str, channel: &str, value: u8| {
            format!("participation_{name}{{channel=\"{channel}\"}} {value}\n")
        };
        let text = crate::text();
        for line in [
            line("status", "one", 1),
            line("consensus_relation", "one", 0),
            line("status", "two", 1),
            line("consensus_relation", "two", 1),
        ] {
            assert!(text.contains(&line), "{line}{text}");
        }
        participation.set([("two", two)]);
        let text = crate::text();
        assert!(!text.contains(&line("status", "one", 1)), "{text}");
        assert!(text.contains(&line("consensus_relation", "two", 1)), "{text}");
    }

    #[test]
    fn a_chaincode_that_only_invalid_transactions_name_is_unknown() {
        let of = |chaincode, is_valid| {
            let code = if is_valid { "VALID" } else { "ENDORSEMENT_POLICY_FAILURE" };
            TransactionKind { header_type: "ENDORSER_TRANSACTION", chaincode, is_valid, code }
        };
        let channel = channel("of-this-test");
        channel.transactions(of("invented", false), 3);
        channel.transactions(of("real:1", true), 2);
        channel.transactions(of("real:1", false), 1);
        let text = crate::text();
        assert!(!text.contains("invented"), "{text}");
        let line = |chaincode: &str, code: &str, count: u64| {
            format!(
                "ledger_transaction_count{{chaincode=\"{chaincode}\",channel=\"of-this-test\",\
                 transaction_type=\"ENDORSER_TRANSACTION\",validation_code=\"{code}\"}} {count}\n"
            )
        };
        let failed = "ENDORSEMENT_POLICY_FAILURE";
        for line in
            [line(UNKNOWN, failed, 3), line("real:1", "VALID", 2), line("real:1", failed, 1)]
        {
            assert!(text.contains(&line), "{line}{text}");
        }
    }
}
