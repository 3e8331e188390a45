//! Typed clients: a function for each transaction, with its parameters and its result.
//!
//! Does not choose how a call is made: a `wasmcc_sdk::Caller` makes it.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::parse::Parser;
use syn::{Error, Ident, ItemTrait, LitStr, Result, TraitItem, Visibility};

use crate::transaction::Transaction;
use crate::{docs, rename};

/// The client of a contract that is described as a trait.
pub(crate) fn expand(attribute: TokenStream, described: TokenStream) -> Result<TokenStream> {
    let described: ItemTrait = syn::parse2(described)?;
    if !described.generics.params.is_empty() {
        return Err(Error::new_spanned(&described.generics, "a client has no generic parameters"));
    }
    let mut contract = None;
    let parser = syn::meta::parser(|meta| {
        if !meta.path.is_ident("contract") {
            return Err(meta.error("expected `contract = \"..\"`, the name of the contract"));
        }
        contract = Some(meta.value()?.parse::<LitStr>()?.value());
        Ok(())
    });
    parser.parse2(attribute)?;
    let mut transactions = Vec::new();
    for item in &described.items {
        let TraitItem::Fn(function) = item else {
            return Err(Error::new_spanned(item, "a client has functions only"));
        };
        if let Some(body) = &function.default {
            return Err(Error::new_spanned(body, "the contract has the body of this function"));
        }
        let ours = function.attrs.iter().find(|attribute| attribute.path().is_ident("transaction"));
        transactions.push(Transaction::described(ours, &function.sig, &function.attrs)?);
    }
    let name = format_ident!("{}Client", described.ident);
    let words = match docs::of(&described.attrs) {
        words if words.is_empty() => format!("Calls the transactions of `{}`.", described.ident),
        words => words,
    };
    implement(&described.vis, &name, contract.as_deref(), &words, &transactions)
}

/// The type and its functions. Without a contract's name, calls go to the default contract.
pub(crate) fn implement(
    visibility: &Visibility,
    client: &Ident,
    contract: Option<&str>,
    words: &str,
    transactions: &[Transaction],
) -> Result<TokenStream> {
    transactions.iter().try_for_each(Transaction::check_client)?;
    let functions = transactions.iter().map(|transaction| {
        let function = rename::capitalized(&transaction.name);
        let called = match contract {
            Some(contract) => format!("{contract}:{function}"),
            None => function,
        };
        transaction.of_client(&called)
    });
    Ok(quote! {
        #[doc = #words]
        #[allow(dead_code, private_interfaces, private_bounds)]
        #visibility struct #client<C> {
            caller: C,
        }

        #[automatically_derived]
        #[allow(dead_code, private_interfaces, private_bounds, clippy::redundant_closure_call)]
        impl<C: ::wasmcc_sdk::Caller> #client<C> {
            /// Returns the client whose calls `caller` makes: `ctx.chaincode("name")` in another
            /// chaincode, `&mut ledger` for a mock ledger, `sandbox.chaincode("name")` for a
            /// sandbox.
            pub fn new(caller: C) -> Self {
                Self { caller }
            }

            #(#functions)*
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(attribute: TokenStream, described: TokenStream) -> String {
        expand(attribute, described).unwrap_err().to_string()
    }

    #[test]
    fn a_trait_describes_a_contract_elsewhere() {
        let described = quote! {
            pub trait Prices {
                /// The price of a thing.
                #[transaction(evaluate, name = "price")]
                fn price_of(&self, id: &str, tags: &[String]) -> Result<u64>;
                fn set(&self, id: String) -> Result<()>;
            }
        };
        let text = expand(quote! { contract = "P" }, described).unwrap().to_string();
        for part in [
            "pub struct PricesClient < C >",
            "pub fn price_of (& mut self , id : & str , tags : & [String])",
            "\"P:Price\" , true",
            "\"P:Set\" , false",
            "The price of a thing.",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }

    #[test]
    fn what_is_no_description_is_refused() {
        let empty = quote! { trait P {} };
        let expected = "expected `contract = \"..\"`, the name of the contract";
        assert_eq!(refused(quote! { name = "P" }, empty), expected);
        let generic = quote! { trait P<T> {} };
        assert_eq!(refused(quote! {}, generic), "a client has no generic parameters");
        let constant = quote! { trait P { const A: u8; } };
        assert_eq!(refused(quote! {}, constant), "a client has functions only");
        let body = quote! { trait P { fn f(&self) -> Result<()> { Ok(()) } } };
        assert_eq!(refused(quote! {}, body), "the contract has the body of this function");
        let without_self = quote! { trait P { fn f(id: String) -> Result<()>; } };
        assert_eq!(refused(quote! {}, without_self), "a function of a client takes `&self`");
    }
}
