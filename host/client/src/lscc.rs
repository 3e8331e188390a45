//! Calls of LSCC: chaincodes are installed on a peer, then instantiated or upgraded on a channel.

use prost::Message;

use crate::ProposalBuilder;
use crate::proposal::chaincode_spec;
use wasmcc_types::LSCC;
use wasmcc_types::proto::common::SignaturePolicyEnvelope;
use wasmcc_types::proto::protos::{self, CollectionConfigPackage};

/// Index of the collections in the arguments of deploy and upgrade.
const COLLECTIONS_ARG: usize = 6;

/// A channel's definition of a chaincode.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Definition {
    /// The channel.
    pub channel_id: String,
    /// The chaincode's name.
    pub name: String,
    /// A version that is installed on the peer.
    pub version: String,
    /// The arguments of the chaincode's INIT; the first is the function.
    pub init_args: Vec<Vec<u8>>,
    /// Its endorsement policy; without it, one member of any organization.
    pub policy: Option<SignaturePolicyEnvelope>,
    /// Its collections. None: an upgrade keeps the present ones.
    pub collections: Option<CollectionConfigPackage>,
}

/// Installs a component on the peer; an admin of the peer's organization signs.
pub fn install(name: &str, version: &str, component: Vec<u8>) -> ProposalBuilder {
    let spec = deployment_spec(name, version, None, component);
    ProposalBuilder::new("", LSCC).args([b"install".to_vec(), spec])
}

/// Instantiates a chaincode that the channel does not have yet. The response is LSCC's; the
/// chaincode's INIT runs in the same transaction.
pub fn deploy(definition: Definition) -> ProposalBuilder {
    define("deploy", definition)
}

/// Upgrades a chaincode of a channel to another version; INIT runs again.
pub fn upgrade(definition: Definition) -> ProposalBuilder {
    define("upgrade", definition)
}

/// Asks for the `protos.ChaincodeData` of an instantiated chaincode.
pub fn chaincode_data(channel_id: &str, name: &str) -> ProposalBuilder {
    ProposalBuilder::new(channel_id, LSCC).args(["getccdata", channel_id, name])
}

/// Asks for the `protos.ChaincodeQueryResponse` of all chaincodes of a channel.
pub fn instantiated(channel_id: &str) -> ProposalBuilder {
    ProposalBuilder::new(channel_id, LSCC).args(["getchaincodes"])
}

/// Asks for the `protos.CollectionConfigPackage` of an instantiated chaincode.
pub fn collections_config(channel_id: &str, name: &str) -> ProposalBuilder {
    ProposalBuilder::new(channel_id, LSCC).args(["GetCollectionsConfig", name])
}

/// Asks for the `protos.ChaincodeQueryResponse` of all packages on the peer; an admin signs.
pub fn installed() -> ProposalBuilder {
    ProposalBuilder::new("", LSCC).args(["getinstalledchaincodes"])
}

fn define(function: &str, definition: Definition) -> ProposalBuilder {
    let Definition { channel_id, name, version, init_args, policy, collections } = definition;
    let input = protos::ChaincodeInput { args: init_args, ..Default::default() };
    // The definition holds the name and the version only; the code stays on the peers.
    let spec = deployment_spec(&name, &version, Some(input), Vec::new());
    let mut args = vec![function.into(), channel_id.clone().into_bytes(), spec];
    args.extend(policy.map(|policy| policy.encode_to_vec()));
    if let Some(collections) = collections {
        // The arguments before it are policy, escc and vscc; the peer fills in empty ones.
        args.resize(COLLECTIONS_ARG, Vec::new());
        args.push(collections.encode_to_vec());
    }
    ProposalBuilder::new(channel_id, LSCC).args(args)
}

fn deployment_spec(
    name: &str,
    version: &str,
    input: Option<protos::ChaincodeInput>,
    code_package: Vec<u8>,
) -> Vec<u8> {
    let id = protos::ChaincodeId {
        name: name.to_owned(),
        version: version.to_owned(),
        ..Default::default()
    };
    let chaincode_spec = Some(chaincode_spec(Some(id), input));
    protos::ChaincodeDeploymentSpec { chaincode_spec, code_package }.encode_to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(builder: ProposalBuilder) -> (String, Vec<Vec<u8>>) {
        use wasmcc_types::proto::common;
        let proposal = builder.build(b"me");
        let proposal = protos::Proposal::decode(proposal.bytes.as_slice()).unwrap();
        let header = common::Header::decode(proposal.header.as_slice()).unwrap();
        let header = common::ChannelHeader::decode(header.channel_header.as_slice()).unwrap();
        let payload = protos::ChaincodeProposalPayload::decode(proposal.payload.as_slice());
        let spec =
            protos::ChaincodeInvocationSpec::decode(payload.unwrap().input.as_slice()).unwrap();
        let spec = spec.chaincode_spec.unwrap();
        assert_eq!(spec.chaincode_id.unwrap().name, "lscc");
        (header.channel_id, spec.input.unwrap().args)
    }

    #[test]
    fn install_carries_the_component_and_no_channel() {
        let (channel, args) = args(install("basic", "1.0", b"code".to_vec()));
        assert_eq!(channel, "");
        assert_eq!(args[0], b"install");
        let spec = protos::ChaincodeDeploymentSpec::decode(args[1].as_slice()).unwrap();
        assert_eq!(spec.code_package, b"code");
        let id = spec.chaincode_spec.unwrap().chaincode_id.unwrap();
        assert_eq!((id.name.as_str(), id.version.as_str()), ("basic", "1.0"));
    }

    #[test]
    fn deploy_carries_init_arguments_and_policy_but_no_code() {
        let definition = Definition {
            channel_id: "mychannel".into(),
            name: "basic".into(),
            version: "1.0".into(),
            init_args: vec![b"init".to_vec(), b"7".to_vec()],
            policy: Some(SignaturePolicyEnvelope { version: 0, ..Default::default() }),
            collections: None,
        };
        let (channel, args) = args(deploy(definition));
        assert_eq!(channel, "mychannel");
        assert_eq!(args[..2], [b"deploy".to_vec(), b"mychannel".to_vec()]);
        assert_eq!(args.len(), 4);
        let spec = protos::ChaincodeDeploymentSpec::decode(args[2].as_slice()).unwrap();
        assert!(spec.code_package.is_empty());
        let input = spec.chaincode_spec.unwrap().input.unwrap();
        assert_eq!(input.args, [b"init".to_vec(), b"7".to_vec()]);
    }
}
