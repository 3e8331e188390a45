//! Checks the promises of each state machine: for any events, it finishes every execution and
//! answers every request exactly once. Random tests (`fuzz`) and the fuzz targets in `tests/fuzz`
//! choose the events.
//!
//! Invariant: compiled for tests only; panics if a promise is broken.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    BatchLimits, Completed, InvokeMessage, Message, PeerAction, PeerSide, Request, RunId,
    ShimAction, ShimSide, Ticket, TxKey,
};
use wasmcc_types::proto::protos::{self, ChaincodeMessage};
use wasmcc_types::{Entry, Response};

/// An event of a peer's half.
#[derive(Clone, Debug)]
pub enum PeerEvent {
    /// A message arrives.
    Wire(Box<ChaincodeMessage>),
    /// The registry accepts the chaincode.
    Launched,
    /// The registry refuses the chaincode.
    Refused,
    /// A caller executes this transaction.
    Execute(TxKey),
    /// The latest request is answered.
    Served(Result<Vec<u8>, String>),
    /// One of the first eight executions exceeds its time.
    Timeout(usize),
    /// A keepalive is due.
    KeepaliveDue,
    /// The stream breaks.
    Disconnected,
}

/// An event of a chaincode's half.
#[derive(Clone, Debug)]
pub enum ShimEvent {
    /// A message arrives.
    Wire(Box<ChaincodeMessage>),
    /// The chaincode sends a request.
    Request(TxKey),
    /// The chaincode ends with this status, or fails.
    Completed(TxKey, Result<i32, String>),
    /// The stream breaks.
    Disconnected,
}

/// Feeds these events to a peer's half, optionally after the handshake, then breaks the stream.
pub fn check_peer(skips_handshake: bool, events: impl IntoIterator<Item = PeerEvent>) {
    let mut peer = PeerSide::new(BatchLimits::default());
    let mut world = PeerWorld::default();
    if skips_handshake {
        let register = Message::Register { name: "basic:1".into() };
        peer.handle_message(register).expect("the first message of a stream");
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
        assert_eq!(world.asked, world.answered, "requests and answers");
    }
    world.handle(&mut peer, PeerEvent::Disconnected);
    assert!(world.executed.keys().eq(&world.finished), "not every execution has finished");
}

/// As [`check_peer`], for a chaincode's half.
pub fn check_shim(skips_handshake: bool, events: impl IntoIterator<Item = ShimEvent>) {
    let mut shim = ShimSide::new("basic:1");
    let mut world = ShimWorld::default();
    if skips_handshake {
        let ready = Message::Ready { params: Default::default() };
        shim.handle_message(Message::Registered).expect("the first message of a stream");
        shim.handle_message(ready).expect("READY follows REGISTERED");
    }
    for event in events {
        world.handle(&mut shim, event);
    }
    world.handle(&mut shim, ShimEvent::Disconnected);
    assert!(world.waiting.is_empty(), "a request waits for its answer");
    assert!(world.running.is_empty(), "a transaction was neither completed nor cancelled");
}

fn invocation(tx: TxKey) -> InvokeMessage {
    InvokeMessage { tx, entry: Entry::Invoke, input: Default::default(), proposal: None }
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

#[derive(Default)]
struct ShimWorld {
    /// Running: neither completed nor cancelled.
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
                ShimAction::Invoke(InvokeMessage { tx, .. }) => {
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
