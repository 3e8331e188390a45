//! The system chaincodes of a peer.

use std::sync::Arc;

use crate::local_orgs::LocalOrgs;
use wasmcc_channel::Channels;
use wasmcc_peer::chaincode::{AccessControl, ChaincodeSupport, NativeChaincode, PackageStore};
use wasmcc_peer::syscc::{Cscc, Escc, Lifecycle, Lscc, Qscc, Vscc};
use wasmcc_protocol::ProtocolError;
use wasmcc_types::{CSCC, ESCC, LIFECYCLE, LSCC, QSCC, VSCC};

/// Registers the system chaincodes.
pub(super) fn register(
    support: &mut ChaincodeSupport,
    packages: Arc<PackageStore>,
    channels: &Arc<Channels>,
    access: &Arc<dyn AccessControl>,
    orgs: &LocalOrgs,
) -> Result<(), ProtocolError> {
    let channels = || Arc::clone(channels);
    let access = || Arc::clone(access);
    let lscc = Lscc::new(Arc::clone(&packages), channels(), access());
    let all: [(&'static str, Arc<dyn NativeChaincode>); 6] = [
        (LSCC, Arc::new(lscc)),
        (LIFECYCLE, Arc::new(Lifecycle::new(packages, channels(), access()))),
        (CSCC, Arc::new(Cscc::new(channels(), access()))),
        (QSCC, Arc::new(Qscc::new(channels(), access()))),
        (ESCC, Arc::new(Escc::new(orgs.signers()))),
        (VSCC, Arc::new(Vscc::new(channels()))),
    ];
    all.into_iter().try_for_each(|(name, chaincode)| support.register_system(name, chaincode))
}
