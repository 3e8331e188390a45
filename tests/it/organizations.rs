//! The peers of several organizations in one process: one ledger, but separate identities and
//! private data.

use std::collections::BTreeSet;

use prost::Message;
use serde_json::{Value, json};
use wasmcc_api::Peer;
use wasmcc_channel::collections::package_from_json;
use wasmcc_client::{ProposalBuilder, lscc};
use wasmcc_ledger::{IndexDefinition, TxRwSet};
use wasmcc_msp::{NetworkSpec, SignaturePolicy, SignedData};
use wasmcc_node::sandbox::{CHANNEL, Endorsed, Sandbox, SandboxError};
use wasmcc_tests::chain::{commit, transaction};
use wasmcc_tests::program::{Client, Run, Site};
use wasmcc_tests::{call, guest};
use wasmcc_types::proto::lifecycle::{
    ChaincodeValidationInfo, StateData, StateMetadata, state_data,
};
use wasmcc_types::proto::msp::SerializedIdentity;
use wasmcc_types::proto::protos::{ApplicationPolicy, TxValidationCode, application_policy};

const BOTH: &str = "AND('Org1MSP.peer','Org2MSP.peer')";
const COLLECTIONS: &str = r#"[
    {"name":"one","policy":"OR('Org1MSP.member')","memberOnlyRead":true},
    {"name":"two","policy":"OR('Org2MSP.member')"},
    {"name":"both","policy":"OR('Org1MSP.member','Org2MSP.member')","requiredPeerCount":1},
    {"name":"three","policy":"OR('Org1MSP.member','Org2MSP.member')","requiredPeerCount":2,
     "maxPeerCount":3}]"#;

/// Returns a sandbox: Org1MSP and Org2MSP have peers, Org3MSP has only clients.
fn sandbox(policy: Option<&str>) -> Sandbox {
    let builder = Sandbox::builder().network(NetworkSpec::with_orgs(3));
    let sandbox = builder.orgs(["Org1MSP", "Org2MSP"]).build().unwrap();
    let policy = policy.map(|text| SignaturePolicy::from_text(text).unwrap().envelope().clone());
    let definition = lscc::Definition {
        channel_id: CHANNEL.into(),
        name: "probe".into(),
        version: "1.0".into(),
        policy,
        collections: Some(package_from_json(COLLECTIONS).unwrap()),
        ..Default::default()
    };
    sandbox.deploy_as(definition, &guest("probe")).unwrap();
    sandbox
}

fn evaluate(sandbox: &Sandbox, org: &str, line: &str) -> Endorsed {
    let answer = sandbox.endorse(call("probe", line).org(org)).unwrap();
    assert_eq!(answer.response.status, 200, "{line}: {}", answer.response.message);
    answer
}

fn submit(sandbox: &Sandbox, org: &str, line: &str) -> Endorsed {
    let submitted = sandbox.submit(call("probe", line).org(org));
    submitted.unwrap_or_else(|error| panic!("{line}: {error}")).endorsed
}

/// Returns the refusal by an organization's peer.
fn refusal(sandbox: &Sandbox, org: &str, line: &str) -> String {
    let answer = sandbox.endorse(call("probe", line).org(org)).unwrap();
    assert_eq!(answer.response.status, 500, "{line}");
    answer.response.message
}

fn endorser(answer: &Endorsed) -> String {
    let endorsement = answer.proposal_response.endorsement.as_ref().unwrap();
    SerializedIdentity::decode(endorsement.endorser.as_slice()).unwrap().mspid
}

#[test]
fn each_peer_signs_as_itself_and_says_who_it_is() {
    let sandbox = sandbox(None);
    for org in ["Org1MSP", "Org2MSP"] {
        let answer = evaluate(&sandbox, org, "info");
        assert!(answer.text().contains(&format!("peer={org}\n")), "{}", answer.text());
        assert!(answer.text().contains(&format!("client={org}\n")));
        assert_eq!(endorser(&answer), org);
    }
    // Clients of an organization without a peer ask the first peer.
    assert_eq!(endorser(&evaluate(&sandbox, "Org3MSP", "noop")), "Org1MSP");
    submit(&sandbox, "Org2MSP", "put k v");
    assert_eq!(evaluate(&sandbox, "Org1MSP", "get k").text(), "v");
}

#[test]
fn a_policy_over_two_organizations_is_satisfied_here() {
    let sandbox = sandbox(Some(BOTH));
    submit(&sandbox, "Org1MSP", "put k v");
    submit(&sandbox, "Org2MSP", "rmw k w");
    assert_eq!(evaluate(&sandbox, "Org1MSP", "get k").text(), "vw");
    let mut alone = evaluate(&sandbox, "Org1MSP", "put k x");
    let codes = |endorsed: Vec<Endorsed>| -> Vec<_> {
        sandbox.commit(endorsed).unwrap().into_iter().map(|done| done.code).collect()
    };
    assert_eq!(codes(vec![alone.clone()]), [TxValidationCode::EndorsementPolicyFailure]);
    // A committed transaction is not endorsed again.
    assert!(sandbox.endorse_also("Org2MSP", &mut alone).is_err());
    let mut both = evaluate(&sandbox, "Org2MSP", "put k x");
    sandbox.endorse_also("Org1MSP", &mut both).unwrap();
    assert_eq!(codes(vec![both]), [TxValidationCode::Valid]);
    // Different results of the peers cannot become a transaction.
    let mut differs = evaluate(&sandbox, "Org1MSP", "info");
    sandbox.endorse_also("Org2MSP", &mut differs).unwrap();
    let error = sandbox.commit(vec![differs]).unwrap_err().to_string();
    assert!(error.contains("ProposalResponsePayloads do not match"), "{error}");
}

#[test]
fn values_are_for_members_and_hashes_for_all() {
    let sandbox = sandbox(None);
    submit(&sandbox, "Org1MSP", "then pput one k 1 ; pput two k 2 ; pput both k 3");
    for (org, member, other, value) in
        [("Org1MSP", "one", "two", "1"), ("Org2MSP", "two", "one", "2")]
    {
        assert_eq!(evaluate(&sandbox, org, &format!("pget {member} k")).text(), value);
        assert_eq!(evaluate(&sandbox, org, "pget both k").text(), "3");
        for collection in ["one", "two", "both"] {
            assert_eq!(evaluate(&sandbox, org, &format!("phash {collection} k")).text().len(), 64);
        }
        let text = refusal(&sandbox, org, &format!("pget {other} k"));
        let why = match org {
            "Org1MSP" => "private data matching public hash version is not available. Public hash",
            _ => "tx creator does not have read access permission on privatedata in",
        };
        assert!(text.contains(why), "{text}");
        let kept = sandbox.ledger().private_data(org, 2, 0).unwrap().unwrap();
        let kept = &kept.ns_pvt_rwset[0].collection_pvt_rwset;
        let names: BTreeSet<_> = kept.iter().map(|set| set.collection_name.as_str()).collect();
        assert_eq!(names, BTreeSet::from(["both", member]));
    }
    assert_eq!(evaluate(&sandbox, "Org2MSP", "prange two a z").text(), "k=2\n");
    assert_eq!(evaluate(&sandbox, "Org1MSP", "prange two a z").text(), "");
    // Written by one member, changed by the other after reading its own copy.
    let pair = submit(&sandbox, "Org2MSP", "then pget both k ; pput both k 4");
    assert_eq!(endorser(&pair), "Org2MSP");
    assert_eq!(evaluate(&sandbox, "Org1MSP", "pget both k").text(), "4");
}

#[test]
fn rich_queries_find_what_each_organization_has() {
    let sandbox = sandbox(None);
    let keys = |org: &str, collection: &str, query: &str| -> Vec<String> {
        let found = evaluate(&sandbox, org, &format!("pquery {collection} {query}"));
        assert!(!found.rwset.as_ref().unwrap().namespaces.contains_key("probe"), "not recorded");
        let text = found.text();
        text.lines().map(|row| row.split_once('=').unwrap().0.to_owned()).collect()
    };
    let puts: Vec<_> = (0..120).map(|n| format!("pput both k{n:03} {{\"n\":{n}}}")).collect();
    submit(&sandbox, "Org1MSP", &format!("then {}", puts.join(" ; ")));
    submit(&sandbox, "Org2MSP", r#"then pput one a {"n":1} ; pput two b {"n":1}"#);
    let ones = r#"{"selector":{"n":1}}"#;
    let sorted = r#"{"selector":{"n":{"$gt":9}},"sort":[{"n":"desc"}],"use_index":"n"}"#;
    for built in [false, true] {
        for org in ["Org1MSP", "Org2MSP"] {
            assert_eq!(keys(org, "both", ones), ["k001"]);
            assert_eq!(keys(org, "both", r#"{"selector":{"n":{"$gte":5}}}"#).len(), 115);
        }
        assert_eq!(keys("Org1MSP", "one", ones), ["a"]);
        assert_eq!(keys("Org2MSP", "two", ones), ["b"]);
        assert_eq!(keys("Org1MSP", "two", ones), [""; 0]);
        if built {
            let found = keys("Org2MSP", "both", sorted);
            assert_eq!((found.len(), found[0].as_str()), (110, "k119"));
        } else {
            let text = refusal(&sandbox, "Org2MSP", &format!("pquery both {sorted}"));
            assert!(text.contains("no_usable_index"), "{text}");
        }
        let index = r#"{"index":{"fields":["n"]},"ddoc":"n","name":"n"}"#;
        let index = IndexDefinition::parse(index.as_bytes()).unwrap();
        sandbox.ledger().define_indexes("probe", "both", &[index]).unwrap();
    }
    submit(
        &sandbox,
        "Org2MSP",
        r#"then pput both new {"n":500} ; pdel both k119 ; ppurge both k118"#,
    );
    assert_eq!(keys("Org1MSP", "both", sorted)[..2], ["new", "k117"]);
    for (line, why) in [
        ("pquery one {}", "tx creator does not have read access permission on privatedata"),
        ("pquery none {}", "collection mychannel/probe/none could not be found"),
        ("then put k v ; pquery two {}", "Queries on pvt data is supported only in a read-only"),
        (r#"then pquery two {"selector":{}} ; put k v"#, "already performed queries on pvt data"),
    ] {
        let text = refusal(&sandbox, "Org2MSP", line);
        assert!(text.contains(why), "{line}: {text}");
    }
}

/// Returns the collections of a block's first transaction that the peer of one organization sends
/// to a client of another.
fn delivered(sandbox: &Sandbox, peer: &str, client: &str, block: u64) -> Vec<String> {
    let client = sandbox.identity_of(client, "User1").unwrap();
    let request = SignedData { identity: client.serialized().to_vec(), ..SignedData::default() };
    let sets = sandbox.peer().private_data(peer, CHANNEL, block, &request).unwrap();
    let sets = sets.get(&0).map(|set| set.ns_pvt_rwset.clone()).unwrap_or_default();
    let sets = sets.into_iter().flat_map(|ns| ns.collection_pvt_rwset);
    sets.map(|set| set.collection_name).collect()
}

#[test]
fn blocks_bring_the_private_data_that_a_client_may_read() {
    let sandbox = sandbox(None);
    let put = "then pput one k 1 ; pput two k 2 ; pput both k 3";
    submit(&sandbox, "Org1MSP", put);
    let check = |block: u64, expected: [(&str, &str, &[&str]); 4]| {
        for (peer, client, names) in expected {
            let found = delivered(&sandbox, peer, client, block);
            assert_eq!(found, names, "block {block} of {peer} for {client}");
        }
    };
    let first = [
        ("Org1MSP", "Org1MSP", &["both", "one"][..]),
        ("Org1MSP", "Org3MSP", &["both"]),
        ("Org2MSP", "Org1MSP", &["both", "two"]),
        ("Org2MSP", "Org3MSP", &["both", "two"]),
    ];
    check(2, first);
    // Later changes of a collection do not affect earlier blocks.
    let changed = COLLECTIONS
        .replace(r#","memberOnlyRead":true"#, "")
        .replace(r#""requiredPeerCount":1"#, r#""requiredPeerCount":1,"memberOnlyRead":true"#);
    let definition = lscc::Definition {
        channel_id: CHANNEL.into(),
        name: "probe".into(),
        version: "2.0".into(),
        collections: Some(package_from_json(&changed).unwrap()),
        ..Default::default()
    };
    sandbox.install(&definition, &guest("probe")).unwrap();
    sandbox.instantiate(lscc::upgrade(definition)).unwrap();
    submit(&sandbox, "Org1MSP", put);
    check(2, first);
    let second = [
        ("Org1MSP", "Org1MSP", &["both", "one"][..]),
        ("Org1MSP", "Org3MSP", &["one"]),
        ("Org2MSP", "Org1MSP", &["both", "two"]),
        ("Org2MSP", "Org3MSP", &["two"]),
    ];
    check(4, second);
    for block in [1, 3, 5] {
        assert!(delivered(&sandbox, "Org1MSP", "Org1MSP", block).is_empty());
    }
}

#[test]
fn other_member_peers_count_for_the_required_ones() {
    let sandbox = sandbox(None);
    submit(&sandbox, "Org1MSP", "pput both k v");
    let text = refusal(&sandbox, "Org1MSP", "pput three k v");
    let end = "required to disseminate to at least 2 peers, but know of only 1 eligible peers";
    assert!(text.ends_with(end), "{text}");
}

#[test]
fn only_members_are_asked_for_what_a_transaction_reads() {
    let sandbox = sandbox(Some("OutOf(1,'Org1MSP.peer','Org2MSP.peer')"));
    submit(&sandbox, "Org1MSP", "pput one k v");
    let read = submit(&sandbox, "Org1MSP", "then pget one k ; put copied 1");
    assert_eq!(endorser(&read), "Org1MSP");
    // Both would have to endorse, and one of them cannot.
    let strict = self::sandbox(Some(BOTH));
    submit(&strict, "Org1MSP", "pput one k v");
    let refused = strict.submit(call("probe", "then pget one k ; put copied 1").org("Org1MSP"));
    let Err(SandboxError::Rejected(why)) = refused else { panic!("{refused:?}") };
    assert_eq!(
        why.to_string(),
        "no combination of peers can be derived which satisfy the endorsement policy: no peer \
         combination can satisfy the endorsement policy"
    );
}

#[test]
fn local_administration_is_each_organizations_own() {
    let sandbox = sandbox(None);
    let two = sandbox.identity_of("Org2MSP", "Admin").unwrap();
    let installed = sandbox.endorse_at("Org2MSP", lscc::installed(), &two).unwrap();
    assert_eq!(installed.response.status, 200);
    let refused = sandbox.endorse_at("Org1MSP", lscc::installed(), &two).unwrap_err();
    assert!(refused.to_string().contains("creator org unknown"), "{refused}");
    let on_channel = ProposalBuilder::new(CHANNEL, "lscc").args(["getinstalledchaincodes"]);
    let refused = sandbox.endorse_at("Org1MSP", on_channel, &two).unwrap();
    let text = "access denied for [getinstalledchaincodes]: Failed deserializing proposal creator \
                during channelless check policy with policy [Admins]: [expected MSP ID Org1MSP, \
                received Org2MSP]";
    assert_eq!(refused.response.message, text);
}

/// Defines `probe` in `_lifecycle`, as a chaincode of this name would.
fn define_in_lifecycle(sandbox: &Sandbox) {
    let members = SignaturePolicy::any_member(["Org1MSP", "Org2MSP", "Org3MSP"]);
    let policy = application_policy::Type::SignaturePolicy(members);
    let validation = ChaincodeValidationInfo {
        validation_plugin: "vscc".into(),
        validation_parameter: ApplicationPolicy { r#type: Some(policy) }.encode_to_vec(),
    };
    let metadata = StateMetadata { datatype: "ChaincodeDefinition".into(), fields: Vec::new() };
    let collections = package_from_json(COLLECTIONS).unwrap().encode_to_vec();
    let bytes = |bytes| StateData { r#type: Some(state_data::Type::Bytes(bytes)) }.encode_to_vec();
    let ledger = sandbox.ledger();
    let mut simulator = ledger.simulator("define");
    for (key, value) in [
        ("namespaces/metadata/probe", metadata.encode_to_vec()),
        ("namespaces/fields/probe/ValidationInfo", bytes(validation.encode_to_vec())),
        ("namespaces/fields/probe/Collections", bytes(collections)),
    ] {
        simulator.put_state("_lifecycle", key, value).unwrap();
    }
    let rwset: TxRwSet = simulator.finish().public;
    commit(&ledger, vec![transaction("define", &rwset, Vec::new())]).unwrap();
}

#[test]
fn every_organization_has_an_implicit_collection() {
    let sandbox = sandbox(None);
    define_in_lifecycle(&sandbox);
    let own = "_implicit_org_Org2MSP";
    // Every organization may write it, and its owner endorses.
    let line = format!("pput {own} k secret");
    let put = submit(&sandbox, "Org1MSP", &line);
    let reads = &put.rwset.as_ref().unwrap().namespaces["_lifecycle"].reads;
    let keys: Vec<_> = reads.iter().map(|read| read.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "namespaces/fields/probe/Collections",
            "namespaces/fields/probe/EndorsementInfo",
            "namespaces/fields/probe/Sequence",
            "namespaces/fields/probe/ValidationInfo",
            "namespaces/metadata/probe",
        ],
        "as golden blocks have them"
    );
    assert_eq!(evaluate(&sandbox, "Org2MSP", &format!("pget {own} k")).text(), "secret");
    assert_eq!(evaluate(&sandbox, "Org1MSP", &format!("phash {own} k")).text().len(), 64);
    let text = refusal(&sandbox, "Org1MSP", &format!("pget {own} k"));
    assert!(text.contains("is not available"), "{text}");
    let text = refusal(&sandbox, "Org1MSP", "pput _implicit_org_Org9MSP k v");
    let end = "collection [_implicit_org_Org9MSP] not defined in the collection config for \
               chaincode [probe]";
    assert!(text.ends_with(end), "{text}");
}

fn probe(peer: &Client<'_>, verb: &str, org: &str, args: &[&str]) -> Run {
    let input = json!({ "Args": args }).to_string();
    peer.run(&[verb, "-n", "probe", "-c", &input, "--json", "--org", org])
}

fn text(run: Run) -> Value {
    run.ok().json()["payload"].clone()
}

#[test]
fn the_program_serves_several_organizations() {
    let site = Site::of_two();
    std::fs::write(site.path("collections.json"), COLLECTIONS).unwrap();
    let listen = ["--listen", "127.0.0.1:0", "--in-memory"];
    let peer = site.peer(&[&["--org", "Org1MSP", "--org", "Org2MSP"][..], &listen].concat());
    let path = wasmcc_tests::guest_path("probe").to_str().unwrap();
    let deploy = ["deploy", path, "--name", "probe", "--policy", BOTH];
    peer.run(&[&deploy[..], &["--collections-config", "collections.json"]].concat()).ok();
    let put =
        probe(&peer, "invoke", "Org1MSP", &["then", "put", "k", "v", ";", "pput", "two", "p", "x"]);
    assert_eq!(put.ok().json()["status"], "VALID");
    assert_eq!(text(probe(&peer, "query", "Org2MSP", &["get", "k"])), "v");
    // The caller's own peer answers, at every address.
    for door in [&*peer, peer.other(0)] {
        assert_eq!(text(probe(door, "query", "Org2MSP", &["pget", "two", "p"])), "x");
        let refused = probe(door, "query", "Org1MSP", &["pget", "two", "p"]).failed(1);
        assert!(refused.contains("private data matching public hash version"), "{refused}");
    }
    let alone =
        ["invoke", "-n", "probe", "-c", r#"{"Args":["put","k","w"]}"#, "--endorser", "Org2MSP"];
    let refused = peer.run(&alone).failed(1);
    assert!(refused.contains("ENDORSEMENT_POLICY_FAILURE"), "{refused}");
    let differs = probe(&peer, "invoke", "Org1MSP", &["info"]).failed(1);
    let why = "not enough endorsements: Org2MSP: ProposalResponsePayloads do not match";
    assert!(differs.contains(why), "{differs}");
    peer.terminate().ok();
    let listen = ["--listen", "127.0.0.1:0", "--in-memory"];
    let refused = site.try_peer(&listen).err().unwrap().failed(1);
    assert!(refused.contains("2 addresses to listen on, but 1 organizations"), "{refused}");
    let advertise = ["--in-memory", "--advertise", "a.example.com:1,b.example.com:2"];
    let refused = site.try_peer(&advertise).err().unwrap().failed(1);
    assert!(refused.contains("2 addresses by --advertise, but 1 organizations"), "{refused}");
}
