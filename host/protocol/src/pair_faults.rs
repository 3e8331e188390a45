//! The faults of a [`Pair`](crate::pair::Pair), and a count of the results.

use std::ops::AddAssign;

use rand::RngExt;
use rand::rngs::StdRng;

use crate::Message;

/// The faults that may happen.
#[derive(Clone, Copy, Default)]
pub(crate) struct Faults {
    /// Executions run out of time.
    pub timeouts: bool,
    /// Chaincodes end while they wait for an answer.
    pub impatience: bool,
    /// The stream breaks, and messages in transit are lost.
    pub disconnect: bool,
    /// The registry refuses the chaincode.
    pub refusal: bool,
    /// Messages of transactions arrive twice.
    pub duplicates: bool,
    /// All other messages may arrive twice as well.
    pub handshake_duplicates: bool,
}

/// Counts the results, to check that the seeds reach all intended cases.
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

/// Takes a random message out of the queue, in order within each transaction, since Fabric sends
/// from many goroutines. Messages without a transaction keep their position.
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
