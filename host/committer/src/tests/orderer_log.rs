//! Tests the orderer's log: accepted envelopes are ordered, whatever happens to the process.

use std::sync::Arc;
use std::time::Instant;

use crate::accepted_log::AcceptedLog;
use crate::tests::orderer::{Orderer, WIDE};
use crate::tests::support::{CC, Draft, Fixture, Port, deadline, yes};
use crate::{
    EndorsementValidator, OrderError, Solo, SoloConfig, ValidationFailure, ValidationRequest,
};
use wasmcc_msp::BatchLimits;
use wasmcc_types::proto::common::{Envelope, Status};
use wasmcc_types::proto::protos::TxValidationCode::Valid;

#[test]
fn what_was_accepted_before_a_crash_is_ordered_first_and_in_its_order() {
    let folder = tempfile::tempdir().unwrap();
    let limits = BatchLimits { max_message_count: 2, ..WIDE };
    let orderer = Orderer::with_log(limits, folder.path());
    let committed = orderer.fixture.draft(CC);
    // Each call of `envelope` signs the draft again.
    let in_a_block = committed.envelope();
    orderer.solo.order(in_a_block.clone()).unwrap();
    orderer.solo.stop();
    assert_eq!(orderer.block_of(&committed.tx_id()), 1);
    assert!(!Solo::has_log(folder.path()), "it is emptied when all is in blocks");

    let drafts: Vec<Draft> = (0..5).map(|_| orderer.fixture.draft(CC)).collect();
    // The process was killed after a block, before it could remove the block's envelopes.
    let left: Vec<Envelope> =
        [in_a_block].into_iter().chain(drafts.iter().map(Draft::envelope)).collect();
    let orderer = orderer.crashed(folder.path(), &left);
    let later = orderer.order();
    let blocks: Vec<u64> = drafts.iter().map(|draft| orderer.block_of(&draft.tx_id())).collect();
    assert_eq!(blocks, [2, 2, 3, 3, 4]);
    assert_eq!(orderer.block_of(&later), 4);
    orderer.solo.stop();
    assert_eq!(orderer.height(), 5, "nothing was committed twice");
    assert!(!Solo::has_log(folder.path()));
}

#[test]
fn what_waits_for_its_block_is_in_the_log_and_stays_until_then() {
    let folder = tempfile::tempdir().unwrap();
    let orderer = Orderer::with_log(BatchLimits { max_message_count: 3, ..WIDE }, folder.path());
    let kept = || AcceptedLog::open(folder.path()).unwrap().1.len();
    let first = orderer.order();
    orderer.order();
    assert_eq!(kept(), 2);
    orderer.order();
    assert_eq!(orderer.block_of(&first), 1);
    // The three envelopes are in a block now; the next one overwrites the file.
    let end = deadline();
    while kept() > 2 {
        assert!(Instant::now() < end);
        orderer.order();
    }
}

#[test]
fn an_envelope_that_cannot_be_kept_is_refused_and_the_next_ones_are_asked_anew() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Fixture::with_limits(WIDE);
    fixture.define_basic();
    let committer = Arc::new(fixture.committer(yes()));
    let (mut log, accepted) = AcceptedLog::open(folder.path()).unwrap();
    log.fail_writes().unwrap();
    let config = SoloConfig { queue_messages: 1, ..SoloConfig::default() };
    let solo = Solo::resume(committer, config, log, accepted).unwrap();
    for _ in 0..3 {
        let error = solo.order(fixture.draft(CC).envelope()).unwrap_err();
        assert!(matches!(error, OrderError::NotKept { .. }), "{error}");
        assert_eq!(error.status(), Status::ServiceUnavailable);
        assert!(error.to_string().contains("os error"), "{error}");
    }
    solo.stop();
    assert_eq!(fixture.channel.ledger().height(), 2, "what was refused is not ordered");
}

#[test]
fn a_channel_that_stops_leaves_what_it_had_accepted_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Fixture::with_limits(BatchLimits { max_message_count: 2, ..WIDE });
    fixture.define_basic();
    let port = Port(|_: &ValidationRequest<'_>| {
        Err(ValidationFailure::Infrastructure("vscc is gone".into()))
    });
    let start = |port: Arc<dyn EndorsementValidator>| {
        let committer = Arc::new(fixture.committer(port));
        let solo =
            Solo::start_with_log(Arc::clone(&committer), SoloConfig::default(), folder.path());
        (committer, solo.unwrap())
    };
    let (committer, solo) = start(Arc::new(port));
    let drafts = [fixture.draft(CC), fixture.draft(CC)];
    drafts.iter().for_each(|draft| solo.order(draft.envelope()).unwrap());
    let verdict = committer.notifier().wait_for_tx(&drafts[1].tx_id(), deadline()).unwrap();
    assert_eq!(verdict, None);
    let error = solo.order(fixture.draft(CC).envelope()).unwrap_err();
    assert!(matches!(error, OrderError::Interrupted { .. }), "{error}");
    solo.stop();
    let error = solo.order(fixture.draft(CC).envelope()).unwrap_err().to_string();
    assert!(error.contains("has stopped: ") && error.contains("vscc is gone"), "{error}");
    drop(solo);

    let (committer, _solo) = start(yes());
    for draft in &drafts {
        let verdict = committer.notifier().wait_for_tx(&draft.tx_id(), deadline()).unwrap();
        assert_eq!(verdict, Some((Valid, 2)));
    }
}
