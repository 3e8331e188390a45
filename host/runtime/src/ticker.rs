//! Threads that work in rounds: the clock of the wall-clock backstop, and the one that makes
//! instances ahead of need.

use std::sync::{Arc, mpsc};
use std::time::Duration;
use std::{io, thread};

use wasmtime::Engine;

use crate::ahead::Ahead;

/// A thread that works every [`Ticker::PERIOD`] until this is dropped.
pub(crate) struct Ticker {
    _stop: mpsc::Sender<()>,
}

impl Ticker {
    /// The resolution of deadlines.
    pub(crate) const PERIOD: Duration = Duration::from_millis(10);

    /// Advances an engine's epoch. Does not keep the engine alive.
    pub(crate) fn of_epochs(engine: &Engine) -> io::Result<Self> {
        let engine = engine.weak();
        Self::start("wasmcc-epoch", move || {
            engine.upgrade().map(|engine| engine.increment_epoch()).is_some()
        })
    }

    /// Makes instances ahead of need. Does not keep `ahead` alive.
    pub(crate) fn of_instances(ahead: &Arc<Ahead>) -> io::Result<Self> {
        let ahead = Arc::downgrade(ahead);
        Self::start("wasmcc-ahead", move || ahead.upgrade().map(|ahead| ahead.round()).is_some())
    }

    /// Starts a thread that calls `round` until it returns false.
    fn start(name: &str, mut round: impl FnMut() -> bool + Send + 'static) -> io::Result<Self> {
        let (stop, stopped) = mpsc::channel::<()>();
        thread::Builder::new().name(name.into()).spawn(move || {
            while stopped.recv_timeout(Self::PERIOD) == Err(mpsc::RecvTimeoutError::Timeout) {
                if !round() {
                    break;
                }
            }
        })?;
        Ok(Self { _stop: stop })
    }
}
