//! The metrics of this process, by Fabric's names where Fabric has them.
//!
//! A process has one set of metrics, as it has one log: peers in one process share it. To
//! record is to add to an atomic number. What belongs to a chaincode or a channel is looked up once
//! a transaction or block, see [`chaincode`].
//!
//! Invariant: the number of series is bounded. Values of labels that clients choose are used once
//! something of that name exists, and only so many of them; all others are counted as `unknown`.
//!
//! Does not serve anything: [`text`] returns what a server shows.

mod calls;
mod chaincodes;
mod channels;
mod launches;
mod logging;
mod names;
mod registry;

use std::sync::LazyLock;

pub use calls::{CallKind, Calls, OpenCall, StreamMessages, call};
pub use chaincodes::{
    Chaincode, Chaincodes, Launched, chaincode, known_chaincode, launched, unknown_chaincode,
};
pub use channels::{
    Channel, Channels, ConsensusRelation, Envelopes, Participation, TransactionKind, channel,
};
pub use launches::Launches;
pub use logging::Logging;
use prometheus::IntGaugeVec;
pub use prometheus::{Histogram, IntCounter};
pub use registry::{Description, Gauge, Kind};

use crate::registry::Families;

/// The value of a label whose own value is not known to exist.
pub const UNKNOWN: &str = "unknown";

/// All metrics.
pub struct Metrics {
    /// Proposals and their outcomes.
    pub endorser: Endorser,
    /// Transactions by channel and chaincode.
    pub chaincodes: Chaincodes,
    /// How chaincodes start.
    pub launches: Launches,
    /// Blocks, by channel.
    pub channels: Channels,
    /// Streams of blocks.
    pub deliver: Deliver,
    /// Connections and calls.
    pub calls: Calls,
    /// Lines of the log.
    pub logging: Logging,
    /// Gauges that are set before metrics are shown.
    pub process: Process,
    families: Families,
}

/// Of Fabric's `core/endorser/metrics.go`.
pub struct Endorser {
    /// Proposals received.
    pub proposals_received: IntCounter,
    /// Proposals that were endorsed, or answered if nothing is to be endorsed.
    pub successful_proposals: IntCounter,
    /// Proposals that failed the first checks.
    pub proposal_validation_failures: IntCounter,
}

/// Of Fabric's `common/deliver/metrics.go`.
pub struct Deliver {
    /// Streams that clients opened.
    pub streams_opened: IntCounter,
    /// Of these, those that have ended.
    pub streams_closed: IntCounter,
}

/// Gauges that are set before metrics are shown. A process sets those that it knows.
pub struct Process {
    /// Jobs that wait or run.
    pub jobs: Gauge,
    /// Limit of waiting jobs.
    pub queue_limit: Gauge,
    /// Calls of clients in progress.
    pub calls: Gauge,
    /// Limit of calls in progress.
    pub calls_limit: Gauge,
    /// Guests that run.
    pub instances: Gauge,
    /// Limit of running guests.
    pub instances_limit: Gauge,
    /// Bytes of the shared half of the guests' memory that are in use.
    pub guest_memory_bytes: Gauge,
    /// Size of the shared half.
    pub guest_memory_limit_bytes: Gauge,
    /// Components that are loaded.
    pub components: Gauge,
    /// Free bytes where the data folder is.
    pub disk_free_bytes: Gauge,
    version: IntGaugeVec,
}

static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

/// The metrics of this process.
pub fn get() -> &'static Metrics {
    &METRICS
}

/// All metrics in Prometheus' text format.
pub fn text() -> String {
    METRICS.families.text()
}

/// Describes all metrics, including those without a series.
pub fn descriptions() -> &'static [Description] {
    METRICS.families.descriptions()
}

/// The content type of [`text`].
pub const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

impl Metrics {
    fn new() -> Self {
        let mut families = Families::new();
        let f = &mut families;
        let endorser = Endorser {
            proposals_received: f
                .counter("endorser_proposals_received", "The number of proposals received."),
            successful_proposals: f
                .counter("endorser_successful_proposals", "The number of successful proposals."),
            proposal_validation_failures: f.counter(
                "endorser_proposal_validation_failures",
                "The number of proposals that have failed initial validation.",
            ),
        };
        let deliver = Deliver {
            streams_opened: f
                .counter("deliver_streams_opened", "The number of deliver streams opened."),
            streams_closed: f
                .counter("deliver_streams_closed", "The number of deliver streams closed."),
        };
        Self {
            endorser,
            chaincodes: Chaincodes::new(f),
            launches: Launches::new(f),
            channels: Channels::new(f),
            deliver,
            calls: Calls::new(f),
            logging: Logging::new(f),
            process: Process::new(f),
            families,
        }
    }
}

impl Process {
    fn new(f: &mut Families) -> Self {
        Self {
            jobs: f.gauge("wasmcc_jobs", "Proposals that wait for a thread or are processed."),
            queue_limit: f.gauge("wasmcc_queue_limit", "Proposals that may wait for a thread."),
            calls: f.gauge("wasmcc_calls", "Calls of clients in progress."),
            calls_limit: f.gauge("wasmcc_calls_limit", "Calls of clients that may be in progress."),
            instances: f.gauge("wasmcc_instances", "Instances of components that run."),
            instances_limit: f
                .gauge("wasmcc_instances_limit", "Instances of components that may run at once."),
            guest_memory_bytes: f.gauge(
                "wasmcc_guest_memory_bytes",
                "Bytes of memory that guests use beyond what each of them may have.",
            ),
            guest_memory_limit_bytes: f.gauge(
                "wasmcc_guest_memory_limit_bytes",
                "Bytes of memory that guests may use beyond that, together.",
            ),
            components: f.gauge("wasmcc_components", "Compiled components in memory."),
            disk_free_bytes: f
                .gauge("wasmcc_disk_free_bytes", "Free bytes of the disk of the data folder."),
            version: f.gauges("wasmcc_version", &["version"], "The version of this program."),
        }
    }

    /// The version of this program.
    pub fn version(&self, version: &str) {
        self.version.with_label_values(&[version]).set(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_shown_under_its_name() {
        get().endorser.proposals_received.inc();
        get().process.jobs.set(7);
        let text = text();
        assert!(text.contains("\nwasmcc_jobs 7\n"), "{text}");
        // Nobody has set it here, so nobody knows it.
        assert!(!text.contains("wasmcc_disk_free_bytes"), "{text}");
        assert!(text.contains("# TYPE endorser_proposals_received counter\n"), "{text}");
        assert!(text.contains("\nendorser_proposals_received "), "{text}");
        let names: Vec<_> = descriptions().iter().map(|metric| metric.name).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), names.len(), "a name is used twice");
        let shown = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        for name in shown.filter_map(|line| line.split(' ').next()) {
            assert!(names.contains(&name), "{name}");
        }
    }
}
