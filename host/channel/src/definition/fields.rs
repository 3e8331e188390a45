//! Reads stored definitions and approvals, field by field (`Serializer.Deserialize`).

use prost::Message;

use crate::definition::keys::{
    CHAINCODE_SOURCES, COLLECTIONS, ENDORSEMENT_INFO, NAMESPACES, PACKAGE_ID, SEQUENCE,
    VALIDATION_INFO, field_key, metadata_key,
};
use crate::definition::state::{ReadError, ReadableState};
use crate::definition::{DEFINITION_TYPE, Definition, Parameters};
use wasmcc_types::proto::lifecycle::state_data::Type;
use wasmcc_types::proto::lifecycle::{ChaincodeValidationInfo, StateData, StateMetadata};
use wasmcc_types::proto::protos::CollectionConfigPackage;

/// A value that was read from the state `S`.
type FieldRead<T, S> = Result<T, ReadError<<S as ReadableState>::Error>>;

/// The fields of a definition or an approval. Each is read on demand; a missing field is empty.
#[derive(Debug)]
pub struct Fields<'a, S> {
    name: &'a str,
    state: &'a mut S,
}

impl<'a, S: ReadableState> Fields<'a, S> {
    /// Returns the fields of an existing definition or approval of this name.
    pub(crate) fn of(name: &'a str, state: &'a mut S) -> Self {
        Self { name, state }
    }

    /// Returns the fields of a chaincode's definition; None if it has none. Fails if another
    /// structure is stored under the name.
    pub fn of_chaincode(name: &'a str, state: &'a mut S) -> FieldRead<Option<Self>, S> {
        let Some(metadata) = metadata(NAMESPACES, name, state)? else { return Ok(None) };
        if metadata.datatype != DEFINITION_TYPE {
            let text = format!("not a chaincode type: {}", metadata.datatype);
            return Err(ReadError::Damaged(text));
        }
        Ok(Some(Self::of(name, state)))
    }

    /// The validation plugin and its policy.
    pub fn validation_info(&mut self) -> FieldRead<ChaincodeValidationInfo, S> {
        self.message(VALIDATION_INFO)
    }

    /// The collections of the definition.
    pub fn collections(&mut self) -> FieldRead<CollectionConfigPackage, S> {
        self.message(COLLECTIONS)
    }

    /// Like [`collections`](Self::collections), but reads all other fields first. Fabric reads
    /// whole definitions, so a simulation has to record all keys. Does not check the other fields.
    pub fn collections_of_whole(mut self) -> FieldRead<CollectionConfigPackage, S> {
        for field in [SEQUENCE, ENDORSEMENT_INFO, VALIDATION_INFO] {
            row(self.state, &field_key(NAMESPACES, self.name, field))?;
        }
        self.collections()
    }

    /// The whole definition.
    pub(crate) fn definition(self) -> FieldRead<Definition, S> {
        let sequence = sequence(self.name, self.state)?;
        Ok(Definition { sequence, parameters: self.parameters()? })
    }

    /// The whole approval.
    pub(crate) fn parameters(mut self) -> FieldRead<Parameters, S> {
        Ok(Parameters {
            endorsement_info: self.message(ENDORSEMENT_INFO)?,
            validation_info: self.validation_info()?,
            collections: self.collections()?,
        })
    }

    fn message<M: Message + Default>(&mut self, name: &str) -> FieldRead<M, S> {
        let key = field_key(NAMESPACES, self.name, name);
        let bytes = match field(&key, self.state)? {
            None => Vec::new(),
            Some(Type::Bytes(bytes)) => bytes,
            Some(other) => return Err(wrong_type(&key, "[]byte", &other)),
        };
        M::decode(bytes.as_slice()).map_err(|e| {
            ReadError::Damaged(format!("could not unmarshal key {key} to its message: {e}"))
        })
    }
}

/// Returns the metadata of the structure stored under a name.
pub fn metadata<S: ReadableState>(
    namespace: &str,
    name: &str,
    state: &mut S,
) -> FieldRead<Option<StateMetadata>, S> {
    let of = format!("metadata for namespace {namespace}/{name}");
    let stored = state
        .get(&metadata_key(namespace, name))
        .map_err(|error| ReadError::State { attempt: format!("query {of}"), error })?;
    let metadata = stored.map(|bytes| StateMetadata::decode(bytes.as_slice())).transpose();
    metadata.map_err(|e| ReadError::Damaged(format!("could not unmarshal {of}: {e}")))
}

/// Returns the sequence of a chaincode's definition; 0 if it has none.
pub fn sequence<S: ReadableState>(name: &str, state: &mut S) -> FieldRead<i64, S> {
    let key = field_key(NAMESPACES, name, SEQUENCE);
    match field(&key, state)? {
        None => Ok(0),
        Some(Type::Int64(sequence)) => Ok(sequence),
        Some(other) => Err(wrong_type(&key, "Int64", &other)),
    }
}

/// Returns the package id that an organization chose for "chaincode#sequence"; empty if it chose
/// none.
pub fn read_package_id<S: ReadableState>(name: &str, state: &mut S) -> FieldRead<String, S> {
    let key = field_key(CHAINCODE_SOURCES, name, PACKAGE_ID);
    match field(&key, state)? {
        None => Ok(String::new()),
        Some(Type::String(id)) => Ok(id),
        Some(other) => Err(wrong_type(&key, "String", &other)),
    }
}

fn field<S: ReadableState>(key: &str, state: &mut S) -> FieldRead<Option<Type>, S> {
    let stored = row(state, key)?.unwrap_or_default();
    let data = StateData::decode(stored.as_slice())
        .map_err(|e| ReadError::Damaged(format!("could not unmarshal state for key {key}: {e}")))?;
    Ok(data.r#type)
}

fn row<S: ReadableState>(state: &mut S, key: &str) -> FieldRead<Option<Vec<u8>>, S> {
    let attempt = || format!("get state for key {key}");
    state.get(key).map_err(|error| ReadError::State { attempt: attempt(), error })
}

fn wrong_type<E: std::fmt::Display>(key: &str, wanted: &str, found: &Type) -> ReadError<E> {
    let found = match found {
        Type::Int64(_) => "Int64",
        Type::Bytes(_) => "[]byte",
        Type::String(_) => "String",
    };
    ReadError::Damaged(format!(
        "expected key {key} to encode a value of type {wanted}, but was {found}"
    ))
}
