//! Chaincode definitions of `_lifecycle`: one key for each field, and one that names the fields
//! (fabric `core/chaincode/lifecycle/serializer.go` and the types of `lifecycle.go`).
//!
//! All readers of definitions use this module, each through a [`ReadableState`] of its own: a
//! simulator, which records the reads, a snapshot, or the history of a key.
//!
//! Defines keys and bytes. Does not decide who may define, and holds no state.

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
pub use lscc::LsccName;
pub use names::{is_legacy_name, is_legacy_version};
pub use state::{OpaqueState, ReadError, ReadableState, WritableState};
pub use stored::{Stored, local_package, package_id_state};
pub use validator::Validator;

use wasmcc_types::proto::lifecycle::{ChaincodeEndorsementInfo, ChaincodeValidationInfo};
use wasmcc_types::proto::protos::CollectionConfigPackage;

/// The type of a definition.
pub const DEFINITION_TYPE: &str = "ChaincodeDefinition";
/// The type of an approval.
pub const PARAMETERS_TYPE: &str = "ChaincodeParameters";
/// The type of a package's name.
pub const LOCAL_PACKAGE_TYPE: &str = "ChaincodeLocalPackage";

/// An approval of an organization: a definition without its sequence.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters {
    /// Version, endorsement plugin, and whether an init is required.
    pub endorsement_info: ChaincodeEndorsementInfo,
    /// Validation plugin and policy.
    pub validation_info: ChaincodeValidationInfo,
    /// Empty if there are none.
    pub collections: CollectionConfigPackage,
}

/// A definition that the channel agreed on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Definition {
    /// Starts at 1.
    pub sequence: i64,
    /// Everything else.
    pub parameters: Parameters,
}

impl Parameters {
    /// Reads the approval `name`, "chaincode#sequence".
    pub fn read<S: ReadableState>(name: &str, state: &mut S) -> Result<Self, ReadError<S::Error>> {
        Fields::of(name, state).parameters()
    }

    /// Returns the first difference, as Fabric's text (`ChaincodeParameters.Equal`).
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
            let hex = wasmcc_types::hex;
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
    /// Reads the definition of a chaincode that, according to its metadata, has one.
    pub fn read<S: ReadableState>(name: &str, state: &mut S) -> Result<Self, ReadError<S::Error>> {
        Fields::of(name, state).definition()
    }

    /// Returns the definition of a chaincode; None if it has none. A definition that is not a
    /// chaincode's is an error (`Resources.ChaincodeDefinitionIfDefined`).
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
