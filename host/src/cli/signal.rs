//! When the process is told to end, and told again.

use anyhow::{Context, Result};

use crate::api::shutdown_signal;

/// What a shell reports of a process that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// Listens from now on. What it gives completes with the first signal; who sends a second one does
/// not want to wait for transactions, and the process ends at once.
pub fn told_to_end() -> Result<impl Future<Output = ()> + Send + 'static> {
    let signal = shutdown_signal().context("cannot listen for signals")?;
    Ok(async move {
        signal.await;
        tracing::info!("stopping; a second signal ends it at once");
        let Ok(again) = shutdown_signal() else { return };
        tokio::spawn(async move {
            again.await;
            tracing::warn!("ended without waiting for what was still running");
            std::process::exit(INTERRUPTED);
        });
    })
}
