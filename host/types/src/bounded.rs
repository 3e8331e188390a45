//! Decodes untrusted messages, whose lists may be long.
//!
//! An empty element of a list takes two bytes of a message and up to 200 in memory. So the size of
//! a message does not bound the memory for its decoding, but the number of its fields does.

use bytes::{Buf, Bytes};
use prost::{DecodeError, Message};

/// Maximum fields of a definition of a chaincode, a policy or a configuration. An update of the
/// largest configuration has fewer.
pub const DEFINITION_FIELDS: usize = 400_000;

/// Maximum number of reads of a field: its key, its length, its value.
const PARTS: usize = 3;

/// Returns the maximum number of fields for a message of this size. Their memory is a small
/// multiple of the size.
pub fn fields_in(bytes: usize) -> usize {
    20_000 + bytes / 8
}

/// Decodes a message of up to `most` fields, including those of inner messages.
///
/// # Errors
/// It cannot be decoded, or it has more than `most` fields. A message with up to three times as
/// many short fields may be accepted.
pub fn decode_bounded<M: Message + Default>(
    bytes: impl Buf,
    most: usize,
) -> Result<M, DecodeError> {
    let left = most.saturating_mul(PARTS).saturating_add(1);
    let mut buf = Bounded { inner: bytes, left };
    let decoded = M::decode(&mut buf);
    match buf.left {
        0 => Err(too_many(most)),
        _ => decoded,
    }
}

/// prost has no other constructor for errors.
#[expect(deprecated, reason = "an error of another type would be one more at each place")]
#[cold]
fn too_many(most: usize) -> DecodeError {
    DecodeError::new(format!("it has more than {most} fields: send less at a time"))
}

/// A buffer that ends after a maximum number of reads.
struct Bounded<B> {
    inner: B,
    left: usize,
}

impl<B: Buf> Buf for Bounded<B> {
    fn remaining(&self) -> usize {
        if self.left == 0 { 0 } else { self.inner.remaining() }
    }

    fn chunk(&self) -> &[u8] {
        if self.left == 0 { &[] } else { self.inner.chunk() }
    }

    fn advance(&mut self, count: usize) {
        self.left = self.left.saturating_sub(1);
        self.inner.advance(count);
    }

    /// Shares the bytes if the inner buffer supports it.
    fn copy_to_bytes(&mut self, len: usize) -> Bytes {
        self.left = self.left.saturating_sub(1);
        self.inner.copy_to_bytes(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::gateway::EndorseRequest;
    use crate::proto::protos::ChaincodeInput;

    fn input(args: usize, len: usize) -> Vec<u8> {
        let args = vec![vec![7; len]; args];
        ChaincodeInput { args, ..ChaincodeInput::default() }.encode_to_vec()
    }

    #[test]
    fn a_message_has_as_many_fields_as_it_may() {
        for len in [0, 1, 200, 70_000] {
            let bytes = Bytes::from(input(10, len));
            let read: ChaincodeInput = decode_bounded(bytes.clone(), 10).unwrap();
            assert_eq!(read.args, vec![vec![7; len]; 10]);
            let error = decode_bounded::<ChaincodeInput>(bytes, 3).unwrap_err();
            assert!(error.to_string().ends_with("it has more than 3 fields: send less at a time"));
        }
    }

    #[test]
    fn fields_of_inner_messages_and_unknown_ones_count() {
        let inner = input(100, 0);
        // Field 15 is unknown to `ChaincodeInput`; field 5 of `DeploymentSpec` is not a list.
        let unknown = [0x78, 0x01].repeat(100);
        for bytes in [unknown, [&[0x0a, 0x64][..], &[0; 100]].concat()] {
            let whole = decode_bounded::<ChaincodeInput>(&*bytes, 1_000).unwrap();
            assert!(whole.args.len() <= 1);
        }
        let unknown = [0x78, 0x01].repeat(100);
        assert!(decode_bounded::<ChaincodeInput>(&*unknown, 30).is_err());
        let spec = crate::proto::protos::ChaincodeSpec {
            input: Some(ChaincodeInput::decode(&*inner).unwrap()),
            ..Default::default()
        };
        let spec = spec.encode_to_vec();
        type Spec = crate::proto::protos::ChaincodeSpec;
        assert!(decode_bounded::<Spec>(&*spec, 30).is_err());
        assert!(decode_bounded::<Spec>(&*spec, 101).is_ok());
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let error = decode_bounded::<ChaincodeInput>(&[0x0a, 0x05][..], 10).unwrap_err();
        assert_eq!(error, ChaincodeInput::decode(&[0x0a, 0x05][..]).unwrap_err());
    }

    #[test]
    fn bytes_are_shared() {
        let bytes = Bytes::from(input(1, 100));
        #[derive(Clone, PartialEq, Message)]
        struct Shared {
            #[prost(bytes = "bytes", tag = "1")]
            arg: Bytes,
        }
        let read: Shared = decode_bounded(bytes.clone(), 10).unwrap();
        assert_eq!(read.arg.as_ptr(), bytes[2..].as_ptr());
    }

    #[test]
    fn empty_elements_are_bounded_by_the_size() {
        let bytes = [0x22, 0x00].repeat(1 << 20);
        assert!(EndorseRequest::decode(&*bytes).is_ok());
        assert!(decode_bounded::<EndorseRequest>(&*bytes, fields_in(bytes.len())).is_err());
        let few = [0x22, 0x00].repeat(10_000);
        assert!(decode_bounded::<EndorseRequest>(&*few, fields_in(few.len())).is_ok());
    }
}
