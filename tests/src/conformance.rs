//! The same component in a peer's own process and behind streams.
//!
//! Each [`Doors`] has one peer for each way of running a component. All belong to one network and
//! get the same signed proposals and the same blocks. So the endorsed bytes must be the same.
//!
//! Invariant: an answer is returned only if all peers gave it.

mod answer;
mod door;

use std::thread;

use wasmcc_client as client;
use wasmcc_client::{ProposalBuilder, lscc};
use wasmcc_ledger::TxRwSet;
use wasmcc_msp::{NetworkSpec, SigningIdentity};
use wasmcc_node::PeerConfig;
use wasmcc_peer::chaincode::Files;
use wasmcc_types::proto::protos::{self, TxValidationCode};

pub use answer::Answer;

use crate::conformance::answer::{Meaning, Words};
use crate::conformance::door::{Door, WAYS};
use crate::peers::{Peers, process};

/// The default channel of calls.
pub const CHANNEL: &str = "mychannel";
/// Another channel, with the same chaincodes.
pub const OTHER_CHANNEL: &str = "yourchannel";

/// The deployment on the peers.
#[derive(Clone, Copy)]
pub struct Deployment<'a> {
    /// The number of organizations of the network; all peers belong to the first.
    pub orgs: usize,
    /// The names of the chaincodes with their components.
    pub chaincodes: &'a [(&'a str, &'a str)],
    /// The channels of all chaincodes.
    pub channels: &'a [&'a str],
    /// The collections of all chaincodes: JSON in the form of Fabric's tools.
    pub collections: Option<&'a str>,
    /// The indexes of all chaincodes: files below `META-INF/statedb/couchdb`, and their contents.
    pub indexes: &'a [(&'a str, &'a str)],
    /// Changes the peers' configuration.
    pub adjust: fn(&mut PeerConfig),
}

impl Default for Deployment<'_> {
    /// Returns the probe as `probe` on one channel of one organization.
    fn default() -> Self {
        Self {
            orgs: 1,
            chaincodes: &[("probe", "probe")],
            channels: &[CHANNEL],
            collections: None,
            indexes: &[],
            adjust: |_| {},
        }
    }
}

/// The peers.
pub struct Doors {
    doors: Vec<Door>,
    client: SigningIdentity,
    network: Peers,
}

impl Doors {
    /// Returns peers with the probe as `probe` on one channel.
    pub fn new() -> Self {
        Self::of(Deployment::default())
    }

    /// Returns peers with chaincodes, each a name and its component, on each of the channels.
    pub fn with(chaincodes: &[(&str, &str)], channels: &[&str]) -> Self {
        Self::of(Deployment { chaincodes, channels, ..Deployment::default() })
    }

    /// Returns peers with a complete deployment.
    pub fn of(deployment: Deployment<'_>) -> Self {
        let network = Peers::new(&NetworkSpec::with_orgs(deployment.orgs));
        let open = |way| Door::open(&network, way, deployment.adjust);
        let doors: Vec<Door> = thread::scope(|scope| {
            let doors = WAYS.map(|way| {
                scope.spawn(move || {
                    let mut door = open(way);
                    door.deploy(way.1, deployment);
                    door
                })
            });
            doors.into_iter().map(|door| door.join().expect("it opens")).collect()
        });
        let client = crate::user(&doors[0].peer);
        Self { doors, client, network }
    }

    /// All peers process a call of `probe`, written as on a command line.
    #[track_caller]
    pub fn ask(&self, line: &str) -> Answer {
        self.propose(probe(line))
    }

    /// All peers process a call of `probe`, which must return a status below 400.
    #[track_caller]
    pub fn text(&self, line: &str) -> String {
        let answer = self.ask(line);
        assert!(answer.response.status < 400, "{line}: {:?}", answer.response);
        answer.text()
    }

    /// All peers process a call of `probe`, which must be refused; returns the message.
    #[track_caller]
    pub fn refusal(&self, line: &str) -> String {
        let answer = self.ask(line);
        assert!(answer.response.status >= 400, "{line}: {:?}", answer.response);
        answer.response.message
    }

    /// All peers process and commit a call of `probe`.
    #[track_caller]
    pub fn submit(&self, line: &str) -> Answer {
        let answer = self.ask(line);
        assert_eq!(answer.response.status, 200, "{line}: {}", answer.response.message);
        self.commit(&answer);
        answer
    }

    /// All peers process one proposal; their answers must be equal.
    #[track_caller]
    pub fn propose(&self, proposal: ProposalBuilder) -> Answer {
        self.compare(proposal, &self.client, None)
    }

    /// As [`propose`](Self::propose), by `User1` of an organization.
    #[track_caller]
    pub fn propose_as(&self, msp_id: &str, proposal: ProposalBuilder) -> Answer {
        self.compare(proposal, &self.user_of(msp_id), None)
    }

    /// As [`propose`](Self::propose), for refusals whose texts differ between peers: `words` maps
    /// the messages before the comparison.
    #[track_caller]
    pub fn propose_in_other_words(
        &self,
        proposal: ProposalBuilder,
        words: fn(&str) -> String,
    ) -> Answer {
        self.compare(proposal, &self.client, Some(words))
    }

    /// As [`propose_in_other_words`](Self::propose_in_other_words), by `User1` of an organization.
    #[track_caller]
    pub fn propose_in_other_words_as(
        &self,
        msp_id: &str,
        proposal: ProposalBuilder,
        words: fn(&str) -> String,
    ) -> Answer {
        self.compare(proposal, &self.user_of(msp_id), Some(words))
    }

    fn user_of(&self, msp_id: &str) -> SigningIdentity {
        let network = self.network.network();
        let org = network.org(msp_id).expect("the network has it");
        org.user("User1").expect("every network has this user")
    }

    #[track_caller]
    fn compare(
        &self,
        proposal: ProposalBuilder,
        signer: &SigningIdentity,
        words: Option<Words>,
    ) -> Answer {
        let proposal = proposal.sign(signer);
        let signed = &proposal.signed;
        let responses: Vec<protos::ProposalResponse> = thread::scope(|scope| {
            let asked = self.doors.iter().map(|door| {
                scope.spawn(|| {
                    let processed = process(&door.peer, signed.clone());
                    processed.expect("it is a good proposal").response
                })
            });
            let asked: Vec<_> = asked.collect();
            asked.into_iter().map(|answer| answer.join().expect("it answers")).collect()
        });
        let (here, others) = responses.split_first().expect("there are peers");
        for (door, other) in self.doors.iter().skip(1).zip(others) {
            let (seen, expected) = (Meaning::of(other, words), Meaning::of(here, words));
            // The bytes are compared; the decoded form is easier to read.
            assert_eq!(seen, expected, "{}", door.name);
            if words.is_none() {
                assert_eq!(other.payload, here.payload, "{}", door.name);
            }
        }
        Answer {
            tx_id: proposal.tx_id.to_string(),
            response: here.response.clone().unwrap_or_default(),
            payload: here.payload.clone(),
            proposal,
            responses,
        }
    }

    /// Installs a chaincode and runs its `init` on all peers; nothing is committed. A definition
    /// names the installed package, which differs between peers. So only the answer and the effects
    /// of `init` itself are compared.
    #[track_caller]
    pub fn init(&mut self, name: &str, guest: &str, args: &[&str]) -> protos::Response {
        let definition = lscc::Definition {
            channel_id: CHANNEL.to_owned(),
            name: name.to_owned(),
            version: "1.0".to_owned(),
            init_args: args.iter().map(|arg| arg.as_bytes().to_vec()).collect(),
            ..lscc::Definition::default()
        };
        let component = crate::guest(guest);
        let network = self.network.network();
        let admin = network.org("Org1MSP").and_then(|org| org.admin().ok());
        let deploy = lscc::deploy(definition).sign(&admin.expect("the network has one")).signed;
        let answers = self.doors.iter_mut().zip(WAYS).map(|(door, (_, way, _))| {
            door.install(way, name, &component, Files::new());
            let answer = process(&door.peer, deploy.clone()).expect("it is a good proposal");
            let answer = answer.response;
            let protos::Response { status, message, .. } = answer.response.unwrap_or_default();
            let action = client::chaincode_action(&answer.payload).ok();
            let rwset = action.and_then(|action| TxRwSet::decode(&action.results).ok());
            let own = rwset.and_then(|mut rwset| rwset.namespaces.remove(name));
            (door.name, protos::Response { status, message, payload: Vec::new() }, own)
        });
        let answers: Vec<_> = answers.collect();
        for (door, response, own) in &answers {
            assert_eq!((response, own), (&answers[0].1, &answers[0].2), "{door}");
        }
        answers[0].1.clone()
    }

    /// All peers commit their own endorsement, in a block of its own.
    #[track_caller]
    pub fn commit(&self, answer: &Answer) {
        self.commit_as(answer, TxValidationCode::Valid);
    }

    /// As [`commit`](Self::commit), with another expected verdict.
    #[track_caller]
    pub fn commit_as(&self, answer: &Answer, verdict: TxValidationCode) {
        for (door, response) in self.doors.iter().zip(&answer.responses) {
            let responses = std::slice::from_ref(response);
            let envelope = client::transaction(&answer.proposal.signed, responses);
            let envelope = client::sign_envelope(envelope.expect("it is endorsed"), &self.client);
            let committer = door.peer.committer(CHANNEL).expect("the peer is on the channel");
            let block = committer.commit_envelopes(vec![envelope]).expect("the disk is there");
            assert_eq!(block.codes(), [verdict], "{}", door.name);
        }
    }
}

impl Default for Doors {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns a call of `probe`, written as on a command line; `''` is an empty argument.
pub fn probe(line: &str) -> ProposalBuilder {
    let words = line.split(' ').map(|word| if word == "''" { "" } else { word });
    ProposalBuilder::new(CHANNEL, "probe").args(words)
}
