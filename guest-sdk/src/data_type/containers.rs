//! Lists, optional values, maps, tuples, and arbitrary JSON.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::Result;
use crate::data_type::{DataType, json};
use crate::schema::Schema;

impl<T: DataType> DataType for Vec<T> {
    const SCHEMA: &'static Schema = &Schema::List(T::ELEMENT);
    const PAYLOAD: &'static Schema = T::LIST;

    fn decode(argument: &[u8]) -> Result<Self, String> {
        T::decode_list(argument)
    }

    fn encode(&self) -> Result<Vec<u8>> {
        T::encode_list(self)
    }
}

/// None is an empty payload. As an argument, `null` also means None; trailing ones may be omitted.
impl<T: DataType> DataType for Option<T> {
    const OPTIONAL: bool = true;
    const SCHEMA: &'static Schema = T::SCHEMA;
    const PAYLOAD: &'static Schema = T::PAYLOAD;

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
    const SCHEMA: &'static Schema = &Schema::Map(T::ELEMENT);
}

/// Any JSON value.
impl DataType for Value {
    const SCHEMA: &'static Schema = &Schema::Any;
}

/// A transaction without a result.
impl DataType for () {
    const SCHEMA: &'static Schema = &Schema::Nothing;

    fn decode(argument: &[u8]) -> Result<Self, String> {
        match argument {
            b"" => Ok(()),
            _ => json::read(argument),
        }
    }

    fn encode(&self) -> Result<Vec<u8>> {
        Ok(Vec::new())
    }
}

/// For recursive types.
impl<T: DataType> DataType for Box<T> {
    const OPTIONAL: bool = T::OPTIONAL;
    const SCHEMA: &'static Schema = T::SCHEMA;
    const PAYLOAD: &'static Schema = T::PAYLOAD;

    fn decode(argument: &[u8]) -> Result<Self, String> {
        T::decode(argument).map(Self::new)
    }

    fn encode(&self) -> Result<Vec<u8>> {
        T::encode(self)
    }
}

macro_rules! tuples {
    ($(($($part:ident)+))*) => {$(
        impl<$($part: DataType),+> DataType for ($($part,)+) {
            const SCHEMA: &'static Schema = &Schema::Tuple(&[$($part::ELEMENT),+]);
        }
    )*};
}

tuples! {
    (A)
    (A B)
    (A B C)
    (A B C D)
    (A B C D E)
    (A B C D E F)
}
