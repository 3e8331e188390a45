//! Enums: the name of a variant, or an object whose only member is a variant with its data.

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, EnumAccess, IntoDeserializer, VariantAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{ReadError, Reader};

/// Reads a variant without data.
pub(super) fn without_data<'de, V: Visitor<'de>>(
    name: &str,
    visitor: V,
) -> Result<V::Value, ReadError> {
    let name: StrDeserializer<'_, ReadError> = name.into_deserializer();
    visitor.visit_enum(name)
}

/// A variant and its data, after the object's opening brace.
pub(super) struct Variant<'r, 'a>(pub(super) &'r mut Reader<'a>);

impl<'de> EnumAccess<'de> for Variant<'_, '_> {
    type Error = ReadError;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), ReadError> {
        if self.0.text.peek() != Some(b'"') {
            return self.0.text.refuse_next("key must be a string", "EOF while parsing an object");
        }
        let variant = seed.deserialize(&mut *self.0)?;
        self.0.text.colon()?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, '_> {
    type Error = ReadError;

    fn unit_variant(self) -> Result<(), ReadError> {
        Deserialize::deserialize(self.0)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, ReadError> {
        seed.deserialize(self.0)
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.0.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _members: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.0.deserialize_any(visitor)
    }
}
