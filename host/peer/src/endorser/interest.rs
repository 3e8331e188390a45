//! Computes the endorsement policies that apply to a simulation, for clients that look for
//! endorsers (fabric `core/endorser/endorser.go`, `buildChaincodeInterest`).
//!
//! Fabric iterates over maps in random order; here the order is that of names.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;

use crate::endorser::not_executed::InterestError;
use wasmcc_ledger::{LedgerError, Metadata, NsRwSet, SimulationResults, Snapshot};
use wasmcc_types::VALIDATION_PARAMETER;
use wasmcc_types::proto::common::SignaturePolicyEnvelope;
use wasmcc_types::proto::protos;

/// The policies that apply to one namespace.
#[derive(Default)]
struct Needed {
    /// True if its own policy applies.
    namespace: bool,
    /// The collections whose policies apply.
    collections: BTreeSet<String>,
    /// The policies of single keys that are written.
    keys: Vec<SignaturePolicyEnvelope>,
}

/// Returns the interest. `state`, which the simulation read, has the policies of written keys.
pub(super) fn interest(
    results: &SimulationResults,
    state: &Snapshot,
    is_system: impl Fn(&str) -> bool,
) -> Result<protos::ChaincodeInterest, InterestError> {
    let mut chaincodes = Vec::new();
    let namespaces = &results.public.namespaces;
    for (name, set) in namespaces.iter().filter(|(name, _)| !is_system(name)) {
        let mut needed = written(name, (results, set), state)?;
        let reads = results.private_reads.iter().filter(|(ns, _)| ns == name);
        let reads: BTreeSet<&str> = reads.map(|(_, collection)| collection.as_str()).collect();
        needed.collections.extend(reads.iter().map(|collection| (*collection).to_owned()));
        add_calls(&mut chaincodes, name, needed, &reads);
    }
    Ok(protos::ChaincodeInterest { chaincodes })
}

fn add_calls(
    calls: &mut Vec<protos::ChaincodeCall>,
    name: &str,
    needed: Needed,
    reads: &BTreeSet<&str>,
) {
    let Needed { namespace, collections, keys } = needed;
    if namespace || !keys.is_empty() {
        calls.push(protos::ChaincodeCall {
            name: name.to_owned(),
            disregard_namespace_policy: !namespace,
            key_policies: keys,
            ..Default::default()
        });
    }
    // Each in its own call, because `no_private_reads` applies to a whole call.
    calls.extend(collections.into_iter().map(|collection| protos::ChaincodeCall {
        name: name.to_owned(),
        no_private_reads: !reads.contains(collection.as_str()),
        collection_names: vec![collection],
        ..Default::default()
    }));
}

/// Returns the policies that apply to the writes of a namespace; its own policy if there are none.
fn written(
    name: &str,
    (results, set): (&SimulationResults, &NsRwSet),
    state: &Snapshot,
) -> Result<Needed, InterestError> {
    let mut needed = Needed::default();
    let mut wrote = false;
    let writes = set.writes.iter().map(|write| &write.key);
    let keys: BTreeSet<_> =
        writes.chain(set.metadata_writes.iter().map(|write| &write.key)).collect();
    for key in keys {
        wrote = true;
        let policy = match results.has_seen_plain(name, key) {
            true => None,
            false => key_policy(state.get_metadata(name, key))?,
        };
        match policy {
            Some(policy) => needed.keys.push(policy),
            None => needed.namespace = true,
        }
    }
    for (collection, set) in &set.collections {
        let writes = set.writes.iter().map(|write| &write.key_hash);
        let hashes: BTreeSet<_> =
            writes.chain(set.metadata_writes.iter().map(|write| &write.key_hash)).collect();
        for hash in hashes {
            wrote = true;
            let stored = state.get_hashed(name, collection, hash);
            let metadata = stored.and_then(|stored| match stored {
                Some(stored) => stored.metadata(),
                None => Ok(Metadata::new()),
            });
            match key_policy(metadata)? {
                Some(policy) => needed.keys.push(policy),
                None => _ = needed.collections.insert(collection.clone()),
            }
        }
    }
    needed.namespace |= !wrote;
    Ok(needed)
}

fn key_policy(
    metadata: Result<BTreeMap<String, Vec<u8>>, LedgerError>,
) -> Result<Option<SignaturePolicyEnvelope>, InterestError> {
    let metadata = metadata?;
    let Some(policy) = metadata.get(VALIDATION_PARAMETER) else { return Ok(None) };
    let policy = SignaturePolicyEnvelope::decode(policy.as_slice());
    policy.map(Some).map_err(InterestError::Policy)
}
