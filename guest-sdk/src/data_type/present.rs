//! A serializer that refuses numbers that are not finite. In results, it omits members of structs
//! that are None.
//!
//! Maps keep all entries. serde's derive writes a struct with `flatten` as a map of unknown length,
//! so such a map is treated as a struct.

use std::fmt::Display;

use serde::de::value::Error as Unasked;
use serde::ser::{
    Error as _, Impossible, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant,
};
use serde::{Serialize, Serializer};

/// Wraps another serializer, or one that is in progress. With `NULLS`, members that are None are
/// kept.
pub(super) struct Present<S, const NULLS: bool>(pub(super) S);

/// A map that another serializer has begun.
pub(super) struct PresentMap<S, const NULLS: bool> {
    map: S,
    is_struct: bool,
}

/// A value inside of another one.
struct Inner<'a, T: ?Sized, const NULLS: bool>(&'a T);

impl<T: Serialize + ?Sized, const NULLS: bool> Serialize for Inner<'_, T, NULLS> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(Present::<_, NULLS>(serializer))
    }
}

macro_rules! scalars {
    ($($method:ident($type:ty))*) => {$(
        fn $method(self, value: $type) -> Result<S::Ok, S::Error> {
            self.0.$method(value)
        }
    )*};
}

macro_rules! floats {
    ($($method:ident($type:ty))*) => {$(
        fn $method(self, value: $type) -> Result<S::Ok, S::Error> {
            match value.is_finite() {
                true => self.0.$method(value),
                false => Err(S::Error::custom(format_args!("{value} is not a finite number"))),
            }
        }
    )*};
}

impl<S: Serializer, const NULLS: bool> Serializer for Present<S, NULLS> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Present<S::SerializeSeq, NULLS>;
    type SerializeTuple = Present<S::SerializeTuple, NULLS>;
    type SerializeTupleStruct = Present<S::SerializeTupleStruct, NULLS>;
    type SerializeTupleVariant = Present<S::SerializeTupleVariant, NULLS>;
    type SerializeMap = PresentMap<S::SerializeMap, NULLS>;
    type SerializeStruct = Present<S::SerializeStruct, NULLS>;
    type SerializeStructVariant = Present<S::SerializeStructVariant, NULLS>;

    scalars! {
        serialize_bool(bool) serialize_char(char) serialize_str(&str) serialize_bytes(&[u8])
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64)
        serialize_i128(i128) serialize_u128(u128) serialize_unit_struct(&'static str)
    }

    floats! { serialize_f32(f32) serialize_f64(f64) }

    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.0.serialize_none()
    }

    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.0.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.0.serialize_some(&Inner::<_, NULLS>(value))
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<S::Ok, S::Error> {
        self.0.serialize_unit_variant(name, index, variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.0.serialize_newtype_struct(name, &Inner::<_, NULLS>(value))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.0.serialize_newtype_variant(name, index, variant, &Inner::<_, NULLS>(value))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        self.0.serialize_seq(length).map(Present)
    }

    fn serialize_tuple(self, length: usize) -> Result<Self::SerializeTuple, S::Error> {
        self.0.serialize_tuple(length).map(Present)
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        length: usize,
    ) -> Result<Self::SerializeTupleStruct, S::Error> {
        self.0.serialize_tuple_struct(name, length).map(Present)
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        self.0.serialize_tuple_variant(name, index, variant, length).map(Present)
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        Ok(PresentMap { map: self.0.serialize_map(length)?, is_struct: length.is_none() })
    }

    fn serialize_struct(
        self,
        name: &'static str,
        length: usize,
    ) -> Result<Self::SerializeStruct, S::Error> {
        self.0.serialize_struct(name, length).map(Present)
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        self.0.serialize_struct_variant(name, index, variant, length).map(Present)
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.0.collect_str(value)
    }
}

macro_rules! elements {
    ($($part:ident::$method:ident)*) => {$(
        impl<S: $part, const NULLS: bool> $part for Present<S, NULLS> {
            type Ok = S::Ok;
            type Error = S::Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
                self.0.$method(&Inner::<_, NULLS>(value))
            }

            fn end(self) -> Result<S::Ok, S::Error> {
                self.0.end()
            }
        }
    )*};
}

elements! {
    SerializeSeq::serialize_element
    SerializeTuple::serialize_element
    SerializeTupleStruct::serialize_field
    SerializeTupleVariant::serialize_field
}

macro_rules! members {
    ($($part:ident)*) => {$(
        impl<S: $part, const NULLS: bool> $part for Present<S, NULLS> {
            type Ok = S::Ok;
            type Error = S::Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), S::Error> {
                match !NULLS && is_none(value) {
                    true => self.0.skip_field(name),
                    false => self.0.serialize_field(name, &Inner::<_, NULLS>(value)),
                }
            }

            fn skip_field(&mut self, name: &'static str) -> Result<(), S::Error> {
                self.0.skip_field(name)
            }

            fn end(self) -> Result<S::Ok, S::Error> {
                self.0.end()
            }
        }
    )*};
}

members! { SerializeStruct SerializeStructVariant }

impl<S: SerializeMap, const NULLS: bool> SerializeMap for PresentMap<S, NULLS> {
    type Ok = S::Ok;
    type Error = S::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), S::Error> {
        self.map.serialize_key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
        self.map.serialize_value(&Inner::<_, NULLS>(value))
    }

    fn serialize_entry<K: Serialize + ?Sized, T: Serialize + ?Sized>(
        &mut self,
        key: &K,
        value: &T,
    ) -> Result<(), S::Error> {
        if !NULLS && self.is_struct && is_none(value) {
            return Ok(());
        }
        self.map.serialize_entry(key, &Inner::<_, NULLS>(value))
    }

    fn end(self) -> Result<S::Ok, S::Error> {
        self.map.end()
    }
}

fn is_none<T: Serialize + ?Sized>(value: &T) -> bool {
    matches!(value.serialize(IsNone), Ok(true))
}

/// Detects whether a value is `None`. For a value with parts it fails before it reads the parts.
struct IsNone;

macro_rules! not_none {
    ($($method:ident($($type:ty),*))*) => {$(
        fn $method(self, $(_: $type),*) -> Result<bool, Unasked> {
            Ok(false)
        }
    )*};
}

macro_rules! has_parts {
    ($($method:ident($($type:ty),*) -> $part:ident)*) => {$(
        fn $method(self, $(_: $type),*) -> Result<Self::$part, Unasked> {
            Err(Unasked::custom(""))
        }
    )*};
}

impl Serializer for IsNone {
    type Ok = bool;
    type Error = Unasked;
    type SerializeSeq = Impossible<bool, Unasked>;
    type SerializeTuple = Impossible<bool, Unasked>;
    type SerializeTupleStruct = Impossible<bool, Unasked>;
    type SerializeTupleVariant = Impossible<bool, Unasked>;
    type SerializeMap = Impossible<bool, Unasked>;
    type SerializeStruct = Impossible<bool, Unasked>;
    type SerializeStructVariant = Impossible<bool, Unasked>;

    not_none! {
        serialize_bool(bool) serialize_char(char) serialize_str(&str) serialize_bytes(&[u8])
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64)
        serialize_i128(i128) serialize_u128(u128) serialize_f32(f32) serialize_f64(f64)
        serialize_unit() serialize_unit_struct(&'static str)
        serialize_unit_variant(&'static str, u32, &'static str)
    }

    has_parts! {
        serialize_seq(Option<usize>) -> SerializeSeq
        serialize_tuple(usize) -> SerializeTuple
        serialize_tuple_struct(&'static str, usize) -> SerializeTupleStruct
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> SerializeTupleVariant
        serialize_map(Option<usize>) -> SerializeMap
        serialize_struct(&'static str, usize) -> SerializeStruct
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> SerializeStructVariant
    }

    fn serialize_none(self) -> Result<bool, Unasked> {
        Ok(true)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<bool, Unasked> {
        Ok(false)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: &T,
    ) -> Result<bool, Unasked> {
        Ok(false)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<bool, Unasked> {
        Ok(false)
    }

    fn collect_str<T: Display + ?Sized>(self, _: &T) -> Result<bool, Unasked> {
        Ok(false)
    }
}
