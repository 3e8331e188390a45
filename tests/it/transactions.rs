//! Transactions of one contract, from the proposal to the ledger.

use wasmcc_node::sandbox::{Call, OwnRead, Sandbox, SandboxError};
use wasmcc_tests::guest;
use wasmcc_types::proto::protos::TxValidationCode;

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("probe", &guest("probe")).unwrap();
    sandbox
}

fn put(key: &str, value: &str) -> Call {
    Call::new("probe", "put").args([key, value])
}

fn get(sandbox: &Sandbox, key: &str) -> String {
    sandbox.evaluate(Call::new("probe", "get").args([key])).unwrap().text()
}

#[test]
fn a_committed_write_is_read_by_the_next_transaction() {
    let sandbox = sandbox();
    let submitted = sandbox.submit(put("k", "v")).unwrap();
    assert_eq!(submitted.code, TxValidationCode::Valid);
    assert_eq!(submitted.block, 2, "genesis and deploy came before");
    assert_eq!(get(&sandbox, "k"), "v");
}

#[test]
fn a_transaction_does_not_read_its_own_writes() {
    let sandbox = sandbox();
    sandbox.submit(put("k", "old")).unwrap();
    let read = sandbox.submit(Call::new("probe", "putread").args(["k", "new"])).unwrap();
    assert_eq!(read.endorsed.text(), "old");
    // For tests of contracts with other expectations.
    assert_eq!(
        read.endorsed.own_reads,
        [OwnRead { namespace: "probe".to_owned(), key: "k".to_owned() }]
    );
    assert_eq!(sandbox.evaluate(put("k", "v")).unwrap().own_reads, []);
    assert_eq!(get(&sandbox, "k"), "new");
}

#[test]
fn an_empty_value_deletes() {
    let sandbox = sandbox();
    sandbox.submit(put("k", "v")).unwrap();
    sandbox.submit(Call::new("probe", "empty").args(["k"])).unwrap();
    assert_eq!(get(&sandbox, "k"), "");
    let rows = sandbox.evaluate(Call::new("probe", "range").args(["", ""])).unwrap();
    assert!(!rows.text().contains("k="), "{}", rows.text());
}

#[test]
fn an_evaluation_changes_nothing() {
    let sandbox = sandbox();
    let height = sandbox.ledger().height();
    sandbox.evaluate(put("k", "v")).unwrap();
    assert_eq!(get(&sandbox, "k"), "");
    assert_eq!(sandbox.ledger().height(), height);
}

#[test]
fn of_two_updates_of_one_key_the_second_conflicts() {
    let sandbox = sandbox();
    sandbox.submit(put("k", "a")).unwrap();
    let update = |suffix| sandbox.endorse(Call::new("probe", "rmw").args(["k", suffix])).unwrap();
    let (first, second) = (update("1"), update("2"));
    let [first, second] = &sandbox.commit(vec![first, second]).unwrap()[..] else { panic!() };
    assert_eq!(first.code, TxValidationCode::Valid);
    assert_eq!(second.code, TxValidationCode::MvccReadConflict);
    let conflict = second.conflict.as_ref().unwrap().to_string();
    assert!(conflict.contains("probe") && conflict.contains('k'), "{conflict}");
    assert_eq!(get(&sandbox, "k"), "a1");
}

#[test]
fn a_row_that_appears_in_a_range_is_a_phantom() {
    let sandbox = sandbox();
    sandbox.submit(Call::new("probe", "mput").args(["row", "3"])).unwrap();
    let count = sandbox.endorse(Call::new("probe", "range").args(["row", "rox"])).unwrap();
    sandbox.submit(put("row00001x", "new")).unwrap();
    let late = sandbox.commit(vec![count]).unwrap().remove(0);
    assert_eq!(late.code, TxValidationCode::PhantomReadConflict);
}

#[test]
fn blind_writes_do_not_conflict() {
    let sandbox = sandbox();
    let writes = ["1", "2", "3"].map(|value| sandbox.endorse(put("k", value)).unwrap());
    let committed = sandbox.commit(writes.into()).unwrap();
    assert!(committed.iter().all(|tx| tx.code == TxValidationCode::Valid));
    assert_eq!(get(&sandbox, "k"), "3");
}

#[test]
fn a_transaction_commits_once() {
    let sandbox = sandbox();
    let endorsed = sandbox.endorse(put("k", "v")).unwrap();
    let twice = sandbox.commit(vec![endorsed.clone(), endorsed.clone()]).unwrap();
    assert_eq!(twice[0].code, TxValidationCode::Valid);
    assert_eq!(twice[1].code, TxValidationCode::DuplicateTxid);
    let again = sandbox.commit(vec![endorsed]).unwrap();
    assert_eq!(again[0].code, TxValidationCode::DuplicateTxid);
}

#[test]
fn the_last_event_counts_and_travels_with_the_transaction() {
    let sandbox = sandbox();
    let endorsed =
        sandbox.evaluate(Call::new("probe", "event").args(["created", "payload"])).unwrap();
    let event = endorsed.event.unwrap();
    assert_eq!((event.name.as_str(), event.payload.as_slice()), ("created", &b"payload"[..]));
}

#[test]
fn statuses_below_400_are_endorsed_and_500_keeps_the_rwset() {
    let sandbox = sandbox();
    let status = |status: &str| {
        sandbox.endorse(Call::new("probe", "status").args([status, "words", "pay"])).unwrap()
    };
    for (code, endorsed, payload) in [
        ("200", true, true),
        ("299", true, true),
        ("399", true, true),
        ("400", false, false),
        ("499", false, false),
        ("500", false, true),
        ("600", false, true),
    ] {
        let answer = status(code);
        assert_eq!(answer.response.status.to_string(), code);
        assert_eq!(answer.response.message, "words");
        assert_eq!(answer.response.payload, b"pay");
        let response = answer.proposal_response;
        assert_eq!(response.endorsement.is_some(), endorsed, "{code}");
        assert_eq!(!response.payload.is_empty(), payload, "{code}");
        assert_eq!(response.version, i32::from(endorsed), "{code}");
        assert_eq!(response.timestamp, None);
    }
    let refused = sandbox.submit(Call::new("probe", "status").args(["404", "not here"]));
    assert!(matches!(refused, Err(SandboxError::Refused(r)) if r.status == 404));
}
