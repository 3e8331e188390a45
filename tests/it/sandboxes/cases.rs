// One table of cases, for every API that is called `api` where this is included.

use api::{
    Call, Endorsed, Limits, NetworkSpec, OwnRead, Sandbox, SandboxError, Timestamp,
    TxValidationCode,
};
use wasmcc_tests::guest;

const COLLECTIONS: &str = r#"[
    {"name":"open","policy":"OR('Org1MSP.member')"},
    {"name":"closed","policy":"OR('Org1MSP.member')","memberOnlyRead":true}]"#;
const BY_SIZE: &str = r#"{"index":{"fields":["size"]},"ddoc":"d","name":"bySize","type":"json"}"#;

/// Returns a sandbox with the chaincode `probe`.
fn sandbox() -> Sandbox {
    with_probe(builder())
}

fn with_probe(builder: api::SandboxBuilder) -> Sandbox {
    let sandbox = builder.build().unwrap();
    sandbox.deploy("probe", &guest("probe")).unwrap();
    sandbox
}

/// Returns a call of the probe, written as on a command line.
fn call(line: &str) -> Call {
    let mut words = line.split(' ');
    Call::new("probe", words.next().unwrap()).args(words)
}

fn submit(sandbox: &Sandbox, line: &str) -> Endorsed {
    sandbox.submit(call(line)).unwrap_or_else(|error| panic!("{line}: {error}")).endorsed
}

fn text(sandbox: &Sandbox, line: &str) -> String {
    sandbox.evaluate(call(line)).unwrap_or_else(|error| panic!("{line}: {error}")).text()
}

#[test]
fn what_is_submitted_is_read_and_what_is_evaluated_is_forgotten() {
    let sandbox = sandbox();
    let height = sandbox.height().unwrap();
    submit(&sandbox, "put k v");
    assert_eq!(text(&sandbox, "put k w"), "");
    assert_eq!(text(&sandbox, "get k"), "v");
    assert_eq!(sandbox.height().unwrap(), height + 1);
    assert_eq!(sandbox.get_state("probe", "k").unwrap(), Some(b"v".to_vec()));
    assert_eq!(sandbox.get_state("probe", "none").unwrap(), None);
}

#[test]
fn a_contract_is_built_in_its_folder_and_deployed() {
    let sandbox = builder().build().unwrap();
    let component = api::build(xtask::root().join("sample-chaincodes/callee")).unwrap();
    sandbox.deploy("callee", &component).unwrap();
    let refused = sandbox.evaluate(Call::new("callee", "Read").args(["ann"])).unwrap_err();
    assert_eq!(refused.to_string(), "status 404: there is no account ann");
    let folder = tempfile::TempDir::new().unwrap();
    let none = api::build(folder.path()).unwrap_err();
    assert!(matches!(none, SandboxError::Build(_)), "{none}");
}

#[test]
fn a_deploy_is_a_transaction_in_a_block() {
    let sandbox = builder().build().unwrap();
    let deployed = sandbox.deploy("probe", &guest("probe")).unwrap();
    assert_eq!((deployed.block, deployed.code), (1, TxValidationCode::Valid));
    assert_eq!(deployed.reason, None);
    let again = sandbox.deploy("probe", &guest("probe")).unwrap();
    assert_eq!((again.block, again.code), (2, TxValidationCode::Valid));
    let refused = sandbox.deploy("other", b"no component").unwrap_err();
    let SandboxError::Refused(answer) = &refused else { panic!("{refused}") };
    assert_eq!(answer.status, 500);
}

#[test]
fn an_endorsement_has_reads_writes_event_and_fuel() {
    let sandbox = sandbox();
    submit(&sandbox, "put k v");
    let endorsed = sandbox.endorse(call("then rmw k + ; del old ; event e payload")).unwrap();
    assert_eq!((endorsed.response.status, endorsed.response.message.as_str()), (200, ""));
    let rwset = endorsed.rwset.as_ref().unwrap();
    let own = &rwset.namespaces["probe"];
    let read = &own.reads[0];
    let version = read.version.as_ref().unwrap();
    assert_eq!((read.key.as_str(), version.block_num, version.tx_num), ("k", 2, 0));
    let writes: Vec<(&str, bool, &[u8])> =
        own.writes.iter().map(|w| (w.key.as_str(), w.is_delete, w.value.as_slice())).collect();
    assert_eq!(writes, [("k", false, b"v+".as_slice()), ("old", true, b"")]);
    let event = endorsed.event.as_ref().unwrap();
    assert_eq!((event.name.as_str(), event.payload.as_slice()), ("e", b"payload".as_slice()));
    assert!(endorsed.fuel > 1_000);
    assert_eq!(endorsed.own_reads, []);
    assert!(rwset.namespaces.contains_key("lscc"), "its definition was read");
}

#[test]
fn a_read_after_a_write_gives_the_value_from_before_and_is_reported() {
    let sandbox = sandbox();
    let endorsed = sandbox.endorse(call("putread k new")).unwrap();
    assert_eq!(endorsed.text(), "");
    let own_read = OwnRead { namespace: "probe".to_owned(), key: "k".to_owned() };
    assert_eq!(endorsed.own_reads, [own_read]);
}

#[test]
fn a_range_is_recorded_with_its_bounds() {
    let sandbox = sandbox();
    submit(&sandbox, "mput row 3");
    let endorsed = sandbox.evaluate(call("range row row~")).unwrap();
    assert_eq!(endorsed.text().lines().count(), 3);
    let rwset = endorsed.rwset.unwrap();
    let range = &rwset.namespaces["probe"].range_queries[0];
    assert_eq!((range.start_key.as_str(), range.end_key.as_str()), ("row", "row~"));
    assert!(range.itr_exhausted);
}

#[test]
fn bytes_go_in_and_out_as_they_are() {
    let sandbox = sandbox();
    let value: Vec<u8> = (0..=255).collect();
    // Arguments of the probe are text; transient data are bytes.
    let answer = sandbox.evaluate(call("transient t").transient("t", value.clone())).unwrap();
    assert_eq!(answer.response.payload, value);
    let empty = sandbox.evaluate(Call::new("probe", "put").args(["k", ""])).unwrap();
    assert_eq!(empty.response.payload, b"");
    let long = "x".repeat(3 << 20);
    sandbox.submit(Call::new("probe", "put").args(["long", &long])).unwrap();
    assert_eq!(sandbox.get_state("probe", "long").unwrap().map(|v| v.len()), Some(3 << 20));
}

#[test]
fn an_error_status_is_an_answer_to_endorse_and_an_error_to_the_others() {
    let sandbox = sandbox();
    let endorsed = sandbox.endorse(call("status 404 missing")).unwrap();
    assert_eq!((endorsed.response.status, endorsed.rwset.is_none()), (404, true));
    let SandboxError::Refused(answer) = endorsed.accepted().unwrap_err() else { panic!() };
    assert_eq!((answer.status, answer.message.as_str()), (404, "missing"));
    for refused in [
        sandbox.evaluate(call("status 500 broken")).unwrap_err(),
        sandbox.submit(call("status 500 broken")).map(|_| ()).unwrap_err(),
    ] {
        assert_eq!(refused.to_string(), "status 500: broken");
        let SandboxError::Refused(answer) = refused else { panic!() };
        assert_eq!((answer.status, answer.message.as_str()), (500, "broken"));
    }
}

#[test]
fn a_chaincode_that_is_not_there_is_refused_with_fabrics_words() {
    let sandbox = builder().build().unwrap();
    let refused = sandbox.evaluate(Call::new("none", "f")).unwrap_err().to_string();
    assert!(refused.contains("none"), "{refused}");
}

#[test]
fn a_transaction_id_is_used_once() {
    let sandbox = sandbox();
    sandbox.submit(call("put k v").nonce("once")).unwrap();
    let refused = sandbox.endorse(call("put k v").nonce("once")).unwrap_err();
    let SandboxError::Rejected(why) = &refused else { panic!("{refused}") };
    assert!(why.to_string().contains("duplicate transaction found"), "{why}");
    assert_eq!(refused.to_string(), format!("the peer rejected the proposal: {why}"));
}

#[test]
fn of_two_changes_of_a_key_in_a_block_the_second_is_invalid() {
    let sandbox = sandbox();
    let both = ["rmw k a", "rmw k b"].map(|line| sandbox.endorse(call(line)).unwrap());
    let ids = both.each_ref().map(|endorsed| endorsed.tx_id.clone());
    let done = sandbox.commit(both.to_vec()).unwrap();
    let codes: Vec<TxValidationCode> = done.iter().map(|done| done.code).collect();
    assert_eq!(codes, [TxValidationCode::Valid, TxValidationCode::MvccReadConflict]);
    assert_eq!(done[0].block, done[1].block);
    assert_eq!([&done[0].endorsed.tx_id, &done[1].endorsed.tx_id], [&ids[0], &ids[1]]);
    let reason = done[1].reason.as_ref().unwrap();
    assert!(reason.contains("key \"k\" of probe") && reason.contains(&ids[0]), "{reason}");
    assert_eq!(text(&sandbox, "get k"), "a");
    // The same once more: its id is already on the ledger.
    let again = sandbox.commit(vec![both[0].clone()]).unwrap();
    assert_eq!(again[0].code, TxValidationCode::DuplicateTxid);
}

#[test]
fn a_client_has_its_attributes_and_is_there_once() {
    let creator = || builder().client("Org1MSP", "ann", &[("abac.creator", "true")]);
    let sandbox = creator().build().unwrap();
    sandbox.deploy("abac", &guest("asset-transfer-abac")).unwrap();
    let create = |user: &str| {
        let create = Call::new("abac", "CreateAsset").args([user, "blue", "1", "2"]);
        sandbox.evaluate(create.user(user))
    };
    create("ann").unwrap();
    let refused = create("User1").unwrap_err().to_string();
    assert!(refused.contains("does not have abac.creator role"), "{refused}");
    for (org, name, expected) in [
        ("Org1MSP", "ann", "Org1MSP has a user 'ann' already"),
        ("Org1MSP", "Admin", "Org1MSP has a user 'Admin' already"),
        ("Org1MSP", "a b", "'a b' is not a user"),
        ("Org9MSP", "bob", "there is no organization Org9MSP"),
    ] {
        let refused = creator().client(org, name, &[]).build().err().unwrap().to_string();
        assert!(refused.contains(expected), "{refused}");
    }
}

#[test]
fn callers_are_users_of_organizations() {
    let sandbox = with_probe(builder().network(NetworkSpec::with_orgs(2)));
    let creator = |call: Call| sandbox.evaluate(call).unwrap().text();
    let one = creator(call("info"));
    assert!(one.contains("Org1MSP"), "{one}");
    assert!(creator(call("info").org("Org2MSP").user("Admin")).contains("Org2MSP"));
    for (org, user) in [("Org1MSP", "Nobody"), ("Org3MSP", "User1")] {
        let refused = sandbox.evaluate(call("info").org(org).user(user)).unwrap_err();
        let SandboxError::NoUser { org: no, user: body, reason } = refused else { panic!() };
        assert_eq!((no.as_str(), body.as_str()), (org, user));
        assert!(!reason.is_empty());
    }
}

#[test]
fn the_clients_clock_and_nonce_can_be_set() {
    let sandbox = sandbox();
    let at = Timestamp { seconds: 1_700_000_000, nanos: 5 };
    let call = || call("hashmap").timestamp(at).nonce("twice");
    let [one, two] = [call(), call()].map(|call| sandbox.evaluate(call).unwrap());
    assert_eq!(one.tx_id, two.tx_id);
    assert_eq!(one.text(), two.text());
    assert!(one.text().contains("clock=1700000000.000000005"), "{}", one.text());
}

#[test]
fn private_data_come_with_their_collections() {
    let sandbox = builder().build().unwrap();
    sandbox.deploy_with_collections("probe", &guest("probe"), COLLECTIONS).unwrap();
    let put = sandbox.submit(call("pput-transient open k t").transient("t", "secret")).unwrap();
    let rwset = put.endorsed.rwset.unwrap();
    let hashes = &rwset.namespaces["probe"].collections["open"];
    assert_eq!((hashes.writes.len(), hashes.writes[0].key_hash.len()), (1, 32));
    assert!(!hashes.writes[0].is_delete && !hashes.writes[0].is_purge);
    assert_eq!(hashes.pvt_rwset_hash.len(), 32);
    assert_eq!(text(&sandbox, "pget open k"), "secret");
    let refused = sandbox.deploy_with_collections("other", &guest("probe"), "[{}]").unwrap_err();
    assert!(matches!(refused, SandboxError::Deployment { .. }), "{refused}");
    assert!(refused.to_string().starts_with("cannot deploy other: "), "{refused}");
}

#[test]
fn rich_queries_come_with_their_indexes() {
    let sandbox = builder().build().unwrap();
    sandbox.deploy_with_indexes("probe", &guest("probe"), &[BY_SIZE]).unwrap();
    for size in [3, 1, 2] {
        submit(&sandbox, &format!(r#"put a{size} {{"size":{size}}}"#));
    }
    let query = r#"query {"selector":{"size":{"$gt":1}},"sort":["size"]}"#;
    let found = text(&sandbox, query);
    let keys: Vec<&str> = found.lines().map(|line| &line[..2]).collect();
    assert_eq!(keys, ["a2", "a3"]);
    let refused = sandbox.deploy_with_indexes("other", &guest("probe"), &["{}"]).unwrap_err();
    assert!(matches!(refused, SandboxError::Deployment { .. }), "{refused}");
}

#[test]
fn metadata_of_a_key_are_among_its_writes() {
    let sandbox = sandbox();
    submit(&sandbox, "put k v");
    let endorsed = sandbox.evaluate(call("setentry k name value")).unwrap();
    let rwset = endorsed.rwset.unwrap();
    let write = &rwset.namespaces["probe"].metadata_writes[0];
    assert_eq!((write.key.as_str(), write.entries.len()), ("k", 1));
}

#[test]
fn limits_and_time_are_those_that_were_set() {
    let limits = Limits { fuel: 20_000_000, value_bytes: 1_000, ..Limits::default() };
    let sandbox = with_probe(builder().limits(limits));
    submit(&sandbox, "big k 1000");
    let refused = sandbox.evaluate(call("big k 1001")).unwrap_err().to_string();
    assert!(refused.contains("1000"), "{refused}");
    let refused = sandbox.evaluate(call("repeat 100000 get k")).unwrap_err().to_string();
    assert!(refused.contains("fuel"), "{refused}");
    let sandbox = builder().execute_timeout(std::time::Duration::ZERO).build().unwrap();
    for _ in 0..2 {
        let refused = sandbox.deploy("probe", &guest("probe")).unwrap_err().to_string();
        assert!(refused.contains("timeout expired"), "{refused}");
    }
}

#[test]
fn a_sandbox_without_an_organization_cannot_be_set_up() {
    let network = NetworkSpec { orgs: Vec::new(), orderer: None };
    let Err(refused) = builder().network(network).build() else { panic!("it has no peer") };
    assert!(refused.to_string().starts_with("cannot set up a sandbox: "), "{refused}");
    let Err(refused) = builder().orgs(["NoMSP"]).build() else { panic!("it has no such peer") };
    assert!(refused.to_string().contains("NoMSP"), "{refused}");
}

#[test]
fn sandboxes_do_not_know_of_each_other_and_run_side_by_side() {
    let story = |value: &'static str| {
        move || {
            let sandbox = sandbox();
            submit(&sandbox, &format!("put k {value}"));
            text(&sandbox, "get k")
        }
    };
    let threads = ["a", "b", "c"].map(|value| (value, std::thread::spawn(story(value))));
    for (value, thread) in threads {
        assert_eq!(thread.join().unwrap(), value);
    }
}

#[test]
fn chaincodes_call_each_other() {
    let sandbox = sandbox();
    sandbox.deploy("other", &guest("probe")).unwrap();
    let endorsed = sandbox.evaluate(call("cc2cc other put k v")).unwrap();
    let namespaces = endorsed.rwset.unwrap().namespaces;
    assert_eq!(namespaces["other"].writes[0].key, "k");
}

#[test]
fn errors_travel_through_other_error_types() {
    fn read(sandbox: &Sandbox) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
        Ok(sandbox.evaluate(call("status 418 teapot"))?.text())
    }
    assert_eq!(read(&sandbox()).unwrap_err().to_string(), "status 418: teapot");
}

#[test]
fn a_contract_that_depends_on_random_numbers_or_clocks_is_found() {
    let sandbox = sandbox();
    let refused = sandbox.assert_deterministic(call("then get k ; hashmap")).unwrap_err();
    let words = refused.to_string();
    let SandboxError::Diverged(found) = refused else { panic!("{words}") };
    assert!(found.cause.contains("random numbers"), "{words}");
    assert_eq!(found.place, "call 2 of the peer, by probe,");
    assert!(found.first.starts_with("put-state key \"hashmap\" value \"order="), "{words}");
    assert_ne!(found.first, found.second);
    assert!(words.contains("the contract is not deterministic"), "{words}");
}

#[test]
fn a_deterministic_call_is_endorsed_once_and_can_be_committed() {
    let sandbox = sandbox();
    let height = sandbox.height().unwrap();
    let endorsed = sandbox.assert_deterministic(call("then rmw k v ; event e p")).unwrap();
    assert_eq!(sandbox.height().unwrap(), height);
    let done = sandbox.commit(vec![endorsed]).unwrap();
    assert_eq!(done[0].code, TxValidationCode::Valid);
    assert_eq!(text(&sandbox, "get k"), "v");
    // A refusal is an answer, and the same each time.
    let refused = sandbox.assert_deterministic(call("status 404 missing")).unwrap();
    assert_eq!(refused.response.status, 404);
    sandbox.deploy("other", &guest("probe")).unwrap();
    sandbox.assert_deterministic(call("cc2cc other rmw k v")).unwrap();
    // Id and time are those of the transaction in each run.
    sandbox.assert_deterministic(call("info")).unwrap();
    sandbox.assert_deterministic(call("put _x v")).unwrap();
}
