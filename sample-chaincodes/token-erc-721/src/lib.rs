//! Non-fungible tokens: each is one of a kind and has an owner, who may let others transfer it.
//!
//! Names, JSON and messages are those of `token-erc-721` in fabric-samples.
//!
//! Invariant: a token has one owner, and the owner has one key that counts the token. Owners and
//! operators are clients: `x509::`, subject, `::`, and issuer of a certificate.

mod token;

use token::{BALANCE, NFT};
use wasmcc_sdk::{Context, Error, Result, StateIterator, contract};

pub use token::{Approval, Nft, Transfer};

/// The organization that sets the contract up and mints.
const ISSUER: &str = "Org1MSP";
/// The sender of minted tokens and the recipient of burned ones, in events.
const NOBODY: &str = "0x0";
/// The keys of the options.
const NAME: &str = "name";
const SYMBOL: &str = "symbol";

/// The contract.
pub struct TokenErc721;

#[contract(name = "TokenERC721Contract", version = "1.0.0")]
impl TokenErc721 {
    /// Sets name and symbol of the tokens, once. Only for clients of the issuer.
    #[transaction]
    fn initialize(&self, ctx: &Context, name: &str, symbol: &str) -> Result<bool> {
        is_issuer(ctx)?;
        if ctx.get_state(NAME)?.is_some() {
            return Err(Error::internal(
                "contract options are already set, client is not authorized to change them",
            ));
        }
        ctx.put_state(NAME, name.as_bytes())?;
        ctx.put_state(SYMBOL, symbol.as_bytes())?;
        Ok(true)
    }

    /// Mints a token of the client. Only for clients of the issuer.
    #[transaction(name = "MintWithTokenURI")]
    fn mint_with_token_uri(
        &self,
        ctx: &Context,
        token_id: String,
        token_uri: String,
    ) -> Result<Nft> {
        is_initialized(ctx)?;
        is_issuer(ctx)?;
        if Nft::exists(ctx, &token_id)? {
            return Err(Error::internal(format!("the token {token_id} is already minted.")));
        }
        let owner = client(ctx)?;
        let token = Nft { token_id, owner, token_uri, approved: String::new() };
        token.write(ctx)?;
        token.count(ctx)?;
        let (from, to) = (NOBODY.to_owned(), token.owner.clone());
        Transfer { from, to, token_id: token.token_id.clone() }.announce(ctx)?;
        Ok(token)
    }

    /// Destroys a token. Only for its owner.
    #[transaction]
    fn burn(&self, ctx: &Context, token_id: &str) -> Result<bool> {
        is_initialized(ctx)?;
        let owner = client(ctx)?;
        let token = read(ctx, token_id, "failed to _readNFT nft ")?;
        if token.owner != owner {
            return Err(Error::internal(format!(
                "non-fungible token {token_id} is not owned by {owner}"
            )));
        }
        token.delete(ctx)?;
        token.discount(ctx)?;
        Transfer { from: owner, to: NOBODY.to_owned(), token_id: token.token_id }.announce(ctx)?;
        Ok(true)
    }

    /// Transfers a token from its owner to another client. Only for the owner, its operators, and
    /// the client that is approved for the token.
    #[transaction]
    fn transfer_from(
        &self,
        ctx: &Context,
        from: String,
        to: String,
        token_id: String,
    ) -> Result<bool> {
        is_initialized(ctx)?;
        let sender = client(ctx)?;
        let mut token = read(ctx, &token_id, "failed to _readNFT ")?;
        let is_approved = token.owner == sender || token.approved == sender;
        if !is_approved && !Approval::is_given(ctx, &token.owner, &sender)? {
            return Err(not_authorized());
        }
        if token.owner != from {
            return Err(Error::internal("the from is not the current owner"));
        }
        token.discount(ctx)?;
        token.approved.clear();
        token.owner.clone_from(&to);
        token.write(ctx)?;
        token.count(ctx)?;
        Transfer { from, to, token_id }.announce(ctx)?;
        Ok(true)
    }

    /// Approves a client for one token, in place of an earlier one. Only for the owner of the token
    /// and its operators.
    #[transaction]
    fn approve(&self, ctx: &Context, operator: String, token_id: &str) -> Result<bool> {
        is_initialized(ctx)?;
        let sender = client(ctx)?;
        let token = read(ctx, token_id, "failed to _readNFT")?;
        if token.owner != sender && !Approval::is_given(ctx, &token.owner, &sender)? {
            return Err(not_authorized());
        }
        Nft { approved: operator, ..token }.write(ctx)?;
        Ok(true)
    }

    /// Permits an operator to transfer and approve all tokens of the client, or withdraws that.
    #[transaction]
    fn set_approval_for_all(
        &self,
        ctx: &Context,
        operator: String,
        approved: bool,
    ) -> Result<bool> {
        is_initialized(ctx)?;
        let approval = Approval { owner: client(ctx)?, operator, approved };
        let json = approval.write(ctx)?;
        ctx.set_event("ApprovalForAll", &json)?;
        Ok(true)
    }

    /// Returns true if an operator may transfer and approve all tokens of an owner.
    #[transaction(evaluate)]
    fn is_approved_for_all(&self, ctx: &Context, owner: &str, operator: &str) -> Result<bool> {
        is_initialized(ctx)?;
        Approval::is_given(ctx, owner, operator)
    }

    /// Returns the client that is approved for a token; empty if there is none.
    #[transaction(evaluate)]
    fn get_approved(&self, ctx: &Context, token_id: &str) -> Result<String> {
        is_initialized(ctx)?;
        Ok(read(ctx, token_id, "failed GetApproved for tokenId ")?.approved)
    }

    /// Returns the owner of a token.
    #[transaction(evaluate)]
    fn owner_of(&self, ctx: &Context, token_id: &str) -> Result<String> {
        is_initialized(ctx)?;
        Ok(read(ctx, token_id, "could not process OwnerOf for tokenId")?.owner)
    }

    /// Returns the URI of a token's description.
    #[transaction(evaluate, name = "TokenURI")]
    fn token_uri(&self, ctx: &Context, token_id: &str) -> Result<String> {
        is_initialized(ctx)?;
        Ok(read(ctx, token_id, "failed to get TokenURI")?.token_uri)
    }

    /// Returns the number of an owner's tokens.
    #[transaction(evaluate)]
    fn balance_of(&self, ctx: &Context, owner: &str) -> Result<u64> {
        is_initialized(ctx)?;
        count(ctx.get_state_by_partial_composite_key(BALANCE, &[owner])?)
    }

    /// Returns the number of the client's tokens.
    #[transaction(evaluate)]
    fn client_account_balance(&self, ctx: &Context) -> Result<u64> {
        self.balance_of(ctx, &client(ctx)?)
    }

    /// Returns the client's account, which senders of tokens need.
    #[transaction(evaluate, name = "ClientAccountID")]
    fn client_account_id(&self, ctx: &Context) -> Result<String> {
        is_initialized(ctx)?;
        client(ctx)
    }

    /// Returns the number of all tokens.
    #[transaction(evaluate)]
    fn total_supply(&self, ctx: &Context) -> Result<u64> {
        is_initialized(ctx)?;
        count(ctx.get_state_by_partial_composite_key(NFT, &[""; 0])?)
    }

    /// Returns the tokens' name.
    #[transaction(evaluate)]
    fn name(&self, ctx: &Context) -> Result<String> {
        option(ctx, NAME)
    }

    /// Returns the tokens' symbol.
    #[transaction(evaluate)]
    fn symbol(&self, ctx: &Context) -> Result<String> {
        option(ctx, SYMBOL)
    }
}

/// Returns the client's id: `x509::`, subject, `::`, and issuer of its certificate.
fn client(ctx: &Context) -> Result<String> {
    let client = ctx.client_identity()?;
    Ok(format!("x509::{}::{}", client.subject()?, client.issuer()?))
}

fn is_issuer(ctx: &Context) -> Result<()> {
    if ctx.client_identity()?.msp_id() == ISSUER {
        return Ok(());
    }
    Err(Error::internal("client is not authorized to set the name and symbol of the token"))
}

/// Refuses the call until the options are set.
fn is_initialized(ctx: &Context) -> Result<()> {
    option(ctx, NAME).map(drop)
}

/// Returns one of the options, which are all set together.
fn option(ctx: &Context, key: &str) -> Result<String> {
    let value = ctx.get_state(key)?.ok_or_else(|| {
        Error::internal(
            "contract options need to be set before calling any function, call Initialize() to \
             initialize contract",
        )
    })?;
    Ok(String::from_utf8(value)?)
}

fn read(ctx: &Context, token_id: &str, refusal: &str) -> Result<Nft> {
    Nft::read(ctx, token_id).map_err(|error| error.context(refusal))
}

fn not_authorized() -> Error {
    Error::internal("the sender is not the current owner nor an authorized operator")
}

fn count(rows: StateIterator) -> Result<u64> {
    rows.map(|row| row.map(|_| 1)).sum()
}

wasmcc_sdk::chaincode!(TokenErc721);

#[cfg(test)]
mod tests;
