//! Private data of organizations: properties of assets, asking and offered prices, and receipts.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use wasmcc_sdk::{Context, DataType, Error, Result};

/// The object types of price keys: asking prices of sellers, and offered prices of buyers. The
/// asset's id follows.
pub(crate) const FOR_SALE: &str = "S";
pub(crate) const BID: &str = "B";
/// The object types of receipt keys; the ids of asset and transaction follow.
const SALE_RECEIPT: &str = "SR";
const BUY_RECEIPT: &str = "BR";

/// A price that an organization agreed to. Missing members are empty.
#[derive(Clone, Debug, Default, PartialEq, DataType, Serialize, Deserialize)]
#[serde(default)]
pub struct Agreement {
    /// The id of the asset.
    #[serde(rename = "asset_id")]
    pub id: String,
    /// Its price.
    pub price: i64,
    /// An id that distinguishes sales at the same price.
    pub trade_id: String,
}

/// Returns an entry of the transient data.
pub(crate) fn transient(ctx: &Context, name: &str) -> Result<Vec<u8>> {
    let entry = ctx.get_transient().remove(name);
    entry.ok_or_else(|| Error::internal(format!("{name} key not found in the transient map")))
}

/// Returns an organization's implicit collection, which needs no definition.
pub(crate) fn collection_of(msp_id: &str) -> String {
    format!("_implicit_org_{msp_id}")
}

/// Returns the MSP id of the client if this peer belongs to its organization. Other clients must
/// neither read nor write private data here.
pub(crate) fn client_of_this_peer(ctx: &Context) -> Result<String> {
    let client = ctx.client_identity()?.msp_id().to_owned();
    let peer = ctx.get_peer_msp_id()?;
    if client == peer {
        return Ok(client);
    }
    Err(Error::internal(format!(
        "client from org {client} is not authorized to read or write private data from an org \
         {peer} peer"
    )))
}

/// Stores the price in the transient data. The bytes are unchanged: their hash is compared.
pub(crate) fn agree_to_price(ctx: &Context, msp_id: &str, kind: &str, id: &str) -> Result<()> {
    let price = transient(ctx, "asset_price")?;
    let key = ctx.create_composite_key(kind, &[id])?;
    ctx.put_private_data(&collection_of(msp_id), &key, &price)
}

/// Returns the price that the client's organization agreed to.
pub(crate) fn price(ctx: &Context, kind: &str, id: &str) -> Result<String> {
    let collection = collection_of(&client_of_this_peer(ctx)?);
    let price = ctx.get_private_data(&collection, &ctx.create_composite_key(kind, &[id])?)?;
    let price =
        price.ok_or_else(|| Error::internal(format!("asset price does not exist: {id}")))?;
    Ok(String::from_utf8(price)?)
}

/// Returns all prices of a kind that the client's organization agreed to.
pub(crate) fn agreements(ctx: &Context, kind: &str) -> Result<Vec<Agreement>> {
    let collection = collection_of(&client_of_this_peer(ctx)?);
    let rows = ctx.get_private_data_by_partial_composite_key(&collection, kind, &[""; 0])?;
    rows.map(|row| row?.json()).collect()
}

/// Returns the hash of an asset's properties in an organization's collection.
pub(crate) fn properties_hash(ctx: &Context, msp_id: &str, id: &str) -> Result<String> {
    let hash = ctx.get_private_data_hash(&collection_of(msp_id), id)?;
    let missing = || Error::internal(format!("asset private properties hash does not exist: {id}"));
    Ok(hex(&hash.ok_or_else(missing)?))
}

/// Fails unless both organizations agreed to this price.
pub(crate) fn verify_price(
    ctx: &Context,
    (seller, buyer): (&str, &str),
    id: &str,
    price: &[u8],
) -> Result<()> {
    let agreed = |who: &str, msp_id: &str, kind: &str| {
        let key = ctx.create_composite_key(kind, &[id])?;
        let hash = ctx.get_private_data_hash(&collection_of(msp_id), &key)?;
        let missing = || Error::internal(format!("{who} price for {id} does not exist"));
        Ok::<_, Error>((who.to_owned(), hex(&hash.ok_or_else(missing)?)))
    };
    let agreed = [agreed("seller", seller, FOR_SALE)?, agreed("buyer", buyer, BID)?];
    let passed = sha256(price);
    for (who, hash) in agreed {
        if hash != passed {
            let price = String::from_utf8_lossy(price);
            return Err(Error::internal(format!(
                "hash {passed} for passed price JSON {price} does not match on-chain hash {hash}, \
                 {who} hasn't agreed to the passed trade id and price"
            )));
        }
    }
    Ok(())
}

/// Deletes the sale's private data of both organizations and writes a receipt for each.
pub(crate) fn settle(ctx: &Context, (seller, buyer): (&str, &str), id: &str) -> Result<()> {
    let (sellers, buyers) = (collection_of(seller), collection_of(buyer));
    ctx.del_private_data(&sellers, id)?;
    ctx.del_private_data(&sellers, &ctx.create_composite_key(FOR_SALE, &[id])?)?;
    ctx.del_private_data(&buyers, &ctx.create_composite_key(BID, &[id])?)?;
    // The key contains everything. The sample in Go writes no members of a receipt, and endorsers
    // that run it must agree with this one.
    let (receipt, tx_id) = (b"{}", ctx.get_tx_id());
    let bought = ctx.create_composite_key(BUY_RECEIPT, &[id, &tx_id])?;
    ctx.put_private_data(&buyers, &bought, receipt)?;
    let sold = ctx.create_composite_key(SALE_RECEIPT, &[&tx_id, id])?;
    ctx.put_private_data(&sellers, &sold, receipt)
}

/// Returns the SHA-256 of bytes in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
