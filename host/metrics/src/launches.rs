//! Launches of chaincodes. Fabric: `core/chaincode/runtime_launcher.go`.

use std::time::Duration;

use prometheus::{HistogramVec, IntCounter, IntCounterVec};

use crate::UNKNOWN;
use crate::names::ByNames;
use crate::registry::Families;

/// Metrics of launches by chaincode id.
pub struct Launches {
    duration: HistogramVec,
    failures: IntCounterVec,
    timeouts: IntCounterVec,
    /// Transactions whose chaincode had already been launched.
    pub found: IntCounter,
    ids: ByNames<()>,
}

impl Launches {
    pub(crate) fn new(f: &mut Families) -> Self {
        Self {
            duration: f.histograms(
                "chaincode_launch_duration",
                &["chaincode", "success"],
                "The time to launch a chaincode in seconds.",
            ),
            failures: f.counters(
                "chaincode_launch_failures",
                &["chaincode"],
                "The number of chaincode launches that have failed.",
            ),
            timeouts: f.counters(
                "chaincode_launch_timeouts",
                &["chaincode"],
                "The number of chaincode launches that have timed out.",
            ),
            found: f.counter(
                "wasmcc_chaincode_found_total",
                "Transactions whose chaincode had already been launched.",
            ),
            ids: ByNames::default(),
        }
    }

    /// Counts a finished launch of the chaincode `ccid`.
    pub fn launched(&self, ccid: &str, took: Duration, success: bool) {
        let ccid = self.name(ccid);
        if !success {
            self.failures.with_label_values(&[ccid]).inc();
        }
        let success = if success { "true" } else { "false" };
        self.duration.with_label_values(&[ccid, success]).observe(took.as_secs_f64());
    }

    /// Counts a transaction whose wait for the launch of `ccid` timed out.
    pub fn timed_out(&self, ccid: &str) {
        self.timeouts.with_label_values(&[self.name(ccid)]).inc();
    }

    fn name<'a>(&self, ccid: &'a str) -> &'a str {
        self.ids.get(ccid, "", || ()).map_or(UNKNOWN, |_| ccid)
    }
}
