//! `fabric:chaincode/log`.

use serde_json::{Map, Value};

use crate::bindings::fabric::chaincode::log::{Field, Host, Level};
use crate::cost;
use crate::output::one_line;
use crate::tx_state::TxState;
use wasmcc_types::CHAINCODE_LOG;

/// Size of a field in addition to its name and value: two pointers with lengths.
const FIELD_BYTES: usize = 16;

impl Host for TxState {
    fn log(&mut self, level: Level, message: String, fields: Vec<Field>) -> wasmtime::Result<()> {
        self.log_line(level, &message, &fields)
    }
}

impl TxState {
    /// Writes a line. The fields become one field of the host's log, a JSON object, because the
    /// host's log has fixed field names.
    pub(crate) fn log_line(
        &mut self,
        level: Level,
        message: &str,
        fields: &[Field],
    ) -> wasmtime::Result<()> {
        /// Writes at a level, with or without fields.
        macro_rules! write_line {
            ($write:ident, $fields:expr, $message:expr) => {
                match $fields {
                    Some(fields) => {
                        tracing::$write!(target: CHAINCODE_LOG, %fields, "{}", $message);
                    }
                    None => tracing::$write!(target: CHAINCODE_LOG, "{}", $message),
                }
            };
        }
        self.charge(cost::LOG_LINE);
        let field_bytes = |field: &Field| field.name.len() + field.value.len() + FIELD_BYTES;
        self.count_call(message.len() + fields.iter().map(field_bytes).sum::<usize>())?;
        if !self.take_log_line() {
            return Ok(());
        }
        let limit = self.limits().log_line_bytes;
        let message = shorten(message, limit);
        let fields = as_json(fields, limit - message.len());
        let message = one_line(message);
        self.in_span(|| match level {
            Level::Trace => write_line!(trace, fields, message),
            Level::Debug => write_line!(debug, fields, message),
            Level::Info => write_line!(info, fields, message),
            Level::Warn => write_line!(warn, fields, message),
            Level::Error => write_line!(error, fields, message),
        });
        Ok(())
    }
}

/// Returns the fields as a JSON object, as far as their names and values fit into `room`; None
/// without fields.
fn as_json(fields: &[Field], mut room: usize) -> Option<String> {
    let mut object = Map::new();
    for Field { name, value } in fields {
        let Some(left) = room.checked_sub(name.len()) else { break };
        let value = shorten(value, left);
        room = left - value.len();
        object.insert(one_line(name).into_owned(), one_line(value).into());
    }
    (!object.is_empty()).then(|| Value::Object(object).to_string())
}

/// Returns the beginning of a line, at most `limit` bytes.
fn shorten(line: &str, limit: usize) -> &str {
    &line[..line.floor_char_boundary(limit)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_between_characters() {
        assert_eq!(shorten("short", 5), "short");
        assert_eq!(shorten("longer", 5), "longe");
        assert_eq!(shorten("\u{fc}\u{fc}\u{fc}", 5), "\u{fc}\u{fc}");
    }

    #[test]
    fn fields_are_one_json_object_as_far_as_there_is_room() {
        let field = |name: &str, value: &str| Field { name: name.into(), value: value.into() };
        assert_eq!(as_json(&[], 100), None);
        let fields = [field("to", "a\"\n"), field("amount", "12345")];
        let whole = r#"{"amount":"12345","to":"a\"\\n"}"#;
        assert_eq!(as_json(&fields, 100).as_deref(), Some(whole));
        let cut = r#"{"amount":"123","to":"a\"\\n"}"#;
        assert_eq!(as_json(&fields, 14).as_deref(), Some(cut));
        assert_eq!(as_json(&fields, 10).as_deref(), Some(r#"{"to":"a\"\\n"}"#));
        assert_eq!(as_json(&fields, 1), None);
    }
}
