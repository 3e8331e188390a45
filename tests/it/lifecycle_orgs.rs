//! `_lifecycle` on a channel of several organizations, each with its own peer: an organization
//! approves for itself, and a commit needs a majority.

use std::sync::Arc;

use prost::Message;
use wasmcc_client as client;
use wasmcc_client::ProposalBuilder;
use wasmcc_client::lifecycle::{self, ChaincodeDefinition};
use wasmcc_msp::{NetworkSpec, SigningIdentity};
use wasmcc_node::Peer;
use wasmcc_tests::{Peers, create_channel, package, process};
use wasmcc_types::proto::common::Envelope;
use wasmcc_types::proto::lifecycle::CheckCommitReadinessResult;
use wasmcc_types::proto::protos::{ProposalResponse, TxValidationCode};

const CHANNEL: &str = "ch";

/// The peers of the organizations, which see the same transactions.
struct Members {
    peers: Vec<(Arc<Peer>, SigningIdentity)>,
}

impl Members {
    fn new(orgs: usize) -> Self {
        let network = Peers::new(&NetworkSpec::with_orgs(orgs));
        let peers = (1..=orgs).map(|number| {
            let org = format!("Org{number}MSP");
            let peer = network.peer(|config| config.org.clone_from(&org));
            create_channel(&peer, CHANNEL);
            let admin = network.network().org(&org).unwrap().admin().unwrap();
            (peer, admin)
        });
        Self { peers: peers.collect() }
    }

    /// Returns the answers of some peers to a proposal of the first one's admin.
    fn endorse(
        &self,
        by: &[usize],
        proposal: ProposalBuilder,
    ) -> (Vec<ProposalResponse>, Envelope) {
        let signer = &self.peers[by[0]].1;
        let proposal = proposal.sign(signer);
        let responses: Vec<_> = by
            .iter()
            .map(|&peer| process(&self.peers[peer].0, proposal.signed.clone()).unwrap().response)
            .collect();
        let envelope = client::transaction(&proposal.signed, &responses);
        let envelope = envelope.map(|envelope| client::sign_envelope(envelope, signer));
        (responses, envelope.unwrap_or_default())
    }

    /// Some peers endorse, all commit.
    fn submit(&self, by: &[usize], proposal: ProposalBuilder) -> TxValidationCode {
        let (_, envelope) = self.endorse(by, proposal);
        let codes = self.peers.iter().map(|(peer, _)| {
            let committer = peer.committer(CHANNEL).unwrap();
            committer.commit_envelopes(vec![envelope.clone()]).unwrap().codes()[0]
        });
        let codes: Vec<_> = codes.collect();
        assert!(codes.iter().all(|code| *code == codes[0]), "{codes:?}");
        codes[0]
    }

    /// Returns who approved this according to both peers, and the differences of the others.
    fn readiness(&self, definition: &ChaincodeDefinition) -> Vec<(bool, Vec<String>)> {
        let answers = [0, 1].map(|peer| {
            let proposal = lifecycle::check_commit_readiness(definition.clone());
            let (responses, _) = self.endorse(&[peer], proposal);
            let payload = responses[0].response.clone().unwrap().payload;
            CheckCommitReadinessResult::decode(payload.as_slice()).unwrap()
        });
        assert_eq!(answers[0], answers[1]);
        let CheckCommitReadinessResult { approvals, mut mismatches } = answers[0].clone();
        let found = approvals.into_iter().map(|(org, approved)| {
            (approved, mismatches.remove(&org).map(|found| found.items).unwrap_or_default())
        });
        found.collect()
    }
}

fn definition(version: &str) -> ChaincodeDefinition {
    ChaincodeDefinition {
        channel_id: CHANNEL.into(),
        name: "probe".into(),
        version: version.into(),
        sequence: 1,
        ..Default::default()
    }
}

#[test]
fn a_definition_takes_the_approval_and_endorsement_of_most_organizations() {
    let both = Members::new(2);
    let package = package("probe", "probe_1", &[]);
    let id = wasmcc_peer::chaincode::package_id(&package).unwrap();
    let (installed, _) = both.endorse(&[0], lifecycle::install(package));
    assert_eq!(installed[0].response.as_ref().unwrap().status, 200);
    let (one, two) = (definition("1"), definition("2"));
    let none = || (false, vec!["ChaincodeParameters".to_owned()]);
    assert_eq!(both.readiness(&one), [none(), none()]);

    let valid = TxValidationCode::Valid;
    assert_eq!(both.submit(&[0], lifecycle::approve(one.clone(), Some(&id))), valid);
    assert_eq!(both.readiness(&one), [(true, vec![]), none()]);
    // The second organization approves something else, then the same.
    assert_eq!(both.submit(&[1], lifecycle::approve(two.clone(), None)), valid);
    let other = (false, vec!["EndorsementInfo".to_owned()]);
    assert_eq!(both.readiness(&one), [(true, vec![]), other.clone()]);
    assert_eq!(both.readiness(&two), [other, (true, vec![])]);
    let (refused, _) = both.endorse(&[1], lifecycle::commit(one.clone()));
    let text = refused[0].response.clone().unwrap().message;
    assert!(text.ends_with("chaincode definition not agreed to by this org (Org2MSP)"), "{text}");

    // The first one cannot commit alone, even with its peer's endorsement.
    let failed = TxValidationCode::EndorsementPolicyFailure;
    assert_eq!(both.submit(&[0], lifecycle::commit(one.clone())), failed);
    assert_eq!(both.submit(&[1], lifecycle::approve(one.clone(), None)), valid);
    assert_eq!(both.readiness(&one), [(true, vec![]), (true, vec![])]);
    assert_eq!(both.submit(&[0, 1], lifecycle::commit(one)), valid);

    // Each organization runs its own choice.
    let call = || ProposalBuilder::new(CHANNEL, "probe").args(["noop"]);
    let (answered, _) = both.endorse(&[0], call());
    assert_eq!(answered[0].response.as_ref().unwrap().status, 200, "{answered:?}");
    let (refused, _) = both.endorse(&[1], call());
    let text = refused[0].response.clone().unwrap().message;
    let expected = "chaincode definition for 'probe' exists, but chaincode is not installed";
    assert!(text.ends_with(expected), "{text}");
}

/// As in Fabric 2.5, the text has the requested sequence; 0: none was requested.
#[test]
fn who_has_not_approved_what_is_committed_has_no_approval() {
    let members = Members::new(3);
    let valid = TxValidationCode::Valid;
    for member in [0, 1] {
        assert_eq!(members.submit(&[member], lifecycle::approve(definition("1"), None)), valid);
    }
    assert_eq!(members.submit(&[0, 1], lifecycle::commit(definition("1"))), valid);
    for sequence in [0, 1] {
        let ask = lifecycle::query_approved(CHANNEL, "probe", sequence);
        let (refused, _) = members.endorse(&[2], ask);
        let text = refused[0].response.clone().unwrap().message;
        let end = format!("(name: 'probe', sequence: '{sequence}') on channel 'ch'");
        assert!(text.ends_with(&end), "{text}");
    }
}

#[test]
fn nobody_approves_for_another_organization() {
    let both = Members::new(2);
    let approve = || lifecycle::approve(definition("1"), None).sign(&both.peers[1].1);
    let refused = process(&both.peers[0].0, approve().signed).unwrap().response;
    let text = refused.response.unwrap().message;
    assert!(text.starts_with("Failed to authorize invocation due to failed ACL check"), "{text}");
}
