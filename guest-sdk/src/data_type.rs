//! How values travel as arguments and results: the conventions of Fabric's contract API.
//!
//! Text as it is, numbers and booleans as text, bytes as they are, everything else as JSON; no
//! value is an empty payload.
//!
//! Invariant: the same value always becomes the same bytes. Maps without an order are left out for
//! that reason.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::json;

use crate::Error;
use crate::Result;
use crate::metadata::Schemas;

/// A type that a transaction can have as parameter or result.
///
/// For your own structs and enums without data use `#[derive(DataType)]` beside serde's derives:
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use wasmcc_sdk::DataType;
///
/// #[derive(DataType, Serialize, Deserialize)]
/// #[serde(rename_all = "PascalCase")]
/// struct Asset {
///     #[serde(rename = "ID")]
///     id: String,
///     appraised_value: u64,
/// }
///
/// let asset = Asset::decode(br#"{"ID":"a1","AppraisedValue":300}"#).unwrap();
/// assert_eq!(asset.encode().unwrap(), br#"{"ID":"a1","AppraisedValue":300}"#);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter or a result of a transaction",
    note = "derive `DataType`, `Serialize` and `Deserialize` for your own types",
    note = "a `HashMap` has no fixed order, and endorsers must agree: use a `BTreeMap`"
)]
pub trait DataType: Serialize + DeserializeOwned {
    /// A field of this type may be left out of its struct.
    const OPTIONAL: bool = false;

    /// JSON schema (draft 07) of the type; `null` if there is nothing to describe.
    fn schema(schemas: &mut Schemas) -> Value;

    /// Reads an argument.
    ///
    /// # Errors
    /// What is wrong with it, in words that fit behind the name of the parameter.
    fn decode(argument: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(argument).map_err(|error| error.to_string())
    }

    /// Writes a result.
    ///
    /// # Errors
    /// A value that has no JSON.
    fn encode(&self) -> Result<Vec<u8>> {
        Ok(serde_json::to_vec(self)?)
    }

    /// Reads a list of this type. Differs for bytes only.
    #[doc(hidden)]
    fn decode_list(argument: &[u8]) -> Result<Vec<Self>, String> {
        serde_json::from_slice(argument).map_err(|error| error.to_string())
    }

    /// Writes a list of this type. Differs for bytes only.
    #[doc(hidden)]
    fn encode_list(list: &[Self]) -> Result<Vec<u8>> {
        Ok(serde_json::to_vec(list)?)
    }
}

impl DataType for String {
    fn schema(_: &mut Schemas) -> Value {
        json!({ "type": "string" })
    }

    fn decode(argument: &[u8]) -> Result<Self, String> {
        String::from_utf8(argument.to_vec()).map_err(|_| "not UTF-8".to_owned())
    }

    fn encode(&self) -> Result<Vec<u8>> {
        Ok(self.as_bytes().to_vec())
    }
}

/// Types whose text is their `Display` and `FromStr`.
macro_rules! textual {
    ($($type:ident: $schema:tt)*) => {$(
        impl DataType for $type {
            fn schema(_: &mut Schemas) -> Value {
                json!($schema)
            }

            fn decode(argument: &[u8]) -> Result<Self, String> {
                parse(argument, stringify!($type))
            }

            fn encode(&self) -> Result<Vec<u8>> {
                Ok(self.to_string().into_bytes())
            }
        }
    )*};
}

textual! {
    bool: { "type": "boolean" }
    i8: { "type": "integer", "format": "int8" }
    i16: { "type": "integer", "format": "int16" }
    i32: { "type": "integer", "format": "int32" }
    i64: { "type": "integer", "format": "int64" }
    u16: { "type": "integer", "format": "uint16", "minimum": 0 }
    u32: { "type": "integer", "format": "uint32", "minimum": 0 }
    u64: { "type": "integer", "format": "uint64", "minimum": 0 }
    f32: { "type": "number", "format": "float" }
    f64: { "type": "number", "format": "double" }
}

impl DataType for u8 {
    fn schema(_: &mut Schemas) -> Value {
        json!({ "type": "integer", "format": "uint8", "minimum": 0 })
    }

    fn decode(argument: &[u8]) -> Result<Self, String> {
        parse(argument, "u8")
    }

    fn encode(&self) -> Result<Vec<u8>> {
        Ok(self.to_string().into_bytes())
    }

    fn decode_list(argument: &[u8]) -> Result<Vec<Self>, String> {
        Ok(argument.to_vec())
    }

    fn encode_list(list: &[Self]) -> Result<Vec<u8>> {
        Ok(list.to_vec())
    }
}

impl<T: DataType> DataType for Vec<T> {
    fn schema(schemas: &mut Schemas) -> Value {
        json!({ "type": "array", "items": T::schema(schemas) })
    }

    fn decode(argument: &[u8]) -> Result<Self, String> {
        T::decode_list(argument)
    }

    fn encode(&self) -> Result<Vec<u8>> {
        T::encode_list(self)
    }
}

/// Nothing is an empty payload; as an argument, so is `null`.
impl<T: DataType> DataType for Option<T> {
    const OPTIONAL: bool = true;

    fn schema(schemas: &mut Schemas) -> Value {
        T::schema(schemas)
    }

    fn decode(argument: &[u8]) -> Result<Self, String> {
        match argument {
            b"" | b"null" => Ok(None),
            _ => T::decode(argument).map(Some),
        }
    }

    fn encode(&self) -> Result<Vec<u8>> {
        self.as_ref().map_or(Ok(Vec::new()), T::encode)
    }
}

impl<T: DataType> DataType for BTreeMap<String, T> {
    fn schema(schemas: &mut Schemas) -> Value {
        json!({ "type": "object", "additionalProperties": T::schema(schemas) })
    }
}

/// Any JSON.
impl DataType for Value {
    fn schema(_: &mut Schemas) -> Value {
        json!({})
    }
}

/// No result.
impl DataType for () {
    fn schema(_: &mut Schemas) -> Value {
        Value::Null
    }

    fn encode(&self) -> Result<Vec<u8>> {
        Ok(Vec::new())
    }
}

fn parse<T: std::str::FromStr>(argument: &[u8], type_name: &str) -> Result<T, String> {
    str::from_utf8(argument).ok().and_then(|text| text.parse().ok()).ok_or_else(|| {
        // An argument can be megabytes; its beginning says enough.
        let start: String = String::from_utf8_lossy(argument).chars().take(32).collect();
        format!("{start:?} is not a {type_name}")
    })
}

/// What a transaction function returns: a [`Result`] of a [`DataType`] and an error that becomes an
/// [`Error`].
#[diagnostic::on_unimplemented(
    message = "a transaction returns a `Result<T>`, where `T` is a `DataType`",
    label = "this is `{Self}`"
)]
pub trait Outcome {
    /// What it is on success.
    type Value: DataType;

    /// The payload of the response.
    ///
    /// # Errors
    /// The transaction's own, or a value that has no JSON.
    fn into_payload(self) -> Result<Vec<u8>>;
}

impl<T: DataType, E: Into<Error>> Outcome for Result<T, E> {
    type Value = T;

    fn into_payload(self) -> Result<Vec<u8>> {
        self.map_err(Into::into)?.encode()
    }
}

/// What [`args!`](crate::args) takes: a [`DataType`], text, or bytes.
pub trait ToArgument {
    /// The bytes of the argument.
    ///
    /// # Panics
    /// A value of the author's own type that has no JSON, such as a map with keys that are no text.
    fn to_argument(&self) -> Vec<u8>;
}

impl<T: DataType> ToArgument for T {
    fn to_argument(&self) -> Vec<u8> {
        self.encode().expect("a DataType has JSON")
    }
}

impl ToArgument for str {
    fn to_argument(&self) -> Vec<u8> {
        self.as_bytes().to_vec()
    }
}

impl ToArgument for [u8] {
    fn to_argument(&self) -> Vec<u8> {
        self.to_vec()
    }
}

/// Arguments as a `Vec<Vec<u8>>`, each as the contract API writes it.
///
/// ```
/// use wasmcc_sdk::args;
/// assert_eq!(args!["asset1", 5u32, true], [b"asset1".to_vec(), b"5".to_vec(), b"true".to_vec()]);
/// assert!(args![].is_empty());
/// ```
#[macro_export]
macro_rules! args {
    ($($argument:expr),* $(,)?) => {{
        #[allow(unused_imports, reason = "there may be no argument")]
        use $crate::ToArgument as _;
        let arguments: Vec<Vec<u8>> = vec![$(($argument).to_argument()),*];
        arguments
    }};
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip<T: DataType + PartialEq + std::fmt::Debug>(value: T, argument: &[u8]) {
        assert_eq!(value.encode().unwrap(), argument);
        assert_eq!(T::decode(argument).unwrap(), value);
    }

    #[test]
    fn values_travel_as_in_the_contract_api() {
        round_trip("a \"quoted\" text".to_owned(), b"a \"quoted\" text");
        round_trip(-5i64, b"-5");
        round_trip(true, b"true");
        round_trip(1.5f64, b"1.5");
        round_trip(1.0f64, b"1");
        round_trip(vec![0u8, 255], &[0, 255]);
        round_trip(vec!["a".to_owned()], br#"["a"]"#);
        round_trip(vec![vec![1u8]], b"[[1]]");
        round_trip(Some(7u32), b"7");
        round_trip(None::<u32>, b"");
        round_trip(
            BTreeMap::from([("b".to_owned(), 2u8), ("a".to_owned(), 1)]),
            br#"{"a":1,"b":2}"#,
        );
        assert_eq!(().encode().unwrap(), b"");
        assert_eq!(Option::<u32>::decode(b"null").unwrap(), None);
    }

    #[test]
    fn a_wrong_argument_is_named_by_its_type_and_cut_short() {
        assert_eq!(u32::decode(b"five").unwrap_err(), "\"five\" is not a u32");
        assert_eq!(u8::decode(b"256").unwrap_err(), "\"256\" is not a u8");
        assert_eq!(bool::decode(b"\xff").unwrap_err(), "\"\u{fffd}\" is not a bool");
        assert_eq!(i64::decode(&[b'9'; 1 << 20]).unwrap_err().len(), 34 + " is not a i64".len());
        assert_eq!(String::decode(b"\xff").unwrap_err(), "not UTF-8");
        assert!(Vec::<u32>::decode(b"[1,").is_err());
    }

    #[test]
    fn args_take_text_bytes_and_values() {
        let owned = "owned".to_owned();
        let by_reference = &owned;
        let args = args![owned, by_reference, b"raw", vec![1u8], 5u32, vec![1u32]];
        let expected: [&[u8]; 6] = [b"owned", b"owned", b"raw", &[1], b"5", b"[1]"];
        assert_eq!(args, expected);
    }
}
