//! A ledger without a peer: blocks of transactions that a client signed and that no chaincode made.

use std::path::Path;
use std::sync::Arc;

use prost::Message;
use wasmcc_client as client;
use wasmcc_client::ProposalBuilder;
use wasmcc_ledger::{
    CommitTx, Ledger, LedgerConfig, Ledgers, NoCollections, Simulator, TxEnvelope, header_hash,
    new_block,
};
use wasmcc_msp::{Network, NetworkSpec, SigningIdentity};
use wasmcc_types::ChannelId;
use wasmcc_types::proto::common::Block;
use wasmcc_types::proto::protos;

/// The namespace that `Chain::block` writes to.
pub(crate) const NAMESPACE: &str = "cc";
const CHANNEL: &str = "mychannel";

pub(crate) struct Chain {
    pub ledger: Arc<Ledger>,
    user: SigningIdentity,
    // Dropped last.
    _ledgers: Ledgers,
}

impl Chain {
    /// Opens the ledger in `dir`, or creates it.
    pub(crate) fn open(dir: &Path, config: LedgerConfig) -> Self {
        let ledgers = Ledgers::open(dir, config).unwrap();
        let network = Network::in_memory(&NetworkSpec::default()).unwrap();
        let ledger = ledgers.get(CHANNEL).unwrap_or_else(|| {
            let genesis = network.genesis(ChannelId::parse(CHANNEL).unwrap());
            ledgers.create(&genesis.block().unwrap()).unwrap()
        });
        let user = network.orgs().first().unwrap().user("User1").unwrap();
        Self { ledger, user, _ledgers: ledgers }
    }

    /// Returns the next block of `txs` transactions; `simulate` runs one of them.
    pub(crate) fn block(&self, txs: usize, simulate: impl Fn(&mut Simulator, usize)) -> Block {
        let number = self.ledger.height();
        let tip = self.ledger.block(number - 1).unwrap().unwrap().header.unwrap();
        let envelopes = (0..txs).map(|index| {
            let proposal = ProposalBuilder::new(CHANNEL, NAMESPACE).args(["call"]);
            let proposal = proposal.sign(&self.user);
            let mut simulator = self.ledger.simulator(&proposal.tx_id);
            simulate(&mut simulator, index);
            let results = simulator.finish().public.encode();
            self.envelope(&proposal.signed, results)
        });
        new_block(number, header_hash(&tip).to_vec(), envelopes.collect())
    }

    /// Returns a transaction as a client submits it. Endorsement and signature are invalid, since
    /// they are not checked.
    fn envelope(&self, proposal: &protos::SignedProposal, results: Vec<u8>) -> Vec<u8> {
        let id = protos::ChaincodeId { name: NAMESPACE.into(), ..Default::default() };
        let action = protos::ChaincodeAction {
            results,
            events: Vec::new(),
            response: Some(protos::Response { status: 200, ..Default::default() }),
            chaincode_id: Some(id),
        };
        let payload = protos::ProposalResponsePayload {
            proposal_hash: vec![0; 32],
            extension: action.encode_to_vec(),
        };
        let response = protos::ProposalResponse {
            version: 1,
            response: action.response.clone(),
            payload: payload.encode_to_vec(),
            endorsement: Some(protos::Endorsement {
                endorser: self.user.serialized().to_vec(),
                signature: vec![0; 71],
            }),
            ..Default::default()
        };
        let mut envelope = client::transaction(proposal, &[response]).unwrap();
        envelope.signature = vec![0; 71];
        envelope.encode_to_vec()
    }

    /// Reads, validates and stores a block like a committer, without signatures and policies.
    /// Returns the number of valid transactions.
    pub(crate) fn commit(&self, block: Block) -> usize {
        let txs = block.data.as_ref().unwrap().data.iter().map(|bytes| {
            let envelope = TxEnvelope::parse(bytes).unwrap();
            CommitTx {
                tx_id: Some(envelope.channel_header.tx_id.clone()),
                code: protos::TxValidationCode::Valid,
                rwset: envelope.rwset().unwrap(),
            }
        });
        let txs = txs.collect();
        let committed = self.ledger.commit(block, txs, &NoCollections).unwrap();
        committed.codes().iter().filter(|code| **code == protos::TxValidationCode::Valid).count()
    }
}
