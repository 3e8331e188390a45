//! Chaincode definitions as `_lifecycle` keeps them: one key for each field, and one that names the
//! fields (fabric `core/chaincode/lifecycle/serializer.go` and the types of `lifecycle.go`).
//!
//! All who need a definition read it here, each through a [`ReadableState`] of its own: a
//! simulator, which records what it is asked for, a snapshot, or the history of a key.
//!
//! Invariant: which keys are read and written, and in which bytes, and nothing about who may; no
//! state.

mod fields;
mod keys;
mod lscc;
mod names;
mod state;
mod stored;
#[cfg(test)]
mod tests;
mod validator;

pub use fields::{Fields, metadata, read_package_id, sequence};
pub use keys::{
    CHAINCODE_SOURCES, NAMESPACES, implicit_collection, implicit_org, metadata_prefix,
    name_in_sequence_key, package_id_key, sequence_key,
};
pub use lscc::{LSCC, LsccName};
pub use names::{is_legacy_name, is_legacy_version};
pub use state::{OpaqueState, ReadError, ReadableState, WritableState};
pub use stored::{Stored, local_package, package_id_state};
pub use validator::Validator;

use crate::proto::lifecycle::{ChaincodeEndorsementInfo, ChaincodeValidationInfo};
use crate::proto::protos::CollectionConfigPackage;

/// The type of a definition.
pub const DEFINITION_TYPE: &str = "ChaincodeDefinition";
/// The type of an approval.
pub const PARAMETERS_TYPE: &str = "ChaincodeParameters";
/// The type of a package's name.
pub const LOCAL_PACKAGE_TYPE: &str = "ChaincodeLocalPackage";

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

impl Parameters {
    /// Reads what an organization approved as `name`, "chaincode#sequence".
    pub fn read<S: ReadableState>(name: &str, state: &mut S) -> Result<Self, ReadError<S::Error>> {
        Fields::of(name, state).parameters()
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
    /// Reads the definition of a chaincode whose metadata says that it has one.
    pub fn read<S: ReadableState>(name: &str, state: &mut S) -> Result<Self, ReadError<S::Error>> {
        Fields::of(name, state).definition()
    }

    /// The definition of a chaincode; none if it has none. What is defined but no chaincode is an
    /// error (`Resources.ChaincodeDefinitionIfDefined`).
    pub fn find(name: &str, state: &mut impl ReadableState) -> Result<Option<Self>, String> {
        let Some(metadata) = metadata(NAMESPACES, name, state)
            .map_err(|e| format!("could not deserialize metadata for chaincode {name}: {e}"))?
        else {
            return Ok(None);
        };
        fields::check_chaincode(&metadata)?;
        let read = Self::read(name, state);
        read.map(Some).map_err(|e| {
            format!("could not deserialize chaincode definition for chaincode {name}: {e}")
        })
    }
}
