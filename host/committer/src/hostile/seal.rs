//! Transactions of chaincodes with valid signatures and endorsements, spoiled at every level.
//!
//! Invariant: parts that are not spoiled are valid, so enough transactions are valid.

use std::sync::Arc;

use prost::Message;

use crate::hostile::dice::Dice;
use crate::hostile::rwsets::{Sets, sets};
use crate::hostile::values::{DEFINED, NAMES, chaincode_data, collections};
use crate::hostile::{CHANNEL, World};
use wasmcc_channel::collections::lscc_key;
use wasmcc_msp::SigningIdentity;
use wasmcc_types::proto::common::{
    ChannelHeader, Envelope, Header, HeaderType, Payload, SignatureHeader,
};
use wasmcc_types::proto::kvrwset::{KvWrite, KvrwSet};
use wasmcc_types::proto::protos::{
    ChaincodeAction, ChaincodeActionPayload, ChaincodeDeploymentSpec, ChaincodeEndorsedAction,
    ChaincodeEvent, ChaincodeHeaderExtension, ChaincodeId, ChaincodeInput, ChaincodeInvocationSpec,
    ChaincodeProposalPayload, ChaincodeSpec, Endorsement, ProposalResponsePayload, Transaction,
    TransactionAction,
};
use wasmcc_types::proto::rwset::{NsReadWriteSet, TxReadWriteSet};
use wasmcc_types::{ESCC, LSCC, VSCC, compute_tx_id, sha256_all};

/// Each part of a transaction is spoiled once in this number of times.
const RARELY: usize = 96;

/// A transaction before it is endorsed.
struct Draft {
    chaincode: String,
    version: String,
    args: Vec<Vec<u8>>,
    sets: Sets,
}

impl World<'_> {
    /// Makes a chaincode's transaction.
    pub(crate) fn invocation(&mut self, dice: &mut Dice<'_>) -> Envelope {
        let chaincode = match dice.below(4) {
            0 => *dice.pick(&NAMES),
            _ => *dice.pick(&DEFINED),
        };
        let sets = sets(dice, chaincode, self.channel.ledger().height());
        let version = if dice.one_in(RARELY) { "" } else { "1" }.to_owned();
        let args = vec![b"function".to_vec()];
        self.seal(dice, Draft { chaincode: chaincode.to_owned(), version, args, sets })
    }

    /// Makes a transaction of LSCC that defines a chaincode.
    pub(crate) fn instantiation(&mut self, dice: &mut Dice<'_>) -> Envelope {
        let name = if dice.one_in(16) { *dice.pick(&NAMES) } else { *dice.pick(&DEFINED) };
        let version = (1 + dice.below(3)).to_string();
        let mut data = chaincode_data(dice, name, &version).encode_to_vec();
        dice.spoil_one_in(16, &mut data);
        let write = |key: String, value| KvWrite { key, is_delete: false, value };
        let mut writes = vec![write(name.to_owned(), data)];
        let id =
            ChaincodeId { name: name.to_owned(), version: version.clone(), ..Default::default() };
        let spec = ChaincodeSpec { chaincode_id: Some(id), ..Default::default() };
        let spec = ChaincodeDeploymentSpec { chaincode_spec: Some(spec), ..Default::default() };
        let function = *dice.pick(&[b"deploy".as_slice(), b"upgrade", b"other"]);
        let mut args = vec![function.to_vec(), CHANNEL.as_bytes().to_vec(), spec.encode_to_vec()];
        if dice.one_in(2) {
            let collections = collections(dice);
            args.extend([vec![1], ESCC.into(), VSCC.into()]);
            // Most need one argument less, some none.
            args.truncate(5 + dice.below(2));
            args.push(collections.clone());
            writes.push(write(lscc_key(name), collections));
        }
        let mut sets = sets(dice, name, self.channel.ledger().height());
        if !dice.one_in(3) {
            sets.public.ns_rwset.clear();
        }
        sets.public.ns_rwset.push(NsReadWriteSet {
            namespace: LSCC.to_owned(),
            rwset: KvrwSet { writes, ..Default::default() }.encode_to_vec(),
            collection_hashed_rwset: Vec::new(),
        });
        self.seal(dice, Draft { chaincode: LSCC.to_owned(), version, args, sets })
    }

    /// Defines all possible chaincodes, each in the simplest way.
    pub(crate) fn definitions(&mut self) -> Envelope {
        let mut dice = Dice::new(&[]);
        let mut define = |name: &&str| {
            let value = chaincode_data(&mut dice, name, "1").encode_to_vec();
            KvWrite { key: (*name).to_owned(), is_delete: false, value }
        };
        let writes = DEFINED.iter().map(&mut define).collect();
        let set = NsReadWriteSet {
            namespace: LSCC.to_owned(),
            rwset: KvrwSet { writes, ..Default::default() }.encode_to_vec(),
            collection_hashed_rwset: Vec::new(),
        };
        let public = TxReadWriteSet { data_model: 0, ns_rwset: vec![set] };
        let sets = Sets { public, private: Default::default() };
        let (chaincode, version) = (LSCC.to_owned(), "1".to_owned());
        self.seal(&mut Dice::new(&[]), Draft { chaincode, version, args: Vec::new(), sets })
    }

    fn seal(&mut self, dice: &mut Dice<'_>, draft: Draft) -> Envelope {
        let (nonce, creator) = (self.next_nonce(), Arc::clone(self.signer(dice)));
        let nonce = if dice.one_in(RARELY) { Vec::new() } else { nonce };
        let tx_id = compute_tx_id(&nonce, creator.serialized());
        if dice.one_in(3) {
            self.keep_private(&tx_id, creator.serialized(), &draft.sets);
        }
        let channel_header = channel_header(dice, &draft, tx_id).encode_to_vec();
        let signature_header = SignatureHeader { creator: creator.serialized().to_vec(), nonce };
        let mut header =
            Header { channel_header, signature_header: signature_header.encode_to_vec() };
        dice.spoil_one_in(RARELY, &mut header.channel_header);
        dice.spoil_one_in(RARELY, &mut header.signature_header);
        let mut tx = self.transaction(dice, &header, draft).encode_to_vec();
        dice.spoil_one_in(RARELY, &mut tx);
        let header = (!dice.one_in(RARELY)).then_some(header);
        let mut payload = Payload { header, data: tx }.encode_to_vec();
        dice.spoil_one_in(RARELY, &mut payload);
        let mut signature = creator.sign(&payload);
        dice.spoil_one_in(RARELY, &mut signature);
        Envelope { payload, signature }
    }

    /// Stores private data before the transaction comes, as an endorser does. A full store refuses
    /// them.
    fn keep_private(&self, tx_id: &str, creator: &[u8], sets: &Sets) {
        _ = self.channel.ledger().keep_transient(tx_id, creator, &sets.private);
    }

    fn transaction(&self, dice: &mut Dice<'_>, header: &Header, draft: Draft) -> Transaction {
        let input = ChaincodeInput { args: draft.args, ..Default::default() };
        let spec = ChaincodeSpec { input: Some(input), ..Default::default() };
        let spec = ChaincodeInvocationSpec { chaincode_spec: Some(spec) };
        let mut proposal =
            ChaincodeProposalPayload { input: spec.encode_to_vec(), ..Default::default() }
                .encode_to_vec();
        dice.spoil_one_in(RARELY, &mut proposal);
        let mut results = draft.sets.public.encode_to_vec();
        dice.spoil_one_in(RARELY, &mut results);
        let name = draft.chaincode;
        let events = match dice.below(16) {
            14 => {
                let chaincode_id = name.clone();
                ChaincodeEvent { chaincode_id, ..Default::default() }.encode_to_vec()
            }
            15 => dice.bytes(),
            _ => Vec::new(),
        };
        let id = ChaincodeId { name, version: draft.version, ..Default::default() };
        let chaincode_id = (!dice.one_in(RARELY)).then_some(id);
        let action = ChaincodeAction { results, events, chaincode_id, ..Default::default() };
        let hash =
            sha256_all([header.channel_header.as_slice(), &header.signature_header, &proposal]);
        let mut extension = action.encode_to_vec();
        dice.spoil_one_in(RARELY, &mut extension);
        let mut response =
            ProposalResponsePayload { proposal_hash: hash.to_vec(), extension }.encode_to_vec();
        dice.spoil_one_in(RARELY, &mut response);
        let endorsements = self.endorsements(dice, &response);
        let endorsed =
            ChaincodeEndorsedAction { proposal_response_payload: response, endorsements };
        let action = (!dice.one_in(RARELY)).then_some(endorsed);
        let payload = ChaincodeActionPayload { chaincode_proposal_payload: proposal, action };
        let mut payload = payload.encode_to_vec();
        dice.spoil_one_in(RARELY, &mut payload);
        let header = header.signature_header.clone();
        let action = TransactionAction { header, payload };
        let count = if dice.one_in(RARELY) { dice.below(3) } else { 1 };
        Transaction { actions: vec![action; count] }
    }

    /// Endorses mostly with the peers of both organizations, else with any identities.
    fn endorsements(&self, dice: &mut Dice<'_>, response: &[u8]) -> Vec<Endorsement> {
        let endorse = |endorser: &Arc<SigningIdentity>| Endorsement {
            endorser: endorser.serialized().to_vec(),
            signature: endorser.sign(&[response, endorser.serialized()].concat()),
        };
        let peers = self.hostile.signers.iter().step_by(3).take(2);
        let mut endorsements: Vec<_> = match dice.below(3) {
            0..2 => peers.map(endorse).collect(),
            _ => (0..dice.below(4)).map(|_| endorse(self.signer(dice))).collect(),
        };
        if dice.one_in(8) && !endorsements.is_empty() {
            let mut again = dice.pick(&endorsements).clone();
            dice.spoil_one_in(2, &mut again.signature);
            dice.spoil_one_in(8, &mut again.endorser);
            let at = dice.below(endorsements.len());
            endorsements.insert(at, again);
        }
        endorsements
    }
}

fn channel_header(dice: &mut Dice<'_>, draft: &Draft, tx_id: String) -> ChannelHeader {
    let id = ChaincodeId { name: draft.chaincode.clone(), ..Default::default() };
    let id = if dice.one_in(RARELY) { None } else { Some(id) };
    let extension = ChaincodeHeaderExtension { chaincode_id: id, ..Default::default() };
    let mut extension = extension.encode_to_vec();
    dice.spoil_one_in(RARELY, &mut extension);
    let kind = match dice.one_in(RARELY) {
        false => HeaderType::EndorserTransaction.into(),
        true => dice.number() as i32,
    };
    let mut tx_id = tx_id.into_bytes();
    dice.spoil_one_in(RARELY, &mut tx_id);
    ChannelHeader {
        r#type: kind,
        channel_id: if dice.one_in(RARELY) { String::new() } else { CHANNEL.to_owned() },
        tx_id: String::from_utf8_lossy(&tx_id).into_owned(),
        epoch: if dice.one_in(RARELY) { dice.number() } else { 0 },
        extension,
        ..ChannelHeader::default()
    }
}
