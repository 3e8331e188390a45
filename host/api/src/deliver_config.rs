//! How blocks are delivered.
//!
//! Does not know the services that use it.

use std::time::Duration;

/// Bounds of deliveries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliverConfig {
    /// How far a client's clock may be away from ours. Fabric: `peer.authentication.timewindow`.
    pub time_window: Duration,
}

impl Default for DeliverConfig {
    fn default() -> Self {
        Self { time_window: Duration::from_secs(15 * 60) }
    }
}
