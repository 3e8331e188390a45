//! The system chaincodes of a peer.

use std::sync::Arc;

use crate::local_orgs::LocalOrgs;
use wasmcc_channel::{Channels, Holders};
use wasmcc_ledger::{LedgerError, Ledgers};
use wasmcc_peer::chaincode::{AccessControl, ChaincodeSupport, NativeChaincode, PackageStore};
use wasmcc_peer::syscc::{Cscc, Escc, Lifecycle, Lscc, Qscc, Vscc};
use wasmcc_protocol::ProtocolError;
use wasmcc_types::{CSCC, ESCC, LIFECYCLE, LSCC, QSCC, VSCC};

/// The name under which the holders of installed packages are stored.
const INSTALLED: &str = "installed";

/// Opens the record of which organization installed which package.
pub(super) fn holders(ledgers: &Arc<Ledgers>) -> Result<Arc<Holders>, LedgerError> {
    Ok(Arc::new(Holders::open(Arc::clone(ledgers), INSTALLED)?))
}

/// Registers the system chaincodes.
pub(super) fn register(
    support: &mut ChaincodeSupport,
    (packages, holders): (Arc<PackageStore>, Arc<Holders>),
    channels: &Arc<Channels>,
    access: &Arc<dyn AccessControl>,
    orgs: &LocalOrgs,
) -> Result<(), ProtocolError> {
    let channels = || Arc::clone(channels);
    let access = || Arc::clone(access);
    let lscc = Lscc::new(Arc::clone(&packages), channels(), access(), Arc::clone(&holders));
    let all: [(&'static str, Arc<dyn NativeChaincode>); 6] = [
        (LSCC, Arc::new(lscc)),
        (LIFECYCLE, Arc::new(Lifecycle::new(packages, channels(), access(), holders))),
        (CSCC, Arc::new(Cscc::new(channels(), access()))),
        (QSCC, Arc::new(Qscc::new(channels(), access()))),
        (ESCC, Arc::new(Escc::new(orgs.signers()))),
        (VSCC, Arc::new(Vscc::new(channels()))),
    ];
    for (name, chaincode) in all {
        support.register_system(name, chaincode)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use prost::Message;

    use super::*;
    use crate::{Peer, PeerConfig};
    use wasmcc_client::ProposalBuilder;
    use wasmcc_msp::{Network, NetworkSpec};
    use wasmcc_peer::chaincode::{Files, pack_lifecycle_package};
    use wasmcc_types::Response;
    use wasmcc_types::proto::lifecycle::InstallChaincodeArgs;

    #[test]
    fn nobody_finds_a_package_before_it_is_known_whose_it_is() {
        let network = Network::in_memory(&NetworkSpec::with_orgs(2)).unwrap();
        let mut config = PeerConfig::new(network, "Org1MSP");
        config.more_orgs = vec!["Org2MSP".to_owned()];
        let peer = Peer::open(config).unwrap();
        let code: Files =
            vec![("connection.json".to_owned(), br#"{"address":"127.0.0.1:9"}"#.to_vec())];
        let chaincode_install_package = pack_lifecycle_package("ccaas", "x", &code).unwrap();
        let args = InstallChaincodeArgs { chaincode_install_package }.encode_to_vec();
        let install = |org: &str| {
            let admin = peer.network().org(org).unwrap().admin().unwrap();
            let proposal = ProposalBuilder::new("", LIFECYCLE);
            let proposal = proposal.args([b"InstallChaincode".to_vec(), args.clone()]).sign(&admin);
            let processed = peer.process_as(org, proposal.signed).unwrap();
            let response = processed.response.response.unwrap();
            (response.status, response.message)
        };
        // Simulates a full disk.
        let in_the_way = peer.ledgers.dir().join("peer").join(INSTALLED);
        fs::create_dir(&in_the_way).unwrap();
        let (status, text) = install("Org1MSP");
        assert!(status >= Response::ERROR_THRESHOLD && text.contains(INSTALLED), "{text}");
        fs::remove_dir(&in_the_way).unwrap();
        for org in ["Org2MSP", "Org1MSP"] {
            assert_eq!(install(org).0, Response::OK, "{org}");
            let (status, text) = install(org);
            assert!(status >= Response::ERROR_THRESHOLD, "{org}");
            assert!(text.contains("chaincode already successfully installed"), "{text}");
        }
    }
}
