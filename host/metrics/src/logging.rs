//! The log. Fabric: `common/flogging/metrics/observer.go`.

use prometheus::IntCounterVec;

use crate::registry::Families;

const LEVEL: &[&str] = &["level"];

/// Entries of the log by level: "error", "warn", "info", "debug", "trace".
pub struct Logging {
    checked: IntCounterVec,
    written: IntCounterVec,
}

impl Logging {
    pub(crate) fn new(f: &mut Families) -> Self {
        Self {
            checked: f.counters(
                "logging_entries_checked",
                LEVEL,
                "Number of log entries checked against the active logging level",
            ),
            written: f.counters(
                "logging_entries_written",
                LEVEL,
                "Number of log entries that are written",
            ),
        }
    }

    /// Counts an entry of a level that is shown.
    pub fn checked(&self, level: &str) {
        self.checked.with_label_values(&[level]).inc();
    }

    /// Counts an entry whose line was written.
    pub fn written(&self, level: &str) {
        self.written.with_label_values(&[level]).inc();
    }
}
