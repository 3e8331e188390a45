//! Which policies the endorsements of a transaction have to satisfy for one namespace. Fabric:
//! `core/common/validation/statebased/v13.go` (`Evaluate`, `checkSBAndCCEP`) and `v20.go`.
//!
//! Invariant: chooses policies, does not evaluate them.

use std::collections::BTreeSet;

use crate::committer::definitions::{Definition, Definitions, wrap};
use crate::committer::verdict::{Invalid, Trouble};
use crate::ledger::{NsRwSet, VersionedValue};
use crate::proto::protos::TxValidationCode;

/// Name of the metadata that holds the endorsement policy of a key.
const VALIDATION_PARAMETER: &str = "VALIDATION_PARAMETER";

/// Serialized `protos.ApplicationPolicy`s, all of which count.
pub(super) type Policies = BTreeSet<Vec<u8>>;

/// For each key that is written: the key's own policy, else its collection's, else the chaincode's.
/// The chaincode's, too, if nothing is written.
pub(super) fn required_policies(
    namespace: &str,
    written: Option<&NsRwSet>,
    definition: &Definition,
    definitions: &Definitions<'_>,
) -> Result<Policies, Trouble> {
    let mut policies = Policies::new();
    if let Some(ns) = written {
        let mut needs_general_policy = false;
        let writes = ns.writes.iter().map(|write| &write.key);
        for key in writes.chain(ns.metadata_writes.iter().map(|write| &write.key)) {
            match key_policy(definitions.snapshot().get(namespace, key)?)? {
                Some(policy) => _ = policies.insert(policy),
                None => needs_general_policy = true,
            }
        }
        if needs_general_policy {
            policies.insert(definition.policy.clone());
        }
        add_collections(&mut policies, namespace, ns, definition, definitions)?;
    }
    if policies.is_empty() {
        policies.insert(definition.policy.clone());
    }
    Ok(policies)
}

fn add_collections(
    policies: &mut Policies,
    namespace: &str,
    ns: &NsRwSet,
    definition: &Definition,
    definitions: &Definitions<'_>,
) -> Result<(), Trouble> {
    for (collection, set) in &ns.collections {
        let mut needs_general_policy = false;
        let writes = set.writes.iter().map(|write| &write.key_hash);
        for hash in writes.chain(set.metadata_writes.iter().map(|write| &write.key_hash)) {
            match key_policy(definitions.snapshot().get_hashed(namespace, collection, hash)?)? {
                Some(policy) => _ = policies.insert(policy),
                None => needs_general_policy = true,
            }
        }
        if needs_general_policy {
            let own = definitions.collection_policy(definition, collection)?;
            policies.insert(own.unwrap_or_else(|| definition.policy.clone()));
        }
    }
    Ok(())
}

/// The policy of a key; None if it has none or does not exist.
///
/// A chaincode can set any bytes. On Fabric a policy that does not parse stops the channel at the
/// next write of its key; here it is one that nobody can satisfy.
fn key_policy(stored: Option<VersionedValue>) -> Result<Option<Vec<u8>>, Trouble> {
    let Some(stored) = stored.filter(|stored| !stored.metadata_bytes.is_empty()) else {
        return Ok(None);
    };
    let metadata = stored.metadata()?;
    let Some(policy) = metadata.get(VALIDATION_PARAMETER).filter(|policy| !policy.is_empty())
    else {
        return Ok(None);
    };
    wrap(policy).map(Some).ok_or_else(|| {
        let reason = "the endorsement policy of a key does not parse";
        Invalid::new(TxValidationCode::EndorsementPolicyFailure, reason).into()
    })
}
