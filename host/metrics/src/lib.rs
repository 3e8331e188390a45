//! The metrics of this process, by Fabric's names where Fabric has them.
//!
//! A process has one set of metrics, as it has one log: peers in one process share it. To record is
//! to add to an atomic number. The series of a chaincode or a channel are looked up once per
//! transaction or block, see [`chaincode`].
//!
//! Invariant: the number of series is bounded. A label value that clients choose is used only if
//! something of that name exists, and only up to a limit; all others are counted as `unknown`.
//!
//! Does not serve anything: [`text`] returns the text for a server.

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
    BlockKind, Channel, Channels, ConsensusRelation, Envelopes, Participation, TransactionKind,
    channel,
};
pub use launches::Launches;
pub use logging::Logging;
use prometheus::IntGaugeVec;
pub use prometheus::{Histogram, IntCounter};
pub use registry::{Description, Gauge, Kind};

use crate::registry::Families;

/// The label value of everything that is unknown or over the limit.
pub const UNKNOWN: &str = "unknown";

/// All metrics.
pub struct Metrics {
    /// Proposals and their outcomes.
    pub endorser: Endorser,
    /// Transactions by channel and chaincode.
    pub chaincodes: Chaincodes,
    /// Launches of chaincodes.
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

/// The metrics of Fabric's `core/endorser/metrics.go`.
pub struct Endorser {
    /// Proposals received.
    pub proposals_received: IntCounter,
    /// Proposals that were endorsed, or answered if no endorsement was needed.
    pub successful_proposals: IntCounter,
    /// Proposals that failed the first checks.
    pub proposal_validation_failures: IntCounter,
}

/// The metrics of Fabric's `common/deliver/metrics.go`.
pub struct Deliver {
    /// Streams that clients opened.
    pub streams_opened: IntCounter,
    /// Streams that have ended, out of those opened.
    pub streams_closed: IntCounter,
}

/// Gauges that are set before metrics are shown. A process sets only those whose values it knows.
pub struct Process {
    /// Waiting and running jobs.
    pub jobs: Gauge,
    /// Limit of waiting jobs.
    pub queue_limit: Gauge,
    /// Calls of clients in progress.
    pub calls: Gauge,
    /// Limit of calls in progress.
    pub calls_limit: Gauge,
    /// Running guests.
    pub instances: Gauge,
    /// Limit of running guests.
    pub instances_limit: Gauge,
    /// Bytes in use of the shared half of the guests' memory.
    pub guest_memory_bytes: Gauge,
    /// Size of the shared half.
    pub guest_memory_limit_bytes: Gauge,
    /// Components that are loaded.
    pub components: Gauge,
    /// Free bytes on the disk of the data folder.
    pub disk_free_bytes: Gauge,
    version: IntGaugeVec,
}

static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

/// Returns the metrics of this process.
pub fn get() -> &'static Metrics {
    &METRICS
}

/// Returns all metrics in Prometheus' text format.
pub fn text() -> String {
    METRICS.families.text()
}

/// Returns the descriptions of all metrics, including those without a series.
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
            jobs: f.gauge(
                "wasmcc_jobs",
                "Proposals that are waiting for a thread or being processed.",
            ),
            queue_limit: f
                .gauge("wasmcc_queue_limit", "Limit of proposals that wait for a thread."),
            calls: f.gauge("wasmcc_calls", "Calls of clients in progress."),
            calls_limit: f.gauge("wasmcc_calls_limit", "Limit of calls in progress."),
            instances: f.gauge("wasmcc_instances", "Running instances of components."),
            instances_limit: f.gauge("wasmcc_instances_limit", "Limit of running instances."),
            guest_memory_bytes: f.gauge(
                "wasmcc_guest_memory_bytes",
                "Bytes in use of the memory that guests share.",
            ),
            guest_memory_limit_bytes: f.gauge(
                "wasmcc_guest_memory_limit_bytes",
                "Limit of the memory that guests share, in bytes.",
            ),
            components: f.gauge("wasmcc_components", "Compiled components in memory."),
            disk_free_bytes: f
                .gauge("wasmcc_disk_free_bytes", "Free bytes of the disk of the data folder."),
            version: f.gauges("wasmcc_version", &["version"], "The version of this program."),
        }
    }

    /// Sets the version of this program.
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
        // This test has not set the gauge, so it is not shown.
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
