//! prost, but maps are encoded as in Go: every entry has its key and its value, even those that are
//! zero or empty, which prost omits. The generated code refers to this module instead of prost
//! (`build.rs`).
//!
//! Invariant: decoding is unchanged; both encodings decode to the same map.

pub use ::prost::*;

pub mod encoding {
    pub use ::prost::encoding::*;

    pub mod btree_map {
        use std::collections::BTreeMap;

        use ::prost::bytes::BufMut;
        use ::prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};

        pub use ::prost::encoding::btree_map::merge;

        /// Tags of an entry's two fields.
        const KEY: u32 = 1;
        const VALUE: u32 = 2;

        pub fn encode<K, V, B: BufMut>(
            key_encode: impl Fn(u32, &K, &mut B),
            key_encoded_len: impl Fn(u32, &K) -> usize,
            value_encode: impl Fn(u32, &V, &mut B),
            value_encoded_len: impl Fn(u32, &V) -> usize,
            tag: u32,
            values: &BTreeMap<K, V>,
            buf: &mut B,
        ) {
            for (key, value) in values {
                let len = key_encoded_len(KEY, key) + value_encoded_len(VALUE, value);
                encode_key(tag, WireType::LengthDelimited, buf);
                encode_varint(len as u64, buf);
                key_encode(KEY, key, buf);
                value_encode(VALUE, value, buf);
            }
        }

        pub fn encoded_len<K, V>(
            key_encoded_len: impl Fn(u32, &K) -> usize,
            value_encoded_len: impl Fn(u32, &V) -> usize,
            tag: u32,
            values: &BTreeMap<K, V>,
        ) -> usize {
            let lens = values.iter().map(|(key, value)| {
                let len = key_encoded_len(KEY, key) + value_encoded_len(VALUE, value);
                key_len(tag) + encoded_len_varint(len as u64) + len
            });
            lens.sum()
        }
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use crate::proto::common::{Capabilities, ConfigGroup};
    use crate::proto::lifecycle::CheckCommitReadinessResult;
    use crate::proto::protos::{BlockAndPrivateData, ChaincodeProposalPayload};

    /// Returns the encoded message. Checks its computed size, and that it is decoded unchanged.
    fn bytes<M: Message + Default + PartialEq>(message: &M) -> Vec<u8> {
        let bytes = message.encode_to_vec();
        assert_eq!(bytes.len(), message.encoded_len());
        assert!(M::decode(bytes.as_slice()).unwrap() == *message);
        bytes
    }

    #[test]
    fn an_entry_has_its_key_and_its_value_whatever_they_are() {
        let approvals = [("A".to_owned(), false), ("B".to_owned(), true)].into();
        let readiness = CheckCommitReadinessResult { approvals, ..Default::default() };
        assert_eq!(bytes(&readiness), b"\x0a\x05\x0a\x01A\x10\0\x0a\x05\x0a\x01B\x10\x01");

        let capabilities = [("V2_0".to_owned(), Default::default())].into();
        let capabilities = Capabilities { capabilities };
        assert_eq!(bytes(&capabilities), b"\x0a\x08\x0a\x04V2_0\x12\0");

        let private_data_map = [(0, Default::default())].into();
        let block = BlockAndPrivateData { private_data_map, ..Default::default() };
        assert_eq!(bytes(&block), b"\x12\x04\x08\0\x12\0");

        let transient_map = [(String::new(), Vec::new())].into();
        let payload = ChaincodeProposalPayload { transient_map, ..Default::default() };
        assert_eq!(bytes(&payload), b"\x12\x04\x0a\0\x12\0");

        let group = ConfigGroup {
            groups: [("g".into(), ConfigGroup::default())].into(),
            ..Default::default()
        };
        assert_eq!(bytes(&group), b"\x12\x05\x0a\x01g\x12\0");
    }

    #[test]
    fn entries_without_fields_are_read_as_ever() {
        let read = CheckCommitReadinessResult::decode(&b"\x0a\x03\x0a\x01A\x0a\0"[..]).unwrap();
        let expected = [("A".to_owned(), false), (String::new(), false)].into();
        assert_eq!(read.approvals, expected);
    }
}
