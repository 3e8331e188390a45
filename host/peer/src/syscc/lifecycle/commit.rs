//! The channel's word on a definition (fabric `lifecycle.go`, `CheckCommitReadiness`,
//! `CommitChaincodeDefinition`).

use std::collections::BTreeMap;

use crate::chaincode::{SharedSimulator, Stub};
use crate::syscc::lifecycle::input::{Proposed, proposed};
use crate::syscc::lifecycle::state::{OrgState, PublicState, simulator};
use crate::syscc::lifecycle::{Answer, Lifecycle};
use wasmcc_channel::definition::{Definition, NAMESPACES, sequence};
use wasmcc_msp::ChannelConfig;
use wasmcc_types::proto::lifecycle::check_commit_readiness_result::Mismatches;
use wasmcc_types::proto::lifecycle::{
    CheckCommitReadinessArgs, CheckCommitReadinessResult, CommitChaincodeDefinitionArgs,
    CommitChaincodeDefinitionResult,
};

/// For each organization of the channel, in what it differs; nothing if it approved.
pub(super) type Approvals = BTreeMap<String, Vec<String>>;

impl Lifecycle {
    pub(super) fn check_readiness(
        &self,
        stub: &Stub<'_>,
        args: CheckCommitReadinessArgs,
    ) -> Answer<CheckCommitReadinessResult> {
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
    ) -> Answer<CommitChaincodeDefinitionResult> {
        let mut proposed = proposed!(args);
        self.validate(stub, &proposed)?;
        let config = self.config(stub)?;
        if !config.application_orgs().iter().any(|org| org.msp_id == stub.peer_msp_id) {
            let text = "impossibly, this peer's org is processing requests for a channel it is not \
                        a member of";
            return Err(text.to_owned().into());
        }
        let simulator = simulator(stub)?;
        let approvals = readiness(simulator, &mut proposed, &config)?;
        let Proposed { name, definition } = &proposed;
        definition
            .stored()
            .write(NAMESPACES, name, &mut PublicState::new(simulator))
            .map_err(|why| format!("could not serialize chaincode definition: {why}"))?;
        if approvals.get(stub.peer_msp_id).is_none_or(|mismatches| !mismatches.is_empty()) {
            let org = stub.peer_msp_id;
            let text = format!("chaincode definition not agreed to by this org ({org})");
            return Err(text.into());
        }
        tracing::info!(
            channel = stub.channel_id, chaincode = %name, sequence = definition.sequence,
            "endorsed the commit of a definition"
        );
        Ok(CommitChaincodeDefinitionResult {})
    }
}

/// Who approved the next definition, with defaults filled in.
fn readiness(
    simulator: &SharedSimulator,
    proposed: &mut Proposed,
    config: &ChannelConfig,
) -> Result<Approvals, String> {
    let current = sequence(&proposed.name, &mut PublicState::new(simulator))
        .map_err(|why| format!("could not get current sequence: {why}"))?;
    let (requested, next) = (proposed.definition.sequence, current.saturating_add(1));
    if requested != next {
        return Err(format!(
            "requested sequence is {requested}, but new definition must be sequence {next}"
        ));
    }
    proposed.set_defaults(config)?;
    approvals(simulator, &proposed.name, &proposed.definition, config)
}

/// Asks the hashes of every organization of the channel (`QueryOrgApprovals`).
pub(super) fn approvals(
    simulator: &SharedSimulator,
    name: &str,
    definition: &Definition,
    config: &ChannelConfig,
) -> Result<Approvals, String> {
    let private_name = format!("{name}#{}", definition.sequence);
    let stored = definition.parameters.stored();
    let orgs = config.application_orgs().iter().map(|org| {
        let mut state = OrgState::new(simulator, &org.msp_id);
        let mismatches = stored
            .mismatches(NAMESPACES, &private_name, &mut state)
            .map_err(|why| format!("serialization check failed for key {private_name}: {why}"))?;
        Ok((org.msp_id.clone(), mismatches))
    });
    orgs.collect()
}

/// Who approved.
pub(super) fn yes_or_no(approvals: Approvals) -> BTreeMap<String, bool> {
    approvals.into_iter().map(|(org, mismatches)| (org, mismatches.is_empty())).collect()
}
