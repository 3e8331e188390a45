//! Reads JSON with serde_json, but without its error texts.
//!
//! serde_json and serde print the number in texts such as "invalid type: floating point `1.5`". The
//! code for that is a fifth of a component, in each one, whether it has such numbers or not. Here
//! the texts are the same, without that number.
//!
//! serde_json makes such a text itself when it is asked for a type, and serde does where a visitor
//! does not take a value. So everything is read with `deserialize_any`, by visitors that take all.

mod access;
mod variant;

use std::fmt;

use serde::Deserializer;
use serde::de::DeserializeOwned;
use serde::de::Error;
use serde::de::Expected;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Unexpected;
use serde::de::Visitor;
use serde::forward_to_deserialize_any;

use access::Parts;
use variant::OfEnum;

const NO_FLOATS: &str = "numbers with fractions need the feature `floats` of wasmcc-sdk";

/// Reads a value that is the whole text.
pub(crate) fn from_slice<T: DeserializeOwned>(json: &[u8]) -> Result<T, ReadError> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = T::deserialize(Reader::<_, false>(&mut deserializer))?;
    deserializer.end().map_err(ReadError::of)?;
    Ok(value)
}

/// Why JSON is not what is expected, and where.
#[derive(Debug)]
pub(crate) struct ReadError(String);

impl ReadError {
    // Inlined at each value that is read, these two would be 4 kB of a component.
    #[inline(never)]
    fn of(error: impl fmt::Display) -> Self {
        Self(error.to_string())
    }

    /// As the error of the deserializer inside, which adds the place if there is none yet.
    #[inline(never)]
    fn raise<E: Error>(self) -> E {
        E::custom(self.0)
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ReadError {}

impl Error for ReadError {
    fn custom<T: fmt::Display>(words: T) -> Self {
        Self(words.to_string())
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self(format!("invalid type: {}, expected {expected}", Named(unexpected)))
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self(format!("invalid value: {}, expected {expected}", Named(unexpected)))
    }
}

/// In serde_json's words.
struct Named<'a>(Unexpected<'a>);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Unexpected::Bool(value) => return write!(f, "boolean `{value}`"),
            Unexpected::Unsigned(value) => return write!(f, "integer `{value}`"),
            Unexpected::Signed(value) => return write!(f, "integer `{value}`"),
            Unexpected::Char(value) => return write!(f, "character `{value}`"),
            Unexpected::Str(value) => return write!(f, "string {value:?}"),
            Unexpected::Other(words) => words,
            Unexpected::Float(_) => "floating point number",
            Unexpected::Bytes(_) => "byte array",
            Unexpected::Unit => "null",
            Unexpected::Option => "Option value",
            Unexpected::NewtypeStruct => "newtype struct",
            Unexpected::Seq => "sequence",
            Unexpected::Map => "map",
            Unexpected::Enum => "enum",
            Unexpected::UnitVariant => "unit variant",
            Unexpected::NewtypeVariant => "newtype variant",
            Unexpected::TupleVariant => "tuple variant",
            Unexpected::StructVariant => "struct variant",
        })
    }
}

/// Wraps a deserializer of serde_json. `KEY` is true for the key of a map, where text may stand for
/// a number.
struct Reader<D, const KEY: bool>(D);

macro_rules! any_but_a_key {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
            match KEY {
                true => self.0.$method(All(visitor)).map_err(ReadError::of),
                false => self.deserialize_any(visitor),
            }
        }
    )*};
}

/// What serde_json reads in a way of its own.
macro_rules! same {
    ($($method:ident($($argument:ident: $type:ty),*))*) => {$(
        fn $method<V: Visitor<'de>>(
            self,
            $($argument: $type,)*
            visitor: V,
        ) -> Result<V::Value, ReadError> {
            self.0.$method($($argument,)* All(visitor)).map_err(ReadError::of)
        }
    )*};
}

impl<'de, D: Deserializer<'de>, const KEY: bool> Deserializer<'de> for Reader<D, KEY> {
    type Error = ReadError;

    same! {
        deserialize_any() deserialize_option() deserialize_ignored_any()
        deserialize_bytes() deserialize_byte_buf() deserialize_i128() deserialize_u128()
        deserialize_newtype_struct(name: &'static str)
    }

    any_but_a_key! {
        deserialize_bool deserialize_f32 deserialize_f64
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    forward_to_deserialize_any! {
        char str string identifier unit unit_struct seq tuple tuple_struct map struct
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.0.deserialize_any(All(OfEnum(visitor))).map_err(ReadError::of)
    }
}

/// A visitor that takes all values, so that serde needs no text about one that is not taken.
struct All<V>(V);

macro_rules! all {
    ($($method:ident($type:ty))*) => {$(
        fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.0.$method(value).map_err(ReadError::raise)
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for All<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    all! {
        visit_bool(bool) visit_char(char)
        visit_i8(i8) visit_i16(i16) visit_i32(i32) visit_i64(i64) visit_i128(i128)
        visit_u8(u8) visit_u16(u16) visit_u32(u32) visit_u64(u64) visit_u128(u128)
        visit_str(&str) visit_borrowed_str(&'de str) visit_string(String)
        visit_bytes(&[u8]) visit_borrowed_bytes(&'de [u8]) visit_byte_buf(Vec<u8>)
    }

    /// Without the feature, serde_json may return the number beside the one that is written.
    fn visit_f64<E: Error>(self, value: f64) -> Result<V::Value, E> {
        let read = self.0.visit_f64(value).map_err(ReadError::raise)?;
        match cfg!(feature = "floats") {
            true => Ok(read),
            false => Err(E::custom(NO_FLOATS)),
        }
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_none().map_err(ReadError::raise)
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_unit().map_err(ReadError::raise)
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.0.visit_some(Reader::<_, false>(inner)).map_err(ReadError::raise)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.0.visit_newtype_struct(Reader::<_, false>(inner)).map_err(ReadError::raise)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<V::Value, A::Error> {
        self.0.visit_seq(Parts(elements)).map_err(ReadError::raise)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(Parts(members)).map_err(ReadError::raise)
    }
}

#[cfg(test)]
mod tests;
