//! Tokens, approvals and their events.

use serde::{Deserialize, Serialize};
use wasmcc_sdk::{Context, DataType, Error, Result};

/// The object type of token keys; the token's id follows.
pub(crate) const NFT: &str = "nft";
/// The object type of approval keys; owner and operator follow.
const APPROVAL: &str = "approval";
/// The object type of the keys that count an owner's tokens; owner and token id follow.
pub(crate) const BALANCE: &str = "balance";

/// A token. Its JSON has the fields in this order.
#[derive(Clone, Debug, PartialEq, DataType, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Nft {
    /// Its id.
    pub token_id: String,
    /// The client that owns it.
    pub owner: String,
    /// The URI of its description.
    #[serde(rename = "tokenURI")]
    pub token_uri: String,
    /// A client that may also transfer it; may be empty.
    pub approved: String,
}

/// An owner's permission for an operator to manage all of the owner's tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    /// The owner.
    pub owner: String,
    /// The operator.
    pub operator: String,
    /// True if it is permitted.
    pub approved: bool,
}

/// The payload of the event `Transfer`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Transfer {
    /// The previous owner; `0x0` for a new token.
    pub from: String,
    /// The new owner; `0x0` for a burned token.
    pub to: String,
    /// The token's id.
    pub token_id: String,
}

impl Nft {
    /// Returns true if a token with this id exists.
    pub(crate) fn exists(ctx: &Context, token_id: &str) -> Result<bool> {
        Ok(ctx.get_state(&Self::key(ctx, token_id)?)?.is_some())
    }

    /// Returns the token with this id.
    pub(crate) fn read(ctx: &Context, token_id: &str) -> Result<Self> {
        ctx.get(&Self::key(ctx, token_id)?)?.ok_or_else(|| {
            Error::internal(format!("The tokenId {token_id} is invalid. It does not exist"))
        })
    }

    pub(crate) fn write(&self, ctx: &Context) -> Result<()> {
        ctx.put(&Self::key(ctx, &self.token_id)?, self)
    }

    pub(crate) fn delete(&self, ctx: &Context) -> Result<()> {
        ctx.del_state(&Self::key(ctx, &self.token_id)?)
    }

    fn key(ctx: &Context, token_id: &str) -> Result<String> {
        ctx.create_composite_key(NFT, &[token_id])
    }

    /// Adds the token to its owner's count.
    pub(crate) fn count(&self, ctx: &Context) -> Result<()> {
        // An empty value would delete the key.
        ctx.put_state(&self.balance_key(ctx)?, &[0])
    }

    /// Removes the token from its owner's count.
    pub(crate) fn discount(&self, ctx: &Context) -> Result<()> {
        ctx.del_state(&self.balance_key(ctx)?)
    }

    fn balance_key(&self, ctx: &Context) -> Result<String> {
        ctx.create_composite_key(BALANCE, &[&self.owner, &self.token_id])
    }
}

impl Approval {
    /// Returns true if the owner has approved the operator.
    pub(crate) fn is_given(ctx: &Context, owner: &str, operator: &str) -> Result<bool> {
        let found: Option<Self> = ctx.get(&Self::key(ctx, owner, operator)?)?;
        Ok(found.is_some_and(|approval| approval.approved))
    }

    /// Writes it and returns the written bytes.
    pub(crate) fn write(&self, ctx: &Context) -> Result<Vec<u8>> {
        let json = serde_json::to_vec(self)?;
        ctx.put_state(&Self::key(ctx, &self.owner, &self.operator)?, &json)?;
        Ok(json)
    }

    fn key(ctx: &Context, owner: &str, operator: &str) -> Result<String> {
        ctx.create_composite_key(APPROVAL, &[owner, operator])
    }
}

impl Transfer {
    /// Sets the event.
    pub(crate) fn announce(&self, ctx: &Context) -> Result<()> {
        ctx.set_event("Transfer", &serde_json::to_vec(self)?)
    }
}
