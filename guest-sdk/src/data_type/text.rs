//! Values that are encoded as plain text: strings, numbers, booleans, enums without data.
//!
//! Texts are parsed as in fabric-contract-api-go (internal/types/types.go): an empty text is the
//! zero value, booleans are those of Go's `strconv.ParseBool`, numbers are decimal and finite.

use std::str::FromStr;

use serde::Serialize;
use serde::de::value::Error as VariantError;
use serde::de::{DeserializeOwned, IntoDeserializer};

use crate::data_type::{DataType, begin_of};
use crate::schema::Schema;
use crate::{Error, Result, read_json};

impl DataType for String {
    const SCHEMA: &'static Schema = &Schema::Text { format: "" };

    fn decode(argument: &[u8]) -> Result<Self, String> {
        Ok(utf8(argument)?.to_owned())
    }

    fn encode(&self) -> Result<Vec<u8>> {
        Ok(self.as_bytes().to_vec())
    }
}

impl DataType for bool {
    const SCHEMA: &'static Schema = &Schema::Boolean;

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

/// Integers, each with the type that parses its decimal text. A `usize` has 32 bits, as in a
/// component, in native tests, too.
macro_rules! integers {
    ($($type:ident as $parsed:ident: $format:literal $minimum:expr, $maximum:expr;)*) => {$(
        impl DataType for $type {
            const SCHEMA: &'static Schema =
                &Schema::Integer { format: $format, minimum: $minimum, maximum: $maximum };

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
    i8 as i8: "int8" None, None;
    i16 as i16: "int16" None, None;
    i32 as i32: "int32" None, None;
    i64 as i64: "int64" None, None;
    i128 as i128: "int128" None, None;
    isize as i32: "int32" Some(i32::MIN as i64), Some(i32::MAX as i64);
    u16 as u16: "uint16" Some(0), None;
    u32 as u32: "uint32" Some(0), None;
    u64 as u64: "uint64" Some(0), None;
    u128 as u128: "uint128" Some(0), None;
    usize as u32: "uint32" Some(0), Some(u32::MAX as i64);
}

/// A list of `u8` is bytes.
impl DataType for u8 {
    const SCHEMA: &'static Schema =
        &Schema::Integer { format: "uint8", minimum: Some(0), maximum: None };
    const LIST: &'static Schema = &Schema::Text { format: "byte" };

    fn decode(argument: &[u8]) -> Result<Self, String> {
        integer(argument, "u8")
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

macro_rules! floats {
    ($($type:ident: $format:literal)*) => {$(
        impl DataType for $type {
            const SCHEMA: &'static Schema = &Schema::Number { format: $format };

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
    let json = serde_json::to_vec(variant)?;
    let name: Option<String> = read_json::from_slice(&json).ok();
    Ok(name.map_or(json, String::into_bytes))
}

/// Parses an integer. Like Go, accepts a sign only for signed integers.
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
