//! `ProcessProposal` (fabric `core/endorser/endorser.go`; the system chaincodes involved are those
//! of 1.0).

use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use tracing::Instrument;

use crate::chaincode::{
    AccessControl, ChaincodeInfo, ChaincodeSupport, Endorsing, Execution, InstallTurn, Lent,
    SYSTEM_VERSION, ToEndorse, TxParams, ccid,
};
use crate::endorser::checks::{Check, Checks};
use crate::endorser::error::Rejected;
use crate::endorser::interest::interest;
use crate::endorser::measured::Measured;
use crate::endorser::not_executed::{NotDefined, NotEndorsed, NotExecuted, NotSimulated};
use crate::endorser::processed::Processed;
use crate::endorser::proposal::UnpackedProposal;
use crate::endorser::turns::Turns;
use crate::endorser::tx_line::{Unfinished, warn_of_own_reads};
use crate::endorser::{installing, private_data, response};
use wasmcc_channel::collections::LocalPeers;
use wasmcc_channel::{Channel, Channels};
use wasmcc_ledger::OwnRead;
use wasmcc_msp::{MspManager, has_expired};
use wasmcc_types::proto::protos;
use wasmcc_types::{
    CSCC, Client, DEFINITION_FIELDS, ESCC, Entry, LIFECYCLE, LSCC, QSCC, Response, Share, TxId,
    decode_bounded, shown_name,
};

/// Endorses proposals.
pub struct Endorser {
    support: Arc<ChaincodeSupport>,
    channels: Arc<Channels>,
    access: Arc<dyn AccessControl>,
    local_msps: Arc<MspManager>,
    org: Arc<str>,
    peers: LocalPeers,
    turns: Arc<Turns>,
}

/// The chaincode to run, and the data for its endorsement.
struct Target {
    version: String,
    escc: String,
    /// The channel's definition; None for a system chaincode.
    info: Option<ChaincodeInfo>,
}

/// An error in an execution.
struct Failed {
    why: NotExecuted,
    /// See [`Processed::is_of_this_peer`].
    is_of_this_peer: bool,
}

/// The result of a simulation.
struct Simulated {
    execution: Execution,
    /// The serialized read-write set; empty for a proposal to the peer itself, and for chaincodes
    /// that read ledgers and not the state.
    results: Vec<u8>,
    /// None if there are no results.
    interest: Option<protos::ChaincodeInterest>,
    own_reads: Vec<OwnRead>,
}

impl Endorser {
    /// Makes an endorser for the channels of a peer of `org`. `local_msps` contains the peer's own
    /// organization. `peers` are those of this process, including this one; they share `turns`.
    pub fn new(
        support: Arc<ChaincodeSupport>,
        channels: Arc<Channels>,
        access: Arc<dyn AccessControl>,
        local_msps: Arc<MspManager>,
        (org, peers): (&str, LocalPeers),
        turns: Arc<Turns>,
    ) -> Self {
        Self { support, channels, access, local_msps, org: org.into(), peers, turns }
    }

    /// Checks, simulates and endorses one proposal while `client` waits. Errors of the proposal
    /// itself are an `Err`; errors in its execution are a response of status 500. Dropping the
    /// future ends the transaction.
    pub async fn process(
        &self,
        proposal: Arc<UnpackedProposal>,
        client: Client,
    ) -> Result<Processed, Rejected> {
        self.process_watched(proposal, client, &mut Checks::unwatched()).await
    }

    /// As [`process`](Self::process), and records the checks.
    pub async fn process_watched(
        &self,
        proposal: Arc<UnpackedProposal>,
        client: Client,
        checks: &mut Checks,
    ) -> Result<Processed, Rejected> {
        let mut measured = Measured::begin();
        checks.passed(Check::Form, proposal.unpacked_in);
        let creator = &proposal.signature_header.creator;
        let not_expired = checks.make(Check::Expiry, || match self.is_expired(creator) {
            true => Err(Rejected::expired()),
            false => Ok(()),
        });
        if let Err(rejected) = not_expired {
            Measured::is_invalid();
            proposal.line().refused(&rejected);
            return Err(rejected);
        }
        let span = tracing::info_span!(
            "endorse",
            channel = shown_name(proposal.channel_id()),
            tx_id = proposal.tx_id().get(..8),
            chaincode = %shown_name(&proposal.chaincode_id.name),
        );
        let unfinished = Unfinished::new(proposal.line());
        let processing = self.process_unpacked(&proposal, client, (&mut measured, checks));
        let ended = processing.instrument(span).await;
        unfinished.ends();
        // As in Fabric, a refused proposal has no duration.
        if let Ok(ended) = &ended {
            measured.ends(&proposal, ended.as_ref().ok());
        }
        match ended {
            Ok(Ok(processed)) => Ok(processed),
            Ok(Err(Failed { why, is_of_this_peer })) => {
                let text = why.to_string();
                proposal.line().failed(&text);
                Ok(Processed::failed(text, is_of_this_peer))
            }
            Err(rejected) => {
                proposal.line().refused(&rejected);
                Err(rejected)
            }
        }
    }

    /// Processes a proposal. The inner error is one of its execution.
    async fn process_unpacked(
        &self,
        proposal: &UnpackedProposal,
        client: Client,
        (measured, checks): (&mut Measured, &mut Checks),
    ) -> Result<Result<Processed, Failed>, Rejected> {
        let channel = match proposal.channel_id() {
            "" => None,
            id => {
                let joined = || self.channels.get_as(&self.org, id).ok_or(());
                let Ok(channel) = checks.make(Check::Channel, joined) else {
                    let why = NotExecuted::NoChannel(id.to_owned());
                    return Ok(Err(Failed { why, is_of_this_peer: true }));
                };
                Some(channel)
            }
        };
        let tx_id = self.check(proposal, channel.as_deref(), checks)?;
        // Only now the identity of the client is verified.
        let share = proposal.share();
        let _place = self.support.calls().enter(&share)?;
        let _turn = self.turns.take(proposal.tx_id(), &self.org).await;
        let (support, access) = (&*self.support, &*self.access);
        let install = installing::turn(support, access, (proposal, &self.org), &share).await?;
        let tx = self.transaction(proposal, channel.as_deref(), tx_id, (share, client));
        let meter = Arc::clone(&tx.meter);
        let ended = self.endorse(proposal, channel.as_deref(), (tx, install), measured).await;
        Ok(ended.map_err(|why| {
            let is_of_this_peer = why.is_of_this_peer() && !meter.is_spent();
            Failed { why, is_of_this_peer }
        }))
    }

    /// Returns true if the creator has expired. Identities of the peer's own organization are
    /// cached; the certificates of others are parsed here.
    fn is_expired(&self, creator: &[u8]) -> bool {
        let now = SystemTime::now();
        match self.local_msps.deserialize(creator) {
            Ok(creator) => creator.is_expired(now),
            Err(_) => has_expired(creator, now),
        }
    }

    /// Makes the checks before the execution.
    fn check(
        &self,
        proposal: &UnpackedProposal,
        channel: Option<&Channel>,
        checks: &mut Checks,
    ) -> Result<TxId, Rejected> {
        let msps = match channel {
            Some(channel) => Arc::clone(channel.config().msps()),
            None => Arc::clone(&self.local_msps),
        };
        proposal.validate(&msps, checks).inspect_err(|_| Measured::is_invalid())?;
        let tx_id = TxId::parse(proposal.tx_id()).map_err(Rejected::invalid)?;
        let Some(channel) = channel else { return Ok(tx_id) };
        checks.make(Check::Duplicate, || proposal.check_new(&tx_id, channel.ledger()))?;
        let name = proposal.chaincode_id.name.as_str();
        if !self.support.is_system(name) {
            let (id, context) = (proposal.channel_id(), &proposal.context);
            let access = || self.access.check("peer/Propose", id, &self.org, context);
            checks
                .make(Check::Access, access)
                .inspect_err(|_| Measured::known(proposal).acl_failures.inc())
                .map_err(|why| Rejected::new(why.to_string()))?;
        }
        Ok(tx_id)
    }

    /// Returns the parameters of the transaction before its execution.
    fn transaction(
        &self,
        proposal: &UnpackedProposal,
        channel: Option<&Channel>,
        tx_id: TxId,
        (share, client): (Share, Client),
    ) -> TxParams {
        let name = proposal.chaincode_id.name.as_str();
        // Fabric uses no simulator for these two: they read ledgers, not the state.
        let simulated_on = channel.filter(|_| !matches!(name, QSCC | CSCC));
        let meter = Arc::new(self.support.meter_of(&share).of_client(client));
        let simulator = simulated_on.map(|channel| {
            let simulator = channel.ledger().simulator_for(&tx_id, &self.org);
            simulator.metered(Arc::clone(&meter))
        });
        TxParams {
            channel_id: proposal.channel_id().into(),
            tx_id,
            proposal: Arc::clone(&proposal.context),
            org: Arc::clone(&self.org),
            simulator: simulator.map(|simulator| Arc::new(Mutex::new(simulator))),
            meter,
            share: Arc::new(share),
            depth: 0,
        }
    }

    /// Simulates and, if the chaincode succeeds, endorses.
    async fn endorse(
        &self,
        proposal: &UnpackedProposal,
        channel: Option<&Channel>,
        (mut tx, install): (TxParams, Option<InstallTurn>),
        measured: &mut Measured,
    ) -> Result<Processed, NotExecuted> {
        let name = proposal.chaincode_id.name.as_str();
        let target = self.target(&tx, name).map_err(|source| NotExecuted::NotDefined {
            name: name.to_owned(),
            channel: proposal.channel_id().to_owned(),
            source,
        })?;
        let series = measured.executes(proposal.channel_id(), name);
        let call = (&target, &proposal.input, install);
        let simulated = self.simulate(&mut tx, channel, name, call).await;
        let simulated = simulated.inspect_err(|_| series.simulation_failures.inc())?;
        let Execution { fuel, host_calls, .. } = simulated.execution;
        series.fuel.inc_by(fuel);
        series.host_calls.inc_by(host_calls);
        let own_reads = simulated.own_reads.clone();
        let response = self.respond(proposal, &tx, &target, simulated);
        let response = response.inspect_err(|_| series.endorsement_failures.inc())?;
        Ok(Processed { response, fuel, host_calls, own_reads, is_of_this_peer: false })
    }

    /// Looks up an application chaincode on the channel.
    fn target(&self, tx: &TxParams, name: &str) -> Result<Target, NotDefined> {
        if self.support.is_system(name) {
            let (version, escc) = (SYSTEM_VERSION.into(), ESCC.into());
            return Ok(Target { version, escc, info: None });
        }
        if tx.channel_id.is_empty() {
            return Err(NotDefined::NoChannel);
        }
        let info = self.support.chaincode_info(tx, name)?;
        let (version, escc) = (info.version.clone(), info.endorsement_plugin.clone());
        Ok(Target { version, escc, info: Some(info) })
    }

    /// Runs the chaincode and takes the results of the simulation.
    async fn simulate(
        &self,
        tx: &mut TxParams,
        channel: Option<&Channel>,
        name: &str,
        (target, input, install): (&Target, &protos::ChaincodeInput, Option<InstallTurn>),
    ) -> Result<Simulated, NotSimulated> {
        let (support, called) = (&self.support, input.clone());
        let execution = match (&target.info, install) {
            (Some(info), _) => support.invoke(tx, name, info, called).await,
            (None, Some(turn)) => support.execute_install(turn, tx, name, called).await,
            (None, None) => support.execute_system(tx, name, called),
        };
        let execution = execution?;
        if name == LSCC && execution.response.status < Response::ERROR_THRESHOLD {
            self.init_deployed(tx, &input.args).await?;
        }
        let (Some(simulator), Some(channel)) = (tx.simulator.take(), channel) else {
            return Ok(Simulated {
                execution,
                results: Vec::new(),
                interest: None,
                own_reads: Vec::new(),
            });
        };
        let simulator = Arc::into_inner(simulator)
            .ok_or(NotSimulated::InUse)?
            .into_inner()
            .map_err(|_| NotSimulated::Panicked)?;
        let state = simulator.snapshot().clone();
        let results = simulator.finish();
        warn_of_own_reads(&results.own_reads, self.support.config().external.dev);
        if let Some(private) = &results.private {
            if name == LSCC {
                return Err(NotSimulated::PrivateInInstantiate);
            }
            let place = (&*self.org, &self.peers);
            let tx = (tx.tx_id.as_ref(), tx.proposal.creator.as_slice());
            private_data::keep(private, tx, channel, &state, place)?;
        }
        // `_lifecycle` is a system chaincode on every peer that looks up collections there.
        let is_system = |ns: &str| ns == LIFECYCLE || self.support.is_system(ns);
        let interest = Some(interest(&results, &state, is_system)?);
        let own_reads = results.own_reads;
        Ok(Simulated { execution, results: results.public.encode(), interest, own_reads })
    }

    /// After LSCC's deploy or upgrade, runs the new chaincode's INIT in the same simulator, so that
    /// both succeed or fail together.
    async fn init_deployed(&self, tx: &TxParams, args: &[Vec<u8>]) -> Result<(), NotSimulated> {
        let [function, _, spec, ..] = args else { return Ok(()) };
        if !matches!(function.as_slice(), b"deploy" | b"upgrade") {
            return Ok(());
        }
        let deployment = decode_bounded(spec.as_slice(), DEFINITION_FIELDS);
        let deployment: protos::ChaincodeDeploymentSpec =
            deployment.map_err(NotSimulated::DeploymentSpec)?;
        if !deployment.code_package.is_empty() {
            return Err(NotSimulated::CodePackage);
        }
        let spec = deployment.chaincode_spec.unwrap_or_default();
        let id = spec.chaincode_id.unwrap_or_default();
        if self.support.is_system(&id.name) {
            let channel = tx.channel_id.to_string();
            return Err(NotSimulated::SystemChaincode { name: id.name, channel });
        }
        self.support.check_legacy(tx, &id.name)?;
        let input = spec.input.unwrap_or_default();
        let ccid = ccid(&id.name, &id.version);
        let ran = self.support.execute(tx, &id.name, &ccid, Entry::Init, input).await;
        ran.inspect_err(|_| Measured::instantiation_failed(&tx.channel_id, &id.name))?;
        Ok(())
    }

    /// Makes the answer for the results of the simulation.
    fn respond(
        &self,
        proposal: &UnpackedProposal,
        tx: &TxParams,
        target: &Target,
        simulated: Simulated,
    ) -> Result<protos::ProposalResponse, NotEndorsed> {
        let Simulated { execution, results, interest, .. } = simulated;
        let Execution { response, event, .. } = execution;
        let parts = response::Parts::new(proposal, &target.version, response, event, results);
        match parts.status() {
            Response::ERROR.. => Ok(parts.failed(interest)),
            Response::ERROR_THRESHOLD.. => Ok(parts.bare()),
            _ if tx.channel_id.is_empty() => Ok(parts.bare()),
            _ => {
                let endorsed = self.call_escc(tx, target, parts.into_wanted())?;
                Ok(protos::ProposalResponse { interest, ..endorsed })
            }
        }
    }

    /// Calls ESCC to sign. Passes it decoded values instead of serialized arguments.
    fn call_escc(
        &self,
        tx: &TxParams,
        target: &Target,
        wanted: ToEndorse,
    ) -> Result<protos::ProposalResponse, NotEndorsed> {
        if target.escc != ESCC {
            return Err(NotEndorsed::NoPlugin(target.escc.clone()));
        }
        let mut endorsing = Endorsing::Asked(wanted);
        let (input, lent) = (Default::default(), Lent::Endorsement(&mut endorsing));
        let answer = self.support.execute_lending(tx, &target.escc, input, lent)?.response;
        match endorsing {
            Endorsing::Endorsed(endorsed) => Ok(endorsed),
            Endorsing::Asked(_) | Endorsing::Taken => Err(NotEndorsed::Refused(answer.message)),
        }
    }
}
