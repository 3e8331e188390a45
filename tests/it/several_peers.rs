//! Organizations of one process that behave like several peers: each joins and installs for itself.

use std::fs;

use prost::Message;
use wasmcc_api::{JoinRefusal, LeaveRefusal, Peer};
use wasmcc_client::{ProposalBuilder, cscc, lifecycle, lscc, qscc};
use wasmcc_ledger::data_hash;
use wasmcc_msp::{BatchLimits, NetworkSpec};
use wasmcc_node::sandbox::{CHANNEL, Sandbox};
use wasmcc_tests::program::{Client, Site};
use wasmcc_tests::{call, guest, package};
use wasmcc_types::proto::common::{
    Block, BlockData, Capabilities, ConfigEnvelope, ConfigGroup, Envelope, Payload,
};
use wasmcc_types::proto::lifecycle::QueryInstalledChaincodesResult;
use wasmcc_types::proto::msp::{FabricMspConfig, MspConfig};
use wasmcc_types::proto::protos::{ChaincodeQueryResponse, ChannelQueryResponse};
use wasmcc_types::{ChannelId, Response};

const ORGS: [&str; 2] = ["Org1MSP", "Org2MSP"];

fn sandbox() -> Sandbox {
    let builder = Sandbox::builder().network(NetworkSpec::with_orgs(2));
    builder.orgs(ORGS).build().unwrap()
}

/// Returns the answer of an organization's peer to its admin.
fn ask(sandbox: &Sandbox, org: &str, proposal: ProposalBuilder) -> Response {
    let admin = sandbox.identity_of(org, "Admin").unwrap();
    sandbox.endorse_at(org, proposal, &admin).unwrap().response
}

fn done<M: Message + Default>(sandbox: &Sandbox, org: &str, proposal: ProposalBuilder) -> M {
    let response = ask(sandbox, org, proposal);
    assert_eq!(response.status, 200, "{}", response.message);
    M::decode(response.payload.as_slice()).unwrap()
}

fn refused(sandbox: &Sandbox, org: &str, proposal: ProposalBuilder) -> String {
    let response = ask(sandbox, org, proposal);
    assert_eq!(response.status, 500);
    response.message
}

fn channels(sandbox: &Sandbox, org: &str) -> Vec<String> {
    let list: ChannelQueryResponse = done(sandbox, org, cscc::channels());
    list.channels.into_iter().map(|channel| channel.channel_id).collect()
}

fn installed(sandbox: &Sandbox, org: &str) -> Vec<String> {
    let list: QueryInstalledChaincodesResult = done(sandbox, org, lifecycle::query_all_installed());
    list.installed_chaincodes.into_iter().map(|package| package.package_id).collect()
}

fn genesis(sandbox: &Sandbox, max_message_count: u32) -> Block {
    let mut spec = sandbox.peer().network().genesis(ChannelId::parse("another").unwrap());
    spec.batch_limits = BatchLimits { max_message_count, ..BatchLimits::default() };
    spec.block().unwrap()
}

#[test]
fn each_organization_joins_a_channel_for_itself() {
    let sandbox = sandbox();
    let [one, two] = ORGS;
    let block = genesis(&sandbox, 10);
    assert_eq!(ask(&sandbox, one, cscc::join(&block)).status, 200);
    assert_eq!(channels(&sandbox, one), ["another", CHANNEL]);
    assert_eq!(channels(&sandbox, two), [CHANNEL]);
    // As if the channel did not exist.
    let unknown = refused(&sandbox, two, qscc::chain_info("another"));
    assert_eq!(unknown, "channel 'another' not found");
    let denied = refused(&sandbox, two, cscc::config_block("another"));
    assert!(denied.contains("another"), "{denied}");
    let on_it = ProposalBuilder::new("another", "probe").args(["info"]);
    assert_eq!(refused(&sandbox, two, on_it), "channel 'another' not found");

    let other = refused(&sandbox, two, cscc::join(&genesis(&sandbox, 11)));
    assert!(other.ends_with("has a channel [another] with another genesis block"), "{other}");
    assert_eq!(ask(&sandbox, two, cscc::join(&block)).status, 200);
    assert_eq!(channels(&sandbox, two), ["another", CHANNEL]);
    assert_eq!(ask(&sandbox, two, qscc::chain_info("another")).status, 200);
    for org in ORGS {
        let twice = "cannot create ledger from genesis block: ledger [another] already exists with \
                     state [ACTIVE]";
        assert_eq!(refused(&sandbox, org, cscc::join(&block)), twice);
    }
}

/// In the order of Fabric's scripts: the orderer first.
#[test]
fn the_orderer_and_each_organization_join_by_one_block_in_any_order() {
    let sandbox = sandbox();
    let (peer, block) = (sandbox.peer(), genesis(&sandbox, 10));
    assert_eq!(peer.ordered_channels(), [CHANNEL]);
    assert_eq!(Peer::order_for(peer.as_ref(), &block).unwrap(), "another");
    assert_eq!(channels(&sandbox, "Org1MSP"), [CHANNEL], "the orderer alone is on it");
    for org in ORGS {
        assert_eq!(ask(&sandbox, org, cscc::join(&block)).status, 200);
        assert_eq!(channels(&sandbox, org), ["another", CHANNEL]);
    }
    assert_eq!(Peer::order_for(peer.as_ref(), &block), Err(JoinRefusal::Exists));
    let mut third = sandbox.peer().network().genesis(ChannelId::parse("third").unwrap());
    third.batch_limits = BatchLimits::default();
    let third = third.block().unwrap();
    assert_eq!(ask(&sandbox, "Org2MSP", cscc::join(&third)).status, 200);
    // It orders for the channels that the peers of its process have joined, so it lists them.
    assert_eq!(peer.ordered_channels(), ["another", CHANNEL, "third"]);
    assert_eq!(Peer::order_for(peer.as_ref(), &third).unwrap(), "third");
    assert_eq!(Peer::order_for(peer.as_ref(), &third), Err(JoinRefusal::Exists));
    let mut odd = third.clone();
    odd.metadata = None;
    let text = "invalid block: does not have metadata".to_owned();
    assert_eq!(Peer::order_for(peer.as_ref(), &odd), Err(JoinRefusal::Invalid(text)));
    odd = third;
    odd.header.as_mut().unwrap().data_hash = vec![1];
    let text = "invalid block: Header.DataHash is different from Hash(block.Data)".to_owned();
    assert_eq!(Peer::order_for(peer.as_ref(), &odd), Err(JoinRefusal::Invalid(text)));
}

#[test]
fn an_orderer_is_removed_from_a_channel_that_only_peers_have_joined() {
    let sandbox = sandbox();
    let (peer, block) = (sandbox.peer(), genesis(&sandbox, 10));
    assert_eq!(ask(&sandbox, "Org1MSP", cscc::join(&block)).status, 200);
    assert!(Peer::orders(peer.as_ref(), "another"));
    assert_eq!(Peer::stop_ordering(peer.as_ref(), "another"), Ok(()));
    assert_eq!(peer.ordered_channels(), [CHANNEL]);
    assert!(!Peer::orders(peer.as_ref(), "another") && !Peer::orders(peer.as_ref(), "none"));
    assert_eq!(Peer::stop_ordering(peer.as_ref(), "another"), Err(LeaveRefusal::Unknown));
    assert_eq!(channels(&sandbox, "Org1MSP"), ["another", CHANNEL]);
    assert_eq!(Peer::order_for(peer.as_ref(), &block).unwrap(), "another");
}

/// Returns a genesis block with another configuration.
fn changed(block: &Block, edit: impl FnOnce(&mut ConfigGroup)) -> Block {
    let mut envelope = Envelope::decode(&*block.data.as_ref().unwrap().data[0]).unwrap();
    let mut payload = Payload::decode(&*envelope.payload).unwrap();
    let mut config = ConfigEnvelope::decode(&*payload.data).unwrap();
    edit(config.config.as_mut().unwrap().channel_group.as_mut().unwrap());
    payload.data = config.encode_to_vec();
    envelope.payload = payload.encode_to_vec();
    let data = BlockData { data: vec![envelope.encode_to_vec().into()] };
    let mut block = block.clone();
    block.header.as_mut().unwrap().data_hash = data_hash(&data).to_vec();
    Block { data: Some(data), ..block }
}

#[test]
fn who_cannot_join_learns_what_is_wrong_with_the_configuration() {
    let sandbox = sandbox();
    let block = genesis(&sandbox, 10);
    let admin = |group: &mut ConfigGroup| {
        let application = group.groups.get_mut("Application").unwrap();
        let msp = application.groups.get_mut("Org1MSP").unwrap().values.get_mut("MSP").unwrap();
        let mut config = MspConfig::decode(&*msp.value).unwrap();
        let mut fabric = FabricMspConfig::decode(&*config.config).unwrap();
        fabric.admins.push(b"nobody".to_vec());
        config.config = fabric.encode_to_vec();
        msp.value = config.encode_to_vec();
    };
    let capability = |group: &mut ConfigGroup| {
        let application = group.groups.get_mut("Application").unwrap();
        let value = application.values.get_mut("Capabilities").unwrap();
        let mut found = Capabilities::decode(&*value.value).unwrap();
        found.capabilities.insert("V9".to_owned(), Default::default());
        value.value = found.encode_to_vec();
    };
    let usual = "\"JoinChain\" for channelID = another failed because of validation of \
                 configuration block, because of ";
    let msp = "the MSP of Application/Org1MSP is not usable: the configuration of MSP 'Org1MSP' is \
               not valid: ";
    let unsupported = "Application capability V9 is required but not supported";
    let peer = sandbox.peer();

    let of_admin = changed(&block, admin);
    let refusal = refused(&sandbox, "Org1MSP", cscc::join(&of_admin));
    let reason = refusal.strip_prefix(usual).and_then(|text| text.strip_prefix(msp));
    assert!(reason.is_some_and(|reason| reason.contains("admin")), "{refusal}");
    let text = JoinRefusal::Invalid(format!("{msp}{}", reason.unwrap()));
    assert_eq!(Peer::order_for(peer.as_ref(), &of_admin), Err(text));

    let of_capability = changed(&block, capability);
    let refusal = refused(&sandbox, "Org1MSP", cscc::join(&of_capability));
    assert_eq!(refusal, format!("{usual}Failed capabilities check: [{unsupported}]"));
    let text = JoinRefusal::Invalid(unsupported.to_owned());
    assert_eq!(Peer::order_for(peer.as_ref(), &of_capability), Err(text));

    let nothing = changed(&block, |group| drop(group.groups.remove("Application")));
    let text = "Invalid configuration block, missing Application configuration group";
    let refusal = refused(&sandbox, "Org1MSP", cscc::join(&nothing));
    assert_eq!(refusal, format!("{usual}{text}"));

    // It could not be updated.
    let named = changed(&block, |group| {
        let policy = group.policies["Readers"].clone();
        group.policies.insert("a b".to_owned(), policy);
    });
    let refusal = refused(&sandbox, "Org1MSP", cscc::join(&named));
    assert!(refusal.contains("'a b' contains illegal characters"), "{refusal}");
    let refusal = Peer::order_for(peer.as_ref(), &named).unwrap_err();
    assert!(matches!(refusal, JoinRefusal::Invalid(_)), "{refusal:?}");
}

#[test]
fn each_organization_installs_packages_for_itself() {
    let sandbox = sandbox();
    let [one, two] = ORGS;
    let bytes = package("probe", "probe_1", &[]);
    let id = wasmcc_peer::chaincode::package_id(&bytes).unwrap();
    assert_eq!(ask(&sandbox, one, lifecycle::install(bytes.clone())).status, 200);
    assert_eq!((installed(&sandbox, one), installed(&sandbox, two)), (vec![id.clone()], vec![]));
    let missing = refused(&sandbox, two, lifecycle::installed_package(&id));
    assert!(missing.ends_with(&format!("chaincode install package '{id}' not found")), "{missing}");
    assert_eq!(ask(&sandbox, two, lifecycle::install(bytes.clone())).status, 200);
    assert_eq!(installed(&sandbox, two), std::slice::from_ref(&id));
    for org in ORGS {
        let twice = refused(&sandbox, org, lifecycle::install(bytes.clone()));
        assert!(twice.contains("chaincode already successfully installed"), "{twice}");
        assert_eq!(ask(&sandbox, org, lifecycle::installed_package(&id)).status, 200);
    }
}

#[test]
fn each_organization_installs_for_lscc_for_itself() {
    let sandbox = sandbox();
    let [one, two] = ORGS;
    let install = || lscc::install("probe", "1.0", guest("probe"));
    let names = |org| {
        let list = ProposalBuilder::new("", "lscc").args(["getinstalledchaincodes"]);
        let list: ChaincodeQueryResponse = done(&sandbox, org, list);
        list.chaincodes.into_iter().map(|found| found.name).collect::<Vec<_>>()
    };
    assert_eq!(ask(&sandbox, two, install()).status, 200);
    assert_eq!((names(one), names(two)), (vec![], vec!["probe".to_owned()]));
    // It is another package.
    let other = lscc::install("probe", "1.0", guest("transfer"));
    assert_eq!(refused(&sandbox, one, other), "chaincode probe:1.0 exists");
    assert_eq!(ask(&sandbox, one, install()).status, 200);
    assert_eq!(names(one), ["probe"]);
    assert_eq!(refused(&sandbox, one, install()), "chaincode probe:1.0 exists");
}

#[test]
fn what_each_has_is_kept() {
    let site = Site::of_two();
    let orgs = ["--org", "Org1MSP", "--org", "Org2MSP", "--listen", "127.0.0.1:0"];
    let start = |more: &[&str]| site.peer(&[&orgs[..], &["--data", "data"], more].concat());
    let list = |client: &Client<'_>, org: &str| {
        client.run(&["channels", "--org", org]).ok().out.trim().to_owned()
    };
    let packages = |client: &Client<'_>, org: &str| {
        let query = ["lifecycle", "chaincode", "queryinstalled", "--org", org];
        client.run(&query).ok().out.contains("probe_1")
    };
    fs::write(site.path("probe.tar.gz"), package("probe", "probe_1", &[])).unwrap();
    let peer = start(&["--no-channel"]);
    assert_eq!(list(&peer, "Org1MSP"), "");
    let install = ["lifecycle", "chaincode", "install", "probe.tar.gz", "--org", "Org2MSP"];
    peer.other(0).run(&install).ok();
    peer.terminate().ok();
    let peer = start(&["--no-channel"]);
    assert!(packages(peer.other(0), "Org2MSP") && !packages(&peer, "Org1MSP"));
    peer.terminate().ok();
    // All peers join a channel that the process starts with.
    let peer = start(&[]);
    assert_eq!(list(&peer, "Org1MSP"), CHANNEL);
    assert_eq!(list(peer.other(0), "Org2MSP"), CHANNEL);
    peer.terminate().ok();
}

#[test]
fn a_client_is_evaluated_by_the_peer_at_whose_address_it_asks() {
    let sandbox = sandbox();
    sandbox.deploy("probe", &guest("probe")).unwrap();
    for org in ORGS {
        let answer = sandbox.endorse(call("probe", "info").org(org)).unwrap();
        assert!(answer.text().contains(&format!("peer={org}\n")), "{}", answer.text());
    }
}

#[test]
fn peers_of_several_processes_that_have_different_chains_are_warned_of() {
    let site = Site::of_two();
    let [one, two] = [("Org1MSP", "a"), ("Org2MSP", "b")].map(|(org, data)| {
        let peer = site.peer(&["--org", org, "--data", data]);
        let probe = wasmcc_tests::guest_path("probe");
        let policy = ["--policy", "OR('Org1MSP.member','Org2MSP.member')"];
        let deploy = ["deploy", probe.to_str().unwrap(), "--name", "probe", "--org", org];
        peer.run(&[&deploy[..], &policy].concat()).ok();
        peer
    });
    let call = ["invoke", "-n", "probe", "-c", r#"{"Args":["put","k","v"]}"#];
    let both = ["--peerAddresses", one.address(), "--peerAddresses", two.address()];
    let both = [&call[..], &both].concat();
    let warning = format!("{} has another chain of mychannel than", two.address());
    // The second time, their heights differ, too.
    for _ in 0..2 {
        let run = site.run(&both).ok();
        assert!(run.err.contains(&warning), "{}", run.err);
    }
    let alone = site.run(&[&call[..], &["--peerAddresses", one.address()]].concat()).ok();
    assert!(!alone.err.contains("warning"), "{}", alone.err);
}
