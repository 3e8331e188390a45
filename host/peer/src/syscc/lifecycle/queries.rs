//! Queries of a channel's definitions (fabric `lifecycle.go`, `QueryChaincodeDefinition`,
//! `QueryNamespaceDefinitions`).

use prost::Message;

use crate::chaincode::Stub;
use crate::syscc::lifecycle::commit::{approvals, yes_or_no};
use crate::syscc::lifecycle::error::LifecycleError;
use crate::syscc::lifecycle::state::{PublicState, simulator};
use crate::syscc::lifecycle::{Lifecycle, LifecycleResult};
use wasmcc_channel::definition::{
    DEFINITION_TYPE, Definition, NAMESPACES, Parameters, metadata, metadata_prefix,
};
use wasmcc_types::proto::lifecycle::query_chaincode_definitions_result::ChaincodeDefinition;
use wasmcc_types::proto::lifecycle::{
    QueryChaincodeDefinitionArgs, QueryChaincodeDefinitionResult, QueryChaincodeDefinitionsArgs,
    QueryChaincodeDefinitionsResult, StateMetadata,
};

impl Lifecycle {
    pub(super) fn query_definition(
        &self,
        stub: &Stub<'_>,
        args: QueryChaincodeDefinitionArgs,
    ) -> LifecycleResult<QueryChaincodeDefinitionResult> {
        let definition = committed(stub, &args.name)?;
        let config = self.config(stub)?;
        let approvals = approvals(simulator(stub)?, &args.name, &definition, &config)?;
        let Definition { sequence, parameters } = definition;
        let Parameters { endorsement_info, validation_info, collections } = parameters;
        Ok(QueryChaincodeDefinitionResult {
            sequence,
            version: endorsement_info.version,
            endorsement_plugin: endorsement_info.endorsement_plugin,
            validation_plugin: validation_info.validation_plugin,
            validation_parameter: validation_info.validation_parameter,
            collections: Some(collections),
            init_required: endorsement_info.init_required,
            approvals: yes_or_no(approvals),
        })
    }

    pub(super) fn query_definitions(
        &self,
        stub: &mut Stub<'_>,
        _: QueryChaincodeDefinitionsArgs,
    ) -> LifecycleResult<QueryChaincodeDefinitionsResult> {
        let prefix = metadata_prefix(NAMESPACES);
        let rows = stub.range(&prefix, &format!("{prefix}\u{7f}"));
        let rows = rows.map_err(LifecycleError::QueryMetadata)?;
        let mut chaincode_definitions = Vec::new();
        for (key, value) in rows {
            let name = key.strip_prefix(&prefix).unwrap_or(&key);
            let metadata = StateMetadata::decode(value.as_slice())
                .map_err(|error| LifecycleError::MetadataEncoding { key: key.clone(), error })?;
            if metadata.datatype != DEFINITION_TYPE {
                continue;
            }
            let Definition { sequence, parameters } = committed(stub, name)?;
            let Parameters { endorsement_info, validation_info, collections } = parameters;
            chaincode_definitions.push(ChaincodeDefinition {
                name: name.to_owned(),
                sequence,
                version: endorsement_info.version,
                endorsement_plugin: endorsement_info.endorsement_plugin,
                validation_plugin: validation_info.validation_plugin,
                validation_parameter: validation_info.validation_parameter,
                collections: Some(collections),
                init_required: endorsement_info.init_required,
            });
        }
        Ok(QueryChaincodeDefinitionsResult { chaincode_definitions })
    }
}

/// Reads the definition of a chaincode, or fails if it has none.
fn committed(stub: &Stub<'_>, name: &str) -> LifecycleResult<Definition> {
    let mut public = PublicState::new(simulator(stub)?);
    let found = metadata(NAMESPACES, name, &mut public)
        .map_err(|error| LifecycleError::Metadata { name: name.to_owned(), error })?;
    let Some(found) = found else {
        return Err(LifecycleError::NotDefined(name.to_owned()));
    };
    if found.datatype != DEFINITION_TYPE {
        let (name, found) = (name.to_owned(), found.datatype);
        return Err(LifecycleError::NotAChaincode { name, found });
    }
    Definition::read(name, &mut public)
        .map_err(|error| LifecycleError::Chaincode { name: name.to_owned(), error })
}
