//! Transient data in the form of Fabric's peer command: `{"key":"base64 of the value"}`.

use std::collections::BTreeMap;
use std::str::FromStr;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

/// Data for the chaincode that does not become part of the transaction.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Transient(pub BTreeMap<String, Vec<u8>>);

impl std::fmt::Debug for Transient {
    /// Shows the keys only.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl FromStr for Transient {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // As in Fabric's peer command, an empty text means none.
        if text.is_empty() {
            return Ok(Self::default());
        }
        let usage = r#"expected {"key":"base64 of the value"}"#;
        let json: Option<BTreeMap<String, Option<String>>> =
            serde_json::from_str(text).map_err(|error| format!("{error}; {usage}"))?;
        let json = json.unwrap_or_default();
        // As in Go, null means no bytes, and line breaks in base64 are skipped.
        let read =
            |value: Option<String>| base64(&value.unwrap_or_default().replace(['\r', '\n'], ""));
        let decoded = json.into_iter().map(|(key, value)| match read(value) {
            Some(value) => Ok((key, value)),
            None => Err(format!("the value of \"{key}\" is not base64; {usage}")),
        });
        decoded.collect::<Result<_, _>>().map(Self)
    }
}

/// Transient data as text: `NAME=VALUE`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct TransientText {
    pub name: String,
    pub value: String,
}

impl std::fmt::Debug for TransientText {
    /// Shows the name only.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.name.fmt(f)
    }
}

impl FromStr for TransientText {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                Ok(Self { name: name.to_owned(), value: value.to_owned() })
            }
            _ => Err("expected NAME=VALUE"),
        }
    }
}

/// Standard base64 with padding, as in Go's JSON. As in Go, surplus bits at the end are ignored.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

fn base64(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text).ok()
}

/// Encodes as Go's JSON does.
pub(crate) fn to_base64(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        let vectors =
            [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYmFy", "foobar")];
        for (text, bytes) in vectors {
            assert_eq!(base64(text).unwrap(), bytes.as_bytes());
            assert_eq!(to_base64(bytes.as_bytes()), text);
        }
        assert_eq!(to_base64(&[0xfb, 0xff, 0xbf]), "+/+/");
        assert_eq!(base64("+/+/").unwrap(), [0xfb, 0xff, 0xbf]);
        for text in ["Zg", "Zg=", "Z===", "====", "Zg==Zg==", "Zm9 ", "Zm-_", "é==", "Z=g="] {
            assert_eq!(base64(text), None, "{text}");
        }
    }

    #[test]
    fn a_text_has_a_name_and_may_contain_anything() {
        let text: TransientText = "price=1=2".parse().unwrap();
        assert_eq!((&*text.name, &*text.value), ("price", "1=2"));
        assert_eq!(format!("{text:?}"), r#""price""#);
        for wrong in ["price", "=1", ""] {
            assert_eq!(wrong.parse::<TransientText>(), Err("expected NAME=VALUE"));
        }
    }

    #[test]
    fn values_are_decoded_and_not_shown() {
        let transient: Transient = r#"{"price":"MTEw"}"#.parse().unwrap();
        assert_eq!(transient.0["price"], b"110");
        assert_eq!(format!("{transient:?}"), r#"{"price"}"#);
        let broken: Transient = r#"{"k":"aGVs\nbG8=\r\n","none":null}"#.parse().unwrap();
        assert_eq!((&*broken.0["k"], &*broken.0["none"]), (&b"hello"[..], &b""[..]));
        let error = r#"{"price":"110"}"#.parse::<Transient>().unwrap_err();
        assert!(error.contains("\"price\""), "{error}");
        for none in ["", "null"] {
            assert_eq!(none.parse::<Transient>().unwrap(), Transient::default());
        }
        assert!(r#"["x"]"#.parse::<Transient>().is_err());
    }
}
