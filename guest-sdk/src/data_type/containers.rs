//! Lists, optional values, maps, tuples, and arbitrary JSON.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::json;

use crate::Result;
use crate::data_type::DataType;
use crate::data_type::json;
use crate::schemas;
use crate::schemas::Schemas;

impl<T: DataType> DataType for Vec<T> {
    fn schema(schemas: &mut Schemas) -> Value {
        json!({ "type": "array", "items": element::<T>(schemas) })
    }

    fn payload_schema(schemas: &mut Schemas) -> Value {
        T::list_schema(schemas)
    }

    fn decode(argument: &[u8]) -> Result<Self, String> {
        T::decode_list(argument)
    }

    fn encode(&self) -> Result<Vec<u8>> {
        T::encode_list(self)
    }
}

/// None is an empty payload. As an argument, so is `null`; the last ones may be left out.
impl<T: DataType> DataType for Option<T> {
    const OPTIONAL: bool = true;

    fn schema(schemas: &mut Schemas) -> Value {
        T::schema(schemas)
    }

    fn payload_schema(schemas: &mut Schemas) -> Value {
        T::payload_schema(schemas)
    }

    fn described(schemas: &mut Schemas) -> Value {
        let mut schema = T::described(schemas);
        if let Some(object) = schema.as_object_mut() {
            object.remove("required");
        }
        schema
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
        json!({ "type": "object", "additionalProperties": element::<T>(schemas) })
    }
}

/// Any JSON value.
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

/// For types that contain themselves.
impl<T: DataType> DataType for Box<T> {
    const OPTIONAL: bool = T::OPTIONAL;

    fn schema(schemas: &mut Schemas) -> Value {
        T::schema(schemas)
    }

    fn payload_schema(schemas: &mut Schemas) -> Value {
        T::payload_schema(schemas)
    }

    fn described(schemas: &mut Schemas) -> Value {
        T::described(schemas)
    }

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
            fn schema(schemas: &mut Schemas) -> Value {
                schemas::tuple(vec![$(element::<$part>(schemas)),+])
            }
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

/// The schema of an element, whose place in JSON must be filled: None is `null` there.
fn element<T: DataType>(schemas: &mut Schemas) -> Value {
    let mut schema = T::schema(schemas);
    if T::OPTIONAL {
        if let Some(Value::String(name)) = schema.get("type") {
            schema["type"] = json!([name, "null"]);
        }
        if let Some(Value::Array(values)) = schema.get_mut("enum") {
            values.push(Value::Null);
        }
    }
    schema
}
