//! Two peers of one organization that get the same proposals. On one a chaincode is a component, on
//! the other it is a program on another project's shim, or a component in another language.
//!
//! Invariant: every answer of the two peers is compared.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test cannot go on without its peers")]

use std::sync::Arc;

use wasmcc_client as client;
use wasmcc_client::lscc::{self, Definition};
use wasmcc_client::{ClientProposal, ProposalBuilder, cscc};
use wasmcc_ledger::TxRwSet;
use wasmcc_msp::{NetworkSpec, SigningIdentity};
use wasmcc_node::Peer;
use wasmcc_node::sandbox::CHANNEL;
use wasmcc_types::ChannelId;
use wasmcc_types::proto::protos::{self, TxValidationCode};

use crate::foreign::RUNTIME;
use crate::{ExternalChaincode, Peers, Program, Served, guest, process, trusting};

/// The direction of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// `protos.ChaincodeSupport/Register`.
    ChaincodeConnects,
    /// `protos.Chaincode/Connect`: chaincode as a service.
    PeerConnects,
}

/// The chaincode in both forms, and its definition.
pub struct Twins {
    /// The component.
    pub component: Vec<u8>,
    /// The other form.
    pub program: Program,
    /// The definition on the channel [`CHANNEL`].
    pub definition: Definition,
}

impl Twins {
    /// Returns version 1.0 of `name`, deployed with `init_args`.
    pub fn new(name: &str, component: Vec<u8>, program: Program, init_args: &[&str]) -> Self {
        let definition = Definition {
            init_args: init_args.iter().map(|arg| arg.as_bytes().to_vec()).collect(),
            ..definition(name)
        };
        Self { component, program, definition }
    }
}

/// Two peers with the chaincode in both forms.
pub struct Pair {
    /// The peer whose chaincode is a component.
    pub wasm: Arc<Peer>,
    /// The peer whose chaincode is a process, or another component.
    pub other: Arc<Peer>,
    /// The client.
    pub user: SigningIdentity,
    name: String,
    chaincode: Option<ExternalChaincode>,
    _served: Option<Served>,
}

impl Pair {
    /// Deploys `component` on one peer and `other` on the other one.
    pub fn of_components(definition: Definition, component: Vec<u8>, other: Vec<u8>) -> Self {
        let network = Peers::new(&NetworkSpec::default());
        let members = network.network();
        let org = members.org("Org1MSP").unwrap();
        let admin = org.admin().unwrap();
        let genesis = members.genesis(ChannelId::parse(CHANNEL).unwrap()).block().unwrap();
        let [wasm, other] = [component, other].map(|code| {
            let peer = network.peer(|config| config.runtime = Some(Arc::clone(&RUNTIME)));
            process(&peer, cscc::join(&genesis).sign(&admin).signed).unwrap();
            install(&peer, &definition, code, &admin);
            peer
        });
        let user = org.user("User1").unwrap();
        let name = definition.name.clone();
        let this = Self { wasm, other, user, name, chaincode: None, _served: None };
        this.instantiate(definition, &admin);
        this
    }

    /// Deploys the chaincode on both peers.
    pub fn new(mode: Mode, twins: Twins) -> Self {
        let network = Peers::new(&NetworkSpec::default());
        let members = network.network();
        let org = members.org("Org1MSP").unwrap();
        let admin = org.admin().unwrap();
        let genesis = members.genesis(ChannelId::parse(CHANNEL).unwrap()).block().unwrap();
        let [wasm, other] = [(), ()].map(|()| {
            let peer = network.peer(|config| {
                config.support.external = trusting();
            });
            process(&peer, cscc::join(&genesis).sign(&admin).signed).unwrap();
            peer
        });
        let served = Served::start(Arc::clone(&other));
        let Twins { component, program, definition } = twins;
        let ccid = format!("{}:{}", definition.name, definition.version);
        let mut chaincode = None;
        let description = match mode {
            Mode::ChaincodeConnects => r#"{"external": true}"#.to_owned(),
            Mode::PeerConnects => {
                let chaincode = chaincode.insert(ExternalChaincode::serve(program, &ccid, 0));
                let address = chaincode.address();
                format!(r#"{{"address": "{address}", "dial_timeout": "10s"}}"#)
            }
        };
        install(&wasm, &definition, component, &admin);
        install(&other, &definition, description.into_bytes(), &admin);
        let connect = || ExternalChaincode::connect(program, &ccid, served.address());
        let chaincode = chaincode.unwrap_or_else(connect);
        let user = org.user("User1").unwrap();
        let name = definition.name.clone();
        let (chaincode, _served) = (Some(chaincode), Some(served));
        let this = Self { wasm, other, user, name, chaincode, _served };
        this.instantiate(definition, &admin);
        this
    }

    /// Returns the process id of the chaincode that is a program.
    pub fn process(&self) -> Option<u32> {
        self.chaincode.as_ref().map(ExternalChaincode::id)
    }

    /// Deploys a component on both peers.
    pub fn deploy_component(&self, name: &str, component: &str) {
        let admin = self.wasm.network().org("Org1MSP").unwrap().admin().unwrap();
        let definition = definition(name);
        for peer in [&self.wasm, &self.other] {
            install(peer, &definition, guest(component), &admin);
        }
        self.instantiate(definition, &admin);
    }

    fn instantiate(&self, definition: Definition, admin: &SigningIdentity) {
        let deploy = lscc::deploy(definition).sign(admin);
        for peer in [&self.wasm, &self.other] {
            let deployed = process(peer, deploy.signed.clone()).unwrap().response;
            commit(peer, &deploy, deployed, admin);
        }
    }

    /// Returns a call of the chaincode, written as on a command line; `''` is an empty argument.
    pub fn propose(&self, line: &str) -> ClientProposal {
        self.propose_to(&self.name, line)
    }

    /// Returns a call of any chaincode of both peers.
    pub fn propose_to(&self, name: &str, line: &str) -> ClientProposal {
        let words = line.split(' ').map(|word| if word == "''" { "" } else { word });
        ProposalBuilder::new(CHANNEL, name).args(words).sign(&self.user)
    }

    /// Returns the common answer of both peers; response, reads, writes and event must be equal,
    /// byte for byte.
    #[track_caller]
    pub fn same(&self, proposal: &ClientProposal, line: &str) -> protos::ProposalResponse {
        let [wasm, other] = [&self.wasm, &self.other]
            .map(|peer| process(peer, proposal.signed.clone()).unwrap().response);
        assert_eq!(readable(&other), readable(&wasm), "{line}");
        assert_eq!(other.response, wasm.response, "{line}");
        assert!(other.payload == wasm.payload, "{line}: {:?}", (rwset(&other), rwset(&wasm)));
        assert_eq!(other.interest, wasm.interest, "{line}");
        other
    }

    /// Returns the common answer of both peers to an evaluation.
    #[track_caller]
    pub fn evaluate(&self, line: &str) -> protos::Response {
        self.same(&self.propose(line), line).response.unwrap()
    }

    /// Returns the payload of a success.
    #[track_caller]
    pub fn text(&self, line: &str) -> String {
        let response = self.evaluate(line);
        assert_eq!(response.status, 200, "{line}: {}", response.message);
        String::from_utf8(response.payload).unwrap()
    }

    /// Returns the message of a failure.
    #[track_caller]
    pub fn refused(&self, line: &str) -> String {
        let response = self.evaluate(line);
        assert_eq!(response.status, 500, "{line}");
        response.message
    }

    /// Both peers endorse and commit a call.
    #[track_caller]
    pub fn submit(&self, line: &str) -> protos::ProposalResponse {
        self.submit_to(&self.name, line)
    }

    /// Both peers endorse and commit a call of any of their chaincodes.
    #[track_caller]
    pub fn submit_to(&self, name: &str, line: &str) -> protos::ProposalResponse {
        let proposal = self.propose_to(name, line);
        let response = self.same(&proposal, line);
        self.commit(&proposal, &response);
        response
    }

    /// Both peers commit their own endorsement.
    #[track_caller]
    pub fn commit(&self, proposal: &ClientProposal, response: &protos::ProposalResponse) {
        for peer in [&self.wasm, &self.other] {
            commit(peer, proposal, response.clone(), &self.user);
        }
    }
}

/// Returns a response in readable form.
fn readable(response: &protos::ProposalResponse) -> Option<(i32, &str, String)> {
    let response = response.response.as_ref()?;
    let payload = String::from_utf8_lossy(&response.payload).into_owned();
    Some((response.status, &response.message, payload))
}

/// Returns the reads and writes of an endorsement.
pub fn rwset(response: &protos::ProposalResponse) -> Option<TxRwSet> {
    let action = client::chaincode_action(&response.payload).ok()?;
    TxRwSet::decode(&action.results).ok()
}

/// Returns version 1.0 of a chaincode on the channel [`CHANNEL`].
pub fn definition(name: &str) -> Definition {
    Definition {
        channel_id: CHANNEL.into(),
        name: name.into(),
        version: "1.0".into(),
        ..Definition::default()
    }
}

#[track_caller]
fn install(peer: &Peer, definition: &Definition, code: Vec<u8>, admin: &SigningIdentity) {
    let install = lscc::install(&definition.name, &definition.version, code).sign(admin);
    let installed = process(peer, install.signed).unwrap().response.response.unwrap();
    assert_eq!(installed.status, 200, "{}", installed.message);
}

#[track_caller]
fn commit(
    peer: &Peer,
    proposal: &ClientProposal,
    response: protos::ProposalResponse,
    signer: &SigningIdentity,
) {
    let said = response.response.clone();
    let envelope = client::transaction(&proposal.signed, &[response]);
    let envelope = envelope.unwrap_or_else(|error| panic!("{error}: {said:?}"));
    let committer = peer.committer(CHANNEL).unwrap();
    let block = committer.commit_envelopes(vec![client::sign_envelope(envelope, signer)]);
    assert_eq!(block.unwrap().codes(), [TxValidationCode::Valid]);
}
