//! Does the same work for every transaction of a block, on several threads.
//!
//! Invariant: the results do not depend on the number of threads: work on one index knows nothing
//! of the others, and of several errors the one with the lowest index counts.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use crate::committer::error::CommitError;

/// Below this a further thread costs more than it saves.
const MIN_INDEXES_A_LANE: usize = 4;

/// Calls `work` for all indexes below `count` on at most `lanes` threads. A panic of `work` is an
/// error.
pub(super) fn run<T: Send>(
    count: usize,
    lanes: usize,
    work: impl Fn(usize) -> Result<T, CommitError> + Sync,
) -> Result<Vec<T>, CommitError> {
    let lanes = lanes.min(count / MIN_INDEXES_A_LANE).max(1);
    let work = |index| {
        let outcome = catch_unwind(AssertUnwindSafe(|| work(index)));
        outcome.unwrap_or(Err(CommitError::Panicked { index }))
    };
    let lane_indexes = count.div_ceil(lanes).max(1);
    let mut starts = (0..count).step_by(lane_indexes);
    let lane = |start: usize| {
        let indexes = start..(start + lane_indexes).min(count);
        indexes.map(work).collect::<Result<Vec<T>, CommitError>>()
    };
    let Some(own) = starts.next() else { return Ok(Vec::new()) };
    let outcomes = thread::scope(|scope| {
        let span = tracing::Span::current();
        let others: Vec<_> = starts
            .map(|start| {
                let (span, lane) = (span.clone(), &lane);
                scope.spawn(move || span.in_scope(|| lane(start)))
            })
            .collect();
        let mut outcomes = vec![lane(own)];
        let join = |handle: thread::ScopedJoinHandle<'_, _>| {
            handle.join().expect("a lane catches the panics of its work")
        };
        outcomes.extend(others.into_iter().map(join));
        outcomes
    });
    let mut results = Vec::with_capacity(count);
    for outcome in outcomes {
        results.extend(outcome?);
    }
    Ok(results)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_order_whatever_the_number_of_lanes() {
        for count in [0, 1, 4, 7, 8, 9, 64, 65] {
            for lanes in [0, 1, 2, 3, 64] {
                let squares = run(count, lanes, |index| Ok(index * index)).unwrap();
                assert_eq!(squares, (0..count).map(|i| i * i).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn the_first_error_counts() {
        for lanes in [1, 2, 4] {
            let error = run(40, lanes, |index| match index {
                7 => panic!("on purpose"),
                12 | 39 => Err(CommitError::EmptyBlock),
                _ => Ok(()),
            });
            assert!(matches!(error, Err(CommitError::Panicked { index: 7 })), "{error:?}");
        }
    }
}
