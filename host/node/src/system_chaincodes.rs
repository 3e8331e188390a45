//! The system chaincodes of a peer.

use std::sync::Arc;

use crate::local_orgs::LocalOrgs;
use wasmcc_channel::Channels;
use wasmcc_peer::chaincode::{AccessControl, ChaincodeSupport, NativeChaincode, Packages};
use wasmcc_peer::syscc::{Cscc, Escc, Lifecycle, Lscc, Qscc, Vscc};
use wasmcc_protocol::ProtocolError;
use wasmcc_types::LIFECYCLE;

/// Registers all of them.
pub(super) fn register(
    support: &mut ChaincodeSupport,
    packages: Arc<Packages>,
    channels: &Arc<Channels>,
    access: &Arc<dyn AccessControl>,
    orgs: &LocalOrgs,
) -> Result<(), ProtocolError> {
    let channels = || Arc::clone(channels);
    let access = || Arc::clone(access);
    let lscc = Lscc::new(Arc::clone(&packages), channels(), access());
    let all: [(&'static str, Arc<dyn NativeChaincode>); 6] = [
        ("lscc", Arc::new(lscc)),
        (LIFECYCLE, Arc::new(Lifecycle::new(packages, channels(), access()))),
        ("cscc", Arc::new(Cscc::new(channels(), access()))),
        ("qscc", Arc::new(Qscc::new(channels(), access()))),
        ("escc", Arc::new(Escc::new(orgs.signers()))),
        ("vscc", Arc::new(Vscc::new(channels()))),
    ];
    all.into_iter().try_for_each(|(name, chaincode)| support.register_system(name, chaincode))
}
