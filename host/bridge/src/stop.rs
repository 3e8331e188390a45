//! When streams should end.

use std::sync::Arc;

use tokio::sync::watch;

/// Tells everybody who holds a [`Stop`]. Going away tells them too.
#[derive(Debug)]
pub struct StopHandle(watch::Sender<bool>);

/// Becomes true once.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// One that has not come, and what makes it come.
    pub fn new() -> (Arc<StopHandle>, Self) {
        let (sender, receiver) = watch::channel(false);
        (Arc::new(StopHandle(sender)), Self(receiver))
    }

    /// Completes when it has come.
    pub async fn wait(&mut self) {
        // Who could say it has gone, which says it.
        let _ = self.0.wait_for(|stopped| *stopped).await;
    }
}

impl StopHandle {
    /// Lets running transactions end, then closes the streams.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}
