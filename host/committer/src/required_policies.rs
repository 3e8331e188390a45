//! Which policies the endorsements of a transaction have to satisfy for one namespace. Fabric:
//! `core/common/validation/statebased/v13.go` (`Evaluate`, `checkSBAndCCEP`) and `v20.go`.
//!
//! Invariant: chooses policies, does not evaluate them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use crate::definitions::{BlockDefinitions, NamespaceDefinition, wrap};
use crate::verdict::{Invalid, Trouble};
use wasmcc_ledger::{NsRwSet, StateReader, VersionedValue};
use wasmcc_types::hex;
use wasmcc_types::proto::protos::TxValidationCode;

/// Name of the metadata that holds the endorsement policy of a key.
const VALIDATION_PARAMETER: &str = "VALIDATION_PARAMETER";

/// Most bytes that the policies of the keys which one transaction writes have together, each policy
/// counted once: they are all read, parsed and evaluated for it.
const MAX_POLICY_BYTES: usize = 4 << 20;

/// Serialized `protos.ApplicationPolicy`s, all of which count, and the first thing that each
/// protects.
pub(crate) type Policies = BTreeMap<Vec<u8>, Protected>;

/// What a policy protects, human-readable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Protected {
    /// What has no policy of its own.
    Chaincode,
    /// One key.
    Key(String),
    /// What of a collection has no policy of its own.
    Collection(String),
    /// One private key: its collection, and its hash.
    PrivateKey(String, Vec<u8>),
}

impl Protected {
    /// With the chaincode's name.
    pub(crate) fn of<'a>(&'a self, namespace: &'a str) -> impl fmt::Display + 'a {
        fmt::from_fn(move |f| match self {
            Self::Chaincode => write!(f, "chaincode {namespace}"),
            Self::Key(key) => write!(f, "key {key:?} of {namespace}"),
            Self::Collection(collection) => write!(f, "collection {namespace}/{collection}"),
            Self::PrivateKey(collection, hash) => {
                write!(f, "the private key of {namespace}/{collection} with hash {}", hex(hash))
            }
        })
    }
}

/// The policies that were found so far.
struct Found<'a> {
    namespace: &'a str,
    policies: Policies,
    /// Bytes that further ones may have.
    room: usize,
}

impl Found<'_> {
    fn add(
        &mut self,
        policy: Vec<u8>,
        protected: impl FnOnce() -> Protected,
    ) -> Result<(), Invalid> {
        if let Entry::Vacant(entry) = self.policies.entry(policy) {
            let Some(room) = self.room.checked_sub(entry.key().len()) else {
                let reason = format!(
                    "{}: with its endorsement policy, those of all keys that the transaction \
                     writes have more than {MAX_POLICY_BYTES} bytes",
                    protected().of(self.namespace)
                );
                return Err(Invalid::new(TxValidationCode::EndorsementPolicyFailure, reason));
            };
            self.room = room;
            entry.insert(protected());
        }
        Ok(())
    }
}

/// For each key that is written: the key's own policy, else its collection's, else the chaincode's.
/// The chaincode's, too, if nothing is written.
pub(crate) fn required_policies(
    namespace: &str,
    written: Option<&NsRwSet>,
    definition: &NamespaceDefinition,
    definitions: &BlockDefinitions,
    state: &mut StateReader<'_>,
) -> Result<Policies, Trouble> {
    let mut found = Found { namespace, policies: Policies::new(), room: MAX_POLICY_BYTES };
    if let Some(ns) = written.filter(|_| definitions.has_key_policies()) {
        let mut needs_general_policy = false;
        let writes = ns.writes.iter().map(|write| &write.key);
        for key in writes.chain(ns.metadata_writes.iter().map(|write| &write.key)) {
            let protected = || Protected::Key(key.clone());
            match key_policy(state.get(namespace, key)?, namespace, protected)? {
                Some(policy) => found.add(policy, protected)?,
                None => needs_general_policy = true,
            }
        }
        if needs_general_policy {
            found.add(definition.policy.clone(), || Protected::Chaincode)?;
        }
        add_collections(&mut found, ns, definition, definitions, state)?;
    }
    if found.policies.is_empty() {
        found.add(definition.policy.clone(), || Protected::Chaincode)?;
    }
    Ok(found.policies)
}

fn add_collections(
    found: &mut Found<'_>,
    ns: &NsRwSet,
    definition: &NamespaceDefinition,
    definitions: &BlockDefinitions,
    state: &mut StateReader<'_>,
) -> Result<(), Trouble> {
    let namespace = found.namespace;
    for (collection, set) in &ns.collections {
        let mut needs_general_policy = false;
        let writes = set.writes.iter().map(|write| &write.key_hash);
        for hash in writes.chain(set.metadata_writes.iter().map(|write| &write.key_hash)) {
            let stored = state.get_hashed(namespace, collection, hash)?;
            let protected = || Protected::PrivateKey(collection.clone(), hash.clone());
            match key_policy(stored, namespace, protected)? {
                Some(policy) => found.add(policy, protected)?,
                None => needs_general_policy = true,
            }
        }
        if needs_general_policy {
            let own = definitions.collection_policy(definition, collection);
            let own = own.map_err(|invalid| invalid.about(namespace))?;
            let policy = own.unwrap_or_else(|| definition.policy.clone());
            found.add(policy, || Protected::Collection(collection.clone()))?;
        }
    }
    Ok(())
}

/// The policy of a key; None if it has none or does not exist.
///
/// A chaincode can set any bytes. On Fabric metadata or a policy that do not parse stop the channel
/// at the next write of their key; here it is a policy that cannot be satisfied.
fn key_policy(
    stored: Option<&VersionedValue>,
    namespace: &str,
    protected: impl FnOnce() -> Protected,
) -> Result<Option<Vec<u8>>, Invalid> {
    let Some(stored) = stored.filter(|stored| !stored.metadata_bytes.is_empty()) else {
        return Ok(None);
    };
    let refuse = |what| {
        let protected = protected();
        let reason = format!("{}: its {what} does not parse", protected.of(namespace));
        Invalid::new(TxValidationCode::EndorsementPolicyFailure, reason)
    };
    let Ok(metadata) = stored.metadata() else { return Err(refuse("metadata")) };
    let Some(policy) = metadata.get(VALIDATION_PARAMETER).filter(|policy| !policy.is_empty())
    else {
        return Ok(None);
    };
    wrap(policy).map(Some).ok_or_else(|| refuse("endorsement policy"))
}
