//! The checks of a peer before it runs a proposal: their order and refusals.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use wasmcc_client::ProposalBuilder;
use wasmcc_client::lscc::{self, Definition};
use wasmcc_msp::{NetworkSpec, SigningIdentity};
use wasmcc_node::sandbox::CHANNEL;
use wasmcc_node::{Observer, Peer, Seen};
use wasmcc_peer::endorser::Check;
use wasmcc_tests::{Forge, Peers, guest, high_s, process, submit};
use wasmcc_types::proto::common::HeaderType;
use wasmcc_types::proto::msp::SerializedIdentity;
use wasmcc_types::proto::protos;

/// One peer for all tests: only a test's own commits change it.
struct Setup {
    network: Peers,
    peer: Arc<Peer>,
    user: SigningIdentity,
    watcher: Arc<Watcher>,
}

/// The checks of each proposal with their results, by transaction id.
#[derive(Default)]
struct Watcher(Mutex<HashMap<String, Vec<(Check, bool)>>>);

impl Observer for Watcher {
    fn processed(&self, seen: &Seen<'_>) {
        let checks = seen.checks.iter().map(|it| (it.check, it.passed)).collect();
        self.0.lock().unwrap().insert(seen.proposal.tx_id().to_owned(), checks);
    }

    fn evaluated(&self, _: &str) {}
}

static SETUP: LazyLock<Setup> = LazyLock::new(|| {
    let network = Peers::new(&NetworkSpec::with_orgs(2));
    let watcher = Arc::new(Watcher::default());
    let observer = Arc::clone(&watcher);
    let peer = network.peer(|config| config.observer = Some(observer));
    let org = peer.network().org("Org1MSP").unwrap();
    let (admin, user) = (org.admin().unwrap(), org.user("User1").unwrap());
    // Org2 is known to the network but not to the channel.
    let id = wasmcc_types::ChannelId::parse(CHANNEL).unwrap();
    let mut genesis = peer.network().genesis(id);
    genesis.application_orgs.retain(|org| org.name == "Org1MSP");
    let join = wasmcc_client::cscc::join(&genesis.block().unwrap()).sign(&admin);
    process(&peer, join.signed).unwrap();
    let install = lscc::install("probe", "1.0", guest("probe")).sign(&admin);
    process(&peer, install.signed).unwrap();
    let definition = Definition {
        channel_id: CHANNEL.into(),
        name: "probe".into(),
        version: "1.0".into(),
        ..Definition::default()
    };
    submit(&peer, CHANNEL, lscc::deploy(definition), &admin).unwrap();
    Setup { network, peer, user, watcher }
});

fn noop() -> Forge {
    Forge::new(ProposalBuilder::new(CHANNEL, "probe").args(["noop"]), &SETUP.user)
}

fn send(signed: protos::SignedProposal) -> Result<protos::Response, String> {
    let processed = process(&SETUP.peer, signed).map_err(|rejected| rejected.to_string())?;
    Ok(processed.response.response.unwrap())
}

/// Returns the gRPC error for a proposal that its creator signed.
fn rejection(forge: &Forge) -> String {
    send(forge.sign(&SETUP.user)).unwrap_err()
}

/// Like [`rejection`], without the prefix that all checks of the message share.
fn invalid(forge: &Forge) -> String {
    let text = rejection(forge);
    let rest = text.strip_prefix("error validating proposal: ").map(str::to_owned);
    rest.unwrap_or_else(|| panic!("{text}"))
}

fn with(change: impl FnOnce(&mut Forge)) -> Forge {
    let mut forge = noop();
    change(&mut forge);
    forge
}

#[test]
fn an_honest_proposal_passes() {
    assert_eq!(send(noop().sign(&SETUP.user)).unwrap().status, 200);
}

#[test]
fn whoever_watches_is_told_of_each_check_up_to_the_first_that_fails() {
    use Check::*;
    let told = |forge: &Forge, signer: &SigningIdentity| {
        // The answer is checked elsewhere.
        let _ = send(forge.sign(signer));
        SETUP.watcher.0.lock().unwrap().remove(&forge.channel.tx_id).unwrap()
    };
    let all = [Form, Expiry, Channel, Headers, TxId, Signed, Creator, Signature, Duplicate, Access];
    let passed = |checks: &[Check]| checks.iter().map(|it| (*it, true)).collect::<Vec<_>>();
    assert_eq!(told(&noop(), &SETUP.user), passed(&all));
    let failed = |at: usize| [passed(&all[..at]), vec![(all[at], false)]].concat();
    let other = SETUP.peer.network().org("Org1MSP").unwrap().user("User2").unwrap();
    assert_eq!(told(&noop(), &other), failed(7));
    let nowhere = with(|forge| forge.channel.channel_id = "nowhere".into());
    assert_eq!(told(&nowhere, &SETUP.user), failed(2));
    let epoch = with(|forge| forge.channel.epoch = 1);
    assert_eq!(told(&epoch, &SETUP.user), failed(3));
    // A system chaincode checks its own access rights.
    let system = Forge::new(ProposalBuilder::new(CHANNEL, "qscc").args(["x"]), &SETUP.user);
    assert_eq!(told(&system, &SETUP.user), passed(&all[..9]));
}

#[test]
fn bytes_that_are_no_proposal_are_rejected() {
    let signed = |proposal_bytes: Vec<u8>| {
        let signature = SETUP.user.sign(&proposal_bytes);
        protos::SignedProposal { proposal_bytes, signature }
    };
    let rejected = |bytes: Vec<u8>| send(signed(bytes)).unwrap_err();
    let begins = |text: String, beginning: &str| assert!(text.starts_with(beginning), "{text}");
    let encode = |proposal: protos::Proposal| prost::Message::encode_to_vec(&proposal);
    let garbage = vec![0xff; 8];
    begins(rejected(garbage.clone()), "failed parsing proposal: failed to decode");
    let header = protos::Proposal { header: garbage.clone(), ..Default::default() };
    begins(rejected(encode(header)), "failed parsing header: failed to decode");
    let part = |header: wasmcc_types::proto::common::Header, payload: Vec<u8>| {
        let header = prost::Message::encode_to_vec(&header);
        rejected(encode(protos::Proposal { header, payload, ..Default::default() }))
    };
    let good = noop();
    let mut header = good.header();
    header.signature_header = garbage.clone();
    begins(part(header, Vec::new()), "failed parsing signature header: failed to decode");
    let mut header = good.header();
    header.channel_header = garbage.clone();
    begins(part(header, Vec::new()), "error unmarshalling ChannelHeader: ");
    begins(part(good.header(), garbage.clone()), "error unmarshalling ChaincodeProposalPayload: ");
    let payload = protos::ChaincodeProposalPayload { input: garbage, ..Default::default() };
    let payload = prost::Message::encode_to_vec(&payload);
    begins(part(good.header(), payload), "error unmarshalling ChaincodeInvocationSpec: ");
    // An empty message is a proposal without a chaincode.
    let text = send(protos::SignedProposal::default()).unwrap_err();
    assert_eq!(text, "ChaincodeHeaderExtension.ChaincodeId is nil");
}

#[test]
fn a_proposal_names_a_chaincode_and_its_input() {
    for (forge, text) in [
        (
            with(|forge| forge.extension.chaincode_id = None),
            "ChaincodeHeaderExtension.ChaincodeId is nil",
        ),
        (
            with(|forge| forge.extension.chaincode_id = Some(protos::ChaincodeId::default())),
            "ChaincodeHeaderExtension.ChaincodeId.Name is empty",
        ),
        (
            with(|forge| forge.invocation.chaincode_spec = None),
            "chaincode invocation spec did not contain chaincode spec",
        ),
        (
            with(|forge| forge.invocation.chaincode_spec.as_mut().unwrap().input = None),
            "chaincode input did not contain any input",
        ),
    ] {
        assert_eq!(rejection(&forge), text);
    }
}

#[test]
fn an_unknown_channel_is_an_answer_of_status_500() {
    for channel in ["nowhere", "NO CHANNEL'S NAME", "my\0channel"] {
        let forge = with(|forge| forge.channel.channel_id = channel.into());
        let response = send(forge.sign(&SETUP.user)).unwrap();
        let text = format!("channel '{channel}' not found");
        assert_eq!((response.status, response.message), (500, text));
    }
}

#[test]
fn only_transactions_and_configurations_are_proposed() {
    let typed = |kind: i32| with(|forge| forge.channel.r#type = kind);
    for kind in [HeaderType::EndorserTransaction, HeaderType::Config] {
        assert_eq!(send(typed(kind.into()).sign(&SETUP.user)).unwrap().status, 200);
    }
    for (kind, name) in [(0, "MESSAGE"), (2, "CONFIG_UPDATE"), (5, "DELIVER_SEEK_INFO"), (99, "99")]
    {
        assert_eq!(invalid(&typed(kind)), format!("invalid header type {name}"));
    }
}

#[test]
fn headers_must_be_whole() {
    assert_eq!(invalid(&with(|forge| forge.channel.epoch = 1)), "epoch is non-zero");
    let nonce = with(|forge| forge.signature.nonce.clear()).with_own_tx_id();
    assert_eq!(invalid(&nonce), "nonce is empty");
    assert_eq!(invalid(&noop().by(b"")), "creator is empty");
    let expected = noop();
    let tx_id = expected.channel.tx_id.clone();
    for wrong in ["", "0", &tx_id.to_uppercase()] {
        let mut forge = expected.clone();
        forge.channel.tx_id = wrong.into();
        let text = format!("incorrectly computed txid '{wrong}' -- expected '{tx_id}'");
        assert_eq!(invalid(&forge), text);
    }
    let unsigned = protos::SignedProposal { signature: Vec::new(), ..noop().sign(&SETUP.user) };
    let text = "error validating proposal: empty signature bytes";
    assert_eq!(send(unsigned).unwrap_err(), text);
}

const UNKNOWN: &str =
    "access denied: channel [mychannel] creator org unknown, creator is malformed";
const DENIED: &str = "access denied: channel [mychannel] creator org [Org1MSP]";

#[test]
fn a_creator_must_be_of_the_channel() {
    let stranger = SETUP.peer.network().org("Org2MSP").unwrap().user("User1").unwrap();
    let claims = |mspid: &str, id_bytes: &[u8]| {
        let id_bytes = id_bytes.to_vec();
        let identity = SerializedIdentity { mspid: mspid.into(), id_bytes };
        prost::Message::encode_to_vec(&identity)
    };
    let certificate = |identity: &SigningIdentity| -> Vec<u8> {
        let identity: SerializedIdentity = prost::Message::decode(identity.serialized()).unwrap();
        identity.id_bytes
    };
    let (ours, theirs) = (certificate(&SETUP.user), certificate(&stranger));
    for creator in [
        vec![0xff; 30],
        b"nobody".to_vec(),
        stranger.serialized().to_vec(),
        claims("Org2MSP", &ours),
        claims("NoSuchMSP", &ours),
        claims("Org1MSP", b""),
        claims(
            "Org1MSP",
            b"-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----\n",
        ),
        claims("Org1MSP", &ours[..ours.len() / 2]),
    ] {
        assert_eq!(invalid(&noop().by(&creator)), UNKNOWN);
    }
    // It claims to be of Org1, whose CA has not issued it.
    assert_eq!(invalid(&noop().by(&claims("Org1MSP", &theirs))), UNKNOWN);
    // Org1's CA is known, but its certificate is not an identity.
    let org = SETUP.peer.network().org("Org1MSP").unwrap();
    assert_eq!(invalid(&noop().by(&claims("Org1MSP", &org.msp_config().root_certs[0]))), DENIED);
}

#[test]
fn the_creator_must_have_signed_exactly_this() {
    let forge = noop();
    let signed = forge.sign(&SETUP.user);
    let other = SETUP.peer.network().org("Org1MSP").unwrap().user("User2").unwrap();
    let denied = format!("error validating proposal: {DENIED}");
    let garbage = b"not a signature".to_vec();
    let other_message = SETUP.user.sign(b"something else");
    for signature in
        [forge.sign(&other).signature, garbage, other_message, high_s(&signed.signature)]
    {
        let tampered = protos::SignedProposal { signature, ..signed.clone() };
        assert_eq!(send(tampered).unwrap_err(), denied);
    }
    let channel = SETUP.peer.channels().get(CHANNEL).unwrap().config();
    let creator = channel.msps().deserialize(SETUP.user.serialized()).unwrap();
    let fault = creator.verify(&signed.proposal_bytes, &high_s(&signed.signature)).unwrap_err();
    assert_eq!(fault.to_string(), "the signature is not valid: its S is too high");
    let mut tampered = signed.clone();
    // An argument was changed in transit.
    let at = tampered.proposal_bytes.windows(4).rposition(|word| word == b"noop").unwrap();
    tampered.proposal_bytes[at] = b'N';
    assert_eq!(send(tampered).unwrap_err(), denied);
    assert_eq!(send(signed).unwrap().status, 200);
}

#[test]
fn an_expired_creator_is_rejected_before_everything_else() {
    let text = "proposal client identity expired";
    let expired = SETUP.network.expired_client("Org1MSP");
    let proposal = || ProposalBuilder::new(CHANNEL, "probe").args(["noop"]);
    assert_eq!(send(proposal().sign(&expired).signed).unwrap_err(), text);
    // Its organization, its channel and further errors do not matter.
    let stranger = SETUP.network.expired_client("NoSuchMSP");
    assert_eq!(send(proposal().sign(&stranger).signed).unwrap_err(), text);
    let elsewhere = ProposalBuilder::new("nowhere", "probe").args(["noop"]).sign(&expired);
    assert_eq!(send(elsewhere.signed).unwrap_err(), text);
    let mut forge = Forge::new(proposal(), &expired);
    forge.extension.chaincode_id = None;
    assert_eq!(send(forge.sign(&SETUP.user)).unwrap_err(), text);
}

#[test]
fn a_committed_transaction_id_is_a_duplicate() {
    let put = || ProposalBuilder::new(CHANNEL, "probe").args(["put", "k", "v"]).nonce("once");
    let creator: String = SETUP.user.serialized().iter().map(|b| format!("{b:02x}")).collect();
    let first = put().sign(&SETUP.user);
    assert_eq!(send(first.signed.clone()).unwrap().status, 200);
    assert_eq!(send(first.signed.clone()).unwrap().status, 200, "endorsing alone uses up nothing");
    submit(&SETUP.peer, CHANNEL, put(), &SETUP.user).unwrap();
    let tx_id = first.tx_id;
    let text = format!("duplicate transaction found [{tx_id}]. Creator [{creator}]");
    assert_eq!(send(first.signed).unwrap_err(), text);
    // Also for another chaincode, a system chaincode or none.
    for name in ["qscc", "nosuchcc"] {
        let other = ProposalBuilder::new(CHANNEL, name).args(["x"]).nonce("once");
        assert_eq!(send(other.sign(&SETUP.user).signed).unwrap_err(), text);
    }
}

#[test]
fn who_may_not_write_may_not_propose() {
    let org = SETUP.peer.network().org("Org1MSP").unwrap();
    let orderer = SETUP.peer.network().orderer().unwrap();
    let text = "Failed evaluating policy on signed data during check policy on channel [mychannel] \
                with policy [/Channel/Application/Writers]: [implicit policy evaluation failed - 0 \
                sub-policies were satisfied, but this policy requires 1 of the 'Writers' \
                sub-policies to be satisfied]";
    for reader in [org.peer().unwrap(), orderer.admin().unwrap(), orderer.peer().unwrap()] {
        let propose = |name: &str| {
            let proposal = ProposalBuilder::new(CHANNEL, name).args(["GetChainInfo", CHANNEL]);
            send(proposal.sign(&reader).signed)
        };
        assert_eq!(propose("probe").unwrap_err(), text);
        assert_eq!(propose("nosuchcc").unwrap_err(), text, "before the chaincode is looked for");
        // A system chaincode checks for itself: a peer may read, an orderer may not.
        let reads = reader.msp_id() == "Org1MSP";
        assert_eq!(propose("qscc").unwrap().status, if reads { 200 } else { 500 });
    }
}

#[test]
fn an_unknown_chaincode_is_an_answer_of_status_500() {
    for name in ["nosuchcc", "probe:1.0", "no name"] {
        let proposal = ProposalBuilder::new(CHANNEL, name).args(["noop"]).sign(&SETUP.user);
        let response = send(proposal.signed).unwrap();
        assert_eq!(response.status, 500);
        assert_eq!(
            response.message,
            format!(
                "make sure the chaincode {name} has been successfully defined on channel mychannel \
                 and try again: chaincode {name} not found"
            )
        );
    }
}

#[test]
fn a_proposal_reaches_neither_escc_nor_vscc() {
    for (channel, name) in [(CHANNEL, "escc"), ("", "escc"), (CHANNEL, "vscc"), ("", "vscc")] {
        let proposal = ProposalBuilder::new(channel, name).args(["x"]).sign(&SETUP.user);
        let response = send(proposal.signed).unwrap();
        assert_eq!(response.status, 500);
        let why = match channel {
            "" => "could not get channel config for channel ''".to_owned(),
            _ => format!("chaincode {name} not found"),
        };
        assert_eq!(
            response.message,
            format!(
                "make sure the chaincode {name} has been successfully defined on channel {channel} \
                 and try again: {why}"
            )
        );
    }
}

#[test]
fn without_a_channel_the_peers_own_organization_asks_its_system_chaincodes() {
    let ask = |name: &str, who: &SigningIdentity| {
        send(ProposalBuilder::new("", name).args(["GetChannels"]).sign(who).signed)
    };
    assert_eq!(ask("cscc", &SETUP.user).unwrap().status, 200);
    let response = ask("probe", &SETUP.user).unwrap();
    assert_eq!(response.status, 500);
    assert_eq!(
        response.message,
        "make sure the chaincode probe has been successfully defined on channel  and try again: \
         could not get channel config for channel ''"
    );
    let stranger = SETUP.peer.network().org("Org2MSP").unwrap().admin().unwrap();
    let text = "error validating proposal: access denied: channel [] creator org unknown, creator \
                is malformed";
    assert_eq!(ask("cscc", &stranger).unwrap_err(), text);
}

#[test]
fn of_several_faults_the_first_in_fabrics_order_is_told() {
    // Each step fixes the error of the step before.
    let mut forge = noop();
    let user = forge.signature.creator.clone();
    let nonce = std::mem::take(&mut forge.signature.nonce);
    forge.extension.chaincode_id = Some(protos::ChaincodeId::default());
    forge.channel.channel_id = "nowhere".into();
    forge.channel.r#type = HeaderType::ConfigUpdate.into();
    forge.channel.epoch = 7;
    forge.signature.creator = Vec::new();
    let unsigned = |forge: &Forge| {
        let proposal_bytes = forge.bytes();
        send(protos::SignedProposal { proposal_bytes, signature: Vec::new() })
    };
    let next = |forge: &Forge, text: &str| {
        let rejected = unsigned(forge).unwrap_err();
        assert!(rejected.ends_with(text), "{rejected} is not about {text}");
    };
    next(&forge, "ChaincodeHeaderExtension.ChaincodeId.Name is empty");
    forge.extension.chaincode_id.as_mut().unwrap().name = "nosuchcc".into();
    assert_eq!(unsigned(&forge).unwrap().message, "channel 'nowhere' not found");
    forge.channel.channel_id = CHANNEL.into();
    next(&forge, "invalid header type CONFIG_UPDATE");
    forge.channel.r#type = HeaderType::EndorserTransaction.into();
    next(&forge, "epoch is non-zero");
    forge.channel.epoch = 0;
    next(&forge, "nonce is empty");
    forge.signature.nonce = nonce;
    next(&forge, "creator is empty");
    forge.signature.creator = b"nobody".to_vec();
    forge.channel.tx_id = "wrong".into();
    let rejected = unsigned(&forge).unwrap_err();
    assert!(rejected.contains("incorrectly computed txid 'wrong' -- expected"), "{rejected}");
    let forge = forge.with_own_tx_id();
    next(&forge, "empty signature bytes");
    assert_eq!(invalid(&forge), UNKNOWN);
    let forge = forge.by(&user);
    let other = SETUP.peer.network().org("Org1MSP").unwrap().admin().unwrap();
    assert_eq!(
        send(forge.sign(&other)).unwrap_err(),
        format!("error validating proposal: {DENIED}")
    );
    let response = send(forge.sign(&SETUP.user)).unwrap();
    assert!(response.message.starts_with("make sure the chaincode nosuchcc"), "{response:?}");
}
