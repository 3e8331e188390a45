//! Shared by the tests: a channel of two organizations, and transactions with valid endorsements
//! that can be spoiled at every level.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use prost::Message;

use crate::{CommitError, Committer, EndorsementValidator, ValidationFailure, ValidationRequest};
use wasmcc_channel::definition::Validator;
use wasmcc_channel::vscc::{APPLICATION_POLICY, Vscc, VsccError};
use wasmcc_channel::{Channel, Channels};
use wasmcc_ledger::{CollectionRwSet, CommittedBlock, LedgerConfig, Ledgers, NsRwSet, TxRwSet};
use wasmcc_msp::{BatchLimits, Network, NetworkSpec, SignaturePolicy, SigningIdentity};
use wasmcc_types::proto::common::{
    Block, ChannelHeader, ConfigEnvelope, ConfigGroup, Envelope, Header, HeaderType, Payload,
    SignatureHeader,
};
use wasmcc_types::proto::kvrwset::range_query_info::ReadsInfo;
use wasmcc_types::proto::kvrwset::{
    KvMetadataEntry, KvMetadataWrite, KvMetadataWriteHash, KvRead, KvWrite, KvWriteHash,
    QueryReads, RangeQueryInfo, Version,
};
use wasmcc_types::proto::protos::{
    ChaincodeAction, ChaincodeActionPayload, ChaincodeData, ChaincodeEndorsedAction,
    ChaincodeHeaderExtension, ChaincodeId, ChaincodeInput, ChaincodeInvocationSpec,
    ChaincodeProposalPayload, ChaincodeSpec, Endorsement, ProposalResponsePayload, Transaction,
    TransactionAction, TxValidationCode,
};
use wasmcc_types::{ChannelId, Height, sha256, sha256_all};

pub(crate) const CHANNEL: &str = "mychannel";
/// A chaincode that `Fixture::define_basic` defines.
pub(crate) const CC: &str = "basic";

/// A validator that answers with a function.
pub(crate) struct Port<F>(pub(crate) F);

impl<F> EndorsementValidator for Port<F>
where
    F: Fn(&ValidationRequest<'_>) -> Result<(), ValidationFailure> + Send + Sync,
{
    fn validate(&self, request: &ValidationRequest<'_>) -> Result<(), ValidationFailure> {
        (self.0)(request)
    }
}

/// A validator that accepts everything.
pub(crate) fn yes() -> Arc<dyn EndorsementValidator> {
    Arc::new(Port(|_: &ValidationRequest<'_>| Ok(())))
}

/// A validator that calls VSCC, as in the node.
pub(crate) fn vscc(channels: &Arc<Channels>) -> Arc<dyn EndorsementValidator> {
    let vscc = Vscc::new(Arc::clone(channels));
    Arc::new(Port(move |request: &ValidationRequest<'_>| {
        assert_eq!(request.validator, Validator::Vscc);
        let args =
            [APPLICATION_POLICY.as_bytes(), request.envelope, request.policy].map(<[u8]>::to_vec);
        vscc.validate(&args).map_err(|error| match error {
            VsccError::Invalid(reason) => ValidationFailure::Policy(reason),
            VsccError::Unavailable(reason) => ValidationFailure::Infrastructure(reason),
        })
    }))
}

pub(crate) fn temporary_channels() -> Arc<Channels> {
    let config = LedgerConfig { cache_bytes: 8 << 20, ..LedgerConfig::default() };
    let ledgers = Ledgers::temporary(config).unwrap();
    Arc::new(Channels::open(Arc::new(ledgers)).unwrap())
}

pub(crate) fn deadline() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

/// A channel with Org1MSP and Org2MSP.
pub(crate) struct Fixture {
    pub(crate) network: Network,
    pub(crate) channels: Arc<Channels>,
    pub(crate) channel: Arc<Channel>,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self::with_limits(BatchLimits::default())
    }

    pub(crate) fn with_limits(batch_limits: BatchLimits) -> Self {
        let network = Network::in_memory(&NetworkSpec::with_orgs(2)).unwrap();
        let mut genesis = network.genesis(ChannelId::parse(CHANNEL).unwrap());
        genesis.batch_limits = batch_limits;
        Self::join(network, &genesis.block().unwrap())
    }

    /// Makes a channel whose first configuration was edited.
    pub(crate) fn with_genesis(edit: impl FnOnce(&mut ConfigGroup)) -> Self {
        let network = Network::in_memory(&NetworkSpec::with_orgs(2)).unwrap();
        let genesis = network.genesis(ChannelId::parse(CHANNEL).unwrap()).block().unwrap();
        let entry = &genesis.data.as_ref().unwrap().data[0];
        let mut envelope = Envelope::decode(&entry[..]).unwrap();
        let mut payload = Payload::decode(envelope.payload.as_slice()).unwrap();
        let mut config = ConfigEnvelope::decode(payload.data.as_slice()).unwrap();
        edit(config.config.as_mut().unwrap().channel_group.as_mut().unwrap());
        payload.data = config.encode_to_vec();
        envelope.payload = payload.encode_to_vec();
        let block = wasmcc_ledger::new_block(0, Vec::new(), vec![envelope.encode_to_vec()]);
        Self::join(network, &block)
    }

    fn join(network: Network, genesis: &Block) -> Self {
        let channels = temporary_channels();
        let channel = channels.join(genesis).unwrap();
        Self { network, channels, channel }
    }

    pub(crate) fn committer(&self, port: Arc<dyn EndorsementValidator>) -> Committer {
        Committer::new(Arc::clone(&self.channel), port)
    }

    pub(crate) fn user(&self, org: usize) -> Arc<SigningIdentity> {
        Arc::new(self.network.orgs()[org - 1].user("User1").unwrap())
    }

    pub(crate) fn peer(&self, org: usize) -> Arc<SigningIdentity> {
        Arc::new(self.network.orgs()[org - 1].peer().unwrap())
    }

    pub(crate) fn admin(&self, org: usize) -> Arc<SigningIdentity> {
        Arc::new(self.network.orgs()[org - 1].admin().unwrap())
    }

    /// Makes a transaction of Org1's user, endorsed by Org1's peer.
    pub(crate) fn draft(&self, chaincode: &str) -> Draft {
        Draft::new(chaincode, self.user(1), vec![self.peer(1)])
    }

    /// Writes LSCC's definition to the state, without checks.
    pub(crate) fn define(&self, name: &str, policy: &str) {
        let data = ChaincodeData {
            name: name.to_owned(),
            version: "1".to_owned(),
            escc: "escc".to_owned(),
            vscc: "vscc".to_owned(),
            policy: policy_bytes(policy),
            ..Default::default()
        };
        let draft = self.draft("lscc").put("lscc", name, &data.encode_to_vec());
        self.force(draft);
    }

    /// Defines `CC` so that any member may endorse.
    pub(crate) fn define_basic(&self) {
        self.define(CC, "OR('Org1MSP.member','Org2MSP.member')");
    }

    /// Commits a transaction without checking endorsements; it must be valid.
    pub(crate) fn force(&self, draft: Draft) {
        let block = self.committer(yes()).commit_envelopes(vec![draft.envelope()]).unwrap();
        assert_eq!(block.codes(), [TxValidationCode::Valid]);
    }

    /// Commits one block, judged by VSCC, and returns its verdicts.
    pub(crate) fn codes<'a>(
        &self,
        drafts: impl IntoIterator<Item = &'a Draft>,
    ) -> Vec<TxValidationCode> {
        let envelopes = drafts.into_iter().map(Draft::envelope).collect();
        self.committer(vscc(&self.channels)).commit_envelopes(envelopes).unwrap().codes()
    }
}

pub(crate) fn policy_bytes(text: &str) -> Vec<u8> {
    SignaturePolicy::from_text(text).unwrap().envelope().encode_to_vec()
}

/// Commits the entries of a block unchanged.
pub(crate) fn commit_entries(
    committer: &Committer,
    entries: Vec<Vec<u8>>,
) -> Result<Arc<CommittedBlock>, CommitError> {
    let tip = committer.channel().ledger().info();
    committer.commit(wasmcc_ledger::new_block(tip.height, tip.current_block_hash, entries))
}

/// A transaction before it is sealed.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) creator: Arc<SigningIdentity>,
    pub(crate) endorsers: Vec<Arc<SigningIdentity>>,
    pub(crate) nonce: Vec<u8>,
    /// Has no transaction id by default; one that is set here is kept.
    pub(crate) header: ChannelHeader,
    pub(crate) args: Vec<Vec<u8>>,
    pub(crate) rwset: TxRwSet,
    /// Has no results by default; those that are set here are kept.
    pub(crate) action: ChaincodeAction,
    /// Changes the transaction after endorsement and before the creator signs.
    pub(crate) edit_tx: fn(&mut Transaction),
    /// Changes the payload before the creator signs it.
    pub(crate) edit_payload: fn(&mut Payload),
}

impl Draft {
    fn new(
        chaincode: &str,
        creator: Arc<SigningIdentity>,
        endorsers: Vec<Arc<SigningIdentity>>,
    ) -> Self {
        static NONCES: AtomicU64 = AtomicU64::new(1);
        let id = ChaincodeId { name: chaincode.to_owned(), ..Default::default() };
        let extension =
            ChaincodeHeaderExtension { chaincode_id: Some(id.clone()), ..Default::default() };
        let header = ChannelHeader {
            r#type: HeaderType::EndorserTransaction.into(),
            channel_id: CHANNEL.to_owned(),
            extension: extension.encode_to_vec(),
            ..Default::default()
        };
        let chaincode_id = Some(ChaincodeId { version: "1".to_owned(), ..id });
        Self {
            creator,
            endorsers,
            nonce: NONCES.fetch_add(1, Ordering::Relaxed).to_be_bytes().to_vec(),
            header,
            args: vec![b"function".to_vec()],
            rwset: TxRwSet::default(),
            action: ChaincodeAction { chaincode_id, ..Default::default() },
            edit_tx: |_| {},
            edit_payload: |_| {},
        }
    }

    fn namespace(&mut self, namespace: &str) -> &mut NsRwSet {
        self.rwset.namespaces.entry(namespace.to_owned()).or_default()
    }

    fn collection(&mut self, namespace: &str, collection: &str) -> &mut CollectionRwSet {
        self.namespace(namespace).collections.entry(collection.to_owned()).or_default()
    }

    pub(crate) fn endorsed_by(mut self, endorsers: &[&Arc<SigningIdentity>]) -> Self {
        self.endorsers = endorsers.iter().map(|endorser| Arc::clone(endorser)).collect();
        self
    }

    pub(crate) fn put(mut self, namespace: &str, key: &str, value: &[u8]) -> Self {
        let write = KvWrite { key: key.to_owned(), is_delete: false, value: value.to_vec() };
        self.namespace(namespace).writes.push(write);
        self
    }

    pub(crate) fn read(mut self, namespace: &str, key: &str, version: Option<Height>) -> Self {
        let version = version.map(|at| Version { block_num: at.block, tx_num: at.tx });
        self.namespace(namespace).reads.push(KvRead { key: key.to_owned(), version });
        self
    }

    /// Adds a range query that was read to its end and found nothing.
    pub(crate) fn scan(mut self, namespace: &str, start: &str, end: &str) -> Self {
        let info = RangeQueryInfo {
            start_key: start.to_owned(),
            end_key: end.to_owned(),
            itr_exhausted: true,
            reads_info: Some(ReadsInfo::RawReads(QueryReads::default())),
        };
        self.namespace(namespace).range_queries.push(info);
        self
    }

    /// Sets the endorsement policy of a key.
    pub(crate) fn protect(mut self, namespace: &str, key: &str, policy: &[u8]) -> Self {
        let write = KvMetadataWrite { key: key.to_owned(), entries: parameter(policy) };
        self.namespace(namespace).metadata_writes.push(write);
        self
    }

    pub(crate) fn put_private(mut self, namespace: &str, collection: &str, key: &str) -> Self {
        let write = KvWriteHash {
            key_hash: sha256(key.as_bytes()).to_vec(),
            value_hash: sha256(b"value").to_vec(),
            ..Default::default()
        };
        self.collection(namespace, collection).writes.push(write);
        self
    }

    pub(crate) fn protect_private(
        mut self,
        namespace: &str,
        collection: &str,
        key: &str,
        policy: &[u8],
    ) -> Self {
        let key_hash = sha256(key.as_bytes()).to_vec();
        let write = KvMetadataWriteHash { key_hash, entries: parameter(policy) };
        self.collection(namespace, collection).metadata_writes.push(write);
        self
    }

    pub(crate) fn tx_id(&self) -> String {
        let hash = sha256_all([self.nonce.as_slice(), self.creator.serialized()]);
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Endorses and signs the transaction.
    pub(crate) fn envelope(&self) -> Envelope {
        let mut channel_header = self.header.clone();
        if channel_header.tx_id.is_empty() {
            channel_header.tx_id = self.tx_id();
        }
        let creator = self.creator.serialized().to_vec();
        let signature_header = SignatureHeader { creator, nonce: self.nonce.clone() };
        let header = Header {
            channel_header: channel_header.encode_to_vec(),
            signature_header: signature_header.encode_to_vec(),
        };
        let input = ChaincodeInput { args: self.args.clone(), ..Default::default() };
        let spec = ChaincodeSpec { input: Some(input), ..Default::default() };
        let spec = ChaincodeInvocationSpec { chaincode_spec: Some(spec) };
        let proposal_payload =
            ChaincodeProposalPayload { input: spec.encode_to_vec(), ..Default::default() }
                .encode_to_vec();
        let mut action = self.action.clone();
        if action.results.is_empty() {
            action.results = self.rwset.encode();
        }
        let hash = sha256_all([
            header.channel_header.as_slice(),
            &header.signature_header,
            &proposal_payload,
        ]);
        let response = ProposalResponsePayload {
            proposal_hash: hash.to_vec(),
            extension: action.encode_to_vec(),
        };
        let mut tx = self.transaction(&header, proposal_payload, response.encode_to_vec());
        (self.edit_tx)(&mut tx);
        let mut payload = Payload { header: Some(header), data: tx.encode_to_vec() };
        (self.edit_payload)(&mut payload);
        let payload = payload.encode_to_vec();
        Envelope { signature: self.creator.sign(&payload), payload }
    }

    fn transaction(&self, header: &Header, proposal: Vec<u8>, response: Vec<u8>) -> Transaction {
        let endorse = |endorser: &Arc<SigningIdentity>| Endorsement {
            endorser: endorser.serialized().to_vec(),
            signature: endorser.sign(&[response.as_slice(), endorser.serialized()].concat()),
        };
        let endorsements = self.endorsers.iter().map(endorse).collect();
        let action = ChaincodeEndorsedAction { proposal_response_payload: response, endorsements };
        let payload =
            ChaincodeActionPayload { chaincode_proposal_payload: proposal, action: Some(action) };
        let header = header.signature_header.clone();
        Transaction {
            actions: vec![TransactionAction { header, payload: payload.encode_to_vec() }],
        }
    }
}

fn parameter(policy: &[u8]) -> Vec<KvMetadataEntry> {
    vec![KvMetadataEntry { name: "VALIDATION_PARAMETER".to_owned(), value: policy.to_vec() }]
}

/// Changes the single action of a transaction.
pub(crate) fn edit_action(tx: &mut Transaction, edit: impl FnOnce(&mut ChaincodeActionPayload)) {
    let action = &mut tx.actions[0];
    let mut payload = ChaincodeActionPayload::decode(action.payload.as_slice()).unwrap();
    edit(&mut payload);
    action.payload = payload.encode_to_vec();
}
