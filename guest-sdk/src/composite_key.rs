//! Composite keys: several parts in one key, so that a query can select by the first parts.
//!
//! A composite key is U+0000, the object type, and each attribute; each part ends with U+0000.
//! Rules and error texts are those of fabric-chaincode-go, shim/stub.go.
//!
//! Invariant: `split(create(type, attributes))` returns `type` and `attributes`.

use crate::{Error, Result};

/// Starts a composite key and ends each of its parts.
pub(crate) const SEPARATOR: char = '\0';
/// The greatest character, which ends the range of a partial composite key.
pub(crate) const MAX: char = '\u{10FFFF}';

pub(crate) fn create(object_type: &str, attributes: &[impl AsRef<str>]) -> Result<String> {
    let mut key = String::from(SEPARATOR);
    push(&mut key, object_type)?;
    for attribute in attributes {
        push(&mut key, attribute.as_ref())?;
    }
    Ok(key)
}

fn push(key: &mut String, part: &str) -> Result<()> {
    if let Some((position, found)) =
        part.char_indices().find(|(_, c)| matches!(*c, SEPARATOR | MAX))
    {
        return Err(Error::internal(format!(
            "input contains unicode U+{:04X} starting at position [{position}]. U+0000 and \
             U+10FFFF are not allowed in the input attribute of a composite key",
            u32::from(found)
        )));
    }
    key.push_str(part);
    key.push(SEPARATOR);
    Ok(())
}

pub(crate) fn split(key: &str) -> Result<(String, Vec<String>)> {
    // Go's shim drops the first byte unchecked, and panics on a key without separators.
    let not_composite = || Error::internal(format!("[{key}] is not a composite key"));
    let parts = key.strip_prefix(SEPARATOR).ok_or_else(not_composite)?;
    let mut parts = parts.strip_suffix(SEPARATOR).ok_or_else(not_composite)?.split(SEPARATOR);
    let object_type = parts.next().ok_or_else(not_composite)?.to_owned();
    Ok((object_type, parts.map(str::to_owned).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_splits_into_what_it_was_made_of() {
        let key = create("color~id", &["blue", "", "ä"]).unwrap();
        assert_eq!(key, "\0color~id\0blue\0\0ä\0");
        let parts = vec!["blue".to_owned(), String::new(), "ä".to_owned()];
        assert_eq!(split(&key).unwrap(), ("color~id".to_owned(), parts));
        assert_eq!(create("", &[] as &[&str]).unwrap(), "\0\0");
        assert_eq!(split("\0\0").unwrap(), (String::new(), vec![]));
    }

    #[test]
    fn a_part_with_a_reserved_character_is_refused() {
        let refused = create("t", &["a\u{10FFFF}"]).unwrap_err();
        assert_eq!(
            refused.message(),
            "input contains unicode U+10FFFF starting at position [1]. U+0000 and U+10FFFF are not \
             allowed in the input attribute of a composite key"
        );
        assert!(
            create("ä\0", &["a"])
                .unwrap_err()
                .message()
                .contains("U+0000 starting at position [2]")
        );
    }

    #[test]
    fn a_simple_key_does_not_split() {
        for key in ["", "asset1", "\0", "\0a", "a\0"] {
            assert!(split(key).is_err(), "{key:?}");
        }
    }
}
