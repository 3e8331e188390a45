//! Chaincode definitions of `_lifecycle`: one key for each field, and one that names the fields
//! (fabric `core/chaincode/lifecycle/serializer.go` and the types of `lifecycle.go`).
//!
//! All readers of definitions use this module, each with its own [`ReadableState`]: a simulator,
//! which records the reads, a snapshot, or the history of a key.
//!
//! Defines keys and bytes. Does not decide who may define a chaincode, and holds no state.

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
    name_in_collections_key, name_in_sequence_key, package_id_key, sequence_key,
};
pub use lscc::LsccName;
pub use names::{is_legacy_name, is_legacy_version};
pub use state::{
    CompareError, FindError, OpaqueState, ReadError, ReadableState, WritableState, WriteError,
};
pub use stored::{Stored, local_package, package_id_state};
pub use validator::Validator;

use std::fmt::Display;

use wasmcc_types::proto::lifecycle::{
    ChaincodeEndorsementInfo, ChaincodeValidationInfo, StateMetadata,
};
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

/// The first difference of two approvals. The texts are Fabric's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParametersMismatch {
    /// A field other than the collections.
    #[error("expected {what} '{own}' does not match passed {what} '{passed}'")]
    Field {
        /// The field.
        what: &'static str,
        /// The value in the approval that does the comparison.
        own: String,
        /// The value in the other approval.
        passed: String,
    },
    /// The collections.
    #[error("Collections do not match")]
    Collections,
}

impl Parameters {
    /// Reads the approval `name`, which has the form "chaincode#sequence".
    pub fn read<S: ReadableState>(name: &str, state: &mut S) -> Result<Self, ReadError<S::Error>> {
        Fields::of(name, state).parameters()
    }

    /// Fails with the first difference, in Fabric's text (`ChaincodeParameters.Equal`).
    pub fn check_equal(&self, other: &Self) -> Result<(), ParametersMismatch> {
        let (own, passed) = (&self.endorsement_info, &other.endorsement_info);
        let (rules, passed_rules) = (&self.validation_info, &other.validation_info);
        let differs = |what, own: &dyn Display, passed: &dyn Display| {
            Err(ParametersMismatch::Field {
                what,
                own: own.to_string(),
                passed: passed.to_string(),
            })
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
            return Err(ParametersMismatch::Collections);
        }
        Ok(())
    }
}

impl Definition {
    /// Reads the definition of a chaincode whose metadata is known to exist.
    pub fn read<S: ReadableState>(name: &str, state: &mut S) -> Result<Self, ReadError<S::Error>> {
        Fields::of(name, state).definition()
    }

    /// Returns the definition of a chaincode; None if it has none. Fails if another structure is
    /// stored under the name (`Resources.ChaincodeDefinitionIfDefined`).
    pub fn find<S: ReadableState>(
        name: &str,
        state: &mut S,
    ) -> Result<Option<Self>, FindError<S::Error>> {
        let stored = metadata(NAMESPACES, name, state);
        let stored = stored.map_err(|error| FindError::Metadata {
            name: name.to_owned(),
            error: Box::new(error),
        })?;
        let Some(StateMetadata { datatype, .. }) = stored else { return Ok(None) };
        if datatype != DEFINITION_TYPE {
            return Err(FindError::NotAChaincode { datatype });
        }
        let read = Self::read(name, state);
        read.map(Some)
            .map_err(|error| FindError::Fields { name: name.to_owned(), error: Box::new(error) })
    }
}
