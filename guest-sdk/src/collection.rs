//! Names of collections.

/// The prefix of the names of implicit collections.
pub(crate) const IMPLICIT: &str = "_implicit_org_";

/// Returns the name of an organization's implicit collection. It exists without a definition for
/// every chaincode that `_lifecycle` defined. Every organization of the channel may write it; the
/// peers of this organization store it.
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
