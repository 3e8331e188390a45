//! The channel's definition of a chaincode of the mock ledger: policy and collections.
//!
//! Does not check everything that a peer checks in a definition: only what this ledger uses.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::identity::ClientIdentity;
use crate::policy::Policy;
use crate::testing::rich::Path;
use crate::{Error, Result};

/// A chaincode's definition; nothing is required by default.
#[derive(Clone, Default)]
pub(super) struct Definition {
    pub(super) policy: Option<Policy>,
    /// None: every collection name is valid, and every client may use it.
    pub(super) collections: Option<BTreeMap<String, Collection>>,
    /// Fields of the indexes for rich queries.
    pub(super) indexes: Vec<Vec<Path>>,
}

/// Fabric's JSON of a collection.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Collection {
    name: String,
    policy: String,
    #[serde(default)]
    member_only_read: bool,
    #[serde(default)]
    member_only_write: bool,
    /// The number of blocks after its own during which a value still exists; 0: unlimited.
    #[serde(default)]
    block_to_live: u64,
    #[serde(default)]
    endorsement_policy: Option<EndorsementPolicy>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EndorsementPolicy {
    #[serde(default)]
    signature_policy: Option<String>,
    /// Unsupported: this ledger has no channel configuration.
    #[serde(default)]
    channel_config_policy: Option<String>,
}

/// How a collection is used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Read,
    Write,
    Hash,
}

impl Definition {
    /// Sets the collections from Fabric's JSON.
    pub(super) fn set_collections(&mut self, json: &str) -> Result<()> {
        let collections: Vec<Collection> = serde_json::from_str(json)
            .map_err(|error| Error::bad_request(format!("the collections: {error}")))?;
        for collection in &collections {
            if let Some(policy) = collection.channel_policy() {
                return Err(Error::bad_request(format!(
                    "collection {}: the mock ledger has no channelConfigPolicy {policy}; give it a \
                     signaturePolicy",
                    collection.name
                )));
            }
            let policies = [Some(&collection.policy), collection.own_policy()];
            for policy in policies.into_iter().flatten() {
                policy.parse::<Policy>()?;
            }
        }
        let named = collections.into_iter().map(|collection| (collection.name.clone(), collection));
        self.collections = Some(named.collect());
        Ok(())
    }

    /// Returns the last block in which a value of `block` exists; None if it does not expire.
    pub(super) fn last_block(&self, collection: &str, block: u64) -> Option<u64> {
        let blocks = self.collections.as_ref()?.get(collection)?.block_to_live;
        (blocks > 0).then(|| block.saturating_add(blocks))
    }

    /// Returns true if the peers of an organization are members of a collection.
    pub(super) fn is_held_by(&self, collection: &str, msp_id: &str) -> bool {
        let collection = self.collections.as_ref().and_then(|all| all.get(collection));
        collection.is_none_or(|collection| {
            let members = collection.policy.parse::<Policy>();
            members.is_ok_and(|members| members.is_satisfied_by(&[msp_id.to_owned()].into()))
        })
    }

    /// Returns true if the values of any collection expire.
    pub(super) fn has_expiries(&self) -> bool {
        let mut all = self.collections.iter().flat_map(BTreeMap::values);
        all.any(|collection| collection.block_to_live > 0)
    }

    /// Returns the endorsement policy of keys without a policy of their own.
    pub(super) fn policy_of(&self, collection: &str) -> Option<Policy> {
        let own = self.collections.as_ref().and_then(|all| all.get(collection));
        let own = own.and_then(Collection::own_policy).and_then(|policy| policy.parse().ok());
        own.or_else(|| self.policy.clone())
    }
}

impl Collection {
    fn own_policy(&self) -> Option<&String> {
        self.endorsement_policy.as_ref()?.signature_policy.as_ref()
    }

    fn channel_policy(&self) -> Option<&String> {
        self.endorsement_policy.as_ref()?.channel_config_policy.as_ref()
    }

    /// Returns true if a client may use the collection like this. Every client may read hashes.
    pub(super) fn permits(&self, wanted: Use, client: &ClientIdentity) -> bool {
        let is_restricted = match wanted {
            Use::Read => self.member_only_read,
            Use::Write => self.member_only_write,
            Use::Hash => false,
        };
        let is_member = || {
            let policy = self.policy.parse::<Policy>();
            policy.is_ok_and(|policy| policy.is_satisfied_by_client(client.msp_id()))
        };
        !is_restricted || is_member()
    }
}
