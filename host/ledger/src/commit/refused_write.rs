//! Finds writes that CouchDB does not accept. A transaction with such a write is invalid: its
//! endorsers had other rules.
//!
//! Does not decide whether a ledger has these rules: `LedgerConfig::rich_queries` does.

use crate::block::couchdb;
use crate::block::rwset::TxRwSet;
use crate::commit::conflict::Conflict;

/// Returns the first public write of a transaction that CouchDB does not accept; deletes are
/// checked, too. Fabric: `batch_preparer.go`, `validateWriteset`.
pub(crate) fn find_refused_write(rwset: &TxRwSet) -> Option<Conflict> {
    rwset.namespaces.iter().find_map(|(namespace, ns)| {
        ns.writes.iter().find_map(|write| {
            let checked =
                couchdb::check_key(&write.key).and_then(|()| couchdb::check_value(&write.value));
            checked.err().map(|reason| {
                let (namespace, key) = (namespace.clone(), write.key.clone());
                Conflict::Refused { namespace, key, reason }
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::rwset::NsRwSet;
    use wasmcc_types::proto::kvrwset::{KvMetadataWrite, KvWrite};

    #[test]
    fn public_writes_are_looked_at_and_metadata_is_not() {
        let write = |key: &str, value: &[u8], is_delete| KvWrite {
            key: key.to_owned(),
            is_delete,
            value: value.to_vec(),
        };
        let set = |writes: Vec<KvWrite>| {
            let metadata = KvMetadataWrite { key: "_m".to_owned(), entries: Vec::new() };
            let first = NsRwSet { writes: vec![write("a", b"1", false)], ..Default::default() };
            let second = NsRwSet { writes, metadata_writes: vec![metadata], ..Default::default() };
            let namespaces = [("a".into(), first), ("b".into(), second)].into();
            TxRwSet { namespaces, ..Default::default() }
        };
        assert_eq!(find_refused_write(&set(vec![])), None);
        assert_eq!(find_refused_write(&set(vec![write("k", b"{}", false)])), None);
        for (refused, text) in [
            (write("_k", b"1", false), "it may not begin with \"_\""),
            (write("_k", b"", true), "it may not begin with \"_\""),
            (write("", b"1", false), "it may not be empty"),
            (write("k", br#"{"_id":1}"#, false), "its value may not have the field \"_id\""),
            (write("k", br#"{"_id":1}"#, true), "its value may not have the field \"_id\""),
        ] {
            let key = refused.key.clone();
            let found = find_refused_write(&set(vec![write("k", b"1", false), refused]));
            let expected = format!("CouchDB does not accept key {key:?} of b: {text}");
            assert_eq!(found.unwrap().to_string(), expected);
        }
    }
}
