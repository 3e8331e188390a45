//! Connects both state machines in memory and drives them at random from a seed: with every order
//! of events that a real stream allows, and with faults.

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::pair_faults::{Faults, Tally, take_any};
use crate::{
    BatchLimits, Completed, InvokeMessage, Message, MessageType, PeerAction, PeerSide,
    ProtocolError, Request, RunId, ShimAction, ShimSide, Ticket, TxKey, failure_text,
};
use wasmcc_types::proto::protos;
use wasmcc_types::{Entry, Response};

/// Only a few, so that the same transaction is executed repeatedly.
const TRANSACTIONS: u32 = 4;
const STEPS: u32 = 150;

/// A chaincode's run of one invocation.
struct Guest {
    /// Names the execution for which it runs; part of all its messages.
    label: String,
    entry: Entry,
    requests_left: u32,
    /// The key of the request whose answer it awaits.
    waits_for: Option<String>,
    cancelled: bool,
}

pub(crate) struct Pair {
    rng: StdRng,
    faults: Faults,
    peer: PeerSide,
    shim: ShimSide,
    to_peer: Vec<Message>,
    to_shim: Vec<Message>,
    asks_registry: bool,
    broken: bool,
    peer_knows: bool,
    shim_knows: bool,
    guests: BTreeMap<TxKey, Guest>,
    serving: Vec<(Ticket, Request)>,
    /// Executions that have not finished.
    open: BTreeMap<RunId, (TxKey, String)>,
    finished: BTreeSet<RunId>,
    executed: u32,
    tally: Tally,
}

impl Pair {
    pub(crate) fn new(seed: u64, faults: Faults) -> Self {
        Self {
            rng: StdRng::seed_from_u64(seed),
            faults,
            peer: PeerSide::new(BatchLimits::default()),
            shim: ShimSide::new("basic:1"),
            to_peer: Vec::new(),
            to_shim: Vec::new(),
            asks_registry: false,
            broken: false,
            peer_knows: false,
            shim_knows: false,
            guests: BTreeMap::new(),
            serving: Vec::new(),
            open: BTreeMap::new(),
            finished: BTreeSet::new(),
            executed: 0,
            tally: Tally::default(),
        }
    }

    pub(crate) fn run(mut self) -> Tally {
        for _ in 0..STEPS {
            self.poll();
            match self.rng.random_range(0..20) {
                0..5 => _ = self.deliver_to_peer(),
                5..10 => _ = self.deliver_to_shim(),
                10..13 => _ = self.step_guest(),
                13..16 => _ = self.serve(),
                16..18 => self.execute(),
                18 => _ = self.answer_registration(),
                _ => self.disturb(),
            }
        }
        self.settle();
        self.check_nobody_waits();
        self.broken = true;
        self.settle();
        self.check_everything_ended();
        self.tally
    }

    /// Performs the actions of both machines.
    fn poll(&mut self) {
        while let Some(action) = self.shim.poll_action() {
            match action {
                ShimAction::Send(message) => self.to_peer.push(message),
                ShimAction::Invoke(invocation) => self.start_guest(invocation),
                ShimAction::Resume { tx, answer } => self.resume_guest(&tx, answer),
                ShimAction::Cancel { tx } => {
                    assert!(!self.is_honest(), "{tx} was cancelled");
                    self.tally.cancelled += 1;
                    self.guests.get_mut(&tx).expect("only what runs is cancelled").cancelled = true;
                }
                ShimAction::Close => self.broken = true,
            }
        }
        while let Some(action) = self.peer.poll_action() {
            match action {
                PeerAction::Send(message) => {
                    if let Message::Error { text, .. } = &message {
                        self.tally.no_context += u32::from(text.ends_with("no ledger context"));
                    }
                    self.to_shim.push(message);
                }
                PeerAction::Register { name } => {
                    assert_eq!(name, "basic:1");
                    self.asks_registry = true;
                }
                PeerAction::Serve { ticket, request } => self.start_serving(ticket, request),
                PeerAction::Finish { tx, run, outcome } => self.finish(tx, run, outcome),
                PeerAction::Close => self.broken = true,
            }
        }
    }

    /// True if every answer and every end must reach its own execution. A repeated message cannot
    /// be recognized, so it may be taken for another one.
    fn is_exact(&self) -> bool {
        !self.faults.duplicates
    }

    fn is_honest(&self) -> bool {
        let Faults { timeouts, refusal, duplicates, handshake_duplicates, .. } = self.faults;
        !(self.broken || timeouts || refusal || duplicates || handshake_duplicates)
    }

    fn start_guest(&mut self, invocation: InvokeMessage) {
        let InvokeMessage { tx, entry, input, .. } = invocation;
        let guest = Guest {
            label: String::from_utf8(input.args[0].clone()).unwrap(),
            entry,
            requests_left: self.rng.random_range(0..4),
            waits_for: None,
            cancelled: false,
        };
        assert!(self.guests.insert(tx, guest).is_none(), "an invocation started while it runs");
    }

    fn resume_guest(&mut self, tx: &TxKey, answer: Result<Vec<u8>, String>) {
        let (honest, exact) = (self.is_honest(), self.is_exact());
        let guest = self.guests.get_mut(tx).expect("only what runs is resumed");
        let asked = guest.waits_for.take().expect("only who waits is resumed");
        match answer {
            Ok(payload) if exact => assert_eq!(payload, asked.into_bytes()),
            Err(text) if honest => {
                assert_eq!(text, failure_text(MessageType::GetState, tx, "not now"));
            }
            Ok(_) | Err(_) => {}
        }
    }

    /// Lets one guest continue.
    fn step_guest(&mut self) -> bool {
        let hasty = self.faults.impatience && self.rng.random_range(0..10) == 0;
        let able = |(_, guest): &(&TxKey, &Guest)| hasty || guest.waits_for.is_none();
        let able: Vec<TxKey> = self.guests.iter().filter(able).map(|(tx, _)| tx.clone()).collect();
        if able.is_empty() {
            return false;
        }
        let tx = able[self.rng.random_range(0..able.len())].clone();
        let guest = self.guests.get_mut(&tx).expect("it was just found");
        let ends = guest.requests_left == 0 || guest.cancelled || guest.waits_for.is_some();
        if !ends {
            guest.requests_left -= 1;
            let key = format!("{}/{}", guest.label, guest.requests_left);
            let request = protos::GetState { key: key.clone(), collection: String::new() };
            match self.shim.handle_request(tx, Request::GetState(request)) {
                Ok(()) => guest.waits_for = Some(key),
                Err(error) => assert_eq!(error, ProtocolError::StreamTerminated),
            }
            return true;
        }
        let Guest { label, entry, .. } = self.guests.remove(&tx).expect("it was just found");
        let response = match self.rng.random_range(0..8) {
            0 if entry == Entry::Init => Response::error(label),
            _ => Response::success(label),
        };
        let outcome = match self.rng.random_range(0..8) {
            0 => Err(response.message),
            _ => Ok(Completed { response, event: None }),
        };
        self.shim.handle_completed(tx, outcome);
        true
    }

    fn execute(&mut self) {
        let tx = TxKey::new("ch", format!("tx{}", self.rng.random_range(0..TRANSACTIONS)));
        self.executed += 1;
        let label = format!("run{}", self.executed);
        let entry = if self.rng.random() { Entry::Init } else { Entry::Invoke };
        let input =
            protos::ChaincodeInput { args: vec![label.clone().into_bytes()], ..Default::default() };
        let ready = self.peer.is_ready();
        match self.peer.handle_execute(InvokeMessage {
            tx: tx.clone(),
            entry,
            input,
            proposal: None,
        }) {
            Ok(run) => assert!(self.open.insert(run, (tx, label)).is_none()),
            Err(ProtocolError::TxExists(_)) => self.tally.exists += 1,
            Err(ProtocolError::NotReady { .. } | ProtocolError::StreamTerminated) => {
                assert!(!ready);
            }
            Err(other) => panic!("{other}"),
        }
    }

    fn start_serving(&mut self, ticket: Ticket, request: Request) {
        let (tx, label) = self.open.get(&ticket.run()).expect("only what runs is served");
        assert_eq!(ticket.tx(), tx);
        let Request::GetState(get) = &request else { panic!("{request:?}") };
        if self.is_exact() {
            let (asker, _) = get.key.split_once('/').unwrap();
            assert_eq!(asker, label, "an execution is served what another one asked");
        }
        self.serving.push((ticket, request));
    }

    fn serve(&mut self) -> bool {
        if self.serving.is_empty() {
            return false;
        }
        let at = self.rng.random_range(0..self.serving.len());
        let (ticket, request) = self.serving.swap_remove(at);
        let Request::GetState(get) = request else { panic!("{request:?}") };
        let answer = match self.rng.random_range(0..4) {
            0 => Err("not now".to_owned()),
            _ => Ok(get.key.into_bytes()),
        };
        self.peer.handle_served(ticket, answer);
        true
    }

    fn finish(&mut self, tx: TxKey, run: RunId, outcome: Result<Completed, ProtocolError>) {
        assert!(self.finished.insert(run), "{run:?} of {tx} finished twice");
        let (open, label) = self.open.remove(&run).expect("it was executed");
        assert_eq!(open, tx);
        match outcome {
            Ok(completed) => {
                if self.is_exact() {
                    assert_eq!(completed.response.payload, label.into_bytes());
                }
                self.tally.completed += 1;
            }
            Err(ProtocolError::Returned(_)) => self.tally.returned += 1,
            Err(ProtocolError::Timeout) => self.tally.timed_out += 1,
            Err(ProtocolError::StreamTerminated) => self.tally.terminated += 1,
            Err(other) => panic!("{other}"),
        }
    }

    fn answer_registration(&mut self) -> bool {
        if !std::mem::take(&mut self.asks_registry) {
            return false;
        }
        if self.faults.refusal && self.rng.random() {
            self.peer.handle_refused("duplicate chaincodeID: basic:1");
        } else {
            self.peer.handle_launched();
        }
        true
    }

    fn disturb(&mut self) {
        self.peer.handle_keepalive_due();
        if self.faults.timeouts && self.rng.random() && !self.open.is_empty() {
            let at = self.rng.random_range(0..self.open.len());
            let (&run, (tx, _)) = self.open.iter().nth(at).expect("it is below the length");
            self.peer.handle_timeout(tx, run);
        }
        if self.faults.timeouts && !self.finished.is_empty() {
            // A timer that was not stopped must not affect a later execution.
            let at = self.rng.random_range(0..self.finished.len());
            let &run = self.finished.iter().nth(at).expect("it is below the length");
            for tx in 0..TRANSACTIONS {
                self.peer.handle_timeout(&TxKey::new("ch", format!("tx{tx}")), run);
            }
        }
        if self.faults.disconnect && self.rng.random_range(0..4) == 0 {
            self.broken = true;
        }
    }

    fn deliver_to_peer(&mut self) -> bool {
        let Some(message) = take_any(&mut self.to_peer, &mut self.rng, self.faults) else {
            return self.break_peer();
        };
        let result = self.peer.handle_message(message);
        self.note(result);
        true
    }

    fn deliver_to_shim(&mut self) -> bool {
        let Some(message) = take_any(&mut self.to_shim, &mut self.rng, self.faults) else {
            return self.break_shim();
        };
        let result = self.shim.handle_message(message);
        self.note(result);
        true
    }

    fn note(&mut self, result: Result<(), ProtocolError>) {
        if let Err(error) = result {
            assert!(!self.is_honest(), "{error}");
            self.tally.protocol_errors += 1;
        }
    }

    /// Each side notices a broken stream after the last message that it can read. The messages to
    /// the other side are lost from a random point on.
    fn break_peer(&mut self) -> bool {
        let breaks = self.broken && !self.peer_knows;
        if breaks {
            self.peer_knows = true;
            self.to_shim.truncate(self.rng.random_range(0..=self.to_shim.len()));
            self.peer.handle_disconnected();
        }
        breaks
    }

    fn break_shim(&mut self) -> bool {
        let breaks = self.broken && !self.shim_knows;
        if breaks {
            self.shim_knows = true;
            self.to_peer.truncate(self.rng.random_range(0..=self.to_peer.len()));
            self.shim.handle_disconnected();
        }
        breaks
    }

    /// Runs until nothing happens any more, without timeouts.
    fn settle(&mut self) {
        for _ in 0..100_000 {
            let mut progress = false;
            let steps = [
                Self::answer_registration,
                Self::deliver_to_peer,
                Self::deliver_to_shim,
                Self::serve,
                Self::step_guest,
            ];
            for step in steps {
                self.poll();
                progress |= step(self);
            }
            if !progress {
                return;
            }
        }
        panic!("it runs for ever");
    }

    fn check_nobody_waits(&self) {
        assert!(self.guests.is_empty(), "guests wait for ever");
        assert!(self.open.is_empty(), "executions wait for ever");
    }

    fn check_everything_ended(&mut self) {
        self.check_nobody_waits();
        assert!(!self.peer.is_ready() && !self.shim.is_ready());
        let invocation = InvokeMessage {
            tx: TxKey::default(),
            entry: Entry::Invoke,
            input: protos::ChaincodeInput::default(),
            proposal: None,
        };
        let refused = self.peer.handle_execute(invocation);
        assert_eq!(refused, Err(ProtocolError::StreamTerminated));
    }
}
