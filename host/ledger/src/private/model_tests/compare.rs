//! Compares a ledger with the model.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::private::model_tests::model::{COLLECTIONS, KEYS, Key, Model, ORGS, Values};
use crate::private::rich_tests::rich_keys;
use crate::{Ledger, Simulator};

impl Model {
    pub(crate) fn compare(&self, ledger: &Arc<Ledger>) {
        for (org, name) in ORGS.into_iter().enumerate() {
            for (collection, (coll, _, _)) in COLLECTIONS.into_iter().enumerate() {
                let rows = ledger.snapshot().private_range(name, "ns", coll, "", "");
                let rows: Vec<_> = rows
                    .map(Result::unwrap)
                    .map(|(key, found)| (key, bytes_value(&found.value), found.version))
                    .collect();
                let of =
                    self.values.iter().filter(|((o, key), _)| *o == org && key.0 == collection);
                let expected: Vec<_> =
                    of.map(|((_, key), (value, at))| (key.1.clone(), *value, *at)).collect();
                assert_eq!(rows, expected, "{coll} at {name}");
                for key in 0..KEYS {
                    self.compare_key(ledger, org, (collection, format!("k{key}")));
                }
            }
            compare_rich(&mut ledger.simulator_for("tx", name), org, &self.values);
        }
    }

    fn compare_key(&self, ledger: &Arc<Ledger>, org: usize, key: Key) {
        let mut simulator = ledger.simulator_for("tx", ORGS[org]);
        let found = simulator.get_private_data("ns", COLLECTIONS[key.0].0, &key.1);
        let hash = self.hashes.get(&key);
        match (hash, self.values.get(&(org, key.clone()))) {
            (Some(hash), Some(value)) if hash.1 == value.1 => {
                assert_eq!(found.unwrap().map(|found| bytes_value(&found)), Some(value.0));
            }
            (None, None) => assert_eq!(found.unwrap(), None),
            (hash, value) => assert!(found.is_err(), "{key:?}: {hash:?}, {value:?}"),
        }
        let expected = hash.map(|(_, version)| *version);
        let found = ledger.snapshot().get_private_hash("ns", COLLECTIONS[key.0].0, &key.1);
        assert_eq!(found.unwrap().map(|found| found.version), expected, "{key:?}");
    }

    /// Checks that the stored sets are those of the model, without purged and expired data.
    pub(crate) fn compare_stored(&self, ledger: &Ledger) {
        for ((height, collection), stored) in &self.stored {
            let (coll, members, live) = COLLECTIONS[*collection];
            let gone = live > 0 && height.block + live + 1 < ledger.height();
            for org in ORGS {
                let set = ledger.private_data(org, height.block, height.tx).unwrap();
                let found = set.and_then(|set| {
                    let mut all =
                        set.ns_pvt_rwset.into_iter().flat_map(|ns| ns.collection_pvt_rwset);
                    all.find(|found| found.collection_name == coll)
                });
                let there = members.contains(&org) && !stored.missing && !gone;
                assert_eq!(found.is_some(), there, "{height} {coll} at {org}");
                let Some(found) = found else { continue };
                let set: wasmcc_types::proto::kvrwset::KvrwSet =
                    prost::Message::decode(found.rwset.as_slice()).unwrap();
                let writes = set.writes.into_iter().map(|write| write.key);
                let keys: BTreeSet<_> =
                    writes.chain(set.metadata_writes.into_iter().map(|write| write.key)).collect();
                assert!(keys.iter().eq(stored.ops.keys()), "{height} {coll}: {keys:?}");
            }
        }
    }
}

pub(crate) fn value_bytes(value: u32) -> Vec<u8> {
    format!("{{\"n\":{value}}}").into_bytes()
}

pub(crate) fn bytes_value(bytes: &[u8]) -> u32 {
    let value: serde_json::Value = serde_json::from_slice(bytes).unwrap();
    value["n"].as_u64().unwrap() as u32
}

/// Checks that rich queries of a simulation return the values of an organization at its height.
pub(crate) fn compare_rich(sim: &mut Simulator, org: usize, values: &Values) {
    for (collection, (coll, _, _)) in COLLECTIONS.into_iter().enumerate() {
        for wanted in 0..3 {
            let query = format!(r#"{{"selector": {{"n": {wanted}}}}}"#);
            let of = values.iter().filter(|((o, key), (value, _))| {
                *o == org && key.0 == collection && *value == wanted
            });
            let expected: Vec<_> = of.map(|((_, key), _)| key.1.clone()).collect();
            assert_eq!(rich_keys(sim, coll, &query), expected, "{coll} at {}", ORGS[org]);
        }
    }
}
