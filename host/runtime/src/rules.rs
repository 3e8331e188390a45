//! The rules that Fabric's shim applies before it calls the peer (fabric-chaincode-go
//! `shim/stub.go`). They apply to both back ends, so they come before [`Backend`](crate::Backend).
//!
//! Invariant: pure functions.

use std::fmt::Write;

/// Replaces an empty start key, so that simple ranges do not contain composite keys.
const EMPTY_START: &str = "\u{1}";
/// The bounds of all composite keys.
pub(crate) const ALL_COMPOSITE_KEYS: (&str, &str) = ("\0", EMPTY_START);
/// Sorts after every attribute of a composite key.
const MAX_CHARACTER: char = '\u{10FFFF}';

/// An argument breaks a rule. The texts are for the chaincode.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// A key to write is empty.
    #[error("key must not be an empty string")]
    EmptyKey,
    /// A collection's name is empty.
    #[error("collection must not be an empty string")]
    EmptyCollection,
    /// A bound of a simple range is a composite key.
    #[error("first character of the key [{0}] contains a null character which is not allowed")]
    CompositeBound(String),
    /// A part of a composite key has a character that separates or ends parts.
    #[error(
        "input contains unicode U+{character:04X} starting at position [{at}]. U+0000 and \
         U+10FFFF are not allowed in the input attribute of a composite key"
    )]
    CompositePart {
        /// The character.
        character: u32,
        /// Where it is in the part, in bytes.
        at: usize,
    },
    /// An event's name is empty.
    #[error("event name can not be empty string")]
    EmptyEventName,
    /// A page has more rows than Fabric's messages can ask for.
    #[error("a page size of {0} is over the limit of {max}", max = i32::MAX)]
    PageSize(u32),
    /// A batch of no rows.
    #[error("max must be at least 1")]
    NoRows,
}

/// Checks a key to write.
pub(crate) fn key_to_write(key: &str) -> Result<(), RuleError> {
    if key.is_empty() { Err(RuleError::EmptyKey) } else { Ok(()) }
}

/// Checks a collection's name in a private data call.
pub(crate) fn collection(name: &str) -> Result<(), RuleError> {
    if name.is_empty() { Err(RuleError::EmptyCollection) } else { Ok(()) }
}

/// Returns the bounds of a simple range.
pub(crate) fn range<'a>(start: &'a str, end: &'a str) -> Result<(&'a str, &'a str), RuleError> {
    let start = if start.is_empty() { EMPTY_START } else { start };
    for key in [start, end] {
        if key.starts_with('\0') {
            return Err(RuleError::CompositeBound(key.to_owned()));
        }
    }
    Ok((start, end))
}

/// Returns the bounds of all composite keys that begin with these parts.
pub(crate) fn partial_composite_range(
    object_type: &str,
    attributes: &[String],
) -> Result<(String, String), RuleError> {
    let start = create_composite_key(object_type, attributes)?;
    let end = format!("{start}{MAX_CHARACTER}");
    Ok((start, end))
}

/// Joins an object type and attributes into one key that sorts by its parts.
pub fn create_composite_key(object_type: &str, attributes: &[String]) -> Result<String, RuleError> {
    let mut key = String::from('\0');
    for part in std::iter::once(object_type).chain(attributes.iter().map(String::as_str)) {
        if let Some((at, c)) = part.char_indices().find(|(_, c)| [MAX_CHARACTER, '\0'].contains(c))
        {
            return Err(RuleError::CompositePart { character: c.into(), at });
        }
        key.push_str(part);
        key.push('\0');
    }
    Ok(key)
}

/// Returns the object type and the attributes of a composite key; None for other keys.
pub fn split_composite_key(key: &str) -> Option<(String, Vec<String>)> {
    let mut parts = key.strip_prefix('\0')?.strip_suffix('\0')?.split('\0').map(str::to_owned);
    let object_type = parts.next()?;
    Some((object_type, parts.collect()))
}

/// Checks an event's name.
pub(crate) fn event_name(name: &str) -> Result<(), RuleError> {
    if name.is_empty() { Err(RuleError::EmptyEventName) } else { Ok(()) }
}

/// Returns the name of another chaincode in a call on the wire.
pub(crate) fn chaincode_address(name: &str, channel: &str) -> String {
    let mut address = name.to_owned();
    if !channel.is_empty() {
        let _ = write!(address, "/{channel}");
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(parts: &[&str]) -> Vec<String> {
        parts.iter().map(|p| (*p).to_owned()).collect()
    }

    #[test]
    fn composite_keys_go_there_and_back() {
        for attributes in [&[][..], &["a"], &["", "b"], &["é", ""]] {
            let key = create_composite_key("color~id", &strings(attributes)).unwrap();
            assert_eq!(split_composite_key(&key), Some(("color~id".into(), strings(attributes))));
        }
        assert_eq!(split_composite_key("plain"), None);
    }

    #[test]
    fn composite_parts_may_not_hold_the_separators() {
        let error = create_composite_key("t", &strings(&["a\0b"])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "input contains unicode U+0000 starting at position [1]. U+0000 and U+10FFFF are not \
             allowed in the input attribute of a composite key"
        );
        let error = create_composite_key("\u{10FFFF}", &[]).unwrap_err().to_string();
        assert!(error.contains("U+10FFFF starting"), "{error}");
    }

    #[test]
    fn simple_ranges_leave_composite_keys_out() {
        assert_eq!(range("", ""), Ok(("\u{1}", "")));
        assert_eq!(range("\0a", ""), Err(RuleError::CompositeBound("\0a".to_owned())));
        let error = range("a", "\0b").unwrap_err().to_string();
        assert!(error.contains("null character"), "{error}");
    }
}
