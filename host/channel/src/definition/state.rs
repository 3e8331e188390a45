//! The state that holds definitions, as a caller sees it.

use std::fmt::Display;

/// State that can be read. A closure from key to value implements it.
pub trait ReadableState {
    /// Why the state cannot be read.
    type Error: Display;

    /// The value of a key.
    fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, Self::Error>;
}

impl<F, E: Display> ReadableState for F
where
    F: FnMut(&str) -> Result<Option<Vec<u8>>, E>,
{
    type Error = E;

    fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, E> {
        self(key)
    }
}

/// State that can be written. Errors are texts.
pub trait WritableState: ReadableState {
    /// Sets a key.
    fn put(&mut self, key: &str, value: Vec<u8>) -> Result<(), String>;
    /// Deletes a key.
    fn delete(&mut self, key: &str) -> Result<(), String>;
}

/// State whose hashes everybody knows. Errors are texts.
pub trait OpaqueState {
    /// The hash of the value of a key.
    fn get_hash(&mut self, key: &str) -> Result<Option<Vec<u8>>, String>;
}

/// Why a stored structure cannot be read. The texts are those of Fabric's serializer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError<E: Display> {
    /// The state itself cannot be read.
    #[error("could not {attempt}: {error}")]
    State {
        /// What was to be read.
        attempt: String,
        /// Why it failed.
        error: E,
    },
    /// The state has a form that no peer writes; the text names the key.
    #[error("{0}")]
    Damaged(String),
}
