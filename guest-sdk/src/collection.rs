//! Names of collections.

/// What the names of implicit collections begin with.
pub(crate) const IMPLICIT: &str = "_implicit_org_";

/// The name of an organization's own collection, which exists without a definition for every
/// chaincode that `_lifecycle` defined: everybody on the channel may write it, and the peers of
/// this organization keep it.
///
/// ```
/// use wasmcc_sdk::{Context, Result, implicit_collection};
/// fn keep(ctx: &Context, key: &str, value: &[u8]) -> Result<()> {
///     let own = implicit_collection(&ctx.get_peer_msp_id()?);
///     ctx.put_private_data(&own, key, value)
/// }
/// assert_eq!(implicit_collection("Org1MSP"), "_implicit_org_Org1MSP");
/// ```
pub fn implicit_collection(msp_id: &str) -> String {
    format!("{IMPLICIT}{msp_id}")
}
