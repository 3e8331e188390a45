//! Estimates the memory of an unpacked proposal. An empty argument takes two bytes of a proposal
//! and many times that as a value of its own. So the size of a request alone does not bound the
//! memory of requests in progress.

use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

use wasmcc_types::proto::protos::SignedProposal;

/// Bytes of an element of a list or map in addition to its content: its slot, the reserve of a
/// growing list, and the overhead of the allocator.
const OF_ELEMENT: usize = 100;

/// `Proposal.payload`.
const PAYLOAD: u32 = 2;
/// `ChaincodeProposalPayload.input`, `ChaincodeInvocationSpec.chaincode_spec`,
/// `ChaincodeSpec.input`; the arguments are below it.
const ARGS: [u32; 3] = [1, 1, 3];

/// Returns the bytes that the elements of a proposal (arguments, decorations and transient data)
/// take in addition to its size. Stops counting above `enough`.
pub fn unpacked_bytes(signed: &SignedProposal, enough: usize) -> usize {
    let most = (enough / OF_ELEMENT).saturating_add(1);
    let (mut left, mut parts) = (most, usize::MAX);
    each(&signed.proposal_bytes, PAYLOAD, &mut parts, &mut |payload, _| {
        // In addition to the arguments, counts the entries of the transient data.
        count(payload, &ARGS, &mut left);
    });
    (most - left) * OF_ELEMENT
}

/// Counts the fields of the messages along a path.
fn count(message: &[u8], path: &[u32], left: &mut usize) {
    match path {
        [] => each(message, 0, left, &mut |_, _| ()),
        [next, path @ ..] => {
            each(message, *next, left, &mut |inner, left| count(inner, path, left));
        }
    }
}

/// Passes each inner message `tag` to `show`, and subtracts each field from `left`. Stops when that
/// is used up, or at a part that cannot be read, because nothing after that will be decoded.
fn each(mut message: &[u8], tag: u32, left: &mut usize, show: &mut dyn FnMut(&[u8], &mut usize)) {
    while !message.is_empty() && *left > 0 {
        let Ok((found, wire_type)) = decode_key(&mut message) else { return };
        *left -= 1;
        if found != tag || wire_type != WireType::LengthDelimited {
            let skipped = skip_field(wire_type, found, &mut message, DecodeContext::default());
            if skipped.is_err() {
                return;
            }
            continue;
        }
        let len = decode_varint(&mut message).ok().and_then(|len| usize::try_from(len).ok());
        let Some((inner, rest)) = len.and_then(|len| message.split_at_checked(len)) else { return };
        message = rest;
        show(inner, left);
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use wasmcc_types::proto::protos::{
        ChaincodeInput, ChaincodeInvocationSpec, ChaincodeProposalPayload, ChaincodeSpec, Proposal,
    };

    fn signed(args: usize, transient: usize) -> SignedProposal {
        let input = ChaincodeInput { args: vec![Vec::new(); args], ..Default::default() };
        let spec = ChaincodeSpec { input: Some(input), ..Default::default() };
        let spec = ChaincodeInvocationSpec { chaincode_spec: Some(spec) };
        let transient_map = (0..transient).map(|n| (n.to_string(), vec![1])).collect();
        let payload = ChaincodeProposalPayload { input: spec.encode_to_vec(), transient_map };
        let proposal = Proposal { payload: payload.encode_to_vec(), ..Default::default() };
        SignedProposal { proposal_bytes: proposal.encode_to_vec(), ..Default::default() }
    }

    #[test]
    fn arguments_and_transient_data_have_places() {
        let of = |args, transient| unpacked_bytes(&signed(args, transient), usize::MAX);
        let none = of(0, 0);
        assert!(none < 1_000, "{none}");
        assert_eq!(of(1_000, 0), none + 1_000 * OF_ELEMENT);
        assert_eq!(of(1_000, 50), none + 1_050 * OF_ELEMENT);
    }

    #[test]
    fn what_is_enough_ends_the_count() {
        let counted = unpacked_bytes(&signed(100_000, 0), 5_000);
        assert!((5_000..6_000).contains(&counted), "{counted}");
    }

    #[test]
    fn a_message_that_comes_in_parts_is_counted_whole() {
        let part = signed(500, 3).proposal_bytes;
        let twice = SignedProposal { proposal_bytes: part.repeat(2), ..Default::default() };
        let once = unpacked_bytes(&signed(500, 3), usize::MAX);
        assert_eq!(unpacked_bytes(&twice, usize::MAX), 2 * once);
    }

    #[test]
    fn what_cannot_be_read_counts_as_far_as_it_can() {
        let mut bytes = signed(10, 0).proposal_bytes;
        bytes.truncate(bytes.len() - 1);
        for bytes in [bytes, vec![0xff; 30], vec![0x12, 0xff, 0xff, 0xff, 0xff, 0x0f]] {
            let broken = SignedProposal { proposal_bytes: bytes, ..Default::default() };
            assert!(unpacked_bytes(&broken, usize::MAX) <= 10 * OF_ELEMENT);
        }
    }
}
