//! Reads JSON for serde as serde_json does: with the same values and the same error texts.
//!
//! serde_json would add 18 kB to each component, and 40 kB with fractions: it prints floating point
//! numbers in its errors, and parses the position back out of the error's text. Tests compare
//! values and error texts with serde_json.

mod access;
mod error;
mod text;
mod variant;

use std::marker::PhantomData;

use serde::de::{DeserializeOwned, DeserializeSeed, Error, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};

use access::{Elements, Members};
pub(crate) use error::ReadError;
use text::{Number, Text, Token};
use variant::Variant;

/// Maximum nesting of lists and objects, as in serde_json.
const MAX_DEPTH: u8 = 127;

/// Reads a value that is the whole text.
pub(crate) fn from_slice<T: DeserializeOwned>(json: &[u8]) -> Result<T, ReadError> {
    from_slice_seed(json, PhantomData)
}

/// Reads a value that is the whole text with a seed.
pub(crate) fn from_slice_seed<'de, S: DeserializeSeed<'de>>(
    json: &[u8],
    seed: S,
) -> Result<S::Value, ReadError> {
    let read = match str::from_utf8(json) {
        Ok(text) => {
            let mut reader = Reader { text: Text::new(text), depth: 0 };
            let read = seed.deserialize(&mut reader);
            read.and_then(|value| reader.text.end().map(|()| value))
        }
        Err(error) => Err(ReadError::at(error.valid_up_to(), "invalid unicode code point")),
    };
    read.map_err(|error| error.in_text(json))
}

/// Reads the next value.
struct Reader<'a> {
    text: Text<'a>,
    depth: u8,
}

impl Reader<'_> {
    /// Reads the contents of a list or an object after its opening bracket, and its closing
    /// bracket.
    fn enclosed<T>(
        &mut self,
        end: u8,
        read: impl FnOnce(&mut Self) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        self.enter()?;
        let value = read(self);
        let closed = self.close(end);
        let value = value?;
        closed.map(|()| value)
    }

    #[inline(never)]
    fn enter(&mut self) -> Result<(), ReadError> {
        if self.depth == MAX_DEPTH {
            return self.text.refuse("recursion limit exceeded");
        }
        self.depth += 1;
        Ok(())
    }

    #[inline(never)]
    fn close(&mut self, end: u8) -> Result<(), ReadError> {
        self.depth -= 1;
        let has_ended = self.text.peek() == Some(end);
        match (has_ended, end) {
            (true, _) => {
                self.text.take(end);
                Ok(())
            }
            (false, b']') => {
                self.text.refuse_next("trailing characters", "EOF while parsing a list")
            }
            (false, _) => {
                self.text.refuse_next("trailing characters", "EOF while parsing an object")
            }
        }
    }

    fn has_number(&mut self) -> bool {
        matches!(self.text.peek(), Some(b'-' | b'0'..=b'9'))
    }

    /// Reads an integer of 128 bits, for which there is no other type.
    fn long<T: std::str::FromStr>(&mut self) -> Result<Option<T>, ReadError> {
        if !self.has_number() {
            return Ok(None);
        }
        let number = self.text.number()?;
        match (number.is_integer, number.digits.parse()) {
            (true, Ok(value)) => Ok(Some(value)),
            (true, Err(_)) => self.text.refuse("number out of range"),
            (false, _) => self.text.refuse("invalid number"),
        }
    }
}

fn visit_number<'de, V: Visitor<'de>>(
    number: &Number<'_>,
    visitor: V,
) -> Result<V::Value, ReadError> {
    if number.is_integer {
        if let Ok(value) = number.digits.parse() {
            return visitor.visit_u64(value);
        }
        // Only a number with a fraction can be minus zero.
        if let Some(value) = number.digits.parse().ok().filter(|value| *value != 0) {
            return visitor.visit_i64(value);
        }
    }
    visit_float(number.digits, visitor)
}

#[cfg(feature = "floats")]
fn visit_float<'de, V: Visitor<'de>>(digits: &str, visitor: V) -> Result<V::Value, ReadError> {
    match digits.parse() {
        Ok(value) if f64::is_finite(value) => visitor.visit_f64(value),
        _ => Err(ReadError::custom("number out of range")),
    }
}

/// Refuses such a number: the code that reads it is not linked.
#[cfg(not(feature = "floats"))]
fn visit_float<'de, V: Visitor<'de>>(_digits: &str, visitor: V) -> Result<V::Value, ReadError> {
    visitor.visit_f64(0.0)?;
    Err(ReadError::custom("numbers with fractions need the feature `floats` of wasmcc-sdk"))
}

impl<'de> Deserializer<'de> for &mut Reader<'_> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let read = match self.text.token()? {
            Token::Null => visitor.visit_unit(),
            Token::Boolean(value) => visitor.visit_bool(value),
            Token::Number(number) => visit_number(&number, visitor),
            Token::Text(text) => visitor.visit_str(text),
            Token::List => self.enclosed(b']', |reader| visitor.visit_seq(Elements::of(reader))),
            Token::Object => self.enclosed(b'}', |reader| visitor.visit_map(Members::of(reader))),
        };
        read.map_err(|error| error.or_at(self.text.at()))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.text.peek() {
            Some(b'n') => {
                self.text.token()?;
                visitor.visit_none()
            }
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.text.skip()?;
        visitor.visit_unit()
    }

    /// Reads a 32-bit float directly: rounding to 64 bits first can change the result.
    #[cfg(feature = "floats")]
    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        if !self.has_number() {
            return self.deserialize_any(visitor);
        }
        let read = match self.text.number()?.digits.parse() {
            Ok(value) if f32::is_finite(value) => visitor.visit_f64(value.into()),
            _ => Err(ReadError::custom("number out of range")),
        };
        read.map_err(|error| error.or_at(self.text.at()))
    }

    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.long()? {
            Some(value) => visitor.visit_i128(value),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.long()? {
            Some(value) => visitor.visit_u128(value),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let read = match self.text.peek() {
            Some(b'"') => variant::without_data(self.text.string()?, visitor),
            Some(b'{') => {
                self.text.take(b'{');
                self.enclosed(b'}', |reader| visitor.visit_enum(Variant(reader)))
            }
            _ => self.text.refuse_next("expected value", "EOF while parsing a value"),
        };
        read.map_err(|error| error.or_at(self.text.at()))
    }

    #[cfg(not(feature = "floats"))]
    forward_to_deserialize_any! { f32 }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map struct identifier
    }
}

#[cfg(test)]
mod tests;
