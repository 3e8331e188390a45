//! Approves a definition for an organization (fabric `lifecycle.go`,
//! `ApproveChaincodeDefinitionForOrg`).

use crate::chaincode::Stub;
use crate::syscc::lifecycle::error::LifecycleError;
use crate::syscc::lifecycle::input::{ProposedDefinition, proposed};
use crate::syscc::lifecycle::state::{OrgState, PublicState, simulator};
use crate::syscc::lifecycle::{Lifecycle, LifecycleResult};
use wasmcc_channel::definition::{
    CHAINCODE_SOURCES, Definition, NAMESPACES, Parameters, local_package, metadata,
    read_package_id, sequence,
};
use wasmcc_types::proto::lifecycle::chaincode_source::{Local, Type as Source};
use wasmcc_types::proto::lifecycle::{
    ApproveChaincodeDefinitionForMyOrgArgs, ApproveChaincodeDefinitionForMyOrgResult,
};

impl Lifecycle {
    pub(super) fn approve(
        &self,
        stub: &Stub<'_>,
        mut args: ApproveChaincodeDefinitionForMyOrgArgs,
    ) -> LifecycleResult<ApproveChaincodeDefinitionForMyOrgResult> {
        let source = args.source.take().and_then(|source| source.r#type);
        let package_id = match source {
            Some(Source::LocalPackage(Local { package_id })) => package_id,
            Some(Source::Unavailable(_)) | None => String::new(),
        };
        let mut proposed = proposed!(args);
        self.validate(stub, &proposed)?;
        let simulator = simulator(stub)?;
        let mut public = PublicState::new(simulator);
        let current =
            sequence(&proposed.name, &mut public).map_err(LifecycleError::CurrentSequence)?;
        check_sequence(current, proposed.definition.sequence)?;
        proposed.set_defaults(&*self.config(stub)?)?;

        let mut own = OrgState::new(simulator, stub.peer_msp_id);
        let ProposedDefinition { name, definition } = &proposed;
        let requested = definition.sequence;
        let private_name = format!("{name}#{requested}");
        // A committed definition may be approved again unchanged. Fabric 3 refuses that.
        if requested == current {
            check_committed(name, definition, &mut public)?;
        } else if is_approved(&private_name, definition, &package_id, &mut own)? {
            return Err(LifecycleError::Approved { sequence: requested, name: name.clone() });
        }
        definition
            .parameters
            .stored()
            .write(NAMESPACES, &private_name, &mut own)
            .map_err(LifecycleError::WriteParameters)?;
        // An empty id is written, too: with it, the organization's peers stop running the
        // chaincode.
        local_package(&package_id)
            .write(CHAINCODE_SOURCES, &private_name, &mut own)
            .map_err(LifecycleError::WritePackage)?;
        tracing::info!(
            channel = stub.channel_id, chaincode = %name, sequence = requested, package_id,
            "endorsed an approval"
        );
        Ok(ApproveChaincodeDefinitionForMyOrgResult {})
    }
}

fn check_sequence(current: i64, requested: i64) -> Result<(), LifecycleError> {
    if current == requested && requested == 0 {
        return Err(LifecycleError::SequenceZero);
    }
    if requested < current {
        return Err(LifecycleError::SequencePassed { current, requested });
    }
    let next = current.saturating_add(1);
    if requested > next {
        return Err(LifecycleError::SequenceAhead { requested, next });
    }
    Ok(())
}

/// Checks that an approval of the committed sequence has the same parameters.
fn check_committed(
    name: &str,
    requested: &Definition,
    public: &mut PublicState<'_>,
) -> Result<(), LifecycleError> {
    let sequence = requested.sequence;
    let found = metadata(NAMESPACES, name, public).map_err(LifecycleError::CurrentMetadata)?;
    if found.is_none() {
        return Err(LifecycleError::NoCurrentMetadata(sequence));
    }
    let committed = Definition::read(name, public)
        .map_err(|error| LifecycleError::Chaincode { name: name.to_owned(), error })?;
    committed.parameters.check_equal(&requested.parameters).map_err(|difference| {
        LifecycleError::OtherParameters { sequence, name: name.to_owned(), difference }
    })
}

/// Returns true if the organization has already approved this, with the same package.
fn is_approved(
    private_name: &str,
    requested: &Definition,
    package_id: &str,
    own: &mut OrgState<'_>,
) -> Result<bool, LifecycleError> {
    let name = || private_name.to_owned();
    let found =
        metadata(NAMESPACES, private_name, own).map_err(LifecycleError::UncommittedMetadata)?;
    if found.is_none() {
        return Ok(false);
    }
    let known = Parameters::read(private_name, own)
        .map_err(|error| LifecycleError::Chaincode { name: name(), error })?;
    if known.check_equal(&requested.parameters).is_err() {
        return Ok(false);
    }
    let source = metadata(CHAINCODE_SOURCES, private_name, own)
        .map_err(|error| LifecycleError::SourceMetadata { name: name(), error })?;
    if source.is_none() {
        return Ok(false);
    }
    let known = read_package_id(private_name, own)
        .map_err(|error| LifecycleError::PackageId { name: name(), error })?;
    Ok(known == package_id)
}
