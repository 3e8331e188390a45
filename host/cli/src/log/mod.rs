//! The log. Verbs that serve queue their lines; a separate thread writes them to standard error.
//!
//! Fabric's peer reads the standard error of a chaincode line by line, and stops reading at a line
//! of more than 64 KiB. Then the pipe fills up. Lines are therefore limited in size. If the queue
//! is full, lines are dropped, counted and reported later.
//!
//! Invariant: a log call in a verb that serves never waits for the reader of the log.

mod form;
mod json;
mod line;
mod queue;
mod rates;
mod selection;
mod spans;
mod spec;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

use crate::dev::GuestLog;
use crate::log::form::Form;
pub(crate) use crate::log::form::Format;
use crate::log::json::{JsonEvents, JsonFields};
use crate::log::queue::Queue;
use crate::log::selection::Selection;
pub(crate) use crate::log::spans::Collector;
use crate::log::spans::Part;
pub(crate) use crate::log::spec::{BadSpec, Spec};
use crate::output;

/// How long the exit of the process may wait for the reader and for the collector of spans
/// together. A peer sends SIGKILL 5 s after SIGTERM, and running transactions may take 4 s of that.
const FLUSH: Duration = Duration::from_millis(500);
/// Pause before the next attempt to write to a full, non-blocking pipe.
const PAUSE: Duration = Duration::from_millis(10);

/// The queue of this process, if its verb serves.
static QUEUE: OnceLock<Arc<Queue>> = OnceLock::new();
/// The current filter.
static SELECTION: OnceLock<reload::Handle<Selection, Registry>> = OnceLock::new();

/// The configuration of the log.
pub(crate) struct Log {
    /// The filter; overrides RUST_LOG.
    pub(crate) spec: Option<Spec>,
    /// The filter if neither is set.
    pub(crate) usual: &'static str,
    /// Its format.
    pub(crate) format: Format,
    /// True for verbs that serve: their lines are queued and written by a thread. Other verbs write
    /// at once.
    pub(crate) serves: bool,
    /// True if the log lines of contracts also go to the reporter of `wasmcc dev`.
    pub(crate) is_dev: bool,
    /// The destination of spans of verbs that serve.
    pub(crate) collector: Collector,
}

/// Returns the current filter as text.
pub(crate) fn spec() -> String {
    let shown = SELECTION.get().map(|selection| selection.with_current(ToString::to_string));
    shown.and_then(Result::ok).unwrap_or_default()
}

/// Replaces the filter.
pub(crate) fn set_spec(text: &str) -> Result<(), BadSpec> {
    let spec: Spec = text.parse()?;
    if let Some(selection) = SELECTION.get() {
        tracing::info!(%spec, "the log's specification was replaced");
        // Fails only if the log has ended.
        let _ = selection.reload(Selection::Spec(spec));
    }
    Ok(())
}

fn selection(spec: Option<Spec>, usual: &str) -> Result<Selection> {
    let variable = std::env::var("RUST_LOG").ok().filter(|text| !text.is_empty());
    Ok(match (spec, variable) {
        (Some(spec), _) => Selection::Spec(spec),
        (None, Some(text)) => {
            let filter = EnvFilter::try_new(&text).context("RUST_LOG is not usable")?;
            Selection::Env(Box::new(filter), text)
        }
        (None, None) => Selection::Spec(usual.parse()?),
    })
}

/// Starts the log of this process.
pub(crate) fn start(log: Log) -> Result<()> {
    let (filter, handle) = reload::Layer::new(selection(log.spec, log.usual)?);
    // A process has one log; further calls have no effect.
    let _ = SELECTION.set(handle);
    let form = match log.format {
        Format::Text => Form::Text { colors: io::stderr().is_terminal() },
        Format::Json => Form::Json,
    };
    if !log.serves {
        install(form, (filter, false, None), io::stderr);
        return Ok(());
    }
    let spans = log.collector.layer()?;
    let queue = Arc::new(Queue::new(form));
    let written = Arc::clone(&queue);
    let thread = thread::Builder::new().name("wasmcc-log".into());
    thread.spawn(move || write_lines(&written)).context("cannot start a thread for the log")?;
    install(form, (filter, log.is_dev, spans), Lines(Arc::clone(&queue)));
    log.collector.warn();
    let panics = Arc::clone(&queue);
    std::panic::set_hook(Box::new(move |panic| {
        panics.push_report(Level::ERROR, &panic.to_string());
        let trace = Backtrace::capture();
        if trace.status() == BacktraceStatus::Captured {
            // All of them do not fit into one line.
            for frame in frames(&trace.to_string()) {
                panics.push_report(Level::ERROR, &frame);
            }
        }
    }));
    let _ = QUEUE.set(queue);
    Ok(())
}

/// Returns the frames of a backtrace, each with its place in the source.
fn frames(trace: &str) -> Vec<String> {
    let mut frames: Vec<String> = Vec::new();
    for line in trace.lines().map(str::trim) {
        match frames.last_mut() {
            Some(frame) if line.starts_with("at ") => *frame += &format!(" {line}"),
            _ => frames.push(line.to_owned()),
        }
    }
    frames
}

type Parts = (reload::Layer<Selection, Registry>, bool, Option<Part<Registry>>);

fn install<W>(form: Form, (filter, is_dev, spans): Parts, writer: W)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let layer = fmt::layer().with_writer(writer);
    let layer = match form {
        Form::Text { colors } => layer.with_ansi(colors).boxed(),
        Form::Json => {
            layer.with_ansi(false).event_format(JsonEvents).fmt_fields(JsonFields).boxed()
        }
    };
    let guests = is_dev.then(GuestLog::layer);
    // All parts are made for the registry itself.
    let all: Vec<Part<Registry>> = std::iter::once(layer.with_filter(filter).boxed())
        .chain(guests.map(Layer::boxed))
        .chain(spans)
        .collect();
    tracing_subscriber::registry().with(all).init();
}

/// Reports why the process fails, whatever the filter.
pub(crate) fn fail(error: &anyhow::Error) {
    // The error may contain text of a chaincode.
    let text = output::shown_lines(&format!("error: {error:#}"));
    match QUEUE.get() {
        Some(queue) => text.lines().for_each(|line| queue.push_last(line)),
        // If this fails, there is no other place to report it.
        None => drop(writeln!(io::stderr(), "{text}")),
    }
}

/// Waits until the queued lines are written, and then until the remaining spans are sent, for a
/// limited time. Must be called before the process ends.
pub(crate) fn flush() {
    let begun = Instant::now();
    if let Some(queue) = QUEUE.get() {
        queue.flush(FLUSH);
    }
    spans::flush(FLUSH.saturating_sub(begun.elapsed()));
}

/// Flushes on drop, also after a panic.
pub(crate) struct Flush;

impl Drop for Flush {
    fn drop(&mut self) {
        flush();
    }
}

/// The body of the log's thread.
fn write_lines(queue: &Queue) {
    loop {
        let line = queue.next();
        match write(line.text.as_bytes()) {
            true => queue.written(&line),
            false => queue.lost(),
        }
    }
}

/// Writes a line; retries while a pipe is full. Returns false on other errors: the line is lost,
/// and there is no other place to report it.
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

/// Queues the events that the subscriber formats.
struct Lines(Arc<Queue>);

/// Receives one event, as a whole.
struct Event<'a> {
    /// None if the event is not shown.
    queue: Option<&'a Queue>,
    level: Level,
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Event<'a>;

    fn make_writer(&'a self) -> Event<'a> {
        Event { queue: Some(&self.0), level: Level::INFO }
    }

    fn make_writer_for(&'a self, event: &Metadata<'_>) -> Event<'a> {
        let queue = self.0.admits(event).then_some(&*self.0);
        Event { queue, level: *event.level() }
    }
}

impl Write for Event<'_> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        if let Some(queue) = self.queue {
            queue.push(self.level, &String::from_utf8_lossy(event));
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backtrace_has_one_line_for_each_frame() {
        let trace = "   0: std::panicking::begin\n             at /rust/std.rs:7:9\n   1: main\n";
        let expected = ["0: std::panicking::begin at /rust/std.rs:7:9", "1: main"];
        assert_eq!(frames(trace), expected);
    }
}
