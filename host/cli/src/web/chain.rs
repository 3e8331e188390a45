//! Answers about a channel: its members, blocks and transactions.

use anyhow::Context;
use serde_json::{Value, json};

use crate::block_json;
use crate::blocks::{TxName, place};
use crate::dev::TxLine;
use crate::inspect::chain::describe;
use crate::inspect::explained_tx::as_json;
use crate::ordering::last_config;
use crate::web::bounded::cut;
use crate::web::failure::Failure;
use crate::web::params::Params;
use crate::web::site::{Answer, Site};
use wasmcc_ledger::{InspectedTx, Ledger, tx_filter};
use wasmcc_types::Height;
use wasmcc_types::proto::common::Block;
use wasmcc_types::proto::protos::TxValidationCode;

/// Limits on the blocks of one answer: by default, and at most.
const BLOCKS: u64 = 20;
const MOST_BLOCKS: u64 = 100;
/// Transactions named for each block in a list.
const NAMED: usize = 3;

/// Answers with version, channels, and organizations with their users.
pub(super) fn about(site: &Site, _: &mut Params) -> Result<Answer, Failure> {
    let organizations = match &site.calls {
        Some(calls) => calls.members()?,
        None => site.peer.orgs().map(|org| json!({ "msp_id": org, "users": [] })).collect(),
    };
    Ok(Answer::Json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "calls": site.calls.is_some(),
        "channels": site.peer.channels().ids(),
        "organizations": organizations,
        "peers": site.peer.orgs().collect::<Vec<_>>(),
    })))
}

/// Adds the token for calls.
pub(super) fn with_token(answer: Answer, token: Option<&str>) -> Answer {
    match answer {
        Answer::Json(mut about) => {
            about["token"] = json!(token);
            Answer::Json(about)
        }
        other => other,
    }
}

/// Answers with height, hashes and configuration.
pub(super) fn chain(site: &Site, params: &mut Params) -> Result<Answer, Failure> {
    let channel = site.channel(params)?;
    let ledger = channel.ledger();
    let newest = block_at(ledger, ledger.height().saturating_sub(1))?;
    let config = block_at(ledger, last_config(&newest).unwrap_or(0))?;
    Ok(describe(&newest, &config)?.into())
}

/// Answers with blocks, the newest first; only those before a number, if one is given.
pub(super) fn blocks(site: &Site, params: &mut Params) -> Result<Answer, Failure> {
    let channel = site.channel(params)?;
    let ledger = channel.ledger();
    let height = ledger.height();
    let before = params.number("before", height, u64::MAX)?.min(height);
    let limit = params.limit(BLOCKS, MOST_BLOCKS)?;
    let lowest = before.saturating_sub(limit);
    let mut shown = Vec::new();
    for number in (lowest..before).rev() {
        shown.push(summary(number, &block_at(ledger, number)?)?);
    }
    Ok(cut(json!({ "height": height, "blocks": shown, "more": lowest > 0 })).into())
}

fn summary(number: u64, block: &Block) -> Result<Value, Failure> {
    let shown = serde_json::to_value(block_json::Block::new(block))?;
    let transactions = shown["transactions"].as_array().map_or(&[][..], Vec::as_slice);
    let lines = transactions.iter().take(NAMED).map(|it| TxLine::of_block(it, number));
    let is_valid = |it: &&Value| it["validation"] == TxValidationCode::Valid.as_str_name();
    Ok(json!({
        "number": number,
        "transactions": transactions.len(),
        "valid": transactions.iter().filter(is_valid).count(),
        "timestamp": transactions.first().map(|it| &it["timestamp"]),
        "first": lines.collect::<Vec<_>>(),
    }))
}

/// Answers with a block: its hashes, and a line for each transaction.
pub(super) fn block(site: &Site, params: &mut Params) -> Result<Answer, Failure> {
    let channel = site.channel(params)?;
    let number = params.parsed("number")?;
    let ledger = channel.ledger();
    let block = block_at(ledger, number)?;
    let mut shown = serde_json::to_value(block_json::Block::new(&block))?;
    let transactions = shown["transactions"].as_array().map_or(&[][..], Vec::as_slice);
    let lines: Vec<TxLine> = transactions.iter().map(|it| TxLine::of_block(it, number)).collect();
    shown["transactions"] = json!(lines);
    shown["height"] = json!(ledger.height());
    Ok(cut(shown).into())
}

/// Answers with a transaction: its data in the block, and the observations of this process.
pub(super) fn transaction(site: &Site, params: &mut Params) -> Result<Answer, Failure> {
    let channel = site.channel(params)?;
    let (block, at) = find(channel.ledger(), &params.parsed("id")?)?;
    let is_whole = params.optional("whole").is_some();
    let tx = inspected(&block, at);
    let details = block_json::Block::new(&block);
    let details = details.transaction(at).map(serde_json::to_value).transpose()?;
    let details = details.unwrap_or_default();
    let tx_id = details["tx_id"].as_str().unwrap_or_default();
    let seen = site.feed.seen(tx_id).unwrap_or_default();
    let committer = site.peer.committer(channel.ledger().channel_id().as_str());
    let remembered = committer.and_then(|committer| committer.notifier().reason(tx_id));
    let reason = seen["reason"].as_str().map(str::to_owned).or(remembered);
    let mut shown = as_json(&tx, &reason.filter(|_| tx.code != TxValidationCode::Valid));
    shown["conflict"] = seen["conflict"].clone();
    shown["endorsements"] = seen["endorsements"].clone();
    shown["of"] = json!(block.data.as_ref().map_or(0, |data| data.data.len()));
    shown["details"] = details;
    if is_whole {
        return Ok(Answer::Bytes(serde_json::to_vec_pretty(&shown)?));
    }
    Ok(cut(shown).into())
}

/// Answers with the cost of the contracts' functions.
pub(super) fn costs(site: &Site, _: &mut Params) -> Result<Answer, Failure> {
    Ok(site.feed.costs().into())
}

/// Returns a transaction of a block with the verdict that the block has.
pub(super) fn inspected(block: &Block, at: usize) -> InspectedTx {
    let number = block.header.as_ref().map_or(0, |header| header.number);
    let code = tx_filter(block).get(at).map(|code| i32::from(*code));
    let code = code.and_then(|code| TxValidationCode::try_from(code).ok());
    // The genesis block has no verdicts.
    let unjudged = match number {
        0 => TxValidationCode::Valid,
        _ => TxValidationCode::InvalidOtherReason,
    };
    let height = Height::new(number, at as u64);
    InspectedTx { height, code: code.unwrap_or(unjudged), conflict: None }
}

/// Finds the block with a transaction, and the index of the transaction.
pub(super) fn find(ledger: &Ledger, tx: &TxName) -> Result<(Block, usize), Failure> {
    let block = match tx {
        TxName::Id(id) => ledger.block_by_tx_id(id)?,
        TxName::At(number, _) => ledger.block(*number)?,
    };
    let found = block.and_then(|block| place(&block, tx).map(|at| (block, at)));
    found.ok_or_else(|| {
        Failure::missing(match tx {
            TxName::Id(id) => format!("the channel has no transaction {id}"),
            TxName::At(number, at) => {
                format!("the channel has no block {number}, or no transaction {at} in it")
            }
        })
    })
}

fn block_at(ledger: &Ledger, number: u64) -> Result<Block, Failure> {
    // The ledger's index may have a block a moment before readers can see it.
    let block = ledger.block(number).context("the block cannot be read")?;
    block.ok_or_else(|| Failure::missing(format!("the channel has no block {number}")))
}
