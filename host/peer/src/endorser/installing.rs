//! Recognizes proposals that install a package, and waits for their turns.
//!
//! Does not decide who may install: the chaincode does.

use std::sync::Arc;

use crate::chaincode::{AccessControl, ChaincodeSupport, InstallTurn};
use crate::endorser::proposal::UnpackedProposal;
use crate::syscc::install_resource;
use wasmcc_types::{Share, ShareFull};

/// Waits for the turn of a proposal that installs a package. Returns None if it does not install
/// one, or if the client has no right to: then the chaincode will refuse it.
pub(super) async fn turn(
    support: &ChaincodeSupport,
    access: &dyn AccessControl,
    (proposal, org): (&UnpackedProposal, &Arc<str>),
    share: &Share,
) -> Result<Option<InstallTurn>, ShareFull> {
    let (name, args) = (&proposal.chaincode_id.name, &proposal.input.args);
    let Some(resource) = install_resource(name, args) else { return Ok(None) };
    if access.check(&resource, "", org, &proposal.context).is_err() {
        return Ok(None);
    }
    let bytes = args.iter().map(Vec::len).sum();
    support.install_turn(share, bytes).await.map(Some)
}
