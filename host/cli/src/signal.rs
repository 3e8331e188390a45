//! SIGINT and SIGTERM.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::log;
use wasmcc_api::shutdown_signal;

/// The exit code that shells use for a process ended by Ctrl-C.
const INTERRUPTED: i32 = 130;
/// The exit code of a process that did not stop in time.
const STUCK: i32 = 1;

/// Listens from now on. What it gives completes with the first signal; who sends a second one does
/// not want to wait for transactions, and the process ends at once.
pub(crate) fn told_to_end() -> Result<impl Future<Output = ()> + Send + 'static> {
    let signal = shutdown_signal().context("cannot listen for signals")?;
    Ok(async move {
        signal.await;
        tracing::info!("stopping; a second signal ends it at once");
        let Ok(again) = shutdown_signal() else { return };
        tokio::spawn(async move {
            again.await;
            tracing::warn!("ended without waiting for what was still running");
            log::flush();
            std::process::exit(INTERRUPTED);
        });
    })
}

/// Ends the process if it does not end by itself, from the time on that it is told to. Its thread
/// exists from the beginning: there may be none to be had later.
pub(crate) struct Deadline(Sender<()>);

impl Deadline {
    /// The process gets `limit` for its end.
    pub(crate) fn new(limit: Duration) -> Result<Self> {
        let (begin, begun) = channel();
        let watch = move || {
            let is_begun = begun.recv().is_ok();
            // When all senders are gone, nobody is left to be stuck.
            if is_begun && begun.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                tracing::error!(
                    ?limit,
                    "ended without waiting for what does not end; what was committed is on disk"
                );
                log::flush();
                std::process::exit(STUCK);
            }
        };
        let thread = thread::Builder::new().name("wasmcc-deadline".into()).spawn(watch);
        thread.context("cannot start a thread")?;
        Ok(Self(begin))
    }

    /// From now on.
    pub(crate) fn begin(&self) {
        // The thread goes only with the process.
        let _ = self.0.send(());
    }
}
