//! Tests updates of the configuration, from the orderer to the ledger and after a restart.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant, SystemTime};

use prost::Message;

use crate::accepted_log::AcceptedLog;
use crate::tests::support::{CC, CHANNEL, Draft, Fixture, commit_entries, deadline, vscc, yes};
use crate::{Committer, OrderError, Solo, SoloConfig, Subscription, msg_processor};
use wasmcc_channel::Channels;
use wasmcc_channel::configtx::{add_signature, compute_update, new_update, propose, wrap};
use wasmcc_ledger::{LedgerConfig, LedgerFolder, Ledgers, tx_filter};
use wasmcc_msp::{BatchLimits, Network, NetworkSpec, SigningIdentity};
use wasmcc_types::proto::common::{
    Block, ChannelHeader, Config, ConfigEnvelope, ConfigGroup, ConfigValue, Envelope, HeaderType,
    LastConfig, Metadata, OrdererBlockMetadata, SignatureHeader, Status,
};
use wasmcc_types::proto::orderer::consensus_type::State;
use wasmcc_types::proto::orderer::{BatchSize, ConsensusType};
use wasmcc_types::proto::protos::TxValidationCode::*;
use wasmcc_types::proto::protos::{AcLs, ApiResource};
use wasmcc_types::{ChannelId, compute_tx_id};

const SLOW: BatchLimits = BatchLimits {
    max_message_count: 1000,
    absolute_max_bytes: 1 << 20,
    preferred_max_bytes: 1 << 20,
    timeout: Duration::from_secs(3600),
};

struct Ordered {
    fixture: Fixture,
    committer: Arc<Committer>,
    solo: Solo,
    announced: Receiver<u64>,
    _subscription: Subscription,
}

impl Ordered {
    fn new() -> Self {
        let fixture = Fixture::with_limits(SLOW);
        fixture.define_basic();
        let orderer = Arc::new(fixture.network.orderer().unwrap().peer().unwrap());
        let port = vscc(&fixture.channels);
        let committer = Arc::new(fixture.committer(port).with_signers(vec![orderer]));
        let solo = Solo::start(Arc::clone(&committer), SoloConfig::default()).unwrap();
        let (sender, announced) = channel();
        let subscription = committer.notifier().subscribe(move |block| {
            let _ = sender.send(block.number);
        });
        Self { fixture, committer, solo, announced, _subscription: subscription }
    }

    fn update(
        &self,
        edit: impl FnOnce(&mut ConfigGroup),
        signers: &[&SigningIdentity],
    ) -> Envelope {
        let current = self.fixture.channel.config();
        let mut updated = current.config().clone();
        edit(updated.channel_group.as_mut().unwrap());
        let update = compute_update(CHANNEL, current.config(), &updated).unwrap();
        let mut envelope = new_update(&update);
        for signer in signers {
            let time = prost_types::Timestamp::default();
            envelope = add_signature(&envelope, signer, vec![1; 24], time).unwrap();
        }
        envelope
    }

    fn orderer_admin(&self) -> SigningIdentity {
        self.fixture.network.orderer().unwrap().admin().unwrap()
    }

    /// Waits until `height` blocks are committed and announced.
    fn wait_for(&self, height: u64) {
        loop {
            let left = deadline().saturating_duration_since(Instant::now());
            if self.announced.recv_timeout(left).unwrap() + 1 == height {
                return;
            }
        }
    }

    fn block(&self, number: u64) -> Block {
        self.fixture.channel.ledger().block(number).unwrap().unwrap()
    }
}

fn messages(count: u32) -> impl FnOnce(&mut ConfigGroup) {
    move |root| {
        let orderer = root.groups.get_mut("Orderer").unwrap();
        let value = orderer.values.get_mut("BatchSize").unwrap();
        let size = BatchSize::decode(value.value.as_slice()).unwrap();
        value.value = BatchSize { max_message_count: count, ..size }.encode_to_vec();
    }
}

fn last_config(block: &Block) -> (u64, u64, usize) {
    let slots = &block.metadata.as_ref().unwrap().metadata;
    let signed = Metadata::decode(slots[0].as_slice()).unwrap();
    let own = OrdererBlockMetadata::decode(signed.value.as_slice()).unwrap();
    let old = Metadata::decode(slots[1].as_slice()).unwrap();
    let old = LastConfig::decode(old.value.as_slice()).unwrap();
    (own.last_config.unwrap().index, old.index, signed.signatures.len())
}

#[test]
fn a_configuration_gets_a_block_of_its_own_after_what_waits_and_counts_from_the_next_on() {
    let ordered = Ordered::new();
    let draft = || ordered.fixture.draft(CC).put(CC, "key", b"value");
    ordered.solo.order(draft().envelope()).unwrap();
    let update = ordered.update(messages(2), &[&ordered.orderer_admin()]);
    ordered.solo.order(update).unwrap();
    ordered.wait_for(4);
    assert_eq!(tx_filter(&ordered.block(2)).len(), 1, "what waited was cut first");
    assert_eq!(tx_filter(&ordered.block(3)), [Valid as u8]);
    let config = ordered.fixture.channel.config();
    assert_eq!((config.sequence(), config.batch_limits().max_message_count), (1, 2));
    assert_eq!(ordered.fixture.channel.config_block(), 3);
    assert_eq!(last_config(&ordered.block(2)), (0, 0, 1));
    assert_eq!(last_config(&ordered.block(3)), (3, 3, 1));

    // A block is now full with two messages.
    let ids: Vec<_> = (0..2).map(|_| draft()).collect();
    for draft in &ids {
        ordered.solo.order(draft.envelope()).unwrap();
    }
    ordered.wait_for(5);
    assert_eq!(tx_filter(&ordered.block(4)).len(), 2);
    assert_eq!(last_config(&ordered.block(4)), (3, 3, 1));
}

#[test]
fn a_configuration_is_found_by_the_id_that_it_does_not_carry() {
    let ordered = Ordered::new();
    ordered.solo.order(ordered.update(messages(2), &[&ordered.orderer_admin()])).unwrap();
    ordered.wait_for(3);
    let block = ordered.block(2);
    let tx = wasmcc_ledger::TxEnvelope::parse(&block.data.as_ref().unwrap().data[0]).unwrap();
    assert_eq!(tx.channel_header.tx_id, "");
    let header = SignatureHeader::decode(&*tx.signature_header).unwrap();
    let id = compute_tx_id(&header.nonce, &header.creator);
    let found = ordered.fixture.channel.ledger().tx_validation(&id).unwrap();
    assert_eq!(found, Some((Valid, 2)));
    let orderer = ordered.fixture.network.orderer().unwrap().peer().unwrap();
    assert_eq!(header.creator, orderer.serialized());
}

#[test]
fn of_two_updates_that_race_the_second_is_dropped() {
    let ordered = Ordered::new();
    let admin = ordered.orderer_admin();
    let (first, second) =
        (ordered.update(messages(2), &[&admin]), ordered.update(messages(3), &[&admin]));
    // Both are valid for the configuration in force, as if they came at the same moment.
    let current = ordered.fixture.channel.config();
    assert!(propose(&current, &first).is_ok() && propose(&current, &second).is_ok());
    let queue = |envelope: Envelope| ordered.solo.order(envelope);
    queue(first).unwrap();
    // Accepted or refused, depending on scheduling; never in force.
    let _ = queue(second);
    ordered.solo.stop();
    assert_eq!(ordered.fixture.channel.ledger().height(), 3);
    assert_eq!(ordered.fixture.channel.config().batch_limits().max_message_count, 2);
}

#[test]
fn a_newcomer_may_transact_and_who_left_may_not() {
    let ordered = Ordered::new();
    let three = Network::in_memory(&NetworkSpec::with_orgs(3)).unwrap();
    let genesis = three.genesis(ChannelId::parse(CHANNEL).unwrap()).block().unwrap();
    let config = wasmcc_msp::ChannelConfig::from_genesis_block(&genesis).unwrap();
    let group = config.config().channel_group.as_ref().unwrap();
    let newcomer = group.groups["Application"].groups["Org3MSP"].clone();
    let member = Arc::new(three.orgs()[2].user("User1").unwrap());
    let draft = Draft { creator: member, ..ordered.fixture.draft(CC) }.put(CC, "key", b"value");
    let error = ordered.solo.order(draft.envelope()).unwrap_err();
    assert_eq!(error.status(), Status::Forbidden, "{error}");

    let admins = [ordered.fixture.admin(1), ordered.fixture.admin(2)];
    let admins = [&*admins[0], &*admins[1]];
    let add = |root: &mut ConfigGroup| {
        let application = root.groups.get_mut("Application").unwrap();
        application.groups.insert("Org3MSP".into(), newcomer);
    };
    ordered.solo.order(ordered.update(add, &admins)).unwrap();
    ordered.wait_for(3);
    ordered.solo.order(draft.envelope()).unwrap();
    // Envelopes accepted before the configuration changed are checked again.
    let leave = |root: &mut ConfigGroup| {
        let application = root.groups.get_mut("Application").unwrap();
        application.groups.remove("Org3MSP").unwrap();
    };
    ordered.solo.order(ordered.update(leave, &admins)).unwrap();
    ordered.wait_for(5);
    let late = Draft { nonce: b"late".to_vec(), ..draft.clone() };
    assert_eq!(tx_filter(&ordered.block(3)), [Valid as u8]);
    assert_eq!(ordered.solo.order(late.envelope()).unwrap_err().status(), Status::Forbidden);
    let block = ordered.committer.commit_envelopes(vec![late.envelope()]).unwrap();
    assert_eq!(block.codes(), [BadCreatorSignature]);
}

#[test]
fn an_acl_counts_as_soon_as_it_is_in_force() {
    let ordered = Ordered::new();
    let channel = &ordered.fixture.channel;
    assert_eq!(channel.config().acl("qscc/GetChainInfo"), Some("/Channel/Application/Readers"));
    let admins = [ordered.fixture.admin(1), ordered.fixture.admin(2)];
    let edit = |root: &mut ConfigGroup| {
        let acls = AcLs {
            acls: [(
                "qscc/GetChainInfo".to_owned(),
                ApiResource { policy_ref: "/Channel/Application/Admins".to_owned() },
            )]
            .into(),
        };
        let application = root.groups.get_mut("Application").unwrap();
        let value = ConfigValue {
            value: acls.encode_to_vec(),
            mod_policy: "Admins".to_owned(),
            version: 0,
        };
        application.values.insert("ACLs".to_owned(), value);
    };
    ordered.solo.order(ordered.update(edit, &[&admins[0], &admins[1]])).unwrap();
    ordered.wait_for(3);
    assert_eq!(channel.config().acl("qscc/GetChainInfo"), Some("/Channel/Application/Admins"));
}

/// Sets the type and the state of the consensus.
fn consensus(name: &str, state: State) -> impl FnOnce(&mut ConfigGroup) {
    move |root| {
        let orderer = root.groups.get_mut("Orderer").unwrap();
        let value = orderer.values.get_mut("ConsensusType").unwrap();
        let kind = ConsensusType { r#type: name.to_owned(), state: state.into(), metadata: vec![] };
        value.value = kind.encode_to_vec();
    }
}

#[test]
fn in_maintenance_mode_only_orderers_change_a_channel() {
    let ordered = Ordered::new();
    let (orderer, admins) = (ordered.orderer_admin(), [1, 2].map(|org| ordered.fixture.admin(org)));
    let refused = |envelope: Envelope, status: Status, text: &str| {
        let error = ordered.solo.order(envelope).unwrap_err();
        assert_eq!((error.status(), error.to_string().as_str()), (status, text));
    };
    let failed = "config update for existing channel did not pass maintenance checks: config \
                  transaction inspection failed";
    let with_size = |root: &mut ConfigGroup| {
        messages(2)(root);
        consensus("solo", State::Maintenance)(root);
    };
    let text = format!(
        "{failed}: config update contain more then just the ConsensusType value in the Orderer \
         group"
    );
    refused(ordered.update(with_size, &[&orderer]), Status::BadRequest, &text);
    let text = format!(
        "{failed}: attempted to change consensus type from solo to etcdraft, but current config \
         ConsensusType.State is not in maintenance mode"
    );
    let raft = ordered.update(consensus("etcdraft", State::Normal), &[&orderer]);
    refused(raft, Status::BadRequest, &text);

    // Transactions accepted before are not ordered any more.
    let draft = || ordered.fixture.draft(CC).put(CC, "key", b"value").envelope();
    let early = msg_processor::check(&ordered.committer, draft(), SystemTime::now()).unwrap();
    let enter = ordered.update(consensus("solo", State::Maintenance), &[&orderer]);
    ordered.solo.order(enter).unwrap();
    ordered.wait_for(3);
    assert!(ordered.fixture.channel.config().is_in_maintenance());
    let late = msg_processor::check_again(&ordered.committer, early, SystemTime::now());
    assert!(matches!(late, Err(OrderError::MaintenanceMode)), "{late:?}");
    let text = "normal transactions are rejected: maintenance mode";
    refused(draft(), Status::ServiceUnavailable, text);
    let acls = |root: &mut ConfigGroup| {
        let application = root.groups.get_mut("Application").unwrap();
        let value = ConfigValue { mod_policy: "Admins".to_owned(), ..ConfigValue::default() };
        application.values.insert("ACLs".to_owned(), value);
    };
    let error = ordered.solo.order(ordered.update(acls, &[&admins[0], &admins[1]])).unwrap_err();
    assert_eq!(error.status(), Status::Forbidden, "{error}");
    assert!(matches!(error, OrderError::OfUpdate { checks: "initial", .. }), "{error}");
    let text = format!(
        "{failed}: attempted to change consensus type from solo to BFT, transition not supported"
    );
    let bft = ordered.update(consensus("BFT", State::Maintenance), &[&orderer]);
    refused(bft, Status::BadRequest, &text);

    // Orderers may change the Orderer group and the consensus.
    ordered.solo.order(ordered.update(messages(2), &[&orderer])).unwrap();
    ordered.wait_for(4);
    let raft = ordered.update(consensus("etcdraft", State::Maintenance), &[&orderer]);
    ordered.solo.order(raft).unwrap();
    ordered.wait_for(5);
    let leave = ordered.update(consensus("etcdraft", State::Normal), &[&orderer]);
    ordered.solo.order(leave).unwrap();
    ordered.wait_for(6);
    assert_eq!(ordered.fixture.channel.config().consensus_type(), Some("etcdraft"));
    for number in 2..6 {
        assert_eq!(tx_filter(&ordered.block(number)), [Valid as u8]);
    }
    ordered.solo.order(draft()).unwrap();
}

#[test]
fn a_configuration_of_an_earlier_version_is_judged_as_it_was() {
    let ordered = Ordered::new();
    let current = ordered.fixture.channel.config();
    let foo = |root: &mut ConfigGroup| {
        let value = ConfigValue { mod_policy: "Admins".to_owned(), ..ConfigValue::default() };
        root.groups.get_mut("Orderer").unwrap().values.insert("Foo".to_owned(), value);
    };
    let update = ordered.update(foo, &[&ordered.orderer_admin()]);
    let error = ordered.solo.order(update.clone()).unwrap_err();
    assert_eq!(error.status(), Status::BadRequest);
    assert_eq!(
        error.to_string(),
        "error applying config update to existing channel 'mychannel': initializing channelconfig \
         failed: could not create channel Orderer sub-group config: failed to deserialize values: \
         Unexpected key Foo"
    );
    // An orderer of an earlier version has put it into a block.
    let mut channel_group = current.config().channel_group.clone().unwrap();
    foo(&mut channel_group);
    channel_group.groups.get_mut("Orderer").unwrap().version += 1;
    let config = Config { sequence: 1, channel_group: Some(channel_group) };
    let envelope = ConfigEnvelope { config: Some(config), last_update: Some(update) };
    let header = ChannelHeader {
        r#type: HeaderType::Config.into(),
        channel_id: CHANNEL.to_owned(),
        ..ChannelHeader::default()
    };
    let user = ordered.fixture.user(1);
    let entry = wrap(header, envelope.encode_to_vec(), &user, vec![3; 24]).encode_to_vec();
    assert_eq!(commit_entries(&ordered.committer, vec![entry]).unwrap().codes(), [Valid]);
    // It may be repaired.
    let repair = |root: &mut ConfigGroup| {
        root.groups.get_mut("Orderer").unwrap().values.remove("Foo");
    };
    ordered.solo.order(ordered.update(repair, &[&ordered.orderer_admin()])).unwrap();
    ordered.wait_for(4);
    assert_eq!(ordered.fixture.channel.config().sequence(), 2);
}

#[test]
fn an_update_that_is_not_authorized_is_refused_with_fabrics_words() {
    let ordered = Ordered::new();
    let user = ordered.fixture.user(1);
    let error = ordered.solo.order(ordered.update(messages(2), &[&user])).unwrap_err();
    assert_eq!(error.status(), Status::BadRequest);
    let text = "error applying config update to existing channel 'mychannel': error authorizing \
                update: error validating DeltaSet: policy for [Value]  /Channel/Orderer/BatchSize \
                not satisfied: implicit policy evaluation failed - 0 sub-policies were satisfied, \
                but this policy requires 1 of the 'Admins' sub-policies to be satisfied";
    assert_eq!(error.to_string(), text);
    // The envelope itself is not signed.
    let error = ordered.solo.order(ordered.update(messages(2), &[])).unwrap_err();
    assert!(matches!(error, OrderError::OfUpdate { checks: "initial", .. }), "{error}");
    assert_eq!(error.status(), Status::Forbidden);
    assert_eq!(ordered.fixture.channel.ledger().height(), 2);
}

#[test]
fn a_configuration_that_no_orderer_would_order_is_invalid_and_changes_nothing() {
    let ordered = Ordered::new();
    let current = ordered.fixture.channel.config();
    let user = ordered.fixture.user(1);
    let seal = |data: Vec<u8>| {
        let header = ChannelHeader {
            r#type: HeaderType::Config.into(),
            channel_id: CHANNEL.to_owned(),
            ..ChannelHeader::default()
        };
        wrap(header, data, &user, vec![3; 24]).encode_to_vec()
    };
    let good = ordered.update(messages(2), &[&ordered.orderer_admin()]);
    let good = propose(&current, &good).unwrap().envelope;
    let mut forged = good.clone();
    forged.last_update = None;
    let mut skipped = good.clone();
    skipped.config.as_mut().unwrap().sequence = 2;
    let good = good.encode_to_vec();
    let entries = vec![
        seal(vec![0xff; 3]),
        seal(forged.encode_to_vec()),
        seal(skipped.encode_to_vec()),
        seal(good.clone()),
        seal(good),
    ];
    let codes = commit_entries(&ordered.committer, entries).unwrap().codes();
    let bad = InvalidConfigTransaction;
    assert_eq!(codes, [bad, bad, bad, Valid, bad], "the first one that holds counts");
    assert_eq!(ordered.fixture.channel.config().sequence(), 1);
}

#[test]
fn the_configuration_is_the_same_after_a_restart_and_after_a_rebuild() {
    let dir = tempfile::tempdir().unwrap();
    let config = LedgerConfig { cache_bytes: 8 << 20, ..LedgerConfig::default() };
    let network = Network::in_memory(&NetworkSpec::with_orgs(2)).unwrap();
    let open = || {
        let ledgers = Ledgers::open(dir.path(), config.clone()).unwrap();
        Arc::new(Channels::open(Arc::new(ledgers)).unwrap())
    };
    let channels = open();
    let genesis = network.genesis(ChannelId::parse(CHANNEL).unwrap()).block().unwrap();
    let channel = channels.join(&genesis).unwrap();
    let current = channel.config();
    let mut updated = current.config().clone();
    messages(2)(updated.channel_group.as_mut().unwrap());
    let update = compute_update(CHANNEL, current.config(), &updated).unwrap();
    let admin = network.orderer().unwrap().admin().unwrap();
    let update = add_signature(&new_update(&update), &admin, vec![1; 24], Default::default());
    let orderer = Arc::new(network.orderer().unwrap().peer().unwrap());
    let committer = Arc::new(Committer::new(channel, yes()).with_signers(vec![orderer]));
    let solo = Solo::start(Arc::clone(&committer), SoloConfig::default()).unwrap();
    solo.order(update.unwrap()).unwrap();
    solo.stop();
    let expected = committer.channel().config().config().clone();
    let commit_hash = committer.channel().ledger().last_commit_hash();
    assert_eq!(expected.sequence, 1);
    drop((solo, committer, current, channels));

    let check = || {
        let channels = open();
        let channel = channels.get(CHANNEL).unwrap();
        assert_eq!(*channel.config().config(), expected);
        assert_eq!(channel.config_block(), 1);
        assert_eq!(channel.ledger().last_commit_hash(), commit_hash);
    };
    check();
    let folder = LedgerFolder::open(dir.path(), config.clone()).unwrap();
    let verified = folder.verify(&ChannelId::parse(CHANNEL).unwrap(), &mut |_| {}).unwrap();
    assert!(verified.is_good(), "{verified:?}");
    folder.rebuild(&mut |_, _| {}).unwrap();
    check();
}

#[test]
fn an_accepted_update_is_ordered_after_a_crash_and_only_once() {
    let folder = tempfile::tempdir().unwrap();
    let ordered = Ordered::new();
    let update = ordered.update(messages(2), &[&ordered.orderer_admin()]);
    let checked = msg_processor::check(&ordered.committer, update, SystemTime::now()).unwrap();
    assert!(checked.is_config());
    let kept = (checked.sequence, checked.bytes);
    // The process is killed after it has accepted the update, and again after its block.
    for _ in 0..2 {
        let (mut log, _) = AcceptedLog::open(folder.path()).unwrap();
        log.append(0, 2, [kept.clone()]).unwrap();
        let committer = Arc::clone(&ordered.committer);
        let solo = Solo::start_with_log(committer, SoloConfig::default(), folder.path()).unwrap();
        solo.stop();
        let config = ordered.fixture.channel.config();
        assert_eq!((config.sequence(), config.batch_limits().max_message_count), (1, 2));
        assert_eq!(ordered.fixture.channel.ledger().height(), 3);
    }
}
