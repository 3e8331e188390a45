//! The elements of a list and the members of an object.

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};

use super::{ReadError, Reader};

/// The elements of a list, after its bracket.
pub(super) struct Elements<'r, 'a> {
    reader: &'r mut Reader<'a>,
    is_first: bool,
}

impl<'r, 'a> Elements<'r, 'a> {
    pub(super) fn of(reader: &'r mut Reader<'a>) -> Self {
        Self { reader, is_first: true }
    }
}

impl<'de> SeqAccess<'de> for Elements<'_, '_> {
    type Error = ReadError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, ReadError> {
        match self.reader.text.has_element(std::mem::take(&mut self.is_first))? {
            true => seed.deserialize(&mut *self.reader).map(Some),
            false => Ok(None),
        }
    }
}

/// The members of an object, after its brace.
pub(super) struct Members<'r, 'a> {
    reader: &'r mut Reader<'a>,
    is_first: bool,
}

impl<'r, 'a> Members<'r, 'a> {
    pub(super) fn of(reader: &'r mut Reader<'a>) -> Self {
        Self { reader, is_first: true }
    }
}

impl<'de> MapAccess<'de> for Members<'_, '_> {
    type Error = ReadError;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, ReadError> {
        match self.reader.text.has_member(std::mem::take(&mut self.is_first))? {
            true => seed.deserialize(Name(self.reader)).map(Some),
            false => Ok(None),
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, ReadError> {
        self.reader.text.colon()?;
        seed.deserialize(&mut *self.reader)
    }
}

/// The name of a member: text, which may also contain a number for keys that are numbers.
struct Name<'r, 'a>(&'r mut Reader<'a>);

impl<'a> Name<'_, 'a> {
    fn number<T>(
        self,
        read: impl FnOnce(&mut Reader<'a>) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let text = &mut self.0.text;
        text.take(b'"');
        if !matches!(text.next(), Some(b'-' | b'0'..=b'9')) {
            return text.refuse("invalid value: expected key to be a number in quotes");
        }
        let value = read(self.0)?;
        match self.0.text.take(b'"') {
            true => Ok(value),
            false => self.0.text.refuse_next("expected `\"`", "EOF while parsing a value"),
        }
    }
}

macro_rules! numbers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
            self.number(|reader| reader.$method(visitor))
        }
    )*};
}

impl<'de> Deserializer<'de> for Name<'_, '_> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_str(self.0.text.string()?)
    }

    numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.0.text.string()? {
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            others => visitor.visit_str(others),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.0.deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}
