//! Determines the policies that the endorsements of a transaction must satisfy for one namespace.
//! Fabric: `core/common/validation/statebased/v13.go` (`Evaluate`, `checkSBAndCCEP`) and `v20.go`.
//!
//! Invariant: chooses policies, does not evaluate them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use crate::definitions::{BlockDefinitions, NamespaceDefinition, wrap};
use crate::verdict::{Invalid, Trouble};
use wasmcc_ledger::{NsRwSet, StateReader, VersionedValue};
use wasmcc_types::proto::protos::TxValidationCode;
use wasmcc_types::{VALIDATION_PARAMETER, hex};

/// Limit on the bytes of all policies of the keys that one transaction writes, counting each policy
/// once: all are read, parsed and evaluated for it.
const MAX_POLICY_BYTES: usize = 4 << 20;

/// Serialized `protos.ApplicationPolicy`s, all of which must be satisfied, each with the first item
/// that it protects.
pub(crate) type Policies = BTreeMap<Vec<u8>, Protected>;

/// The item that a policy protects, human-readable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Protected {
    /// Keys and collections of the chaincode without a policy of their own.
    Chaincode,
    /// One key.
    Key(String),
    /// Keys of a collection without a policy of their own.
    Collection(String),
    /// One private key: the collection, and the hash of the key.
    PrivateKey(String, Vec<u8>),
}

impl Protected {
    /// Formats it with the chaincode's name.
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

/// The policies found so far.
struct Found<'a> {
    namespace: &'a str,
    policies: Policies,
    /// Bytes that further policies may have.
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
                    "{}: the endorsement policies of all keys that the transaction writes \
                     have together more than {MAX_POLICY_BYTES} bytes",
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

/// Returns for each written key its own policy, else its collection's, else the chaincode's. Adds
/// the chaincode's policy if nothing is written.
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

/// Returns the policy of a key; None if it has none or does not exist.
///
/// A chaincode can set any bytes. On Fabric, metadata or a policy that does not parse stops the
/// channel at the next write of the key; here the policy cannot be satisfied.
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
