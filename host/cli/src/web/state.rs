//! Answers about the state of chaincodes: keys, histories, private data.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::inspect::history;
use crate::inspect::private::Row;
use crate::inspect::state::{Keys, as_json};
use crate::output;
use crate::web::bounded::{TEXT, cut};
use crate::web::failure::Failure;
use crate::web::params::Params;
use crate::web::site::{Answer, Site};
use wasmcc_ledger::Snapshot;

/// Limits on the rows of one answer: by default, and at most.
const ROWS: u64 = 50;
const MOST_ROWS: u64 = 200;
/// Bytes shown of a value in a list.
const PREVIEW: usize = 2_000;
/// Limits on the writes of one answer, and on the writes that are skipped.
const WRITES: u64 = 20;
const MOST_WRITES: u64 = 100;
const PASSED_OVER: u64 = 10_000;

/// The requested keys.
struct Asked {
    prefix: String,
    after: Option<String>,
    limit: usize,
}

impl Asked {
    fn read(params: &mut Params) -> Result<Self, Failure> {
        let prefix = params.optional("prefix").unwrap_or_default();
        let after = params.optional("after");
        let limit = params.limit(ROWS, MOST_ROWS)?;
        Ok(Self { prefix, after, limit: usize::try_from(limit).unwrap_or(usize::MAX) })
    }

    fn keys(&self) -> Keys<'_> {
        Keys { prefix: &self.prefix, after: self.after.as_deref(), limit: self.limit }
    }
}

/// Answers with the keys of a chaincode and the beginnings of their values.
pub(super) fn state(site: &Site, params: &mut Params) -> Result<Answer, Failure> {
    let channel = site.channel(params)?;
    let (chaincode, asked) = (params.text("chaincode")?, Asked::read(params)?);
    let (snapshot, keys) = (channel.ledger().snapshot(), asked.keys());
    let range = snapshot.range(&chaincode, keys.start(), "");
    let (rows, more) = keys.of(range, |key, value| {
        let mut row = as_json(&key, &value, PREVIEW)?;
        row["name"] = json!(key);
        Ok(row)
    })?;
    Ok(cut(json!({ "height": snapshot.height(), "keys": rows, "more": more })).into())
}

/// Answers with the value of a key and its writes, the newest first.
pub(super) fn history(site: &Site, params: &mut Params) -> Result<Answer, Failure> {
    let channel = site.channel(params)?;
    let (chaincode, key) = (params.text("chaincode")?, params.text("key")?);
    let skip = params.number("skip", 0, PASSED_OVER)?;
    let limit = params.limit(WRITES, MOST_WRITES)?;
    let ledger = channel.ledger();
    let current = ledger.snapshot().get(&chaincode, &key)?;
    let current = current.map(|value| as_json(&key, &value, TEXT)).transpose()?;
    let mut writes = ledger.history(&chaincode, &key)?.skip(usize::try_from(skip)?);
    let mut shown = Vec::new();
    while (shown.len() as u64) < limit
        && let Some(write) = writes.next().transpose()?
    {
        let block = ledger.tx_validation(&write.tx_id)?.map(|(_, block)| block);
        shown.push(history::as_json(&write, block, TEXT));
    }
    let more = skip + limit < PASSED_OVER && writes.next().transpose()?.is_some();
    Ok(cut(json!({ "current": current, "writes": shown, "more": more })).into())
}

/// Answers with the private keys of a collection and the values that each organization of these
/// peers holds. Also with the hashes, after `hash`, of keys that none of them holds.
pub(super) fn private(site: &Site, params: &mut Params) -> Result<Answer, Failure> {
    let channel = site.channel(params)?;
    let (chaincode, collection) = (params.text("chaincode")?, params.text("collection")?);
    let (asked, after_hash) = (Asked::read(params)?, params.optional("hash"));
    let (snapshot, keys) = (channel.ledger().snapshot(), asked.keys());
    let (mut names, mut more) = (BTreeSet::new(), false);
    for org in site.peer.orgs() {
        let range = snapshot.private_range(org, &chaincode, &collection, keys.start(), "");
        let (held, has_more) = keys.of(range, |key, _| Ok(key))?;
        names.extend(held);
        more |= has_more;
    }
    more |= names.len() > asked.limit;
    let mut rows = Vec::new();
    for name in names.iter().take(asked.limit) {
        let mut sides = Vec::new();
        for org in site.peer.orgs() {
            let row = Row::read(&snapshot, org, &chaincode, &collection, name)?;
            let mut side = row.as_json(PREVIEW);
            side["msp_id"] = json!(org);
            sides.push(side);
        }
        rows.push(json!({ "name": name, "sides": sides }));
    }
    let organizations: Vec<&str> = site.peer.orgs().collect();
    let (hashes, next) = bare_hashes(&snapshot, &chaincode, &collection, after_hash.as_deref())?;
    Ok(cut(json!({
        "organizations": organizations,
        "keys": rows,
        "more": more,
        "hashes": hashes,
        "next_hash": next,
    }))
    .into())
}

/// Returns the hashes of private keys and values that no organization here holds, and the hash
/// after which to continue, if there may be more.
fn bare_hashes(
    snapshot: &Snapshot,
    chaincode: &str,
    collection: &str,
    after: Option<&str>,
) -> Result<(Vec<Value>, Option<String>), Failure> {
    let after = after.map(unhex).transpose()?.unwrap_or_default();
    let mut found = Vec::new();
    let range = snapshot.hashed_range(chaincode, collection, &after);
    for (seen, row) in (1..).zip(range.filter(|row| !matches!(row, Ok((key, _)) if *key == after)))
    {
        let (key_hash, value) = row?;
        if !snapshot.is_held(chaincode, collection, &key_hash)? {
            found.push(json!({
                "key_hash": output::hex(&key_hash),
                "value_hash": output::hex(&value.value),
                "version": value.version.to_string(),
            }));
        }
        if found.len() as u64 == ROWS || seen == PASSED_OVER {
            return Ok((found, Some(output::hex(&key_hash))));
        }
    }
    Ok((found, None))
}

fn unhex(text: &str) -> Result<Vec<u8>, Failure> {
    let wrong = || Failure::bad(format!("{text:?} is not a hash in hexadecimal"));
    wasmcc_types::unhex(text).ok_or_else(wrong)
}

/// Answers with a whole value: the present one, one that a transaction wrote (`tx`), or one that an
/// organization holds (`collection`, `org`).
pub(super) fn value(site: &Site, params: &mut Params) -> Result<Answer, Failure> {
    let channel = site.channel(params)?;
    let (chaincode, key) = (params.text("chaincode")?, params.text("key")?);
    let ledger = channel.ledger();
    let found = match (params.optional("tx"), params.optional("collection")) {
        (Some(_), Some(_)) => return Err(Failure::bad("give tx or collection, not both")),
        (Some(tx_id), None) => {
            let mut writes = ledger.history(&chaincode, &key)?.take(usize::try_from(PASSED_OVER)?);
            let write = loop {
                match writes.next().transpose()? {
                    Some(write) if write.tx_id != tx_id => {}
                    found => break found,
                }
            };
            write.filter(|write| !write.is_delete).map(|write| write.value)
        }
        (None, Some(collection)) => {
            let org = params.text("org")?;
            if !site.peer.orgs().any(|here| here == org) {
                return Err(Failure::missing(format!("organization {org:?} has no peer here")));
            }
            let held = ledger.snapshot().get_private(&org, &chaincode, &collection, &key)?;
            held.map(|held| held.value)
        }
        (None, None) => ledger.snapshot().get(&chaincode, &key)?.map(|found| found.value),
    };
    let missing = || Failure::missing(format!("{chaincode} has no such value"));
    found.map(Answer::Bytes).ok_or_else(missing)
}
