//! Thousands of runs of a [`Pair`], each with its own seed.

use crate::pair::Pair;
use crate::pair_faults::{Faults, Tally};

/// Prints the seed if its run panics.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("seed {}", self.0);
        }
    }
}

fn runs(count: u64, faults: Faults) -> Tally {
    let mut tally = Tally::default();
    for seed in 0..count {
        let seed = Seed(seed);
        tally += Pair::new(seed.0, faults).run();
    }
    println!("seeds 0..{count}: {tally:?}");
    tally
}

#[test]
fn honest_sides_never_disagree() {
    let tally = runs(3000, Faults::default());
    assert!(tally.completed > 1000 && tally.returned > 100 && tally.exists > 100);
    let Tally { timed_out, terminated, cancelled, protocol_errors, no_context, .. } = tally;
    assert_eq!([timed_out, terminated, cancelled, protocol_errors, no_context], [0; 5]);
}

#[test]
fn late_ends_and_answers_reach_no_later_execution() {
    let faults = Faults { timeouts: true, impatience: true, ..Faults::default() };
    let tally = runs(3000, faults);
    assert!(tally.timed_out > 100 && tally.exists > 100 && tally.no_context > 100);
    assert_eq!([tally.terminated, tally.cancelled, tally.protocol_errors], [0; 3]);
}

#[test]
fn everything_ends_when_the_stream_breaks() {
    let faults = Faults { disconnect: true, timeouts: true, ..Faults::default() };
    let tally = runs(3000, faults);
    assert!(tally.terminated > 100 && tally.cancelled > 100 && tally.timed_out > 100);
    assert_eq!(tally.protocol_errors, 0);
}

#[test]
fn refused_chaincode_learns_of_it() {
    let tally = runs(500, Faults { refusal: true, ..Faults::default() });
    assert!(tally.protocol_errors > 100 && tally.completed > 100);
}

#[test]
fn duplicated_messages_hang_nobody() {
    let tally = runs(3000, Faults { duplicates: true, ..Faults::default() });
    assert!(tally.cancelled > 100 && tally.no_context > 100 && tally.returned > 1000);
    assert_eq!([tally.timed_out, tally.terminated, tally.protocol_errors], [0; 3]);
}

#[test]
fn all_faults_together_hang_nobody() {
    let faults = Faults {
        timeouts: true,
        impatience: true,
        disconnect: true,
        refusal: true,
        duplicates: true,
        handshake_duplicates: true,
    };
    let tally = runs(3000, faults);
    assert!(tally.cancelled > 100 && tally.protocol_errors > 100 && tally.terminated > 100);
}
