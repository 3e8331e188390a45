//! One line of the log's output.
//!
//! Invariant: a line has exactly one newline, at its end, and at most [`LINE_BYTES`] bytes.

use crate::output::is_hidden;

/// The longest line with its newline, in bytes; Fabric's peer accepts 64 KiB.
pub(super) const LINE_BYTES: usize = 8 << 10;
/// Room for the note about a cut.
const CUT_BYTES: usize = 64;

/// Turns an event into a line. Escapes hidden characters, so that no part can be mistaken for
/// another line or text, and cuts long events. With `colors` the escape codes for colors stay.
pub(super) fn line(event: &str, colors: bool) -> String {
    let event = event.trim_end_matches(['\n', '\r']);
    let mut line = String::with_capacity(event.len().min(LINE_BYTES) + 1);
    for char in event.chars() {
        // An escape has at most ten bytes.
        if line.len() + 10 > LINE_BYTES - CUT_BYTES {
            let end = if colors { "\x1b[0m" } else { "" };
            line.push_str(&format!("{end} ... (cut, it has {} bytes)\n", event.len()));
            return line;
        }
        match char {
            '\x1b' if colors => line.push(char),
            char if is_hidden(char) => line.extend(char.escape_default()),
            char => line.push(char),
        }
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_whatever_is_in_it() {
        assert_eq!(line("plain \u{fc}\n", false), "plain \u{fc}\n");
        assert_eq!(line("a\nINFO b\r\n", false), "a\\nINFO b\n");
        assert_eq!(line("\x1b[2mdim\x1b[0m\tx", true), "\x1b[2mdim\x1b[0m\\tx\n");
        assert_eq!(line("\x1b[2J", false), "\\u{1b}[2J\n");
        assert_eq!(line("a\u{202e}b\u{feff}", false), "a\\u{202e}b\\u{feff}\n");
    }

    #[test]
    fn a_line_is_bounded_after_it_was_escaped() {
        for text in ["\x1b", "x", "\u{fc}", "\u{1f600}", "\u{85}", "\n x"] {
            let event = text.repeat(16_000);
            for colors in [false, true] {
                let line = line(&event, colors);
                assert!(line.len() <= LINE_BYTES && line.len() > LINE_BYTES - 2 * CUT_BYTES);
                assert_eq!(line.find('\n'), Some(line.len() - 1));
                let cut = format!(" ... (cut, it has {} bytes)\n", event.len());
                assert!(line.ends_with(&cut), "{line}");
            }
        }
        let longest = "x".repeat(LINE_BYTES - CUT_BYTES - 10);
        assert_eq!(line(&longest, false), format!("{longest}\n"));
    }
}
