//! The attributes in a certificate, JSON of the form `{"attrs":{"role":"auditor"}}`.
//!
//! The JSON is read member by member: the code for a map would be larger than all other code for
//! certificates.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};

use crate::read_json;
use crate::read_json::ReadError;

/// Returns the attribute of this name. Members other than `attrs` are ignored, as in Go.
pub(super) fn find(json: &[u8], name: &str) -> Result<Option<String>, ReadError> {
    read_json::from_slice_seed(json, Search { name, is_outer: true })
}

/// Searches the outer object for `attrs`, or that object for the attribute.
struct Search<'a> {
    name: &'a str,
    is_outer: bool,
}

impl<'de> DeserializeSeed<'de> for Search<'_> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        // `deserialize_any` would also link the code for numbers.
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for Search<'_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    /// `null` means that there are no attributes.
    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(member) = members.next_key::<String>()? {
            if self.is_outer && member == "attrs" {
                found = members.next_value_seed(Search { name: self.name, is_outer: false })?;
            } else if self.is_outer {
                members.next_value::<IgnoredAny>()?;
            } else {
                let value = members.next_value::<String>()?;
                found = if member == self.name { Some(value) } else { found };
            }
        }
        Ok(found)
    }
}
