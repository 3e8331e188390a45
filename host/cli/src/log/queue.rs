//! The queue of lines to be written.
//!
//! Invariant: only the writing thread waits here, and for a limited time the exit of the process.
//! If the queue is full, a line is dropped and counted.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing::callsite::Identifier;
use tracing::{Level, Metadata};

use crate::log::form::Form;
use crate::log::rates::Rates;
use wasmcc_types::CHAINCODE_LOG;

/// Capacity of the queue; a line has at most 8 KiB.
const LINES: usize = 1_024;
/// Lines that are written between two reports of dropped lines, while the queue is never empty.
const BETWEEN_REPORTS: usize = 10 * LINES;

/// The queue.
pub(super) struct Queue {
    form: Form,
    state: Mutex<QueueState>,
    /// Signals the writing thread.
    filled: Condvar,
    /// Signals the exit of the process.
    emptied: Condvar,
}

/// A line with the level of its entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) level: Level,
    pub(super) text: String,
}

struct QueueState {
    lines: VecDeque<Line>,
    rates: Rates<Identifier>,
    dropped: u64,
    /// Lines written since the last report of dropped lines.
    since_report: usize,
    /// A line is being written.
    is_writing: bool,
    /// The process is ending: report everything now.
    is_ending: bool,
    /// The last line could not be written.
    is_failing: bool,
}

impl Queue {
    /// Makes an empty queue for lines of this form.
    pub(super) fn new(form: Form) -> Self {
        let state = QueueState {
            lines: VecDeque::new(),
            rates: Rates::default(),
            dropped: 0,
            since_report: 0,
            is_writing: false,
            is_ending: false,
            is_failing: false,
        };
        Self { form, state: Mutex::new(state), filled: Condvar::new(), emptied: Condvar::new() }
    }

    /// True if the event's call site is within its rate.
    pub(super) fn admits(&self, event: &Metadata<'_>) -> bool {
        checked(*event.level());
        // These are limited for each transaction instead.
        if event.target() == CHAINCODE_LOG {
            return true;
        }
        let name = || match event.line() {
            Some(line) => format!("{} (line {line})", event.target()),
            None => event.target().to_owned(),
        };
        let mut state = self.lock();
        let is_first = state.rates.next_report().is_none();
        let admits = state.rates.admit(&event.callsite(), Instant::now(), name);
        drop(state);
        if !admits && is_first {
            // The writing thread must learn when to report.
            self.filled.notify_one();
        }
        admits
    }

    /// Queues a line; drops and counts it if the queue is full.
    pub(super) fn push(&self, level: Level, event: &str) {
        self.push_line(Line { level, text: self.form.event(event) });
    }

    /// Queues an entry of the log itself.
    pub(super) fn push_report(&self, level: Level, text: &str) {
        checked(level);
        self.push_line(Line { level, text: self.form.report(level, text) });
    }

    fn push_line(&self, line: Line) {
        let mut state = self.lock();
        if state.lines.len() < LINES {
            state.lines.push_back(line);
        } else {
            state.dropped += 1;
        }
        drop(state);
        self.filled.notify_one();
    }

    /// Queues one of the last lines, also if the queue is full.
    pub(super) fn push_last(&self, text: &str) {
        checked(Level::ERROR);
        let line = Line { level: Level::ERROR, text: self.form.note(Level::ERROR, text) };
        self.lock().lines.push_back(line);
        self.filled.notify_one();
    }

    /// Counts a written line.
    pub(super) fn written(&self, line: &Line) {
        self.lock().is_failing = false;
        wasmcc_metrics::get().logging.written(name(line.level));
    }

    /// Counts a line that could not be written.
    pub(super) fn lost(&self) {
        let mut state = self.lock();
        state.dropped += 1;
        state.is_failing = true;
    }

    /// Waits for the next line. The line before then counts as written.
    pub(super) fn next(&self) -> Line {
        let mut state = self.lock();
        state.is_writing = false;
        loop {
            let now = Instant::now();
            if let Some(report) = state.report(now) {
                state.is_writing = true;
                drop(state);
                checked(Level::WARN);
                let text = self.form.report(Level::WARN, &report);
                return Line { level: Level::WARN, text };
            }
            if let Some(line) = state.lines.pop_front() {
                state.since_report += 1;
                state.is_writing = true;
                return line;
            }
            self.emptied.notify_all();
            state = match state.rates.next_report() {
                None => self.filled.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(due) => {
                    let left = due.saturating_duration_since(now);
                    let waited = self.filled.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Waits until all lines are written, at most for `limit`.
    pub(super) fn flush(&self, limit: Duration) {
        let mut state = self.lock();
        state.is_ending = true;
        self.filled.notify_one();
        let is_busy = |state: &mut QueueState| {
            let has_lines = state.is_writing || !state.lines.is_empty();
            has_lines
                || (state.dropped > 0 && !state.is_failing)
                || state.rates.next_report().is_some()
        };
        // A timeout makes no difference: the process ends.
        drop(self.emptied.wait_timeout_while(state, limit, is_busy));
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl QueueState {
    /// Returns one of the log's own reports, if it is due.
    fn report(&mut self, now: Instant) -> Option<String> {
        let is_due = self.lines.is_empty() || self.since_report >= BETWEEN_REPORTS;
        // Otherwise a report that fails, too, would at once lead to the next one.
        if self.dropped > 0 && is_due && !self.is_failing {
            self.since_report = 0;
            let dropped = std::mem::take(&mut self.dropped);
            return Some(format!(
                "{dropped} log lines were dropped because the log was not read in time"
            ));
        }
        self.rates.report(now, self.is_ending && self.lines.is_empty())
    }
}

/// Counts an entry that is to be shown.
fn checked(level: Level) {
    wasmcc_metrics::get().logging.checked(name(level));
}

/// Returns the name of a level in metrics.
fn name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_without_room_are_counted_and_reported_when_the_others_are_written() {
        let queue = Queue::new(Form::Text { colors: false });
        for number in 0..LINES + 5 {
            queue.push(Level::INFO, &number.to_string());
        }
        queue.push_last("error: the end");
        for number in 0..LINES {
            assert_eq!(queue.next().text, format!("{number}\n"));
        }
        let end = queue.next();
        assert_eq!((end.level, &*end.text), (Level::ERROR, "error: the end\n"));
        let report = queue.next().text;
        assert!(
            report.ends_with(
                "WARN wasmcc::log: 5 log lines were dropped because the log was not read in \
                 time\n"
            ),
            "{report}"
        );
        queue.push(Level::INFO, "next");
        assert_eq!(queue.next().text, "next\n");
    }

    #[test]
    fn the_end_waits_for_the_writer_and_not_for_ever() {
        let queue = Queue::new(Form::Text { colors: false });
        queue.push(Level::INFO, "one");
        queue.push(Level::INFO, "two");
        // The writer has ended.
        queue.flush(Duration::ZERO);
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| [(), (), ()].map(|()| queue.next().text));
            queue.flush(Duration::from_secs(60));
            assert!(queue.lock().lines.is_empty());
            queue.push(Level::INFO, "three");
            assert_eq!(writer.join().unwrap(), ["one\n", "two\n", "three\n"]);
        });
    }

    /// As with a standard error whose reader has gone.
    #[test]
    fn lines_that_cannot_be_written_are_reported_after_the_next_that_can() {
        let queue = Queue::new(Form::Text { colors: false });
        queue.push(Level::INFO, "lost");
        queue.next();
        queue.lost();
        // The log's thread would find a report at once, again and again.
        assert_eq!(queue.lock().report(Instant::now()), None);
        queue.push(Level::INFO, "written");
        let line = queue.next();
        assert_eq!(line.text, "written\n");
        queue.written(&line);
        assert!(queue.next().text.contains(" 1 "));
    }
}
