//! Compares the results of a new run with those endorsed.

use std::collections::BTreeMap;

use prost::Message;
use serde::{Deserialize, Serialize};

use crate::case::Case;
use crate::laboratory::Run;
use wasmcc_ledger::{CollectionRwSet, NsRwSet, TxRwSet};
use wasmcc_types::hex;
use wasmcc_types::proto::kvrwset::range_query_info::ReadsInfo;
use wasmcc_types::proto::kvrwset::{KvMetadataEntry, RangeQueryInfo, Version};
use wasmcc_types::proto::protos::{ChaincodeEvent, Response};

/// Limit on the differences that are described.
const MAX_DIFFERENCES: usize = 100;
/// Limit on the characters of a value that are shown.
const MAX_CHARS: usize = 200;
/// Shown where one side has no value.
const NONE: &str = "nothing";

/// A difference between the endorsed and the new results.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The part that differs: of the response, the event, or an entry of the read-write set.
    pub what: String,
    /// The endorsed value.
    pub endorsed: String,
    /// The value of the new run.
    pub now: String,
}

/// Returns all differences between a run and the endorsed results; empty if all bytes are equal.
pub(crate) fn differences(case: &Case, run: &Run) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut compare = |what: &str, endorsed: String, now: String| {
        if endorsed != now {
            found.push(Difference { what: what.to_owned(), endorsed, now });
        }
    };
    if !case.is_of_proposal {
        let (one, other) = ("hash of another proposal", "hash of this proposal");
        compare("proposal", one.into(), other.into());
    }
    let endorsed = case.action.response.clone().unwrap_or_default();
    let outcome = match &run.outcome {
        Ok(outcome) => outcome,
        Err(failure) => {
            compare("response", response(&endorsed), failure.to_string());
            return found;
        }
    };
    compare("response status", endorsed.status.to_string(), outcome.response.status.to_string());
    compare("response message", cut(&endorsed.message), cut(&outcome.response.message));
    if endorsed.payload != outcome.response.payload {
        compare("response payload", shown(&endorsed.payload), shown(&outcome.response.payload));
    }
    if case.action.events != outcome.event {
        compare("event", event(&case.action.events), event(&outcome.event));
    }
    let version = case.action.chaincode_id.clone().unwrap_or_default().version;
    compare("chaincode version", version, outcome.version.clone());
    if case.action.results != outcome.results {
        let now = TxRwSet::decode(&outcome.results).unwrap_or_default();
        let [endorsed, now] = [&case.rwset, &now].map(entries);
        for what in endorsed.keys().chain(now.keys().filter(|key| !endorsed.contains_key(*key))) {
            let side = |entries: &BTreeMap<String, String>| {
                entries.get(what).map_or_else(|| NONE.to_owned(), Clone::clone)
            };
            compare(what, side(&endorsed), side(&now));
        }
        if found.is_empty() {
            let now = shown(&outcome.results);
            let what = "form of the read-write set".to_owned();
            found.push(Difference { what, endorsed: shown(&case.action.results), now });
        }
    }
    if found.len() > MAX_DIFFERENCES {
        let more = found.len() - MAX_DIFFERENCES;
        found.truncate(MAX_DIFFERENCES);
        let (what, endorsed) = (format!("{more} further differences"), String::new());
        found.push(Difference { what, endorsed, now: String::new() });
    }
    found
}

/// Describes each entry of a read-write set.
fn entries(rwset: &TxRwSet) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for (name, namespace) in &rwset.namespaces {
        let NsRwSet { reads, range_queries, writes, metadata_writes, collections } = namespace;
        // A hostile set may repeat entries; number the repeated ones.
        let mut add = |what: String, value: String| {
            let repeated = (2..).map(|nth| format!("{what} ({nth})"));
            let free = std::iter::once(what.clone()).chain(repeated);
            let free = free.into_iter().find(|what| !all.contains_key(what));
            all.insert(free.unwrap_or(what), value);
        };
        for read in reads {
            add(format!("read of {}", place(name, &read.key)), version(read.version.as_ref()));
        }
        for range in range_queries {
            let (start, end) = (key(&range.start_key), key(&range.end_key));
            add(format!("range {name}/{start}..{end}"), rows(range));
        }
        for write in writes {
            let value = match write.is_delete {
                true => "deleted".to_owned(),
                false => shown(&write.value),
            };
            add(format!("write of {}", place(name, &write.key)), value);
        }
        for write in metadata_writes {
            let what = format!("metadata of {}", place(name, &write.key));
            add(what, metadata(&write.entries));
        }
        for (collection, set) in collections {
            let CollectionRwSet { reads, writes, metadata_writes, pvt_rwset_hash } = set;
            let of = format!("{name}/{collection}");
            for read in reads {
                let what = format!("read of private key hash {of}/{}", hex(&read.key_hash));
                add(what, version(read.version.as_ref()));
            }
            for write in writes {
                let what = format!("write of private key hash {of}/{}", hex(&write.key_hash));
                let value = match (write.is_purge, write.is_delete) {
                    (true, _) => "purged".to_owned(),
                    (_, true) => "deleted".to_owned(),
                    _ => format!("hash {}", hex(&write.value_hash)),
                };
                add(what, value);
            }
            for write in metadata_writes {
                let what = format!("metadata of private key hash {of}/{}", hex(&write.key_hash));
                add(what, metadata(&write.entries));
            }
            if !pvt_rwset_hash.is_empty() {
                add(format!("hash of the private set of {of}"), hex(pvt_rwset_hash));
            }
        }
    }
    all
}

fn rows(range: &RangeQueryInfo) -> String {
    let end = if range.itr_exhausted { "to the end" } else { "not to the end" };
    match &range.reads_info {
        Some(ReadsInfo::RawReads(reads)) => {
            let reads = reads.kv_reads.iter();
            let reads =
                reads.map(|read| format!("{} {}", key(&read.key), version(read.version.as_ref())));
            cut(&format!("{end}: {}", reads.collect::<Vec<_>>().join(", ")))
        }
        Some(ReadsInfo::ReadsMerkleHashes(hashes)) => {
            let hashes = hashes.max_level_hashes.iter().map(|hash| hex(hash));
            cut(&format!("{end}: hashes {}", hashes.collect::<Vec<_>>().join(", ")))
        }
        None => end.to_owned(),
    }
}

fn metadata(entries: &[KvMetadataEntry]) -> String {
    let entries = entries.iter().map(|entry| format!("{}={}", entry.name, shown(&entry.value)));
    entries.collect::<Vec<_>>().join(", ")
}

fn response(response: &Response) -> String {
    let Response { status, message, payload } = response;
    format!("status {status}, message {:?}, payload {}", cut(message), shown(payload))
}

fn event(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return NONE.to_owned();
    }
    match ChaincodeEvent::decode(bytes) {
        Ok(event) => format!("{} {}", cut(&event.event_name), shown(&event.payload)),
        Err(_) => shown(bytes),
    }
}

fn version(version: Option<&Version>) -> String {
    match version {
        Some(at) => format!("version {}:{}", at.block_num, at.tx_num),
        None => "no such key".to_owned(),
    }
}

fn place(namespace: &str, name: &str) -> String {
    format!("{namespace}/{}", key(name))
}

fn key(key: &str) -> String {
    key.replace('\0', "\\0")
}

/// Formats bytes as text if they are UTF-8, else in hexadecimal.
fn shown(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => {
            format!("\"{}\"", cut(text))
        }
        _ => {
            let kept = bytes.get(..MAX_CHARS / 2).unwrap_or(bytes);
            let dots = if kept.len() < bytes.len() { "..." } else { "" };
            format!("0x{}{dots} ({} bytes)", hex(kept), bytes.len())
        }
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}... ({} bytes)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}
