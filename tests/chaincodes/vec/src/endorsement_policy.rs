//! Key-level policies as Go's package `statebased` builds them: one signature of each organization.
//!
//! Invariant: contains only the used parts of `common/policies.proto` and
//! `msp/msp_principal.proto`.

use prost::Message;

/// `msp.MSPRole.MSPRoleType`.
#[derive(Clone, Copy)]
pub(crate) enum Role {
    Member = 0,
    Peer = 3,
}

#[derive(Clone, PartialEq, Message)]
struct SignaturePolicyEnvelope {
    #[prost(message, optional, tag = "2")]
    rule: Option<SignaturePolicy>,
    #[prost(message, repeated, tag = "3")]
    identities: Vec<MspPrincipal>,
}

#[derive(Clone, PartialEq, Message)]
struct SignaturePolicy {
    // Part of a oneof, so it is written even if it is 0.
    #[prost(int32, optional, tag = "1")]
    signed_by: Option<i32>,
    #[prost(message, optional, tag = "2")]
    n_out_of: Option<NOutOf>,
}

#[derive(Clone, PartialEq, Message)]
struct NOutOf {
    #[prost(int32, tag = "1")]
    n: i32,
    #[prost(message, repeated, tag = "2")]
    rules: Vec<SignaturePolicy>,
}

#[derive(Clone, PartialEq, Message)]
struct MspPrincipal {
    #[prost(bytes = "vec", tag = "2")]
    principal: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct MspRole {
    #[prost(string, tag = "1")]
    msp_identifier: String,
    #[prost(int32, tag = "2")]
    role: i32,
}

/// Returns the serialized policy that requires a signature of each of `orgs` (MSP ids).
pub(crate) fn of_all(role: Role, orgs: &[String]) -> Vec<u8> {
    let mut orgs = orgs.to_vec();
    orgs.sort();
    let count = orgs.len() as i32;
    let rules =
        (0..count).map(|signed_by| SignaturePolicy { signed_by: Some(signed_by), n_out_of: None });
    let n_out_of = NOutOf { n: count, rules: rules.collect() };
    let principal = |msp_identifier| {
        let role = MspRole { msp_identifier, role: role as i32 };
        MspPrincipal { principal: role.encode_to_vec() }
    };
    let envelope = SignaturePolicyEnvelope {
        rule: Some(SignaturePolicy { signed_by: None, n_out_of: Some(n_out_of) }),
        identities: orgs.into_iter().map(principal).collect(),
    };
    envelope.encode_to_vec()
}
