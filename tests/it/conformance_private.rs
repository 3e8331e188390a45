//! One component has the same results in every way of running it: private data, and access to them.
//!
//! A peer refuses held-back writes when the batch is sent. A refusal that a chaincode catches
//! between two writes of a batch therefore differs, here as on Fabric's own peers. So do writes and
//! queries that exclude each other. These cases are compared without batches.

use std::collections::BTreeMap;

use prost::Message;
use wasmcc_msp::SignaturePolicy;
use wasmcc_tests::conformance::{CHANNEL, Deployment, Doors, probe};
use wasmcc_types::proto::protos::TxValidationCode;

/// All peers are of Org1MSP. Every organization may read `open`, only Org1MSP `closed`; `short`
/// expires soon, `theirs` has only hashes here, `many` requires peers that do not exist.
const COLLECTIONS: &str = r#"[
    {"name":"open","policy":"OR('Org1MSP.member')"},
    {"name":"closed","policy":"OR('Org1MSP.member')","memberOnlyRead":true,"memberOnlyWrite":true},
    {"name":"readers","policy":"OR('Org1MSP.member')","memberOnlyWrite":true},
    {"name":"short","policy":"OR('Org1MSP.member')","blockToLive":2},
    {"name":"theirs","policy":"OR('Org2MSP.member')"},
    {"name":"many","policy":"OR('Org1MSP.member','Org2MSP.member')","requiredPeerCount":1}]"#;

fn doors(chaincodes: &[(&str, &str)]) -> Doors {
    let collections = Some(COLLECTIONS);
    Doors::of(Deployment { orgs: 2, chaincodes, collections, ..Deployment::default() })
}

#[test]
fn private_data_are_read_and_written() {
    let doors = doors(&[("probe", "probe")]);
    doors.submit("then pput open a 1 ; pput open b 2 ; pput open c 3 ; pput closed a 9");
    doors.submit("pdel open c");
    for line in [
        "pget open a",
        "pget open missing",
        "phash open a",
        "phash open missing",
        "pput open a 2",
        "pput open \0a 2",
        "pdel open a",
        "pdel open missing",
        "ppurge open a",
        "ppurge open missing",
        "then pget open a ; phash open a ; pget closed a ; get a ; pput open a 2 ; pget open a",
        "then pput open k 1 ; pput open k 2 ; pdel open k ; pput open k 3 ; pput closed k 4",
        "then pput open a 1 ; ppurge open a",
        "then ppurge open a ; pput open a 1",
        "then pdel open a ; ppurge open a ; put a 1",
    ] {
        doors.text(line);
        // Held back, as one of several.
        doors.text(&format!("then start-batch ; {line} ; put k v ; finish-batch"));
    }
    assert_eq!(doors.text("then pget open a ; pget open b ; pget open c"), "12");
    assert_eq!(doors.text("phash open a").len(), 64);
    for line in ["pget '' k", "phash '' k", "pput '' k v", "pput open '' v", "pdel '' k"] {
        doors.refusal(line);
        doors.text(&format!("try {line}"));
    }
    doors.submit(
        "then start-batch ; pput open a x ; ppurge open b ; pput closed b y ; finish-batch",
    );
    assert_eq!(doors.text("then pget open a ; pget open b ; pget closed b"), "xy");
}

#[test]
fn transient_data_become_private_data() {
    let doors = doors(&[("probe", "probe")]);
    let transient = || BTreeMap::from([("price".to_owned(), b"100".to_vec())]);
    let put = doors.propose(probe("pput-transient open k price").transient(transient()));
    assert!(!put.payload.windows(3).any(|bytes| bytes == b"100"), "only a hash is endorsed");
    doors.commit(&put);
    assert_eq!(doors.text("pget open k"), "100");
    doors.propose(probe("pput-transient open k missing").transient(transient()));
    let batch = "then start-batch ; pput-transient closed k price ; finish-batch";
    doors.commit(&doors.propose(probe(batch).transient(transient())));
    assert_eq!(doors.text("pget closed k"), "100");
}

#[test]
fn private_ranges_record_nothing_and_go_with_no_write() {
    let doors = doors(&[("probe", "probe")]);
    for rows in 0..3 {
        let put = |row: usize| format!("pput open k{row:03} {row}");
        let puts: Vec<String> = (rows * 50..rows * 50 + 50).map(put).collect();
        doors.submit(&format!("then {}", puts.join(" ; ")));
    }
    for line in [
        "prange open a z",
        "prange open k k100",
        "prange open k k101",
        "prange open k050 ''",
        "prange open '' ''",
        "prange open z a",
        "prange closed a z",
        "ppcomp open t a",
        "then prange open a z ; pget open k001 ; get k",
        "repeat 120 prange open k010 k020",
    ] {
        doors.text(line);
    }
    assert_eq!(doors.text("prange open a z").lines().count(), 150);
    doors.refusal("prange open \0a b");
    for line in [
        "then put k v ; prange open a z",
        "then pput open k v ; prange open a z",
        "then pput open k v ; prange closed a z",
        "then setmeta k p ; prange open a z",
        "then prange open a z ; put k v",
        "then prange open a z ; del k",
        "then prange open a z ; pput closed k v",
        "then prange open a z ; pdel open k",
        "then prange open a z ; ppurge open k",
        "then prange open a z ; psetmeta open k p",
    ] {
        let text = doors.refusal(line);
        assert!(text.contains("unsuppored transaction. "), "{line}: {text}");
        let (first, second) = line.split_once(" ; ").unwrap();
        let tried = doors.text(&format!("{first} ; try {second}"));
        assert!(tried.contains("refused NotPermitted"), "{line}: {tried}");
    }
}

#[test]
fn metadata_of_private_keys() {
    let doors = doors(&[("probe", "probe")]);
    doors.submit("then pput open k v ; pput open l w");
    for line in [
        "psetmeta open k p",
        "psetmeta open missing p",
        "pgetmeta open k",
        "pgetmeta open missing",
        "then pput open k 2 ; psetmeta open k p ; psetmeta open k q ; pget open k",
        "then psetmeta open k p ; pdel open k",
        "then start-batch ; pput open k 2 ; psetmeta open k p ; setmeta k p ; finish-batch",
    ] {
        doors.text(line);
    }
    doors.submit("psetmeta open k policy");
    let policy = |org: &str| {
        let policy = SignaturePolicy::from_text(&format!("OR('{org}.peer')")).unwrap();
        String::from_utf8(policy.envelope().encode_to_vec()).unwrap()
    };
    assert_eq!(doors.text("pgetmeta open k"), policy("policy"));
    let text = doors.refusal("psetmeta open k raw:nonsense");
    assert!(text.contains("that peers can read: nobody could change the key"), "{text}");
    // With an empty collection the key is a public one.
    doors.submit("then put public v ; psetmeta '' public mine");
    let mine = policy("mine");
    assert_eq!(doors.text("then pgetmeta '' public ; getmeta public"), format!("{mine}{mine}"));
    doors.text("then start-batch ; psetmeta '' new p ; finish-batch");
    doors.text("pgetmeta '' k");
}

#[test]
fn who_is_no_member_is_refused_with_the_same_words() {
    let doors = doors(&[("probe", "probe")]);
    doors.submit("then pput open k v ; pput closed k v ; pput readers k v");
    let ask = |line: &str| doors.propose_as("Org2MSP", probe(line));
    for line in ["pget open k", "pget readers k", "phash closed k", "pput open k w"] {
        assert_eq!(ask(line).response.status, 200, "{line}");
    }
    for line in [
        "pget closed k",
        "pgetmeta closed k",
        "prange closed a z",
        "pput closed k v",
        "pput readers k v",
        "pdel closed k",
        "ppurge closed k",
        "psetmeta closed k p",
    ] {
        let text = ask(line).response.message;
        assert!(text.contains(": tx creator does not have "), "{line}: {text}");
        let tried = ask(&format!("then put k v ; try {line}")).text();
        assert!(tried.starts_with("refused NotPermitted"), "{line}: {tried}");
    }
    ask("then pget open k ; phash closed k ; pget closed k ; pput closed k v");
    ask("then pget open k ; phash closed k ; try pput closed k v ; try phash none k");
    // A batch is refused as a whole; without batches, each write is refused by itself.
    let words = |text: &str| {
        let text = text.strip_prefix("failed send batch: ").unwrap_or(text);
        let (kind, cause) = text.split_once(" failed: ").unwrap_or_default();
        match kind {
            "WRITE_BATCH_STATE" | "PUT_STATE" | "DEL_STATE" | "PURGE_PRIVATE_DATA"
            | "PUT_STATE_METADATA" => cause.to_owned(),
            _ => text.to_owned(),
        }
    };
    for line in [
        "pput closed k v",
        "pput readers k v",
        "pdel closed k",
        "ppurge closed k",
        "psetmeta closed k p",
    ] {
        let line = format!("then start-batch ; {line} ; finish-batch");
        let refused = doors.propose_in_other_words_as("Org2MSP", probe(&line), words);
        assert!(refused.response.message.contains("does not have write access"), "{line}");
    }
}

#[test]
fn what_this_organization_does_not_have_is_refused_with_the_same_words() {
    let doors = doors(&[("probe", "probe")]);
    doors.submit("pput theirs k v");
    doors.text("phash theirs k");
    doors.text("pget theirs missing");
    doors.text("prange theirs a z");
    let text = doors.refusal("pget theirs k");
    assert!(text.contains(": private data matching public hash version is not "), "{text}");
    let tried = doors.text("then pput open a b ; try pget theirs k");
    assert!(tried.starts_with("refused LedgerFailure"), "{tried}");
    doors.submit("then pput short k v ; pput open k v");
    for block in 0..3 {
        doors.text("then pget short k ; phash short k");
        doors.submit(&format!("put a {block}"));
    }
    assert_eq!(doors.text("then pget short k ; phash short k ; prange short a z"), "");
    let text = doors.refusal("pput many k v");
    assert!(text.contains("failed to distribute private collection"), "{text}");
}

#[test]
fn collections_that_are_not_defined_are_refused_with_the_same_words() {
    for doors in [doors(&[("probe", "probe")]), Doors::new()] {
        for call in [
            "pget none k",
            "phash none k",
            "pput none k v",
            "pdel none k",
            "ppurge none k",
            "prange none a z",
            "ppcomp none t a",
            "pquery none {}",
            "psetmeta none k p",
            "pgetmeta none k",
            "pget _implicit_org_Org1MSP k",
        ] {
            doors.refusal(call);
            let tried = doors.text(&format!("then put k v ; try {call}"));
            assert!(tried.starts_with("refused InvalidArgument"), "{call}: {tried}");
            doors.text(&format!("then try {call} ; put k v"));
        }
    }
}

#[test]
fn private_keys_conflict_alike() {
    let doors = doors(&[("probe", "probe")]);
    doors.submit("pput open k 1");
    let change = "then pget open k ; pput open k 2";
    let [first, second] = [(); 2].map(|()| doors.ask(change));
    doors.commit(&first);
    doors.commit_as(&second, TxValidationCode::MvccReadConflict);
    let hash = doors.ask("phash open k");
    doors.submit("ppurge open k");
    doors.commit_as(&hash, TxValidationCode::MvccReadConflict);
    assert_eq!(doors.text("then pget open k ; phash open k"), "");
}

#[test]
fn called_chaincodes_have_collections_of_their_own() {
    let doors = doors(&[("probe", "probe"), ("other", "probe")]);
    doors.submit("then pput open k mine ; cc2cc other pput open k its");
    assert_eq!(doors.text("then pget open k ; cc2cc other pget open k"), "mineits");
    for line in [
        "called '' other pget none k",
        "called '' other pget theirs k",
        "then cc2cc other prange open a z ; put k v",
        "then cc2cc other pput open k v ; prange open a z",
        "called mychannel other ppurge open k",
    ] {
        doors.ask(line);
    }
    let line = "called '' other pget closed k";
    let text = doors.propose_as("Org2MSP", probe(line)).text();
    assert!(text.contains("tx creator does not have read access"), "{text}");
}

#[test]
fn an_init_has_no_private_data() {
    let mut doors = Doors::with(&[], &[CHANNEL]);
    for (number, call) in
        ["pget c k", "phash c k", "pput c k v", "pdel c k", "ppurge c k", "prange c a z"]
            .iter()
            .enumerate()
    {
        let mut args = vec!["run"];
        args.extend(call.split(' '));
        let refused = doors.init(&format!("plain{number}"), "probe", &args);
        let end = "private data APIs are not allowed in chaincode Init()";
        assert!(refused.message.ends_with(end), "{call}: {}", refused.message);
        args.insert(1, "try");
        doors.init(&format!("tries{number}"), "probe", &args);
    }
}
