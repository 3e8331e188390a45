//! Tests whole blocks: conflicts, duplicates, errors and notifications.

use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Instant;

use crate::tests::support::{CC, Draft, Fixture, Port, commit_entries, deadline, vscc, yes};
use crate::{CommitError, ValidationRequest};
use wasmcc_ledger::{LedgerError, new_block};
use wasmcc_types::Height;
use wasmcc_types::proto::protos::TxValidationCode::*;

#[test]
fn races_over_the_state_are_judged_in_order() {
    let fixture = Fixture::new();
    fixture.define_basic();
    let absent = |draft: Draft| draft.read(CC, "key", None);
    let drafts = [
        absent(fixture.draft(CC)).put(CC, "key", b"1"),
        absent(fixture.draft(CC)).put(CC, "key", b"2"),
        fixture.draft(CC).put(CC, "key", b"3"),
    ];
    assert_eq!(fixture.codes(&drafts), [Valid, MvccReadConflict, Valid]);
    let at = |block, tx| fixture.draft(CC).read(CC, "key", Some(Height::new(block, tx)));
    assert_eq!(fixture.codes(&[at(2, 0), at(2, 2)]), [MvccReadConflict, Valid]);
}

#[test]
fn an_id_counts_once_in_a_block_and_across_blocks() {
    let fixture = Fixture::new();
    fixture.define_basic();
    let draft = fixture.draft(CC).put(CC, "key", b"1");
    let other = fixture.draft(CC);
    assert_eq!(fixture.codes([&draft, &other, &draft]), [Valid, Valid, DuplicateTxid]);
    // Even if it is not endorsed, because the ledger is checked first.
    let unendorsed = draft.clone().endorsed_by(&[]);
    assert_eq!(fixture.codes([&draft, &unendorsed]), [DuplicateTxid; 2]);
}

#[test]
fn an_invalid_transaction_does_not_make_a_later_one_a_duplicate() {
    let fixture = Fixture::new();
    fixture.define_basic();
    let draft = fixture.draft(CC);
    let unendorsed = draft.clone().endorsed_by(&[]);
    let codes = fixture.codes([&unendorsed, &draft, &draft]);
    assert_eq!(codes, [EndorsementPolicyFailure, Valid, DuplicateTxid]);
    // In the ledger, an invalid transaction counts as well.
    let draft = fixture.draft(CC);
    let unendorsed = draft.clone().endorsed_by(&[]);
    assert_eq!(fixture.codes([&unendorsed]), [EndorsementPolicyFailure]);
    assert_eq!(fixture.codes([&draft]), [DuplicateTxid]);
}

#[test]
fn verdicts_do_not_depend_on_the_number_of_threads() {
    let verdicts = |threads| {
        let fixture = Fixture::new();
        fixture.define_basic();
        let drafts: Vec<Draft> = (0..24)
            .map(|n: u32| match n % 4 {
                0 => fixture.draft(CC).put(CC, &n.to_string(), b"value"),
                1 => fixture.draft(CC).endorsed_by(&[]),
                2 => fixture.draft(CC).read(CC, "0", None),
                _ => fixture.draft("unknown"),
            })
            .collect();
        let committer = fixture.committer(vscc(&fixture.channels)).with_threads(threads);
        let envelopes = drafts.iter().map(Draft::envelope).collect();
        committer.commit_envelopes(envelopes).unwrap().codes()
    };
    let alone = verdicts(1);
    assert_eq!(alone[..4], [Valid, EndorsementPolicyFailure, MvccReadConflict, InvalidChaincode]);
    for threads in [0, 2, 3, 100] {
        assert_eq!(verdicts(threads), alone, "{threads}");
    }
}

#[test]
fn a_block_that_does_not_fit_changes_nothing() {
    let fixture = Fixture::new();
    let committer = fixture.committer(yes());
    let error = committer.commit(new_block(5, Vec::new(), Vec::new())).unwrap_err();
    let expected = LedgerError::BlockNumber { expected: 1, got: 5 };
    assert_eq!(error.to_string(), expected.to_string());
    assert!(committer.commit(new_block(1, b"hash".to_vec(), Vec::new())).is_err());
    let no_header = wasmcc_types::proto::common::Block::default();
    assert!(matches!(
        committer.commit(no_header),
        Err(CommitError::Block(LedgerError::IncompleteBlock { part: "header" }))
    ));
    assert!(matches!(committer.commit_envelopes(Vec::new()), Err(CommitError::EmptyBlock)));
    let block = commit_entries(&committer, vec![b"\xff".to_vec()]).unwrap();
    assert_eq!((block.number, block.codes().as_slice()), (1, &[InvalidOtherReason][..]));
}

#[test]
fn the_validator_is_told_what_to_validate() {
    let fixture = Fixture::new();
    fixture.define_basic();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let port = {
        let seen = Arc::clone(&seen);
        Port(move |request: &ValidationRequest<'_>| {
            let ValidationRequest { channel_id, tx_id, namespace, validator, .. } = *request;
            let texts = [channel_id.as_str(), tx_id.as_str(), namespace, validator.name()];
            let texts = texts.map(str::to_owned);
            seen.lock().unwrap().push(texts);
            Ok(())
        })
    };
    let draft = fixture.draft(CC).put(CC, "a", b"1").put(CC, "b", b"1");
    fixture.committer(Arc::new(port)).commit_envelopes(vec![draft.envelope()]).unwrap();
    let expected = ["mychannel", draft.tx_id().as_str(), CC, "vscc"].map(str::to_owned);
    assert_eq!(*seen.lock().unwrap(), [expected]);
}

#[test]
fn a_transaction_is_opened_once_and_lent_for_each_of_its_namespaces() {
    let fixture = Fixture::new();
    fixture.define_basic();
    fixture.define("second", "OR('Org1MSP.member')");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let port = {
        let seen = Arc::clone(&seen);
        Port(move |request: &ValidationRequest<'_>| {
            let ValidationRequest { transaction, envelope, namespace, .. } = *request;
            // The parts are slices of the bytes of the block.
            let bytes = envelope.as_ptr_range();
            let endorsed = transaction.endorsed().unwrap();
            for part in [&transaction.payload, &transaction.data, &endorsed.response_payload] {
                assert!(bytes.contains(&part.as_ptr()));
            }
            let opened = std::ptr::from_ref(transaction).addr();
            seen.lock().unwrap().push((namespace.to_owned(), opened));
            Ok(())
        })
    };
    let draft = fixture.draft(CC).put(CC, "a", b"1").put("second", "b", b"1");
    fixture.committer(Arc::new(port)).commit_envelopes(vec![draft.envelope()]).unwrap();
    let seen = seen.lock().unwrap();
    let [(first, one), (second, other)] = seen.as_slice() else { panic!("{seen:?}") };
    assert_eq!((first.as_str(), second.as_str()), (CC, "second"));
    assert_eq!(one, other);
}

#[test]
fn waiting_for_a_transaction_ends_with_its_block() {
    let fixture = Fixture::new();
    fixture.define_basic();
    let committer = fixture.committer(vscc(&fixture.channels));
    let good = fixture.draft(CC);
    let bad = fixture.draft(CC).endorsed_by(&[]);
    let notifier = committer.notifier();
    let waited = thread::scope(|scope| {
        let waiters = [&good, &bad, &good].map(|draft| {
            let tx_id = draft.tx_id();
            scope.spawn(move || notifier.wait_for_tx(&tx_id, deadline()).unwrap())
        });
        committer.commit_envelopes(vec![good.envelope(), bad.envelope()]).unwrap();
        waiters.map(|waiter| waiter.join().unwrap())
    });
    let number = 2;
    let (good_verdict, bad_verdict) =
        (Some((Valid, number)), Some((EndorsementPolicyFailure, number)));
    assert_eq!(waited, [good_verdict, bad_verdict, good_verdict]);
    // For a committed transaction, the wait ends at once.
    let waited = notifier.wait_for_tx(&good.tx_id(), Instant::now()).unwrap();
    assert_eq!(waited, good_verdict);
    assert_eq!(notifier.wait_for_tx("other", Instant::now()).unwrap(), None);
}

#[test]
fn a_dropped_watch_hears_nothing() {
    let fixture = Fixture::new();
    fixture.define_basic();
    let committer = fixture.committer(yes());
    let draft = fixture.draft(CC);
    let (sender, receiver) = mpsc::channel();
    let kept = sender.clone();
    let notifier = committer.notifier();
    let dropped =
        notifier.watch_tx(&draft.tx_id(), move |_| sender.send("dropped").unwrap()).unwrap();
    let _watch = notifier.watch_tx(&draft.tx_id(), move |_| kept.send("kept").unwrap()).unwrap();
    drop(dropped);
    committer.commit_envelopes(vec![draft.envelope()]).unwrap();
    assert_eq!(receiver.iter().collect::<Vec<_>>(), ["kept"]);
}

#[test]
fn subscribers_hear_of_every_block_until_they_leave() {
    let fixture = Fixture::new();
    fixture.define_basic();
    let committer = fixture.committer(yes());
    let (sender, receiver) = mpsc::channel();
    let ledger = Arc::clone(fixture.channel.ledger());
    let subscription = committer.notifier().subscribe(move |block| {
        // The block is in the ledger already.
        assert_eq!(ledger.height(), block.number + 1);
        sender.send(block.number).unwrap();
    });
    let commit = || committer.commit_envelopes(vec![fixture.draft(CC).envelope()]).unwrap().number;
    let numbers = [commit(), commit()];
    drop(subscription);
    commit();
    assert_eq!(receiver.iter().collect::<Vec<_>>(), numbers);
}

#[test]
fn a_stopped_committer_takes_no_blocks_and_lets_nobody_wait() {
    let fixture = Fixture::new();
    fixture.define_basic();
    let committer = fixture.committer(yes());
    committer.stop();
    let error = committer.commit_envelopes(vec![fixture.draft(CC).envelope()]).unwrap_err();
    assert!(matches!(error, CommitError::Stopped { .. }), "{error}");
    assert_eq!(committer.notifier().wait_for_tx("any", deadline()).unwrap(), None);
}
