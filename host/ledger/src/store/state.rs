//! The stored form of a state value: version, recent writes, metadata, content.
//!
//! Does not know keys, tables or read-write sets.

use std::collections::BTreeMap;

use prost::Message;

use crate::error::LedgerError;
use crate::store::key;
use wasmcc_types::Height;
use wasmcc_types::proto::kvrwset::{KvMetadataEntry, KvMetadataWrite};

/// Metadata of a key by name, such as `VALIDATION_PARAMETER`.
pub type Metadata = BTreeMap<String, Vec<u8>>;

/// The state of one key. For a private key, the value is the hash of the private value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionedValue {
    /// Never empty: an empty value is a delete.
    pub value: Vec<u8>,
    /// Serialized metadata; empty if the key has none. See [`VersionedValue::metadata`].
    pub metadata_bytes: Vec<u8>,
    /// The transaction that wrote the value or the metadata last.
    pub version: Height,
    /// The heights of the last writes of a public key, oldest first; see `simulate::history`.
    pub(crate) recent_writes: Vec<u8>,
}

impl VersionedValue {
    /// Returns the key's metadata by name; empty if it has none.
    pub fn metadata(&self) -> Result<Metadata, LedgerError> {
        let write = KvMetadataWrite::decode(self.metadata_bytes.as_slice())
            .map_err(|_| LedgerError::CorruptState { what: "metadata does not parse" })?;
        Ok(write.entries.into_iter().map(|entry| (entry.name, entry.value)).collect())
    }

    /// Encodes the value: version, the two lists, each preceded by its length, and the content.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let version = self.version.to_bytes();
        let lists = [&self.recent_writes, &self.metadata_bytes];
        let length: usize = lists.iter().map(|list| list.len() + 4).sum();
        let mut bytes = Vec::with_capacity(version.len() + length + self.value.len());
        bytes.extend_from_slice(&version);
        for list in lists {
            prost::encoding::encode_varint(list.len() as u64, &mut bytes);
            bytes.extend_from_slice(list);
        }
        bytes.extend_from_slice(&self.value);
        bytes
    }

    /// Decodes the stored form.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, LedgerError> {
        let parts = key::height(bytes).and_then(|(version, rest)| {
            let (recent_writes, rest) = split_list(rest)?;
            let (metadata, value) = split_list(rest)?;
            Some(Self {
                value: value.to_vec(),
                metadata_bytes: metadata.to_vec(),
                version,
                recent_writes: recent_writes.to_vec(),
            })
        });
        parts.ok_or(LedgerError::CorruptState { what: "a value does not parse" })
    }

    /// Decodes only the version, without copying the value.
    pub(crate) fn decode_version(bytes: &[u8]) -> Result<Height, LedgerError> {
        key::height(bytes)
            .map(|(version, _)| version)
            .ok_or(LedgerError::CorruptState { what: "a value has no version" })
    }
}

fn split_list(mut bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = prost::encoding::decode_varint(&mut bytes).ok()?;
    bytes.split_at_checked(usize::try_from(length).ok()?)
}

/// Encodes metadata; empty without entries, which deletes the metadata. Fabric:
/// `statemetadata.Serialize`.
pub(crate) fn encode_metadata(entries: &[KvMetadataEntry]) -> Vec<u8> {
    KvMetadataWrite { key: String::new(), entries: entries.to_vec() }.encode_to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_form_round_trips() {
        let entry = KvMetadataEntry { name: "n".into(), value: vec![1] };
        for metadata_bytes in [Vec::new(), encode_metadata(&[entry]), vec![7; 300]] {
            let value = VersionedValue {
                value: b"value".to_vec(),
                metadata_bytes,
                version: Height::new(70_000, 3),
                recent_writes: vec![1, 1, 0],
            };
            let bytes = value.encode();
            assert_eq!(VersionedValue::decode(&bytes).unwrap(), value);
            assert_eq!(VersionedValue::decode_version(&bytes).unwrap(), value.version);
        }
    }

    #[test]
    fn damaged_forms_are_refused() {
        for bytes in [&[][..], &[0], &[0, 0], &[0, 0, 0], &[0, 0, 0, 5, 1], &[0, 0, 5, 1, 0]] {
            let value = VersionedValue::decode(bytes);
            assert!(value.is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn metadata_is_read_by_name() {
        let entry = KvMetadataEntry { name: "VALIDATION_PARAMETER".into(), value: vec![1, 2] };
        let value = VersionedValue {
            value: vec![1],
            metadata_bytes: encode_metadata(&[entry]),
            version: Height::default(),
            recent_writes: vec![],
        };
        assert_eq!(value.metadata().unwrap()["VALIDATION_PARAMETER"], [1, 2]);
        assert!(encode_metadata(&[]).is_empty());
    }
}
