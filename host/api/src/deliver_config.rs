//! Settings for the delivery of blocks.
//!
//! Does not depend on the services that use it.

use std::time::Duration;

/// Limits of deliveries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliverConfig {
    /// Maximum difference between the clocks of a client and this peer. Fabric:
    /// `peer.authentication.timewindow`.
    pub time_window: Duration,
}

impl Default for DeliverConfig {
    fn default() -> Self {
        Self { time_window: Duration::from_secs(15 * 60) }
    }
}
