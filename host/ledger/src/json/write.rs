//! Formats a JSON value.
//!
//! Numbers have the form in which CouchDB returns what Go's `json.Marshal` wrote. Whole numbers
//! have no fraction; numbers below 1e-6 and from 1e21 on have an exponent.
//!
//! Invariant: a shortened text ends between two parts of the value, so it is about as long as
//! requested.

use std::fmt::Write;

use crate::json::value::{Json, JsonEvent, JsonKind, Value};

/// Limit on the characters of a value in an error text.
const SHOWN: usize = 80;

impl Value<'_> {
    /// Appends the text without white space.
    pub(crate) fn write(self, out: &mut String) {
        self.write_up_to(usize::MAX, out);
    }

    /// Returns the beginning of the text, for error texts.
    pub(crate) fn shown(self) -> String {
        let mut text = String::new();
        self.write_up_to(4 * SHOWN, &mut text);
        shorten(&text)
    }

    fn write_up_to(self, limit: usize, out: &mut String) {
        // For each open object or array: true for an object, and the number of parts written.
        let mut open: Vec<(bool, usize)> = Vec::new();
        for event in self.events() {
            if out.len() > limit {
                return;
            }
            let kind = match event {
                JsonEvent::End => {
                    out.push(if open.pop().is_some_and(|(is_object, _)| is_object) {
                        '}'
                    } else {
                        ']'
                    });
                    continue;
                }
                JsonEvent::Value(kind) => kind,
            };
            if let Some((is_object, count)) = open.last_mut() {
                match *count {
                    0 => {}
                    odd if *is_object && odd % 2 == 1 => out.push(':'),
                    _ => out.push(','),
                }
                *count += 1;
            }
            match kind {
                JsonKind::Null => out.push_str("null"),
                JsonKind::Boolean(value) => out.push_str(if value { "true" } else { "false" }),
                JsonKind::Number(value) => write_number(value, out),
                JsonKind::Text(text) => write_text(text, out),
                JsonKind::Array => {
                    out.push('[');
                    open.push((false, 0));
                }
                JsonKind::Object => {
                    out.push('{');
                    open.push((true, 0));
                }
            }
        }
    }
}

impl std::fmt::Display for Json {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = String::new();
        self.value().write(&mut text);
        f.write_str(&text)
    }
}

/// Returns the beginning of a text, for error texts.
pub(crate) fn shorten(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
    }
}

/// Appends a string with its quotes.
pub(crate) fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Writing to a string does not fail.
            '\0'..' ' => write!(out, "\\u{:04x}", u32::from(letter)).unwrap_or_default(),
            letter => out.push(letter),
        }
    }
    out.push('"');
}

fn write_number(value: f64, out: &mut String) {
    let written = match value.abs() {
        0.0 => out.write_char('0'),
        1e-6..1e21 => write!(out, "{value}"),
        1e21.. => write!(out, "{}", format!("{value:e}").replace('e', "e+")),
        _ => write!(out, "{value:e}"),
    };
    // Writing to a string does not fail.
    written.unwrap_or_default();
}
