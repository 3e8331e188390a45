//! When a server should stop.

use std::io;

use tokio::sync::watch;

/// Listens from now on for the process being asked to end: SIGTERM or SIGINT, Ctrl-C elsewhere.
/// What it gives completes then.
///
/// # Errors
/// The system does not let this process listen. To be called within a Tokio runtime.
pub fn shutdown_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        Ok(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        // If it cannot be waited for, the server ends now rather than never.
        let _ = tokio::signal::ctrl_c().await;
    })
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
