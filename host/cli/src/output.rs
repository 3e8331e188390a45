//! Writes results to standard output, as text or JSON.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::Serialize;
use serde_json::{Value, json};

/// Prints a line. Ignores a closed pipe, such as that of `head`.
pub(crate) fn line(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write the result"),
    }
}

/// Pause between two checks for a reader.
const PAUSE: Duration = Duration::from_millis(100);

/// Completes when standard output has no reader any more, as after `| head -1`. It ends verbs that
/// print without end, also while there is nothing to print.
pub(crate) async fn unread() {
    while is_read() {
        tokio::time::sleep(PAUSE).await;
    }
}

/// False once standard output has no reader.
pub(crate) fn is_read() -> bool {
    has_reader(&io::stdout())
}

/// True also for files, and if it cannot be determined.
fn has_reader(output: &impl AsFd) -> bool {
    let mut polled = [PollFd::new(output, PollFlags::empty())];
    let told = poll(&mut polled, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
    let [polled] = polled;
    told.is_err() || !polled.revents().intersects(PollFlags::ERR | PollFlags::HUP)
}

/// Prints a line to standard error, beside a result for programs. Errors are ignored: the work
/// continues without a reader.
pub(crate) fn aside(text: &str) {
    // There is no other place to report a failure.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// True once a result was printed as JSON.
static HAS_JSON: AtomicBool = AtomicBool::new(false);

/// Prints indented JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<()> {
    HAS_JSON.store(true, Ordering::Relaxed);
    let text = serde_json::to_string_pretty(value).context("cannot write the result as JSON")?;
    line(&escaped_json(&text))
}

/// Prints an error as JSON, for verbs with JSON results: programs read standard output. It is one
/// line, for readers of JSON lines. Does nothing after a result was printed, which then includes
/// the error.
pub(crate) fn error_as_json(error: &anyhow::Error) -> Result<()> {
    match HAS_JSON.load(Ordering::Relaxed) {
        true => Ok(()),
        false => line(&escaped_json(&json!({ "error": format!("{error:#}") }).to_string())),
    }
}

/// Prints a payload: readable on a terminal; otherwise unchanged, with a newline at the end as by
/// Fabric's peer command. With `raw`, only its bytes.
pub(crate) fn payload(bytes: &[u8], raw: bool) -> Result<()> {
    let mut out = io::stdout().lock();
    if !raw && out.is_terminal() {
        drop(out);
        return line(&shown_lines(&text(bytes)));
    }
    let end: &[u8] = if raw { b"" } else { b"\n" };
    match out.write_all(bytes).and_then(|()| out.write_all(end)).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write the result"),
    }
}

/// Returns bytes as text if they are readable UTF-8, else in hexadecimal.
pub(crate) fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if is_readable(text) => text.to_owned(),
        _ => format!("0x{}", hex(bytes)),
    }
}

/// As [`text`], for a line on a terminal.
pub(crate) fn shown_text(bytes: &[u8]) -> String {
    shown(&text(bytes))
}

/// As [`text`], but as JSON that distinguishes the two forms.
pub(crate) fn bytes(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) if is_readable(text) => json!(text),
        _ => json!({ "hex": hex(bytes) }),
    }
}

/// As [`bytes`], for at most `max` bytes; longer ones become `{"first": ..., "bytes": N}`.
pub(crate) fn bytes_up_to(all: &[u8], max: usize) -> Value {
    if all.len() <= max {
        return bytes(all);
    }
    // Do not cut a character.
    let is_inside = |at: &usize| all.get(*at).is_some_and(|byte| byte & 0xc0 == 0x80);
    let end = (max.saturating_sub(3)..=max).rev().find(|at| !is_inside(at)).unwrap_or(max);
    let first = all.get(..end).unwrap_or(all);
    json!({ "first": bytes(first), "bytes": all.len() })
}

/// Escapes a key: the zero bytes of composite keys become `\0`, backslashes `\\`. Different keys
/// stay different, and [`unescaped`] reads them.
pub(crate) fn key(key: &str) -> String {
    key.replace('\\', "\\\\").replace('\0', "\\0")
}

/// As [`key`], for a terminal: also escapes hidden characters.
pub(crate) fn shown_key(key: &str) -> String {
    shown(&key.replace('\\', "\\\\"))
}

/// Reads a key in the form of [`key`]. A backslash before another character than 0 or a backslash
/// is kept.
pub(crate) fn unescaped(key: &str) -> String {
    let (mut read, mut rest) = (String::with_capacity(key.len()), key);
    while let Some((before, after)) = rest.split_once('\\') {
        read.push_str(before);
        let zero = after.strip_prefix('0');
        read.push(if zero.is_some() { '\0' } else { '\\' });
        rest = zero.or_else(|| after.strip_prefix('\\')).unwrap_or(after);
    }
    read + rest
}

/// True for characters that control a terminal or are invisible: control characters, changes of the
/// writing direction, line separators, and characters without width. A text with them may look like
/// another one.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
        )
}

/// Escapes the characters of an untrusted text that [`is_hidden`] accepts.
pub(crate) fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\0' => shown.push_str("\\0"),
            c if is_hidden(c) => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
    }
    shown
}

/// Escapes the hidden characters of JSON; its meaning does not change. Control characters below the
/// blank are escaped already.
pub(crate) fn escaped_json(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            // All of them have codes of four digits.
            c if c > ' ' && is_hidden(c) => text.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => text.push(c),
        }
    }
    text
}

/// As [`shown`], for text of several lines.
pub(crate) fn shown_lines(text: &str) -> String {
    let parts = text.split_inclusive(['\n', '\t']).map(|part| {
        let end = part.trim_end_matches(['\n', '\t']).len();
        let (words, end) = part.split_at(end);
        shown(words) + end
    });
    parts.collect()
}

pub(crate) use wasmcc_types::hex;

fn is_readable(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_pipe_has_no_reader() {
        let (reader, writer) = io::pipe().unwrap();
        assert!(has_reader(&writer));
        drop(reader);
        assert!(!has_reader(&writer));
        assert!(has_reader(&tempfile::tempfile().unwrap()));
    }

    #[test]
    fn a_terminal_gets_lines_and_no_orders() {
        assert_eq!(shown_lines("a\u{1b}[31m\tb\n\nc\rd\0"), "a\\u{1b}[31m\tb\n\nc\\rd\\0");
        assert_eq!(shown_lines(""), "");
        let hidden = ["\u{61c}", "\u{200b}", "\u{200f}", "\u{2028}", "\u{202e}", "\u{2060}"];
        for hidden in hidden.into_iter().chain(["\u{2066}", "\u{206f}", "\u{feff}"]) {
            let escaped = hidden.escape_default().to_string();
            assert_eq!(shown(&format!("a{hidden}b")), format!("a{escaped}b"));
        }
        let visible = "\u{200a}\u{2010}\u{2027}\u{202f}\u{2070}\u{1f600}\u{5d0}";
        assert_eq!(shown(visible), visible);
        let text = format!("{visible}\u{202e}\u{7f}\n\u{feff}");
        let json = escaped_json(&serde_json::to_string_pretty(&json!([text])).unwrap());
        assert!(json.contains("\\u202e\\u007f\\n\\ufeff") && json.contains(visible), "{json}");
        assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), json!([text]));
    }

    #[test]
    fn bytes_are_text_where_they_are() {
        assert_eq!(text(b"caf\xc3\xa9\n"), "café\n");
        assert_eq!(text(b"\x00\xff"), "0x00ff");
        assert_eq!(text(b"\x1b[2J"), "0x1b5b324a");
        assert_eq!(shown_text("a\r\n b\u{202e}".as_bytes()), "a\\r\\n b\\u{202e}");
        assert_eq!(bytes(b"a"), json!("a"));
        assert_eq!(bytes_up_to(b"abc", 3), json!("abc"));
        assert_eq!(bytes_up_to(b"abcd", 3), json!({ "first": "abc", "bytes": 4 }));
        let cut = json!({ "first": "ab", "bytes": 5 });
        assert_eq!(bytes_up_to("ab\u{20ac}".as_bytes(), 4), cut);
        let cut = json!({ "first": { "hex": "ffff" }, "bytes": 3 });
        assert_eq!(bytes_up_to(b"\xff\xff\xff", 2), cut);
        assert_eq!(bytes(b"\xff"), json!({ "hex": "ff" }));
        assert_eq!(shown("\0a\u{1b}[2J\n\u{e9}"), "\\0a\\u{1b}[2J\\n\u{e9}");
    }

    #[test]
    fn no_two_keys_look_the_same() {
        assert_eq!(key("\0asset\0a1\0"), "\\0asset\\0a1\\0");
        assert_eq!(key("a\\0"), "a\\\\0");
        for it in ["", "k", "\0a\0", "a\\0", "a\\\0b", "\\", "\\\\0\0\\", "\u{e9}\\n"] {
            assert_eq!(unescaped(&key(it)), it, "{it:?}");
        }
        assert_eq!(unescaped("a\\b\\"), "a\\b\\");
        assert_eq!(shown_key("\0a\\0\n"), "\\0a\\\\0\\n");
    }
}
