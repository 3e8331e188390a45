//! Interfaces of the state that holds definitions.

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

/// State of which all peers have the hashes.
pub trait OpaqueState {
    /// Why a hash cannot be read.
    type HashError: Display;

    /// The hash of the value of a key.
    fn get_hash(&mut self, key: &str) -> Result<Option<Vec<u8>>, Self::HashError>;
}

/// Why a stored structure cannot be read. The texts are those of Fabric's serializer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError<E: Display> {
    /// The state itself cannot be read.
    #[error("could not {attempt}: {error}")]
    State {
        /// The read that failed, such as "get state for key k".
        attempt: String,
        /// The cause.
        error: E,
    },
    /// The state has a form that no peer writes; the text names the key.
    #[error("{0}")]
    Damaged(String),
}

/// Why the definition of a chaincode cannot be used. The texts are Fabric's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FindError<E: Display> {
    /// The metadata stored under the name cannot be read.
    #[error("could not deserialize metadata for chaincode {name}: {error}")]
    Metadata {
        /// The chaincode.
        name: String,
        /// Why it cannot be read.
        error: Box<ReadError<E>>,
    },
    /// Another structure is stored under the name.
    #[error("not a chaincode type: {datatype}")]
    NotAChaincode {
        /// The stored structure's type.
        datatype: String,
    },
    /// A field cannot be read.
    #[error("could not deserialize chaincode definition for chaincode {name}: {error}")]
    Fields {
        /// The chaincode.
        name: String,
        /// Why it cannot be read.
        error: Box<ReadError<E>>,
    },
}

/// Why a structure cannot be written. The texts are those of Fabric's serializer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError<E: Display> {
    /// The metadata stored under the name cannot be read.
    #[error("could not deserialize metadata for namespace {namespace}/{name}: {error}")]
    Known {
        /// The namespace of the structure.
        namespace: String,
        /// The name of the structure.
        name: String,
        /// Why it cannot be read.
        error: Box<ReadError<E>>,
    },
    /// The present value of a field cannot be read.
    #[error("could not get value for key {key}: {error}")]
    Value {
        /// The field's key.
        key: String,
        /// Why it cannot be read.
        error: Box<E>,
    },
    /// A field cannot be written.
    #[error("could not write key into state: {error}")]
    Field {
        /// Why it cannot be written.
        error: Box<E>,
    },
    /// The names of the fields cannot be written.
    #[error("could not store metadata for namespace {namespace}/{name}: {error}")]
    Metadata {
        /// The namespace of the structure.
        namespace: String,
        /// The name of the structure.
        name: String,
        /// Why they cannot be written.
        error: Box<E>,
    },
    /// A field that the structure no longer has cannot be deleted.
    #[error("could not delete unneeded key {key}: {error}")]
    Unneeded {
        /// The field's key.
        key: String,
        /// Why it cannot be deleted.
        error: Box<E>,
    },
}

/// Why a structure cannot be compared with hashes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("could not get value for key {key}: {error}")]
pub struct CompareError<E: Display> {
    /// The key whose hash cannot be read.
    pub key: String,
    /// Why it cannot be read.
    pub error: Box<E>,
}
