//! The system chaincodes of a peer.

use std::sync::Arc;

use anyhow::Result;

use crate::local_orgs::LocalOrgs;
use wasmcc_channel::{Channels, Holders};
use wasmcc_peer::chaincode::{AccessControl, ChaincodeSupport, NativeChaincode, PackageStore};
use wasmcc_peer::syscc::{Cscc, Escc, Lifecycle, Lscc, Qscc, Vscc};
use wasmcc_types::{CSCC, ESCC, LIFECYCLE, LSCC, QSCC, VSCC};

/// Under which name it is kept who installed which package.
const INSTALLED: &str = "installed";

/// Registers all of them.
pub(super) fn register(
    support: &mut ChaincodeSupport,
    packages: Arc<PackageStore>,
    channels: &Arc<Channels>,
    access: &Arc<dyn AccessControl>,
    orgs: &LocalOrgs,
) -> Result<()> {
    let channels = || Arc::clone(channels);
    let access = || Arc::clone(access);
    let holders = Holders::open(Arc::clone(channels().ledgers()), INSTALLED)?;
    let holders = Arc::new(holders);
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
