//! The system chaincodes of a peer.

use std::sync::Arc;

use crate::local_orgs::LocalOrgs;
use wasmcc_channel::{Channels, Holders};
use wasmcc_ledger::{LedgerError, Ledgers};
use wasmcc_peer::chaincode::{AccessControl, ChaincodeSupport, NativeChaincode, PackageStore};
use wasmcc_peer::syscc::{Cscc, Escc, Lifecycle, Lscc, Qscc, Vscc};
use wasmcc_protocol::ProtocolError;
use wasmcc_types::{CSCC, ESCC, LIFECYCLE, LSCC, QSCC, VSCC};

/// Under which name it is kept who installed which package.
const INSTALLED: &str = "installed";

/// Who installed which package.
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
