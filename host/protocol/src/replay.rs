//! Replays the recorded streams of a 3.1.5 peer with both machines: each receives one half and has
//! to send the other, byte for byte and in the recorded order.

use std::collections::BTreeMap;
use std::path::Path;

use prost::Message as _;

use crate::{
    BatchLimits, Completed, Message, PeerAction, PeerSide, ProtocolError, ShimAction, ShimSide,
    Ticket, TxKey, failure_text,
};
use wasmcc_types::proto::protos::ChaincodeMessage;

const STREAMS: [&str; 2] = ["caperr", "capnodelow"];

struct Recorded {
    seq: u64,
    from_chaincode: bool,
    raw: Vec<u8>,
}

impl Recorded {
    fn wire(&self) -> ChaincodeMessage {
        ChaincodeMessage::decode(&*self.raw).unwrap()
    }

    fn message(&self) -> Message {
        Message::decode(self.wire()).unwrap()
    }

    #[track_caller]
    fn assert_is(&self, said: Option<Message>) {
        let said = said.unwrap_or_else(|| panic!("silence in place of message {}", self.seq));
        let bytes = said.clone().encode().encode_to_vec();
        assert_eq!(bytes, self.raw, "message {}: {said:?}", self.seq);
    }
}

fn recording(name: &str) -> Vec<Recorded> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/streams");
    let text = std::fs::read_to_string(folder.join(format!("{name}.jsonl"))).unwrap();
    let line = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        // Lines without a direction describe the connection.
        let direction = line.get("dir")?.as_str().unwrap();
        assert_eq!(line["conn"], 1, "one stream a recording");
        Some(Recorded {
            seq: line["seq"].as_u64().unwrap(),
            from_chaincode: direction == "cc->peer",
            raw: bytes(line["raw"].as_str().unwrap()),
        })
    };
    text.lines().filter_map(line).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    assert!(hex.len().is_multiple_of(2));
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn every_recorded_message_survives_decoding() {
    let mut count = 0;
    for recorded in STREAMS.into_iter().flat_map(recording) {
        recorded.assert_is(Some(recorded.message()));
        count += 1;
    }
    assert_eq!(count, 1230);
}

#[test]
fn shim_side_speaks_as_the_recorded_chaincode() {
    for recording in STREAMS.map(recording) {
        let mut recorded = recording.iter();
        let register = recorded.next().unwrap();
        let Message::Register { name } = register.message() else { panic!("no REGISTER") };
        let mut shim = ShimSide::new(name);
        register.assert_is(sent_by(&mut shim));
        for recorded in recorded {
            if recorded.from_chaincode {
                match recorded.message() {
                    Message::Request { tx, request } => shim.handle_request(tx, request).unwrap(),
                    Message::Completed { tx, completed } => {
                        shim.handle_completed(tx, Ok(completed));
                    }
                    other => panic!("message {}: {other:?}", recorded.seq),
                }
                recorded.assert_is(sent_by(&mut shim));
            } else {
                shim.handle_wire(recorded.wire()).unwrap();
                let expected = match recorded.message() {
                    Message::Registered | Message::Ready { .. } => None,
                    Message::Invoke(invocation) => Some(ShimAction::Invoke(invocation)),
                    Message::Response { tx, payload } => {
                        Some(ShimAction::Resume { tx, answer: Ok(payload) })
                    }
                    Message::Error { tx, text } => {
                        Some(ShimAction::Resume { tx, answer: Err(text) })
                    }
                    other => panic!("message {}: {other:?}", recorded.seq),
                };
                assert_eq!(shim.poll_action(), expected, "message {}", recorded.seq);
            }
            assert_eq!(shim.poll_action(), None, "message {}", recorded.seq);
        }
        let limits = BatchLimits { write_batch: Some(1000), get_multiple: Some(1000) };
        assert_eq!(shim.batch_limits(), limits);
        shim.handle_disconnected();
        assert_eq!(shim.poll_action(), None, "nothing runs at the end of the recording");
    }
}

fn sent_by(shim: &mut ShimSide) -> Option<Message> {
    match shim.poll_action()? {
        ShimAction::Send(message) => Some(message),
        other => panic!("{other:?}"),
    }
}

#[test]
fn peer_side_speaks_as_the_recorded_peer() {
    for recording in STREAMS.map(recording) {
        let limits = BatchLimits { write_batch: Some(1000), get_multiple: Some(1000) };
        let mut driver = PeerDriver::new(limits);
        let mut expected = Vec::new();
        for recorded in &recording {
            if recorded.from_chaincode {
                if let Message::Completed { tx, completed } = recorded.message() {
                    expected.push((tx, Ok(completed)));
                }
                driver.peer.handle_wire(recorded.wire()).unwrap();
            } else {
                driver.say(recorded);
                recorded.assert_is(driver.poll());
            }
            // READY follows REGISTERED without another event.
            if !matches!(recorded.message(), Message::Registered) {
                assert_eq!(driver.poll(), None, "message {}", recorded.seq);
            }
        }
        assert_eq!(driver.finished, expected);
        assert!(driver.tickets.is_empty());
        driver.peer.handle_disconnected();
        assert_eq!(driver.peer.poll_action(), None, "nothing runs at the end of the recording");
    }
}

struct PeerDriver {
    peer: PeerSide,
    tickets: BTreeMap<TxKey, Ticket>,
    finished: Vec<(TxKey, Result<Completed, ProtocolError>)>,
}

impl PeerDriver {
    fn new(limits: BatchLimits) -> Self {
        Self { peer: PeerSide::new(limits), tickets: BTreeMap::new(), finished: Vec::new() }
    }

    /// Makes the peer side send the recorded message.
    fn say(&mut self, recorded: &Recorded) {
        match recorded.message() {
            Message::Registered => self.peer.handle_launched(),
            Message::Ready { .. } => {}
            Message::Invoke(invocation) => {
                self.peer.handle_execute(invocation).unwrap();
            }
            Message::Response { tx, payload } => {
                let ticket = self.tickets.remove(&tx).unwrap();
                self.peer.handle_served(ticket, Ok(payload));
            }
            Message::Error { tx, text } => {
                let (kind, _) = text.split_once(' ').unwrap();
                let kind = crate::MessageType::from_str_name(kind).unwrap();
                let cause = text.strip_prefix(&failure_text(kind, &tx, "")).unwrap().to_owned();
                let ticket = self.tickets.remove(&tx).unwrap();
                self.peer.handle_served(ticket, Err(cause));
            }
            other => panic!("message {}: {other:?}", recorded.seq),
        }
    }

    /// Returns the next message; other actions are recorded.
    fn poll(&mut self) -> Option<Message> {
        loop {
            match self.peer.poll_action()? {
                PeerAction::Send(message) => return Some(message),
                PeerAction::Serve { ticket, .. } => {
                    self.tickets.insert(ticket.tx().clone(), ticket);
                }
                PeerAction::Finish { tx, outcome, .. } => self.finished.push((tx, outcome)),
                PeerAction::Register { name } => assert!(name.contains(':'), "{name}"),
                PeerAction::Close => panic!("closed"),
            }
        }
    }
}
