//! Names, keys and values, with and without a meaning to a peer.
//!
//! Invariant: depends only on the dice.

use prost::Message;

use crate::hostile::dice::Dice;
use wasmcc_channel::collections::lscc_key;
use wasmcc_msp::SignaturePolicy;
use wasmcc_types::proto::common::signature_policy::{NOutOf, Type as Rule};
use wasmcc_types::proto::common::{self, MspPrincipal, SignaturePolicyEnvelope};
use wasmcc_types::proto::lifecycle::state_data::Type;
use wasmcc_types::proto::lifecycle::{ChaincodeValidationInfo, StateData, StateMetadata};
use wasmcc_types::proto::protos::application_policy::Type as PolicyType;
use wasmcc_types::proto::protos::collection_config::Payload as Collection;
use wasmcc_types::proto::protos::collection_policy_config::Payload as PolicyPayload;
use wasmcc_types::proto::protos::{
    ApplicationPolicy, ChaincodeData, CollectionConfig, CollectionConfigPackage,
    CollectionPolicyConfig, StaticCollectionConfig,
};
use wasmcc_types::{ESCC, LIFECYCLE, LSCC, VSCC};

/// Chaincodes that may be defined, and names with other meanings.
pub(crate) const NAMES: [&str; 12] = [
    "basic",
    "cc",
    "old",
    "basic",
    "basic~collection",
    LSCC,
    LIFECYCLE,
    "",
    VSCC,
    "old~collection",
    "basic/Sequence",
    "\u{0}",
];
/// The names of chaincodes that may be defined.
pub(crate) const DEFINED: [&str; 3] = ["basic", "cc", "old"];
pub(crate) const COLLECTIONS: [&str; 7] =
    ["c", "d", "_implicit_org_Org1MSP", "_implicit_org_", "_implicit_org_Nobody", "", "~"];
const PLAIN_KEYS: [&str; 6] = ["a", "b", "k", "", "\u{0}a", "\u{10ffff}"];
const PLUGINS: [&str; 10] = [VSCC, VSCC, VSCC, VSCC, VSCC, VSCC, VSCC, ESCC, "checks", ""];
const REFERENCES: [&str; 5] = [
    "/Channel/Application/Endorsement",
    "/Channel/Application/Writers",
    "/Channel/Application/Org1MSP/Endorsement",
    "/Channel/Nothing",
    "",
];
const TEXTS: [&str; 5] = [
    "OR('Org1MSP.member','Org2MSP.member')",
    "OR('Org1MSP.peer')",
    "AND('Org1MSP.peer','Org2MSP.peer')",
    "OutOf(2,'Org1MSP.member','Org1MSP.admin','Org2MSP.member')",
    "OR('Nobody.member')",
];

/// Returns a key of a namespace.
pub(crate) fn key(dice: &mut Dice<'_>, namespace: &str) -> String {
    if dice.one_in(4) {
        return (*dice.pick(&PLAIN_KEYS)).to_owned();
    }
    match namespace {
        LSCC => match dice.one_in(2) {
            false => (*dice.pick(&NAMES)).to_owned(),
            true => lscc_key(dice.pick::<&str>(&DEFINED)),
        },
        LIFECYCLE => {
            let name = dice.pick(&DEFINED);
            match *dice.pick(&["ValidationInfo", "Collections", "Sequence", "EndorsementInfo", ""])
            {
                "" => format!("namespaces/metadata/{name}"),
                field => format!("namespaces/fields/{name}/{field}"),
            }
        }
        "" => "CHANNEL_CONFIG_ENV_BYTES".to_owned(),
        _ => (*dice.pick(&PLAIN_KEYS)).to_owned(),
    }
}

/// Returns a value for a key of a namespace, mostly of the right kind.
pub(crate) fn value(dice: &mut Dice<'_>, namespace: &str, key: &str) -> Vec<u8> {
    let mut value = match namespace {
        LSCC if key.contains('~') => collections(dice),
        LSCC => chaincode_data(dice, key, "1").encode_to_vec(),
        LIFECYCLE => lifecycle_value(dice, key),
        _ => match dice.below(4) {
            0 => b"value".to_vec(),
            1 => br#"{"_id":"x","a":[1,{"b":null}]}"#.to_vec(),
            2 => Vec::new(),
            _ => dice.bytes(),
        },
    };
    dice.spoil_one_in(10, &mut value);
    value
}

fn lifecycle_value(dice: &mut Dice<'_>, key: &str) -> Vec<u8> {
    let field = |r#type| StateData { r#type: Some(r#type) }.encode_to_vec();
    match key.rsplit('/').next() {
        Some("ValidationInfo") => {
            let info = ChaincodeValidationInfo {
                validation_plugin: (*dice.pick(&PLUGINS)).to_owned(),
                validation_parameter: application_policy(dice),
            };
            field(Type::Bytes(info.encode_to_vec()))
        }
        Some("Collections") => field(Type::Bytes(collections(dice))),
        Some("Sequence") => field(Type::Int64(dice.number() as i64)),
        Some("EndorsementInfo") => field(Type::Bytes(dice.bytes())),
        _ => {
            let kinds = ["ChaincodeDefinition", "ChaincodeDefinition", "Other", ""];
            let fields = vec!["Sequence".to_owned(), "ValidationInfo".to_owned()];
            StateMetadata { datatype: (*dice.pick(&kinds)).to_owned(), fields }.encode_to_vec()
        }
    }
}

/// Returns LSCC's data of a chaincode.
pub(crate) fn chaincode_data(dice: &mut Dice<'_>, name: &str, version: &str) -> ChaincodeData {
    ChaincodeData {
        name: name.to_owned(),
        version: version.to_owned(),
        escc: ESCC.to_owned(),
        vscc: (*dice.pick(&PLUGINS)).to_owned(),
        policy: signature_policy(dice),
        instantiation_policy: signature_policy(dice),
        ..ChaincodeData::default()
    }
}

/// Returns serialized collections of any kind.
pub(crate) fn collections(dice: &mut Dice<'_>) -> Vec<u8> {
    let config = (0..dice.below(4)).map(|_| {
        if dice.one_in(12) {
            return CollectionConfig::default();
        }
        let members: SignaturePolicyEnvelope =
            SignaturePolicyEnvelope::decode(signature_policy(dice).as_slice()).unwrap_or_default();
        let members =
            CollectionPolicyConfig { payload: Some(PolicyPayload::SignaturePolicy(members)) };
        let own = application_policy(dice);
        let endorsement_policy = ApplicationPolicy::decode(own.as_slice()).ok();
        let config = StaticCollectionConfig {
            name: (*dice.pick(&COLLECTIONS)).to_owned(),
            member_orgs_policy: (!dice.one_in(8)).then_some(members),
            required_peer_count: dice.below(2) as i32,
            maximum_peer_count: 1 - dice.below(3) as i32,
            block_to_live: dice.number(),
            member_only_read: dice.one_in(2),
            member_only_write: dice.one_in(2),
            endorsement_policy: endorsement_policy.filter(|_| dice.one_in(3)),
        };
        CollectionConfig { payload: Some(Collection::StaticCollectionConfig(config)) }
    });
    CollectionConfigPackage { config: config.collect() }.encode_to_vec()
}

/// Returns a serialized `ApplicationPolicy`.
pub(crate) fn application_policy(dice: &mut Dice<'_>) -> Vec<u8> {
    let policy = match dice.below(8) {
        0..5 => {
            let policy = SignaturePolicyEnvelope::decode(signature_policy(dice).as_slice());
            Some(PolicyType::SignaturePolicy(policy.unwrap_or_default()))
        }
        5 | 6 => {
            Some(PolicyType::ChannelConfigPolicyReference((*dice.pick(&REFERENCES)).to_owned()))
        }
        _ => None,
    };
    let mut policy = ApplicationPolicy { r#type: policy }.encode_to_vec();
    dice.spoil_one_in(12, &mut policy);
    policy
}

/// Returns a serialized `SignaturePolicyEnvelope`.
pub(crate) fn signature_policy(dice: &mut Dice<'_>) -> Vec<u8> {
    let policy =
        SignaturePolicy::from_text(dice.pick::<&str>(&TEXTS)).expect("the texts are policies");
    let mut policy = policy.envelope().clone();
    if dice.one_in(6) {
        policy.rule = Some(rule(dice, 0));
        if dice.one_in(3) {
            let classification = dice.below(6) as i32;
            let principal = dice.bytes();
            policy
                .identities
                .push(MspPrincipal { principal_classification: classification, principal });
        }
    }
    let mut policy = policy.encode_to_vec();
    dice.spoil_one_in(16, &mut policy);
    policy
}

fn rule(dice: &mut Dice<'_>, depth: usize) -> common::SignaturePolicy {
    let r#type = match dice.below(3) {
        0 => Some(Rule::SignedBy(dice.number() as i32)),
        1 if depth < 4 => {
            let rules = (0..dice.below(4)).map(|_| rule(dice, depth + 1)).collect();
            Some(Rule::NOutOf(NOutOf { n: dice.number() as i32, rules }))
        }
        _ => None,
    };
    common::SignaturePolicy { r#type }
}
