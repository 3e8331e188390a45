//! Limits the size of answers for the page, whatever a channel holds.
//!
//! A long text becomes `{"first": ..., "bytes": N}`, a long list `{"first": [...], "elements": N}`,
//! as in the answers of `wasmcc replay --json`.

use serde_json::{Map, Value, json};

/// Limit on one text, in bytes.
pub(super) const TEXT: usize = 16 << 10;
/// Limit on one list.
const ELEMENTS: usize = 1_000;
/// Limit on all texts of an answer, in bytes; beyond it, each text is cut to [`LITTLE`].
const ALL: usize = 4 << 20;
const LITTLE: usize = 64;

/// Cuts long texts and lists.
pub(super) fn cut(value: Value) -> Value {
    cut_to(value, TEXT)
}

/// As [`cut`], with texts of up to `text` bytes.
pub(super) fn cut_to(value: Value, text: usize) -> Value {
    Cut { text, left: ALL.max(text) }.value(value)
}

struct Cut {
    text: usize,
    left: usize,
}

impl Cut {
    fn value(&mut self, value: Value) -> Value {
        match value {
            Value::String(text) => self.string(text),
            Value::Array(list) => {
                let length = list.len();
                let kept = list.into_iter().take(ELEMENTS).map(|value| self.value(value)).collect();
                match length > ELEMENTS {
                    true => json!({ "first": Value::Array(kept), "elements": length }),
                    false => Value::Array(kept),
                }
            }
            Value::Object(members) => self.object(members),
            other => other,
        }
    }

    fn string(&mut self, text: String) -> Value {
        let allowed = self.text.min(self.left.max(LITTLE));
        self.left = self.left.saturating_sub(text.len().min(allowed));
        if text.len() <= allowed {
            return Value::String(text);
        }
        let (end, length) = (text.floor_char_boundary(allowed), text.len());
        json!({ "first": text.get(..end), "bytes": length })
    }

    fn object(&mut self, members: Map<String, Value>) -> Value {
        if let Some(Value::String(hex)) = members.get("hex").filter(|_| members.len() == 1) {
            let allowed = self.text.min(self.left.max(LITTLE)) & !1;
            self.left = self.left.saturating_sub(hex.len().min(allowed));
            if hex.len() > allowed {
                let first = hex.get(..allowed);
                return json!({ "first": { "hex": first }, "bytes": hex.len() / 2 });
            }
            return Value::Object(members);
        }
        // Names of members may come from a contract's metadata.
        let kept = members.into_iter().take(ELEMENTS).map(|(name, value)| {
            let name = match name.len() > self.text {
                true => name.get(..name.floor_char_boundary(LITTLE)).unwrap_or_default().to_owned(),
                false => name,
            };
            (name, self.value(value))
        });
        Value::Object(kept.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_short_stays_and_what_is_long_is_cut_and_says_so() {
        let short = json!({ "a": ["b", { "hex": "ff00" }, 1, null], "c": true });
        assert_eq!(cut(short.clone()), short);
        let text = "\u{e9}".repeat(TEXT);
        let cut_text = cut(json!(text));
        assert_eq!(cut_text["bytes"], 2 * TEXT);
        assert_eq!(cut_text["first"].as_str().unwrap().len(), TEXT);
        let hex = cut(json!({ "hex": "ab".repeat(TEXT) }));
        assert_eq!(
            (&hex["bytes"], hex["first"]["hex"].as_str().unwrap().len()),
            (&json!(TEXT), TEXT)
        );
        let list = cut(json!(vec![1; ELEMENTS + 1]));
        assert_eq!(list["elements"], ELEMENTS + 1);
        assert_eq!(list["first"].as_array().unwrap().len(), ELEMENTS);
    }

    #[test]
    fn many_long_texts_are_bounded_together() {
        let all = cut(json!(vec!["x".repeat(TEXT); ELEMENTS]));
        assert!(all.to_string().len() < ALL + ELEMENTS * 2 * LITTLE);
    }
}
