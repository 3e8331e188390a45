//! Who has to endorse what is written to a namespace, as the committed state says. Fabric:
//! `core/chaincode/lifecycle/deployedcc_infoprovider.go`, `core/scc/lscc/lscc.go`
//! (`ValidationInfo`) and, for the two together, `txvalidator/v20/valinforetriever/shim.go`.
//!
//! Invariant: one height of the state and one configuration; a block never sees its own
//! definitions.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use prost::Message;

use crate::committer::error::CommitError;
use crate::committer::invocation::LSCC;
use crate::committer::verdict::{Invalid, Trouble};
use crate::definition::{Fields, ReadError, implicit_org};
use crate::ledger::{LedgerError, Snapshot};
use crate::msp::{ChannelConfig, SignaturePolicy};
use crate::proto::common::SignaturePolicyEnvelope;
use crate::proto::common::signature_policy::Type as Rule;
use crate::proto::lifecycle::ChaincodeValidationInfo;
use crate::proto::protos::application_policy::Type as PolicyType;
use crate::proto::protos::{
    ApplicationPolicy, ChaincodeData, TxValidationCode, collection_config::Payload as Collection,
};
use crate::types::LIFECYCLE;

const LIFECYCLE_POLICY: &str = "/Channel/Application/LifecycleEndorsement";
/// The validation that system chaincodes have.
const DEFAULT_PLUGIN: &str = "vscc";

/// The validation rules of one namespace.
#[derive(Debug)]
pub(super) struct Definition {
    /// Who validates, usually `vscc`.
    pub(super) plugin: String,
    /// A serialized `protos.ApplicationPolicy`.
    pub(super) policy: Vec<u8>,
    /// The version that LSCC runs; None of system chaincodes and what `_lifecycle` defines.
    pub(super) version: Option<String>,
    collections: Collections,
}

#[derive(Debug)]
enum Collections {
    /// Without policies of their own: what LSCC instantiates.
    Legacy,
    /// The endorsement policy of each collection, if it has one.
    Named(BTreeMap<String, Option<Vec<u8>>>),
}

/// The definitions that a block needs, each looked up once.
pub(super) struct Definitions<'a> {
    snapshot: &'a Snapshot,
    config: &'a ChannelConfig,
    found: Mutex<BTreeMap<String, Found>>,
}

/// A definition, or the reason why there is no usable one.
type Found = Result<Arc<Definition>, String>;

impl<'a> Definitions<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, config: &'a ChannelConfig) -> Self {
        Self { snapshot, config, found: Mutex::default() }
    }

    /// The state that they are read from.
    pub(super) fn snapshot(&self) -> &Snapshot {
        self.snapshot
    }

    /// The definition of a namespace. A namespace without one makes a transaction invalid.
    pub(super) fn get(&self, namespace: &str) -> Result<Arc<Definition>, Trouble> {
        let known = || self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let cached = known().get(namespace).cloned();
        let found = match cached {
            Some(found) => found,
            None => {
                let found = self.look_up(namespace)?.map(Arc::new);
                known().insert(namespace.to_owned(), found.clone());
                found
            }
        };
        found.map_err(|reason| Invalid::new(TxValidationCode::InvalidChaincode, reason).into())
    }

    /// The endorsement policy of a collection; None if the chaincode's counts (Fabric:
    /// `CollectionValidationInfo`).
    pub(super) fn collection_policy(
        &self,
        definition: &Definition,
        collection: &str,
    ) -> Result<Option<Vec<u8>>, Invalid> {
        let Collections::Named(policies) = &definition.collections else { return Ok(None) };
        let reason = match implicit_org(collection) {
            Some(msp_id) => match self.implicit_collection_policy(msp_id) {
                Some(policy) => return Ok(Some(policy)),
                None => format!("no org found in channel with MSPID '{msp_id}'"),
            },
            None => match policies.get(collection) {
                Some(policy) => return Ok(policy.clone()),
                None => format!("no such collection '{collection}'"),
            },
        };
        Err(Invalid::new(TxValidationCode::EndorsementPolicyFailure, reason))
    }

    fn implicit_collection_policy(&self, msp_id: &str) -> Option<Vec<u8>> {
        let org = self.config.application_orgs().iter().find(|org| org.msp_id == msp_id)?;
        let name = format!("/Channel/Application/{}/Endorsement", org.name);
        Some(match self.config.policies().get(&name) {
            Some(_) => reference(&name),
            None => signature_policy(SignaturePolicy::any_member([msp_id])),
        })
    }

    fn look_up(&self, namespace: &str) -> Result<Result<Definition, String>, CommitError> {
        let system = |policy, collections| {
            let (plugin, version) = (DEFAULT_PLUGIN.to_owned(), None);
            Ok(Ok(Definition { plugin, policy, version, collections }))
        };
        match namespace {
            LIFECYCLE => system(self.lifecycle_policy(), Collections::Named(BTreeMap::new())),
            LSCC => {
                let policy = SignaturePolicy::any_member(self.msp_ids());
                system(signature_policy(policy), Collections::Legacy)
            }
            _ => match self.defined_by_lifecycle(namespace)? {
                Some(found) => Ok(found),
                None => self.defined_by_lscc(namespace),
            },
        }
    }

    /// Fabric: `Resources.LifecycleEndorsementPolicyAsBytes`.
    fn lifecycle_policy(&self) -> Vec<u8> {
        if self.config.policies().get(LIFECYCLE_POLICY).is_some() {
            return reference(LIFECYCLE_POLICY);
        }
        let mut members = SignaturePolicy::any_member(self.msp_ids());
        let majority = i32::try_from(members.identities.len() / 2 + 1).unwrap_or(i32::MAX);
        if let Some(Rule::NOutOf(gate)) =
            members.rule.as_mut().and_then(|rule| rule.r#type.as_mut())
        {
            gate.n = majority;
        }
        signature_policy(members)
    }

    fn msp_ids(&self) -> impl Iterator<Item = &'a str> {
        self.config.application_orgs().iter().map(|org| org.msp_id.as_str())
    }

    /// Fabric: `Resources.ChaincodeDefinitionIfDefined`. None if `_lifecycle` does not know the
    /// name.
    fn defined_by_lifecycle(
        &self,
        namespace: &str,
    ) -> Result<Option<Result<Definition, String>>, CommitError> {
        let unusable = |error: ReadError<LedgerError>| match error {
            ReadError::State { error, .. } => CommitError::Ledger(error),
            ReadError::Damaged(reason) => {
                CommitError::Definition { namespace: namespace.to_owned(), reason }
            }
        };
        let mut state = |key: &str| {
            let found = self.snapshot.get(LIFECYCLE, key)?;
            Ok::<_, LedgerError>(found.map(|found| found.value))
        };
        let found = Fields::of_chaincode(namespace, &mut state).map_err(unusable)?;
        let Some(mut fields) = found else { return Ok(None) };
        let info = fields.validation_info().map_err(unusable)?;
        let package = fields.collections().map_err(unusable)?;
        if info.validation_plugin.is_empty() && info.validation_parameter.is_empty() {
            // Fabric takes this for a chaincode that only LSCC may know.
            return Ok(None);
        }
        let collections = package.config.into_iter().filter_map(|config| {
            let Collection::StaticCollectionConfig(collection) = config.payload?;
            let policy = collection.endorsement_policy.map(|policy| policy.encode_to_vec());
            Some((collection.name, policy))
        });
        let collections = Collections::Named(collections.collect());
        let ChaincodeValidationInfo { validation_plugin, validation_parameter } = info;
        Ok(Some(complete(namespace, validation_plugin, validation_parameter, collections)))
    }

    /// Fabric: `lscc.SCC.ValidationInfo`.
    fn defined_by_lscc(&self, namespace: &str) -> Result<Result<Definition, String>, CommitError> {
        let Some(stored) = self.snapshot.get(LSCC, namespace)? else {
            return Ok(Err(format!("chaincode {namespace} not found")));
        };
        let data = ChaincodeData::decode(stored.value.as_slice()).map_err(|error| {
            let reason = format!("chaincode {namespace} has bad definition: {error}");
            CommitError::Definition { namespace: namespace.to_owned(), reason }
        })?;
        // A policy that does not parse is passed on as it is: whoever evaluates it will refuse.
        let policy = match wrap(&data.policy) {
            Some(policy) => policy,
            None => data.policy,
        };
        let definition = complete(namespace, data.vscc, policy, Collections::Legacy);
        Ok(definition.map(|found| Definition { version: Some(data.version), ..found }))
    }
}

fn complete(
    namespace: &str,
    plugin: String,
    policy: Vec<u8>,
    collections: Collections,
) -> Result<Definition, String> {
    let missing = match (plugin.is_empty(), policy.is_empty()) {
        (true, _) => "plugin",
        (_, true) => "policy",
        _ => return Ok(Definition { plugin, policy, version: None, collections }),
    };
    Err(format!("chaincode definition for [{namespace}] is invalid, {missing} field must be set"))
}

/// The application policy for a serialized signature policy; None if that does not parse or is
/// empty.
pub(super) fn wrap(policy: &[u8]) -> Option<Vec<u8>> {
    if policy.is_empty() {
        return None;
    }
    SignaturePolicyEnvelope::decode(policy).ok().map(signature_policy)
}

fn signature_policy(policy: SignaturePolicyEnvelope) -> Vec<u8> {
    ApplicationPolicy { r#type: Some(PolicyType::SignaturePolicy(policy)) }.encode_to_vec()
}

fn reference(name: &str) -> Vec<u8> {
    let reference = PolicyType::ChannelConfigPolicyReference(name.to_owned());
    ApplicationPolicy { r#type: Some(reference) }.encode_to_vec()
}
