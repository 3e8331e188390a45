//! The attributes of `wasmcc-sdk`: [`macro@contract`], [`macro@client`] and [`derive@DataType`].
//!
//! Does not contain rules of the contract API: correct code becomes calls of `wasmcc-sdk`, which
//! has them.
//!
//! Invariant: an error is reported at the wrong token.

mod client;
mod contract;
mod data_type;
mod docs;
mod rename;
mod serde_attributes;
mod signature;
mod transaction;

use proc_macro::TokenStream;

/// Makes the functions of an `impl` block transactions of a contract, which has one such block.
///
/// `#[contract(name = "Assets", version = "1.0.0")]`: the name defaults to that of the type, the
/// version to that of the crate. Functions in the block may have one of these attributes; all
/// others are ordinary functions:
///
/// - `#[transaction]`: clients call it, by its name in PascalCase or camelCase. It takes `&self`,
///   a `&Context` and parameters that are `DataType`s, or references to them, and returns a
///   `Result`. Clients may leave out `Option`s that are the last parameters; arguments that are
///   too many are ignored, as in Fabric.
/// - `#[transaction(evaluate)]`: the same, and the metadata says that it only reads.
/// - `#[transaction(name = "Other")]`: clients call it by another name.
/// - `#[before]`: `fn(&self, &Context) -> Result<()>`, runs before every transaction.
/// - `#[after]`: `fn(&self, &Context, &[u8]) -> Result<()>`, runs after one that succeeded, with
///   its payload.
/// - `#[unknown]`: `fn(&self, &Context) -> Result<T>`, runs in place of one that does not exist.
///
/// Doc comments of the block, its functions and their parameters are descriptions in the metadata.
///
/// `#[contract(client)]` also makes a typed client of the contract, for tests and for chaincodes
/// that call this one: `AssetsClient` for the type `Assets`, or another name with
/// `client = "Name"`. It has a function for each transaction, with the same parameters, that
/// returns its result.
///
/// Functions are not `async`: the peer answers before a call returns.
///
/// ```compile_fail
/// # use wasmcc_sdk::{Context, Result, contract};
/// struct Slow;
/// #[contract]
/// impl Slow {
///     #[transaction]
///     async fn wait(&self, ctx: &Context) -> Result<()> { Ok(()) }
/// }
/// ```
#[proc_macro_attribute]
pub fn contract(attribute: TokenStream, block: TokenStream) -> TokenStream {
    finish(contract::expand(attribute.into(), block.into()))
}

/// Makes a typed client of a contract that is described as a trait: one of another crate, or in
/// another language.
///
/// The trait's functions take `&self` and the parameters of the transaction, without a context, and
/// return a `Result` of what the transaction returns. `#[transaction(evaluate)]` and
/// `#[transaction(name = "..")]` are as for [`macro@contract`]. The client is a type with `Client`
/// behind the trait's name; the trait itself is not left. `#[client(contract = "Name")]` names one
/// of several contracts of a chaincode.
///
/// ```text
/// use wasmcc_sdk::{Context, Result, client};
///
/// #[client]
/// trait Prices {
///     #[transaction(evaluate)]
///     fn price(&self, id: &str) -> Result<u64>;
/// }
///
/// fn total(ctx: &Context, ids: &[&str]) -> Result<u64> {
///     let mut prices = PricesClient::new(ctx.chaincode("prices"));
///     ids.iter().map(|id| prices.price(id)).sum()
/// }
/// ```
#[proc_macro_attribute]
pub fn client(attribute: TokenStream, described: TokenStream) -> TokenStream {
    finish(client::expand(attribute.into(), described.into()))
}

/// Lets a struct or an enum be a parameter or a result of a transaction.
///
/// Structs and enums with data are encoded as JSON, an enum without data as the name of its
/// variant, a struct around one unnamed value as that value. Serde's `Serialize` and `Deserialize`
/// have to be derived, too.
///
/// The schema in the metadata has the doc comments as descriptions. It follows serde's `rename`,
/// `rename_all`, `rename_all_fields`, `skip`, `flatten`, `tag`, `content` and `untagged`; other
/// attributes that change the JSON are refused. An `Option`, and a field with `default` or
/// `skip_serializing_if`, may be missing; unknown members are refused.
#[proc_macro_derive(DataType)]
pub fn data_type(item: TokenStream) -> TokenStream {
    finish(data_type::expand(item.into()))
}

fn finish(expanded: syn::Result<proc_macro2::TokenStream>) -> TokenStream {
    expanded.unwrap_or_else(|error| error.to_compile_error()).into()
}
