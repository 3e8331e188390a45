//! The peer's half of a chaincode's stream, message by message.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use prost::Message;
use wasmcc_client::lifecycle;
use wasmcc_client::lscc::{self, Definition};
use wasmcc_node::sandbox::{CHANNEL, Endorsed, Sandbox};
use wasmcc_peer::chaincode::ExternalConfig;
use wasmcc_protocol::BatchLimits;
use wasmcc_tests::{Scripted, call, guest};
use wasmcc_types::proto::protos::chaincode_message::Type;
use wasmcc_types::proto::protos::{self, ChaincodeMessage};

const CONNECTS: &[u8] = br#"{"external": true}"#;

fn sandbox(external: ExternalConfig) -> Sandbox {
    let connect_wait = Duration::from_secs(60);
    let external = ExternalConfig { connect_wait, trust_local: true, ..external };
    Sandbox::builder().external(external).build().unwrap()
}

fn install(sandbox: &Sandbox, name: &str, version: &str) -> Definition {
    let definition = Definition {
        channel_id: CHANNEL.into(),
        name: name.into(),
        version: version.into(),
        ..Definition::default()
    };
    sandbox.install(&definition, CONNECTS).unwrap();
    definition
}

/// Returns a sandbox with `cc` deployed, and its scripted chaincode.
fn deployed(external: ExternalConfig) -> (Arc<Sandbox>, Scripted, Vec<u8>) {
    let sandbox = Arc::new(sandbox(external));
    let definition = install(&sandbox, "cc", "1.0");
    let (mut chaincode, ready) = Scripted::ready(&sandbox, "cc:1.0");
    let peer = Arc::clone(&sandbox);
    let deploying = thread::spawn(move || peer.instantiate(lscc::deploy(definition)).unwrap());
    let init = chaincode.hear();
    assert_eq!(init.r#type(), Type::Init);
    chaincode.complete(&init);
    deploying.join().unwrap();
    (sandbox, chaincode, ready)
}

/// Calls `cc` and returns its TRANSACTION.
fn begin(
    sandbox: &Arc<Sandbox>,
    chaincode: &mut Scripted,
) -> (thread::JoinHandle<Endorsed>, ChaincodeMessage) {
    let peer = Arc::clone(sandbox);
    let running = thread::spawn(move || peer.endorse(call("cc", "go")).unwrap());
    let transaction = chaincode.hear();
    assert_eq!(transaction.r#type(), Type::Transaction);
    assert!(transaction.proposal.is_some());
    (running, transaction)
}

fn put_many(cc: &mut Scripted, tx: &ChaincodeMessage, count: usize) {
    for number in 0..count {
        let key = format!("k{number:03}");
        let put = protos::PutState { key, value: b"v".to_vec(), ..Default::default() };
        assert_eq!(cc.ask(tx, Type::PutState, &put), b"");
    }
}

fn range() -> protos::GetStateByRange {
    protos::GetStateByRange { end_key: "z".into(), start_key: "a".into(), ..Default::default() }
}

#[test]
fn a_second_chaincode_of_the_same_id_is_refused_while_the_first_stands() {
    let sandbox = sandbox(ExternalConfig::default());
    install(&sandbox, "cc", "1.0");
    let (first, ready) = Scripted::ready(&sandbox, "cc:1.0");
    assert_eq!(ready, b"", "as in Fabric 2.5");
    let mut second = Scripted::register(&sandbox, "cc:1.0");
    assert_eq!(second.refusal(), "duplicate chaincodeID: cc:1.0");
    drop(first);
    Scripted::ready(&sandbox, "cc:1.0");
}

#[test]
fn a_chaincode_that_nobody_expects_is_told_who_is() {
    let sandbox = sandbox(ExternalConfig::default());
    let begin =
        "peer will not accept external chaincode connection wasm:1.0 (except in dev mode); ";
    let refusal = || Scripted::register(&sandbox, "wasm:1.0").refusal();
    assert_eq!(refusal(), format!("{begin}no installed chaincode connects by itself"));
    sandbox.deploy("wasm", &guest("probe")).unwrap();
    install(&sandbox, "cc", "1.0");
    install(&sandbox, "cc", "2.0");
    assert_eq!(refusal(), format!("{begin}expected is cc:1.0 or cc:2.0"));
}

#[test]
fn in_developer_mode_any_chaincode_may_connect() {
    let sandbox = sandbox(ExternalConfig { dev: true, ..ExternalConfig::default() });
    Scripted::ready(&sandbox, "anything:0");
    let nobody = Scripted::register(&sandbox, "").refusal();
    assert!(nobody.contains("external chaincode connection  (except"), "{nobody}");
}

#[test]
fn in_developer_mode_a_definition_needs_no_package() {
    let sandbox = sandbox(ExternalConfig { dev: true, ..ExternalConfig::default() });
    let definition = lifecycle::ChaincodeDefinition {
        channel_id: CHANNEL.into(),
        name: "cc".into(),
        version: "0".into(),
        sequence: 1,
        ..Default::default()
    };
    let admin = sandbox.identity("Admin").unwrap();
    for proposal in [lifecycle::approve(definition.clone(), None), lifecycle::commit(definition)] {
        let endorsed = sandbox.endorse_as(proposal, &admin).unwrap().accepted().unwrap();
        sandbox.commit(vec![endorsed]).unwrap();
    }
    let sandbox = Arc::new(sandbox);
    // The transaction may arrive first: then it waits for the chaincode.
    let peer = Arc::clone(&sandbox);
    let waiting = thread::spawn(move || peer.endorse(call("cc", "go")).unwrap());
    let (mut cc, _) = Scripted::ready(&sandbox, "cc:0");
    let first = cc.hear();
    cc.complete(&first);
    assert_eq!(waiting.join().unwrap().response.status, 200);
    let (running, tx) = begin(&sandbox, &mut cc);
    cc.complete(&tx);
    assert_eq!(running.join().unwrap().response.status, 200);
}

#[test]
fn requests_are_answered_as_by_fabric() {
    let (sandbox, mut cc, _) = deployed(ExternalConfig::default());
    let (running, tx) = begin(&sandbox, &mut cc);
    put_many(&mut cc, &tx, 150);
    let get = protos::GetState { key: "k000".into(), ..Default::default() };
    assert_eq!(cc.ask(&tx, Type::GetState, &get), b"", "no transaction reads what it wrote");
    let batch = protos::WriteBatchState::default();
    let refused = cc.ask_badly(&tx, Type::WriteBatchState, &batch);
    assert_eq!(refused, "a write batch was not announced by this peer");
    let next = protos::QueryStateNext { id: "77".into() };
    assert_eq!(cc.ask_badly(&tx, Type::QueryStateNext, &next), "query iterator not found");
    let close = protos::QueryStateClose { id: "77".into() };
    let closed = cc.ask(&tx, Type::QueryStateClose, &close);
    let closed = protos::QueryResponse::decode(closed.as_slice()).unwrap();
    assert_eq!((closed.id.as_str(), closed.has_more), ("77", false));
    cc.complete(&tx);
    sandbox.commit(vec![running.join().unwrap()]).unwrap();

    let (running, tx) = begin(&sandbox, &mut cc);
    let rows = cc.ask(&tx, Type::GetStateByRange, &range());
    let rows = protos::QueryResponse::decode(rows.as_slice()).unwrap();
    assert_eq!((rows.results.len(), rows.has_more), (100, true));
    let next = protos::QueryStateNext { id: rows.id.clone() };
    let rest = cc.ask(&tx, Type::QueryStateNext, &next);
    let rest = protos::QueryResponse::decode(rest.as_slice()).unwrap();
    assert_eq!((rest.results.len(), rest.has_more), (50, false));
    cc.complete(&tx);
    running.join().unwrap();
    assert_eq!(cc.ask_badly(&tx, Type::QueryStateNext, &next), "no ledger context");
}

/// Fabric's shims send an empty `QueryMetadata` for a page of size 0. The peer answers batch by
/// batch without count and bookmark. With a size it is one page.
#[test]
fn a_page_of_no_size_is_no_page_to_the_peer() {
    let (sandbox, mut cc, _) = deployed(ExternalConfig::default());
    let (writing, tx) = begin(&sandbox, &mut cc);
    put_many(&mut cc, &tx, 150);
    cc.complete(&tx);
    sandbox.commit(vec![writing.join().unwrap()]).unwrap();
    let mut endorsed = Vec::new();
    for (page_size, bookmark, batches, counted) in [
        (0, "", &[(100, true), (50, false)][..], None),
        (0, "k100", &[(50, false)], Some((50, ""))),
        (120, "", &[(120, false)], Some((120, "k120"))),
        (-1, "", &[(150, false)], Some((150, ""))),
    ] {
        let (running, tx) = begin(&sandbox, &mut cc);
        let bookmark = bookmark.to_owned();
        let metadata = protos::QueryMetadata { page_size, bookmark }.encode_to_vec();
        let wanted = protos::GetStateByRange { metadata, ..range() };
        let mut answer = cc.ask(&tx, Type::GetStateByRange, &wanted);
        for (rows, has_more) in batches {
            let batch = protos::QueryResponse::decode(answer.as_slice()).unwrap();
            assert_eq!((batch.results.len(), batch.has_more), (*rows, *has_more));
            let metadata = protos::QueryResponseMetadata::decode(batch.metadata.as_slice());
            let metadata = metadata.unwrap();
            let (count, bookmark) = counted.unwrap_or_default();
            assert_eq!((metadata.fetched_records_count, &*metadata.bookmark), (count, bookmark));
            if batch.has_more {
                let next = protos::QueryStateNext { id: batch.id };
                answer = cc.ask(&tx, Type::QueryStateNext, &next);
            }
        }
        cc.complete(&tx);
        endorsed.push(running.join().unwrap());
    }
    // It is recorded as an ordinary query.
    let (running, tx) = begin(&sandbox, &mut cc);
    let first = cc.ask(&tx, Type::GetStateByRange, &range());
    let id = protos::QueryResponse::decode(first.as_slice()).unwrap().id;
    cc.ask(&tx, Type::QueryStateNext, &protos::QueryStateNext { id });
    cc.complete(&tx);
    let plain = running.join().unwrap();
    assert!(plain.rwset.is_some());
    assert_eq!(endorsed[0].rwset, plain.rwset);
}

#[test]
fn iterators_end_with_their_transaction() {
    let (sandbox, mut cc, _) = deployed(ExternalConfig::default());
    let (writing, tx) = begin(&sandbox, &mut cc);
    put_many(&mut cc, &tx, 101);
    cc.complete(&tx);
    sandbox.commit(vec![writing.join().unwrap()]).unwrap();
    let (first, tx) = begin(&sandbox, &mut cc);
    let open = cc.ask(&tx, Type::GetStateByRange, &range());
    let open = protos::QueryResponse::decode(open.as_slice()).unwrap();
    assert!(open.has_more);
    cc.complete(&tx);
    first.join().unwrap();
    let (second, tx) = begin(&sandbox, &mut cc);
    let next = protos::QueryStateNext { id: open.id };
    assert_eq!(cc.ask_badly(&tx, Type::QueryStateNext, &next), "query iterator not found");
    cc.complete(&tx);
    second.join().unwrap();
}

#[test]
fn batches_are_taken_where_they_were_announced() {
    let batch = BatchLimits { write_batch: Some(100), get_multiple: Some(100) };
    let (sandbox, mut cc, ready) = deployed(ExternalConfig { batch, ..Default::default() });
    let params = protos::ChaincodeAdditionalParams::decode(ready.as_slice()).unwrap();
    assert_eq!(BatchLimits::from_params(&params), batch);

    let (running, tx) = begin(&sandbox, &mut cc);
    let record = |key: &str, kind: Type| protos::WriteRecord {
        key: key.into(),
        value: key.as_bytes().to_vec(),
        r#type: kind.into(),
        ..Default::default()
    };
    let rec = vec![record("a", Type::PutState), record("b", Type::DelState)];
    assert_eq!(cc.ask(&tx, Type::WriteBatchState, &protos::WriteBatchState { rec }), b"");
    let rec = vec![record("c", Type::GetState)];
    let refused = cc.ask_badly(&tx, Type::WriteBatchState, &protos::WriteBatchState { rec });
    assert_eq!(refused, "unknown operation type 8 in a write batch");
    let rec = (0..101).map(|_| record("d", Type::PutState)).collect();
    let refused = cc.ask_badly(&tx, Type::WriteBatchState, &protos::WriteBatchState { rec });
    assert_eq!(refused, "a write batch has 101 entries, more than the announced 100");
    cc.complete(&tx);
    let written = running.join().unwrap();
    let writes = &written.rwset.as_ref().unwrap().namespaces["cc"].writes;
    let writes: Vec<_> = writes.iter().map(|w| (w.key.as_str(), w.value.as_slice())).collect();
    assert_eq!(writes, [("a", b"a".as_slice()), ("b", b"")]);
    sandbox.commit(vec![written]).unwrap();

    let (running, tx) = begin(&sandbox, &mut cc);
    let keys = vec!["b".into(), "a".into()];
    let get = protos::GetStateMultiple { keys, ..Default::default() };
    let values = cc.ask(&tx, Type::GetStateMultiple, &get);
    let values = protos::GetStateMultipleResult::decode(values.as_slice()).unwrap().values;
    assert_eq!(values, [b"".to_vec(), b"a".to_vec()]);
    cc.complete(&tx);
    running.join().unwrap();
}

#[test]
fn the_end_of_a_stream_ends_its_transactions_at_once() {
    let (sandbox, mut cc, _) = deployed(ExternalConfig::default());
    let (running, tx) = begin(&sandbox, &mut cc);
    cc.say(&tx, Type::Register, Vec::new());
    let lost = running.join().unwrap().response.message;
    assert!(lost.ends_with(": chaincode stream terminated"), "{lost}");
    assert!(!cc.stream.is_open(), "the peer ends a stream that breaks the protocol");

    let (mut cc, _) = Scripted::ready(&sandbox, "cc:1.0");
    let (running, _) = begin(&sandbox, &mut cc);
    drop(cc);
    let lost = running.join().unwrap().response.message;
    assert!(lost.ends_with(": chaincode stream terminated"), "{lost}");
}

#[test]
fn a_peer_that_stops_lets_the_running_transaction_end() {
    let (sandbox, mut cc, _) = deployed(ExternalConfig::default());
    let (running, tx) = begin(&sandbox, &mut cc);
    cc.stream.stop();
    assert!(cc.stream.is_open());
    cc.complete(&tx);
    assert_eq!(running.join().unwrap().response.status, 200);
    assert!(!cc.stream.is_open());
    assert!(cc.is_ended());
}

#[test]
fn a_chaincode_that_does_not_read_loses_its_stream() {
    let sandbox = sandbox(ExternalConfig::default());
    let cc = Scripted::open(&sandbox, 1);
    install(&sandbox, "cc", "1.0");
    let id = protos::ChaincodeId { name: "cc:1.0".into(), ..Default::default() };
    cc.say(&ChaincodeMessage::default(), Type::Register, id.encode_to_vec());
    assert!(!cc.stream.is_open(), "there is room for REGISTERED, none for READY");
}

#[test]
fn keepalives_are_sent_when_they_are_due() {
    let keepalive = Some(Duration::from_secs(5));
    let sandbox = sandbox(ExternalConfig { keepalive, ..ExternalConfig::default() });
    let mut cc = Scripted::open(&sandbox, 8);
    assert_eq!(cc.stream.keepalive(), keepalive);
    cc.stream.keepalive_due();
    assert_eq!(cc.hear().r#type(), Type::Keepalive);
    cc.say(&ChaincodeMessage::default(), Type::Keepalive, Vec::new());
    assert!(cc.stream.is_open());
}

#[test]
fn a_proposal_that_is_too_large_for_a_message_fails_alone() {
    let (sandbox, mut cc, _) = deployed(ExternalConfig::default());
    // One message has the input and the signed proposal, which contains the input again.
    let refused = sandbox.endorse(call("cc", &"x".repeat(60 << 20))).unwrap();
    assert_eq!(refused.response.status, 500);
    assert!(refused.proposal_response.endorsement.is_none());
    let text = &refused.response.message;
    assert!(text.ends_with("bytes is longer than the limit of 104857600 bytes"), "{text}");
    assert!(cc.stream.is_open());
    let (running, tx) = begin(&sandbox, &mut cc);
    cc.complete(&tx);
    assert_eq!(running.join().unwrap().response.status, 200);
}

#[test]
fn a_message_that_no_chaincode_may_send_ends_its_transaction_only() {
    let (sandbox, mut cc, _) = deployed(ExternalConfig::default());
    let (running, tx) = begin(&sandbox, &mut cc);
    cc.say(&tx, Type::Response, Vec::new());
    let said = String::from_utf8(cc.hear().payload).unwrap();
    let expected = "Fabric side handler cannot handle message (RESPONSE) while in ready state";
    assert!(said.ends_with(expected), "{said}");
    let failed = running.join().unwrap().response;
    assert!(failed.status == 500 && failed.message.ends_with(expected), "{failed:?}");
    assert!(cc.stream.is_open());
    let (running, tx) = begin(&sandbox, &mut cc);
    cc.complete(&tx);
    assert_eq!(running.join().unwrap().response.status, 200);
}
