//! Signals that stop a server.

use std::io;

use tokio::sync::watch;
use tonic::Status;

/// Registers for the signals that end the process: SIGTERM or SIGINT, Ctrl-C elsewhere. The
/// returned future completes at the first one. Must be called within a Tokio runtime.
///
/// # Errors
/// The system does not allow the registration.
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
        // If waiting fails, the server stops now rather than never.
        let _ = tokio::signal::ctrl_c().await;
    })
}

/// Returns the status of calls that are still waiting when the server stops.
pub(super) fn stops() -> Status {
    Status::unavailable("the peer is stopping")
}

/// Signals to waiting calls that the server stops.
#[derive(Clone, Debug)]
pub(super) struct Stopping(pub(super) watch::Receiver<bool>);

impl Stopping {
    /// Completes when the server stops.
    pub(super) async fn wait(&mut self) {
        // The sender is dropped only with the server.
        let _ = self.0.wait_for(|stopping| *stopping).await;
    }
}
