//! Follows a channel from its genesis block and runs all transactions of some chaincodes again.
//!
//! A transaction runs on the state before its block. That is the state on which a valid one was
//! judged: it cannot have read a value that an earlier transaction of its block wrote. If the
//! results differ, the transaction also runs on older states that fit its read versions.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use prost::bytes::Bytes;

use crate::case::{Case, chaincode_of};
use crate::compare::{Difference, differences};
use crate::error::AuditError;
use crate::finding::{BlockReport, Finding, Kind};
use crate::heights::{fits, lowest};
use crate::laboratory::{Laboratory, Run, on_deep_stack};
use crate::reason::Reason;
use wasmcc_ledger::{LedgerError, Snapshot, StoredPrivateData, TxEnvelope, commit_hash, tx_filter};
use wasmcc_types::proto::common::Block;
use wasmcc_types::proto::protos::TxValidationCode;

/// The options of an audit.
#[derive(Clone, Copy, Debug)]
pub struct AuditConfig {
    /// Whether signatures and policies are checked again, too.
    pub signatures: bool,
    /// Number of recent heights that stay open, for transactions endorsed long before their block.
    pub heights: usize,
    /// Threads that run transactions.
    pub threads: usize,
}

impl Default for AuditConfig {
    fn default() -> Self {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        Self { signatures: true, heights: 64, threads }
    }
}

/// Number of transactions that justify one more thread.
const TXS_OF_A_THREAD: usize = 8;

/// A channel under audit.
pub struct Audit {
    laboratory: Laboratory,
    config: AuditConfig,
    private: Option<StoredPrivateData>,
    /// The last heights, newest first.
    open: VecDeque<Snapshot>,
}

/// A transaction to run.
struct Entry<'a> {
    at: usize,
    code: TxValidationCode,
    bytes: &'a [u8],
    chaincode: String,
}

/// The finding about one transaction; None if its results equal those endorsed.
type Judged = Option<Finding>;

impl Audit {
    /// Starts an audit, or resumes at the height of the laboratory's folder. `private` has the
    /// private data that transactions may read.
    pub fn new(
        laboratory: Laboratory,
        config: AuditConfig,
        private: Option<StoredPrivateData>,
    ) -> Self {
        let open = laboratory.snapshot().into_iter().collect();
        Self { laboratory, config, private, open }
    }

    /// The number of blocks so far.
    pub fn height(&self) -> u64 {
        self.laboratory.height()
    }

    /// The followed channel's name; None before its genesis block.
    pub fn channel(&self) -> Option<String> {
        let channel = self.laboratory.channel()?;
        Some(channel.ledger().channel_id().to_string())
    }

    /// Returns the chaincodes with a component that the channel has never defined: no transaction
    /// can have called them, directly or through another chaincode.
    pub fn unknown_names(&self) -> Result<Vec<String>, AuditError> {
        let defined = self.laboratory.defined()?;
        Ok(self.laboratory.names().difference(&defined).cloned().collect())
    }

    /// Returns the chaincodes that the channel has defined so far.
    pub fn defined(&self) -> Result<Vec<String>, AuditError> {
        Ok(self.laboratory.defined()?.into_iter().collect())
    }

    /// Compares a block of the source with block `number` of the audited chain. A resumed audit
    /// uses this to make sure that its source has not changed.
    ///
    /// Signatures of orderers are not compared: they differ from orderer to orderer.
    ///
    /// Errors: `OtherBlock`.
    pub fn compare(&self, number: u64, block: &Block) -> Result<(), AuditError> {
        let other = |part| Err(AuditError::OtherBlock { number, part });
        let channel = self.laboratory.channel();
        let kept = channel.map(|channel| channel.ledger().block(number)).transpose()?.flatten();
        let Some(kept) = kept else { return other("number is unknown") };
        if block.header != kept.header {
            return other("header differs");
        }
        if block.data != kept.data {
            return other("transactions differ");
        }
        // A source may lack the verdict on the genesis block, which is always VALID.
        if number > 0 && tx_filter(block) != tx_filter(&kept) {
            return other("verdicts differ");
        }
        // Channels that began with Fabric 1.x have no commit hashes.
        if commit_hash(block).is_some_and(|hash| Some(hash) != commit_hash(&kept)) {
            return other("commit hash differs");
        }
        Ok(())
    }

    /// Runs the transactions of the next block. Call `add` with the same block afterwards.
    ///
    /// Errors: the state cannot be read, or signatures cannot be checked.
    pub fn look_at(&self, block: &Block) -> Result<BlockReport, AuditError> {
        let number = block.header.as_ref().map_or(0, |header| header.number);
        let entries = block.data.as_ref().map_or(&[][..], |data| &data.data);
        let mut report = BlockReport { number, ..BlockReport::default() };
        report.totals.blocks = 1;
        report.totals.transactions = entries.len() as u64;
        let height = self.height();
        if number != height {
            return Err(LedgerError::BlockNumber { expected: height, got: number }.into());
        }
        if height == 0 {
            report.totals.of_others = entries.len() as u64;
            return Ok(report);
        }
        let mut wanted = Vec::new();
        for (at, (bytes, &code)) in entries.iter().zip(tx_filter(block)).enumerate() {
            let code = TxValidationCode::try_from(i32::from(code))
                .unwrap_or(TxValidationCode::InvalidOtherReason);
            match chaincode_of(bytes) {
                Some(chaincode) if self.laboratory.names().contains(&chaincode) => {
                    wanted.push(Entry { at, code, bytes, chaincode });
                }
                _ => report.totals.of_others += 1,
            }
        }
        let judged = self.run_all(number, &wanted)?;
        report.totals.same = judged.iter().filter(|finding| finding.is_none()).count() as u64;
        report.findings = judged.into_iter().flatten().collect();
        if self.config.signatures {
            report.findings.extend(self.wrong_verdicts(block, entries)?);
            report.findings.sort_by_key(|finding| finding.transaction);
        }
        let BlockReport { totals, findings, .. } = &mut report;
        findings.iter().for_each(|finding| totals.count(finding));
        Ok(report)
    }

    /// Adds the block whose transactions were run.
    ///
    /// Errors: the block does not continue the chain, or its verdicts or commit hash differ when it
    /// is judged again. The state after it is then unknown, and the audit ends.
    pub fn add(&mut self, block: Block) -> Result<(), AuditError> {
        self.laboratory.add(block, self.private.as_ref())?;
        self.open.truncate(self.config.heights.saturating_sub(1));
        self.open.extend(self.laboratory.snapshot());
        self.open.rotate_right(1);
        Ok(())
    }

    /// Runs the transactions, on several threads if there are many and no two have the same id.
    fn run_all(&self, number: u64, entries: &[Entry<'_>]) -> Result<Vec<Judged>, AuditError> {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let threads = self.config.threads.min(entries.len() / TXS_OF_A_THREAD);
        let ids = entries.iter().filter_map(|entry| TxEnvelope::parse(entry.bytes).ok());
        let mut seen = HashSet::new();
        let are_distinct = ids.into_iter().all(|tx| seen.insert(tx.into_channel_header().tx_id));
        if threads < 2 || !are_distinct {
            let all = || entries.iter().map(|entry| self.judge(number, entry)).collect();
            return on_deep_stack(all)?;
        }
        let next = AtomicUsize::new(0);
        let judged = Mutex::new(BTreeMap::new());
        let work = || {
            while let at = next.fetch_add(1, Ordering::Relaxed)
                && let Some(entry) = entries.get(at)
            {
                let outcome = self.judge(number, entry);
                judged.lock().unwrap_or_else(PoisonError::into_inner).insert(at, outcome);
            }
        };
        thread::scope(|scope| {
            let helpers = (1..threads).map(|_| scope.spawn(|| on_deep_stack(work)));
            let helpers: Vec<_> = helpers.collect();
            on_deep_stack(work)?;
            for helper in helpers {
                match helper.join() {
                    Ok(done) => done?,
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            Ok::<(), AuditError>(())
        })?;
        judged.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
    }

    fn judge(&self, number: u64, entry: &Entry<'_>) -> Result<Judged, AuditError> {
        let finding = |kind, tx_id: &str, function: String| Finding {
            block: number,
            transaction: entry.at as u64,
            tx_id: tx_id.to_owned(),
            chaincode: entry.chaincode.clone(),
            function,
            code: entry.code.as_str_name().to_owned(),
            kind,
            height: None,
            reasons: Vec::new(),
            reason_kinds: Vec::new(),
            differences: Vec::new(),
        };
        let case = match Case::open(entry.bytes, &BTreeMap::new()) {
            Ok(case) => case,
            Err(why) => {
                let envelope = TxEnvelope::parse(entry.bytes).ok();
                let tx_id = envelope.map(|tx| tx.into_channel_header().tx_id).unwrap_or_default();
                let mut finding = finding(Kind::NotRun, &tx_id, String::new());
                finding.reasons.push(why.to_string());
                finding.reason_kinds.push("unreadable".into());
                return Ok(Some(finding));
            }
        };
        let Compared { run, differences, tried } = self.run_where_it_fits(&case, entry.code)?;
        let Some(run) = run else {
            let mut finding = finding(Kind::NotRun, case.proposal.tx_id(), case.function());
            let reads = lowest(&case.rwset);
            finding.reasons.push(format!(
                "no state of the last {tried} blocks fits its reads, of height {reads} or above: \
                 `wasmcc replay` searches further back"
            ));
            finding.reason_kinds.push("no state fits its reads".into());
            return Ok(Some(finding));
        };
        if differences.is_empty() {
            return Ok(None);
        }
        let kind = kind_of(&run);
        let mut finding = finding(kind, case.proposal.tx_id(), case.function());
        finding.height = Some(run.height);
        finding.reasons = run.trace.reasons.iter().map(ToString::to_string).collect();
        let kinds = run.trace.reasons.iter().map(Reason::kind);
        finding.reason_kinds = kinds.map(str::to_owned).collect();
        finding.reason_kinds.dedup();
        if let (Kind::NotRun, Err(failure)) = (kind, &run.outcome) {
            finding.reasons.push(failure.to_string());
            finding.reason_kinds.push("could not be run here".into());
        }
        finding.differences = differences;
        Ok(Some(finding))
    }

    /// Runs a transaction on the newest height, and on older ones that fit its reads, until its
    /// results equal those endorsed.
    fn run_where_it_fits(
        &self,
        case: &Case,
        code: TxValidationCode,
    ) -> Result<Compared, AuditError> {
        let (mut first, mut tried) = (None, 0);
        let lowest = lowest(&case.rwset);
        for snapshot in &self.open {
            tried += 1;
            if snapshot.height() < lowest {
                break;
            }
            let is_judged_here = code == TxValidationCode::Valid && first.is_none();
            if !is_judged_here && !fits(&case.rwset, snapshot)? {
                continue;
            }
            let run = self.laboratory.run(case, snapshot, false);
            let differences = differences(case, &run);
            let may_depend = run.trace.reasons.iter().any(Reason::depends_on_height);
            if differences.is_empty() {
                return Ok(Compared { run: Some(run), differences, tried });
            }
            // Another height with the same reads leads to the same results.
            let is_over = code == TxValidationCode::Valid && !may_depend;
            first.get_or_insert((run, differences));
            if is_over {
                break;
            }
        }
        let (run, differences) = first.unzip();
        Ok(Compared { run, differences: differences.unwrap_or_default(), tried })
    }

    fn wrong_verdicts(&self, block: &Block, entries: &[Bytes]) -> Result<Vec<Finding>, AuditError> {
        let number = block.header.as_ref().map_or(0, |header| header.number);
        let judged = self.laboratory.verdicts(block, self.config.threads)?;
        let stored = tx_filter(block).iter().zip(entries).zip(judged).enumerate();
        let wrong = stored.filter_map(|(at, ((&stored, entry), (code, reason)))| {
            let stored = TxValidationCode::try_from(i32::from(stored)).ok();
            if stored.is_some_and(|stored| agree(stored, code)) {
                return None;
            }
            let code = code.as_str_name();
            let why = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
            let envelope = TxEnvelope::parse(entry).ok();
            Some(Finding {
                block: number,
                transaction: at as u64,
                tx_id: envelope.map(|tx| tx.into_channel_header().tx_id).unwrap_or_default(),
                chaincode: chaincode_of(entry).unwrap_or_default(),
                function: String::new(),
                code: stored.map_or("unknown", |code| code.as_str_name()).to_owned(),
                kind: Kind::Verdict,
                height: None,
                reasons: vec![format!("signatures and policies lead to {code}{why}")],
                reason_kinds: Vec::new(),
                differences: Vec::new(),
            })
        });
        Ok(wrong.collect())
    }
}

/// The outcome of running a transaction on the heights that fit its reads.
struct Compared {
    run: Option<Run>,
    differences: Vec<Difference>,
    tried: usize,
}

/// Returns the kind of finding for a run whose results differ.
pub(crate) fn kind_of(run: &Run) -> Kind {
    match &run.outcome {
        _ if !run.trace.reasons.is_empty() => Kind::Unknown,
        Err(failure) if !failure.is_of_chaincode => Kind::NotRun,
        _ => Kind::Differs,
    }
}

/// True if the stored verdict is consistent with the one on signatures and policies.
fn agree(stored: TxValidationCode, judged: TxValidationCode) -> bool {
    use TxValidationCode::{
        DuplicateTxid, InvalidWriteset, MvccReadConflict, PhantomReadConflict, Valid,
    };
    match judged {
        Valid => matches!(
            stored,
            Valid | DuplicateTxid | InvalidWriteset | MvccReadConflict | PhantomReadConflict
        ),
        _ => stored == judged,
    }
}
