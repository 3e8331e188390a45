//! Replays the recorded streams of a 3.1.5 peer with a session.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex};

use prost::Message as _;
use tokio_stream::StreamExt;

use super::Peer;
use crate::program::ServedCall;
use crate::{ProgramConfig, StreamBackend};
use wasmcc_protocol::{Completed, InvokeMessage, Message, Request, TxKey};
use wasmcc_runtime::{Backend, PageRequest};
use wasmcc_types::proto::protos::{self, ChaincodeMessage};

struct Recorded {
    from_chaincode: bool,
    wire: ChaincodeMessage,
}

fn recording(name: &str) -> Vec<Recorded> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/streams");
    let text = std::fs::read_to_string(folder.join(format!("{name}.jsonl"))).unwrap();
    let line = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        // Lines without a direction describe the connection.
        let from_chaincode = line.get("dir")?.as_str().unwrap() == "cc->peer";
        let hex = line["raw"].as_str().unwrap();
        let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        let raw: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
        let wire = ChaincodeMessage::decode(&*raw).unwrap();
        Some(Recorded { from_chaincode, wire })
    };
    text.lines().filter_map(line).collect()
}

/// The requests of a recorded chaincode in each transaction, and the transaction's end.
#[derive(Default)]
struct Script {
    requests: Vec<Request>,
    end: Option<Completed>,
}

fn scripts(recording: &[Recorded]) -> HashMap<TxKey, Script> {
    let mut scripts: HashMap<TxKey, Script> = HashMap::new();
    for recorded in recording.iter().filter(|recorded| recorded.from_chaincode) {
        match Message::decode(recorded.wire.clone()).unwrap() {
            Message::Request { tx, request } => {
                scripts.entry(tx).or_default().requests.push(request);
            }
            Message::Completed { tx, completed } => {
                scripts.entry(tx).or_default().end = Some(completed);
            }
            Message::Register { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    scripts
}

/// Makes a recorded request through the port. Refusals are part of the recording.
async fn perform(
    request: Request,
    backend: &mut StreamBackend,
    histories: &mut HashSet<String>,
) -> bool {
    let page = |metadata: &[u8]| {
        let page = protos::QueryMetadata::decode(metadata).unwrap();
        (!metadata.is_empty())
            .then_some(PageRequest { size: page.page_size, bookmark: page.bookmark })
    };
    match request {
        Request::GetState(r) => backend.get_state(&r.collection, &r.key).await.is_ok(),
        Request::PutState(r) => backend.put_state(&r.collection, &r.key, r.value).await.is_ok(),
        Request::DelState(r) => backend.del_state(&r.collection, &r.key).await.is_ok(),
        Request::InvokeChaincode(r) => {
            let name = r.chaincode_id.unwrap_or_default().name;
            backend.invoke_chaincode(&name, r.input.unwrap_or_default().args).await.is_ok()
        }
        Request::GetStateByRange(r) => {
            let page = page(&r.metadata);
            let (start, end) = (&r.start_key, &r.end_key);
            backend.get_state_by_range(&r.collection, start, end, page.as_ref()).await.is_ok()
        }
        Request::GetQueryResult(r) => {
            let page = page(&r.metadata);
            backend.get_query_result(&r.collection, &r.query, page.as_ref()).await.is_ok()
        }
        Request::QueryStateNext(r) if histories.contains(&r.id) => {
            backend.history_next(&r.id).await.is_ok()
        }
        Request::QueryStateNext(r) => backend.query_next(&r.id).await.is_ok(),
        Request::QueryStateClose(r) => backend.query_close(&r.id).await.is_ok(),
        Request::GetHistoryForKey(r) => match backend.get_history_for_key(&r.key).await {
            Ok(batch) => histories.insert(batch.id),
            Err(_) => false,
        },
        Request::GetStateMetadata(r) => {
            backend.get_state_metadata(&r.collection, &r.key).await.is_ok()
        }
        Request::PutStateMetadata(r) => {
            let entry = r.metadata.unwrap_or_default();
            let (name, value) = (&entry.metakey, entry.value);
            backend.put_state_metadata(&r.collection, &r.key, name, value).await.is_ok()
        }
        Request::GetPrivateDataHash(r) => {
            backend.get_private_data_hash(&r.collection, &r.key).await.is_ok()
        }
        Request::PurgePrivateData(r) => {
            backend.purge_private_data(&r.collection, &r.key).await.is_ok()
        }
        other => panic!("not in the recordings: {other:?}"),
    }
}

/// Replays the recorded peer with a chaincode that makes the recorded requests through the port.
/// Every message must be sent byte for byte, and every answer except ERROR must be readable.
#[tokio::test]
async fn sessions_speak_as_the_recorded_chaincodes() {
    for name in ["caperr", "capnodelow"] {
        let recording = recording(name);
        let scripts = Mutex::new(scripts(&recording));
        let answered = Arc::new(Mutex::new((0, 0)));
        let count = Arc::clone(&answered);
        let play = move |invocation: InvokeMessage, mut backend| -> ServedCall {
            let script = scripts.lock().unwrap().remove(&invocation.tx).unwrap();
            let count = Arc::clone(&count);
            Box::pin(async move {
                let mut histories = HashSet::new();
                for request in script.requests {
                    let good = perform(request, &mut backend, &mut histories).await;
                    let mut count = count.lock().unwrap();
                    if good { count.0 += 1 } else { count.1 += 1 }
                }
                script.end.ok_or_else(|| "the recorded chaincode did not end".into())
            })
        };
        let register = Message::decode(recording[0].wire.clone()).unwrap();
        let Message::Register { name: id } = register else { panic!("no REGISTER") };
        // The recorded peer had up to this many transactions in progress.
        let config = ProgramConfig { transactions: 64, ..Default::default() };
        let mut peer = Peer::new(&id, config, Box::new(play));
        let (mut responses, mut errors) = (0, 0);
        // Transactions overlap, and the order of threads is not defined.
        let mut early: HashMap<TxKey, Vec<ChaincodeMessage>> = HashMap::new();
        for recorded in recording {
            if !recorded.from_chaincode {
                match Message::decode(recorded.wire.clone()).unwrap() {
                    Message::Response { .. } => responses += 1,
                    Message::Error { .. } => errors += 1,
                    _ => {}
                }
                peer.say.send(Ok(recorded.wire)).await.unwrap();
                continue;
            }
            let key = |wire: &ChaincodeMessage| TxKey::new(&*wire.channel_id, &*wire.txid);
            let wanted = key(&recorded.wire);
            while early.get(&wanted).is_none_or(Vec::is_empty) {
                let said = peer.hear.next().await.unwrap();
                early.entry(key(&said)).or_default().push(said);
            }
            let said = early.get_mut(&wanted).unwrap().remove(0);
            assert_eq!(said, recorded.wire, "{name}");
        }
        assert!(early.values().all(Vec::is_empty));
        assert_eq!(*answered.lock().unwrap(), (responses, errors), "{name}");
        peer.stop.stop();
        assert!(peer.session.await.unwrap().is_ok());
    }
}
