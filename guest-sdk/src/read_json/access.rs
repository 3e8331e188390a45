//! The elements of a list and the members of an object.

use serde::Deserializer;
use serde::de::DeserializeSeed;
use serde::de::MapAccess;
use serde::de::SeqAccess;

use super::ReadError;
use super::Reader;

/// Wraps access of serde_json to elements or members.
pub(super) struct Parts<A>(pub(super) A);

/// Reads a part as the wrapped seed does.
pub(super) struct Part<S, const KEY: bool>(pub(super) S);

impl<'de, S: DeserializeSeed<'de>, const KEY: bool> DeserializeSeed<'de> for Part<S, KEY> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(Reader::<_, KEY>(deserializer)).map_err(ReadError::raise)
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Parts<A> {
    type Error = ReadError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, ReadError> {
        self.0.next_element_seed(Part::<_, false>(seed)).map_err(ReadError::of)
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Parts<A> {
    type Error = ReadError;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, ReadError> {
        self.0.next_key_seed(Part::<_, true>(seed)).map_err(ReadError::of)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, ReadError> {
        self.0.next_value_seed(Part::<_, false>(seed)).map_err(ReadError::of)
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}
