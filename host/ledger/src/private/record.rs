//! The stored form of the private data of one transaction in one collection.
//!
//! Does not know its row's key.

use prost::Message;

use crate::block::rwset::{CollectionRwSet, is_hashed_delete};
use crate::error::LedgerError;
use crate::private::rows::RecordPlace;
use crate::private::rules::NewHolder;
use crate::store::key::{push_name, split_text};
use wasmcc_types::proto::kvrwset::{KvWrite, KvrwSet};
use wasmcc_types::sha256;

/// The private data of one transaction in one collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PrivateRecord {
    /// The transaction's index in its block.
    pub(crate) tx: u64,
    pub(crate) namespace: String,
    pub(crate) collection: String,
    /// Blocks after which the data expire; 0: never.
    pub(crate) block_to_live: u64,
    /// The organizations that may hold the plain data.
    pub(crate) holders: Vec<String>,
    /// The block with which a late set is applied; 0 if the set came with its own block.
    pub(crate) since: u64,
    pub(crate) set: PrivateSet,
}

/// The private data that are applied with one block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PrivateBlock {
    /// The records of the block's own transactions.
    pub(crate) records: Vec<PrivateRecord>,
    /// Late sets of earlier blocks, with the numbers of these blocks.
    pub(crate) late: Vec<(u64, PrivateRecord)>,
    /// The organizations that the block makes holders of existing data.
    pub(crate) new_holders: Vec<NewHolder>,
}

/// The private write set of one collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PrivateSet {
    /// Missing when the block was committed.
    Missing,
    /// A serialized `kvrwset.KVRWSet` whose hash is in the block.
    Whole(Vec<u8>),
    /// The set without the keys purged afterwards; it no longer matches the hash.
    Rest(Vec<u8>),
    /// An expired set, reduced to the values that have not expired because their metadata were
    /// written later.
    Alive(Vec<u8>),
    /// Expired, even if the set was missing.
    Expired,
}

impl PrivateRecord {
    /// The block with which the data of block `committing` expire; None: never.
    pub(crate) fn expires(&self, committing: u64) -> Option<u64> {
        expiring_block(committing, self.block_to_live)
    }

    /// True if organizations of this process should have the set, but lack it.
    pub(crate) fn is_missing(&self) -> bool {
        self.set == PrivateSet::Missing && !self.holders.is_empty()
    }

    /// The serialized set, if there is one.
    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        match &self.set {
            PrivateSet::Whole(bytes) | PrivateSet::Rest(bytes) | PrivateSet::Alive(bytes) => {
                Some(bytes)
            }
            PrivateSet::Missing | PrivateSet::Expired => None,
        }
    }

    /// The part of the set that matches the block; empty if there is no set.
    pub(crate) fn opened(&self, hashed: &CollectionRwSet) -> KvrwSet {
        match &self.set {
            PrivateSet::Whole(bytes) if sha256(bytes)[..] == hashed.pvt_rwset_hash => {
                KvrwSet::decode(bytes.as_slice()).unwrap_or_default()
            }
            PrivateSet::Rest(bytes) | PrivateSet::Alive(bytes) => {
                let mut set = KvrwSet::decode(bytes.as_slice()).unwrap_or_default();
                set.writes.retain(|write| is_in(write, hashed));
                set
            }
            _ => KvrwSet::default(),
        }
    }

    /// Encodes everything but the key of the row: numbers, kind, holders, set.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = self.block_to_live.to_be_bytes().to_vec();
        bytes.extend(self.since.to_be_bytes());
        bytes.push(match &self.set {
            PrivateSet::Missing => b'm',
            PrivateSet::Whole(_) => b'w',
            PrivateSet::Rest(_) => b'r',
            PrivateSet::Alive(_) => b'a',
            PrivateSet::Expired => b'e',
        });
        bytes.extend((self.holders.len() as u64).to_be_bytes());
        for holder in &self.holders {
            push_name(&mut bytes, holder.as_bytes());
        }
        bytes.extend_from_slice(self.bytes().unwrap_or_default());
        bytes
    }

    /// Decodes the stored form.
    pub(crate) fn decode(
        RecordPlace { tx, namespace, collection, .. }: RecordPlace,
        bytes: &[u8],
    ) -> Result<Self, LedgerError> {
        let parts = || {
            let (block_to_live, rest) = bytes.split_first_chunk()?;
            let (since, rest) = rest.split_first_chunk()?;
            let (&kind, rest) = rest.split_first()?;
            let (count, mut rest) = rest.split_first_chunk()?;
            let mut holders = Vec::new();
            for _ in 0..u64::from_be_bytes(*count) {
                let (holder, after) = split_text(rest)?;
                holders.push(holder);
                rest = after;
            }
            let set = match kind {
                b'm' => PrivateSet::Missing,
                b'w' => PrivateSet::Whole(rest.to_vec()),
                b'r' => PrivateSet::Rest(rest.to_vec()),
                b'a' => PrivateSet::Alive(rest.to_vec()),
                b'e' => PrivateSet::Expired,
                _ => return None,
            };
            let numbers = [*block_to_live, *since].map(u64::from_be_bytes);
            Some((numbers, holders, set))
        };
        let ([block_to_live, since], holders, set) =
            parts().ok_or(LedgerError::CorruptPrivateData { what: "a record does not parse" })?;
        Ok(Self { tx, namespace, collection, block_to_live, holders, since, set })
    }
}

/// Fabric: `pvtdatapolicy.ComputeExpiringBlock`.
pub(crate) fn expiring_block(committing: u64, block_to_live: u64) -> Option<u64> {
    if block_to_live == 0 {
        return None;
    }
    committing.checked_add(block_to_live)?.checked_add(1)
}

/// True if the block contains the hashes of this write.
fn is_in(write: &KvWrite, hashed: &CollectionRwSet) -> bool {
    let (key_hash, value_hash) = (sha256(write.key.as_bytes()), sha256(&write.value));
    let same = |hashed: &&wasmcc_types::proto::kvrwset::KvWriteHash| hashed.key_hash == key_hash;
    hashed.writes.iter().rfind(same).is_some_and(|hashed| {
        let deletes = write.is_delete || write.value.is_empty();
        deletes == is_hashed_delete(hashed) && (deletes || hashed.value_hash == value_hash)
    })
}
