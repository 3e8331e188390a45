//! LSCC on a channel: deploy, upgrade, and their effects.

use prost::Message;
use wasmcc_client::lscc::{self, Definition};
use wasmcc_client::{ProposalBuilder, cscc};
use wasmcc_msp::{NetworkSpec, SignaturePolicy};
use wasmcc_node::sandbox::{CHANNEL, Endorsed, Sandbox, SandboxError};
use wasmcc_tests::{Peers, call, deployment_spec, guest, process, submit};
use wasmcc_types::proto::protos::{self, TxValidationCode};
use wasmcc_types::sha256;

fn definition(name: &str, version: &str, init: &[&str]) -> Definition {
    Definition {
        channel_id: CHANNEL.into(),
        name: name.into(),
        version: version.into(),
        init_args: init.iter().map(|arg| arg.as_bytes().to_vec()).collect(),
        policy: None,
        collections: None,
    }
}

fn as_admin(sandbox: &Sandbox, proposal: ProposalBuilder) -> Endorsed {
    sandbox.endorse_as(proposal, &sandbox.identity("Admin").unwrap()).unwrap()
}

fn refusal(endorsed: &Endorsed) -> &str {
    assert_eq!(endorsed.response.status, 500, "{:?}", endorsed.response);
    assert!(endorsed.proposal_response.endorsement.is_none());
    &endorsed.response.message
}

/// Returns a sandbox with probe 1.0 and 2.0 and, as probe 3.0, another chaincode; none is deployed.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new().unwrap();
    for (version, code) in [("1.0", "probe"), ("2.0", "probe"), ("3.0", "hostile")] {
        sandbox.install(&definition("probe", version, &[]), &guest(code)).unwrap();
    }
    sandbox
}

fn deploy(sandbox: &Sandbox, version: &str, init: &[&str]) -> Endorsed {
    as_admin(sandbox, lscc::deploy(definition("probe", version, init)))
}

fn upgrade(sandbox: &Sandbox, version: &str, init: &[&str]) -> Endorsed {
    as_admin(sandbox, lscc::upgrade(definition("probe", version, init)))
}

fn commit(sandbox: &Sandbox, endorsed: Endorsed) -> TxValidationCode {
    sandbox.commit(vec![endorsed.accepted().unwrap()]).unwrap()[0].code
}

fn evaluate(sandbox: &Sandbox, line: &str) -> String {
    sandbox.evaluate(call("probe", line)).unwrap().text()
}

#[test]
fn deploy_and_init_are_one_transaction() {
    let sandbox = sandbox();
    let endorsed = deploy(&sandbox, "1.0", &["first", "7"]);
    let rwset = endorsed.rwset.clone().unwrap();
    let lscc = &rwset.namespaces["lscc"];
    assert_eq!((lscc.reads[0].key.as_str(), lscc.writes[0].key.as_str()), ("probe", "probe"));
    let own = &rwset.namespaces["probe"].writes;
    assert_eq!((own[0].key.as_str(), own[0].value.as_slice()), ("init", &b"first 7"[..]));
    let data = protos::ChaincodeData::decode(endorsed.response.payload.as_slice()).unwrap();
    assert_eq!(lscc.writes[0].value, data.encode_to_vec(), "the answer is what is written");
    assert_eq!(commit(&sandbox, endorsed), TxValidationCode::Valid);
    assert_eq!(evaluate(&sandbox, "get init"), "first 7");
}

#[test]
fn a_failing_init_deploys_nothing() {
    let sandbox = sandbox();
    let failed = deploy(&sandbox, "1.0", &["fail"]);
    let text = "error in simulation: transaction returned with failure: init failed";
    assert_eq!(refusal(&failed), text);
    assert!(failed.proposal_response.payload.is_empty());
    let panicked = deploy(&sandbox, "3.0", &["panic", "bad-init"]);
    assert!(refusal(&panicked).contains("bad-init"), "{}", refusal(&panicked));
    let data = as_admin(&sandbox, lscc::chaincode_data(CHANNEL, "probe"));
    assert_eq!(refusal(&data), "could not find chaincode with name 'probe'");
    assert_eq!(commit(&sandbox, deploy(&sandbox, "1.0", &["ok"])), TxValidationCode::Valid);
}

#[test]
fn what_is_not_installed_cannot_be_deployed() {
    let sandbox = sandbox();
    assert_eq!(
        refusal(&deploy(&sandbox, "9.0", &[])),
        "cannot get package for the chaincode to be instantiated (probe:9.0)-chaincode probe:9.0 \
         is not installed on this peer"
    );
}

#[test]
fn a_chaincode_is_deployed_once() {
    let sandbox = sandbox();
    let both = [deploy(&sandbox, "1.0", &[]), deploy(&sandbox, "2.0", &[])];
    let committed = sandbox.commit(both.into()).unwrap();
    assert_eq!(committed[0].code, TxValidationCode::Valid);
    assert_ne!(committed[1].code, TxValidationCode::Valid, "it was endorsed before the first");
    assert_eq!(refusal(&deploy(&sandbox, "1.0", &[])), "chaincode exists probe");
    assert_eq!(refusal(&deploy(&sandbox, "2.0", &[])), "chaincode exists probe");
}

#[test]
fn the_instantiation_policy_says_who_deploys() {
    let sandbox = Sandbox::builder().network(NetworkSpec::with_orgs(2)).build().unwrap();
    let admins = "OR('Org2MSP.admin')";
    let policy = SignaturePolicy::from_text(admins).unwrap().envelope().encode_to_vec();
    let signed = protos::SignedChaincodeDeploymentSpec {
        chaincode_deployment_spec: deployment_spec("probe", "1.0", guest("probe")).encode_to_vec(),
        instantiation_policy: policy.clone(),
        ..Default::default()
    };
    let install = [b"install".to_vec(), signed.encode_to_vec()];
    let installed = as_admin(&sandbox, ProposalBuilder::new("", "lscc").args(install));
    assert_eq!(installed.text(), "OK");
    sandbox.install(&definition("plain", "1.0", &[]), &guest("probe")).unwrap();

    let violated = "chaincode instantiation policy violated(signature set did not satisfy policy)";
    let by = |org: &str, user: &str, name: &str| {
        let signer = sandbox.identity_of(org, user).unwrap();
        sandbox.endorse_as(lscc::deploy(definition(name, "1.0", &[])), &signer).unwrap()
    };
    for (org, user, name, allowed) in [
        ("Org1MSP", "Admin", "probe", false),
        ("Org2MSP", "User1", "probe", false),
        ("Org2MSP", "Admin", "probe", true),
        // Without a policy in the package: an admin of any organization of the channel.
        ("Org1MSP", "User1", "plain", false),
        ("Org1MSP", "Admin", "plain", true),
        ("Org2MSP", "Admin", "plain", true),
    ] {
        let endorsed = by(org, user, name);
        if allowed {
            assert_eq!(endorsed.response.status, 200, "{user} of {org} deploys {name}");
        } else {
            assert_eq!(refusal(&endorsed), violated, "{user} of {org} deploys {name}");
        }
    }
    let data = by("Org2MSP", "Admin", "probe").response.payload;
    let data = protos::ChaincodeData::decode(data.as_slice()).unwrap();
    assert_eq!(data.instantiation_policy, policy);
}

#[test]
fn an_upgrade_brings_new_code_and_runs_init_again() {
    let sandbox = sandbox();
    commit(&sandbox, deploy(&sandbox, "1.0", &["one"]));
    sandbox.submit(call("probe", "put k kept")).unwrap();
    let old = sandbox.endorse(call("probe", "put k late")).unwrap();

    let upgraded = upgrade(&sandbox, "2.0", &["two"]);
    let action = wasmcc_client::chaincode_action(&upgraded.proposal_response.payload).unwrap();
    let event = protos::ChaincodeEvent::decode(action.events.as_slice()).unwrap();
    assert_eq!((event.chaincode_id.as_str(), event.event_name.as_str()), ("lscc", "upgrade"));
    assert_eq!(event.payload, b"\x0a\x05probe");
    assert_eq!(commit(&sandbox, upgraded), TxValidationCode::Valid);
    assert_eq!(evaluate(&sandbox, "get init"), "two");
    assert_eq!(evaluate(&sandbox, "get k"), "kept");
    let late = sandbox.commit(vec![old]).unwrap().remove(0);
    assert_ne!(late.code, TxValidationCode::Valid, "the old version endorsed it");

    assert_eq!(commit(&sandbox, upgrade(&sandbox, "3.0", &[""])), TxValidationCode::Valid);
    let new = sandbox.endorse(call("probe", "get k")).unwrap().response;
    assert_eq!((new.status, new.message.as_str()), (400, "no misbehaviour get"));
    let action = sandbox.evaluate(call("probe", "status 200")).unwrap().proposal_response.payload;
    let id = wasmcc_client::chaincode_action(&action).unwrap().chaincode_id.unwrap();
    assert_eq!((id.name.as_str(), id.version.as_str()), ("probe", "3.0"));
}

#[test]
fn an_upgrade_needs_what_it_replaces_and_another_version() {
    let sandbox = sandbox();
    let missing = "could not find chaincode with name 'probe'";
    assert_eq!(refusal(&upgrade(&sandbox, "2.0", &[])), missing);
    commit(&sandbox, deploy(&sandbox, "1.0", &["one"]));
    let same = "version already exists for chaincode with name 'probe'";
    assert_eq!(refusal(&upgrade(&sandbox, "1.0", &[])), same);
    let user = sandbox.identity("User1").unwrap();
    let by_user = sandbox.endorse_as(lscc::upgrade(definition("probe", "2.0", &[])), &user);
    let violated = "chaincode instantiation policy violated(signature set did not satisfy policy)";
    assert_eq!(refusal(&by_user.unwrap()), violated);
    let text = "error in simulation: transaction returned with failure: init failed";
    assert_eq!(refusal(&upgrade(&sandbox, "2.0", &["fail"])), text);
    assert_eq!(evaluate(&sandbox, "get init"), "one", "the old version goes on");
}

#[test]
fn lscc_tells_what_is_deployed() {
    let sandbox = sandbox();
    let policy = SignaturePolicy::from_text("OR('Org1MSP.peer')").unwrap();
    let with_policy =
        Definition { policy: Some(policy.envelope().clone()), ..definition("probe", "1.0", &[]) };
    let deployed = as_admin(&sandbox, lscc::deploy(with_policy));
    commit(&sandbox, deployed);
    let user = sandbox.identity("User1").unwrap();
    let ask = |function: &str, args: &[&str]| {
        let args = [&[function], args].concat();
        let proposal = ProposalBuilder::new(CHANNEL, "lscc").args(args);
        sandbox.endorse_as(proposal, &user).unwrap()
    };
    let one = [CHANNEL, "probe"];
    for function in ["getid", "ChaincodeExists"] {
        assert_eq!(ask(function, &one).accepted().unwrap().text(), "probe");
    }
    let code = guest("probe");
    for function in ["getdepspec", "GetDeploymentSpec"] {
        let spec = ask(function, &one).accepted().unwrap().response.payload;
        let spec = protos::ChaincodeDeploymentSpec::decode(spec.as_slice()).unwrap();
        assert!(spec.code_package == code);
    }
    for function in ["getccdata", "GetChaincodeData"] {
        let data = ask(function, &one).accepted().unwrap().response.payload;
        let data = protos::ChaincodeData::decode(data.as_slice()).unwrap();
        assert_eq!((data.name.as_str(), data.version.as_str()), ("probe", "1.0"));
        assert_eq!((data.escc.as_str(), data.vscc.as_str()), ("escc", "vscc"));
        assert_eq!(data.policy, policy.envelope().encode_to_vec());
        let seal = protos::CdsData::decode(data.data.as_slice()).unwrap();
        assert_eq!(seal.hash, sha256(&code));
        assert_eq!(seal.metadatahash, sha256(b"probe1.0"));
    }
    for function in ["getchaincodes", "GetChaincodes"] {
        let list = ask(function, &[]).accepted().unwrap().response.payload;
        let list = protos::ChaincodeQueryResponse::decode(list.as_slice()).unwrap().chaincodes;
        let [found] = &list[..] else { panic!("{list:?}") };
        assert_eq!((found.name.as_str(), found.version.as_str()), ("probe", "1.0"));
        assert_eq!((found.escc.as_str(), found.vscc.as_str()), ("escc", "vscc"));
    }
}

#[test]
fn lscc_refuses_what_it_does_not_know() {
    let sandbox = sandbox();
    let ask = |args: &[&str]| {
        as_admin(&sandbox, ProposalBuilder::new(CHANNEL, "lscc").args(args.iter().copied()))
    };
    for (args, text) in [
        (&[][..], "invalid number of arguments to lscc: 0"),
        (&["getccdata", CHANNEL], "invalid number of arguments to lscc: 2"),
        (&["getchaincodes", "x"], "invalid number of arguments to lscc: 2"),
        (&["deploy", CHANNEL], "invalid number of arguments to lscc: 2"),
        (&["nonsense"], "invalid function to lscc: nonsense"),
        (&["getid", CHANNEL, "none"], "could not find chaincode with name 'none'"),
        (&["getdepspec", CHANNEL, "none"], "could not find chaincode with name 'none'"),
        (
            &["getid", "other", "probe"],
            "access denied for [getid][other]: Failed to get policy manager for channel [other]",
        ),
        (&["deploy", "Other", "x"], "invalid channel name: Other"),
        (&["deploy", "other", "x"], "channel 'other' is not that of the proposal, 'mychannel'"),
        (&["upgrade", "other", "x"], "channel 'other' is not that of the proposal, 'mychannel'"),
        (&["deploy", CHANNEL, ""], "invalid deployment spec: it names no chaincode"),
    ] {
        assert_eq!(refusal(&ask(args)), text);
    }
    let deploy = |spec: protos::ChaincodeDeploymentSpec, rest: &[&[u8]]| {
        let args = [&b"deploy"[..], CHANNEL.as_bytes(), &spec.encode_to_vec()];
        let args = args.iter().chain(rest).map(|arg| arg.to_vec());
        as_admin(&sandbox, ProposalBuilder::new(CHANNEL, "lscc").args(args))
    };
    let probe = || deployment_spec("probe", "1.0", Vec::new());
    let text = "error in simulation: lscc upgrade/deploy should not include a code packages";
    assert_eq!(refusal(&deploy(deployment_spec("probe", "1.0", guest("probe")), &[])), text);
    assert_eq!(
        refusal(&deploy(deployment_spec("a/b", "1.0", Vec::new()), &[])),
        "invalid chaincode name 'a/b'. Names must start with an alphanumeric character and can \
         only consist of alphanumerics, '_', and '-'"
    );
    assert_eq!(
        refusal(&deploy(deployment_spec("lscc", "1.0", Vec::new()), &[])),
        "cannot get package for the chaincode to be instantiated (lscc:1.0)-chaincode lscc:1.0 is \
         not installed on this peer"
    );
    let policy = deploy(probe(), &[&[0xff]]);
    assert_eq!(refusal(&policy), "invalid endorsement policy: not the message of a policy");
    let collections = deploy(probe(), &[b"", b"", b"", b"c"]);
    let text = "invalid collection configuration supplied for probe: failed to decode Protobuf \
                message: invalid varint";
    assert_eq!(refusal(&collections), text);
    let escc = deploy(probe(), &[b"", b"custom"]);
    assert_eq!(commit(&sandbox, escc), TxValidationCode::Valid);
    let endorsed = sandbox.endorse(call("probe", "get k")).unwrap();
    let text = "endorsing with plugin failed: plugin with name custom could not be used: plugin \
                with name custom wasn't found";
    assert_eq!(refusal(&endorsed), text);
}

#[test]
fn a_peer_runs_only_the_package_that_the_channel_agreed_on() {
    let network = Peers::new(&NetworkSpec::default());
    let admin = network.network().org("Org1MSP").unwrap().admin().unwrap();
    let genesis = network.network().genesis(wasmcc_types::ChannelId::parse(CHANNEL).unwrap());
    let genesis = genesis.block().unwrap();
    let join = |packages: &[(&str, &str)]| {
        let peer = network.peer(|_| {});
        let joined = process(&peer, cscc::join(&genesis).sign(&admin).signed).unwrap().response;
        assert_eq!(joined.response.unwrap().status, 200);
        for (name, code) in packages {
            let install = lscc::install(name, "1.0", guest(code)).sign(&admin);
            process(&peer, install.signed).unwrap();
        }
        peer
    };
    let agreed = join(&[("probe", "probe"), ("caller", "probe")]);
    for name in ["probe", "caller"] {
        let deploy = lscc::deploy(definition(name, "1.0", &[]));
        assert_eq!(submit(&agreed, CHANNEL, deploy, &admin), Ok(TxValidationCode::Valid));
    }
    let ledger = |peer: &wasmcc_node::Peer| {
        std::sync::Arc::clone(peer.channels().get(CHANNEL).unwrap().ledger())
    };
    let other = join(&[("probe", "hostile"), ("caller", "probe")]);
    let without = join(&[("caller", "probe")]);
    for peer in [&other, &without] {
        for number in 1..ledger(&agreed).height() {
            let block = ledger(&agreed).block(number).unwrap().unwrap().data.unwrap();
            let envelopes = block.data.iter().map(|e| Message::decode(&e[..]).unwrap());
            peer.committer(CHANNEL).unwrap().commit_envelopes(envelopes.collect()).unwrap();
        }
    }
    let ask = |peer: &wasmcc_node::Peer, name: &str, args: &[&str]| {
        let proposal = ProposalBuilder::new(CHANNEL, name).args(args.iter().copied()).sign(&admin);
        process(peer, proposal.signed).unwrap().response.response.unwrap()
    };
    assert_eq!(ask(&agreed, "caller", &["cc2cc", "probe", "get", "k"]).status, 200);
    for (peer, reason) in [
        (&other, "failed security checks: chaincode fingerprint mismatch: data mismatch"),
        (&without, "failed security checks: chaincode probe:1.0 is not installed on this peer"),
    ] {
        let refused = ask(peer, "probe", &["get", "k"]);
        assert_eq!(refused.status, 500);
        assert_eq!(
            refused.message,
            format!(
                "make sure the chaincode probe has been successfully defined on channel mychannel \
                 and try again: {reason}"
            )
        );
        let called = ask(peer, "caller", &["cc2cc", "probe", "get", "k"]);
        assert_eq!(called.status, 500);
        let end = format!(
            "execute failed: invalid invocation: [channel mychannel] failed to get chaincode \
             container info for probe: {reason}"
        );
        assert!(called.message.ends_with(&end), "{}", called.message);
    }
}

#[test]
fn a_deploy_that_is_refused_is_an_error_of_the_sandbox() {
    let sandbox = sandbox();
    let refused = sandbox.instantiate(lscc::deploy(definition("probe", "9.0", &[])));
    assert!(matches!(refused, Err(SandboxError::Refused(response)) if response.status == 500));
}
