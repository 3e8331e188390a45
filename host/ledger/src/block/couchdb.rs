//! Rejects keys and values that CouchDB, and so a Fabric peer with CouchDB, does not accept.
//! Fabric: `statecouchdb/couchdoc_conv.go`, `validateKey` and `validateValue`.
//!
//! A simulation applies these rules at each call that reads or writes a key, public or private
//! (`readFromDB`). The validator applies them to the public writes of a transaction, because its
//! endorsers may have had other rules. Hashes and metadata writes are not checked.
//!
//! Fabric's third rule, that a key is UTF-8, needs no check: as in Go, the protobuf decoder refuses
//! a message with another key.
//!
//! Does not decide whether a ledger has these rules: `LedgerConfig::rich_queries` does.

use crate::error::no_document::NoDocument;
use crate::json::{Sink, is_blank, scan, unquote};

/// The field in which CouchDB keeps Fabric's version of a document.
const VERSION_FIELD: &str = "~version";
/// First character of CouchDB's own documents and fields.
const OWN: u8 = b'_';

/// Checks a key.
pub(crate) fn check_key(key: &str) -> Result<(), NoDocument> {
    match key.as_bytes().first() {
        None => Err(NoDocument::EmptyKey),
        Some(&OWN) => Err(NoDocument::ReservedKey { key: key.to_owned() }),
        Some(_) => Ok(()),
    }
}

/// Checks a value. A value that is not a JSON object becomes an attachment, which may contain
/// anything.
pub(crate) fn check_value(value: &[u8]) -> Result<(), NoDocument> {
    let first = value.iter().find(|byte| !b" \t\r\n".contains(byte));
    if first != Some(&b'{') {
        return Ok(());
    }
    let mut names = Names::default();
    match scan(value, &mut names) {
        Ok(rest) if is_blank(rest) => match names.reserved {
            Some(field) => Err(NoDocument::ReservedField { field }),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

/// Visitor that looks for a reserved name among the members of the outermost object.
#[derive(Default)]
struct Names {
    depth: usize,
    reserved: Option<String>,
}

impl Sink for Names {
    fn name(&mut self, raw: &[u8]) {
        if self.depth > 1 || self.reserved.is_some() {
            return;
        }
        let mut name = String::new();
        unquote(raw, &mut name);
        if name == VERSION_FIELD || name.as_bytes().first() == Some(&OWN) {
            self.reserved = Some(name);
        }
    }

    fn begin(&mut self, _: bool) {
        self.depth += 1;
    }

    fn end(&mut self) {
        self.depth -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_couchdb_does_not_take() {
        for (key, text) in [
            ("", "invalid key. Empty string is not supported as a key by couchdb"),
            ("_", "invalid key [_], cannot begin with \"_\""),
            ("_a\"b", "invalid key [_a\"b], cannot begin with \"_\""),
            ("_design/x", "invalid key [_design/x], cannot begin with \"_\""),
        ] {
            assert_eq!(check_key(key).unwrap_err().to_string(), text);
        }
        for key in ["a", "a_", " _a", "~version", "\0type\0_a\0", "\u{ff3f}", "{\"_id\":1}"] {
            assert_eq!(check_key(key), Ok(()), "{key}");
        }
    }

    #[test]
    fn values_that_couchdb_does_not_take() {
        for (value, field) in [
            (&br#"{"_id":"k"}"#[..], "_id"),
            (br#"{"_rev":1}"#, "_rev"),
            (br#"{"_":null}"#, "_"),
            (br#"{"~version":{}}"#, "~version"),
            (br#"{"a":1,"_deleted":false}"#, "_deleted"),
            (b" \t\r\n{ \"_test\" : [ 1 ] } \n", "_test"),
            // With several reserved fields, the first is reported.
            (br#"{"_b":1,"_a":1,"~version":1}"#, "_b"),
            (br#"{"_a":1,"_a":2}"#, "_a"),
            // Escapes are decoded before the name is compared.
            (br#"{"\u005fid":1}"#, "_id"),
            (br#"{"\u007eversion":1}"#, "~version"),
            (br#"{"_\"\\\n":1}"#, "_\"\\\n"),
            // Go's parser accepts this; stricter ones do not.
            (b"{\"_a\xff\":1}", "_a\u{fffd}"),
            (b"{\"_a\xe2\x82\":1}", "_a\u{fffd}\u{fffd}"),
            (b"{\"a\":\"\xff\",\"_a\":1}", "_a"),
            (br#"{"a":"\ud800","\udc00":1,"_a":1}"#, "_a"),
            (br#"{"_a":1e-999,"b":123456789012345678901234567890}"#, "_a"),
        ] {
            let text = format!("field [{field}] is not valid for the CouchDB state database");
            let checked = check_value(value).map_err(|error| error.to_string());
            assert_eq!(checked, Err(text), "{}", String::from_utf8_lossy(value));
        }
    }

    #[test]
    fn values_that_couchdb_takes() {
        for value in [
            &b""[..],
            b"_id",
            b"\"_id\"",
            b"null",
            b"7",
            br#"["_id"]"#,
            br#"[{"_id":1}]"#,
            br#"{}"#,
            br#"{"a":{"_id":1,"~version":2}}"#,
            br#"{"a_":1,"~Version":1,"~versions":1,"version":1,"":1}"#,
            br#"{"data._id":1}"#,
            br#"{"\\u005fid":1}"#,
            // Looks like JSON, but is not.
            br#"{"_id":1"#,
            br#"{"_id":1}}"#,
            br#"{"_id":1,}"#,
            br#"{"_id":01}"#,
            br#"{_id:1}"#,
            b"{\"_id\":\"\n\"}",
            b"\xef\xbb\xbf{\"_id\":1}",
            b"\x0c{\"_id\":1}",
            b"\xff{\"_id\":1}",
            b"{\"_id\":1\xff}",
            // Go's parser refuses such a number.
            br#"{"_id":1e309}"#,
            br#"{"_id":1,"a":[{"b":-1E+999}]}"#,
        ] {
            assert_eq!(check_value(value), Ok(()), "{}", String::from_utf8_lossy(value));
        }
    }

    #[test]
    fn gos_parser_goes_ten_thousand_deep() {
        let deep = |levels: usize| {
            let (open, close) = ("[".repeat(levels), "]".repeat(levels));
            format!(r#"{{"a":"[[[\"{{","_b":{open}{close},"c":{open}{close}}}"#)
        };
        // The object is the first level.
        assert!(check_value(deep(9_999).as_bytes()).is_err());
        assert_eq!(check_value(deep(10_000).as_bytes()), Ok(()));
        assert_eq!(check_value(deep(1_000_000).as_bytes()), Ok(()));
    }
}
