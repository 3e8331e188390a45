//! Compares the private data store with the blocks.
//!
//! Invariant: reports only, and changes nothing. A missing set is not a fault.

use prost::Message;

use crate::block::rwset::{CollectionRwSet, TxRwSet};
use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::private::record::{PrivateRecord, PrivateSet};
use crate::private::rows;
use crate::store::key::height;
use wasmcc_types::proto::kvrwset::KvrwSet;
use wasmcc_types::proto::protos::TxValidationCode;
use wasmcc_types::{Height, sha256};

/// The findings for one block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CheckedPrivate {
    /// The number of stored sets.
    pub(crate) sets: u64,
    /// The number of sets that organizations of this process should have, but lack.
    pub(crate) missing: u64,
    /// The faults.
    pub(crate) faults: Vec<String>,
}

impl Ledger {
    /// Compares the records of an applied block with the block.
    pub(crate) fn check_private(
        &self,
        number: u64,
        codes: &[TxValidationCode],
    ) -> Result<CheckedPrivate, LedgerError> {
        let mut checked = CheckedPrivate::default();
        for record in self.private.records(number)? {
            let at = Height::new(number, record.tx);
            let index = usize::try_from(record.tx).ok();
            let valid = index.and_then(|index| codes.get(index)) == Some(&TxValidationCode::Valid);
            // Sets of invalid transactions are also stored, if they can be decoded.
            let public = match self.public_set(at) {
                Err(
                    LedgerError::Decode { .. }
                    | LedgerError::Missing { .. }
                    | LedgerError::DuplicateNamespace { .. },
                ) if !valid => TxRwSet::default(),
                public => public?,
            };
            let ns = public.namespaces.get(&record.namespace);
            let hashed = ns.and_then(|ns| ns.collections.get(&record.collection));
            let fault = match hashed {
                None => Some("belong to nothing in the block"),
                Some(hashed) => self.fault(at, &record, hashed)?,
            };
            if let Some(fault) = fault {
                let PrivateRecord { tx, namespace, collection, .. } = &record;
                checked.faults.push(format!(
                    "the private data of transaction {tx} in {namespace}/{collection} {fault}"
                ));
            }
            checked.sets += u64::from(record.bytes().is_some());
            checked.missing += u64::from(record.is_missing());
        }
        Ok(checked)
    }

    fn fault(
        &self,
        at: Height,
        record: &PrivateRecord,
        hashed: &CollectionRwSet,
    ) -> Result<Option<&'static str>, LedgerError> {
        let rest = match &record.set {
            PrivateSet::Missing | PrivateSet::Expired => return Ok(None),
            PrivateSet::Whole(bytes) => {
                let same = sha256(bytes)[..] == hashed.pvt_rwset_hash;
                return Ok((!same).then_some("do not match their hash"));
            }
            PrivateSet::Rest(bytes) | PrivateSet::Alive(bytes) => bytes,
        };
        let Ok(set) = KvrwSet::decode(rest.as_slice()) else {
            return Ok(Some("do not parse"));
        };
        if record.opened(hashed).writes.len() != set.writes.len() {
            return Ok(Some("do not match the hashes of their keys and values"));
        }
        if matches!(record.set, PrivateSet::Alive(_)) {
            return Ok(None);
        }
        let there = |key_hash: &[u8]| {
            set.writes.iter().any(|write| sha256(write.key.as_bytes())[..] == *key_hash)
        };
        for write in hashed.writes.iter().filter(|write| !there(&write.key_hash)) {
            let row = rows::purged(&record.namespace, &record.collection, &write.key_hash);
            let purged =
                self.private.table.get(&row, |bytes| Ok(height(bytes).map(|(at, _)| at)))?;
            if purged.flatten().is_none_or(|purged| purged < at) {
                return Ok(Some("lack a key that was not purged"));
            }
        }
        Ok(None)
    }
}
