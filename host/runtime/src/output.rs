//! Captures a guest's standard output and error.

use std::borrow::Cow;
use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::cost::{self, Bill};

/// Keeps the first `limit` bytes and drops the rest, since much output is not an error.
#[derive(Clone)]
pub(crate) struct Capture {
    bytes: Arc<Mutex<Vec<u8>>>,
    limit: usize,
    bill: Bill,
}

impl Capture {
    /// Makes an empty capture that charges the written bytes to `bill`. Allocates on the first
    /// write.
    pub(crate) fn new(limit: usize, bill: Bill) -> Self {
        Self { bytes: Arc::default(), limit, bill }
    }

    /// Returns the written text, with invalid UTF-8 replaced.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.lock()).into_owned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<u8>> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, written: &[u8]) {
        let mut bytes = self.lock();
        let room = self.limit.saturating_sub(bytes.len());
        bytes.extend_from_slice(&written[..written.len().min(room)]);
    }
}

impl IsTerminal for Capture {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Capture {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    /// Called only by WASI 0.3, which is not linked.
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }
}

impl OutputStream for Capture {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        self.bill.add(cost::bytes(bytes.len()));
        self.keep(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 << 10)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Capture {
    async fn ready(&mut self) {}
}

/// Returns a guest's text as one line without control codes, so that it cannot imitate lines of the
/// host.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut line = String::with_capacity(text.len() + 8);
    for char in text.chars() {
        match char {
            char if char.is_control() => line.extend(char.escape_default()),
            char => line.push(char),
        }
    }
    Cow::Owned(line)
}

/// Limit on the bytes of an error text that depends on a file.
const TEXT_BYTES: usize = 1 << 10;

/// Returns the beginning of an error about a file, in one line: it may contain names from the file.
pub(crate) fn short_line(error: impl Display) -> String {
    let text = error.to_string();
    let mut line = one_line(&text).into_owned();
    if line.len() > TEXT_BYTES {
        line.truncate(line.floor_char_boundary(TEXT_BYTES));
        line += " ...";
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_cannot_start_a_line_of_the_log() {
        assert_eq!(one_line("plain \u{fc}"), "plain \u{fc}");
        assert_eq!(one_line("a\nINFO b\u{1b}[2J"), "a\\nINFO b\\u{1b}[2J");
    }

    #[test]
    fn names_of_a_file_do_not_fill_an_error() {
        assert_eq!(short_line("unknown import `a\nb`"), "unknown import `a\\nb`");
        let cut = short_line("\u{20ac}".repeat(1_000));
        assert_eq!(cut, "\u{20ac}".repeat(341) + " ...");
    }
}
