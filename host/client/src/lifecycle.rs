//! Calls of `_lifecycle`: packages are installed on a peer, organizations approve definitions, and
//! a channel commits a definition that enough organizations have approved.

use prost::Message;

use crate::ProposalBuilder;
use wasmcc_types::LIFECYCLE;
use wasmcc_types::proto::lifecycle::chaincode_source::{Local, Type as Source, Unavailable};
use wasmcc_types::proto::lifecycle::{
    ApproveChaincodeDefinitionForMyOrgArgs, ChaincodeSource, GetInstalledChaincodePackageArgs,
    InstallChaincodeArgs, QueryApprovedChaincodeDefinitionArgs,
    QueryApprovedChaincodeDefinitionsArgs, QueryChaincodeDefinitionArgs,
    QueryChaincodeDefinitionsArgs, QueryInstalledChaincodeArgs, QueryInstalledChaincodesArgs,
};
use wasmcc_types::proto::protos::CollectionConfigPackage;

/// A chaincode definition that organizations approve and a channel commits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChaincodeDefinition {
    /// The channel.
    pub channel_id: String,
    /// The chaincode's name.
    pub name: String,
    /// Its version, a free text.
    pub version: String,
    /// One more than that of the channel's current definition; 1 for the first.
    pub sequence: i64,
    /// Its endorsement policy, a serialized `protos.ApplicationPolicy`; empty: the
    /// channel's own policy.
    pub validation_parameter: Vec<u8>,
    /// Its private data collections.
    pub collections: Option<CollectionConfigPackage>,
    /// True if each version must be initialized once, by a call with `is_init`.
    pub init_required: bool,
    /// The endorsement plugin; empty: the default.
    pub endorsement_plugin: String,
    /// The validation plugin; empty: the default.
    pub validation_plugin: String,
}

impl ChaincodeDefinition {
    /// Builds a call whose argument is a definition. Fabric has a message type for each function;
    /// their encodings are the same, except that an approval also has a source.
    fn call(self, function: &str, source: Option<ChaincodeSource>) -> ProposalBuilder {
        let args = ApproveChaincodeDefinitionForMyOrgArgs {
            sequence: self.sequence,
            name: self.name,
            version: self.version,
            endorsement_plugin: self.endorsement_plugin,
            validation_plugin: self.validation_plugin,
            validation_parameter: self.validation_parameter,
            collections: self.collections,
            init_required: self.init_required,
            source,
        };
        call(&self.channel_id, function, &args)
    }
}

/// Installs a package on the peer; an admin of the peer's organization signs. The response is a
/// `lifecycle.InstallChaincodeResult`.
pub fn install(chaincode_install_package: Vec<u8>) -> ProposalBuilder {
    call("", "InstallChaincode", &InstallChaincodeArgs { chaincode_install_package })
}

/// Asks for the `lifecycle.QueryInstalledChaincodeResult` of a package; an admin signs.
pub fn query_installed(package_id: &str) -> ProposalBuilder {
    let package_id = package_id.to_owned();
    call("", "QueryInstalledChaincode", &QueryInstalledChaincodeArgs { package_id })
}

/// Asks for the `lifecycle.QueryInstalledChaincodesResult`; an admin signs.
pub fn query_all_installed() -> ProposalBuilder {
    call("", "QueryInstalledChaincodes", &QueryInstalledChaincodesArgs {})
}

/// Asks for the `lifecycle.GetInstalledChaincodePackageResult` of a package; an admin signs.
pub fn installed_package(package_id: &str) -> ProposalBuilder {
    let package_id = package_id.to_owned();
    call("", "GetInstalledChaincodePackage", &GetInstalledChaincodePackageArgs { package_id })
}

/// Approves a definition for an organization; its admin signs. Without a package, the
/// organization's peers do not run the chaincode.
pub fn approve(definition: ChaincodeDefinition, package_id: Option<&str>) -> ProposalBuilder {
    let source = match package_id {
        Some(id) => Source::LocalPackage(Local { package_id: id.to_owned() }),
        None => Source::Unavailable(Unavailable {}),
    };
    let source = ChaincodeSource { r#type: Some(source) };
    definition.call("ApproveChaincodeDefinitionForMyOrg", Some(source))
}

/// Asks for the approval by the peer's organization, a
/// `lifecycle.QueryApprovedChaincodeDefinitionResult`; an admin signs. Sequence 0 selects the
/// latest.
pub fn query_approved(channel_id: &str, name: &str, sequence: i64) -> ProposalBuilder {
    let args = QueryApprovedChaincodeDefinitionArgs { name: name.to_owned(), sequence };
    call(channel_id, "QueryApprovedChaincodeDefinition", &args)
}

/// Asks for all approvals by the peer's organization, a
/// `lifecycle.QueryApprovedChaincodeDefinitionsResult`; an admin signs.
pub fn query_all_approved(channel_id: &str) -> ProposalBuilder {
    let args = QueryApprovedChaincodeDefinitionsArgs {};
    call(channel_id, "QueryApprovedChaincodeDefinitions", &args)
}

/// Asks which organizations have approved exactly this definition, a
/// `lifecycle.CheckCommitReadinessResult`.
pub fn check_commit_readiness(definition: ChaincodeDefinition) -> ProposalBuilder {
    definition.call("CheckCommitReadiness", None)
}

/// Commits an approved definition.
pub fn commit(definition: ChaincodeDefinition) -> ProposalBuilder {
    definition.call("CommitChaincodeDefinition", None)
}

/// Asks for a channel's definition of one chaincode, a `lifecycle.QueryChaincodeDefinitionResult`.
pub fn query_committed(channel_id: &str, name: &str) -> ProposalBuilder {
    let args = QueryChaincodeDefinitionArgs { name: name.to_owned() };
    call(channel_id, "QueryChaincodeDefinition", &args)
}

/// Asks for all definitions of a channel, a `lifecycle.QueryChaincodeDefinitionsResult`.
pub fn query_all_committed(channel_id: &str) -> ProposalBuilder {
    call(channel_id, "QueryChaincodeDefinitions", &QueryChaincodeDefinitionsArgs {})
}

fn call(channel_id: &str, function: &str, args: &impl Message) -> ProposalBuilder {
    let args = [function.as_bytes().to_vec(), args.encode_to_vec()];
    ProposalBuilder::new(channel_id, LIFECYCLE).args(args)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmcc_types::proto::lifecycle::{CheckCommitReadinessArgs, CommitChaincodeDefinitionArgs};
    use wasmcc_types::proto::protos::{
        ChaincodeInvocationSpec, ChaincodeProposalPayload, CollectionConfig, Proposal,
    };

    /// Returns the function and the serialized arguments of a call.
    fn args(proposal: ProposalBuilder) -> [Vec<u8>; 2] {
        let proposal = Proposal::decode(proposal.build(b"me").bytes.as_slice()).unwrap();
        let payload = ChaincodeProposalPayload::decode(proposal.payload.as_slice()).unwrap();
        let spec = ChaincodeInvocationSpec::decode(payload.input.as_slice()).unwrap();
        spec.chaincode_spec.unwrap().input.unwrap().args.try_into().unwrap()
    }

    #[test]
    fn all_fields_of_a_definition_are_in_each_call() {
        let collections = CollectionConfigPackage { config: vec![CollectionConfig::default()] };
        let definition = ChaincodeDefinition {
            channel_id: "mychannel".into(),
            name: "basic".into(),
            version: "1.0".into(),
            sequence: 3,
            validation_parameter: vec![1, 2],
            collections: Some(collections.clone()),
            init_required: true,
            endorsement_plugin: "signs".into(),
            validation_plugin: "checks".into(),
        };
        let committed = CommitChaincodeDefinitionArgs {
            sequence: 3,
            name: "basic".into(),
            version: "1.0".into(),
            endorsement_plugin: "signs".into(),
            validation_plugin: "checks".into(),
            validation_parameter: vec![1, 2],
            collections: Some(collections),
            init_required: true,
        };
        let bytes = committed.encode_to_vec();
        let [function, found] = args(commit(definition.clone()));
        assert_eq!((function.as_slice(), &found), (&b"CommitChaincodeDefinition"[..], &bytes));
        let [function, found] = args(check_commit_readiness(definition.clone()));
        assert_eq!((function.as_slice(), &found), (&b"CheckCommitReadiness"[..], &bytes));
        let asked = CheckCommitReadinessArgs::decode(found.as_slice()).unwrap();
        assert_eq!(asked.encode_to_vec(), bytes, "no field has another number");

        let local = Source::LocalPackage(Local { package_id: "basic:1".into() });
        for (package, source) in
            [(Some("basic:1"), local), (None, Source::Unavailable(Unavailable {}))]
        {
            let [function, found] = args(approve(definition.clone(), package));
            assert_eq!(function, b"ApproveChaincodeDefinitionForMyOrg");
            let common = CommitChaincodeDefinitionArgs::decode(found.as_slice()).unwrap();
            assert_eq!(common, committed);
            let approved =
                ApproveChaincodeDefinitionForMyOrgArgs::decode(found.as_slice()).unwrap();
            assert_eq!(approved.source.unwrap().r#type, Some(source));
        }
    }
}
