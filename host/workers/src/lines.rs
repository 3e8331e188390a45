//! The order in which ready jobs are polled.
//!
//! Processor time is shared evenly between chaincodes, and the time of a chaincode between its
//! clients: the line with the least time so far comes next. A line that was empty starts at the
//! level of the others, so time cannot be saved up. Within a client's line, jobs that have used
//! little time come first; among equals, the order of arrival decides. Quick jobs and computing
//! jobs have separate lines and common accounts.
//!
//! Does not poll jobs; it only has their numbers.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use wasmcc_types::Share;

/// Levels of used time. Below the first one, a job is quick: it has not used up a slice.
const LEVELS: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(200)];

/// The kind of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// It has used little processor time so far.
    Quick,
    /// It has used up a slice.
    Computing,
}

/// A job's position in its client's line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn {
    level: usize,
    number: u64,
}

impl Turn {
    /// The position of a job that has used this much processor time.
    pub(super) fn new(number: u64, used: Duration) -> Self {
        Self { level: LEVELS.iter().filter(|level| used >= **level).count(), number }
    }

    /// The kind of the job.
    pub(super) fn pace(self) -> Pace {
        if self.level == 0 { Pace::Quick } else { Pace::Computing }
    }
}

/// All lines with jobs, waiting ones included.
#[derive(Debug, Default)]
pub(super) struct Lines {
    chaincodes: HashMap<(Arc<str>, Arc<str>), Chaincode>,
    /// The time of the line that was served last.
    now: Duration,
}

#[derive(Debug, Default)]
struct Chaincode {
    clients: HashMap<[u8; 32], Line>,
    /// The time that its jobs have used; at least the level of the others when it was added.
    time: Duration,
    now: Duration,
    ready: usize,
}

/// The jobs of one client.
#[derive(Debug, Default)]
pub(super) struct Line {
    time: Duration,
    ready: BTreeSet<Turn>,
    /// The jobs of `ready` that have not started.
    fresh: BTreeSet<u64>,
    /// All jobs, waiting ones included.
    jobs: usize,
}

impl Chaincode {
    fn has_ready(&self, pace: Pace) -> bool {
        self.ready > 0 && self.clients.values().any(|line| line.next(pace).is_some())
    }
}

impl Line {
    /// The next job of a kind.
    fn next(&self, pace: Pace) -> Option<Turn> {
        let next = match pace {
            Pace::Quick => self.ready.first().filter(|turn| turn.level == 0),
            Pace::Computing => self.ready.range(Turn { level: 1, number: 0 }..).next(),
        };
        next.copied()
    }
}

fn key(share: &Share) -> (Arc<str>, Arc<str>) {
    (Arc::clone(&share.channel), Arc::clone(&share.chaincode))
}

impl Lines {
    /// Adds a new job. It is ready and has not started.
    pub(super) fn join(&mut self, share: &Share, number: u64) {
        self.enter(share).fresh.insert(number);
        self.push(share, Turn::new(number, Duration::ZERO));
    }

    /// Adds a new job that is already being polled.
    pub(super) fn enter(&mut self, share: &Share) -> &mut Line {
        let chaincode = self.chaincodes.entry(key(share)).or_default();
        let line = chaincode.clients.entry(share.client).or_default();
        line.jobs += 1;
        line
    }

    /// Adds a job that can continue.
    pub(super) fn push(&mut self, share: &Share, turn: Turn) {
        let Some(chaincode) = self.chaincodes.get_mut(&key(share)) else { return };
        let Some(line) = chaincode.clients.get_mut(&share.client) else { return };
        if chaincode.ready == 0 {
            chaincode.time = chaincode.time.max(self.now);
        }
        if line.ready.is_empty() {
            line.time = line.time.max(chaincode.now);
        }
        if line.ready.insert(turn) {
            chaincode.ready += 1;
        }
    }

    /// Returns whether a job of a kind is ready.
    pub(super) fn has(&self, pace: Pace) -> bool {
        self.chaincodes.values().any(|chaincode| chaincode.has_ready(pace))
    }

    /// Takes the next job of a kind; true if it has not started.
    pub(super) fn pop(&mut self, pace: Pace) -> Option<(u64, bool)> {
        let ready = self.chaincodes.values_mut().filter(|chaincode| chaincode.has_ready(pace));
        let chaincode = ready.min_by_key(|chaincode| chaincode.time)?;
        self.now = self.now.max(chaincode.time);
        let ready = chaincode.clients.values_mut().filter(|line| line.next(pace).is_some());
        let line = ready.min_by_key(|line| line.time)?;
        chaincode.now = chaincode.now.max(line.time);
        let turn = line.next(pace)?;
        line.ready.remove(&turn);
        chaincode.ready -= 1;
        Some((turn.number, line.fresh.remove(&turn.number)))
    }

    /// Removes a ready job.
    pub(super) fn remove(&mut self, share: &Share, turn: Turn) {
        let Some(chaincode) = self.chaincodes.get_mut(&key(share)) else { return };
        let Some(line) = chaincode.clients.get_mut(&share.client) else { return };
        line.fresh.remove(&turn.number);
        if line.ready.remove(&turn) {
            chaincode.ready -= 1;
        }
    }

    /// Adds the time that a job has used.
    pub(super) fn charge(&mut self, share: &Share, used: Duration) {
        let Some(chaincode) = self.chaincodes.get_mut(&key(share)) else { return };
        chaincode.time += used;
        if let Some(line) = chaincode.clients.get_mut(&share.client) {
            line.time += used;
        }
    }

    /// Removes a job that is not ready.
    pub(super) fn leave(&mut self, share: &Share) {
        let Some(chaincode) = self.chaincodes.get_mut(&key(share)) else { return };
        let Some(line) = chaincode.clients.get_mut(&share.client) else { return };
        line.jobs -= 1;
        if line.jobs == 0 {
            chaincode.clients.remove(&share.client);
        }
        if chaincode.clients.is_empty() {
            self.chaincodes.remove(&key(share));
        }
    }

    /// Returns the job that a new job of `share` evicts when the queue is full. It is the last one
    /// of the line with the most jobs that have not started. None unless that line is longer than
    /// `share`'s.
    pub(super) fn last_of_the_longest(&self, share: &Share) -> Option<u64> {
        let chaincode = self.chaincodes.get(&key(share));
        let own = chaincode.and_then(|chaincode| chaincode.clients.get(&share.client));
        let own = own.map_or(0, |line| line.fresh.len());
        let lines = self.chaincodes.values().flat_map(|chaincode| chaincode.clients.values());
        let longest = lines.max_by_key(|line| line.fresh.len())?;
        if longest.fresh.len() < own + 2 {
            return None;
        }
        longest.fresh.last().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLICE: Duration = Duration::from_millis(10);

    fn share(chaincode: &str, client: &str) -> Share {
        Share::new("ch", chaincode, client.as_bytes())
    }

    /// Serves one slice and returns the job.
    fn serve(lines: &mut Lines, shares: &[Share], used: &mut HashMap<u64, Duration>) -> u64 {
        let quick = lines.pop(Pace::Quick);
        let (number, _) = quick.or_else(|| lines.pop(Pace::Computing)).unwrap();
        let share = &shares[number as usize];
        lines.charge(share, SLICE);
        let used = used.entry(number).or_default();
        *used += SLICE;
        lines.push(share, Turn::new(number, *used));
        number
    }

    #[test]
    fn chaincodes_share_evenly_and_so_do_the_clients_of_one() {
        let shares = ["a one", "a one", "a one", "a two", "b one"]
            .map(|line| line.split_once(' ').unwrap())
            .map(|(chaincode, client)| share(chaincode, client));
        let (mut lines, mut used) = (Lines::default(), HashMap::new());
        for (number, share) in shares.iter().enumerate() {
            lines.join(share, number as u64);
        }
        for _ in 0..80 {
            serve(&mut lines, &shares, &mut used);
        }
        let slices = |numbers: &[u64]| {
            let used = numbers.iter().map(|number| used.get(number).copied().unwrap_or_default());
            used.sum::<Duration>().div_duration_f64(SLICE).round() as u32
        };
        // The order of two clients with equal times is random.
        for (numbers, expected) in [(&[0, 1, 2][..], 20_u32), (&[3], 20), (&[4], 40)] {
            let slices = slices(numbers);
            assert!(slices.abs_diff(expected) <= 1, "{numbers:?}: {slices}");
        }
    }

    #[test]
    fn who_comes_to_a_chaincode_that_computes_is_served_next() {
        let mut shares = vec![share("a", "one"); 8];
        let (mut lines, mut used) = (Lines::default(), HashMap::new());
        for number in 0..8 {
            lines.join(&shares[number as usize], number);
        }
        for _ in 0..1_000 {
            serve(&mut lines, &shares, &mut used);
        }
        // This also holds for a job of the same client and chaincode.
        for newcomer in [share("b", "two"), share("a", "one")] {
            let number = shares.len() as u64;
            shares.push(newcomer.clone());
            lines.join(&newcomer, number);
            assert_eq!(lines.pop(Pace::Quick), Some((number, true)));
            lines.charge(&newcomer, SLICE / 10);
            lines.leave(&newcomer);
        }
    }

    #[test]
    fn nobody_saves_time_up() {
        let shares = [share("a", "one"), share("b", "two")];
        let (mut lines, mut used) = (Lines::default(), HashMap::new());
        lines.join(&shares[0], 0);
        for _ in 0..100 {
            serve(&mut lines, &shares, &mut used);
        }
        lines.join(&shares[1], 1);
        let served: Vec<u64> = (0..10).map(|_| serve(&mut lines, &shares, &mut used)).collect();
        let slices = served.iter().filter(|number| **number == 1).count();
        assert!((5..=6).contains(&slices), "{served:?}");
    }

    #[test]
    fn what_has_gone_leaves_nothing() {
        let (one, two) = (share("a", "one"), share("b", "two"));
        let mut lines = Lines::default();
        lines.join(&one, 0);
        lines.join(&two, 1);
        lines.remove(&two, Turn::new(1, Duration::ZERO));
        lines.leave(&two);
        assert_eq!(lines.pop(Pace::Quick), Some((0, true)));
        assert_eq!(lines.pop(Pace::Quick), None);
        lines.leave(&one);
        assert!(lines.chaincodes.is_empty());
    }

    #[test]
    fn the_longest_line_gives_way() {
        let (long, short) = (share("a", "one"), share("a", "two"));
        let mut lines = Lines::default();
        (0..3).for_each(|number| lines.join(&long, number));
        assert_eq!(lines.last_of_the_longest(&short), Some(2));
        assert_eq!(lines.last_of_the_longest(&long), None);
        lines.join(&short, 3);
        lines.join(&short, 4);
        assert_eq!(lines.last_of_the_longest(&short), None);
    }
}
