//! Makes the answers to a test.

use serde_json::{Map, Value, json};

use super::frame::Blobs;
use wasmcc_ledger::{CollectionRwSet, NsRwSet, TxRwSet};
use wasmcc_node::sandbox::{Endorsed, SandboxError, Submitted};
use wasmcc_types::proto::kvrwset::{KvMetadataEntry, Version};
use wasmcc_types::{Response, with_causes};

/// Describes an endorsement.
pub(super) fn endorsed(endorsed: &Endorsed, blobs: &mut Blobs) -> Value {
    let event = endorsed.event.as_ref();
    let event =
        event.map(|event| json!({ "name": event.name, "payload": blobs.add(&event.payload) }));
    let own_reads = endorsed.own_reads.iter().map(|read| (&read.namespace, &read.key));
    json!({
        "tx_id": endorsed.tx_id,
        "response": response(&endorsed.response, blobs),
        "rwset": endorsed.rwset.as_ref().map(|set| rwset(set, blobs)),
        "event": event,
        "fuel": endorsed.fuel,
        "own_reads": own_reads.collect::<Vec<_>>(),
    })
}

/// Describes a committed transaction.
pub(super) fn submitted(submitted: &Submitted, blobs: &mut Blobs) -> Value {
    json!({
        "endorsed": endorsed(&submitted.endorsed, blobs),
        "block": submitted.block,
        "code": submitted.code.as_str_name(),
        "reason": submitted.reason,
    })
}

fn response(response: &Response, blobs: &mut Blobs) -> Value {
    let Response { status, message, payload } = response;
    json!({ "status": status, "message": message, "payload": blobs.add(payload) })
}

fn rwset(set: &TxRwSet, blobs: &mut Blobs) -> Value {
    let members = set.namespaces.iter();
    let members: Map<String, Value> =
        members.map(|(name, set)| (name.clone(), namespace(set, blobs))).collect();
    members.into()
}

fn namespace(set: &NsRwSet, blobs: &mut Blobs) -> Value {
    let reads = set.reads.iter();
    let reads: Vec<Value> = reads
        .map(|read| json!({ "key": read.key, "version": version(read.version.as_ref()) }))
        .collect();
    let ranges = set.range_queries.iter();
    let ranges: Vec<Value> = ranges
        .map(|range| {
            let (start, end) = (&range.start_key, &range.end_key);
            json!({ "start_key": start, "end_key": end, "itr_exhausted": range.itr_exhausted })
        })
        .collect();
    let writes = set.writes.iter();
    let writes: Vec<Value> = writes
        .map(|write| {
            let value = blobs.add(&write.value);
            json!({ "key": write.key, "is_delete": write.is_delete, "value": value })
        })
        .collect();
    let metadata = set.metadata_writes.iter();
    let metadata: Vec<Value> = metadata
        .map(|write| json!({ "key": write.key, "entries": entries(&write.entries, blobs) }))
        .collect();
    let collections = set.collections.iter();
    let collections: Map<String, Value> =
        collections.map(|(name, set)| (name.clone(), collection(set, blobs))).collect();
    json!({
        "reads": reads,
        "range_queries": ranges,
        "writes": writes,
        "metadata_writes": metadata,
        "collections": collections,
    })
}

fn collection(set: &CollectionRwSet, blobs: &mut Blobs) -> Value {
    let reads = set.reads.iter();
    let reads: Vec<Value> = reads
        .map(|read| {
            let hash = blobs.add(&read.key_hash);
            json!({ "key_hash": hash, "version": version(read.version.as_ref()) })
        })
        .collect();
    let writes = set.writes.iter();
    let writes: Vec<Value> = writes
        .map(|write| {
            json!({
                "key_hash": blobs.add(&write.key_hash),
                "is_delete": write.is_delete,
                "value_hash": blobs.add(&write.value_hash),
                "is_purge": write.is_purge,
            })
        })
        .collect();
    let metadata = set.metadata_writes.iter();
    let metadata: Vec<Value> = metadata
        .map(|write| {
            let hash = blobs.add(&write.key_hash);
            json!({ "key_hash": hash, "entries": entries(&write.entries, blobs) })
        })
        .collect();
    json!({
        "reads": reads,
        "writes": writes,
        "metadata_writes": metadata,
        "pvt_rwset_hash": blobs.add(&set.pvt_rwset_hash),
    })
}

fn version(version: Option<&Version>) -> Option<(u64, u64)> {
    version.map(|version| (version.block_num, version.tx_num))
}

fn entries(entries: &[KvMetadataEntry], blobs: &mut Blobs) -> Vec<Value> {
    entries.iter().map(|entry| json!([entry.name, blobs.add(&entry.value)])).collect()
}

/// Describes the error of a request.
pub(super) fn failure(error: SandboxError, blobs: &mut Blobs) -> Value {
    let of_kind = |kind: &str, text: String| json!({ "kind": kind, "text": text });
    let words = error.to_string();
    match error {
        SandboxError::Setup(why) => setup(&with_causes(&why)),
        SandboxError::Deployment { name, reason } => {
            json!({ "kind": "deployment", "chaincode": name, "text": with_causes(&reason) })
        }
        SandboxError::NoUser { org, user, reason } => {
            json!({ "kind": "no_user", "org": org, "user": user, "text": reason })
        }
        SandboxError::Rejected(why) => of_kind("rejected", why.to_string()),
        SandboxError::Refused(answer) => {
            let text = answer.message.clone();
            json!({ "kind": "refused", "text": text, "response": response(&answer, blobs) })
        }
        SandboxError::Assemble(why) => of_kind("assemble", why.to_string()),
        SandboxError::Commit(why) => of_kind("commit", why),
        SandboxError::Invalid { tx_id, code, conflict: _, reason } => json!({
            "kind": "invalid",
            // Test runners print only this text.
            "text": words,
            "tx_id": tx_id,
            "code": code.as_str_name(),
            "reason": reason,
        }),
        SandboxError::Diverged(divergence) => json!({
            "kind": "diverged",
            "text": divergence.to_string(),
            "cause": divergence.cause,
            "place": divergence.place,
            "first": divergence.first,
            "second": divergence.second,
        }),
        SandboxError::Build(why) => of_kind("build", why),
    }
}

/// Describes why a sandbox cannot be set up.
pub(super) fn setup(text: &str) -> Value {
    json!({ "kind": "setup", "text": text })
}

/// Describes a failure of this program, or a wrong request.
pub(super) fn program(text: &str) -> Value {
    json!({ "kind": "program", "text": text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmcc_ledger::{LedgerConfig, Ledgers};
    use wasmcc_node::OpenError;
    use wasmcc_types::proto::protos::TxValidationCode;

    #[test]
    fn the_text_of_a_sandbox_that_does_not_open_has_the_cause() {
        let folder = tempfile::tempdir().unwrap();
        // A file in place of the folder.
        let place = folder.path().join("file");
        std::fs::write(&place, "").unwrap();
        let cause = Ledgers::open(&place, LedgerConfig::default()).err().unwrap();
        let reason = cause.to_string();
        let error = SandboxError::Setup(OpenError::LedgersInMemory(cause).into());
        let text = failure(error, &mut Blobs::default())["text"].as_str().unwrap().to_owned();
        assert!(text.contains(&reason), "{text}");
        assert!(text.contains(place.to_str().unwrap()), "{text}");
    }

    #[test]
    fn the_text_of_an_invalid_transaction_has_the_reason() {
        let (tx_id, code) = ("5a".to_owned(), TxValidationCode::EndorsementPolicyFailure);
        let reason = Some("the policy is AND(...)".to_owned());
        let error = SandboxError::Invalid { tx_id, code, conflict: None, reason };
        let json = failure(error, &mut Blobs::default());
        let text = "transaction 5a is invalid: ENDORSEMENT_POLICY_FAILURE (the policy is AND(...))";
        assert_eq!(json["text"], text);
        assert_eq!((&json["code"], &json["tx_id"]), (&json!(code.as_str_name()), &json!("5a")));
    }
}
