//! What goes wrong between a [`Pair`](crate::pair::Pair), and what came of it.

use std::ops::AddAssign;

use rand::RngExt;
use rand::rngs::StdRng;

use crate::Message;

/// What may happen beside the honest course of things.
#[derive(Clone, Copy, Default)]
pub(crate) struct Faults {
    /// Executions run out of time.
    pub timeouts: bool,
    /// Chaincodes end while their request is under way.
    pub impatience: bool,
    /// The stream breaks, and what was under way is lost.
    pub disconnect: bool,
    /// The registry refuses the chaincode.
    pub refusal: bool,
    /// Messages of transactions arrive twice.
    pub duplicates: bool,
    /// The others too.
    pub handshake_duplicates: bool,
}

/// What came to pass, to see that the seeds reach what they are meant to reach.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub completed: u32,
    pub returned: u32,
    pub timed_out: u32,
    pub terminated: u32,
    pub exists: u32,
    pub no_context: u32,
    pub cancelled: u32,
    pub protocol_errors: u32,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.completed += other.completed;
        self.returned += other.returned;
        self.timed_out += other.timed_out;
        self.terminated += other.terminated;
        self.exists += other.exists;
        self.no_context += other.no_context;
        self.cancelled += other.cancelled;
        self.protocol_errors += other.protocol_errors;
    }
}

/// Takes a message from anywhere in the queue, but those of one transaction in their order: Fabric
/// sends from many goroutines. What belongs to no transaction keeps its place.
pub(crate) fn take_any(
    queue: &mut Vec<Message>,
    rng: &mut StdRng,
    faults: Faults,
) -> Option<Message> {
    if queue.is_empty() {
        return None;
    }
    let tx = queue[rng.random_range(0..queue.len())].tx();
    let takes = |message: &Message| message.tx() == tx || message.tx().is_none();
    let at = queue.iter().position(takes).expect("the chosen one is among them");
    let twice = match queue[at].tx() {
        Some(_) => faults.duplicates,
        None => faults.handshake_duplicates,
    };
    if twice && rng.random_range(0..10) == 0 {
        return Some(queue[at].clone());
    }
    Some(queue.remove(at))
}
