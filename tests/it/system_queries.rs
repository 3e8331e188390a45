//! CSCC and QSCC: channels, blocks and transactions as the peer returns them.

use prost::Message;
use wasmcc_client::{ProposalBuilder, cscc, qscc};
use wasmcc_ledger::header_hash;
use wasmcc_msp::NetworkSpec;
use wasmcc_node::sandbox::{CHANNEL, Endorsed, Sandbox};
use wasmcc_tests::{call, guest};
use wasmcc_types::ChannelId;
use wasmcc_types::proto::{common, protos};

/// Fabric's text for a signer that no organization of the channel knows.
const NOBODY: &str = "implicit policy evaluation failed - 0 sub-policies were satisfied, but this \
                      policy requires 1 of the 'Readers' sub-policies to be satisfied";

fn ask(sandbox: &Sandbox, user: &str, proposal: ProposalBuilder) -> Endorsed {
    sandbox.endorse_as(proposal, &sandbox.identity(user).unwrap()).unwrap()
}

fn answer<M: Message + Default>(sandbox: &Sandbox, user: &str, proposal: ProposalBuilder) -> M {
    let payload = ask(sandbox, user, proposal).accepted().unwrap().response.payload;
    M::decode(payload.as_slice()).unwrap()
}

fn refusal(endorsed: &Endorsed) -> &str {
    assert_eq!(endorsed.response.status, 500, "{:?}", endorsed.response);
    assert!(endorsed.proposal_response.endorsement.is_none());
    &endorsed.response.message
}

fn genesis(sandbox: &Sandbox, channel: &str) -> common::Block {
    let id = ChannelId::parse(channel).unwrap();
    sandbox.peer().network().genesis(id).block().unwrap()
}

fn channels(sandbox: &Sandbox, user: &str) -> Vec<String> {
    let list: protos::ChannelQueryResponse = answer(sandbox, user, cscc::channels());
    list.channels.into_iter().map(|channel| channel.channel_id).collect()
}

#[test]
fn an_admin_joins_a_channel_once() {
    let sandbox = Sandbox::new().unwrap();
    assert_eq!(channels(&sandbox, "User1"), [CHANNEL]);
    let block = genesis(&sandbox, "another");
    let denied = ask(&sandbox, "User1", cscc::join(&block));
    assert_eq!(
        refusal(&denied),
        "access denied for [JoinChain][another]: [Failed verifying that proposal's creator \
         satisfies local MSP principal during channelless check policy with policy [Admins]: [The \
         identity is not an admin under this MSP [Org1MSP]: The identity does not contain OU \
         [ADMIN], MSP: [Org1MSP]]]"
    );
    assert_eq!(channels(&sandbox, "User1"), [CHANNEL]);
    let joined = ask(&sandbox, "Admin", cscc::join(&block));
    assert_eq!((joined.response.status, joined.text().as_str()), (200, ""));
    assert_eq!(channels(&sandbox, "User1"), ["another", CHANNEL]);
    let twice = ask(&sandbox, "Admin", cscc::join(&block));
    let text = "cannot create ledger from genesis block: ledger [another] already exists with \
                state [ACTIVE]";
    assert_eq!(refusal(&twice), text);
    let config: common::Block = answer(&sandbox, "User1", cscc::config_block("another"));
    assert_eq!(config.header, block.header);
    assert_eq!(config.data, block.data);
}

#[test]
fn what_starts_no_channel_is_not_joined() {
    let sandbox = Sandbox::new().unwrap();
    let join = |block: Vec<u8>| {
        let args = [b"JoinChain".to_vec(), block];
        ask(&sandbox, "Admin", ProposalBuilder::new("", "cscc").args(args))
    };
    let text = "Cannot join the channel <nil> configuration block provided";
    assert_eq!(refusal(&join(Vec::new())), text);
    let garbage = join(vec![0xff; 10]);
    let text = "Failed to reconstruct the genesis block, failed to decode Protobuf message";
    assert!(refusal(&garbage).starts_with(text), "{}", refusal(&garbage));
    let empty = common::Block { header: Some(Default::default()), ..Default::default() };
    let empty = join(empty.encode_to_vec());
    let text = "\"JoinChain\" request failed to extract channel id from the block due to [";
    assert!(refusal(&empty).starts_with(text), "{}", refusal(&empty));
    let mut second = genesis(&sandbox, "another");
    second.header.as_mut().unwrap().number = 1;
    assert_eq!(join(second.encode_to_vec()).response.status, 500);
    let transaction = sandbox.deploy("probe", &guest("probe")).unwrap().block;
    let block = sandbox.ledger().block(transaction).unwrap().unwrap();
    assert_eq!(join(block.encode_to_vec()).response.status, 500);
    assert_eq!(channels(&sandbox, "User1"), [CHANNEL]);
}

#[test]
fn cscc_refuses_what_it_does_not_know() {
    let sandbox = Sandbox::new().unwrap();
    let call = |channel: &str, args: &[&str]| {
        ask(&sandbox, "User1", ProposalBuilder::new(channel, "cscc").args(args.iter().copied()))
    };
    for (args, text) in [
        (&[][..], "Incorrect number of arguments, 0"),
        (&["JoinChain"], "Incorrect number of arguments, 1"),
        (&["GetConfigBlock"], "Incorrect number of arguments, 1"),
        (
            &["GetConfigBlock", ""],
            "access denied for [GetConfigBlock][]: Failed getting local MSP principal during \
             channelless check policy with policy [/Channel/Application/Readers]: [MSP Principal \
             role [/Channel/Application/Readers] not recognized]",
        ),
        (
            &["GetConfigBlock", "nowhere"],
            "access denied for [GetConfigBlock][nowhere]: Failed to get policy manager for channel \
             [nowhere]",
        ),
        (&["GetChannelConfig", ""], "empty channel name provided"),
        (
            &["GetChannelConfig", "nowhere"],
            "access denied for [GetChannelConfig][nowhere]: Failed to get policy manager for \
             channel [nowhere]",
        ),
        (&["JoinChainBySnapshot"], "Incorrect number of arguments, 1"),
        (&["JoinChainBySnapshot", ""], "Cannot join the channel, no snapshot directory provided"),
        (&["Nonsense", "x"], "Requested function Nonsense not found."),
    ] {
        assert_eq!(refusal(&call(CHANNEL, args)), text);
        assert_eq!(refusal(&call("", args)), text);
    }
}

#[test]
fn snapshots_are_for_admins_and_none_can_be_read() {
    let sandbox = Sandbox::new().unwrap();
    let call = |name: &str, args: &[&str]| {
        ask(&sandbox, name, ProposalBuilder::new("", "cscc").args(args.iter().copied()))
    };
    let join = ["JoinChainBySnapshot", "/no/such"];
    assert_eq!(
        refusal(&call("Admin", &join)),
        "cannot create ledger from snapshot /no/such: this peer does not read snapshots"
    );
    let status = call("Admin", &["JoinBySnapshotStatus"]);
    assert_eq!((status.response.status, status.response.payload.len()), (200, 0), "none goes on");
    let denied = "Failed verifying that proposal's creator satisfies local MSP principal";
    for args in [&join[..], &["JoinBySnapshotStatus"]] {
        let refused = call("User1", args);
        assert!(refusal(&refused).contains(denied), "{}", refusal(&refused));
    }
}

#[test]
fn the_peers_channels_are_for_its_own_organization() {
    let sandbox = Sandbox::builder().network(NetworkSpec::with_orgs(2)).build().unwrap();
    let stranger = sandbox.identity_of("Org2MSP", "Admin").unwrap();
    let proposal = ProposalBuilder::new(CHANNEL, "cscc").args(["GetChannels"]);
    let refused = sandbox.endorse_as(proposal, &stranger).unwrap();
    let text = "access denied for [GetChannels]: Failed deserializing proposal creator during \
                channelless check policy with policy [Members]: [expected MSP ID Org1MSP, \
                received Org2MSP]";
    assert_eq!(refusal(&refused), text);
    // All organizations of a channel may read its configuration.
    let config = sandbox.endorse_as(cscc::config_block(CHANNEL), &stranger).unwrap();
    assert_eq!(config.response.status, 200);
    assert!(config.proposal_response.endorsement.is_some(), "it is asked on the channel");
}

#[test]
fn qscc_finds_blocks_and_transactions() {
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("probe", &guest("probe")).unwrap();
    let submitted = sandbox.submit(call("probe", "put k v")).unwrap();
    let tx_id = submitted.endorsed.tx_id.as_str();

    let info: common::BlockchainInfo = answer(&sandbox, "User1", qscc::chain_info(CHANNEL));
    assert_eq!(info.height, 3);
    let block: common::Block = answer(&sandbox, "User1", qscc::block_by_number(CHANNEL, 2));
    let header = block.header.as_ref().unwrap();
    assert_eq!((header.number, submitted.block), (2, 2));
    assert_eq!(info.current_block_hash, header_hash(header));
    assert_eq!(info.previous_block_hash, header.previous_hash);
    let metadata = &block.metadata.as_ref().unwrap().metadata;
    assert_eq!(metadata[2], [0], "one transaction, valid");

    let newest = ["GetBlockByNumber", CHANNEL, "18446744073709551615"];
    let newest = ProposalBuilder::new(CHANNEL, "qscc").args(newest);
    assert_eq!(answer::<common::Block>(&sandbox, "User1", newest), block);

    let by_hash = qscc::block_by_hash(CHANNEL, &info.current_block_hash);
    assert_eq!(answer::<common::Block>(&sandbox, "User1", by_hash), block);
    let by_tx_id = qscc::block_by_tx_id(CHANNEL, tx_id);
    assert_eq!(answer::<common::Block>(&sandbox, "User1", by_tx_id), block);
    let transaction: protos::ProcessedTransaction =
        answer(&sandbox, "User1", qscc::transaction_by_id(CHANNEL, tx_id));
    assert_eq!(transaction.validation_code, 0);
    let envelope = transaction.transaction_envelope.unwrap().encode_to_vec();
    assert_eq!(envelope, block.data.unwrap().data[0]);
    // Without a channel the query is the same, but not endorsed.
    let proposal = ProposalBuilder::new("", "qscc").args(["GetBlockByTxID", CHANNEL, tx_id]);
    let asked = ask(&sandbox, "User1", proposal);
    assert_eq!(asked.response.status, 200);
    assert_eq!(asked.proposal_response.endorsement, None);
}

#[test]
fn qscc_refuses_what_is_not_there() {
    let sandbox = Sandbox::new().unwrap();
    let call = |args: &[&str]| {
        ask(&sandbox, "User1", ProposalBuilder::new(CHANNEL, "qscc").args(args.iter().copied()))
    };
    for (args, text) in [
        (&[][..], "Incorrect number of arguments, 0"),
        (&["GetChainInfo"], "Incorrect number of arguments, 1"),
        (&["GetBlockByNumber", CHANNEL], "missing 3rd argument for GetBlockByNumber"),
        (&["GetChainInfo", "nowhere"], "Invalid chain ID, nowhere"),
        (
            &["GetBlockByNumber", CHANNEL, "x"],
            "Failed to parse block number with error strconv.ParseUint: parsing \"x\": invalid \
             syntax",
        ),
        (
            &["GetBlockByNumber", CHANNEL, "+1"],
            "Failed to parse block number with error strconv.ParseUint: parsing \"+1\": invalid \
             syntax",
        ),
        (
            &["GetBlockByNumber", CHANNEL, "18446744073709551616"],
            "Failed to parse block number with error strconv.ParseUint: parsing \
             \"18446744073709551616\": value out of range",
        ),
        (
            &["GetBlockByNumber", CHANNEL, "99999999"],
            "Failed to get block number 99999999, error no such block number [99999999] in index",
        ),
        (
            &["GetBlockByHash", CHANNEL, "x"],
            "Failed to get block hash x, error no such block hash [78] in index",
        ),
        (
            &["GetTransactionByID", CHANNEL, "x"],
            "Failed to get transaction with id x, error no such transaction ID [x] in index",
        ),
        (
            &["GetBlockByTxID", CHANNEL, "x"],
            "Failed to get block for txID x, error no such transaction ID [x] in index",
        ),
        (
            &["Nonsense", CHANNEL, "x"],
            "access denied for [Nonsense][mychannel]: [Unmapped policy for qscc/Nonsense]",
        ),
    ] {
        assert_eq!(refusal(&call(args)), text);
    }
}

#[test]
fn a_channel_tells_strangers_nothing() {
    let sandbox = Sandbox::builder().network(NetworkSpec::with_orgs(2)).build().unwrap();
    let mut alone = sandbox.peer().network().genesis(ChannelId::parse("alone").unwrap());
    alone.application_orgs.retain(|org| org.name == "Org1MSP");
    let join = cscc::join(&alone.block().unwrap());
    assert_eq!(ask(&sandbox, "Admin", join).response.status, 200);
    let stranger = sandbox.identity_of("Org2MSP", "Admin").unwrap();
    // Asked on a channel that both have joined.
    for args in [["GetChainInfo", "alone"], ["GetConfigBlock", "alone"]] {
        let (name, (open, close)) = match args[0] {
            "GetChainInfo" => ("qscc", ("[", "]")),
            _ => ("cscc", ("", "")),
        };
        let proposal = ProposalBuilder::new(CHANNEL, name).args(args);
        let refused = sandbox.endorse_as(proposal, &stranger).unwrap();
        assert_eq!(
            refusal(&refused),
            format!(
                "access denied for [{}][alone]: {open}Failed evaluating policy on signed data \
                 during check policy on channel [alone] with policy \
                 [/Channel/Application/Readers]: [{NOBODY}]{close}",
                args[0]
            )
        );
    }
}
