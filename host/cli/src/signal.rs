//! Signals: SIGINT and SIGTERM, and those that must not end the process.

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
            std::process::exit(INTERRUPTED.into());
        });
    })
}

/// A verb was told to end before it was done.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub(crate) struct Interrupted;

impl Interrupted {
    /// True if the verb, or a tool of the ledger, has ended for this reason.
    pub(crate) fn is(error: &Error) -> bool {
        let of_tool = error.downcast_ref::<LedgerError>();
        error.is::<Self>() || matches!(of_tool, Some(LedgerError::Interrupted))
    }
}

/// Whether this process is told to end, for verbs that have a temporary folder. While one exists,
/// the first signal only raises it: the verb has to look, and removes its folder when it returns.
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
            // Nobody is left who would look.
            if raise.send(true).is_err() {
                log::flush();
                std::process::exit(INTERRUPTED.into());
            }
            // The second signal is waited for here.
            std::future::pending::<()>().await;
        };
        let thread = thread::Builder::new().name("wasmcc-signals".into());
        thread.spawn(move || runtime.block_on(wait)).context("cannot start a thread")?;
        *listener = Some(sender);
        Ok(Self(receiver))
    }

    /// Fails with [`Interrupted`] once a signal has come.
    pub(crate) fn check(&self) -> Result<()> {
        match *self.0.borrow() {
            true => Err(Error::new(Interrupted)),
            false => Ok(()),
        }
    }

    /// Completes with the first signal.
    pub(crate) async fn raised(&mut self) {
        if self.0.wait_for(|is_raised| *is_raised).await.is_err() {
            // The listener has gone without a signal; it goes only with the process.
            std::future::pending::<()>().await;
        }
    }
}

/// Keeps signals from ending the process whose usual effect is a loss:
/// - SIGXFSZ, of a write past the limit of file size: the write fails, as on a full disk;
/// - SIGUSR1, if the process serves: Fabric's operators send it to a peer for its goroutines.
///
/// Programs that this one starts have the usual effects. Where that cannot be had, the program runs
/// all the same.
pub(crate) fn outlive(serves: bool) {
    #[cfg(unix)]
    if let Err(error) = handle(serves) {
        tracing::warn!("signals have their usual effects: {error:#}");
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
        // The handler stays when what it returns is dropped.
        let handler = signal(SignalKind::from_raw(name.as_raw()));
        drop(handler.with_context(|| format!("cannot handle signal {}", name.as_raw()))?);
    }
    Ok(())
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

#[cfg(test)]
impl Interrupt {
    /// One that has been raised.
    pub(crate) fn of_the_past() -> Self {
        Self(watch::channel(true).1)
    }
}
