//! A block as readable JSON. Data that cannot be parsed is shown as bytes: blocks also keep invalid
//! transactions.

use prost::Message;
use serde::Serialize;
use serde_json::{Value, json};
use x509_parser::pem::Pem;

use crate::output;
use wasmcc_client::chaincode_action;
use wasmcc_types::proto::common::{BlockMetadataIndex, HeaderType};
use wasmcc_types::proto::msp::SerializedIdentity;
use wasmcc_types::proto::protos::TxValidationCode;
use wasmcc_types::proto::{common, kvrwset, protos, rwset};

/// Header, verdicts and all transactions.
#[derive(Serialize)]
pub(crate) struct Block {
    number: u64,
    previous_hash: String,
    data_hash: String,
    commit_hash: Option<String>,
    transactions: Vec<Transaction>,
}

#[derive(Default, Serialize)]
struct Transaction {
    tx_id: String,
    validation: Option<String>,
    r#type: &'static str,
    timestamp: Option<String>,
    creator: Value,
    #[serde(skip_serializing_if = "Value::is_null")]
    chaincode: Value,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    input: Vec<Value>,
    #[serde(skip_serializing_if = "Value::is_null")]
    response: Value,
    #[serde(skip_serializing_if = "Value::is_null")]
    event: Value,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rwset: Vec<Namespace>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    endorsers: Vec<Value>,
    /// The whole transaction, if a part of it cannot be parsed.
    #[serde(skip_serializing_if = "Value::is_null")]
    unreadable: Value,
}

/// Reads and writes in one chaincode's namespace.
#[derive(Serialize)]
struct Namespace {
    namespace: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reads: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ranges: Vec<Range>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    writes: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    metadata_writes: Vec<Value>,
    /// The names of the collections in `private`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    private_collections: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    private: Vec<Collection>,
}

/// Reads and writes in one collection. Blocks have only the SHA-256 of keys and values.
#[derive(Serialize)]
struct Collection {
    collection: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reads: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    writes: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    metadata_writes: Vec<Value>,
}

#[derive(Serialize)]
struct Range {
    start: String,
    end: String,
    exhausted: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reads: Vec<Value>,
    /// In place of the reads of a large range.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    merkle_hashes: Vec<String>,
}

impl Block {
    /// Converts a block, as far as it can be parsed.
    pub(crate) fn new(block: &common::Block) -> Self {
        let header = block.header.clone().unwrap_or_default();
        let metadata = |index: BlockMetadataIndex| {
            let entries = block.metadata.as_ref().map_or(&[][..], |entries| &entries.metadata);
            entries.get(index as usize).map_or(&[][..], Vec::as_slice)
        };
        let commit_hash = metadata(BlockMetadataIndex::CommitHash);
        let commit_hash = common::Metadata::decode(commit_hash).ok().map(|hash| hash.value);
        let flags = metadata(BlockMetadataIndex::TransactionsFilter);
        let entries = block.data.as_ref().map_or(&[][..], |data| &data.data);
        let transactions = entries.iter().enumerate();
        let transactions =
            transactions.map(|(index, entry)| Transaction::new(entry, flags.get(index).copied()));
        Self {
            number: header.number,
            previous_hash: output::hex(&header.previous_hash),
            data_hash: output::hex(&header.data_hash),
            commit_hash: commit_hash.filter(|hash| !hash.is_empty()).map(|hash| output::hex(&hash)),
            transactions: transactions.collect(),
        }
    }

    /// Returns the transaction at an index.
    pub(crate) fn transaction(&self, at: usize) -> Option<&impl Serialize> {
        self.transactions.get(at)
    }

    /// Returns the reads and writes of the transaction at an index; None if there are none, or they
    /// cannot be parsed.
    pub(crate) fn rwset(&self, at: usize) -> Option<&impl Serialize> {
        let transaction = self.transactions.get(at)?;
        (!transaction.rwset.is_empty()).then_some(&transaction.rwset)
    }

    /// Returns the hashes of the block, and a line for each transaction.
    pub(crate) fn as_text(&self) -> String {
        let mut text = format!(
            "block {}\n  previous hash  {}\n  data hash      {}\n  commit hash    {}",
            self.number,
            self.previous_hash,
            self.data_hash,
            self.commit_hash.as_deref().unwrap_or("none"),
        );
        for (at, transaction) in self.transactions.iter().enumerate() {
            let verdict = transaction.validation.as_deref().unwrap_or("not judged");
            let tx_id = output::shown(&transaction.tx_id);
            text += &format!("\n  {at}: {verdict} {tx_id}\n     {}", transaction.call());
        }
        text
    }
}

impl Transaction {
    /// Returns chaincode and function, or the type of another transaction.
    fn call(&self) -> String {
        if !self.unreadable.is_null() {
            return "cannot be read".to_owned();
        }
        let function = self.input.first().map(|function| match function {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        match (&self.chaincode["name"], function) {
            (Value::String(name), Some(function)) => output::shown(&format!("{name} {function}")),
            (Value::String(name), None) => output::shown(name),
            _ => self.r#type.to_owned(),
        }
    }

    fn new(entry: &[u8], flag: Option<u8>) -> Self {
        let mut transaction = Self { validation: flag.map(verdict), ..Self::default() };
        if transaction.read(entry).is_none() {
            transaction.unreadable = output::bytes(entry);
        }
        transaction
    }

    /// Fills in the parts that can be parsed; None if some part cannot.
    fn read(&mut self, entry: &[u8]) -> Option<()> {
        let envelope = common::Envelope::decode(entry).ok()?;
        let payload = common::Payload::decode(envelope.payload.as_slice()).ok()?;
        let header = payload.header?;
        let channel = common::ChannelHeader::decode(header.channel_header.as_slice()).ok()?;
        let signature = header.signature_header.as_slice();
        let signature = common::SignatureHeader::decode(signature).ok()?;
        let kind = HeaderType::try_from(channel.r#type);
        self.tx_id = channel.tx_id;
        self.r#type = kind.map_or("unknown", |kind| kind.as_str_name());
        self.timestamp = channel.timestamp.map(|time| time.to_string());
        self.creator = identity(&signature.creator);
        if kind != Ok(HeaderType::EndorserTransaction) {
            return Some(());
        }
        let transaction = protos::Transaction::decode(payload.data.as_slice()).ok()?;
        let action = transaction.actions.first()?.payload.as_slice();
        let action = protos::ChaincodeActionPayload::decode(action).ok()?;
        self.input = input(&action.chaincode_proposal_payload)?;
        let endorsed = action.action?;
        let endorsements = endorsed.endorsements.iter();
        self.endorsers = endorsements.map(|entry| identity(&entry.endorser)).collect();
        self.read_results(&endorsed.proposal_response_payload)
    }

    /// As [`read`](Self::read), from a serialized `protos.ProposalResponsePayload`.
    fn read_results(&mut self, payload: &[u8]) -> Option<()> {
        let action = chaincode_action(payload).ok()?;
        self.chaincode = chaincode(&action);
        self.response = response(&action);
        if !action.events.is_empty() {
            self.event = event(&action.events)?;
        }
        let sets = rwset::TxReadWriteSet::decode(action.results.as_slice()).ok()?.ns_rwset;
        self.rwset = sets.into_iter().map(namespace).collect::<Option<_>>()?;
        Some(())
    }
}

/// Returns the results of an uncommitted transaction in the form of a committed one. `payload` is a
/// serialized `protos.ProposalResponsePayload`.
pub(crate) fn results(payload: &[u8]) -> Value {
    let mut transaction = Transaction::default();
    // Parts that cannot be parsed are left out.
    let _ = transaction.read_results(payload);
    serde_json::to_value(transaction).unwrap_or_default()
}

fn verdict(code: u8) -> String {
    match TxValidationCode::try_from(i32::from(code)) {
        Ok(code) => code.as_str_name().to_owned(),
        Err(_) => code.to_string(),
    }
}

/// MSP id and common name.
fn identity(bytes: &[u8]) -> Value {
    let Ok(identity) = SerializedIdentity::decode(bytes) else { return output::bytes(bytes) };
    let pem = Pem::iter_from_buffer(&identity.id_bytes).next().and_then(Result::ok);
    let certificate = pem.as_ref().and_then(|pem| pem.parse_x509().ok());
    let name = certificate.as_ref().and_then(|certificate| {
        let name = certificate.subject().iter_common_name().next()?;
        name.as_str().ok().map(str::to_owned)
    });
    json!({ "msp_id": identity.mspid, "name": name })
}

fn input(payload: &[u8]) -> Option<Vec<Value>> {
    let payload = protos::ChaincodeProposalPayload::decode(payload).ok()?;
    let spec = protos::ChaincodeInvocationSpec::decode(payload.input.as_slice()).ok()?;
    let args = spec.chaincode_spec?.input?.args;
    Some(args.iter().map(|arg| output::bytes(arg)).collect())
}

fn chaincode(action: &protos::ChaincodeAction) -> Value {
    let id = action.chaincode_id.clone().unwrap_or_default();
    json!({ "name": id.name, "version": id.version })
}

fn response(action: &protos::ChaincodeAction) -> Value {
    let response = action.response.clone().unwrap_or_default();
    json!({
        "status": response.status,
        "message": response.message,
        "payload": output::bytes(&response.payload),
    })
}

fn event(bytes: &[u8]) -> Option<Value> {
    let event = protos::ChaincodeEvent::decode(bytes).ok()?;
    Some(json!({ "name": event.event_name, "payload": output::bytes(&event.payload) }))
}

fn namespace(set: rwset::NsReadWriteSet) -> Option<Namespace> {
    let content = kvrwset::KvrwSet::decode(set.rwset.as_slice()).ok()?;
    let private = set.collection_hashed_rwset.into_iter();
    let private: Vec<Collection> = private.map(collection).collect::<Option<_>>()?;
    Some(Namespace {
        namespace: set.namespace,
        reads: content.reads.iter().map(read).collect(),
        ranges: content.range_queries_info.into_iter().map(range).collect(),
        writes: content.writes.iter().map(write).collect(),
        metadata_writes: content.metadata_writes.iter().map(metadata_write).collect(),
        private_collections: private.iter().map(|set| set.collection.clone()).collect(),
        private,
    })
}

fn collection(set: rwset::CollectionHashedReadWriteSet) -> Option<Collection> {
    let content = kvrwset::HashedRwSet::decode(set.hashed_rwset.as_slice()).ok()?;
    Some(Collection {
        collection: set.collection_name,
        reads: content.hashed_reads.iter().map(hashed_read).collect(),
        writes: content.hashed_writes.iter().map(hashed_write).collect(),
        metadata_writes: content.metadata_writes.iter().map(hashed_metadata_write).collect(),
    })
}

fn read(read: &kvrwset::KvRead) -> Value {
    json!({ "key": output::key(&read.key), "version": version(read.version.as_ref()) })
}

fn hashed_read(read: &kvrwset::KvReadHash) -> Value {
    json!({ "key_hash": output::hex(&read.key_hash), "version": version(read.version.as_ref()) })
}

/// The block and the index in it; None if the key did not exist.
fn version(version: Option<&kvrwset::Version>) -> Option<String> {
    version.map(|at| format!("{}:{}", at.block_num, at.tx_num))
}

fn range(range: kvrwset::RangeQueryInfo) -> Range {
    use kvrwset::range_query_info::ReadsInfo;
    let (reads, merkle_hashes) = match &range.reads_info {
        Some(ReadsInfo::RawReads(reads)) => (reads.kv_reads.iter().map(read).collect(), vec![]),
        Some(ReadsInfo::ReadsMerkleHashes(hashes)) => {
            (vec![], hashes.max_level_hashes.iter().map(|hash| output::hex(hash)).collect())
        }
        None => (vec![], vec![]),
    };
    Range {
        start: output::key(&range.start_key),
        end: output::key(&range.end_key),
        exhausted: range.itr_exhausted,
        reads,
        merkle_hashes,
    }
}

fn write(write: &kvrwset::KvWrite) -> Value {
    let key = output::key(&write.key);
    if write.is_delete {
        return json!({ "key": key, "deleted": true });
    }
    json!({ "key": key, "value": output::bytes(&write.value) })
}

/// A purge is also a delete.
fn hashed_write(write: &kvrwset::KvWriteHash) -> Value {
    let key_hash = output::hex(&write.key_hash);
    match (write.is_purge, write.is_delete) {
        (true, _) => json!({ "key_hash": key_hash, "deleted": true, "purged": true }),
        (false, true) => json!({ "key_hash": key_hash, "deleted": true }),
        (false, false) => {
            json!({ "key_hash": key_hash, "value_hash": output::hex(&write.value_hash) })
        }
    }
}

fn metadata_write(write: &kvrwset::KvMetadataWrite) -> Value {
    json!({ "key": output::key(&write.key), "entries": names(&write.entries) })
}

fn hashed_metadata_write(write: &kvrwset::KvMetadataWriteHash) -> Value {
    json!({ "key_hash": output::hex(&write.key_hash), "entries": names(&write.entries) })
}

fn names(entries: &[kvrwset::KvMetadataEntry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.name.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn golden(number: u32) -> Value {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/channel");
        let bytes = std::fs::read(root.join(format!("b{number:03}.block"))).unwrap();
        let block = common::Block::decode(bytes.as_slice()).unwrap();
        serde_json::to_value(Block::new(&block)).unwrap()
    }

    #[test]
    fn all_golden_blocks_are_readable() {
        for number in 0..46 {
            let shown = golden(number);
            assert_eq!(shown["number"], number);
            for transaction in shown["transactions"].as_array().unwrap() {
                assert!(transaction.get("unreadable").is_none(), "{shown:#}");
                assert!(transaction["validation"].is_string() || number == 0, "{shown:#}");
            }
        }
    }

    #[test]
    fn a_transaction_shows_who_did_what() {
        let shown = golden(4);
        let transaction = &shown["transactions"][0];
        assert_eq!(transaction["creator"]["msp_id"], "Org1MSP");
        assert_eq!(transaction["event"]["name"], "hello");
        assert_eq!(transaction["chaincode"]["name"], "probe");
        assert!(transaction["creator"]["name"].as_str().unwrap().contains('@'));
        assert!(!transaction["rwset"].as_array().unwrap().is_empty());
    }

    #[test]
    fn garbage_is_shown_as_bytes() {
        let data = Some(common::BlockData { data: vec![b"\xff\xff".as_slice().into()] });
        let block = common::Block { data, ..Default::default() };
        let shown = serde_json::to_value(Block::new(&block)).unwrap();
        assert_eq!(shown["transactions"][0]["unreadable"], json!({ "hex": "ffff" }));
        assert_eq!(shown["transactions"][0]["validation"], Value::Null);
    }
}
