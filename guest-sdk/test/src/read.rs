//! Reads members of a message. None: the message is malformed.

use serde_json::Value;

use crate::frame::Blobs;

/// A JSON value and the bytes of its message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    pub json: &'a Value,
    pub blobs: &'a Blobs,
}

impl<'a> Part<'a> {
    /// Returns a member; null if it is missing.
    pub(crate) fn at(self, name: &str) -> Self {
        Self { json: self.json.get(name).unwrap_or(&Value::Null), ..self }
    }

    /// Reads the elements of a list; empty for null.
    pub(crate) fn list<T>(self, read: impl Fn(Self) -> Option<T>) -> Option<Vec<T>> {
        match self.json {
            Value::Null => Some(Vec::new()),
            json => json.as_array()?.iter().map(|json| read(Self { json, ..self })).collect(),
        }
    }

    /// Reads the members of an object with their names.
    pub(crate) fn map<T, M: FromIterator<(String, T)>>(
        self,
        read: impl Fn(Self) -> Option<T>,
    ) -> Option<M> {
        let members = self.json.as_object()?.iter();
        members.map(|(name, json)| Some((name.clone(), read(Self { json, ..self })?))).collect()
    }

    /// Reads a value that may be null.
    pub(crate) fn optional<T>(self, read: impl Fn(Self) -> Option<T>) -> Option<Option<T>> {
        if self.json.is_null() { Some(None) } else { read(self).map(Some) }
    }

    pub(crate) fn text(self) -> Option<String> {
        self.json.as_str().map(str::to_owned)
    }

    pub(crate) fn number(self) -> Option<u64> {
        self.json.as_u64()
    }

    pub(crate) fn is(self) -> Option<bool> {
        self.json.as_bool()
    }

    pub(crate) fn bytes(self) -> Option<Vec<u8>> {
        self.blobs.get(self.json)
    }

    /// Reads a list of two.
    pub(crate) fn pair<A, B>(
        self,
        first: impl Fn(Self) -> Option<A>,
        second: impl Fn(Self) -> Option<B>,
    ) -> Option<(A, B)> {
        let [one, two] = self.json.as_array()?.as_slice() else { return None };
        Some((first(Self { json: one, ..self })?, second(Self { json: two, ..self })?))
    }
}
