//! When a server should stop.

use std::io;

use tokio::sync::watch;

/// Completes when the process is asked to end: SIGTERM or SIGINT, Ctrl-C elsewhere.
pub async fn shutdown_signal() -> io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        Ok(())
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

/// Tells calls that wait for something that the server stops.
#[derive(Clone, Debug)]
pub(super) struct Stopping(pub(super) watch::Receiver<bool>);

impl Stopping {
    /// Completes when the server stops.
    pub(super) async fn wait(&mut self) {
        // The sender goes only with the server.
        let _ = self.0.wait_for(|stopping| *stopping).await;
    }
}
