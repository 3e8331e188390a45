//! Keys and values that CouchDB does not accept, on peers with rich queries and without.

use std::sync::Arc;

use wasmcc_client as client;
use wasmcc_client::ProposalBuilder;
use wasmcc_msp::NetworkSpec;
use wasmcc_node::{Peer, PeerConfig};
use wasmcc_tests::conformance::{CHANNEL, Deployment, Doors, probe};
use wasmcc_tests::{Peers, create_channel, deploy, evaluate, process, user};
use wasmcc_types::proto::protos::TxValidationCode;

const COLLECTIONS: &str = r#"[{"name":"open","policy":"OR('Org1MSP.member')"}]"#;

const EMPTY: &str = "invalid key. Empty string is not supported as a key by couchdb";
const UNDERSCORE: &str = "invalid key [_k], cannot begin with \"_\"";
const FIELD: &str = "field [_id] is not valid for the CouchDB state database";
const VERSION: &str = "field [~version] is not valid for the CouchDB state database";

/// Calls of the probe, the refused request, and the reason.
const REFUSED: [(&str, &str, &str); 16] = [
    ("put _k v", "PUT_STATE", UNDERSCORE),
    ("put _k {\"_id\":1}", "PUT_STATE", UNDERSCORE),
    ("put k {\"_id\":1}", "PUT_STATE", FIELD),
    ("put k {\"a\":{},\"~version\":1}", "PUT_STATE", VERSION),
    ("del _k", "DEL_STATE", UNDERSCORE),
    ("get _k", "GET_STATE", UNDERSCORE),
    ("get ''", "GET_STATE", EMPTY),
    ("setmeta _k policy", "PUT_STATE_METADATA", UNDERSCORE),
    ("getmeta _k", "GET_STATE_METADATA", UNDERSCORE),
    ("getmeta ''", "GET_STATE_METADATA", EMPTY),
    ("pput open _k v", "PUT_STATE", UNDERSCORE),
    ("pput open k {\"_id\":1}", "PUT_STATE", FIELD),
    ("pdel open _k", "DEL_STATE", UNDERSCORE),
    ("ppurge open _k", "PURGE_PRIVATE_DATA", UNDERSCORE),
    ("pget open _k", "GET_STATE", UNDERSCORE),
    ("psetmeta open _k policy", "PUT_STATE_METADATA", UNDERSCORE),
];

#[test]
fn a_peer_with_couchdb_refuses_them_in_fabrics_words() {
    let collections = Some(COLLECTIONS);
    let doors = Doors::of(Deployment { collections, ..Deployment::default() });
    for (line, request, why) in REFUSED {
        let answer = doors.ask(line);
        let expected = format!("{request} failed: transaction ID: {}: {why}", answer.tx_id);
        assert_eq!(answer.response.status, 500, "{line}");
        assert_eq!(answer.response.message, expected, "{line}");
        let tried = doors.ask(&format!("try {line}"));
        let expected = format!("{request} failed: transaction ID: {}: {why}", tried.tx_id);
        assert_eq!(tried.text(), format!("refused InvalidArgument: {expected}\n"), "{line}");
        assert_eq!(tried.rwset().namespaces.get("probe"), None, "{line}");
    }
    // Held-back writes are refused when they are sent.
    let batch = doors
        .propose_in_other_words(probe("then start-batch ; put _k v ; finish-batch"), |text| {
            text.rsplit_once(": ").map_or(String::new(), |(_, cause)| cause.to_owned())
        });
    assert!(batch.messages().all(|text| text.ends_with(UNDERSCORE)));
    // LSCC looks up the name of a callee as a key.
    for (line, name, why) in [
        ("then put k v ; called '' _k get k", "_k", UNDERSCORE),
        ("then put k v ; called '' '' get k", "", EMPTY),
    ] {
        let text = format!("could not retrieve state for chaincode {name}: {why}");
        let answer = doors.text(line);
        assert!(answer.starts_with("status=500\n"), "{answer}");
        assert!(answer.trim_end().ends_with(&text), "{answer}");
    }
    let called = doors.propose(ProposalBuilder::new(CHANNEL, "_k").args(["get", "k"]));
    assert_eq!(
        called.response.message,
        format!(
            "make sure the chaincode _k has been successfully defined on channel mychannel and try \
             again: could not retrieve state for chaincode _k: {UNDERSCORE}"
        )
    );
    for line in [
        "put k {\"a\":{\"_id\":1}}",
        "put k [{\"_id\":1}]",
        "put k {\"_id\":1",
        "put k_ v",
        "phash open _k",
        "pgetmeta open _k",
        "range _a _z",
        "history _k",
    ] {
        doors.text(line);
    }
}

/// Returns a peer of a network with the probe.
fn peer(network: &Peers, adjust: fn(&mut PeerConfig)) -> Arc<Peer> {
    let peer = network.peer(adjust);
    create_channel(&peer, CHANNEL);
    deploy(&peer, CHANNEL, "probe", "probe");
    peer
}

#[test]
fn what_a_peer_with_leveldb_endorses_is_invalid_on_one_with_couchdb() {
    let network = Peers::new(&NetworkSpec::default());
    let leveldb = peer(&network, |config| config.ledger.rich_queries = false);
    let couchdb = peer(&network, |_| {});
    let write = |words: &[&str]| {
        let proposal = ProposalBuilder::new(CHANNEL, "probe").args(words.iter().copied());
        let proposal = proposal.sign(&user(&leveldb));
        let response = process(&leveldb, proposal.signed.clone()).unwrap().response;
        let envelope = client::transaction(&proposal.signed, &[response]).unwrap();
        let envelope = client::sign_envelope(envelope, &user(&leveldb));
        [&leveldb, &couchdb].map(|peer| {
            let committer = peer.committer(CHANNEL).unwrap();
            let block = committer.commit_envelopes(vec![envelope.clone()]).unwrap();
            (block.codes()[0], committer.notifier().reason(&proposal.tx_id))
        })
    };
    let valid = || (TxValidationCode::Valid, None);
    assert_eq!(write(&["put", "k", "v"]), [valid(), valid()]);
    for (words, why) in [
        (&["put", "_k", "v"][..], "key \"_k\" of probe: it may not begin with \"_\""),
        (&["del", "_k"], "key \"_k\" of probe: it may not begin with \"_\""),
        (
            &["put", "j", r#"{"_id":1}"#],
            "key \"j\" of probe: its value may not have the field \"_id\"",
        ),
    ] {
        let why = Some(format!("CouchDB does not accept {why}"));
        let invalid = (TxValidationCode::InvalidWriteset, why);
        assert_eq!(write(words), [valid(), invalid], "{words:?}");
    }
    // The keys of metadata are not checked.
    assert_eq!(write(&["setentry", "_k", "color", "red"]), [valid(), valid()]);
    let read = |peer: &Peer, key: &str| evaluate(peer, CHANNEL, "probe", &["get", key]);
    assert_eq!(read(&leveldb, "j").payload, br#"{"_id":1}"#);
    assert_eq!(read(&leveldb, "").status, 200);
    assert_eq!(read(&couchdb, "j").payload, b"");
    assert!(read(&couchdb, "_k").message.ends_with(UNDERSCORE));
}
