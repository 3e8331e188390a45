//! The clock behind the wall-clock backstop.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use wasmtime::Engine;

/// Advances an engine's epoch every [`Ticker::PERIOD`] until it is dropped.
pub(crate) struct Ticker {
    _stop: mpsc::Sender<()>,
}

impl Ticker {
    /// The resolution of deadlines.
    pub(crate) const PERIOD: Duration = Duration::from_millis(10);

    /// Starts the thread. It keeps no engine alive.
    pub(crate) fn start(engine: &Engine) -> std::io::Result<Self> {
        let (stop, stopped) = mpsc::channel::<()>();
        let engine = engine.weak();
        thread::Builder::new().name("wasmcc-epoch".into()).spawn(move || {
            while stopped.recv_timeout(Self::PERIOD) == Err(mpsc::RecvTimeoutError::Timeout) {
                let Some(engine) = engine.upgrade() else { break };
                engine.increment_epoch();
            }
        })?;
        Ok(Self { _stop: stop })
    }
}
