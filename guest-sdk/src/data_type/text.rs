//! Values that are encoded as plain text: strings, numbers, booleans, enums without data.
//!
//! Texts are parsed as in fabric-contract-api-go (internal/types/types.go): an empty text is the
//! zero value, booleans are those of Go's `strconv.ParseBool`, numbers are decimal and finite.

use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde::de::IntoDeserializer;
use serde::de::value::Error as VariantError;
use serde_json::Value;
use serde_json::json;

use crate::Error;
use crate::Result;
use crate::data_type::DataType;
use crate::data_type::begin_of;
use crate::schemas::Schemas;

impl DataType for String {
    fn schema(_: &mut Schemas) -> Value {
        json!({ "type": "string" })
    }

    fn decode(argument: &[u8]) -> Result<Self, String> {
        Ok(utf8(argument)?.to_owned())
    }

    fn encode(&self) -> Result<Vec<u8>> {
        Ok(self.as_bytes().to_vec())
    }
}

impl DataType for bool {
    fn schema(_: &mut Schemas) -> Value {
        json!({ "type": "boolean" })
    }

    fn decode(argument: &[u8]) -> Result<Self, String> {
        match argument {
            b"1" | b"t" | b"T" | b"true" | b"TRUE" | b"True" => Ok(true),
            b"0" | b"f" | b"F" | b"false" | b"FALSE" | b"False" | b"" => Ok(false),
            _ => Err(not_a("bool", argument)),
        }
    }

    fn encode(&self) -> Result<Vec<u8>> {
        Ok(self.to_string().into_bytes())
    }
}

/// Integers, each with the type that its decimal text is parsed as. A `usize` has 32 bits in a
/// component, and so it has in native tests.
macro_rules! integers {
    ($($type:ident as $parsed:ident: $schema:tt)*) => {$(
        impl DataType for $type {
            fn schema(_: &mut Schemas) -> Value {
                json!($schema)
            }

            fn decode(argument: &[u8]) -> Result<Self, String> {
                integer::<$parsed>(argument, stringify!($type)).map(|number| number as $type)
            }

            fn encode(&self) -> Result<Vec<u8>> {
                Ok(self.to_string().into_bytes())
            }
        }
    )*};
}

integers! {
    i8 as i8: { "type": "integer", "format": "int8" }
    i16 as i16: { "type": "integer", "format": "int16" }
    i32 as i32: { "type": "integer", "format": "int32" }
    i64 as i64: { "type": "integer", "format": "int64" }
    i128 as i128: { "type": "integer", "format": "int128" }
    isize as i32: {
        "type": "integer", "format": "int32", "minimum": (i32::MIN), "maximum": (i32::MAX)
    }
    u16 as u16: { "type": "integer", "format": "uint16", "minimum": 0 }
    u32 as u32: { "type": "integer", "format": "uint32", "minimum": 0 }
    u64 as u64: { "type": "integer", "format": "uint64", "minimum": 0 }
    u128 as u128: { "type": "integer", "format": "uint128", "minimum": 0 }
    usize as u32: { "type": "integer", "format": "uint32", "minimum": 0, "maximum": (u32::MAX) }
}

/// A list of `u8` is bytes.
impl DataType for u8 {
    fn schema(_: &mut Schemas) -> Value {
        json!({ "type": "integer", "format": "uint8", "minimum": 0 })
    }

    fn decode(argument: &[u8]) -> Result<Self, String> {
        integer(argument, "u8")
    }

    fn encode(&self) -> Result<Vec<u8>> {
        Ok(self.to_string().into_bytes())
    }

    fn list_schema(_: &mut Schemas) -> Value {
        json!({ "type": "string", "format": "byte" })
    }

    fn decode_list(argument: &[u8]) -> Result<Vec<Self>, String> {
        Ok(argument.to_vec())
    }

    fn encode_list(list: &[Self]) -> Result<Vec<u8>> {
        Ok(list.to_vec())
    }
}

macro_rules! floats {
    ($($type:ident: $format:literal)*) => {$(
        impl DataType for $type {
            fn schema(_: &mut Schemas) -> Value {
                json!({ "type": "number", "format": $format })
            }

            fn decode(argument: &[u8]) -> Result<Self, String> {
                if argument.is_empty() {
                    return Ok(0.0);
                }
                let number = str::from_utf8(argument).ok().and_then(|text| text.parse().ok());
                number
                    .filter(|number: &Self| number.is_finite())
                    .ok_or_else(|| not_a(stringify!($type), argument))
            }

            fn encode(&self) -> Result<Vec<u8>> {
                match self.is_finite() {
                    true => Ok(self.to_string().into_bytes()),
                    false => Err(Error::internal(format!("{self} is not a finite number"))),
                }
            }
        }
    )*};
}

floats! {
    f32: "float"
    f64: "double"
}

/// Decodes an enum without data from the name of its variant.
pub fn decode_variant<T: DeserializeOwned>(argument: &[u8]) -> Result<T, String> {
    let name: &str = utf8(argument)?;
    T::deserialize(IntoDeserializer::<VariantError>::into_deserializer(name))
        .map_err(|error| error.to_string())
}

/// Encodes an enum without data as the name of its variant.
pub fn encode_variant<T: Serialize>(variant: &T) -> Result<Vec<u8>> {
    Ok(match serde_json::to_value(variant)? {
        Value::String(name) => name.into_bytes(),
        other => other.to_string().into_bytes(),
    })
}

/// Go accepts a sign only for signed integers.
fn integer<T: FromStr + Default>(argument: &[u8], name: &str) -> Result<T, String> {
    if argument.is_empty() {
        return Ok(T::default());
    }
    let unsigned = name.starts_with('u');
    let text = str::from_utf8(argument).ok().filter(|text| !(unsigned && text.starts_with('+')));
    text.and_then(|text| text.parse().ok()).ok_or_else(|| not_a(name, argument))
}

fn utf8(argument: &[u8]) -> Result<&str, String> {
    str::from_utf8(argument).map_err(|_| "not UTF-8".to_owned())
}

fn not_a(type_name: &str, argument: &[u8]) -> String {
    format!("{:?} is not a {type_name}", begin_of(&String::from_utf8_lossy(argument), 32))
}
