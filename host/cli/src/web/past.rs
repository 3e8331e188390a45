//! Replays of transactions, and explanations of verdicts.
//!
//! Both rebuild the channel's state from its blocks, in a temporary folder.
//!
//! Invariant: each takes a bounded time; callers admit one at a time.

use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};

use crate::inspect::explained_tx::as_json;
use crate::replay_text;
use crate::transient::Transient;
use crate::web::bounded::cut;
use crate::web::chain::{find, inspected};
use crate::web::failure::Failure;
use crate::web::params::Params;
use crate::web::site::{Answer, Site};
use wasmcc_audit::{AuditError, Laboratory, chaincode_of, on_deep_stack, replay as replay_tx};
use wasmcc_ledger::Ledger;
use wasmcc_types::proto::common::Block;
use wasmcc_types::proto::protos::TxValidationCode;
use wasmcc_types::{Height, LIFECYCLE, LSCC};

/// Time limit for rebuilding the state of a channel.
const PATIENCE: Duration = Duration::from_secs(60);

/// The blocks of a ledger in order, until a time limit.
struct Blocks<'a> {
    ledger: &'a Ledger,
    next: u64,
    until: Instant,
}

/// Why a rebuild ended early.
enum Ended {
    Failed(anyhow::Error),
    TooLong,
}

impl From<AuditError> for Ended {
    fn from(error: AuditError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Ended> for Failure {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Failed(error) => error.into(),
            Ended::TooLong => Self::busy(format!(
                "the state of the channel is not rebuilt within {PATIENCE:?}: use `wasmcc \
                 replay`"
            )),
        }
    }
}

impl<'a> Blocks<'a> {
    fn of(ledger: &'a Ledger) -> Self {
        Self { ledger, next: 0, until: Instant::now() + PATIENCE }
    }

    fn next(&mut self) -> Result<Option<Block>, Ended> {
        if Instant::now() > self.until {
            return Err(Ended::TooLong);
        }
        let block = self.ledger.block(self.next).map_err(|error| Ended::Failed(error.into()))?;
        self.next += 1;
        Ok(block)
    }
}

/// Runs a transaction again: answers with its calls and the comparison with what was endorsed.
/// `transient` has transient data in the form of `wasmcc replay --transient`.
pub(super) fn replay(site: &Site, params: &mut Params) -> Result<Answer, Failure> {
    let channel = site.channel(params)?;
    let ledger = channel.ledger();
    let (block, at) = find(ledger, &params.parsed("id")?)?;
    let Transient(transient) = params.parsed_or_default("transient")?;
    let entries = block.data.as_ref().map_or(&[][..], |data| &data.data);
    let name = entries.get(at).and_then(|entry| chaincode_of(entry));
    let name = name.ok_or_else(|| {
        Failure::bad("it is not a transaction of a chaincode (but a configuration, for example)")
    })?;
    if [LIFECYCLE, LSCC].contains(&name.as_str()) {
        let text = "system chaincodes are not run again";
        return Err(Failure::bad(format!("it is a transaction of {name}: {text}")));
    }
    let number = block.header.as_ref().map_or(0, |header| header.number);
    let laboratory = laboratory(site)?;
    let private = ledger.stored_private();
    let mut blocks = Blocks::of(ledger);
    let place = Height::new(number, at as u64);
    let replayed =
        replay_tx(&laboratory, place, &transient, Some(&private), &block, || blocks.next())?;
    let replayed = replayed.map_err(|why| Failure::bad(format!("it cannot run again: {why}")))?;
    Ok(cut(replay_text::as_json(&replayed)).into())
}

/// Answers why a transaction is not valid: its conflict, and the other transaction.
pub(super) fn explain(site: &Site, params: &mut Params) -> Result<Answer, Failure> {
    let channel = site.channel(params)?;
    let ledger = channel.ledger();
    let (block, at) = find(ledger, &params.parsed("id")?)?;
    let mut tx = inspected(&block, at);
    if tx.code == TxValidationCode::Valid || tx.height.block == 0 {
        return Ok(as_json(&tx, &None).into());
    }
    let mut blocks = Blocks::of(ledger);
    let work = || -> Result<Option<String>, Ended> {
        let laboratory = laboratory(site).map_err(Ended::Failed)?;
        let private = ledger.stored_private();
        while laboratory.height() < tx.height.block {
            let next = blocks.next()?.context("a block is missing").map_err(Ended::Failed)?;
            laboratory.add(next, Some(&private))?;
        }
        let judged = laboratory.verdicts(&block, 1)?;
        let why = judged.into_iter().nth(at).and_then(|(_, reason)| reason);
        let committed = laboratory.add(block.clone(), Some(&private))?;
        tx.conflict = committed.txs.into_iter().nth(at).and_then(|tx| tx.conflict);
        Ok(why.or_else(|| tx.conflict.as_ref().map(ToString::to_string)))
    };
    let why = on_deep_stack(work)??;
    Ok(cut(as_json(&tx, &why)).into())
}

fn laboratory(site: &Site) -> anyhow::Result<Laboratory> {
    let mut config = (site.laboratory)()?;
    let ledgers = site.peer.channels().ledgers();
    for key in ledgers.peer_value_keys("")? {
        if let Some(value) = ledgers.get_peer_value(&key)? {
            config.installed.push((key, value));
        }
    }
    Laboratory::new(config, &[]).map_err(|error| anyhow!(error))
}
