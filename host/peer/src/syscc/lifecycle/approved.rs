//! What an organization has approved, which only its own peers can tell (fabric `lifecycle.go`,
//! `QueryApprovedChaincodeDefinition`, `QueryApprovedChaincodeDefinitions`).

use prost::Message;

use crate::chaincode::Stub;
use crate::syscc::lifecycle::state::{OrgState, PublicState, simulator};
use crate::syscc::lifecycle::{Answer, Lifecycle};
use wasmcc_channel::definition::{
    CHAINCODE_SOURCES, LOCAL_PACKAGE_TYPE, NAMESPACES, PARAMETERS_TYPE, Parameters, metadata,
    metadata_prefix, read_package_id, sequence,
};
use wasmcc_types::proto::lifecycle::chaincode_source::{Local, Type as Source, Unavailable};
use wasmcc_types::proto::lifecycle::query_approved_chaincode_definitions_result as all;
use wasmcc_types::proto::lifecycle::{
    ChaincodeSource, QueryApprovedChaincodeDefinitionArgs, QueryApprovedChaincodeDefinitionResult,
    QueryApprovedChaincodeDefinitionsArgs, QueryApprovedChaincodeDefinitionsResult, StateMetadata,
};

impl Lifecycle {
    pub(super) fn query_approved(
        &self,
        stub: &Stub<'_>,
        args: QueryApprovedChaincodeDefinitionArgs,
    ) -> Answer<QueryApprovedChaincodeDefinitionResult> {
        let QueryApprovedChaincodeDefinitionArgs { name, sequence: mut requested } = args;
        let simulator = simulator(stub)?;
        let mut own = OrgState::new(simulator, stub.peer_msp_id);
        if requested == 0 {
            let current = sequence(&name, &mut PublicState::new(simulator))
                .map_err(|why| format!("could not get current sequence: {why}"))?;
            let next = current.saturating_add(1);
            let found = metadata(NAMESPACES, &format!("{name}#{next}"), &mut own);
            let found = found.map_err(|why| {
                format!("could not deserialize namespace metadata for next sequence {next}: {why}")
            })?;
            requested = if found.is_some() { next } else { current };
        }
        let private_name = format!("{name}#{requested}");
        let found = metadata(NAMESPACES, &private_name, &mut own).map_err(|why| {
            format!("could not deserialize namespace metadata for {private_name}: {why}")
        })?;
        let Some(found) = found else {
            let text = format!(
                "could not fetch approved chaincode definition (name: '{name}', sequence: \
                 '{requested}') on channel '{}'",
                stub.channel_id
            );
            return Err(text.into());
        };
        let (parameters, source) = approved(&private_name, &found.datatype, &mut own)?;
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
    ) -> Answer<QueryApprovedChaincodeDefinitionsResult> {
        let mut own = OrgState::new(simulator(stub)?, stub.peer_msp_id);
        let prefix = metadata_prefix(NAMESPACES);
        let rows = own.range(&prefix).map_err(|why| format!("could not fetch metadatas: {why}"))?;
        let mut definitions = Vec::new();
        for (key, value) in rows {
            let private_name = key.strip_prefix(&prefix).unwrap_or(&key);
            let metadata = StateMetadata::decode(value.as_slice())
                .map_err(|e| format!("error unmarshalling metadata for key '{key}': {e}"))?;
            let (name, sequence) = name_and_sequence(private_name).map_err(|why| {
                format!(
                    "could not extract chaincode name and sequence number from metadata: \
                     {private_name}: {why}"
                )
            })?;
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

/// Takes "chaincode#sequence" apart.
fn name_and_sequence(private_name: &str) -> Result<(&str, i64), String> {
    let invalid = || format!("invalid private name format: {private_name}");
    let (name, sequence) = private_name.split_once('#').ok_or_else(invalid)?;
    let sequence = sequence.parse().map_err(|_| invalid())?;
    Ok((name, sequence))
}

/// What an organization approved, and which package it chose.
fn approved(
    private_name: &str,
    datatype: &str,
    own: &mut OrgState<'_>,
) -> Result<(Parameters, ChaincodeSource), String> {
    if datatype != PARAMETERS_TYPE {
        return Err(format!("not a chaincode parameters type: {datatype}"));
    }
    let parameters = Parameters::read(private_name, own).map_err(|why| {
        format!("could not deserialize chaincode parameters for {private_name}: {why}")
    })?;
    let source = metadata(CHAINCODE_SOURCES, private_name, own).map_err(|why| {
        format!("could not deserialize chaincode-source metadata for {private_name}: {why}")
    })?;
    let source = source
        .ok_or_else(|| format!("could not fetch chaincode-source metadata for {private_name}"))?;
    if source.datatype != LOCAL_PACKAGE_TYPE {
        return Err(format!("not a chaincode local package type: {}", source.datatype));
    }
    let package_id = read_package_id(private_name, own).map_err(|why| {
        format!("could not deserialize chaincode package for {private_name}: {why}")
    })?;
    let source = match package_id.is_empty() {
        true => Source::Unavailable(Unavailable {}),
        false => Source::LocalPackage(Local { package_id }),
    };
    Ok((parameters, ChaincodeSource { r#type: Some(source) }))
}
