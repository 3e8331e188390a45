//! Runs one transaction of a channel again.
//!
//! A valid transaction runs on the state before its block. That is the state on which it was
//! judged: it cannot have read a value that an earlier transaction of its block wrote. Any other
//! transaction runs on a height that fits its read versions, if there is one.

use std::collections::BTreeMap;

use crate::audit::kind_of;
use crate::case::{Case, NotEndorsed};
use crate::compare::{Difference, differences};
use crate::error::AuditError;
use crate::finding::Kind;
use crate::heights::{fits, lowest};
use crate::laboratory::{Laboratory, Run, on_deep_stack};
use wasmcc_ledger::{LedgerError, Snapshot, StoredPrivateData, tx_filter};
use wasmcc_types::Height;
use wasmcc_types::proto::common::Block;
use wasmcc_types::proto::protos::TxValidationCode;

/// Limit on the heights on which a transaction is tried.
const MAX_TRIES: usize = 1_000;

/// A transaction that was run again.
pub struct Replayed {
    /// Its block and index.
    pub height: Height,
    /// The verdict in its block.
    pub code: TxValidationCode,
    /// The opened transaction.
    pub case: Case,
    /// The lowest and the highest height that fit its reads, of those that were tried; None if none
    /// fits.
    pub heights: Option<(u64, u64)>,
    /// The outcome; None if no height fits.
    pub run: Option<Run>,
    /// The differences from the endorsed results; empty if there are none.
    pub differences: Vec<Difference>,
}

impl Replayed {
    /// Returns the kind of finding; None if the results equal those endorsed.
    pub fn kind(&self) -> Option<Kind> {
        match &self.run {
            None => Some(Kind::NotRun),
            Some(_) if self.differences.is_empty() => None,
            Some(run) => Some(kind_of(run)),
        }
    }
}

/// Runs the transaction at `at`, with this transient data. `next` returns the blocks of the channel
/// from the first on. `private` holds private data that the transaction may read. The inner error:
/// the entry is not a transaction of a chaincode.
pub fn replay<E: From<AuditError>>(
    laboratory: &Laboratory,
    at: Height,
    transient: &BTreeMap<String, Vec<u8>>,
    private: Option<&StoredPrivateData>,
    first_pass: &Block,
    mut next: impl FnMut() -> Result<Option<Block>, E>,
) -> Result<Result<Replayed, NotEndorsed>, E> {
    let missing = || AuditError::NoTransaction { block: at.block, tx: at.tx };
    let index = usize::try_from(at.tx).unwrap_or(usize::MAX);
    let entry =
        first_pass.data.as_ref().and_then(|data| data.data.get(index)).ok_or_else(missing)?;
    let code = tx_filter(first_pass).get(index).copied().unwrap_or_default();
    let code =
        TxValidationCode::try_from(i32::from(code)).unwrap_or(TxValidationCode::InvalidOtherReason);
    let case = match Case::open(entry, transient) {
        Ok(case) => case,
        Err(why) => return Ok(Err(why)),
    };
    // The heights at which it may have been endorsed stay open while blocks are added.
    let lowest = lowest(&case.rwset).max(1).min(at.block);
    let mut open = Vec::new();
    while laboratory.height() < at.block {
        let block = next()?.ok_or_else(missing)?;
        laboratory.add(block, private)?;
        let height = laboratory.height();
        let is_near = at.block - height < MAX_TRIES as u64;
        if height >= lowest && (height == at.block || is_near) {
            open.extend(laboratory.snapshot());
        }
    }
    open.reverse();
    let run = || run_where_it_fits(laboratory, &case, code, &open);
    let (heights, run, differences) =
        on_deep_stack(run).and_then(|found| found.map_err(AuditError::from))?;
    Ok(Ok(Replayed { height: at, code, case, heights, run, differences }))
}

type Found = (Option<(u64, u64)>, Option<Run>, Vec<Difference>);

fn run_where_it_fits(
    laboratory: &Laboratory,
    case: &Case,
    code: TxValidationCode,
    newest_first: &[Snapshot],
) -> Result<Found, LedgerError> {
    let mut heights: Option<(u64, u64)> = None;
    let mut first: Option<(Run, Vec<Difference>)> = None;
    let mut same = None;
    for snapshot in newest_first {
        let height = snapshot.height();
        let is_judged_here = code == TxValidationCode::Valid && heights.is_none();
        if !is_judged_here && !fits(&case.rwset, snapshot)? {
            continue;
        }
        heights = Some(heights.map_or((height, height), |(_, highest)| (height, highest)));
        // Another height with the same reads leads to the same results, unless a query was not
        // recorded.
        let may_differ = first.as_ref().is_none_or(|(run, _)| {
            run.trace.reasons.iter().any(|reason| reason.depends_on_height())
                || code != TxValidationCode::Valid
        });
        if same.is_some() || !may_differ {
            continue;
        }
        let run = laboratory.run(case, snapshot, true);
        let differences = differences(case, &run);
        if differences.is_empty() {
            same = Some(run);
        } else {
            first.get_or_insert((run, differences));
        }
    }
    Ok(match (same, first) {
        (Some(run), _) => (heights, Some(run), Vec::new()),
        (None, Some((run, differences))) => (heights, Some(run), differences),
        (None, None) => (heights, None, Vec::new()),
    })
}
