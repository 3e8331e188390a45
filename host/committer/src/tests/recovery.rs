//! Tests failures of this machine: the block is tried again until it works, and long failures are
//! reported.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use crate::tests::orderer::WIDE;
use crate::tests::support::{CC, Draft, Fixture, Port, deadline};
use crate::{
    CommitError, Committer, EndorsementValidator, Fatal, Solo, SoloConfig, ValidationFailure,
    ValidationRequest,
};
use wasmcc_msp::BatchLimits;
use wasmcc_types::proto::protos::TxValidationCode::*;

const PAUSE: Duration = Duration::from_millis(1);

/// A validator that fails the first `times` calls. It calls `asked` in each call.
fn fails(times: usize, asked: impl Fn() + Send + Sync + 'static) -> Arc<dyn EndorsementValidator> {
    let calls = AtomicUsize::new(0);
    Arc::new(Port(move |_: &ValidationRequest<'_>| {
        asked();
        match calls.fetch_add(1, Ordering::Relaxed) {
            call if call < times => Err(ValidationFailure::Infrastructure("vscc is gone".into())),
            _ => Ok(()),
        }
    }))
}

fn commit_one(committer: &Committer, draft: &Draft) -> Result<u64, CommitError> {
    committer.commit_envelopes(vec![draft.envelope()]).map(|block| block.number)
}

/// Commits a transaction with a failing validator; returns the verdict that a waiting client gets.
fn heard(times: usize) -> Option<(wasmcc_types::proto::protos::TxValidationCode, u64)> {
    let fixture = Fixture::new();
    fixture.define_basic();
    let committer = fixture.committer(fails(times, || {})).with_first_pause(PAUSE);
    let draft = fixture.draft(CC);
    let (sender, receiver) = mpsc::channel();
    let watch = committer.notifier().watch_tx(&draft.tx_id(), move |verdict| {
        sender.send(verdict).unwrap();
    });
    let number = commit_one(&committer, &draft).unwrap();
    drop(watch);
    assert_eq!(committer.interruption(), None);
    // From now on clients can wait again.
    let waited = committer.notifier().wait_for_tx(&draft.tx_id(), deadline()).unwrap();
    assert_eq!(waited, Some((Valid, number)));
    let (sender, blocks) = mpsc::channel();
    let subscription = committer.notifier().subscribe(move |block| {
        sender.send(block.number).unwrap();
    });
    assert_eq!(commit_one(&committer, &fixture.draft(CC)).unwrap(), number + 1);
    drop(subscription);
    assert_eq!(blocks.iter().collect::<Vec<_>>(), [number + 1]);
    receiver.recv_timeout(Duration::from_secs(30)).unwrap()
}

#[test]
fn what_passes_at_once_is_nobodys_concern() {
    assert_eq!(heard(0), Some((Valid, 2)));
    assert_eq!(heard(1), Some((Valid, 2)));
}

#[test]
fn what_lasts_is_told_and_the_channel_goes_on_when_it_has_passed() {
    assert_eq!(heard(2), None);
    assert_eq!(heard(6), None);
}

#[test]
fn a_committer_that_has_to_end_does_not_wait_for_the_machine() {
    let fixture = Fixture::new();
    fixture.define_basic();
    let (sender, asked) = mpsc::channel();
    let port = fails(usize::MAX, move || sender.send(()).unwrap());
    // The pause is longer than any test.
    let committer = fixture.committer(port).with_first_pause(Duration::from_secs(30));
    let draft = fixture.draft(CC);
    let height = fixture.channel.ledger().height();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| commit_one(&committer, &draft));
        asked.recv().unwrap();
        asked.recv().unwrap();
        committer.stop();
        let error = waiting.join().unwrap().unwrap_err();
        assert!(matches!(error, CommitError::Fatal(Fatal::Validator { .. })), "{error}");
        let text = "could not be validated for basic: vscc is gone";
        assert!(error.to_string().contains(text), "{error}");
    });
    assert!(committer.interruption().unwrap().contains("vscc is gone"));
    assert_eq!(committer.notifier().wait_for_tx(&draft.tx_id(), deadline()).unwrap(), None);
    assert_eq!(fixture.channel.ledger().height(), height);
    let error = commit_one(&committer, &draft).unwrap_err();
    assert!(matches!(error, CommitError::Stopped { .. }), "{error}");
}

#[test]
fn a_commit_that_failed_half_way_is_made_good_by_the_next_one() {
    let fixture = Fixture::new();
    fixture.define_basic();
    let ledger = Arc::clone(fixture.channel.ledger());
    let port = {
        let ledger = Arc::clone(&ledger);
        // Leaves the ledger like a commit whose write failed.
        fails(0, move || ledger.fail_commits())
    };
    let committer = fixture.committer(port).with_first_pause(PAUSE);
    let committed = thread::scope(|scope| {
        // It fails each time; only ending the committer stops it.
        let waiting = scope.spawn(|| commit_one(&committer, &fixture.draft(CC)));
        while committer.interruption().is_none() {
            thread::yield_now();
        }
        committer.end_pauses();
        waiting.join().unwrap()
    });
    assert!(matches!(committed, Err(CommitError::Fatal(Fatal::Ledger(_)))), "{committed:?}");
    let committer = fixture.committer(fails(0, || {}));
    assert_eq!(commit_one(&committer, &fixture.draft(CC)).unwrap(), ledger.height() - 1);
    assert_eq!(committer.interruption(), None);
}

#[test]
fn a_committer_without_pauses_tells_its_caller_and_commits_when_the_machine_works() {
    let fixture = Fixture::new();
    fixture.define_basic();
    // The pause is longer than any test.
    let committer = fixture.committer(fails(2, || {})).with_first_pause(Duration::from_secs(3_600));
    committer.end_pauses();
    let error = commit_one(&committer, &fixture.draft(CC)).unwrap_err();
    assert!(matches!(error, CommitError::Fatal(Fatal::Validator { .. })), "{error}");
    assert!(committer.interruption().is_some());
    let height = fixture.channel.ledger().height();
    assert_eq!(commit_one(&committer, &fixture.draft(CC)).unwrap(), height);
    assert_eq!(committer.interruption(), None);
}

/// A channel with an orderer that does not wait for more envelopes, and its committer.
fn ordered(
    port: Arc<dyn EndorsementValidator>,
    first_pause: Duration,
) -> (Fixture, Arc<Committer>) {
    let fixture = Fixture::with_limits(BatchLimits { max_message_count: 1, ..WIDE });
    fixture.define_basic();
    let committer = Arc::new(fixture.committer(port).with_first_pause(first_pause));
    (fixture, committer)
}

fn start(committer: &Arc<Committer>) -> Solo {
    Solo::start(Arc::clone(committer), SoloConfig::default()).unwrap()
}

#[test]
fn an_orderer_that_follows_another_one_waits_for_the_machine_as_that_did() {
    let (fixture, committer) = ordered(fails(3, || {}), PAUSE);
    start(&committer).stop();
    let solo = start(&committer);
    let draft = fixture.draft(CC);
    solo.order(draft.envelope()).unwrap();
    let end = deadline();
    let verdict = loop {
        // The interruption wakes the waiters.
        let waited = committer.notifier().wait_for_tx(&draft.tx_id(), end).unwrap();
        if let Some(verdict) = waited {
            break verdict;
        }
        assert_eq!(solo.failure(), None);
        assert!(Instant::now() < end);
        thread::yield_now();
    };
    assert_eq!(verdict, (Valid, 2));
}

#[test]
fn an_orderer_that_follows_one_that_failed_begins_anew() {
    // The pause is longer than any test.
    let (fixture, committer) = ordered(fails(2, || {}), Duration::from_secs(3_600));
    let solo = start(&committer);
    solo.order(fixture.draft(CC).envelope()).unwrap();
    while committer.interruption().is_none() {
        thread::yield_now();
    }
    solo.stop();
    assert!(solo.failure().unwrap().contains("vscc is gone"));
    assert!(committer.interruption().is_some());
    let solo = start(&committer);
    let draft = fixture.draft(CC);
    solo.order(draft.envelope()).unwrap();
    let verdict = committer.notifier().wait_for_tx(&draft.tx_id(), deadline()).unwrap();
    assert_eq!(verdict, Some((Valid, 2)));
}
