//! The number of signature verifications: one per signature, however often a peer checks it.

use std::sync::Arc;

use wasmcc_client::gateway::commit_status_request;
use wasmcc_client::{ProposalBuilder, sign_envelope};
use wasmcc_msp::{Identity, SigningIdentity};
use wasmcc_node::sandbox::{CHANNEL, Sandbox};
use wasmcc_tests::{Served, guest};
use wasmcc_types::proto::gateway::gateway_client::GatewayClient;
use wasmcc_types::proto::gateway::{EndorseRequest, EvaluateRequest, SubmitRequest};
use wasmcc_types::proto::protos::{SignedProposal, TxValidationCode};

/// A served peer and a client, whose keys no other test uses.
struct Site {
    sandbox: Sandbox,
    served: Served,
    user: Arc<SigningIdentity>,
}

impl Site {
    fn new() -> Self {
        let sandbox = Sandbox::new().unwrap();
        sandbox.deploy("probe", &guest("probe")).unwrap();
        let served = Served::start(Arc::clone(sandbox.peer()));
        let user = sandbox.identity("User1").unwrap();
        Self { sandbox, served, user }
    }

    /// Returns the channel's identity, with its counter.
    fn identity(&self, serialized: &[u8]) -> Arc<Identity> {
        let channel = self.sandbox.peer().channels().get(CHANNEL).unwrap();
        channel.config().msps().deserialize(serialized).unwrap()
    }

    /// Returns the number of verified signatures of the user and of the peer.
    fn verifications(&self) -> (u64, u64) {
        let peer = self.sandbox.peer().network().orgs()[0].peer().unwrap();
        let of = |serialized: &[u8]| self.identity(serialized).verifications();
        (of(self.user.serialized()), of(peer.serialized()))
    }

    fn proposal(&self, line: &[&str]) -> (String, SignedProposal) {
        let proposal = ProposalBuilder::new(CHANNEL, "probe").args(line.iter().copied());
        let proposal = proposal.sign(&self.user);
        (proposal.tx_id.to_string(), proposal.signed)
    }

    fn gateway(&self) -> GatewayClient<tonic::transport::Channel> {
        GatewayClient::new(self.served.connect())
    }
}

#[test]
fn a_submit_of_one_organization_computes_each_signature_once() {
    let site = Site::new();
    let mut gateway = site.gateway();
    assert_eq!(site.verifications(), (0, 0));
    let (transaction_id, signed) = site.proposal(&["put", "k", "v"]);
    let channel_id = CHANNEL.to_owned();
    site.served.wait(async {
        let request = EndorseRequest {
            transaction_id: transaction_id.clone(),
            channel_id: channel_id.clone(),
            proposed_transaction: Some(signed),
            endorsing_organizations: Vec::new(),
        };
        let endorsed = gateway.endorse(request).await.unwrap().into_inner();
        assert_eq!(site.verifications(), (1, 0), "the proposal");

        let envelope = sign_envelope(endorsed.prepared_transaction.unwrap(), &site.user);
        let request = SubmitRequest {
            transaction_id: transaction_id.clone(),
            channel_id: channel_id.clone(),
            prepared_transaction: Some(envelope),
        };
        gateway.submit(request).await.unwrap();
        assert_eq!(site.verifications().0, 2, "the envelope, by the orderer");

        let request = commit_status_request(CHANNEL, &transaction_id, &site.user);
        for _ in 0..3 {
            let status = gateway.commit_status(request.clone()).await.unwrap().into_inner();
            assert_eq!(status.result, i32::from(TxValidationCode::Valid));
        }
    });
    // The validator has checked the envelope again, and the peer's own endorsement.
    assert_eq!(site.verifications(), (3, 0), "and one request for the status");
}

#[test]
fn a_forged_copy_of_a_signed_request_is_refused_after_the_original() {
    let site = Site::new();
    let mut gateway = site.gateway();
    let (_, signed) = site.proposal(&["noop"]);
    let evaluate = |proposal: SignedProposal| EvaluateRequest {
        proposed_transaction: Some(proposal),
        ..EvaluateRequest::default()
    };
    site.served.wait(async {
        gateway.evaluate(evaluate(signed.clone())).await.unwrap();
        gateway.evaluate(evaluate(signed.clone())).await.unwrap();
        assert_eq!(site.verifications().0, 1);
        let mut other_bytes = signed.clone();
        let at = other_bytes.proposal_bytes.windows(4).rposition(|word| word == b"noop").unwrap();
        other_bytes.proposal_bytes[at] = b'N';
        let mut other_signature = signed.clone();
        *other_signature.signature.last_mut().unwrap() ^= 1;
        for forged in [other_bytes, other_signature] {
            let status = gateway.evaluate(evaluate(forged)).await.unwrap_err();
            assert!(status.message().contains("access denied"), "{status}");
        }
        assert_eq!(site.verifications().0, 3);
    });
}
