//! Tests VSCC: its arguments, its texts, and its rules for LSCC's transactions.

use prost::Message;

use crate::tests::support::{CC, CHANNEL, Draft, Fixture, edit_action, policy_bytes};
use wasmcc_channel::collections::package_from_json;
use wasmcc_channel::vscc::{APPLICATION_POLICY, Vscc, VsccError};
use wasmcc_types::proto::common::{Capabilities, HeaderType};
use wasmcc_types::proto::protos::TxValidationCode::*;
use wasmcc_types::proto::protos::{
    ApplicationPolicy, ChaincodeData, ChaincodeDeploymentSpec, ChaincodeId, ChaincodeSpec,
    application_policy,
};

const ANY: &str = "OR('Org1MSP.member','Org2MSP.member')";
const BOTH: &str = "AND('Org1MSP.peer','Org2MSP.peer')";

fn invalid(reason: &str) -> Result<(), VsccError> {
    Err(VsccError::Invalid(reason.to_owned()))
}

struct Judge {
    fixture: Fixture,
    vscc: Vscc,
}

impl Judge {
    fn new() -> Self {
        let fixture = Fixture::new();
        let vscc = Vscc::new(fixture.channels.clone());
        Self { fixture, vscc }
    }

    /// Judges by a policy in the form of Fabric 1.0.
    fn judge(&self, draft: &Draft, policy: &str) -> Result<(), VsccError> {
        let envelope = draft.envelope().encode_to_vec();
        self.vscc.validate(&[Vec::new(), envelope, policy_bytes(policy)])
    }

    /// Judges by a policy of the channel.
    fn judge_by_reference(&self, draft: &Draft, name: &str) -> Result<(), VsccError> {
        let reference = application_policy::Type::ChannelConfigPolicyReference(name.to_owned());
        let policy = ApplicationPolicy { r#type: Some(reference) }.encode_to_vec();
        let envelope = draft.envelope().encode_to_vec();
        self.vscc.validate(&[APPLICATION_POLICY.into(), envelope, policy])
    }
}

#[test]
fn arguments_are_checked() {
    let judge = Judge::new();
    let good = judge.fixture.draft(CC).envelope().encode_to_vec();
    let policy = policy_bytes(ANY);
    let validate = |args: &[&[u8]]| {
        judge.vscc.validate(&args.iter().map(|arg| arg.to_vec()).collect::<Vec<_>>())
    };
    assert_eq!(validate(&[]), invalid("Incorrect number of arguments"));
    assert_eq!(validate(&[b"", &good]), invalid("Incorrect number of arguments"));
    assert_eq!(validate(&[b"", b"", &policy]), invalid("No block to validate"));
    assert_eq!(validate(&[b"", &good, b""]), invalid("No policy supplied"));
    assert_eq!(validate(&[b"", &good, &policy]), Ok(()));
    for args in [[b"".as_slice(), b"\xff", &policy], [b"", &good, b"\xff"]] {
        assert!(matches!(validate(&args), Err(VsccError::Invalid(_))));
    }
    let application = [APPLICATION_POLICY.as_bytes(), &good, b"\xff"];
    assert!(matches!(validate(&application), Err(VsccError::Invalid(_))));
}

#[test]
fn only_transactions_of_joined_channels_are_judged() {
    let judge = Judge::new();
    let mut draft = judge.fixture.draft(CC);
    draft.header.channel_id = "other".into();
    let unavailable = VsccError::Unavailable("channel 'other' is not joined".into());
    assert_eq!(judge.judge(&draft, ANY), Err(unavailable));
    let mut draft = judge.fixture.draft(CC);
    draft.header.r#type = HeaderType::Config.into();
    let refused = invalid("Only Endorser Transactions are supported, provided type 1");
    assert_eq!(judge.judge(&draft, ANY), refused);
    draft = judge.fixture.draft(CC);
    draft.edit_tx = |tx| tx.actions.clear();
    assert_eq!(judge.judge(&draft, ANY), invalid("VSCC error: the transaction has 0 actions"));
}

#[test]
fn endorsers_count_once_and_only_if_they_signed() {
    let judge = Judge::new();
    let (one, two) = (judge.fixture.peer(1), judge.fixture.peer(2));
    let draft = |endorsers: &[_]| judge.fixture.draft(CC).endorsed_by(endorsers);
    assert_eq!(judge.judge(&draft(&[&one, &two]), BOTH), Ok(()));
    assert_eq!(judge.judge(&draft(&[&one, &two, &one]), BOTH), Ok(()));
    let failed = |signers: &str| {
        let reason = "policy evaluation failed, err signature set did not satisfy policy";
        let policy = "AND('Org1MSP.peer', 'Org2MSP.peer')";
        invalid(&format!("VSCC error: {reason}; the policy is {policy}, endorsed by {signers}"))
    };
    let only_one = failed("peer0.org1.example.com of Org1MSP");
    assert_eq!(judge.judge(&draft(&[&one]), BOTH), only_one);
    let nobody = failed("nobody whose signature is valid");
    assert_eq!(judge.judge(&draft(&[]), BOTH), nobody);
    let Err(VsccError::Invalid(duplicated)) = judge.judge(&draft(&[&one, &one]), BOTH) else {
        panic!("the same endorsement counts twice");
    };
    let start = "Endorsement policy evaluation failure might be caused by duplicated identities; ";
    assert!(duplicated.starts_with(start), "{duplicated}");
    assert!(duplicated.ends_with("endorsed by peer0.org1.example.com of Org1MSP"), "{duplicated}");

    let mut forged = draft(&[&one, &two]);
    forged.edit_tx = |tx| {
        edit_action(tx, |action| {
            let endorsements = &mut action.action.as_mut().unwrap().endorsements;
            endorsements[1].signature = endorsements[0].signature.clone();
        });
    };
    assert_eq!(judge.judge(&forged, BOTH), only_one);
    let mut changed = draft(&[&one, &two]);
    changed.edit_tx = |tx| {
        edit_action(tx, |action| {
            action.action.as_mut().unwrap().proposal_response_payload.extend([0x1a, 0]);
        });
    };
    assert_eq!(judge.judge(&changed, BOTH), nobody);
}

/// A transaction endorsed by `endorsers`; the signature of the one at `bad` is invalid.
fn with_bad_signature(fixture: &Fixture, bad: usize) -> Draft {
    let (one, two) = (fixture.peer(1), fixture.peer(2));
    let mut draft = fixture.draft(CC).endorsed_by(&[&one, &one, &two]);
    draft.edit_tx = match bad {
        0 => |tx| spoil_signature(tx, 0),
        _ => |tx| spoil_signature(tx, 1),
    };
    draft
}

fn spoil_signature(tx: &mut wasmcc_types::proto::protos::Transaction, index: usize) {
    edit_action(tx, |action| {
        let endorsements = &mut action.action.as_mut().unwrap().endorsements;
        endorsements[index].signature = b"bad".to_vec();
    });
}

#[test]
fn the_order_of_one_peers_endorsements_does_not_matter() {
    let judge = Judge::new();
    for bad in [0, 1] {
        let draft = with_bad_signature(&judge.fixture, bad);
        assert_eq!(judge.judge(&draft, BOTH), Ok(()), "{bad}");
    }
    // Before V1_3, only the first one is used.
    let fixture = Fixture::with_genesis(|root| {
        let application = root.groups.get_mut("Application").unwrap();
        let names = [("V1_2".to_owned(), Default::default())].into();
        let value = application.values.get_mut("Capabilities").unwrap();
        value.value = Capabilities { capabilities: names }.encode_to_vec();
    });
    let judge = Judge { vscc: Vscc::new(fixture.channels.clone()), fixture };
    assert!(judge.judge(&with_bad_signature(&judge.fixture, 0), BOTH).is_err());
    assert_eq!(judge.judge(&with_bad_signature(&judge.fixture, 1), BOTH), Ok(()));
}

#[test]
fn one_transaction_is_judged_by_several_policies() {
    let judge = Judge::new();
    let draft = judge.fixture.draft(CC);
    let default = "/Channel/Application/Endorsement";
    for _ in 0..2 {
        assert_eq!(judge.judge(&draft, ANY), Ok(()));
        assert!(judge.judge(&draft, BOTH).is_err());
        assert!(judge.judge_by_reference(&draft, default).is_err());
        let own = "/Channel/Application/Org1MSP/Endorsement";
        assert_eq!(judge.judge_by_reference(&draft, own), Ok(()));
    }
    let both = draft.endorsed_by(&[&judge.fixture.peer(1), &judge.fixture.peer(2)]);
    assert_eq!(judge.judge_by_reference(&both, default), Ok(()));
    let unknown = invalid("failed to retrieve policy for reference /Channel/Nothing");
    assert_eq!(judge.judge_by_reference(&both, "/Channel/Nothing"), unknown);
}

/// The request to LSCC, and LSCC's writes.
#[derive(Clone)]
struct Lscc {
    args: Vec<Vec<u8>>,
    key: String,
    data: ChaincodeData,
}

impl Lscc {
    fn new(function: &str, version: &str) -> Self {
        let id = ChaincodeId { name: CC.into(), version: version.into(), path: String::new() };
        let spec = ChaincodeSpec { chaincode_id: Some(id), ..Default::default() };
        let spec = ChaincodeDeploymentSpec { chaincode_spec: Some(spec), ..Default::default() };
        let data = ChaincodeData {
            name: CC.into(),
            version: version.into(),
            vscc: "vscc".into(),
            policy: policy_bytes(ANY),
            instantiation_policy: policy_bytes("OR('Org1MSP.admin')"),
            ..Default::default()
        };
        let args = vec![function.into(), CHANNEL.into(), spec.encode_to_vec()];
        Self { args, key: CC.into(), data }
    }

    /// Makes a transaction of Org1's admin.
    fn draft(&self, fixture: &Fixture) -> Draft {
        let draft = fixture.draft("lscc").put("lscc", &self.key, &self.data.encode_to_vec());
        Draft { args: self.args.clone(), creator: fixture.admin(1), ..draft }
    }
}

#[test]
fn chaincodes_are_deployed_once_and_upgraded_to_other_versions() {
    let fixture = Fixture::new();
    let deploy = |version| Lscc::new("deploy", version).draft(&fixture);
    let upgrade = |version| Lscc::new("upgrade", version).draft(&fixture);
    let failure = EndorsementPolicyFailure;
    assert_eq!(fixture.codes(&[upgrade("1"), fixture.draft(CC)]), [failure, InvalidChaincode]);
    // The init writes in the same transaction.
    let with_init = deploy("1").put(CC, "key", b"value");
    assert_eq!(fixture.codes([&with_init]), [Valid]);
    let drafts = [deploy("2"), upgrade("1"), fixture.draft(CC), upgrade("2")];
    assert_eq!(fixture.codes(&drafts), [failure, failure, Valid, Valid]);
    assert_eq!(fixture.codes(&[upgrade("2"), upgrade("1")]), [failure, Valid]);
}

#[test]
fn lscc_transactions_obey_its_rules() {
    let judge = Judge::new();
    let check = |name: &str, edit: fn(&mut Lscc), reason: &str| {
        let mut lscc = Lscc::new("deploy", "1");
        edit(&mut lscc);
        let outcome = judge.judge(&lscc.draft(&judge.fixture), ANY);
        match outcome {
            Err(VsccError::Invalid(text)) => assert!(text.contains(reason), "{name}: {text}"),
            other => panic!("{name}: {other:?}"),
        }
    };
    check("no function", |l| l.args.clear(), "committing invalid vscc invocation");
    check(
        "getccdata",
        |l| l.args[0] = b"getccdata".into(),
        "function getccdata of lscc is invalid",
    );
    check("no chaincode", |l| l.args.truncate(2), "expected between 2 and 6, received 1");
    check("too much", |l| l.args.resize(8, Vec::new()), "expected between 2 and 6, received 7");
    check("no spec", |l| l.args[2].clear(), "does not have appropriate arguments");
    check("garbled spec", |l| l.args[2] = vec![0xff], "GetChaincodeDeploymentSpec error");
    check("other key", |l| l.key = "other".into(), "Expected key basic, found other");
    check("other name", |l| l.data.name = "x".into(), "Expected cc name basic, found x");
    check("other version", |l| l.data.version = "2".into(), "Expected cc version 1, found 2");
    check("other vscc", |l| l.data.vscc = "x".into(), "no validation system chaincode 'x'");
    check("no policy", |l| l.data.instantiation_policy.clear(), "No installation policy");
    check(
        "bad policy",
        |l| l.data.instantiation_policy = vec![0xff],
        "not the message of a policy",
    );
    let violated = "chaincode instantiation policy violated";
    check(
        "policy",
        |l| l.data.instantiation_policy = policy_bytes("OR('Org2MSP.admin')"),
        violated,
    );
    let named = |l: &mut Lscc, name: &str, version: &str| {
        let id = ChaincodeId { name: name.into(), version: version.into(), path: String::new() };
        let spec = ChaincodeSpec { chaincode_id: Some(id), ..Default::default() };
        let spec = ChaincodeDeploymentSpec { chaincode_spec: Some(spec), ..Default::default() };
        l.args[2] = spec.encode_to_vec();
    };
    for (name, version, reason) in [
        ("a/b", "1", "invalid chaincode name 'a/b'"),
        (CC, "1 2", "invalid chaincode version '1 2'"),
        ("qscc", "1", "'qscc' is reserved"),
    ] {
        let mut lscc = Lscc::new("deploy", "1");
        named(&mut lscc, name, version);
        let outcome = judge.judge(&lscc.draft(&judge.fixture), ANY).unwrap_err();
        assert!(outcome.to_string().contains(reason), "{outcome}");
    }
}

#[test]
fn lscc_transactions_write_nothing_else() {
    let judge = Judge::new();
    let deploy = || Lscc::new("deploy", "1").draft(&judge.fixture);
    assert_eq!(judge.judge(&deploy(), ANY), Ok(()));
    let reads = deploy().read("other", "key", None);
    assert_eq!(judge.judge(&reads, ANY), Ok(()));
    let other = invalid("LSCC invocation is attempting to write to namespace other");
    let policy = policy_bytes(ANY);
    for draft in [
        deploy().put("other", "key", b"value"),
        deploy().put_private("other", "collection", "key"),
        deploy().protect("other", "key", &policy),
    ] {
        assert_eq!(judge.judge(&draft, ANY), other);
    }
    let key = "invalid key for the collection of chaincode basic:1; expected 'basic~collection', \
               received 'second'";
    assert_eq!(judge.judge(&deploy().put("lscc", "second", b"value"), ANY), invalid(key));
    let many = deploy().put("lscc", "basic~collection", b"value").put("lscc", "third", b"value");
    let many = judge.judge(&many, ANY);
    assert_eq!(many, invalid("LSCC can only issue one or two putState upon deploy/upgrade"));
    let public = invalid("LSCC can only write public values");
    assert_eq!(judge.judge(&deploy().protect("lscc", CC, &policy), ANY), public);
    let mut deletes = deploy();
    deletes.rwset.namespaces.get_mut("lscc").unwrap().writes[0].is_delete = true;
    let refused = invalid("LSCC can not delete a chaincode's definition");
    assert_eq!(judge.judge(&deletes, ANY), refused);
    let mut nothing = deploy();
    nothing.rwset.namespaces.clear();
    assert_eq!(judge.judge(&nothing, ANY), invalid("No read write set for lscc was found"));
}

#[test]
fn collections_are_those_of_the_arguments_and_keep_their_rules() {
    let collections = |json: &str| package_from_json(json).unwrap().encode_to_vec();
    let one = |name: &str, rest: &str| {
        collections(&format!(r#"[{{"name":"{name}","policy":"OR('Org1MSP.member')"{rest}}}]"#))
    };
    let fixture = Fixture::new();
    let draft = |function: &str, version: &str, given: &[u8], written: &[u8]| {
        let mut lscc = Lscc::new(function, version);
        lscc.args.resize(6, Vec::new());
        lscc.args.push(given.to_vec());
        let draft = lscc.draft(&fixture);
        if written.is_empty() { draft } else { draft.put("lscc", "basic~collection", written) }
    };
    let (a, b) = (one("a", ""), one("b", ""));
    let same =
        |function: &str, version: &str, package: &[u8]| draft(function, version, package, package);
    let failure = EndorsementPolicyFailure;
    let bad = [
        draft("deploy", "1", &a, &b),
        draft("deploy", "1", &a, &[]),
        draft("deploy", "1", &[], &a),
        same("deploy", "1", &one("_a", "")),
        same("deploy", "1", &one("a", r#","requiredPeerCount":2"#)),
        same("deploy", "1", b"\xff"),
    ];
    assert_eq!(fixture.codes(&bad), [failure; 6]);
    assert_eq!(fixture.codes(&[same("deploy", "1", &a)]), [Valid]);
    let live = one("a", r#","blockToLive":3"#);
    let bad = [same("upgrade", "2", &b), same("upgrade", "2", &live)];
    assert_eq!(fixture.codes(&bad), [failure; 2]);
    assert_eq!(fixture.codes(&[draft("upgrade", "2", &[], &[])]), [Valid]);
    let more = collections(
        r#"[{"name":"b","policy":"OR('Org2MSP.member')"},
            {"name":"a","policy":"OR('Org2MSP.member')","memberOnlyRead":true}]"#,
    );
    assert_eq!(fixture.codes(&[same("upgrade", "3", &more)]), [Valid]);
}

#[test]
fn both_instantiation_policies_count_for_an_upgrade() {
    let fixture = Fixture::new();
    assert_eq!(fixture.codes(&[Lscc::new("deploy", "1").draft(&fixture)]), [Valid]);
    let mut hostile = Lscc::new("upgrade", "2");
    hostile.data.instantiation_policy = policy_bytes("OR('Org2MSP.admin')");
    let by_two = Draft { creator: fixture.admin(2), ..hostile.draft(&fixture) };
    let drafts = [by_two, hostile.draft(&fixture), Lscc::new("upgrade", "2").draft(&fixture)];
    let failure = EndorsementPolicyFailure;
    assert_eq!(fixture.codes(&drafts), [failure, failure, Valid]);
}
