//! The attributes of `wasmcc-sdk`: [`macro@contract`], [`macro@client`] and [`derive@DataType`].
//!
//! Does not contain rules of the contract API: correct code becomes calls of `wasmcc-sdk`, which
//! implements the rules.
//!
//! Invariant: an error is reported at the token that causes it.

mod client;
mod contract;
mod data_type;
mod docs;
mod rename;
mod serde_attributes;
mod signature;
mod transaction;

use proc_macro::TokenStream;

/// Makes the functions of an `impl` block transactions of a contract. A contract has one such
/// block.
///
/// `#[contract(name = "Assets", version = "1.0.0")]`: the name defaults to the name of the type,
/// the version to the version of the crate. A function in the block may have one of these
/// attributes; all others are ordinary functions:
///
/// - `#[transaction]`: a transaction. Clients call it by its name in PascalCase or camelCase. It
///   takes `&self`, a `&Context` and parameters that are `DataType`s, or references to them, and
///   returns a `Result`. Clients may omit trailing `Option`s. Surplus arguments are ignored, as in
///   Fabric.
/// - `#[transaction(evaluate)]`: a transaction that only reads; the metadata says so.
/// - `#[transaction(name = "Other")]`: a transaction that clients call by another name.
/// - `#[before]`: `fn(&self, &Context) -> Result<()>`, runs before every transaction.
/// - `#[after]`: `fn(&self, &Context, &[u8]) -> Result<()>`, runs after each transaction that
///   succeeded, with its payload.
/// - `#[unknown]`: `fn(&self, &Context) -> Result<T>`, runs if the called transaction does not
///   exist.
///
/// Doc comments of the block, its functions and their parameters become descriptions in the
/// metadata.
///
/// `#[contract(client)]` also makes a typed client of the contract, for tests and for chaincodes
/// that call this one: `AssetsClient` for the type `Assets`, or another name with
/// `client = "Name"`. It has a function for each transaction, with the same parameters, that
/// returns its result.
///
/// Functions are not `async`: a call of the peer returns when the peer has answered.
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

/// Makes a typed client of a contract that a trait describes, for contracts in other crates or
/// other languages.
///
/// The trait's functions take `&self` and the parameters of the transaction, without a context.
/// They return a `Result` of the transaction's result. `#[transaction(evaluate)]` and
/// `#[transaction(name = "..")]` work as for [`macro@contract`]. The client's type is the trait's
/// name followed by `Client`; the trait itself is removed. `#[client(contract = "Name")]` names one
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
/// variant, a struct around one unnamed value as that value. Derive serde's `Serialize` and
/// `Deserialize`, too.
///
/// The doc comments become descriptions in the metadata's schema. The schema follows serde's
/// `rename`, `rename_all`, `rename_all_fields`, `skip`, `flatten`, `tag`, `content` and `untagged`;
/// other attributes that change the JSON are refused. An `Option`, and a field with `default` or
/// `skip_serializing_if`, may be missing. Unknown members are refused.
#[proc_macro_derive(DataType)]
pub fn data_type(item: TokenStream) -> TokenStream {
    finish(data_type::expand(item.into()))
}

fn finish(expanded: syn::Result<proc_macro2::TokenStream>) -> TokenStream {
    expanded.unwrap_or_else(|error| error.to_compile_error()).into()
}
