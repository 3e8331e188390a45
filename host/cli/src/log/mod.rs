//! The log of the verbs that serve: lines for standard error, which a thread of its own writes.
//!
//! Fabric's peer reads the standard error of a chaincode line by line, gives up at a line of more
//! than 64 KiB, and then lets the pipe fill up. Lines are therefore bounded, and a line for which
//! there is no room is dropped, counted and reported as soon as there is room.
//!
//! Invariant: whoever logs never waits for whoever reads.

mod line;
mod queue;
mod rates;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use tracing::Metadata;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::log::queue::Queue;

/// How long the end of the process may wait for whoever reads. A peer kills 5 s after SIGTERM, and
/// running transactions have 4 s of them.
const FLUSH: Duration = Duration::from_millis(500);
/// Before the next attempt to write to a pipe that does not block and is full.
const PAUSE: Duration = Duration::from_millis(10);

/// Of this process, if its verb serves.
static QUEUE: OnceLock<Arc<Queue>> = OnceLock::new();

/// Starts the log; `filter` says what it shows, unless RUST_LOG does. The verbs that do not serve
/// write their lines themselves.
pub(crate) fn start(filter: &str, serves: bool) -> Result<()> {
    let filter = match std::env::var("RUST_LOG") {
        Ok(text) if !text.is_empty() => {
            EnvFilter::try_new(text).context("RUST_LOG is not usable")?
        }
        _ => EnvFilter::new(filter),
    };
    let is_terminal = io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(is_terminal);
    if !serves {
        log.with_writer(io::stderr).init();
        return Ok(());
    }
    let queue = Arc::new(Queue::new(is_terminal));
    let written = Arc::clone(&queue);
    let thread = thread::Builder::new().name("wasmcc-log".into());
    thread.spawn(move || write_lines(&written)).context("cannot start a thread for the log")?;
    log.with_writer(Lines(Arc::clone(&queue))).init();
    let panics = Arc::clone(&queue);
    std::panic::set_hook(Box::new(move |panic| {
        let trace = Backtrace::capture();
        panics.push(&match trace.status() {
            BacktraceStatus::Captured => format!("{panic}\n{trace}"),
            _ => panic.to_string(),
        });
    }));
    // The first log of a process is its only one.
    let _ = QUEUE.set(queue);
    Ok(())
}

/// Says why the process fails. Nothing that is logged keeps this out.
pub(crate) fn fail(error: &anyhow::Error) {
    let text = format!("error: {error:#}");
    match QUEUE.get() {
        Some(queue) => text.lines().for_each(|line| queue.push_last(line)),
        // Who cannot say it can do nothing about that.
        None => drop(writeln!(io::stderr(), "{text}")),
    }
}

/// Waits until the lines are written, but not for a reader that does not read. To be called before
/// the process ends.
pub(crate) fn flush() {
    if let Some(queue) = QUEUE.get() {
        queue.flush(FLUSH);
    }
}

/// Flushes when it is dropped, also after a panic.
pub(crate) struct Flush;

impl Drop for Flush {
    fn drop(&mut self) {
        flush();
    }
}

/// The thread of the log.
fn write_lines(queue: &Queue) {
    loop {
        let line = queue.next();
        if !write(line.as_bytes()) {
            queue.lost();
        }
    }
}

/// Whether the line was written. What cannot be written for another reason than a full pipe is
/// lost: there is no other place to say it.
fn write(mut line: &[u8]) -> bool {
    while !line.is_empty() {
        let written = io::stderr().lock().write(line);
        match written {
            Ok(0) => return false,
            Ok(count) => line = &line[count..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(PAUSE),
            Err(_) => return false,
        }
    }
    true
}

/// Takes what the subscriber formats.
struct Lines(Arc<Queue>);

/// Takes one event, which comes as a whole.
struct Event<'a> {
    /// None: it is not shown.
    queue: Option<&'a Queue>,
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Event<'a>;

    fn make_writer(&'a self) -> Event<'a> {
        Event { queue: Some(&self.0) }
    }

    fn make_writer_for(&'a self, event: &Metadata<'_>) -> Event<'a> {
        Event { queue: self.0.admits(event).then_some(&*self.0) }
    }
}

impl Write for Event<'_> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        if let Some(queue) = self.queue {
            queue.push(&String::from_utf8_lossy(event));
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
