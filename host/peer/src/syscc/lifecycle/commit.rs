//! Commits a definition for the channel (fabric `lifecycle.go`, `CheckCommitReadiness`,
//! `CommitChaincodeDefinition`).

use std::collections::BTreeMap;

use crate::chaincode::{SharedSimulator, Stub};
use crate::syscc::lifecycle::error::LifecycleError;
use crate::syscc::lifecycle::input::{ProposedDefinition, proposed};
use crate::syscc::lifecycle::state::{OrgState, PublicState, simulator};
use crate::syscc::lifecycle::{Lifecycle, LifecycleResult};
use wasmcc_channel::definition::{Definition, NAMESPACES, sequence};
use wasmcc_msp::ChannelConfig;
use wasmcc_types::proto::lifecycle::check_commit_readiness_result::Mismatches;
use wasmcc_types::proto::lifecycle::{
    CheckCommitReadinessArgs, CheckCommitReadinessResult, CommitChaincodeDefinitionArgs,
    CommitChaincodeDefinitionResult,
};

/// For each organization of the channel, the differences of its approval; empty if it approved.
pub(super) type OrgApprovals = BTreeMap<String, Vec<String>>;

impl Lifecycle {
    pub(super) fn check_readiness(
        &self,
        stub: &Stub<'_>,
        args: CheckCommitReadinessArgs,
    ) -> LifecycleResult<CheckCommitReadinessResult> {
        let mut proposed = proposed!(args);
        let simulator = simulator(stub)?;
        let approvals = readiness(simulator, &mut proposed, &*self.config(stub)?)?;
        let mismatches = approvals.iter().filter(|(_, items)| !items.is_empty());
        let mismatches =
            mismatches.map(|(org, items)| (org.clone(), Mismatches { items: items.clone() }));
        let mismatches = mismatches.collect();
        Ok(CheckCommitReadinessResult { approvals: yes_or_no(approvals), mismatches })
    }

    pub(super) fn commit(
        &self,
        stub: &Stub<'_>,
        args: CommitChaincodeDefinitionArgs,
    ) -> LifecycleResult<CommitChaincodeDefinitionResult> {
        let mut proposed = proposed!(args);
        self.validate(stub, &proposed)?;
        let config = self.config(stub)?;
        if !config.application_orgs().iter().any(|org| org.msp_id == stub.peer_msp_id) {
            return Err(LifecycleError::NotAMember);
        }
        let simulator = simulator(stub)?;
        let approvals = readiness(simulator, &mut proposed, &config)?;
        let ProposedDefinition { name, definition } = &proposed;
        definition
            .stored()
            .write(NAMESPACES, name, &mut PublicState::new(simulator))
            .map_err(LifecycleError::WriteDefinition)?;
        if approvals.get(stub.peer_msp_id).is_none_or(|mismatches| !mismatches.is_empty()) {
            return Err(LifecycleError::NotAgreed(stub.peer_msp_id.to_owned()));
        }
        tracing::info!(
            channel = stub.channel_id, chaincode = %name, sequence = definition.sequence,
            "endorsed the commit of a definition"
        );
        Ok(CommitChaincodeDefinitionResult {})
    }
}

/// Fills in the defaults of the next definition, and returns its approvals.
fn readiness(
    simulator: &SharedSimulator,
    proposed: &mut ProposedDefinition,
    config: &ChannelConfig,
) -> Result<OrgApprovals, LifecycleError> {
    let current = sequence(&proposed.name, &mut PublicState::new(simulator))
        .map_err(LifecycleError::CurrentSequence)?;
    let (requested, next) = (proposed.definition.sequence, current.saturating_add(1));
    if requested != next {
        return Err(LifecycleError::NotNextSequence { requested, next });
    }
    proposed.set_defaults(config)?;
    approvals(simulator, &proposed.name, &proposed.definition, config)
}

/// Compares the definition with the hashes of every organization (`QueryOrgApprovals`).
pub(super) fn approvals(
    simulator: &SharedSimulator,
    name: &str,
    definition: &Definition,
    config: &ChannelConfig,
) -> Result<OrgApprovals, LifecycleError> {
    let private_name = format!("{name}#{}", definition.sequence);
    let stored = definition.parameters.stored();
    let orgs = config.application_orgs().iter().map(|org| {
        let mut state = OrgState::new(simulator, &org.msp_id);
        let mismatches = stored
            .mismatches(NAMESPACES, &private_name, &mut state)
            .map_err(|error| LifecycleError::Approvals { name: private_name.clone(), error })?;
        Ok((org.msp_id.clone(), mismatches))
    });
    orgs.collect()
}

/// Returns for each organization whether it approved.
pub(super) fn yes_or_no(approvals: OrgApprovals) -> BTreeMap<String, bool> {
    approvals.into_iter().map(|(org, mismatches)| (org, mismatches.is_empty())).collect()
}
