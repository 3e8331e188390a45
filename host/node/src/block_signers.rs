//! Selects the identities that sign the blocks of a channel.

use std::sync::Arc;

use crate::local_orgs::LocalOrgs;
use wasmcc_msp::{ChannelConfig, Network, SigningIdentity};

/// The policy by which Fabric's peers verify the signatures of a block (Fabric:
/// internal/pkg/peer/gossip, `MSPMessageCryptoService.VerifyBlock`).
const POLICY: &str = "/Channel/Orderer/BlockValidation";

/// Returns the identities that may sign blocks, the network's orderer first. An imported network
/// may lack the orderer's private key.
pub(crate) fn all(network: &Network, orgs: &LocalOrgs) -> Vec<Arc<SigningIdentity>> {
    let orderer = network.orderer().and_then(|org| {
        let signer = org.peer();
        let signer = signer.inspect_err(|error| {
            let org = org.msp_id();
            tracing::info!(org, %error, "the orderer's own identity cannot sign");
        });
        Some(signer.ok()?.remembering())
    });
    orderer.map(Arc::new).into_iter().chain(orgs.signers().into_values()).collect()
}

/// Returns the identities in the order for a channel: those that satisfy its policy come first. If
/// none does, logs a warning, because such blocks cannot be repaired later.
pub(crate) fn of_channel(
    all: &[Arc<SigningIdentity>],
    config: &ChannelConfig,
) -> Vec<Arc<SigningIdentity>> {
    let Some(policy) = config.policies().get(POLICY) else { return all.to_vec() };
    let satisfies = |signer: &Arc<SigningIdentity>| {
        let identity = config.msps().deserialize(signer.serialized());
        identity.is_ok_and(|identity| policy.evaluate_identities(&[identity]).is_ok())
    };
    let (mut first, others): (Vec<_>, Vec<_>) = all.iter().cloned().partition(satisfies);
    if first.is_empty() {
        let signers: Vec<&str> = others.iter().map(|signer| signer.msp_id()).collect();
        tracing::warn!(
            channel = %config.channel_id(),
            signers = signers.join(", "),
            "no identity of this process satisfies {POLICY} of the channel: Fabric's peers, and \
             clients that verify blocks, will refuse the blocks that it signs. Put the orderer's \
             folder with its private key into the network folder, and start again"
        );
    }
    first.extend(others);
    first
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmcc_msp::NetworkSpec;
    use wasmcc_types::ChannelId;

    #[test]
    fn whoever_satisfies_the_channels_policy_signs() {
        let network = Network::in_memory(&NetworkSpec::with_orgs(2)).unwrap();
        let genesis = network.genesis(ChannelId::parse("mychannel").unwrap()).block().unwrap();
        let config = ChannelConfig::from_genesis_block(&genesis).unwrap();
        let peers = network.orgs().iter().map(|org| Arc::new(org.peer().unwrap()));
        let orderer = Arc::new(network.orderer().unwrap().peer().unwrap());
        let ids = |signers: &[Arc<SigningIdentity>]| -> Vec<String> {
            let signers = of_channel(signers, &config);
            signers.iter().map(|signer| signer.msp_id().to_owned()).collect()
        };
        let peers: Vec<_> = peers.collect();
        let all = [&peers[..], &[orderer]].concat();
        assert_eq!(ids(&all), ["OrdererMSP", "Org1MSP", "Org2MSP"]);
        assert_eq!(ids(&peers), ["Org1MSP", "Org2MSP"]);
    }
}
