//! Looks up the endorsement policies of namespaces in the committed state. Fabric:
//! `core/chaincode/lifecycle/deployedcc_infoprovider.go`, `core/scc/lscc/lscc.go`
//! (`ValidationInfo`), and `txvalidator/v20/valinforetriever/shim.go`, which combines the two.
//!
//! Invariant: uses one height of the state and one configuration; a block never sees its own
//! definitions.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use prost::Message;

use crate::verdict::{Invalid, Trouble};
use wasmcc_channel::definition::{Fields, LsccName, ReadError, Validator, implicit_org};
use wasmcc_ledger::{LedgerError, Snapshot};
use wasmcc_msp::{ChannelConfig, SignaturePolicy};
use wasmcc_types::proto::common::SignaturePolicyEnvelope;
use wasmcc_types::proto::common::signature_policy::Type as Rule;
use wasmcc_types::proto::lifecycle::ChaincodeValidationInfo;
use wasmcc_types::proto::protos::application_policy::Type as PolicyType;
use wasmcc_types::proto::protos::collection_config::Payload as Collection;
use wasmcc_types::proto::protos::{ApplicationPolicy, ChaincodeData, TxValidationCode};
use wasmcc_types::{CSCC, LIFECYCLE, LSCC, QSCC};

const LIFECYCLE_POLICY: &str = "/Channel/Application/LifecycleEndorsement";

/// The validation rules of one namespace.
#[derive(Debug)]
pub(crate) struct NamespaceDefinition {
    /// The validation plugin, usually `vscc`; see [`validator`](Self::validator).
    plugin: String,
    /// A serialized `protos.ApplicationPolicy`.
    pub(crate) policy: Vec<u8>,
    /// The version that LSCC runs; None for system chaincodes and definitions of `_lifecycle`.
    pub(crate) version: Option<String>,
    collections: Collections,
}

impl NamespaceDefinition {
    /// Returns the validation plugin. A definition can name one that no peer has. Fabric then stops
    /// the channel at the first transaction that needs it; the code here is the one that Fabric
    /// holds at that point (`plugindispatcher/plugin_validator.go`, `ValidateWithPlugin`;
    /// `dispatcher.go`).
    pub(crate) fn validator(&self) -> Result<Validator, Invalid> {
        Validator::named(&self.plugin).ok_or_else(|| {
            let name = &self.plugin;
            let reason = format!(
                "plugin with name {name} couldn't be used: plugin with name {name} wasn't found"
            );
            Invalid::new(TxValidationCode::InvalidOtherReason, reason)
        })
    }

    /// Fabric: `getCDataForCC`.
    fn complete(self, namespace: &str) -> Result<Self, UnusableDefinition> {
        let missing = match (self.plugin.is_empty(), self.policy.is_empty()) {
            (true, _) => "plugin",
            (_, true) => "policy",
            _ => return Ok(self),
        };
        Err(UnusableDefinition::Incomplete { name: namespace.to_owned(), missing })
    }
}

#[derive(Debug)]
enum Collections {
    /// Collections without policies of their own: the chaincode was instantiated by LSCC.
    Legacy,
    /// The endorsement policy of each collection, if it has one.
    Named(BTreeMap<String, Option<Vec<u8>>>),
}

/// The definitions that a block needs; each is looked up only once.
pub(crate) struct BlockDefinitions {
    snapshot: Snapshot,
    config: Arc<ChannelConfig>,
    found: Arc<Definitions>,
}

/// By namespace.
type Definitions = Mutex<BTreeMap<String, FoundDefinition<Arc<NamespaceDefinition>>>>;

/// Caches the definitions of the last blocks of a channel for the next one. They stay valid until a
/// block changes the namespaces that hold them, or the configuration.
#[derive(Default)]
pub(crate) struct KeptDefinitions {
    last: Mutex<Option<Kept>>,
}

struct Kept {
    /// The lowest height that has the same definitions.
    since: u64,
    config: Arc<ChannelConfig>,
    found: Arc<Definitions>,
}

/// Limit on the cached namespaces. Clients can name any.
const MAX_KEPT: usize = 1_000;

impl KeptDefinitions {
    /// Returns the definitions at the height of a snapshot.
    pub(crate) fn at(&self, snapshot: Snapshot, config: Arc<ChannelConfig>) -> BlockDefinitions {
        let since = snapshot.unchanged_since([LIFECYCLE, LSCC]);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = |kept: &&Kept| {
            let count = kept.found.lock().unwrap_or_else(PoisonError::into_inner).len();
            kept.since == since && Arc::ptr_eq(&kept.config, &config) && count < MAX_KEPT
        };
        let found = match last.as_ref().filter(is_same) {
            Some(kept) => Arc::clone(&kept.found),
            None => {
                let (config, found) = (Arc::clone(&config), Arc::default());
                Arc::clone(&last.insert(Kept { since, config, found }).found)
            }
        };
        BlockDefinitions { snapshot, config, found }
    }
}

/// Why a namespace has no usable definition. The texts are Fabric's.
#[derive(Clone, Debug, thiserror::Error)]
enum UnusableDefinition {
    /// The namespace of the channel's configuration, which cannot belong to a chaincode.
    #[error("the namespace of the channel does not belong to a chaincode")]
    OfTheChannel,
    #[error("chaincode {name} not found")]
    NotFound { name: String },
    #[error("chaincode {name} has bad definition: {reason}")]
    Bad { name: String, reason: String },
    #[error("chaincode definition for [{name}] is invalid, {missing} field must be set")]
    Incomplete { name: String, missing: &'static str },
}

/// A definition, or the reason why it is missing or unusable.
type FoundDefinition<D> = Result<D, UnusableDefinition>;

impl BlockDefinitions {
    pub(crate) fn new(snapshot: Snapshot, config: Arc<ChannelConfig>) -> Self {
        Self { snapshot, config, found: Arc::default() }
    }

    /// The configuration in force.
    pub(crate) fn config(&self) -> &Arc<ChannelConfig> {
        &self.config
    }

    /// True if keys may have endorsement policies of their own.
    pub(crate) fn has_key_policies(&self) -> bool {
        self.config.capabilities().v1_3
    }

    /// The state from which the definitions are read.
    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Returns the definition of a namespace. A missing or unreadable definition makes a
    /// transaction invalid.
    pub(crate) fn get(&self, namespace: &str) -> Result<Arc<NamespaceDefinition>, Trouble> {
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
        found.map_err(|reason| {
            Invalid::new(TxValidationCode::InvalidChaincode, reason.to_string()).into()
        })
    }

    /// Returns the endorsement policy of a collection; None if the chaincode's policy applies
    /// (Fabric: `CollectionValidationInfo`).
    pub(crate) fn collection_policy(
        &self,
        definition: &NamespaceDefinition,
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

    fn look_up(
        &self,
        namespace: &str,
    ) -> Result<FoundDefinition<NamespaceDefinition>, LedgerError> {
        let system = |policy, collections| {
            let (plugin, version) = (Validator::Vscc.name().to_owned(), None);
            Ok(Ok(NamespaceDefinition { plugin, policy, version, collections }))
        };
        let any_member = || {
            let policy = SignaturePolicy::any_member(self.msp_ids());
            system(signature_policy(policy), Collections::Legacy)
        };
        match namespace {
            "" => Ok(Err(UnusableDefinition::OfTheChannel)),
            LIFECYCLE if self.config.capabilities().v2_0 => {
                system(self.lifecycle_policy(), Collections::Named(BTreeMap::new()))
            }
            LSCC => any_member(),
            QSCC | CSCC if !self.config.capabilities().v2_0 => any_member(),
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

    fn msp_ids(&self) -> impl Iterator<Item = &str> {
        self.config.application_orgs().iter().map(|org| org.msp_id.as_str())
    }

    /// Fabric: `Resources.ChaincodeDefinitionIfDefined`. None if `_lifecycle` does not define the
    /// name. If a definition cannot be read, Fabric stops the channel; the code that it holds at
    /// that point is INVALID_CHAINCODE (`dispatcher.go`, `GetInfoForValidate`).
    fn defined_by_lifecycle(
        &self,
        namespace: &str,
    ) -> Result<Option<FoundDefinition<NamespaceDefinition>>, LedgerError> {
        match self.read_lifecycle(namespace) {
            Ok(found) => Ok(found.map(|found| found.complete(namespace))),
            Err(ReadError::State { error, .. }) => Err(error),
            Err(ReadError::Damaged(reason)) => Ok(Some(Err(unusable(namespace, &reason)))),
        }
    }

    fn read_lifecycle(
        &self,
        namespace: &str,
    ) -> Result<Option<NamespaceDefinition>, ReadError<LedgerError>> {
        let mut state = |key: &str| {
            let found = self.snapshot.get(LIFECYCLE, key)?;
            Ok::<_, LedgerError>(found.map(|found| found.value))
        };
        let Some(mut fields) = Fields::of_chaincode(namespace, &mut state)? else {
            return Ok(None);
        };
        let info = fields.validation_info()?;
        let package = fields.collections()?;
        if info.validation_plugin.is_empty() && info.validation_parameter.is_empty() {
            // Fabric then looks for a chaincode of LSCC.
            return Ok(None);
        }
        // If two collections have one name, the first one is used. An empty policy counts as none.
        let collections = package.config.into_iter().rev().filter_map(|config| {
            let Collection::StaticCollectionConfig(collection) = config.payload?;
            let policy = collection.endorsement_policy.map(|policy| policy.encode_to_vec());
            Some((collection.name, policy.filter(|policy| !policy.is_empty())))
        });
        let collections = Collections::Named(collections.collect());
        let ChaincodeValidationInfo { validation_plugin, validation_parameter } = info;
        let (plugin, policy) = (validation_plugin, validation_parameter);
        Ok(Some(NamespaceDefinition { plugin, policy, version: None, collections }))
    }

    /// Fabric: `lscc.SCC.ValidationInfo`.
    fn defined_by_lscc(
        &self,
        namespace: &str,
    ) -> Result<FoundDefinition<NamespaceDefinition>, LedgerError> {
        let stored = match LsccName::new(namespace) {
            Some(name) => self.snapshot.get(LSCC, name.definition_key())?,
            None => None,
        };
        let Some(stored) = stored else {
            return Ok(Err(UnusableDefinition::NotFound { name: namespace.to_owned() }));
        };
        let data = match ChaincodeData::decode(stored.value.as_slice()) {
            Ok(data) => data,
            Err(error) => return Ok(Err(unusable(namespace, &error))),
        };
        // Keeps a policy that does not parse; its evaluation fails.
        let policy = match wrap(&data.policy) {
            Some(policy) => policy,
            None => data.policy,
        };
        let (plugin, version, collections) = (data.vscc, Some(data.version), Collections::Legacy);
        Ok(NamespaceDefinition { plugin, policy, version, collections }.complete(namespace))
    }
}

fn unusable(namespace: &str, reason: &dyn std::fmt::Display) -> UnusableDefinition {
    UnusableDefinition::Bad { name: namespace.to_owned(), reason: reason.to_string() }
}

/// Returns the application policy for a serialized signature policy; None if it is empty or does
/// not parse.
pub(crate) fn wrap(policy: &[u8]) -> Option<Vec<u8>> {
    if policy.is_empty() {
        return None;
    }
    SignaturePolicyEnvelope::decode(policy).ok().map(signature_policy)
}

/// Returns the application policy for a signature policy.
pub(crate) fn signature_policy(policy: SignaturePolicyEnvelope) -> Vec<u8> {
    ApplicationPolicy { r#type: Some(PolicyType::SignaturePolicy(policy)) }.encode_to_vec()
}

fn reference(name: &str) -> Vec<u8> {
    let reference = PolicyType::ChannelConfigPolicyReference(name.to_owned());
    ApplicationPolicy { r#type: Some(reference) }.encode_to_vec()
}
