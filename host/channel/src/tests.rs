//! Tests channels whose configuration exceeds the limits of new ones, and channels that several
//! peers join.

use std::sync::{Arc, Barrier};
use std::thread;

use prost::Message;

use crate::Channels;
use crate::configtx::{add_signature, compute_update, new_update, propose, validate};
use wasmcc_ledger::{LedgerConfig, Ledgers};
use wasmcc_msp::{ChannelConfig, Network, NetworkSpec, SigningIdentity};
use wasmcc_types::ChannelId;
use wasmcc_types::proto::common::{Block, Config, ConfigEnvelope, ConfigGroup, Envelope};
use wasmcc_types::proto::msp::{FabricMspConfig, MspConfig};

/// Lists the root CA of an organization `count` times.
fn set_roots(root: &mut ConfigGroup, org: &str, count: usize) {
    let application = root.groups.get_mut("Application").unwrap();
    let value = application.groups.get_mut(org).unwrap().values.get_mut("MSP").unwrap();
    let mut config = MspConfig::decode(value.value.as_slice()).unwrap();
    let mut msp = FabricMspConfig::decode(config.config.as_slice()).unwrap();
    msp.root_certs = vec![msp.root_certs[0].clone(); count];
    config.config = msp.encode_to_vec();
    value.value = config.encode_to_vec();
}

fn genesis(network: &Network, roots: usize) -> Block {
    let mut spec = network.genesis(ChannelId::parse("mychannel").unwrap());
    let certificates = &mut spec.application_orgs[1].root_certs;
    *certificates = vec![certificates[0].clone(); roots];
    spec.block().unwrap()
}

fn signed(
    current: &ChannelConfig,
    signer: &SigningIdentity,
    edit: impl FnOnce(&mut ConfigGroup),
) -> Envelope {
    let mut updated: Config = current.config().clone();
    edit(updated.channel_group.as_mut().unwrap());
    let update = compute_update("mychannel", current.config(), &updated).unwrap();
    add_signature(&new_update(&update), signer, vec![7; 24], Default::default()).unwrap()
}

#[test]
fn a_configuration_over_the_limits_opens_and_the_next_one_keeps_them() {
    let network = Network::in_memory(&NetworkSpec::with_orgs(2)).unwrap();
    let config = LedgerConfig { cache_bytes: 1 << 20, ..LedgerConfig::default() };
    let ledgers = Arc::new(Ledgers::temporary(config).unwrap());
    let over = genesis(&network, 101);
    let channels = Channels::open(Arc::clone(&ledgers)).unwrap();
    let text = channels.join(&over).err().unwrap().to_string();
    assert!(text.contains("Application/Org2MSP"), "{text}");
    assert!(channels.get("mychannel").is_none());

    // Simulates a channel that was joined before there were limits.
    ledgers.create(&over).unwrap();
    let channels = Channels::open(ledgers).unwrap();
    let current = channels.get("mychannel").unwrap().config();
    let [first, second] = ["Org1MSP", "Org2MSP"].map(|id| network.org(id).unwrap());
    let client = second.user("User1").unwrap();
    current.check_acl_for("peer/Propose", client.serialized()).unwrap();

    let worse = signed(&current, &first.admin().unwrap(), |root| set_roots(root, "Org1MSP", 2));
    let text = propose(&current, &worse).unwrap_err().to_string();
    assert!(text.contains("it has 101 root CAs, and an organization may have 100"), "{text}");
    let better = signed(&current, &second.admin().unwrap(), |root| set_roots(root, "Org2MSP", 100));
    let proposed = propose(&current, &better).unwrap();
    let next = validate(&current, &proposed.envelope).unwrap();
    let admin = second.admin().unwrap();
    let again = signed(&next, &admin, |root| set_roots(root, "Org2MSP", 101));
    let text = propose(&next, &again).unwrap_err().to_string();
    assert!(text.contains("it has 101 root CAs"), "{text}");
}

#[test]
fn every_peer_refuses_an_update_over_the_limits_in_a_block() {
    let network = Network::in_memory(&NetworkSpec::with_orgs(2)).unwrap();
    let current = ChannelConfig::from_genesis_block(&genesis(&network, 1)).unwrap();
    let admin = network.org("Org2MSP").unwrap().admin().unwrap();
    let update = |count| signed(&current, &admin, |root| set_roots(root, "Org2MSP", count));
    let proposed = propose(&current, &update(100)).unwrap();
    let mut config = proposed.envelope.config.unwrap();
    set_roots(config.channel_group.as_mut().unwrap(), "Org2MSP", 101);
    let envelope = ConfigEnvelope { config: Some(config), last_update: Some(update(101)) };
    let text = validate(&current, &envelope).unwrap_err().to_string();
    assert!(text.contains("it has 101 root CAs"), "{text}");
}

#[test]
fn peers_that_create_a_channel_at_the_same_time_are_both_on_it() {
    let network = Network::in_memory(&NetworkSpec::with_orgs(2)).unwrap();
    let config = LedgerConfig { cache_bytes: 1 << 20, ..LedgerConfig::default() };
    let channels = Channels::open(Arc::new(Ledgers::temporary(config).unwrap())).unwrap();
    // Whether the calls overlap depends on scheduling, so the test tries several channels.
    for number in 0..10 {
        let id = format!("channel{number}");
        let genesis = network.genesis(ChannelId::parse(&id).unwrap()).block().unwrap();
        let together = Barrier::new(2);
        thread::scope(|scope| {
            let joining = ["Org1MSP", "Org2MSP"].map(|org| {
                let (together, channels, genesis) = (&together, &channels, &genesis);
                scope.spawn(move || {
                    together.wait();
                    channels.join_as(org, genesis).map(drop)
                })
            });
            joining.into_iter().for_each(|joined| joined.join().unwrap().unwrap());
        });
        assert!(["Org1MSP", "Org2MSP"].iter().all(|org| channels.has_joined(org, &id)));
        let again = channels.join_as("Org2MSP", &genesis).err().unwrap().to_string();
        assert!(again.ends_with(&format!("ledger [{id}] already exists with state [ACTIVE]")));
    }
}
