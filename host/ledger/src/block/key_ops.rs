//! Combines all entries of one transaction for one key into a single operation. Fabric:
//! `validation/tx_ops.go`.
//!
//! A simulation writes a key once, and its metadata once. A handmade set may name a key more often.
//! Fabric then adds the flags of the entries, so that two entries of one kind count as one of the
//! next kind. This module does the same.
//!
//! Invariant: stateless. The caller checks whether the key exists.

use std::collections::BTreeMap;

use crate::block::rwset::{NsRwSet, is_delete};
use wasmcc_types::proto::kvrwset::KvMetadataEntry;

const UPSERT: u8 = 1;
const METADATA_UPDATE: u8 = 2;
const METADATA_DELETE: u8 = 4;
const DELETE: u8 = 8;

/// The entries so far.
#[derive(Default)]
pub(crate) struct KeyOps<'a> {
    flags: u8,
    value: Option<&'a [u8]>,
    metadata: &'a [KvMetadataEntry],
    is_written: bool,
}

/// The effect of a transaction on a key.
#[derive(Debug, PartialEq)]
pub(crate) enum Effect<'a> {
    /// The key is deleted, with its metadata.
    Delete,
    /// The key gets a value, and new metadata unless that is None.
    Put(&'a [u8], Option<&'a [KvMetadataEntry]>),
    /// An existing key gets new metadata and the version of the transaction; a missing key is
    /// unchanged.
    SetMetadata(&'a [KvMetadataEntry]),
    /// The key is unchanged.
    Keep,
}

impl<'a> KeyOps<'a> {
    /// Adds a write; None deletes the key.
    pub(crate) fn write(&mut self, value: Option<&'a [u8]>) {
        self.is_written = true;
        self.add(if value.is_some() { UPSERT } else { DELETE });
        self.value = value.or(self.value);
    }

    /// Adds a write of metadata; an empty list deletes the metadata.
    pub(crate) fn write_metadata(&mut self, entries: &'a [KvMetadataEntry]) {
        if entries.is_empty() {
            self.add(METADATA_DELETE);
        } else {
            self.add(METADATA_UPDATE);
            self.metadata = entries;
        }
    }

    /// True if any entry was a write. Even a write without effect is part of the key's history.
    pub(crate) fn is_written(&self) -> bool {
        self.is_written
    }

    /// Returns the combined effect of the entries.
    pub(crate) fn effect(&self) -> Effect<'a> {
        let has = |flag| self.flags & flag != 0;
        if has(DELETE) {
            return Effect::Delete;
        }
        let only_written = self.flags | UPSERT == UPSERT;
        match self.value {
            Some(value) if only_written => Effect::Put(value, None),
            Some(value) if has(UPSERT) && has(METADATA_UPDATE | METADATA_DELETE) => {
                Effect::Put(value, Some(self.metadata))
            }
            // With enough entries the flags overflow to 0, and a Fabric peer crashes.
            None if only_written => Effect::Keep,
            _ => Effect::SetMetadata(self.metadata),
        }
    }

    /// Adds a flag in 8 bits, as wide as Fabric's flags, which overflow without a check.
    fn add(&mut self, flag: u8) {
        self.flags = self.flags.wrapping_add(flag);
    }
}

/// Returns the operation of a set on each public key.
pub(crate) fn public_ops(ns: &NsRwSet) -> BTreeMap<&str, KeyOps<'_>> {
    let mut all = BTreeMap::<&str, KeyOps<'_>>::new();
    for write in &ns.writes {
        let value = (!is_delete(write)).then_some(write.value.as_slice());
        all.entry(&write.key).or_default().write(value);
    }
    for write in &ns.metadata_writes {
        all.entry(&write.key).or_default().write_metadata(&write.entries);
    }
    all
}

/// Returns the operation of a set on one public key.
pub(crate) fn key_ops<'a>(ns: &'a NsRwSet, key: &str) -> KeyOps<'a> {
    public_ops(ns).remove(key).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str) -> Vec<KvMetadataEntry> {
        vec![KvMetadataEntry { name: name.into(), value: vec![1] }]
    }

    /// Returns the effect of entries: `p` and `q` put, `d` deletes, `m` and `n` write metadata, `x`
    /// deletes them.
    fn effect(entries: &str) -> String {
        let (m, n) = (entry("m"), entry("n"));
        let mut ops = KeyOps::default();
        for kind in entries.chars() {
            match kind {
                'p' => ops.write(Some(b"p")),
                'q' => ops.write(Some(b"q")),
                'd' => ops.write(None),
                'm' => ops.write_metadata(&m),
                'n' => ops.write_metadata(&n),
                _ => ops.write_metadata(&[]),
            }
        }
        let names = |all: &[KvMetadataEntry]| all.first().map_or("-".into(), |e| e.name.clone());
        match ops.effect() {
            Effect::Delete => "delete".into(),
            Effect::Put(value, None) => format!("put {}", String::from_utf8_lossy(value)),
            Effect::Put(value, Some(metadata)) => {
                format!("put {} {}", String::from_utf8_lossy(value), names(metadata))
            }
            Effect::SetMetadata(metadata) => format!("metadata {}", names(metadata)),
            Effect::Keep => "keep".into(),
        }
    }

    #[test]
    fn one_entry_of_a_kind_is_what_it_says() {
        for (entries, expected) in [
            ("p", "put p"),
            ("d", "delete"),
            ("m", "metadata m"),
            ("x", "metadata -"),
            ("pm", "put p m"),
            ("px", "put p -"),
            ("dm", "delete"),
            ("dx", "delete"),
        ] {
            assert_eq!(effect(entries), expected, "{entries}");
        }
    }

    #[test]
    fn several_entries_of_a_kind_add_up_as_in_fabric() {
        for (entries, expected) in [
            ("pd", "delete"),
            ("dp", "delete"),
            ("pq", "metadata -"),
            ("pqp", "put p -"),
            ("pqpq", "metadata -"),
            ("dd", "metadata -"),
            ("ddp", "metadata -"),
            ("mn", "metadata n"),
            ("mx", "metadata m"),
            ("xx", "delete"),
            ("pmn", "put p n"),
            ("pqm", "metadata m"),
            ("pqmn", "metadata n"),
            ("pqmnx", "delete"),
        ] {
            assert_eq!(effect(entries), expected, "{entries}");
        }
        assert_eq!(effect(&"p".repeat(8)), "delete");
        assert_eq!(effect(&"p".repeat(256)), "put p");
        assert_eq!(effect(&"d".repeat(32)), "keep");
    }
}
