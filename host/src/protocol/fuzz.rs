//! Anything at all into each machine: no panic, and its promises hold.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::proto::protos;
use crate::proto::protos::ChaincodeMessage;
use crate::protocol::BatchLimits;
use crate::protocol::Completed;
use crate::protocol::Invocation;
use crate::protocol::Message;
use crate::protocol::PeerAction;
use crate::protocol::PeerSide;
use crate::protocol::Request;
use crate::protocol::RunId;
use crate::protocol::ShimAction;
use crate::protocol::ShimSide;
use crate::protocol::Ticket;
use crate::protocol::TxKey;
use crate::types::Entry;
use crate::types::Response;

fn tx() -> impl Strategy<Value = TxKey> {
    (0..3_u8, 0..2_u8)
        .prop_map(|(tx, channel)| TxKey::new("c".repeat(channel.into()), tx.to_string()))
}

/// Types in and out of range. An empty payload is a good one for every type.
fn wire() -> impl Strategy<Value = ChaincodeMessage> {
    let kind = prop_oneof![8 => 0..27, 1 => any::<i32>()];
    let payload = prop_oneof![3 => Just(Vec::new()), 1 => any::<Vec<u8>>()];
    (kind, tx(), payload, any::<bool>()).prop_map(|(kind, tx, payload, more)| ChaincodeMessage {
        r#type: kind,
        payload,
        txid: (*tx.tx_id).into(),
        channel_id: (*tx.channel_id).into(),
        timestamp: more.then(Default::default),
        proposal: more.then(Default::default),
        chaincode_event: more.then(Default::default),
    })
}

/// As `wire`, of types that do not end the stream once it is ready.
fn wire_that(accepted: &'static [i32]) -> impl Strategy<Value = ChaincodeMessage> {
    (wire(), prop::sample::select(accepted))
        .prop_map(|(wire, kind)| ChaincodeMessage { r#type: kind, ..wire })
}

fn invocation(tx: TxKey) -> Invocation {
    Invocation { tx, entry: Entry::Invoke, input: Default::default(), proposal: None }
}

#[derive(Clone, Debug)]
enum PeerEvent {
    Wire(Box<ChaincodeMessage>),
    Launched,
    Refused,
    Execute(TxKey),
    Served(Result<Vec<u8>, String>),
    Timeout(usize),
    KeepaliveDue,
    Disconnected,
}

fn peer_event() -> impl Strategy<Value = PeerEvent> {
    let from_chaincode = &[6, 7, 8, 9, 10, 11, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25];
    prop_oneof![
        20 => wire_that(from_chaincode).prop_map(|wire| PeerEvent::Wire(wire.into())),
        1 => wire().prop_map(|wire| PeerEvent::Wire(wire.into())),
        1 => Just(PeerEvent::Launched),
        1 => Just(PeerEvent::Refused),
        10 => tx().prop_map(PeerEvent::Execute),
        8 => any::<Result<Vec<u8>, String>>().prop_map(PeerEvent::Served),
        3 => any::<usize>().prop_map(PeerEvent::Timeout),
        1 => Just(PeerEvent::KeepaliveDue),
        1 => Just(PeerEvent::Disconnected),
    ]
}

#[derive(Clone, Debug)]
enum ShimEvent {
    Wire(Box<ChaincodeMessage>),
    Request(TxKey),
    Completed(TxKey, Result<i32, String>),
    Disconnected,
}

fn shim_event() -> impl Strategy<Value = ShimEvent> {
    prop_oneof![
        20 => wire_that(&[3, 5, 5, 7, 13, 13, 18]).prop_map(|wire| ShimEvent::Wire(wire.into())),
        1 => wire().prop_map(|wire| ShimEvent::Wire(wire.into())),
        15 => tx().prop_map(ShimEvent::Request),
        8 => (tx(), any::<Result<i32, String>>())
            .prop_map(|(tx, outcome)| ShimEvent::Completed(tx, outcome)),
        1 => Just(ShimEvent::Disconnected),
    ]
}

#[derive(Default)]
struct PeerWorld {
    executed: BTreeMap<RunId, TxKey>,
    finished: BTreeSet<RunId>,
    tickets: Vec<Ticket>,
    asked: usize,
    answered: usize,
}

impl PeerWorld {
    fn handle(&mut self, peer: &mut PeerSide, event: PeerEvent) {
        let ready = peer.is_ready();
        match event {
            PeerEvent::Wire(wire) => {
                let asks = ready && !matches!(wire.r#type, 6 | 7 | 18);
                let handled = peer.handle_wire(*wire);
                self.asked += usize::from(asks && handled.is_ok());
            }
            PeerEvent::Launched => peer.handle_launched(),
            PeerEvent::Refused => peer.handle_refused("no"),
            PeerEvent::Execute(tx) => {
                if let Ok(run) = peer.handle_execute(invocation(tx.clone())) {
                    assert!(ready && self.executed.insert(run, tx).is_none());
                }
            }
            PeerEvent::Served(answer) => {
                if let Some(ticket) = self.tickets.pop() {
                    peer.handle_served(ticket, answer);
                }
            }
            PeerEvent::Timeout(at) => {
                if let Some((&run, tx)) = self.executed.iter().nth(at % 8) {
                    peer.handle_timeout(tx, run);
                }
            }
            PeerEvent::KeepaliveDue => peer.handle_keepalive_due(),
            PeerEvent::Disconnected => peer.handle_disconnected(),
        }
        self.poll(peer, ready);
    }

    fn poll(&mut self, peer: &mut PeerSide, ready: bool) {
        while let Some(action) = peer.poll_action() {
            match action {
                PeerAction::Send(Message::Response { .. } | Message::Error { .. }) => {
                    self.answered += usize::from(ready);
                }
                PeerAction::Serve { ticket, .. } => self.tickets.push(ticket),
                PeerAction::Finish { tx, run, .. } => {
                    assert_eq!(self.executed.get(&run), Some(&tx));
                    assert!(self.finished.insert(run), "finished twice");
                }
                PeerAction::Send(_) | PeerAction::Register { .. } | PeerAction::Close => {}
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn peer_side_keeps_its_promises(
        skips_handshake: bool,
        events in prop::collection::vec(peer_event(), 0..80),
    ) {
        let mut peer = PeerSide::new(BatchLimits::default());
        let mut world = PeerWorld::default();
        if skips_handshake {
            peer.handle_message(Message::Register { name: "basic:1".into() }).unwrap();
            peer.handle_launched();
            world.poll(&mut peer, false);
        }
        for event in events {
            world.handle(&mut peer, event);
        }
        let ready = peer.is_ready();
        while !world.tickets.is_empty() {
            world.handle(&mut peer, PeerEvent::Served(Ok(Vec::new())));
        }
        if ready {
            prop_assert_eq!(world.asked, world.answered);
        }
        world.handle(&mut peer, PeerEvent::Disconnected);
        prop_assert!(world.executed.keys().eq(&world.finished));
    }

    #[test]
    fn shim_side_keeps_its_promises(
        skips_handshake: bool,
        events in prop::collection::vec(shim_event(), 0..80),
    ) {
        let mut shim = ShimSide::new("basic:1");
        let mut world = ShimWorld::default();
        if skips_handshake {
            shim.handle_message(Message::Registered).unwrap();
            shim.handle_message(Message::Ready { params: Default::default() }).unwrap();
        }
        for event in events {
            world.handle(&mut shim, event);
        }
        world.handle(&mut shim, ShimEvent::Disconnected);
        prop_assert!(world.waiting.is_empty());
        prop_assert!(world.running.is_empty());
    }
}

#[derive(Default)]
struct ShimWorld {
    /// Neither completed nor cancelled.
    running: BTreeSet<TxKey>,
    /// Cancelled, but not completed.
    cancelled: BTreeSet<TxKey>,
    waiting: BTreeSet<TxKey>,
}

impl ShimWorld {
    fn handle(&mut self, shim: &mut ShimSide, event: ShimEvent) {
        match event {
            ShimEvent::Wire(wire) => _ = shim.handle_wire(*wire),
            ShimEvent::Request(tx) => {
                let request = Request::GetState(protos::GetState::default());
                if shim.handle_request(tx.clone(), request).is_ok() {
                    assert!(self.running.contains(&tx) && self.waiting.insert(tx));
                }
            }
            ShimEvent::Completed(tx, outcome) => {
                self.waiting.remove(&tx);
                self.running.remove(&tx);
                self.cancelled.remove(&tx);
                let outcome = outcome.map(|status| Completed {
                    response: Response { status, ..Response::default() },
                    event: None,
                });
                shim.handle_completed(tx, outcome);
            }
            ShimEvent::Disconnected => shim.handle_disconnected(),
        }
        while let Some(action) = shim.poll_action() {
            match action {
                ShimAction::Invoke(Invocation { tx, .. }) => {
                    assert!(!self.cancelled.contains(&tx) && self.running.insert(tx));
                }
                ShimAction::Resume { tx, .. } => assert!(self.waiting.remove(&tx)),
                ShimAction::Cancel { tx } => {
                    assert!(self.running.remove(&tx) && !self.waiting.contains(&tx));
                    self.cancelled.insert(tx);
                }
                ShimAction::Send(_) | ShimAction::Close => {}
            }
        }
    }
}
