//! Tests when the orderer cuts blocks and which envelopes it refuses.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use prost::Message;

use crate::accepted_log::AcceptedLog;
use crate::tests::support::{CC, Draft, Fixture, Port, deadline, yes};
use crate::{
    Committer, EndorsementValidator, OrderError, Solo, SoloConfig, ValidationFailure,
    ValidationRequest, msg_processor,
};
use wasmcc_msp::BatchLimits;
use wasmcc_types::proto::common::{Envelope, HeaderType, Payload, Status};
use wasmcc_types::proto::protos::TxValidationCode::Valid;

/// Limits that the tests do not reach.
pub(crate) const WIDE: BatchLimits = BatchLimits {
    max_message_count: 1000,
    absolute_max_bytes: 1 << 20,
    preferred_max_bytes: 1 << 20,
    timeout: Duration::from_secs(3600),
};

pub(crate) struct Orderer {
    pub(crate) fixture: Fixture,
    committer: Arc<Committer>,
    pub(crate) solo: Solo,
}

impl Orderer {
    pub(crate) fn new(limits: BatchLimits) -> Self {
        Self::with(limits, SoloConfig::default(), yes())
    }

    pub(crate) fn with(
        limits: BatchLimits,
        config: SoloConfig,
        port: Arc<dyn EndorsementValidator>,
    ) -> Self {
        let fixture = Fixture::with_limits(limits);
        fixture.define_basic();
        let committer = Arc::new(fixture.committer(port));
        let solo = Solo::start(Arc::clone(&committer), config).unwrap();
        Self { fixture, committer, solo }
    }

    /// Makes an orderer that stores accepted envelopes in `folder`.
    pub(crate) fn with_log(limits: BatchLimits, folder: &Path) -> Self {
        let fixture = Fixture::with_limits(limits);
        fixture.define_basic();
        let committer = Arc::new(fixture.committer(yes()));
        let start = Solo::start_with_log(Arc::clone(&committer), SoloConfig::default(), folder);
        Self { fixture, committer, solo: start.unwrap() }
    }

    /// Reopens the channel after a crash that left `accepted` in the log.
    pub(crate) fn crashed(self, folder: &Path, accepted: &[Envelope]) -> Self {
        self.solo.stop();
        let Self { fixture, committer, .. } = self;
        leave(folder, fixture.channel.config().sequence(), accepted);
        let start = Solo::start_with_log(Arc::clone(&committer), SoloConfig::default(), folder);
        Self { fixture, committer, solo: start.unwrap() }
    }

    pub(crate) fn order(&self) -> String {
        let draft = self.fixture.draft(CC);
        self.solo.order(draft.envelope()).unwrap();
        draft.tx_id()
    }

    /// Returns the block of a transaction, counted from the first one after the definition.
    pub(crate) fn block_of(&self, tx_id: &str) -> u64 {
        let verdict = self.committer.notifier().wait_for_tx(tx_id, deadline()).unwrap();
        let (code, block) = verdict.expect("the transaction is committed in time");
        assert_eq!(code, Valid);
        block - 1
    }

    pub(crate) fn height(&self) -> u64 {
        self.fixture.channel.ledger().height() - 1
    }
}

/// Writes the log of a killed process that had accepted envelopes.
fn leave(folder: &Path, sequence: u64, envelopes: &[Envelope]) {
    let (mut log, _) = AcceptedLog::open(folder).unwrap();
    let encoded = envelopes.iter().map(|envelope| (sequence, envelope.encode_to_vec()));
    log.append(0, 0, encoded).unwrap();
}

fn size(draft: &Draft) -> u32 {
    let envelope = draft.envelope();
    u32::try_from(envelope.payload.len() + envelope.signature.len()).unwrap()
}

#[test]
fn blocks_are_cut_when_they_have_enough_transactions() {
    let orderer = Orderer::new(BatchLimits { max_message_count: 3, ..WIDE });
    let ids: Vec<String> = (0..7).map(|_| orderer.order()).collect();
    let blocks: Vec<u64> = ids[..6].iter().map(|id| orderer.block_of(id)).collect();
    assert_eq!(blocks, [1, 1, 1, 2, 2, 2]);
    assert_eq!(orderer.height(), 3);
    // The seventh transaction waits for the timeout, or for the end.
    orderer.solo.stop();
    assert_eq!(orderer.block_of(&ids[6]), 3);
}

#[test]
fn blocks_are_cut_when_they_are_large_enough() {
    let some = size(&Fixture::new().draft(CC));
    let limits = BatchLimits { preferred_max_bytes: some * 5 / 2, ..WIDE };
    let orderer = Orderer::new(limits);
    let mut ids: Vec<String> = (0..3).map(|_| orderer.order()).collect();
    assert_eq!(orderer.block_of(&ids[0]), 1);
    let large = orderer.fixture.draft(CC).put(CC, "key", &vec![1; 4 * some as usize]);
    orderer.solo.order(large.envelope()).unwrap();
    ids.push(large.tx_id());
    let blocks: Vec<u64> = ids.iter().map(|id| orderer.block_of(id)).collect();
    assert_eq!(blocks, [1, 1, 2, 3]);
}

#[test]
fn blocks_are_cut_when_transactions_have_waited_long_enough() {
    let timeout = Duration::from_millis(20);
    let orderer = Orderer::new(BatchLimits { timeout, ..WIDE });
    let started = Instant::now();
    let first = orderer.order();
    assert_eq!(orderer.block_of(&first), 1);
    assert!(started.elapsed() >= timeout);
    let second = orderer.order();
    assert_eq!(orderer.block_of(&second), 2);
}

#[test]
fn an_idle_orderer_that_does_not_wait_cuts_at_once_and_a_busy_one_collects() {
    let folder = tempfile::tempdir().unwrap();
    for has_log in [false, true] {
        let (port, questions, answer) = slow();
        let fixture = Fixture::with_limits(BatchLimits { timeout: BatchLimits::NO_WAIT, ..WIDE });
        fixture.define_basic();
        let committer = Arc::new(fixture.committer(port));
        let config = SoloConfig::default();
        let solo = match has_log {
            false => Solo::start(Arc::clone(&committer), config),
            true => Solo::start_with_log(Arc::clone(&committer), config, folder.path()),
        };
        let orderer = Orderer { fixture, committer, solo: solo.unwrap() };
        let first = orderer.order();
        // The validator is called although no second envelope came: the first block was cut.
        questions.recv_timeout(Duration::from_secs(30)).unwrap();
        let others: Vec<String> = (0..5).map(|_| orderer.order()).collect();
        (0..6).for_each(|_| answer.send(()).unwrap());
        assert_eq!(orderer.block_of(&first), 1);
        for other in &others {
            assert_eq!(orderer.block_of(other), 2, "they came during the commit of the first");
        }
        let last = orderer.order();
        answer.send(()).unwrap();
        assert_eq!(orderer.block_of(&last), 3);
    }
}

#[test]
fn an_orderer_that_does_not_wait_still_keeps_the_bounds_of_a_block() {
    let (port, questions, answer) = slow();
    let limits = BatchLimits { timeout: BatchLimits::NO_WAIT, max_message_count: 2, ..WIDE };
    let orderer = Orderer::with(limits, SoloConfig::default(), port);
    let mut ids = vec![orderer.order()];
    questions.recv_timeout(Duration::from_secs(30)).unwrap();
    ids.extend((0..5).map(|_| orderer.order()));
    (0..6).for_each(|_| answer.send(()).unwrap());
    let blocks: Vec<u64> = ids.iter().map(|id| orderer.block_of(id)).collect();
    assert_eq!(blocks, [1, 2, 2, 3, 3, 4]);
}

#[test]
fn stopping_commits_what_is_in_the_queue_in_its_order() {
    let orderer = Orderer::new(BatchLimits { max_message_count: 4, ..WIDE });
    let ids: Vec<String> = (0..10).map(|_| orderer.order()).collect();
    orderer.solo.stop();
    assert_eq!(orderer.height(), 4);
    let blocks: Vec<u64> = ids.iter().map(|id| orderer.block_of(id)).collect();
    assert_eq!(blocks, [1, 1, 1, 1, 2, 2, 2, 2, 3, 3]);
    let error = orderer.solo.order(orderer.fixture.draft(CC).envelope()).unwrap_err();
    assert!(matches!(error, OrderError::Stopped { .. }), "{error}");
    assert_eq!(error.status(), Status::ServiceUnavailable);
    orderer.solo.stop();
}

#[test]
fn what_cannot_be_ordered_is_refused_with_fabrics_status() {
    let fixture = Fixture::new();
    // Sizes of certificates and signatures differ by a few bytes.
    let fits = fixture.draft(CC).put(CC, "key", &[1; 100]);
    let bytes = size(&fits) + 100;
    let limits = BatchLimits { absolute_max_bytes: bytes, preferred_max_bytes: bytes, ..WIDE };
    let orderer = Orderer::new(limits);
    let draft = || orderer.fixture.draft(CC).put(CC, "key", &[1; 100]);
    let envelope = draft().envelope();

    let refused = |envelope: Envelope, status: Status, text: &str| {
        let error = orderer.solo.order(envelope).unwrap_err();
        assert_eq!(error.status(), status, "{error}");
        assert!(error.to_string().contains(text), "{error}");
    };
    refused(Envelope::default(), Status::BadRequest, "nil payload header");
    let garbled = Envelope { payload: vec![0xff; 3], signature: Vec::new() };
    refused(garbled, Status::BadRequest, "error unmarshalling Payload");
    let edited = |edit: fn(&mut Draft)| {
        let mut draft = draft();
        edit(&mut draft);
        draft.envelope()
    };
    let other = edited(|draft| draft.header.channel_id = "other".into());
    refused(other, Status::BadRequest, "channel does not exist");
    let config = edited(|draft| draft.header.r#type = HeaderType::Config.into());
    refused(config, Status::BadRequest, "cannot be processed directly");
    let update = edited(|draft| draft.header.r#type = HeaderType::ConfigUpdate.into());
    refused(update, Status::BadRequest, "error applying config update to existing channel");
    let no_headers = edited(|draft| {
        let spoil = |payload: &mut Payload| {
            payload.header.as_mut().unwrap().signature_header = vec![0xff];
        };
        draft.edit_payload = spoil;
    });
    refused(no_headers, Status::BadRequest, "error unmarshalling SignatureHeader");
    let large = draft().put(CC, "more", &[1; 300]).envelope();
    refused(large, Status::BadRequest, "exceeds maximum allowed");
    let unsigned = Envelope { signature: Vec::new(), ..envelope.clone() };
    refused(unsigned, Status::Forbidden, "permission denied");
    let others = orderer.fixture.user(2).sign(&envelope.payload);
    let forged = Envelope { signature: others, ..envelope.clone() };
    refused(forged, Status::Forbidden, "permission denied");

    let later = SystemTime::now() + Duration::from_secs(200 * 365 * 24 * 3600);
    let error = msg_processor::check(&orderer.committer, envelope.clone(), later).unwrap_err();
    assert_eq!(error.to_string(), "broadcast client identity expired");
    assert_eq!(error.status(), Status::BadRequest);
    orderer.solo.order(envelope).unwrap();
}

#[test]
fn a_certificate_expires_whoever_has_issued_it() {
    let (orderer, foreign) = (Orderer::new(WIDE), Fixture::new().user(1));
    let draft = Draft { creator: foreign, ..orderer.fixture.draft(CC) };
    let now = SystemTime::now();
    let check = |now| msg_processor::check(&orderer.committer, draft.envelope(), now);
    assert!(matches!(check(now), Err(OrderError::Denied(_))));
    let later = now + Duration::from_secs(200 * 365 * 24 * 3600);
    assert!(matches!(check(later), Err(OrderError::Expired)));
}

#[test]
fn who_is_no_writer_may_not_order() {
    let orderer = Orderer::new(WIDE);
    // A peer may only read its channel.
    let creator = orderer.fixture.peer(1);
    let draft = Draft { creator, ..orderer.fixture.draft(CC) };
    let error = orderer.solo.order(draft.envelope()).unwrap_err();
    assert!(matches!(error, OrderError::Denied(_)), "{error}");
}

/// A validator that reports each request and waits for a signal before it answers.
fn slow() -> (Arc<dyn EndorsementValidator>, Receiver<()>, Sender<()>) {
    let (asked, questions) = channel();
    let (answer, answers) = channel();
    let answers = Mutex::new(answers);
    let port = Port(move |_: &ValidationRequest<'_>| {
        asked.send(()).unwrap();
        answers.lock().unwrap().recv().unwrap();
        Ok(())
    });
    (Arc::new(port), questions, answer)
}

#[test]
fn a_full_queue_refuses() {
    let bytes = size(&Fixture::new().draft(CC)) as usize;
    for config in [
        SoloConfig { queue_messages: 1, queue_bytes: usize::MAX },
        SoloConfig { queue_messages: 100, queue_bytes: bytes + bytes / 2 },
    ] {
        let (port, questions, answer) = slow();
        let limits = BatchLimits { max_message_count: 1, ..WIDE };
        let orderer = Orderer::with(limits, config, port);
        let first = orderer.order();
        questions.recv_timeout(Duration::from_secs(30)).unwrap();
        // The first envelope has left the queue, and its block is not finished.
        let second = orderer.order();
        let error = orderer.solo.order(orderer.fixture.draft(CC).envelope()).unwrap_err();
        assert!(matches!(error, OrderError::QueueFull), "{error}");
        assert_eq!(error.status(), Status::ServiceUnavailable);
        answer.send(()).unwrap();
        answer.send(()).unwrap();
        assert_eq!([orderer.block_of(&first), orderer.block_of(&second)], [1, 2]);
    }
}

#[test]
fn an_orderer_whose_channel_is_interrupted_refuses_until_it_goes_on() {
    let works = Arc::new(AtomicBool::new(false));
    let port = {
        let works = Arc::clone(&works);
        Port(move |_: &ValidationRequest<'_>| match works.load(Ordering::Relaxed) {
            true => Ok(()),
            false => Err(ValidationFailure::Infrastructure("vscc is gone".into())),
        })
    };
    let limits = BatchLimits { max_message_count: 1, ..WIDE };
    let orderer = Orderer::with(limits, SoloConfig::default(), Arc::new(port));
    let tx_id = orderer.order();
    let verdict = orderer.committer.notifier().wait_for_tx(&tx_id, deadline()).unwrap();
    assert_eq!(verdict, None, "whoever waits is told");
    let error = orderer.solo.order(orderer.fixture.draft(CC).envelope()).unwrap_err();
    assert!(matches!(error, OrderError::Interrupted { .. }), "{error}");
    assert_eq!(error.status(), Status::ServiceUnavailable);
    assert!(error.to_string().contains("vscc is gone"), "{error}");

    works.store(true, Ordering::Relaxed);
    let end = deadline();
    while orderer.committer.interruption().is_some() {
        assert!(Instant::now() < end);
        thread::yield_now();
    }
    // The envelopes accepted before are in a block now, and new ones are accepted.
    orderer.block_of(&tx_id);
    let next = orderer.order();
    orderer.block_of(&next);
}

#[test]
fn an_orderer_ends_even_if_its_channel_is_interrupted() {
    let port = Port(|_: &ValidationRequest<'_>| {
        Err(ValidationFailure::Infrastructure("vscc is gone".into()))
    });
    let limits = BatchLimits { max_message_count: 1, ..WIDE };
    let orderer = Orderer::with(limits, SoloConfig::default(), Arc::new(port));
    orderer.order();
    orderer.solo.stop();
    assert!(orderer.committer.interruption().unwrap().contains("vscc is gone"));
    let error = orderer.solo.order(orderer.fixture.draft(CC).envelope()).unwrap_err();
    assert_eq!(error.status(), Status::ServiceUnavailable);
}

#[test]
fn many_clients_order_at_once() {
    let orderer = Orderer::new(BatchLimits {
        max_message_count: 7,
        timeout: Duration::from_millis(20),
        ..WIDE
    });
    thread::scope(|scope| {
        for _ in 0..4 {
            let orderer = &orderer;
            scope.spawn(move || {
                let ids: Vec<String> = (0..10).map(|_| orderer.order()).collect();
                for id in ids {
                    orderer.block_of(&id);
                }
            });
        }
    });
    orderer.solo.stop();
    let ledger = orderer.fixture.channel.ledger();
    let count = |number| ledger.block(number).unwrap().unwrap().data.unwrap().data.len();
    assert_eq!((2..ledger.height()).map(count).sum::<usize>(), 40);
}
