//! Follows a channel block by block and runs its transactions again.
//!
//! Invariant: a run is neither endorsed nor committed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;

use prost::Message;

use crate::case::Case;
use crate::error::AuditError;
use crate::observer::Traces;
use crate::trace::Trace;
use crate::vscc::DirectVscc;
use wasmcc_channel::definition::LsccName;
use wasmcc_channel::{Channel, Channels, Holders};
use wasmcc_committer::{EndorsementValidator, StateRules, verdicts};
use wasmcc_ledger::{
    CommittedBlock, CommittedTx, LedgerConfig, Ledgers, Snapshot, StoredPrivateData, TxEnvelope,
};
use wasmcc_peer::chaincode::{
    AccessControl, ChaincodeSupport, ExecuteError, Execution, NativeChaincode, NotEnded,
    PackageStore, StandIn, StandIns, SupportConfig, TxParams, defined_names,
};
use wasmcc_peer::syscc::{Acl, Cscc, Lifecycle, Lscc, Qscc, Vscc};
use wasmcc_runtime::{Compiler, Limits, Runtime, RuntimeConfig, wait};
use wasmcc_types::proto::common::{Block, HeaderType};
use wasmcc_types::proto::protos::{self, TxValidationCode};
use wasmcc_types::{CSCC, LIFECYCLE, LSCC, QSCC, TxId};

/// Stack of a thread that runs guests: calls of chaincodes nest on it.
const STACK_BYTES: usize = 16 << 20;

/// A component and the chaincode that it stands in for.
#[derive(Clone, Debug)]
pub struct Component {
    /// The chaincode's name.
    pub name: String,
    /// The version that it is for; None: all versions without a component of their own.
    pub version: Option<String>,
    /// The component.
    pub code: StandIn,
}

/// The options for running transactions again.
#[derive(Clone, Debug, Default)]
pub struct LaboratoryConfig {
    /// The folder of the followed channel; None: a temporary folder.
    pub folder: Option<PathBuf>,
    /// The state database that the channel's peers use.
    pub ledger: LedgerConfig,
    /// The limits of components.
    pub limits: Limits,
    /// The time limit of one transaction.
    pub support: SupportConfig,
    /// The compiler of components.
    pub compiler: Compiler,
    /// The folder for compiled code.
    pub cache: Option<PathBuf>,
    /// The packages that the channel's peer has installed, as `LedgerFolder::peer_values` returns
    /// them. They run chaincodes without a component.
    pub installed: Vec<(String, Vec<u8>)>,
}

/// The outcome of a new run.
#[derive(Debug)]
pub struct Run {
    /// The number of blocks in the state on which it ran.
    pub height: u64,
    /// The results, or the reason why there are none.
    pub outcome: Result<Outcome, NoOutcome>,
    /// The calls, if requested, and reasons why the results may differ.
    pub trace: Trace,
}

/// The reason why a transaction has no outcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct NoOutcome {
    /// The human-readable reason.
    pub reason: String,
    /// True if the chaincode failed as it would on every peer. False if it could not run, or was
    /// stopped by this machine.
    pub is_of_chaincode: bool,
}

impl NoOutcome {
    fn of_this_machine(reason: impl ToString) -> Self {
        Self { reason: reason.to_string(), is_of_chaincode: false }
    }
}

impl From<ExecuteError> for NoOutcome {
    fn from(error: ExecuteError) -> Self {
        let is_of_chaincode = matches!(error.end, NotEnded::Everywhere(_));
        Self { reason: error.to_string(), is_of_chaincode }
    }
}

/// The parts of an endorsement.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The chaincode's response.
    pub response: protos::Response,
    /// Serialized `protos.ChaincodeEvent`; empty if there is none.
    pub event: Vec<u8>,
    /// Serialized `rwset.TxReadWriteSet`.
    pub results: Vec<u8>,
    /// The chaincode's version on the channel.
    pub version: String,
    /// The fuel used, in units.
    pub fuel: u64,
    /// The number of calls to the peer.
    pub host_calls: u64,
}

/// A channel that is followed.
pub struct Laboratory {
    channels: Arc<Channels>,
    support: Arc<ChaincodeSupport>,
    traces: Arc<Traces>,
    names: BTreeSet<String>,
    endorsements: Arc<dyn EndorsementValidator>,
    /// The organization whose private data are read; None: that of the transaction's endorser.
    holder: Option<String>,
}

impl Laboratory {
    /// Compiles the components and opens the channel that the folder contains, if any.
    pub fn new(config: LaboratoryConfig, components: &[Component]) -> Result<Self, AuditError> {
        // The metrics of the channel belong to this process's own peer, if it has one.
        let ledger = LedgerConfig { is_measured: false, ..config.ledger };
        let ledgers = match &config.folder {
            Some(folder) => Ledgers::open(folder, ledger)?,
            None => Ledgers::temporary(ledger)?,
        };
        for (key, value) in &config.installed {
            ledgers.put_peer_value(key, value)?;
        }
        let ledgers = Arc::new(ledgers);
        let (limits, cache_dir, compiler) = (config.limits, config.cache, config.compiler);
        let runtime =
            Runtime::new(RuntimeConfig { limits, cache_dir, compiler, ..Default::default() })?;
        let runtime = Arc::new(runtime);
        let channels = Arc::new(Channels::open(Arc::clone(&ledgers))?);
        let access: Arc<dyn AccessControl> =
            Arc::new(Acl::new(Arc::clone(&channels), BTreeMap::new()));
        let packages = Arc::new(PackageStore::new(Arc::clone(&ledgers), Arc::clone(&runtime)));
        let mut stand_ins = StandIns::default();
        for Component { name, version, code } in components {
            stand_ins.add(&packages, name, version.as_deref(), code)?;
        }
        let names: BTreeSet<String> = components.iter().map(|it| it.name.clone()).collect();
        let traces = Arc::new(Traces::default());
        let mut support = ChaincodeSupport::new(
            runtime,
            Arc::clone(&packages),
            ledgers,
            Arc::clone(&access),
            config.support,
        );
        register_system(&mut support, &packages, &channels, &access)?;
        support.set_stand_ins(stand_ins);
        support.set_observer(Arc::clone(&traces) as Arc<_>);
        let endorsements = Arc::new(DirectVscc(Vscc::new(Arc::clone(&channels))));
        let support = Arc::new(support);
        Ok(Self { channels, support, traces, names, endorsements, holder: None })
    }

    /// Reads private data as the peer of this organization (MSP id) holds them.
    pub fn with_holder(self, holder: Option<String>) -> Self {
        Self { holder, ..self }
    }

    /// The chaincodes that have a component.
    pub fn names(&self) -> &BTreeSet<String> {
        &self.names
    }

    /// The followed channel; None before its genesis block.
    pub fn channel(&self) -> Option<Arc<Channel>> {
        self.channels.get(self.channels.ids().first()?)
    }

    /// The number of blocks in the state.
    pub fn height(&self) -> u64 {
        self.channel().map_or(0, |channel| channel.ledger().height())
    }

    /// The chaincodes that the channel has defined so far, by `_lifecycle` or LSCC.
    pub fn defined(&self) -> Result<BTreeSet<String>, AuditError> {
        let Some(snapshot) = self.snapshot() else { return Ok(BTreeSet::new()) };
        let mut names: BTreeSet<String> = defined_names(&snapshot)?.into_iter().collect();
        for row in snapshot.range(LSCC, "", "") {
            let (key, _) = row?;
            // LSCC keeps the collections of a definition under another key.
            if LsccName::new(&key).is_some() {
                names.insert(key);
            }
        }
        Ok(names)
    }

    /// The current state; it stays readable while blocks are added.
    pub fn snapshot(&self) -> Option<Snapshot> {
        Some(self.channel()?.ledger().snapshot())
    }

    /// Adds the next block; the first one is the channel's genesis block.
    ///
    /// Errors: those of `Ledger::follow`. Nothing has been added then.
    pub fn add(
        &self,
        block: Block,
        private: Option<&StoredPrivateData>,
    ) -> Result<CommittedBlock, AuditError> {
        let Some(channel) = self.channel() else {
            self.channels.join(&block)?;
            let (number, commit_hash) = (0, Vec::new());
            let txs = vec![CommittedTx { code: TxValidationCode::Valid, conflict: None }];
            return Ok(CommittedBlock { number, txs, commit_hash, block });
        };
        let brings_config = holds_config(&block);
        let committed = channel.ledger().follow(block, &StateRules, private)?;
        if brings_config {
            channel.follow_config()?;
        }
        Ok(committed)
    }

    /// Returns the verdicts of signatures and policies on the entries of the next block, with
    /// reasons.
    pub fn verdicts(
        &self,
        block: &Block,
        threads: usize,
    ) -> Result<Vec<(TxValidationCode, Option<String>)>, AuditError> {
        let Some(channel) = self.channel() else { return Ok(Vec::new()) };
        let entries = block.data.clone().unwrap_or_default().data;
        Ok(verdicts(&channel, &self.endorsements, entries, threads)?)
    }

    /// Runs a transaction on a height. Needs a thread with a deep stack: see [`on_deep_stack`].
    pub fn run(&self, case: &Case, state: &Snapshot, keeps_calls: bool) -> Run {
        let height = state.height();
        let tx_id = case.proposal.tx_id();
        self.traces.begin(tx_id, keeps_calls);
        let outcome = self.simulate(case, state);
        let trace = self.traces.end(tx_id);
        Run { height, outcome, trace }
    }

    fn simulate(&self, case: &Case, state: &Snapshot) -> Result<Outcome, NoOutcome> {
        let proposal = &case.proposal;
        let tx_id = TxId::parse(proposal.tx_id()).map_err(NoOutcome::of_this_machine)?;
        let org = case.endorsers.first().map_or("", String::as_str);
        let holder = self.holder.as_deref().unwrap_or(org);
        let meter = Arc::new(self.support.meter());
        let simulator = state.simulator(&tx_id, holder).metered(Arc::clone(&meter));
        let name = case.chaincode();
        let tx = TxParams {
            channel_id: proposal.channel_id().into(),
            tx_id,
            proposal: Arc::clone(&proposal.context),
            org: org.into(),
            simulator: Some(Arc::new(Mutex::new(simulator))),
            meter,
            share: Arc::new(proposal.share()),
            depth: 0,
        };
        let info = self.support.chaincode_info(&tx, name).map_err(NoOutcome::of_this_machine)?;
        let input = proposal.input.clone();
        let executed = wait(self.support.invoke(&tx, name, &info, input));
        let Execution { response, event, fuel, host_calls } = executed?;
        let simulator = tx.simulator.and_then(Arc::into_inner).and_then(|it| it.into_inner().ok());
        let simulator = simulator.ok_or_else(|| {
            NoOutcome::of_this_machine("a chaincode's panic left the simulation unfinished")
        })?;
        let (status, message) = (response.status, response.message);
        Ok(Outcome {
            response: protos::Response { status, message, payload: response.payload },
            event: event.map(|event| event.encode_to_vec()).unwrap_or_default(),
            results: simulator.finish().public.encode(),
            version: info.version,
            fuel,
            host_calls,
        })
    }
}

fn register_system(
    support: &mut ChaincodeSupport,
    packages: &Arc<PackageStore>,
    channels: &Arc<Channels>,
    access: &Arc<dyn AccessControl>,
) -> Result<(), AuditError> {
    let (packages, channels, access) =
        (|| Arc::clone(packages), || Arc::clone(channels), || Arc::clone(access));
    let holders = Holders::open(Arc::clone(channels().ledgers()), "installed");
    let holders = holders.map_err(|error| AuditError::System(format!("packages: {error}")))?;
    let holders = Arc::new(holders);
    let holders = || Arc::clone(&holders);
    let all: [(&'static str, Arc<dyn NativeChaincode>); 4] = [
        (LSCC, Arc::new(Lscc::new(packages(), channels(), access(), holders()))),
        (LIFECYCLE, Arc::new(Lifecycle::new(packages(), channels(), access(), holders()))),
        (CSCC, Arc::new(Cscc::new(channels(), access()))),
        (QSCC, Arc::new(Qscc::new(channels(), access()))),
    ];
    for (name, chaincode) in all {
        let registered = support.register_system(name, chaincode);
        registered.map_err(|error| AuditError::System(format!("{name}: {error}")))?;
    }
    Ok(())
}

fn holds_config(block: &Block) -> bool {
    let entries = block.data.as_ref().map_or(&[][..], |data| &data.data);
    entries.iter().any(|entry| {
        TxEnvelope::parse(entry)
            .is_ok_and(|tx| tx.channel_header.r#type == HeaderType::Config as i32)
    })
}

/// Runs `job` on a thread whose stack is deep enough for chaincodes that call each other.
pub fn on_deep_stack<T: Send>(job: impl FnOnce() -> T + Send) -> Result<T, AuditError> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, job);
        match thread.map_err(AuditError::Thread)?.join() {
            Ok(result) => Ok(result),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}
