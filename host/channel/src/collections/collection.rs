//! One collection (fabric `core/common/privdata/simplecollection.go`, `store.go`).

use std::collections::BTreeSet;
use std::sync::Arc;

use prost::Message;

use crate::collections::error::UnusableCollection;
use crate::definition::implicit_collection;
use wasmcc_msp::{Identity, MspManager, SignaturePolicy};
use wasmcc_types::Permission;
use wasmcc_types::proto::common::msp_principal::Classification;
use wasmcc_types::proto::common::{MspRole, OrganizationUnit};
use wasmcc_types::proto::protos::StaticCollectionConfig;
use wasmcc_types::proto::protos::collection_policy_config::Payload as PolicyPayload;

/// A collection's configuration with a compiled member policy.
#[derive(Clone, Debug)]
pub struct Collection {
    config: StaticCollectionConfig,
    members: SignaturePolicy,
}

impl Collection {
    /// Compiles a configuration from a definition.
    pub fn new(config: StaticCollectionConfig) -> Result<Self, UnusableCollection> {
        let policy = config.member_orgs_policy.as_ref().ok_or(UnusableCollection::NoPolicy)?;
        let Some(PolicyPayload::SignaturePolicy(envelope)) = &policy.payload else {
            return Err(UnusableCollection::EmptyPolicy);
        };
        let members =
            SignaturePolicy::from_envelope(envelope).map_err(UnusableCollection::Policy)?;
        Ok(Self { config, members })
    }

    /// The implicit collection of an organization.
    pub fn implicit(msp_id: &str) -> StaticCollectionConfig {
        let policy = PolicyPayload::SignaturePolicy(SignaturePolicy::any_member([msp_id]));
        StaticCollectionConfig {
            name: implicit_collection(msp_id),
            member_orgs_policy: Some(wasmcc_types::proto::protos::CollectionPolicyConfig {
                payload: Some(policy),
            }),
            ..Default::default()
        }
    }

    /// The configuration.
    pub fn config(&self) -> &StaticCollectionConfig {
        &self.config
    }

    /// True if an identity, a client's or a peer's, is a member.
    pub fn has_member(&self, identity: &Arc<Identity>) -> bool {
        self.members.evaluate_identities(std::slice::from_ref(identity)).is_ok()
    }

    /// Returns the organizations in the member policy. Skips principals that do not parse.
    pub fn member_orgs(&self, msps: &MspManager) -> BTreeSet<String> {
        let principals = self.members.envelope().identities.iter();
        let org = |principal: &wasmcc_types::proto::common::MspPrincipal| {
            let bytes = principal.principal.as_slice();
            match principal.principal_classification() {
                Classification::Role => Some(MspRole::decode(bytes).ok()?.msp_identifier),
                Classification::OrganizationUnit => {
                    Some(OrganizationUnit::decode(bytes).ok()?.msp_identifier)
                }
                Classification::Identity => Some(msps.deserialize(bytes).ok()?.msp_id().to_owned()),
                _ => None,
            }
        };
        principals.filter_map(org).collect()
    }

    /// Returns the permission of a transaction's creator; `creator` is None if its identity is not
    /// valid on the channel (fabric `SimpleCollectionStore.RetrieveReadWritePermission`).
    pub fn permission(&self, creator: Option<&Arc<Identity>>) -> Permission {
        let StaticCollectionConfig { member_only_read, member_only_write, .. } = self.config;
        let is_open = !member_only_read && !member_only_write;
        if is_open || creator.is_some_and(|creator| self.has_member(creator)) {
            return Permission { read: true, write: true };
        }
        Permission { read: !member_only_read, write: !member_only_write }
    }
}
