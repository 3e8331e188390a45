//! The slots in which the transactions of a program run, and the queues before them.
//!
//! A peer that answers slowly occupies the slots of its transactions for long, so one stream cannot
//! have all of them. Half of the slots is reserved for the open streams in equal parts, at least
//! one each. The other half is first come, first served. A single stream may have all. The queue is
//! shared in the same way. Transactions of a stream run in order, and streams take turns.
//!
//! Invariant: no transaction waits that may run. The queue is checked whenever a slot becomes free
//! or a stream ends.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// The slots and queues of a program.
#[derive(Debug)]
pub(crate) struct Room(Mutex<RoomState>);

#[derive(Debug)]
struct RoomState {
    places: usize,
    queue: usize,
    /// Number of transactions with a slot.
    running: usize,
    /// Number of calls by other chaincodes that found no free slot and run without one.
    beside: usize,
    waiting: usize,
    lines: BTreeMap<u64, Line>,
    /// The number of the next stream or ticket.
    next: u64,
    /// The stream that got the last slot from the queue.
    last: u64,
}

/// The transactions of one stream.
#[derive(Debug, Default)]
struct Line {
    running: usize,
    /// By the numbers of their tickets, which ascend.
    waiting: VecDeque<(u64, oneshot::Sender<Place>)>,
}

/// A stream that shares the slots. Dropping this returns its part.
#[derive(Debug)]
pub(crate) struct RoomStream {
    room: Arc<Room>,
    number: u64,
}

/// The right to run one transaction. Dropping this passes the slot to the next one.
#[derive(Debug)]
pub(crate) struct Place {
    room: Arc<Room>,
    /// None: a call by another chaincode that runs without a slot.
    stream: Option<u64>,
}

/// A position in the queue. Dropping this leaves the queue.
#[derive(Debug)]
pub(crate) struct Ticket {
    place: oneshot::Receiver<Place>,
    room: Arc<Room>,
    stream: u64,
    number: u64,
    is_served: bool,
}

/// The right to run one transaction, now or when a slot is free.
#[derive(Debug)]
pub(crate) enum Admission {
    Now(Place),
    Queued(Ticket),
}

/// The limits of one resource (slots or queue) for a stream.
struct Shares {
    free: usize,
    /// The number reserved for each stream.
    part: usize,
    /// The reserved number that streams have not taken yet.
    kept: usize,
    /// Limit of the number that is reserved for the other streams.
    half: usize,
}

impl Room {
    /// Creates this many slots, and a queue of this length.
    pub(crate) fn new(places: usize, queue: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(RoomState {
            places,
            queue,
            running: 0,
            beside: 0,
            waiting: 0,
            lines: BTreeMap::new(),
            next: 0,
            last: 0,
        })))
    }

    /// Registers a stream.
    pub(crate) fn join(self: &Arc<Self>) -> RoomStream {
        let mut state = self.lock();
        let number = state.number();
        state.lines.insert(number, Line::default());
        RoomStream { room: Arc::clone(self), number }
    }

    /// True if no transaction runs or waits.
    pub(crate) fn is_idle(&self) -> bool {
        let state = self.lock();
        state.running == 0 && state.beside == 0 && state.waiting == 0
    }

    /// Changes the state, then assigns the free slots.
    fn change(self: &Arc<Self>, change: impl FnOnce(&mut RoomState)) {
        let served = {
            let mut state = self.lock();
            change(&mut state);
            state.serve()
        };
        for (stream, place) in served {
            // If the transaction has gone, dropping the slot passes it to the next one.
            let _ = place.send(Place { room: Arc::clone(self), stream: Some(stream) });
        }
    }

    fn lock(&self) -> MutexGuard<'_, RoomState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RoomStream {
    /// Takes a slot for a transaction, or a position in the queue. A nested transaction, called by
    /// another chaincode, runs without a slot if none is free. The error is the number of
    /// transactions that wait already.
    pub(crate) fn enter(&self, is_nested: bool) -> Result<Admission, usize> {
        let mut state = self.room.lock();
        let shares = state.shares(state.places, state.running, |line| line.running);
        let in_queue = state.shares(state.queue, state.waiting, |line| line.waiting.len());
        let number = state.next;
        let Some(line) = state.lines.get_mut(&self.number) else { return Err(0) };
        if line.waiting.is_empty() && shares.allow(line.running) {
            line.running += 1;
            state.running += 1;
            return Ok(Admission::Now(self.place(Some(self.number))));
        }
        if is_nested {
            state.beside += 1;
            return Ok(Admission::Now(self.place(None)));
        }
        if !in_queue.allow(line.waiting.len()) {
            return Err(state.waiting);
        }
        let (sender, place) = oneshot::channel();
        line.waiting.push_back((number, sender));
        state.next += 1;
        state.waiting += 1;
        let (room, stream) = (Arc::clone(&self.room), self.number);
        Ok(Admission::Queued(Ticket { place, room, stream, number, is_served: false }))
    }

    fn place(&self, stream: Option<u64>) -> Place {
        Place { room: Arc::clone(&self.room), stream }
    }
}

impl Ticket {
    /// Waits for the slot. Returns None if the stream has ended.
    pub(crate) async fn wait(mut self) -> Option<Place> {
        let place = (&mut self.place).await;
        self.is_served = true;
        place.ok()
    }
}

impl RoomState {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    /// Returns the limits of the streams for a resource of `limit` units, `taken` of which are in
    /// use.
    fn shares(&self, limit: usize, taken: usize, of: impl Fn(&Line) -> usize) -> Shares {
        let (free, half) = (limit.saturating_sub(taken), limit / 2);
        let part = (half / self.lines.len().max(1)).max(1);
        let kept = self.lines.values().map(|line| part.saturating_sub(of(line))).sum();
        Shares { free, part, kept, half }
    }

    /// Assigns the free slots to waiting transactions.
    fn serve(&mut self) -> Vec<(u64, oneshot::Sender<Place>)> {
        let mut served = Vec::new();
        while self.waiting > 0 {
            let shares = self.shares(self.places, self.running, |line| line.running);
            let may = |line: &Line| !line.waiting.is_empty() && shares.allow(line.running);
            let after = self.lines.range(self.last.saturating_add(1)..);
            let mut in_turn = after.chain(self.lines.range(..=self.last));
            let next = in_turn.find(|(_, line)| may(line)).map(|(number, _)| *number);
            let Some((number, line)) = next.and_then(|n| Some((n, self.lines.get_mut(&n)?))) else {
                break;
            };
            let Some((_, place)) = line.waiting.pop_front() else { break };
            line.running += 1;
            self.running += 1;
            self.waiting -= 1;
            self.last = number;
            served.push((number, place));
        }
        served
    }
}

impl Shares {
    /// True if a stream that uses `own` units may take one more.
    fn allow(&self, own: usize) -> bool {
        let kept_for_others = self.kept.saturating_sub(self.part.saturating_sub(own));
        self.free > 0 && (own < self.part || self.free > kept_for_others.min(self.half))
    }
}

impl Drop for RoomStream {
    fn drop(&mut self) {
        self.room.change(|state| {
            let line = state.lines.remove(&self.number);
            state.waiting -= line.map_or(0, |line| line.waiting.len());
        });
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(stream) = self.stream else {
            self.room.lock().beside -= 1;
            return;
        };
        self.room.change(|state| {
            state.running -= 1;
            if let Some(line) = state.lines.get_mut(&stream) {
                line.running -= 1;
            }
        });
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.is_served {
            return;
        }
        let mut state = self.room.lock();
        let Some(line) = state.lines.get_mut(&self.stream) else { return };
        // If the slot was sent already, dropping the receiver releases it.
        if let Ok(at) = line.waiting.binary_search_by_key(&self.number, |(number, _)| *number) {
            line.waiting.remove(at);
            state.waiting -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(stream: &RoomStream) -> Admission {
        stream.enter(false).unwrap()
    }

    /// Takes slots as long as any are free.
    fn fill(stream: &RoomStream) -> Vec<Place> {
        let mut places = Vec::new();
        while let Ok(Admission::Now(place)) = stream.enter(false) {
            places.push(place);
        }
        places
    }

    #[test]
    fn a_stream_that_is_alone_may_have_all_places() {
        let room = Room::new(16, 0);
        let alone = room.join();
        let places = fill(&alone);
        assert_eq!(places.len(), 16);
        assert!(!room.is_idle());
        drop(places);
        assert!(room.is_idle());
    }

    #[test]
    fn places_are_kept_for_every_other_stream() {
        let room = Room::new(16, 0);
        let streams = [room.join(), room.join(), room.join()];
        let places: Vec<_> = streams.iter().map(fill).collect();
        let counts: Vec<usize> = places.iter().map(Vec::len).collect();
        assert_eq!(counts, [12, 2, 2]);
        // With any number of streams, one may have half.
        let many: Vec<_> = (0..100).map(|_| room.join()).collect();
        drop(places);
        assert_eq!(fill(&many[0]).len(), 8);
        for (places, of_two) in [(1, 1), (2, 1), (3, 2)] {
            let room = Room::new(places, 0);
            let (one, _other) = (room.join(), room.join());
            assert_eq!(fill(&one).len(), of_two, "{places}");
        }
    }

    #[test]
    fn one_stream_does_not_fill_the_queue() {
        let room = Room::new(1, 8);
        let (one, other) = (room.join(), room.join());
        let _running = enter(&one);
        let mut waiting = Vec::new();
        while let Ok(admission) = one.enter(false) {
            waiting.push(admission);
        }
        assert_eq!(waiting.len(), 6);
        assert!(matches!(enter(&other), Admission::Queued(_)));
        assert_eq!(one.enter(false).unwrap_err(), 6);
    }

    #[tokio::test]
    async fn streams_take_turns_and_keep_their_own_order() {
        let room = Room::new(1, 100);
        let (one, other) = (room.join(), room.join());
        let Admission::Now(mut running) = enter(&one) else { panic!() };
        let ticket = |stream: &RoomStream| match enter(stream) {
            Admission::Queued(ticket) => ticket,
            Admission::Now(_) => panic!("there is no place"),
        };
        let (first, second, third) = (ticket(&one), ticket(&one), ticket(&one));
        let (of_other, leaves) = (ticket(&other), ticket(&other));
        drop(leaves);
        for next in [of_other, first, second, third] {
            drop(running);
            running = next.wait().await.unwrap();
        }
        drop(running);
        assert!(room.is_idle());
    }

    #[test]
    fn calls_by_other_chaincodes_never_wait() {
        let room = Room::new(1, 0);
        let stream = room.join();
        let places = [stream.enter(true), stream.enter(true)];
        assert!(places.iter().all(|place| matches!(place, Ok(Admission::Now(_)))));
        assert!(stream.enter(false).is_err());
        drop(places);
        assert!(room.is_idle());
    }

    #[tokio::test]
    async fn a_stream_that_ends_leaves_its_part_to_those_that_wait() {
        let room = Room::new(2, 8);
        let (one, other) = (room.join(), room.join());
        let _running = enter(&one);
        let Admission::Queued(waiting) = enter(&one) else { panic!() };
        drop(other);
        assert!(waiting.wait().await.is_some());
    }
}
