//! Lines of the log as JSON: `{"time":...,"level":"INFO","target":...,"message":...,"fields":{}}`.
//!
//! Invariant: each line is one complete JSON object of at most [`LINE_BYTES`] bytes; long texts in
//! it are cut.

use std::fmt;

use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::span::Record;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

use crate::log::line::LINE_BYTES;
use crate::output::escaped_json;

/// The longest texts at first; the limit shrinks while the line is too long.
const TEXT_BYTES: usize = 4_096;
const SHORTEST_TEXT: usize = 64;

/// The field with a chaincode's own fields, as a JSON object.
const CARRIED: &str = "fields";

/// Formats events.
pub(super) struct JsonEvents;

/// Formats the fields of spans, as a JSON object.
pub(super) struct JsonFields;

#[derive(Default)]
struct Fields(Map<String, Value>);

/// Formats a line of the log itself.
pub(super) fn record(level: Level, target: &str, message: &str) -> String {
    let head = json!({
        "time": now(),
        "level": level.as_str(),
        "target": target,
        "message": message,
    });
    bounded(head)
}

fn now() -> String {
    let mut time = String::new();
    // If the time cannot be formatted, the line is still useful.
    let _ = SystemTime.format_time(&mut Writer::new(&mut time));
    time
}

impl<S, N> FormatEvent<S, N> for JsonEvents
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let message = fields.0.remove("message").unwrap_or_default();
        fields.unfold();
        let mut spans = Vec::new();
        for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            let extensions = span.extensions();
            let fields = extensions.get::<FormattedFields<N>>();
            let fields = fields.and_then(|fields| serde_json::from_str(&fields.fields).ok());
            spans.push(json!({ "name": span.name(), "fields": fields.unwrap_or(Value::Null) }));
        }
        let metadata = event.metadata();
        let line = json!({
            "time": now(),
            "level": metadata.level().as_str(),
            "target": metadata.target(),
            "message": message,
            "fields": fields.0,
            "spans": spans,
        });
        writeln!(writer, "{}", bounded(line))
    }
}

impl<'a> FormatFields<'a> for JsonFields {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'a>, of: R) -> fmt::Result {
        let mut fields = Fields::default();
        of.record(&mut fields);
        write!(writer, "{}", Value::Object(fields.0))
    }

    fn add_fields(&self, to: &'a mut FormattedFields<Self>, more: &Record<'_>) -> fmt::Result {
        let mut fields = Fields(serde_json::from_str(&to.fields).unwrap_or_default());
        more.record(&mut fields);
        to.fields = Value::Object(fields.0).to_string();
        Ok(())
    }
}

impl Fields {
    /// Replaces the field that carries a chaincode's fields by these.
    fn unfold(&mut self) {
        let Some(Value::String(carried)) = self.0.get(CARRIED) else { return };
        if let Ok(carried) = serde_json::from_str::<Map<String, Value>>(carried) {
            self.0.remove(CARRIED);
            self.0.extend(carried);
        }
    }

    fn put(&mut self, field: &Field, value: Value) {
        self.0.insert(field.name().to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        // JSON readers round larger numbers.
        self.put(
            field,
            u64::try_from(value).map_or_else(|_| value.to_string().into(), Value::from),
        );
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }
}

/// Returns the line without its newline, with its texts cut as much as necessary.
fn bounded(mut whole: Value) -> String {
    let mut longest = TEXT_BYTES;
    let mut text = escaped_json(&whole.to_string());
    while text.len() >= LINE_BYTES {
        if longest < SHORTEST_TEXT {
            // With very many fields, keep the message only.
            if let Value::Object(members) = &mut whole {
                members.remove("fields");
                members.remove("spans");
            }
        }
        // Cut the whole texts each time: the line has their lengths.
        let mut line = whole.clone();
        cut(&mut line, longest);
        text = escaped_json(&line.to_string());
        longest /= 2;
    }
    text
}

/// Shortens all texts.
fn cut(value: &mut Value, longest: usize) {
    match value {
        Value::String(text) if text.len() > longest => {
            let bytes = text.len();
            text.truncate(text.floor_char_boundary(longest));
            text.push_str(&format!(" ... (cut, it had {bytes} bytes)"));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| cut(value, longest)),
        Value::Object(members) => {
            members.values_mut().for_each(|value| cut(value, longest));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::is_hidden;

    #[test]
    fn a_line_is_whole_json_whatever_is_in_it() {
        for text in ["x", "\"", "\n", "\u{85}\u{7f}\u{1b}", "\u{202e}", "\u{1f600}"] {
            for count in [1, 3_000, 100_000] {
                let message = text.repeat(count);
                let line = record(Level::WARN, "here", &message);
                assert!(line.len() < LINE_BYTES, "{} of {text:?}", line.len());
                assert!(!line.contains(is_hidden), "{text:?}");
                let read: Value = serde_json::from_str(&line).unwrap();
                let shown = read["message"].as_str().unwrap();
                let end = format!(" ... (cut, it had {} bytes)", message.len());
                assert!(shown == message || shown.ends_with(&end), "{shown}");
            }
        }
    }

    #[test]
    fn the_fields_of_a_chaincode_are_fields_of_the_line() {
        let unfolded = |value: Value| {
            let mut fields = Fields(Map::from_iter([(CARRIED.to_owned(), value)]));
            fields.unfold();
            Value::Object(fields.0)
        };
        assert_eq!(unfolded(json!(r#"{"to":"ann"}"#)), json!({ "to": "ann" }));
        for other in [json!("plain"), json!("[1]"), json!(7)] {
            assert_eq!(unfolded(other.clone()), json!({ "fields": other }));
        }
    }

    #[test]
    fn many_fields_do_not_make_a_line_too_long() {
        let fields: Map<_, _> =
            (0..2_000).map(|number| (format!("field{number}"), Value::from("x"))).collect();
        let line = bounded(json!({ "message": "still here", "fields": fields }));
        assert_eq!(line, r#"{"message":"still here"}"#);
    }
}
