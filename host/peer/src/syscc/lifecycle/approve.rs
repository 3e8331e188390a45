//! An organization's own word on a definition (fabric `lifecycle.go`,
//! `ApproveChaincodeDefinitionForOrg`).

use crate::chaincode::Stub;
use crate::syscc::lifecycle::input::{Proposed, proposed};
use crate::syscc::lifecycle::state::{OrgState, PublicState, simulator};
use crate::syscc::lifecycle::{Answer, Lifecycle};
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
    ) -> Answer<ApproveChaincodeDefinitionForMyOrgResult> {
        let source = args.source.take().and_then(|source| source.r#type);
        let package_id = match source {
            Some(Source::LocalPackage(Local { package_id })) => package_id,
            Some(Source::Unavailable(_)) | None => String::new(),
        };
        let mut proposed = proposed!(args);
        self.validate(stub, &proposed)?;
        let simulator = simulator(stub)?;
        let mut public = PublicState::new(simulator);
        let current = sequence(&proposed.name, &mut public)
            .map_err(|why| format!("could not get current sequence: {why}"))?;
        check_sequence(current, proposed.definition.sequence)?;
        proposed.set_defaults(&*self.config(stub)?)?;

        let mut own = OrgState::new(simulator, stub.peer_msp_id);
        let Proposed { name, definition } = &proposed;
        let requested = definition.sequence;
        let private_name = format!("{name}#{requested}");
        if requested == current {
            check_committed(name, definition, &mut public)?;
        }
        if is_approved(&private_name, definition, &package_id, &mut own)? {
            let text = match requested == current {
                true => format!(
                    "attempted to redefine the current committed sequence ({current}) for \
                     namespace {name}"
                ),
                false => format!(
                    "attempted to redefine uncommitted sequence ({requested}) for namespace {name} \
                     with unchanged content"
                ),
            };
            return Err(text.into());
        }
        definition
            .parameters
            .stored()
            .write(NAMESPACES, &private_name, &mut own)
            .map_err(|why| format!("could not serialize chaincode parameters to state: {why}"))?;
        // An empty id is written, too: it takes the chaincode from the organization's peers.
        local_package(&package_id)
            .write(CHAINCODE_SOURCES, &private_name, &mut own)
            .map_err(|why| format!("could not serialize chaincode package info to state: {why}"))?;
        tracing::info!(
            channel = stub.channel_id, chaincode = %name, sequence = requested, package_id,
            "endorsed an approval"
        );
        Ok(ApproveChaincodeDefinitionForMyOrgResult {})
    }
}

fn check_sequence(current: i64, requested: i64) -> Result<(), String> {
    if current == requested && requested == 0 {
        let text = "requested sequence is 0, but first definable sequence number is 1";
        return Err(text.into());
    }
    if requested < current {
        return Err(format!(
            "currently defined sequence {current} is larger than requested sequence {requested}"
        ));
    }
    let next = current.saturating_add(1);
    if requested > next {
        return Err(format!(
            "requested sequence {requested} is larger than the next available sequence number \
             {next}"
        ));
    }
    Ok(())
}

/// Who approves what the channel has agreed on already must approve just that.
fn check_committed(
    name: &str,
    requested: &Definition,
    public: &mut PublicState<'_>,
) -> Result<(), String> {
    let sequence = requested.sequence;
    let found = metadata(NAMESPACES, name, public)
        .map_err(|why| format!("could not fetch metadata for current definition: {why}"))?;
    if found.is_none() {
        return Err(format!(
            "missing metadata for currently committed sequence number ({sequence})"
        ));
    }
    let committed = Definition::read(name, public)
        .map_err(|why| format!("could not deserialize namespace {name} as chaincode: {why}"))?;
    committed.parameters.check_equal(&requested.parameters).map_err(|why| {
        format!(
            "attempted to redefine the current committed sequence ({sequence}) for namespace \
             {name} with different parameters: {why}"
        )
    })
}

/// Whether the organization has approved this already, with the same package
/// (`isAttemptToRedefine`).
fn is_approved(
    private_name: &str,
    requested: &Definition,
    package_id: &str,
    own: &mut OrgState<'_>,
) -> Result<bool, String> {
    let sequence = requested.sequence;
    let found = metadata(NAMESPACES, private_name, own).map_err(|why| {
        format!(
            "could not fetch chaincode definition, chaincode {private_name}, requested at sequence \
             {sequence}: {why}"
        )
    })?;
    if found.is_none() {
        return Ok(false);
    }
    let known = Parameters::read(private_name, own).map_err(|why| {
        format!("could not deserialize namespace {private_name} as chaincode: {why}")
    })?;
    if known.check_equal(&requested.parameters).is_err() {
        return Ok(false);
    }
    let source = metadata(CHAINCODE_SOURCES, private_name, own).map_err(|why| {
        format!("could not deserialize chaincode-source metadata for {private_name}: {why}")
    })?;
    if source.is_none() {
        return Ok(false);
    }
    let known = read_package_id(private_name, own).map_err(|why| {
        format!("could not deserialize chaincode package for {private_name}: {why}")
    })?;
    Ok(known == package_id)
}
