//! `wasmcc audit`: runs the transactions of a channel again and compares the results.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::json;

use crate::blocks::{Blocks, Source, SourceArgs};
use crate::components::{self, ComponentArg};
use crate::laboratory::LaboratoryArgs;
use crate::ledger::Steps;
use crate::output;
use crate::signal::{Interrupt, Interrupted};
use wasmcc_audit::{
    Audit as Follower, AuditConfig, BlockReport, Component, Finding, Kind, Laboratory,
    LaboratoryConfig, Notes, Totals,
};
use wasmcc_node::folder_org;
use wasmcc_runtime::Limits;
use wasmcc_types::proto::common::Block;

const EXAMPLES: &str = "\
Examples:
  wasmcc audit --component basic=basic.wasm --data net/data/Org1MSP
  wasmcc audit --component basic=basic.wasm --blocks mychannel.blocks --resume audit
  wasmcc audit --component basic:1=old.wasm --component basic:2=new.wasm \\
    --peer peer0.org1.example.com:7051 --network crypto-config --resume audit --follow

Every block is judged again: hashes, signatures, policies, versions, commit hash. Every transaction
of the named chaincodes runs again on the state on which it was endorsed, and its response, event
and read-write set are compared with what was endorsed.

If a transaction used data that no block holds (transient data, private data of others, answers of
unrecorded queries) and its result differs, it is counted as unknown, with the reason. Transactions
that could not run are counted with the reason, too.

With --resume the state and the findings are kept in a folder. A further run continues where the
audit was interrupted, if the source still has the blocks that were audited before.

Exit code 1 if a transaction differs without a known reason or has a wrong verdict, if the source
no longer has the blocks that were audited before, if the audit could not reach the end, or if the
channel has no chaincode of a given name.

Ctrl-C or SIGTERM ends an audit and prints its findings. The exit code is 130, unless an audit with
--follow has read all blocks that the peer had at its start.";

/// The most findings that are kept for the JSON report.
const MAX_FINDINGS: usize = 10_000;

/// Follow a channel from its genesis block and run its transactions again.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Audit {
    /// The component of a chaincode, or an install package with it. Repeat it for further
    /// chaincodes, or for further versions of one.
    #[arg(long = "component", value_name = "NAME[:VERSION]=FILE", required = true)]
    components: Vec<ComponentArg>,
    /// Keep state and findings in this folder, and continue from its contents.
    #[arg(long, value_name = "DIR")]
    resume: Option<PathBuf>,
    /// Wait for further blocks of the peer, until interrupted.
    #[arg(long, conflicts_with_all = ["data", "blocks"])]
    follow: bool,
    /// Take verdicts on signatures and policies from the blocks, which is several times as fast.
    #[arg(long)]
    skip_signatures: bool,
    /// Read private data as the peer of this organization holds them [default: the data folder's].
    #[arg(long, value_name = "MSPID")]
    holder: Option<String>,
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    laboratory: LaboratoryArgs,
    /// Print the report as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

/// Findings and counts so far.
struct Report {
    totals: Totals,
    findings: Vec<Finding>,
    more_findings: u64,
    is_json: bool,
}

impl Report {
    fn add(&mut self, report: &BlockReport) -> Result<()> {
        for finding in &report.findings {
            if self.is_json && self.findings.len() < MAX_FINDINGS {
                self.findings.push(finding.clone());
            } else if self.is_json {
                self.more_findings += 1;
            } else {
                output::line(&as_text(finding))?;
            }
        }
        Ok(())
    }
}

impl Audit {
    pub(crate) fn run(self) -> Result<()> {
        // A signal must not leave the temporary folder behind.
        let _interrupt = Interrupt::listen()?;
        components::check_names(&self.components)?;
        let mut shown = Vec::with_capacity(self.components.len());
        let mut components = Vec::with_capacity(self.components.len());
        for named in &self.components {
            let (component, line) = named.read()?;
            components.push(component);
            shown.push(line);
        }
        // Before the folder of --resume is touched: after a failure the corrected command finds it
        // unchanged.
        let source = self.source.open()?;
        source.check()?;
        let flags = self.flags(&shown)?;
        let private = match &source {
            Source::Folder { folder, channel } => folder.stored_private(channel).ok(),
            _ => None,
        };
        let audit = Follower::new(self.laboratory(&components)?, self.config(), private);
        let mut report = Report {
            totals: Totals::default(),
            findings: Vec::new(),
            more_findings: 0,
            is_json: self.json,
        };
        let mut before = Vec::new();
        let notes = match &self.resume {
            Some(folder) => {
                let keep = &mut |block: BlockReport| before.push(block);
                let file = folder.join("findings.jsonl");
                let (notes, totals) = Notes::open(&file, &flags, audit.height(), keep)?;
                report.totals = totals;
                Some(notes)
            }
            None => None,
        };
        // The last audited block of a peer stands for those before it, as it has their hashes.
        let mut blocks = source.blocks(audit.height().saturating_sub(1), self.follow)?;
        self.compare(&audit, &mut blocks)?;
        before.iter().try_for_each(|block| report.add(block))?;
        let ended = self.follow(audit, notes, blocks, &mut report);
        self.print(&report, ended.as_ref().err())?;
        ended?;
        match report.totals.is_clean() {
            true => Ok(()),
            false => bail!("the audit found differences or wrong verdicts (see the report)"),
        }
    }

    /// Returns the flags that decide the results: a resumed audit must have the same ones.
    fn flags(&self, components: &[String]) -> Result<Vec<String>> {
        let component = |shown: &String| format!("--component {shown}");
        let mut flags: Vec<String> = components.iter().map(component).collect();
        flags.extend(flags_of(&self.laboratory.config(None)?));
        if self.skip_signatures {
            flags.push("--skip-signatures".into());
        }
        Ok(flags)
    }

    fn laboratory(&self, components: &[Component]) -> Result<Laboratory> {
        let holder = match (&self.holder, &self.source.data) {
            (None, Some(data)) => folder_org(data),
            (holder, _) => holder.clone(),
        };
        let folder = self.resume.as_ref().map(|folder| folder.join("ledger"));
        let laboratory = self
            .laboratory
            .config(folder)
            .and_then(|config| Ok(Laboratory::new(config, components)?.with_holder(holder)));
        laboratory.with_context(|| match &self.resume {
            Some(folder) => format!("cannot go on in {}", folder.display()),
            None => "cannot begin".into(),
        })
    }

    fn config(&self) -> AuditConfig {
        AuditConfig { signatures: !self.skip_signatures, ..AuditConfig::default() }
    }

    /// Compares the blocks that were audited before with those of the source, which must be the
    /// same, and advances to the first block after them.
    fn compare(&self, audit: &Follower, blocks: &mut Blocks) -> Result<()> {
        let height = audit.height();
        let too_few = |count: u64| {
            anyhow!(
                "the source has {count} blocks, and {height} of the channel were audited before: \
                 it was rolled back, or it lags behind"
            )
        };
        let first = match blocks.of_peer() {
            // Reading would wait for the missing blocks.
            Some((_, count)) if count < height => return Err(too_few(count)),
            Some((first, _)) => first,
            None => 0,
        };
        let mut steps = Steps::start("comparing with what was audited");
        for number in first..height {
            let block = self.next(blocks)?.ok_or_else(|| too_few(number))?;
            audit.compare(number, &block)?;
            steps.show(blocks.step()?);
        }
        Ok(())
    }

    fn follow(
        &self,
        mut audit: Follower,
        mut notes: Option<Notes>,
        mut blocks: Blocks,
        report: &mut Report,
    ) -> Result<()> {
        let mut steps = Steps::start("auditing");
        let mut shown = Instant::now();
        loop {
            let block = match self.next(&mut blocks) {
                Ok(Some(block)) => block,
                Ok(None) => break,
                Err(error) if error.is::<Interrupted>() && self.is_up_to_date(&audit, &blocks) => {
                    break;
                }
                Err(error) => return Err(error),
            };
            let found = audit.look_at(&block)?;
            if let Some(notes) = &mut notes {
                notes.add(&found)?;
            }
            let number = found.number;
            audit.add(block).with_context(|| {
                format!("the audit ends at block {number}: the state after it is not known")
            })?;
            report.totals.add(&found.totals);
            report.add(&found)?;
            steps.show(blocks.step()?);
            if self.follow && !self.json && shown.elapsed() > Duration::from_secs(60) {
                shown = Instant::now();
                output::aside(&summary(&report.totals));
            }
        }
        check_defined(&audit)
    }

    /// Returns the next block. Hints at --resume only for a peer: reading a damaged file again does
    /// not help.
    fn next(&self, blocks: &mut Blocks) -> Result<Option<Block>> {
        let hint = match (blocks.of_peer(), &self.resume) {
            (Some(_), Some(_)) => "the same command goes on where it ended",
            (Some(_), None) => "with --resume DIR an audit goes on where it ended",
            (None, _) => return blocks.next(),
        };
        blocks.next().map_err(|error| match error.is::<Interrupted>() {
            true => error,
            false => anyhow!("{error:#}\n  hint: {hint}"),
        })
    }

    /// True if the audit only waits for new blocks of the peer.
    fn is_up_to_date(&self, audit: &Follower, blocks: &Blocks) -> bool {
        self.follow && blocks.of_peer().is_some_and(|(_, height)| audit.height() >= height)
    }

    fn print(&self, report: &Report, ended: Option<&anyhow::Error>) -> Result<()> {
        let totals = &report.totals;
        if !self.json {
            return output::line(&summary(totals));
        }
        output::json(&json!({
            "clean": totals.is_clean() && ended.is_none(),
            "complete": ended.is_none(),
            "error": ended.map(|error| format!("{error:#}")),
            "totals": totals,
            "findings": report.findings,
            "more_findings": report.more_findings,
        }))
    }
}

/// Fails if a component names a chaincode that the channel has never had.
fn check_defined(audit: &Follower) -> Result<()> {
    let unknown = audit.unknown_names()?;
    let Some(channel) = audit.channel().filter(|_| !unknown.is_empty()) else { return Ok(()) };
    let defined = match audit.defined()?.join(", ") {
        none if none.is_empty() => "it has none".to_owned(),
        names => format!("--component may name {names}"),
    };
    bail!(
        "channel {channel} has no chaincode {} in its {} blocks, so nothing was audited for it: \
         {defined}",
        unknown.join(", "),
        audit.height()
    )
}

/// Returns the options that affect results and differ from the defaults.
fn flags_of(config: &LaboratoryConfig) -> Vec<String> {
    let (usual, limits) = (Limits::default(), &config.limits);
    let mib = |bytes: usize| bytes.div_ceil(1 << 20) as u64;
    let numbers = [
        ("--fuel", limits.fuel, usual.fuel),
        ("--memory-mib", mib(limits.memory_bytes), mib(usual.memory_bytes)),
        ("--value-mib", mib(limits.value_bytes), mib(usual.value_bytes)),
        ("--response-mib", mib(limits.response_bytes), mib(usual.response_bytes)),
        ("--event-mib", mib(limits.event_bytes), mib(usual.event_bytes)),
        ("--call-mib", mib(limits.host_call_bytes), mib(usual.host_call_bytes)),
    ];
    let given = numbers.into_iter().filter(|(_, limit, usual)| limit != usual);
    let given = given.map(|(name, limit, _)| format!("{name} {limit}"));
    let no_rich_queries = !config.ledger.rich_queries;
    given.chain(no_rich_queries.then(|| "--no-rich-queries".to_owned())).collect()
}

fn summary(totals: &Totals) -> String {
    let Totals { blocks, transactions, of_others, same, differ, unknown, not_run, .. } = totals;
    let mut text = format!(
        "{blocks} blocks, {transactions} transactions, {of_others} of them not of these \
         chaincodes\n{same} had the endorsed result, {differ} differ, {unknown} are unknown, \
         {not_run} were not run"
    );
    if totals.wrong_verdicts > 0 {
        text += &format!("\n{} have a wrong verdict", totals.wrong_verdicts);
    }
    for (reason, count) in &totals.reasons {
        text += &format!("\n  {count} for: {reason}");
    }
    text
}

fn as_text(finding: &Finding) -> String {
    let Finding { block, transaction, tx_id, chaincode, function, code, .. } = finding;
    let kind = match finding.kind {
        Kind::Differs => "DIFFERS",
        Kind::Verdict => "WRONG VERDICT",
        Kind::Unknown => "unknown",
        Kind::NotRun => "not run",
    };
    let function = output::shown(function);
    let mut text = format!(
        "{kind}: block {block}, transaction {transaction} ({code}), {chaincode} {function}"
    );
    text += &format!("\n  {}", output::shown(tx_id));
    for reason in &finding.reasons {
        text += &format!("\n  {}", output::shown(reason));
    }
    // For the other kinds, which have a reason, the differences are only in the JSON.
    let differences = finding.differences.iter().filter(|_| finding.kind == Kind::Differs);
    for difference in differences.take(20) {
        let what = output::shown(&difference.what);
        let (endorsed, now) = (output::shown(&difference.endorsed), output::shown(&difference.now));
        text += &format!("\n  {what}: endorsed {endorsed}, now {now}");
    }
    text
}
