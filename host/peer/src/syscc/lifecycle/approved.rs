//! Returns the approvals of an organization, which only its own peers know (fabric `lifecycle.go`,
//! `QueryApprovedChaincodeDefinition`, `QueryApprovedChaincodeDefinitions`).

use prost::Message;

use crate::chaincode::Stub;
use crate::syscc::lifecycle::error::LifecycleError;
use crate::syscc::lifecycle::state::{OrgState, PublicState, simulator};
use crate::syscc::lifecycle::{Lifecycle, LifecycleResult};
use wasmcc_channel::definition::{
    CHAINCODE_SOURCES, LOCAL_PACKAGE_TYPE, NAMESPACES, PARAMETERS_TYPE, Parameters, metadata,
    metadata_prefix, read_package_id, sequence,
};
use wasmcc_types::proto::lifecycle::chaincode_source::{Local, Type as Source, Unavailable};
use wasmcc_types::proto::lifecycle::{
    ChaincodeSource, QueryApprovedChaincodeDefinitionArgs, QueryApprovedChaincodeDefinitionResult,
    QueryApprovedChaincodeDefinitionsArgs, QueryApprovedChaincodeDefinitionsResult, StateMetadata,
    query_approved_chaincode_definitions_result as all,
};

impl Lifecycle {
    pub(super) fn query_approved(
        &self,
        stub: &Stub<'_>,
        args: QueryApprovedChaincodeDefinitionArgs,
    ) -> LifecycleResult<QueryApprovedChaincodeDefinitionResult> {
        let QueryApprovedChaincodeDefinitionArgs { name, sequence: asked } = args;
        let mut requested = asked;
        let simulator = simulator(stub)?;
        let mut own = OrgState::new(simulator, stub.peer_msp_id);
        if requested == 0 {
            let current = sequence(&name, &mut PublicState::new(simulator))
                .map_err(LifecycleError::CurrentSequence)?;
            let next = current.saturating_add(1);
            let found = metadata(NAMESPACES, &format!("{name}#{next}"), &mut own);
            let found = found.map_err(|error| LifecycleError::NextMetadata { next, error })?;
            requested = if found.is_some() { next } else { current };
        }
        let private_name = format!("{name}#{requested}");
        let found = metadata(NAMESPACES, &private_name, &mut own).map_err(|error| {
            LifecycleError::ApprovedMetadata { name: private_name.clone(), error }
        })?;
        // Fabric 2.5 names the requested sequence, even if it is 0; Fabric 3 the one looked up.
        let missing = || {
            let channel = stub.channel_id.to_owned();
            LifecycleError::NotApproved { name: name.clone(), sequence: asked, channel }
        };
        let found = found.ok_or_else(missing)?;
        let approved = approved(&private_name, &found.datatype, &mut own);
        let (parameters, source) = approved.map_err(|error| match error {
            LifecycleError::NoSource(_) => missing(),
            error => error,
        })?;
        let Parameters { endorsement_info, validation_info, collections } = parameters;
        Ok(QueryApprovedChaincodeDefinitionResult {
            sequence: requested,
            version: endorsement_info.version,
            endorsement_plugin: endorsement_info.endorsement_plugin,
            validation_plugin: validation_info.validation_plugin,
            validation_parameter: validation_info.validation_parameter,
            collections: Some(collections),
            init_required: endorsement_info.init_required,
            source: Some(source),
        })
    }

    pub(super) fn query_all_approved(
        &self,
        stub: &Stub<'_>,
        _: QueryApprovedChaincodeDefinitionsArgs,
    ) -> LifecycleResult<QueryApprovedChaincodeDefinitionsResult> {
        let mut own = OrgState::new(simulator(stub)?, stub.peer_msp_id);
        let prefix = metadata_prefix(NAMESPACES);
        let rows = own.range(&prefix).map_err(LifecycleError::AllMetadata)?;
        let mut definitions = Vec::new();
        for (key, value) in rows {
            let private_name = key.strip_prefix(&prefix).unwrap_or(&key);
            let metadata = StateMetadata::decode(value.as_slice())
                .map_err(|error| LifecycleError::MetadataEncoding { key: key.clone(), error })?;
            let (name, sequence) = name_and_sequence(private_name)?;
            let (parameters, source) = approved(private_name, &metadata.datatype, &mut own)?;
            let Parameters { endorsement_info, validation_info, collections } = parameters;
            definitions.push(all::ApprovedChaincodeDefinition {
                name: name.to_owned(),
                sequence,
                version: endorsement_info.version,
                endorsement_plugin: endorsement_info.endorsement_plugin,
                validation_plugin: validation_info.validation_plugin,
                validation_parameter: validation_info.validation_parameter,
                collections: Some(collections),
                init_required: endorsement_info.init_required,
                source: Some(source),
            });
        }
        let approved_chaincode_definitions = definitions;
        Ok(QueryApprovedChaincodeDefinitionsResult { approved_chaincode_definitions })
    }
}

/// Splits "chaincode#sequence".
fn name_and_sequence(private_name: &str) -> Result<(&str, i64), LifecycleError> {
    let invalid = || LifecycleError::PrivateName(private_name.to_owned());
    let (name, sequence) = private_name.split_once('#').ok_or_else(invalid)?;
    let sequence = sequence.parse().map_err(|_| invalid())?;
    Ok((name, sequence))
}

/// Reads an approval: its parameters and the chosen package.
fn approved(
    private_name: &str,
    datatype: &str,
    own: &mut OrgState<'_>,
) -> Result<(Parameters, ChaincodeSource), LifecycleError> {
    let name = || private_name.to_owned();
    if datatype != PARAMETERS_TYPE {
        return Err(LifecycleError::NotParameters(datatype.to_owned()));
    }
    let parameters = Parameters::read(private_name, own)
        .map_err(|error| LifecycleError::Parameters { name: name(), error })?;
    let source = metadata(CHAINCODE_SOURCES, private_name, own)
        .map_err(|error| LifecycleError::SourceMetadata { name: name(), error })?;
    let source = source.ok_or_else(|| LifecycleError::NoSource(name()))?;
    if source.datatype != LOCAL_PACKAGE_TYPE {
        return Err(LifecycleError::NotALocalPackage(source.datatype));
    }
    let package_id = read_package_id(private_name, own)
        .map_err(|error| LifecycleError::PackageId { name: name(), error })?;
    let source = match package_id.is_empty() {
        true => Source::Unavailable(Unavailable {}),
        false => Source::LocalPackage(Local { package_id }),
    };
    Ok((parameters, ChaincodeSource { r#type: Some(source) }))
}
