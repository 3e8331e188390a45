//! A peer of this project on another peer's channel: it answers the same proposals and commits the
//! same blocks.

use std::sync::Arc;

use wasmcc_channel::collections::LocalPeers;
use wasmcc_client::cscc;
use wasmcc_committer::{Committer, EndorsementValidator, ValidationFailure, ValidationRequest};
use wasmcc_ledger::CommittedBlock;
use wasmcc_msp::NetworkSpec;
use wasmcc_node::Peer;
use wasmcc_peer::syscc::{APPLICATION_POLICY, Vscc, VsccError};
use wasmcc_types::proto::common::Block;
use wasmcc_types::proto::protos::SignedProposal;

use crate::recording::Answer;
use crate::{Peers, guest, install_code, process};

/// The organization of both peers.
const ORG: &str = "Org1MSP";

/// The peer with its channel.
pub struct Replica {
    peer: Arc<Peer>,
    committer: Committer,
}

impl Replica {
    /// Joins a channel. `endorser` is the other peer, whose private data this one has, too.
    /// `chaincodes` are defined on the channel in version 1.0, each with the component that
    /// replaces it.
    ///
    /// # Errors
    /// The genesis block is invalid.
    pub fn join(
        genesis: &Block,
        endorser: &[u8],
        chaincodes: &[(&str, &str)],
    ) -> Result<Self, String> {
        // The packages of the channel's definitions are missing; in development mode, a component
        // of the same name and version replaces them.
        let peer = Peers::new(&NetworkSpec::default()).peer(|config| {
            config.support.external.dev = true;
            config.ledger.rich_queries = false;
        });
        let admin = peer.network().org(ORG).and_then(|org| org.admin().ok());
        let admin = admin.ok_or("the peer's organization has no admin")?;
        let joined = process(&peer, cscc::join(genesis).sign(&admin).signed);
        let joined = joined.map_err(|error| error.to_string())?.response.response;
        let joined = joined.unwrap_or_default();
        if joined.status != 200 {
            return Err(joined.message);
        }
        for (name, component) in chaincodes {
            install_code(&peer, name, "1.0", &guest(component));
        }
        let channel = peer.channels().ids().into_iter().find_map(|id| peer.channels().get(&id));
        let channel = channel.ok_or("the peer has no channel")?;
        let port = Arc::new(OwnVscc(Vscc::new(Arc::clone(peer.channels()))));
        let committer =
            Committer::new(channel, port).with_peers(LocalPeers::new([(ORG, endorser)]));
        Ok(Self { peer, committer })
    }

    /// Returns the answer to a proposal.
    pub fn answer(&self, signed: SignedProposal) -> Answer {
        let answer = process(&self.peer, signed).map_err(|error| error.to_string());
        Answer::of(answer.map(|processed| processed.response))
    }

    /// Validates and commits a block, ignoring the verdicts in it.
    ///
    /// # Errors
    /// The block is not the next one.
    pub fn commit(&self, block: Block) -> Result<Arc<CommittedBlock>, String> {
        let bare = Block { metadata: None, ..block };
        self.committer.commit(bare).map_err(|error| error.to_string())
    }
}

struct OwnVscc(Vscc);

impl EndorsementValidator for OwnVscc {
    fn validate(&self, request: &ValidationRequest<'_>) -> Result<(), ValidationFailure> {
        let args = [APPLICATION_POLICY.as_bytes(), request.envelope, request.policy];
        self.0.validate(&args.map(<[u8]>::to_vec)).map_err(|error| match error {
            VsccError::Invalid(reason) => ValidationFailure::Policy(reason),
            VsccError::Unavailable(reason) => ValidationFailure::Infrastructure(reason),
        })
    }
}
