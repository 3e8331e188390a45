//! Data in the collections, and the transient data of clients.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use wasmcc_sdk::{Context, DataType, Error, Result};

/// The part of an asset that both organizations may read, in `assetCollection`.
#[derive(Clone, Debug, PartialEq, DataType, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asset {
    /// The kind of document, for rich queries.
    pub object_type: String,
    /// Its key in the collection.
    #[serde(rename = "assetID")]
    pub id: String,
    /// For example `green`.
    pub color: String,
    /// In a unit that the owners agree on.
    pub size: i64,
    /// The client that owns it: `x509::`, subject, `::`, and issuer of its certificate.
    pub owner: String,
}

/// The part of an asset that only the owner's organization may read, in its own collection. A buyer
/// writes the same into the collection of its organization.
#[derive(Clone, Debug, Default, PartialEq, DataType, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AssetPrivateDetails {
    /// The asset's id.
    #[serde(rename = "assetID")]
    pub id: String,
    /// Its value.
    pub appraised_value: i64,
}

/// A buyer's agreement to buy an asset.
#[derive(Clone, Debug, PartialEq, DataType, Serialize, Deserialize)]
pub struct TransferAgreement {
    /// The asset's id.
    #[serde(rename = "assetID")]
    pub id: String,
    /// The buyer, as in [`Asset::owner`].
    #[serde(rename = "buyerID")]
    pub buyer_id: String,
}

/// A new asset from a client. Missing members become empty or 0, which is refused.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct NewAsset {
    pub(crate) object_type: String,
    #[serde(rename = "assetID")]
    pub(crate) id: String,
    pub(crate) color: String,
    pub(crate) size: i64,
    pub(crate) appraised_value: i64,
}

/// An asset and the organization of its buyer.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Transfer {
    #[serde(rename = "assetID")]
    pub(crate) id: String,
    #[serde(rename = "buyerMSP")]
    pub(crate) buyer_msp: String,
}

/// The id of an asset.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct OnlyId {
    #[serde(rename = "assetID")]
    pub(crate) id: String,
}

/// Returns an entry of the transient data; `missing` is the error without it.
pub(crate) fn transient(ctx: &Context, name: &str, missing: &str) -> Result<Vec<u8>> {
    ctx.get_transient().remove(name).ok_or_else(|| Error::internal(missing))
}

/// Parses JSON of a client or of a collection.
pub(crate) fn from_json<T: DeserializeOwned>(json: &[u8]) -> Result<T> {
    serde_json::from_slice(json)
        .map_err(|error| Error::internal(format!("failed to unmarshal JSON: {error}")))
}

/// Refuses an empty text.
pub(crate) fn non_empty(field: &str, text: &str) -> Result<()> {
    match text {
        "" => Err(Error::internal(format!("{field} field must be a non-empty string"))),
        _ => Ok(()),
    }
}

/// Refuses 0 and less.
pub(crate) fn positive(field: &str, number: i64) -> Result<()> {
    match number {
        1.. => Ok(()),
        _ => Err(Error::internal(format!("{field} field must be a positive integer"))),
    }
}
