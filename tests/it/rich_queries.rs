//! CouchDB selectors through chaincodes: rows, recorded reads, pages, and the indexes of a package.

use std::fs;
use std::sync::Arc;

use prost::Message;
use serde_json::json;
use wasmcc_client as client;
use wasmcc_client::cscc;
use wasmcc_client::lifecycle::{self, ChaincodeDefinition};
use wasmcc_client::lscc::{self, Definition};
use wasmcc_msp::NetworkSpec;
use wasmcc_node::Peer;
use wasmcc_node::sandbox::{CHANNEL, Endorsed, Sandbox, SandboxError};
use wasmcc_peer::chaincode::ProgramBundle;
use wasmcc_tests::program::Site;
use wasmcc_tests::{Peers, call, guest, guest_path, package, process};
use wasmcc_types::ChannelId;
use wasmcc_types::proto::lifecycle::InstallChaincodeResult;
use wasmcc_types::proto::protos::TxValidationCode;

const BY_SIZE: &str = r#"{"index": {"fields": ["size"]}, "ddoc": "bySize", "name": "bySize"}"#;
const BY_OWNER: &str = r#"{"index": {"fields": ["owner"]}, "name": "owner", "type": "json"}"#;

fn submit(sandbox: &Sandbox, line: &str) {
    sandbox.submit(call("probe", line)).unwrap();
}

fn evaluate(sandbox: &Sandbox, line: &str) -> Endorsed {
    sandbox.evaluate(call("probe", line)).unwrap()
}

/// Returns the keys of the returned rows.
fn keys(endorsed: &Endorsed) -> Vec<String> {
    let text = endorsed.text();
    let rows = text.lines().filter(|line| !line.starts_with("count="));
    rows.map(|row| row.split_once('=').unwrap().0.to_owned()).collect()
}

fn reads(endorsed: &Endorsed) -> usize {
    endorsed.rwset.as_ref().unwrap().namespaces.get("probe").map_or(0, |ns| ns.reads.len())
}

/// Returns a sandbox with the data of Fabric's sample asset-transfer-ledger-queries.
fn with_assets() -> Sandbox {
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy_with_indexes("probe", &guest("probe"), &[BY_SIZE, BY_OWNER]).unwrap();
    for (key, owner, size) in
        [("asset1", "tom", 5), ("asset2", "max", 7), ("asset3", "tom", 3), ("asset4", "tom", 9)]
    {
        let asset = json!({"docType": "asset", "owner": owner, "size": size, "ID": key});
        submit(&sandbox, &format!("put {key} {asset}"));
    }
    submit(&sandbox, "put plain text");
    sandbox
}

#[test]
fn assets_are_found_by_owner_sorted_and_projected() {
    let sandbox = with_assets();
    for (query, expected) in [
        (r#"{"selector":{"docType":"asset","owner":"tom"}}"#, &["asset1", "asset3", "asset4"][..]),
        (
            r#"{"selector":{"owner":"tom","size":{"$gt":0}},"sort":[{"size":"desc"}]}"#,
            &["asset4", "asset1", "asset3"],
        ),
        (
            r#"{"selector":{"size":{"$lte":5}},"use_index":["_design/bySize","bySize"]}"#,
            &["asset3", "asset1"],
        ),
        (
            r#"{"selector":{"$or":[{"size":{"$in":[7,9]}},{"ID":"asset1"}]}}"#,
            &["asset1", "asset2", "asset4"],
        ),
        (r#"{"selector":{"ID":{"$regex":"t[23]$"}}}"#, &["asset2", "asset3"]),
        (r#"{"selector":{"owner":"nobody"}}"#, &[]),
    ] {
        let found = evaluate(&sandbox, &format!("query {query}"));
        assert_eq!(keys(&found), expected, "{query}");
        assert_eq!(reads(&found), expected.len(), "{query}");
    }
    let line = r#"query {"selector":{"owner":"max"},"fields":["size","ID"]}"#;
    assert_eq!(evaluate(&sandbox, line).text(), "asset2={\"ID\":\"asset2\",\"size\":7}\n");
}

#[test]
fn what_the_peer_reads_ahead_is_recorded() {
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("probe", &guest("probe")).unwrap();
    let puts: Vec<String> = (0..250).map(|n| format!("put d{n:03} {{\"n\":{n}}}")).collect();
    submit(&sandbox, &format!("then {}", puts.join(" ; ")));
    let all = r#"query {"selector":{"n":{"$gte":0}}}"#;
    let everything = evaluate(&sandbox, all);
    assert_eq!((keys(&everything).len(), reads(&everything)), (250, 250));
    for (asked, recorded) in [(0, 101), (1, 101), (99, 101), (101, 201), (150, 201), (249, 250)] {
        let found = evaluate(&sandbox, &format!("{all} {asked}"));
        assert_eq!((keys(&found).len(), reads(&found)), (asked, recorded), "{asked} rows");
    }
}

#[test]
fn rows_that_were_read_are_checked_and_phantoms_are_not() {
    let sandbox = with_assets();
    let toms = r#"then query {"selector":{"owner":"tom"}} ; put seen yes"#;
    let [lost, kept] = [(); 2].map(|()| sandbox.endorse(call("probe", toms)).unwrap());
    // A new asset of tom is not a conflict; a change of a row that was read is one.
    submit(&sandbox, r#"put asset5 {"owner":"tom","size":1}"#);
    assert_eq!(sandbox.commit(vec![kept]).unwrap()[0].code, TxValidationCode::Valid);
    submit(&sandbox, r#"put asset3 {"owner":"max","size":3}"#);
    assert_eq!(sandbox.commit(vec![lost]).unwrap()[0].code, TxValidationCode::MvccReadConflict);
}

#[test]
fn pages_end_with_an_empty_one_and_exclude_writes() {
    let sandbox = with_assets();
    let query = r#"{"selector":{"owner":"tom"}}"#;
    let (mut bookmark, mut found) = (String::from("''"), Vec::new());
    for rows in [2, 1, 0] {
        let page = evaluate(&sandbox, &format!("querypage {query} 2 {bookmark}"));
        let text = page.text();
        let (_, tail) = text.rsplit_once("count=").unwrap();
        let (count, next) = tail.trim_end().split_once(" bookmark=").unwrap();
        assert_eq!((count, reads(&page)), (rows.to_string().as_str(), rows));
        found.extend(keys(&page));
        bookmark = next.to_owned();
    }
    assert_eq!(found, ["asset1", "asset3", "asset4"]);
    for line in [
        format!("then querypage {query} 2 '' ; put k v"),
        format!("then put k v ; querypage {query} 2 ''"),
    ] {
        let refused = sandbox.endorse(call("probe", &line)).unwrap().response;
        assert!(refused.message.contains("unsuppored transaction"), "{}", refused.message);
    }
}

#[test]
fn refusals_have_the_words_of_fabric_and_couchdb() {
    let sandbox = with_assets();
    for (line, kind, words) in [
        ("query {}", "InvalidArgument", "Error:missing_required_key,"),
        ("query nonsense", "InvalidArgument", "a rich query must be a JSON object"),
        (r#"query {"selector":{"a":{"$like":1}}}"#, "InvalidArgument", "Invalid operator: $like"),
        (
            r#"querypage {"selector":{"a":1},"sort":["a"]} 2 ''"#,
            "InvalidArgument",
            "Error:no_usable_index,  Status Code:400,  Reason:No index exists for this sort, try \
             indexing by the sort fields.",
        ),
    ] {
        let endorsed = evaluate(&sandbox, &format!("try {line}"));
        let (text, tx_id) = (endorsed.text(), &endorsed.tx_id);
        let begin = format!("refused {kind}: GET_QUERY_RESULT failed: transaction ID: {tx_id}: ");
        assert!(text.starts_with(&begin) && text.contains(words), "{line}: {text}");
    }
}

#[test]
fn an_upgrade_adds_indexes_and_keeps_those_before() {
    let sandbox = Sandbox::new().unwrap();
    let indexes = || sandbox.ledger().indexes_of("probe").len();
    sandbox.deploy("probe", &guest("probe")).unwrap();
    assert_eq!(indexes(), 0);
    for (version, definition, expected) in [("2.0", BY_SIZE, 1), ("3.0", BY_OWNER, 2)] {
        let file = "META-INF/statedb/couchdb/indexes/a.json";
        let files = vec![(file.to_owned(), definition.as_bytes().to_vec())];
        let definition = Definition {
            channel_id: CHANNEL.into(),
            name: "probe".into(),
            version: version.into(),
            ..Definition::default()
        };
        let code = ProgramBundle::pack(guest("probe"), files).unwrap();
        sandbox.install(&definition, &code).unwrap();
        assert_eq!(indexes(), expected - 1, "not before it runs");
        sandbox.instantiate(lscc::upgrade(definition)).unwrap();
        assert_eq!(indexes(), expected);
    }
    let refused = sandbox.deploy_with_indexes("other", &guest("probe"), &["{}"]).unwrap_err();
    let SandboxError::Deployment { reason: why, .. } = refused else { panic!("{refused}") };
    assert!(why.to_string().contains("not an index definition"), "{why}");
}

#[test]
fn a_package_that_comes_after_its_definition_brings_its_indexes() {
    let network = Peers::new(&NetworkSpec::default());
    let members = network.network();
    let admin = members.org("Org1MSP").unwrap().admin().unwrap();
    let genesis = members.genesis(ChannelId::parse(CHANNEL).unwrap()).block().unwrap();
    let [first, second]: [Arc<Peer>; 2] = [(); 2].map(|()| {
        let peer = network.peer(|_| {});
        process(&peer, cscc::join(&genesis).sign(&admin).signed).unwrap();
        peer
    });
    let indexes =
        |peer: &Peer| peer.channels().get(CHANNEL).unwrap().ledger().indexes_of("probe").len();
    let file = ("META-INF/statedb/couchdb/indexes/a.json".to_owned(), BY_SIZE.into());
    let code = ProgramBundle::pack(guest("probe"), vec![file]).unwrap();
    let install = lscc::install("probe", "1.0", code).sign(&admin);
    process(&first, install.signed.clone()).unwrap();
    let deploy = lscc::deploy(Definition {
        channel_id: CHANNEL.into(),
        name: "probe".into(),
        version: "1.0".into(),
        ..Definition::default()
    });
    let deploy = deploy.sign(&admin);
    let endorsed = process(&first, deploy.signed.clone()).unwrap().response;
    let envelope = client::transaction(&deploy.signed, &[endorsed]).unwrap();
    let envelope = client::sign_envelope(envelope, &admin);
    for (peer, expected) in [(&first, 1), (&second, 0)] {
        let committer = peer.committer(CHANNEL).unwrap();
        let block = committer.commit_envelopes(vec![envelope.clone()]).unwrap();
        assert_eq!(block.codes(), [TxValidationCode::Valid]);
        assert_eq!(indexes(peer), expected);
    }
    process(&second, install.signed).unwrap();
    assert_eq!(indexes(&second), 1);
}

#[test]
fn an_approval_that_comes_after_its_definition_brings_its_indexes() {
    const ORGS: [&str; 2] = ["Org1MSP", "Org2MSP"];
    let sandbox = Sandbox::builder().network(NetworkSpec::with_orgs(2)).orgs(ORGS).build().unwrap();
    let site = Site::new();
    let folder = site.path("meta/statedb/couchdb/indexes");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("a.json"), BY_SIZE).unwrap();
    let meta = site.path("meta");
    let package = package("probe", "probe_1", &["--meta-inf", meta.to_str().unwrap()]);
    let ask = |org: &str, proposal| {
        let admin = sandbox.identity_of(org, "Admin").unwrap();
        sandbox.endorse_at(org, proposal, &admin).unwrap().accepted().unwrap()
    };
    let commit = |endorsed| {
        assert_eq!(sandbox.commit(vec![endorsed]).unwrap()[0].code, TxValidationCode::Valid);
    };
    let installed = ask(ORGS[0], lifecycle::install(package)).response;
    let installed = InstallChaincodeResult::decode(installed.payload.as_slice()).unwrap();

    let define = |name: &str| ChaincodeDefinition {
        channel_id: CHANNEL.into(),
        name: name.into(),
        version: "1".into(),
        sequence: 1,
        ..ChaincodeDefinition::default()
    };
    let indexes = |name: &str| sandbox.ledger().indexes_of(name).len();
    for name in ["probe", "other"] {
        for org in ORGS {
            commit(ask(org, lifecycle::approve(define(name), None)));
        }
        let mut defined = ask(ORGS[0], lifecycle::commit(define(name)));
        sandbox.endorse_also(ORGS[1], &mut defined).unwrap();
        commit(defined);
        assert_eq!(indexes(name), 0, "no organization chose a package");
    }
    // One of the organizations is enough, and need not be the first.
    commit(ask(ORGS[1], lifecycle::approve(define("probe"), Some(&installed.package_id))));
    assert_eq!((indexes("probe"), indexes("other")), (1, 0));
}

#[test]
fn indexes_are_deployed_by_the_program_and_survive_it() {
    let site = Site::new();
    let folder = site.path("META-INF/statedb/couchdb/indexes");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("size.json"), BY_SIZE).unwrap();
    fs::write(folder.join("bad.json"), "{}").unwrap();
    let deploy = |peer: &wasmcc_tests::program::Peer<'_>| {
        let probe = guest_path("probe").to_str().unwrap();
        peer.run(&["deploy", probe, "--name", "probe", "--meta-inf", "META-INF"])
    };
    let peer = site.peer(&["--data", "data"]);
    let refused = deploy(&peer).failed(1);
    assert!(refused.contains("indexes/bad.json]: not an index definition"), "{refused}");
    fs::remove_file(folder.join("bad.json")).unwrap();
    deploy(&peer).ok();
    let probe = |peer: &wasmcc_tests::program::Peer<'_>, verb: &str, args: &[&str]| {
        let input = json!({ "Args": args }).to_string();
        peer.run(&[verb, "-n", "probe", "-c", &input, "--json"]).ok().json()
    };
    for (key, size) in [("a", 2), ("b", 1)] {
        probe(&peer, "invoke", &["put", key, &format!("{{\"size\": {size}}}")]);
    }
    let sorted = ["query", r#"{"selector": {"size": {"$gt": 0}}, "sort": ["size"]}"#];
    let expected = json!("b={\"size\": 1}\na={\"size\": 2}\n");
    assert_eq!(probe(&peer, "query", &sorted)["payload"], expected);
    peer.terminate().ok();
    site.run(&["ledger", "verify", "--data", "data"]).ok();
    site.run(&["ledger", "rebuild", "--data", "data"]).ok();
    site.run(&["ledger", "verify", "--data", "data"]).ok();
    let peer = site.peer(&["--data", "data"]);
    assert_eq!(probe(&peer, "query", &sorted)["payload"], expected);
    peer.terminate().ok();
}
