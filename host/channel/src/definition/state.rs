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

/// State that can be written.
pub trait WritableState: ReadableState {
    /// Sets a key.
    fn put(&mut self, key: &str, value: Vec<u8>) -> Result<(), Self::Error>;
    /// Deletes a key.
    fn delete(&mut self, key: &str) -> Result<(), Self::Error>;
}

/// State whose hashes everybody knows.
pub trait OpaqueState {
    /// Why the state cannot be read.
    type Error: Display;

    /// The hash of the value of a key.
    fn get_hash(&mut self, key: &str) -> Result<Option<Vec<u8>>, Self::Error>;
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

/// Why the definition of a chaincode cannot be found. The texts are Fabric's
/// (`Resources.ChaincodeDefinitionIfDefined`).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FindError<E: Display> {
    /// Whether there is one cannot be read.
    #[error("could not deserialize metadata for chaincode {name}: {error}")]
    Metadata {
        /// The chaincode.
        name: String,
        /// Why.
        error: ReadError<E>,
    },
    /// Something else is defined under this name; the text says what.
    #[error("{0}")]
    NotAChaincode(String),
    /// The definition cannot be read.
    #[error("could not deserialize chaincode definition for chaincode {name}: {error}")]
    Definition {
        /// The chaincode.
        name: String,
        /// Why.
        error: ReadError<E>,
    },
}

/// Why a structure cannot be written. The texts are those of Fabric's serializer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError<E: Display> {
    /// What was there before cannot be read.
    #[error("could not deserialize metadata for namespace {name}: {error}")]
    Metadata {
        /// Namespace and name.
        name: String,
        /// Why.
        error: ReadError<E>,
    },
    /// A key cannot be read or written.
    #[error("could not {attempt}: {error}")]
    State {
        /// What was to be done.
        attempt: String,
        /// Why it failed.
        error: E,
    },
}
