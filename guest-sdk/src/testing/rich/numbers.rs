//! JSON as Fabric's peer returns it from CouchDB.

use std::io;

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::Formatter;

/// Formats numbers as Go does, which reads them as 64-bit floats before it stores them.
struct Go {
    /// True to escape characters with a meaning in HTML.
    is_html_safe: bool,
}

/// Returns the text of a value.
pub(super) fn write(value: &Value, is_html_safe: bool) -> Vec<u8> {
    let mut json = Vec::new();
    let mut writer = serde_json::Serializer::with_formatter(&mut json, Go { is_html_safe });
    // Writing a value to memory cannot fail.
    value.serialize(&mut writer).unwrap_or_default();
    json
}

impl Formatter for Go {
    fn write_i64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: i64) -> io::Result<()> {
        self.write_f64(writer, value as f64)
    }

    fn write_u64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: u64) -> io::Result<()> {
        self.write_f64(writer, value as f64)
    }

    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        match value.abs() {
            0.0 => write!(writer, "0"),
            1e-6..1e21 => write!(writer, "{value}"),
            1e21.. => write!(writer, "{}", format!("{value:e}").replace('e', "e+")),
            _ => write!(writer, "{value:e}"),
        }
    }

    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        if !self.is_html_safe {
            return writer.write_all(fragment.as_bytes());
        }
        for part in fragment.split_inclusive(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            let mut characters = part.chars();
            match characters.next_back() {
                Some(last @ ('<' | '>' | '&' | '\u{2028}' | '\u{2029}')) => {
                    write!(writer, "{}\\u{:04x}", characters.as_str(), u32::from(last))?;
                }
                _ => writer.write_all(part.as_bytes())?,
            }
        }
        Ok(())
    }
}
