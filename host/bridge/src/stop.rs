//! A signal that ends streams.

use std::sync::Arc;

use tokio::sync::watch;

/// Sets its [`Stop`]s, also when it is dropped.
#[derive(Debug)]
pub struct StopHandle(watch::Sender<bool>);

/// A signal that is set once.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Returns a signal that is not set, and its handle.
    pub fn new() -> (Arc<StopHandle>, Self) {
        let (sender, receiver) = watch::channel(false);
        (Arc::new(StopHandle(sender)), Self(receiver))
    }

    /// Completes when the signal is set.
    pub async fn wait(&mut self) {
        // The sender was dropped; treat that as a stop.
        let _ = self.0.wait_for(|stopped| *stopped).await;
    }
}

impl StopHandle {
    /// Lets running transactions end, then closes the streams.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}
