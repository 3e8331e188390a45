//! The default policies of LSCC, and checks of policies.

use prost::Message;

use wasmcc_msp::{ChannelConfig, MspError, PolicyError, SignaturePolicy};
use wasmcc_types::proto::common::msp_principal::Classification;
use wasmcc_types::proto::common::msp_role::MspRoleType;
use wasmcc_types::proto::common::signature_policy::{NOutOf, Type};
use wasmcc_types::proto::common::{MspPrincipal, MspRole, SignaturePolicyEnvelope};

/// Returns the MSP ids of the organizations that have peers on the channel.
pub(super) fn application_orgs(config: &ChannelConfig) -> Vec<&str> {
    config.application_orgs().iter().map(|org| org.msp_id.as_str()).collect()
}

/// Returns the serialized policy that any member of any of these organizations satisfies.
pub(super) fn any_member(msp_ids: Vec<&str>) -> Vec<u8> {
    SignaturePolicy::any_member(msp_ids).encode_to_vec()
}

/// Returns the serialized policy that any admin of any of these organizations satisfies (Fabric:
/// `cauthdsl.SignedByAnyAdmin`).
pub(super) fn any_admin(mut msp_ids: Vec<&str>) -> Vec<u8> {
    msp_ids.sort_unstable();
    let identities = msp_ids.iter().map(|id| {
        let role = MspRole { msp_identifier: (*id).to_owned(), role: MspRoleType::Admin.into() };
        MspPrincipal {
            principal_classification: Classification::Role.into(),
            principal: role.encode_to_vec(),
        }
    });
    let rules = (0..).zip(&msp_ids).map(|(index, _)| {
        wasmcc_types::proto::common::SignaturePolicy { r#type: Some(Type::SignedBy(index)) }
    });
    let rule = NOutOf { n: 1, rules: rules.collect() };
    let rule = wasmcc_types::proto::common::SignaturePolicy { r#type: Some(Type::NOutOf(rule)) };
    SignaturePolicyEnvelope { version: 0, rule: Some(rule), identities: identities.collect() }
        .encode_to_vec()
}

/// Checks that a serialized policy can be used.
pub(super) fn check(policy: &[u8]) -> Result<(), PolicyError> {
    SignaturePolicy::from_bytes(policy).map(drop)
}

/// The reason why the creator of a proposal does not satisfy a policy.
#[derive(Debug, thiserror::Error)]
pub(super) enum CreatorError {
    /// The policy cannot be read, or is not satisfied.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The channel does not know the creator.
    #[error(transparent)]
    Identity(#[from] MspError),
}

/// Checks that the creator of a proposal alone satisfies a serialized policy. The signature has
/// been verified.
pub(super) fn creator_satisfies(
    policy: &[u8],
    creator: &[u8],
    config: &ChannelConfig,
) -> Result<(), CreatorError> {
    let policy = SignaturePolicy::from_bytes(policy)?;
    let creator = config.msps().deserialize(creator)?;
    Ok(policy.evaluate_identities(&[creator])?)
}
