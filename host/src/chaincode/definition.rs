//! Chaincode definitions as `_lifecycle` keeps them: one key for each field, and one that names the
//! fields (fabric `core/chaincode/lifecycle/serializer.go` and the types of `lifecycle.go`).
//!
//! Invariant: which keys are read and written, and in which bytes, and nothing about who may.

use prost::Message;

use crate::proto::lifecycle::state_data::Type;
use crate::proto::lifecycle::{
    ChaincodeEndorsementInfo, ChaincodeValidationInfo, StateData, StateMetadata,
};
use crate::proto::protos::CollectionConfigPackage;
use crate::types::sha256;

/// Where definitions are, in public, and what organizations approved, in their collections.
pub const NAMESPACES: &str = "namespaces";
/// Where an organization's collection says which package it runs.
pub const CHAINCODE_SOURCES: &str = "chaincode-sources";
/// The type of a definition.
pub const DEFINITION_TYPE: &str = "ChaincodeDefinition";
/// The type of an approval.
pub const PARAMETERS_TYPE: &str = "ChaincodeParameters";
/// The type of a package's name.
pub const LOCAL_PACKAGE_TYPE: &str = "ChaincodeLocalPackage";

const SEQUENCE: &str = "Sequence";
const ENDORSEMENT_INFO: &str = "EndorsementInfo";
const VALIDATION_INFO: &str = "ValidationInfo";
const COLLECTIONS: &str = "Collections";
const PACKAGE_ID: &str = "PackageID";

/// The collection in which an organization keeps what it approved.
pub fn implicit_collection(msp_id: &str) -> String {
    format!("_implicit_org_{msp_id}")
}

/// What an organization approves: a definition without its sequence.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters {
    /// Version, plugin, whether an init is required.
    pub endorsement_info: ChaincodeEndorsementInfo,
    /// Plugin and policy.
    pub validation_info: ChaincodeValidationInfo,
    /// Empty if there are none.
    pub collections: CollectionConfigPackage,
}

/// What a channel agreed on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Definition {
    /// Begins with 1.
    pub sequence: i64,
    /// All else.
    pub parameters: Parameters,
}

/// State that can be read. Errors are texts.
pub trait ReadableState {
    /// The value of a key.
    fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, String>;
}

/// State that can be written.
pub trait WritableState: ReadableState {
    /// Sets a key.
    fn put(&mut self, key: &str, value: Vec<u8>) -> Result<(), String>;
    /// Deletes a key.
    fn delete(&mut self, key: &str) -> Result<(), String>;
}

/// State of which everybody knows the hashes.
pub trait OpaqueState {
    /// The hash of the value of a key.
    fn get_hash(&mut self, key: &str) -> Result<Option<Vec<u8>>, String>;
}

/// A structure as it is stored.
pub struct Stored {
    /// The structure's name.
    datatype: &'static str,
    /// In the order of the structure.
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

    /// As an organization's collection has it.
    pub fn stored(&self) -> Stored {
        Stored { datatype: PARAMETERS_TYPE, fields: self.fields() }
    }

    /// Reads what an organization approved as `name`, "chaincode#sequence".
    pub fn read(name: &str, state: &mut impl ReadableState) -> Result<Self, String> {
        Self::read_fields(name, state)
    }

    fn read_fields(name: &str, state: &mut impl ReadableState) -> Result<Self, String> {
        Ok(Self {
            endorsement_info: message(name, ENDORSEMENT_INFO, state)?,
            validation_info: message(name, VALIDATION_INFO, state)?,
            collections: message(name, COLLECTIONS, state)?,
        })
    }

    /// Says what differs, in Fabric's words (`ChaincodeParameters.Equal`).
    pub fn check_equal(&self, other: &Self) -> Result<(), String> {
        let (own, passed) = (&self.endorsement_info, &other.endorsement_info);
        let (rules, passed_rules) = (&self.validation_info, &other.validation_info);
        let differs = |what: &str, own: &dyn std::fmt::Display, passed: &dyn std::fmt::Display| {
            Err(format!("expected {what} '{own}' does not match passed {what} '{passed}'"))
        };
        if own.version != passed.version {
            return differs("Version", &own.version, &passed.version);
        }
        if own.endorsement_plugin != passed.endorsement_plugin {
            let what = "EndorsementPlugin";
            return differs(what, &own.endorsement_plugin, &passed.endorsement_plugin);
        }
        if own.init_required != passed.init_required {
            return differs("InitRequired", &own.init_required, &passed.init_required);
        }
        if rules.validation_plugin != passed_rules.validation_plugin {
            let what = "ValidationPlugin";
            return differs(what, &rules.validation_plugin, &passed_rules.validation_plugin);
        }
        if rules.validation_parameter != passed_rules.validation_parameter {
            let hex = crate::types::hex;
            let own = hex(&rules.validation_parameter);
            return differs("ValidationParameter", &own, &hex(&passed_rules.validation_parameter));
        }
        if self.collections != other.collections {
            return Err("Collections do not match".into());
        }
        Ok(())
    }
}

impl Definition {
    /// As the public state has it.
    pub fn stored(&self) -> Stored {
        let sequence = [(SEQUENCE, Type::Int64(self.sequence))];
        let fields = sequence.into_iter().chain(self.parameters.fields()).collect();
        Stored { datatype: DEFINITION_TYPE, fields }
    }

    /// Reads the definition of a chaincode whose metadata says that it has one.
    pub fn read(name: &str, state: &mut impl ReadableState) -> Result<Self, String> {
        let sequence = sequence(name, state)?;
        Ok(Self { sequence, parameters: Parameters::read_fields(name, state)? })
    }

    /// The definition of a chaincode; none if it has none. What is defined but no chaincode is an
    /// error (`Resources.ChaincodeDefinitionIfDefined`).
    pub fn find(name: &str, state: &mut impl ReadableState) -> Result<Option<Self>, String> {
        let Some(metadata) = metadata(NAMESPACES, name, state)
            .map_err(|e| format!("could not deserialize metadata for chaincode {name}: {e}"))?
        else {
            return Ok(None);
        };
        if metadata.datatype != DEFINITION_TYPE {
            return Err(format!("not a chaincode type: {}", metadata.datatype));
        }
        let read = Self::read(name, state);
        read.map(Some).map_err(|e| {
            format!("could not deserialize chaincode definition for chaincode {name}: {e}")
        })
    }
}

/// The sequence of a chaincode's definition; 0 if it has none.
pub fn sequence(name: &str, state: &mut impl ReadableState) -> Result<i64, String> {
    match field(NAMESPACES, name, SEQUENCE, state)? {
        None => Ok(0),
        Some(Type::Int64(sequence)) => Ok(sequence),
        Some(other) => Err(wrong_type(NAMESPACES, name, SEQUENCE, "Int64", &other)),
    }
}

/// The key of a chaincode's sequence, which every transaction on it reads.
pub fn sequence_key(name: &str) -> String {
    field_key(NAMESPACES, name, SEQUENCE)
}

/// The name of the package that an organization chose, as its collection has it.
pub fn local_package(package_id: &str) -> Stored {
    let id = Type::String(package_id.to_owned());
    Stored { datatype: LOCAL_PACKAGE_TYPE, fields: vec![(PACKAGE_ID, id)] }
}

/// The key of that name's only field.
pub fn package_id_key(name: &str) -> String {
    field_key(CHAINCODE_SOURCES, name, PACKAGE_ID)
}

/// The value of that field.
pub fn package_id_state(package_id: &str) -> StateData {
    StateData { r#type: Some(Type::String(package_id.to_owned())) }
}

/// The package that an organization chose for "chaincode#sequence"; empty if it chose none.
pub fn read_package_id(name: &str, state: &mut impl ReadableState) -> Result<String, String> {
    match field(CHAINCODE_SOURCES, name, PACKAGE_ID, state)? {
        None => Ok(String::new()),
        Some(Type::String(id)) => Ok(id),
        Some(other) => Err(wrong_type(CHAINCODE_SOURCES, name, PACKAGE_ID, "String", &other)),
    }
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

    /// Writes what is not there already, and deletes fields that the structure does not have
    /// (`Serializer.Serialize`).
    pub fn write(
        &self,
        namespace: &str,
        name: &str,
        state: &mut impl WritableState,
    ) -> Result<(), String> {
        let known = metadata(namespace, name, state)
            .map_err(|e| {
                format!("could not deserialize metadata for namespace {namespace}/{name}: {e}")
            })?
            .unwrap_or_default();
        let mut existing = std::collections::BTreeMap::new();
        for field in &known.fields {
            let key = field_key(namespace, name, field);
            let value =
                state.get(&key).map_err(|e| format!("could not get value for key {key}: {e}"))?;
            existing.insert(key, value);
        }
        let failed = |e| format!("could not write key into state: {e}");
        for (field, value) in self.values() {
            let key = field_key(namespace, name, field);
            if existing.remove(&key).flatten().as_ref() != Some(&value) {
                state.put(&key, value).map_err(failed)?;
            }
        }
        let same = known.datatype == self.datatype && known.fields.len() == self.fields.len();
        if !existing.is_empty() || !same {
            state.put(&metadata_key(namespace, name), self.metadata()).map_err(|e| {
                format!("could not store metadata for namespace {namespace}/{name}: {e}")
            })?;
        }
        for key in existing.keys() {
            state.delete(key).map_err(|e| format!("could not delete unneeded key {key}: {e}"))?;
        }
        Ok(())
    }

    /// What of the structure is not in `state`, by the names of the fields, or of the structure
    /// itself if nothing or something else is there; nothing if all is
    /// (`Serializer.IsSerialized`). All hashes are read in any case.
    pub fn mismatches(
        &self,
        namespace: &str,
        name: &str,
        state: &mut impl OpaqueState,
    ) -> Result<Vec<String>, String> {
        let mut hash_of = |key: String| {
            state.get_hash(&key).map_err(|e| format!("could not get value for key {key}: {e}"))
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

    /// Whether something of this structure's type is in `state` (`IsMetadataSerialized`).
    pub fn is_kind_of(
        &self,
        namespace: &str,
        name: &str,
        state: &mut impl OpaqueState,
    ) -> Result<bool, String> {
        let stored = state.get_hash(&metadata_key(namespace, name))?;
        Ok(stored.as_deref() == Some(&sha256(&self.metadata())))
    }
}

/// The prefix of the keys that name structures.
pub fn metadata_prefix(namespace: &str) -> String {
    format!("{namespace}/metadata/")
}

fn metadata_key(namespace: &str, name: &str) -> String {
    format!("{namespace}/metadata/{name}")
}

fn field_key(namespace: &str, name: &str, field: &str) -> String {
    format!("{namespace}/fields/{name}/{field}")
}

/// What structure is stored under a name.
pub fn metadata(
    namespace: &str,
    name: &str,
    state: &mut impl ReadableState,
) -> Result<Option<StateMetadata>, String> {
    let stored = state
        .get(&metadata_key(namespace, name))
        .map_err(|e| format!("could not query metadata for namespace {namespace}/{name}: {e}"))?;
    let bad = |e| format!("could not unmarshal metadata for namespace {namespace}/{name}: {e}");
    stored.map(|bytes| StateMetadata::decode(bytes.as_slice()).map_err(bad)).transpose()
}

fn field(
    namespace: &str,
    name: &str,
    field: &str,
    state: &mut impl ReadableState,
) -> Result<Option<Type>, String> {
    let key = field_key(namespace, name, field);
    let stored = state.get(&key).map_err(|e| format!("could not get state for key {key}: {e}"))?;
    let data = StateData::decode(stored.unwrap_or_default().as_slice())
        .map_err(|e| format!("could not unmarshal state for key {key}: {e}"))?;
    Ok(data.r#type)
}

/// A field that is missing is an empty message.
fn message<M: Message + Default>(
    name: &str,
    field_name: &str,
    state: &mut impl ReadableState,
) -> Result<M, String> {
    let bytes = match field(NAMESPACES, name, field_name, state)? {
        None => Vec::new(),
        Some(Type::Bytes(bytes)) => bytes,
        Some(other) => return Err(wrong_type(NAMESPACES, name, field_name, "[]byte", &other)),
    };
    M::decode(bytes.as_slice()).map_err(|e| {
        let key = field_key(NAMESPACES, name, field_name);
        format!("could not unmarshal key {key} to its message: {e}")
    })
}

fn wrong_type(namespace: &str, name: &str, field: &str, wanted: &str, found: &Type) -> String {
    let key = field_key(namespace, name, field);
    let found = match found {
        Type::Int64(_) => "Int64",
        Type::Bytes(_) => "[]byte",
        Type::String(_) => "String",
    };
    format!("expected key {key} to encode a value of type {wanted}, but was {found}")
}
