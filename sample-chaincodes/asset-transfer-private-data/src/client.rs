//! The calling client and its rights at this peer.

use wasmcc_sdk::{Context, Error, Result};

/// Returns the client's identity: `x509::`, subject, `::`, and issuer of its certificate.
pub(crate) fn identity(ctx: &Context) -> Result<String> {
    let client = ctx.client_identity()?;
    Ok(format!("x509::{}::{}", client.subject()?, client.issuer()?))
}

/// Returns the collection that only the client's organization may read.
pub(crate) fn collection(ctx: &Context) -> Result<String> {
    Ok(collection_of(ctx.client_identity()?.msp_id()))
}

/// Returns the collection that only this organization may read.
pub(crate) fn collection_of(msp_id: &str) -> String {
    format!("{msp_id}PrivateCollection")
}

/// Refuses clients of other organizations than this peer's: they must not make it write into a
/// collection that they cannot read. `function` is the name in the error.
pub(crate) fn is_of_this_peer(ctx: &Context, function: &str) -> Result<()> {
    let client = ctx.client_identity()?;
    let (client, peer) = (client.msp_id(), ctx.get_peer_msp_id()?);
    if client == peer {
        return Ok(());
    }
    Err(Error::internal(format!(
        "{function} cannot be performed: Error client from org {client} is not authorized to read \
         or write private data from an org {peer} peer"
    )))
}
