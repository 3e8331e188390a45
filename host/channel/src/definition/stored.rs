//! The stored form of definitions, approvals and package choices; writes it and compares it with
//! the state (`Serializer.Serialize`, `Serializer.IsSerialized`).

use prost::Message;

use crate::definition::fields::metadata;
use crate::definition::keys::{
    COLLECTIONS, ENDORSEMENT_INFO, PACKAGE_ID, SEQUENCE, VALIDATION_INFO, field_key, metadata_key,
};
use crate::definition::state::{CompareError, OpaqueState, WritableState, WriteError};
use crate::definition::{
    DEFINITION_TYPE, Definition, LOCAL_PACKAGE_TYPE, PARAMETERS_TYPE, Parameters,
};
use wasmcc_types::proto::lifecycle::state_data::Type;
use wasmcc_types::proto::lifecycle::{StateData, StateMetadata};
use wasmcc_types::sha256;

/// A structure in its stored form.
pub struct Stored {
    /// The structure's name.
    datatype: &'static str,
    /// In the structure's order.
    fields: Vec<(&'static str, Type)>,
}

impl Parameters {
    fn fields(&self) -> Vec<(&'static str, Type)> {
        vec![
            (ENDORSEMENT_INFO, Type::Bytes(self.endorsement_info.encode_to_vec())),
            (VALIDATION_INFO, Type::Bytes(self.validation_info.encode_to_vec())),
            (COLLECTIONS, Type::Bytes(self.collections.encode_to_vec())),
        ]
    }

    /// The form in an organization's collection.
    pub fn stored(&self) -> Stored {
        Stored { datatype: PARAMETERS_TYPE, fields: self.fields() }
    }
}

impl Definition {
    /// The form in the public state.
    pub fn stored(&self) -> Stored {
        let sequence = [(SEQUENCE, Type::Int64(self.sequence))];
        let fields = sequence.into_iter().chain(self.parameters.fields()).collect();
        Stored { datatype: DEFINITION_TYPE, fields }
    }
}

/// The package that an organization chose, in the form of its collection.
pub fn local_package(package_id: &str) -> Stored {
    let id = Type::String(package_id.to_owned());
    Stored { datatype: LOCAL_PACKAGE_TYPE, fields: vec![(PACKAGE_ID, id)] }
}

/// The value of the only field of such a [`local_package`].
pub fn package_id_state(package_id: &str) -> StateData {
    StateData { r#type: Some(Type::String(package_id.to_owned())) }
}

impl Stored {
    fn metadata(&self) -> Vec<u8> {
        let fields = self.fields.iter().map(|(field, _)| (*field).to_owned()).collect();
        StateMetadata { datatype: self.datatype.to_owned(), fields }.encode_to_vec()
    }

    fn values(&self) -> impl Iterator<Item = (&'static str, Vec<u8>)> {
        self.fields.iter().map(|(field, value)| {
            (*field, StateData { r#type: Some(value.clone()) }.encode_to_vec())
        })
    }

    /// Returns all keys of the structure.
    pub fn keys(&self, namespace: &str, name: &str) -> impl Iterator<Item = String> {
        let fields = self.fields.iter().map(|(field, _)| field_key(namespace, name, field));
        [metadata_key(namespace, name)].into_iter().chain(fields)
    }

    /// Writes what is missing or different, and deletes fields that the structure does not have
    /// (`Serializer.Serialize`).
    pub fn write<S: WritableState>(
        &self,
        namespace: &str,
        name: &str,
        state: &mut S,
    ) -> Result<(), WriteError<S::Error>> {
        let names = || (namespace.to_owned(), name.to_owned());
        let known = metadata(namespace, name, state)
            .map_err(|error| {
                let (namespace, name) = names();
                WriteError::Known { namespace, name, error: Box::new(error) }
            })?
            .unwrap_or_default();
        let mut existing = std::collections::BTreeMap::new();
        for field in &known.fields {
            let key = field_key(namespace, name, field);
            let value = state.get(&key);
            let value = value
                .map_err(|error| WriteError::Value { key: key.clone(), error: Box::new(error) })?;
            existing.insert(key, value);
        }
        let failed = |error| WriteError::Field { error: Box::new(error) };
        for (field, value) in self.values() {
            let key = field_key(namespace, name, field);
            if existing.remove(&key).flatten().as_ref() != Some(&value) {
                state.put(&key, value).map_err(failed)?;
            }
        }
        let same = known.datatype == self.datatype && known.fields.len() == self.fields.len();
        if !existing.is_empty() || !same {
            state.put(&metadata_key(namespace, name), self.metadata()).map_err(|error| {
                let (namespace, name) = names();
                WriteError::Metadata { namespace, name, error: Box::new(error) }
            })?;
        }
        for key in existing.keys() {
            let failed = |error| {
                let (key, error) = (key.clone(), Box::new(error));
                WriteError::Unneeded { key, error }
            };
            state.delete(key).map_err(failed)?;
        }
        Ok(())
    }

    /// Returns what differs from `state`: the names of fields, or the structure's type if nothing
    /// or another structure is stored; empty if nothing differs (`Serializer.IsSerialized`). Always
    /// reads all hashes.
    pub fn mismatches<S: OpaqueState>(
        &self,
        namespace: &str,
        name: &str,
        state: &mut S,
    ) -> Result<Vec<String>, CompareError<S::HashError>> {
        let mut hash_of = |key: String| {
            state.get_hash(&key).map_err(|error| CompareError { key, error: Box::new(error) })
        };
        let metadata = hash_of(metadata_key(namespace, name))?;
        let mut mismatches = Vec::new();
        for (field, value) in self.values() {
            let stored = hash_of(field_key(namespace, name, field))?;
            if stored.as_deref() != Some(&sha256(&value)) {
                mismatches.push(field.to_owned());
            }
        }
        if metadata.as_deref() != Some(&sha256(&self.metadata())) {
            return Ok(vec![self.datatype.to_owned()]);
        }
        Ok(mismatches)
    }

    /// True if `state` has a structure of this type (`IsMetadataSerialized`).
    pub fn is_kind_of<S: OpaqueState>(
        &self,
        namespace: &str,
        name: &str,
        state: &mut S,
    ) -> Result<bool, S::HashError> {
        let stored = state.get_hash(&metadata_key(namespace, name))?;
        Ok(stored.as_deref() == Some(&sha256(&self.metadata())))
    }
}
