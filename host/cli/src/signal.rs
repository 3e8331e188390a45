//! Handles SIGINT and SIGTERM, and signals that must not end the process.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Error, Result};
use tokio::sync::watch;

use crate::log;
use wasmcc_api::shutdown_signal;
use wasmcc_ledger::LedgerError;

/// The exit code that shells use for a process ended by Ctrl-C.
pub(crate) const INTERRUPTED: u8 = 130;
/// The exit code of a process that did not stop in time.
const STUCK: i32 = 1;

/// Listens from now on. The returned future completes with the first signal. A second signal ends
/// the process at once, without waiting for transactions.
pub(crate) fn told_to_end() -> Result<impl Future<Output = ()> + Send + 'static> {
    let signal = shutdown_signal().context("cannot listen for signals")?;
    Ok(async move {
        signal.await;
        tracing::info!("stopping; a second signal ends the process at once");
        let Ok(again) = shutdown_signal() else { return };
        tokio::spawn(async move {
            again.await;
            tracing::warn!("ended without waiting for what was still running");
            log::flush();
            std::process::exit(INTERRUPTED.into());
        });
    })
}

/// A signal ended a verb before it was done.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub(crate) struct Interrupted;

impl Interrupted {
    /// True if an error has this cause, also in a tool of the ledger.
    pub(crate) fn is(error: &Error) -> bool {
        let of_tool = error.downcast_ref::<LedgerError>();
        error.is::<Self>() || matches!(of_tool, Some(LedgerError::Interrupted))
    }
}

/// Reports a signal to verbs with a temporary folder. While one exists, the first signal does not
/// end the process: the verb must check for it, return, and so remove its folder.
pub(crate) struct Interrupt(watch::Receiver<bool>);

impl Interrupt {
    /// Listens from now on.
    pub(crate) fn listen() -> Result<Self> {
        static LISTENER: Mutex<Option<watch::Sender<bool>>> = Mutex::new(None);
        let mut listener = LISTENER.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = &*listener {
            return Ok(Self(sender.subscribe()));
        }
        let (sender, receiver) = watch::channel(false);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.context("cannot listen for signals")?;
        let inside = runtime.enter();
        let told = told_to_end()?;
        drop(inside);
        let raise = sender.clone();
        let wait = async move {
            told.await;
            // Without a receiver, end the process here.
            if raise.send(true).is_err() {
                log::flush();
                std::process::exit(INTERRUPTED.into());
            }
            // Keep the runtime alive: it handles the second signal.
            std::future::pending::<()>().await;
        };
        let thread = thread::Builder::new().name("wasmcc-signals".into());
        thread.spawn(move || runtime.block_on(wait)).context("cannot start a thread")?;
        *listener = Some(sender);
        Ok(Self(receiver))
    }

    /// Fails with [`Interrupted`] after a signal.
    pub(crate) fn check(&self) -> Result<()> {
        match *self.0.borrow() {
            true => Err(Error::new(Interrupted)),
            false => Ok(()),
        }
    }

    /// Completes with the first signal.
    pub(crate) async fn raised(&mut self) {
        if self.0.wait_for(|is_raised| *is_raised).await.is_err() {
            // The sender exists as long as the process.
            std::future::pending::<()>().await;
        }
    }
}

/// Keeps signals with a harmful default action from ending the process:
/// - SIGXFSZ, for a write beyond the limit on file sizes: the write fails, as on a full disk;
/// - SIGUSR1, if the process serves: Fabric's operators send it to a peer to log its goroutines.
///
/// Child processes have the default actions. If this fails, the program runs without it.
pub(crate) fn outlive(serves: bool) {
    #[cfg(unix)]
    if let Err(error) = handle(serves) {
        tracing::warn!("signals keep their default actions: {error:#}");
    }
    #[cfg(not(unix))]
    let _ = serves;
}

#[cfg(unix)]
fn handle(serves: bool) -> Result<()> {
    use rustix::process::Signal;
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    let runtime = runtime.context("cannot listen for signals")?;
    let _inside = runtime.enter();
    let more = serves.then_some(Signal::USR1);
    for name in [Signal::XFSZ].into_iter().chain(more) {
        // The handler stays after its stream is dropped.
        let handler = signal(SignalKind::from_raw(name.as_raw()));
        drop(handler.with_context(|| format!("cannot handle signal {}", name.as_raw()))?);
    }
    Ok(())
}

/// Ends the process if it has not stopped by itself within a limit. Its thread is started early: a
/// busy system may not allow another one later.
pub(crate) struct Deadline(Sender<()>);

impl Deadline {
    /// Starts the thread; `limit` is the time for a stop.
    pub(crate) fn new(limit: Duration) -> Result<Self> {
        let (begin, begun) = channel();
        let watch = move || {
            let is_begun = begun.recv().is_ok();
            // If all senders are dropped, the program has returned already.
            if is_begun && begun.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                tracing::error!(
                    ?limit,
                    "ended at the time limit, with work still running; all commits are on disk"
                );
                log::flush();
                std::process::exit(STUCK);
            }
        };
        let thread = thread::Builder::new().name("wasmcc-deadline".into()).spawn(watch);
        thread.context("cannot start a thread")?;
        Ok(Self(begin))
    }

    /// Starts the time.
    pub(crate) fn begin(&self) {
        // The thread exists as long as the process.
        let _ = self.0.send(());
    }
}

#[cfg(test)]
impl Interrupt {
    /// Returns one that is raised already.
    pub(crate) fn of_the_past() -> Self {
        Self(watch::channel(true).1)
    }
}
