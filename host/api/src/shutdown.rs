//! When a server should stop.

use std::io;

use tokio::sync::watch;
use tonic::Status;

/// Starts to listen for the signals that end the process: SIGTERM or SIGINT, Ctrl-C elsewhere. The
/// returned future completes when one comes. Must be called within a Tokio runtime.
///
/// # Errors
/// The system does not let this process listen.
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

/// What calls are told that wait meanwhile.
pub(super) fn stops() -> Status {
    Status::unavailable("the peer is stopping")
}

/// Tells waiting calls that the server stops.
#[derive(Clone, Debug)]
pub(super) struct Stopping(pub(super) watch::Receiver<bool>);

impl Stopping {
    /// Completes when the server stops.
    pub(super) async fn wait(&mut self) {
        // The sender goes only with the server.
        let _ = self.0.wait_for(|stopping| *stopping).await;
    }
}
