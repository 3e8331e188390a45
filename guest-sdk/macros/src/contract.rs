//! `#[contract]`: an `impl` block becomes an implementation of `wasmcc_sdk::Contract`.
//!
//! Invariant: the block itself stays as the author wrote it, without the attributes of this macro.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::parse::Parser;
use syn::spanned::Spanned;
use syn::{
    Attribute, Error, FnArg, Ident, ImplItem, ImplItemFn, ItemImpl, LitStr, Result, ReturnType,
    Type,
};

use crate::signature::Arguments;
use crate::transaction::Transaction;
use crate::{client, docs, signature};

/// The attributes that a function of the block may have, at most one.
const OURS: [&str; 4] = ["transaction", "before", "after", "unknown"];

/// The description of the contract in the metadata.
struct Info {
    name: String,
    /// An expression.
    version: TokenStream,
    /// The doc comment of the block.
    words: String,
}

/// The arguments of the attribute.
struct Options {
    name: String,
    version: TokenStream,
    /// The name of the typed client; None without `client`.
    client: Option<Ident>,
}

/// Functions that run around a transaction or in place of one.
#[derive(Default)]
struct Hooks {
    before: Option<Hook>,
    after: Option<Hook>,
    unknown: Option<Hook>,
}

struct Hook {
    /// The call, as the author would write it.
    call: TokenStream,
    /// The span of its result type.
    returns: Span,
    /// Its `cfg` attributes, which also apply to all code that calls it.
    conditions: Vec<Attribute>,
}

pub(crate) fn expand(attribute: TokenStream, block: TokenStream) -> Result<TokenStream> {
    let mut block: ItemImpl = syn::parse2(block)?;
    if let Some((path, _)) = &block.trait_ {
        return Err(Error::new_spanned(path, "a contract is an `impl` block without a trait"));
    }
    if !block.generics.params.is_empty() {
        return Err(Error::new_spanned(&block.generics, "a contract has no generic parameters"));
    }
    let Options { name, version, client } = read_attribute(attribute, &block.self_ty)?;
    let mut transactions: Vec<Transaction> = Vec::new();
    let mut hooks = Hooks::default();
    for item in &mut block.items {
        let ImplItem::Fn(function) = item else { continue };
        let Some(ours) = take_ours(function)? else { continue };
        if ours.path().is_ident("transaction") {
            let transaction = Transaction::read(&ours, function)?;
            if transactions.iter().any(|other| same_name(other, &transaction)) {
                let name = &transaction.name;
                let words = format!("there is another transaction {name}");
                return Err(Error::new(transaction.span(), words));
            }
            transactions.push(transaction);
            for argument in &mut function.sig.inputs {
                if let FnArg::Typed(argument) = argument {
                    docs::remove(&mut argument.attrs);
                }
            }
        } else {
            hooks.add(&ours, function)?;
        }
    }
    let info = Info { name, version, words: docs::of(&block.attrs) };
    let contract = implement(&block, &info, &transactions, &hooks);
    let client = client.map(|client| {
        let words = format!("Calls the transactions of the contract `{}`.", info.name);
        let public = syn::parse_quote!(pub);
        client::implement(&public, &client, Some(&info.name), &words, &transactions)
    });
    let client = client.transpose()?;
    Ok(quote! { #block #contract #client })
}

fn implement(
    block: &ItemImpl,
    Info { name, version, words }: &Info,
    transactions: &[Transaction],
    hooks: &Hooks,
) -> TokenStream {
    let calls = transactions.iter().map(Transaction::call);
    let described = transactions.iter().map(Transaction::describe);
    let hooks = hooks.implement();
    let ty = &block.self_ty;
    let body = quote! {
        fn name(&self) -> &'static str {
            #name
        }

        fn version(&self) -> &'static str {
            #version
        }

        fn description(&self) -> &'static str {
            #words
        }

        fn call(
            &self,
            ctx: &::wasmcc_sdk::Context,
            function: &str,
            args: &[::std::vec::Vec<u8>],
        ) -> ::std::option::Option<::wasmcc_sdk::Result<::std::vec::Vec<u8>>> {
            let _ = (ctx, args);
            #[allow(clippy::redundant_closure_call, unreachable_code)]
            ::std::option::Option::Some(match function {
                #(#calls)*
                _ => return ::std::option::Option::None,
            })
        }

        fn describe(&self) -> &'static [::wasmcc_sdk::TransactionMetadata] {
            const { &[#(#described),*] }
        }

        #hooks
    };
    // The span at which the compiler reports that a contract has two blocks.
    quote_spanned! { signature::place(block.impl_token.span) =>
        #[automatically_derived]
        impl ::wasmcc_sdk::Contract for #ty { #body }
    }
}

impl Hooks {
    fn add(&mut self, attribute: &Attribute, function: &ImplItemFn) -> Result<()> {
        let (hook, extra, expected) = if attribute.path().is_ident("before") {
            (&mut self.before, 0, "`#[before]` is for `fn(&self, ctx: &Context) -> Result<()>`")
        } else if attribute.path().is_ident("after") {
            let expected =
                "`#[after]` is for `fn(&self, ctx: &Context, payload: &[u8]) -> Result<()>`";
            (&mut self.after, 1, expected)
        } else {
            (&mut self.unknown, 0, "`#[unknown]` is for `fn(&self, ctx: &Context) -> Result<T>`")
        };
        if hook.is_some() {
            return Err(Error::new_spanned(attribute, "there is another one already"));
        }
        let Arguments { context, others } = signature::arguments(function, expected)?;
        if others.len() != extra {
            return Err(Error::new_spanned(&function.sig.inputs, expected));
        }
        let ident = &function.sig.ident;
        let ReturnType::Type(_, returns) = &function.sig.output else {
            return Err(Error::new(ident.span(), expected));
        };
        let returns = signature::place(returns.span());
        let context = Ident::new("ctx", signature::place(context));
        let payload = others.iter().map(|payload| signature::place(payload.ty.span()));
        let payload = payload.map(|place| Ident::new("payload", place));
        let call = quote_spanned! { returns => self.#ident(#context, #(#payload),*) };
        let conditions = function.attrs.iter().filter(|one| one.path().is_ident("cfg"));
        *hook = Some(Hook { call, returns, conditions: conditions.cloned().collect() });
        Ok(())
    }

    fn implement(&self) -> TokenStream {
        let before = self.before.iter().map(|Hook { call, returns, conditions }| {
            let outcome = quote_spanned! { *returns => ::wasmcc_sdk::macros::hook(#call) };
            quote! {
                #(#conditions)*
                fn before(&self, ctx: &::wasmcc_sdk::Context) -> ::wasmcc_sdk::Result<()> {
                    #outcome
                }
            }
        });
        let after = self.after.iter().map(|Hook { call, returns, conditions }| {
            let outcome = quote_spanned! { *returns => ::wasmcc_sdk::macros::hook(#call) };
            quote! {
                #(#conditions)*
                fn after(
                    &self,
                    ctx: &::wasmcc_sdk::Context,
                    payload: &[u8],
                ) -> ::wasmcc_sdk::Result<()> {
                    #outcome
                }
            }
        });
        let unknown = self.unknown.iter().map(|Hook { call, returns, conditions }| {
            let outcome = quote_spanned! { *returns =>
                ::wasmcc_sdk::Outcome::into_payload(#call)
            };
            quote! {
                #(#conditions)*
                fn unknown(
                    &self,
                    ctx: &::wasmcc_sdk::Context,
                ) -> ::std::option::Option<::wasmcc_sdk::Result<::std::vec::Vec<u8>>> {
                    ::std::option::Option::Some(#outcome)
                }
            }
        });
        quote! { #(#before)* #(#after)* #(#unknown)* }
    }
}

/// Reads the name and version of the contract (the version is an expression), and the name of its
/// client.
fn read_attribute(attribute: TokenStream, ty: &Type) -> Result<Options> {
    let ident = match ty {
        Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.clone()),
        _ => None,
    };
    let mut name = ident.as_ref().map(Ident::to_string);
    let mut client = None;
    let mut version = quote! { ::std::env!("CARGO_PKG_VERSION") };
    let parser = syn::meta::parser(|meta| {
        if meta.path.is_ident("name") {
            let given: LitStr = meta.value()?.parse()?;
            if given.value().is_empty() {
                return Err(Error::new_spanned(given, "a contract's name is not empty"));
            }
            if given.value() == "org.hyperledger.fabric" {
                let words = "this is the contract that every chaincode has beside its own";
                return Err(Error::new_spanned(given, words));
            }
            name = Some(given.value());
        } else if meta.path.is_ident("version") {
            let given: LitStr = meta.value()?.parse()?;
            version = quote! { #given };
        } else if meta.path.is_ident("client") {
            client = Some(match (meta.input.peek(syn::Token![=]), &ident) {
                (true, _) => meta.value()?.parse::<LitStr>()?.parse::<Ident>()?,
                (false, Some(ident)) => format_ident!("{ident}Client"),
                (false, None) => return Err(meta.error("give it a name: `client = \"..\"`")),
            });
        } else {
            return Err(meta.error("expected `name = \"..\"`, `version = \"..\"` or `client`"));
        }
        Ok(())
    });
    parser.parse2(attribute)?;
    let name = name.ok_or_else(|| Error::new_spanned(ty, "give it a name: `name = \"..\"`"))?;
    Ok(Options { name, version, client })
}

/// Removes this macro's attribute from a function and returns it.
fn take_ours(function: &mut ImplItemFn) -> Result<Option<Attribute>> {
    let is_ours = |attribute: &&Attribute| OURS.iter().any(|name| attribute.path().is_ident(name));
    let mut ours = function.attrs.iter().filter(is_ours).cloned();
    let (first, second) = (ours.next(), ours.next());
    drop(ours);
    if let Some(second) = second {
        return Err(Error::new_spanned(second, "a function has one of these attributes at most"));
    }
    function.attrs.retain(|attribute| !is_ours(&attribute));
    Ok(first)
}

/// Returns true if clients reach both by the same name: the case of the first letter is ignored.
fn same_name(one: &Transaction, other: &Transaction) -> bool {
    use crate::rename::capitalized;
    capitalized(&one.name) == capitalized(&other.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(block: TokenStream) -> String {
        expand(TokenStream::new(), block).unwrap_err().to_string()
    }

    fn refused_function(function: TokenStream) -> String {
        refused(quote! { impl C { #function } })
    }

    #[test]
    fn a_transaction_is_found_by_its_name_and_the_block_loses_our_attributes() {
        let block = quote! {
            impl Assets {
                #[transaction(evaluate)]
                fn read_asset(&self, ctx: &Context, id: String, tag: &str) -> Result<Asset> {}
                fn helper(&self) {}
            }
        };
        let text = expand(quote! { version = "2" }, block).unwrap().to_string();
        assert!(text.contains("\"ReadAsset\" =>"), "{text}");
        assert!(text.contains("self . read_asset (ctx , p0 , & p1)"), "{text}");
        assert!(text.contains("evaluate : true"), "{text}");
        assert!(!text.contains("transaction (evaluate)") && !text.contains("\"Helper\""), "{text}");
    }

    #[test]
    fn what_calls_a_transaction_has_its_conditions() {
        let block = quote! {
            impl Assets {
                #[cfg(feature = "audit")]
                #[transaction]
                fn check(&self, ctx: &Context) -> Result<()> {}
            }
        };
        let text = expand(quote! { client }, block).unwrap().to_string();
        // The function, the call, the description, the client's.
        assert_eq!(text.matches("# [cfg (feature = \"audit\")]").count(), 4, "{text}");
        let hooks = quote! {
            impl Assets {
                #[cfg(a)] #[before] fn check(&self, ctx: &Context) -> Result<()> {}
                #[cfg(a)] #[after] fn note(&self, ctx: &Context, p: &[u8]) -> Result<()> {}
                #[cfg(a)] #[unknown] fn guess(&self, ctx: &Context) -> Result<()> {}
            }
        };
        let text = expand(TokenStream::new(), hooks).unwrap().to_string();
        assert_eq!(text.matches("# [cfg (a)]").count(), 6, "{text}");
    }

    #[test]
    fn names_that_are_taken_are_refused() {
        let block =
            quote! { impl C { #[transaction] fn new(&self, ctx: &Context) -> Result<()> {} } };
        let refused = expand(quote! { client }, block.clone()).unwrap_err().to_string();
        assert!(refused.starts_with("a client has a function `new` already"), "{refused}");
        assert!(expand(TokenStream::new(), block.clone()).is_ok());
        let refused = expand(quote! { name = "org.hyperledger.fabric" }, block).unwrap_err();
        let words = "this is the contract that every chaincode has beside its own";
        assert_eq!(refused.to_string(), words);
    }

    #[test]
    fn a_function_that_cannot_be_a_transaction_is_refused() {
        let expected = "a transaction takes `&self` and a `&Context`";
        for function in [
            quote! { #[transaction] fn f() -> Result<()> {} },
            quote! { #[transaction] fn f(&self) -> Result<()> {} },
            quote! { #[transaction] fn f(&mut self, ctx: &Context) -> Result<()> {} },
            quote! { #[transaction] fn f(self, ctx: &Context) -> Result<()> {} },
            quote! { #[transaction] fn f(&self, id: String) -> Result<()> {} },
            quote! { #[transaction] fn f(&self, id: &str) -> Result<()> {} },
            quote! { #[transaction] fn f(&self, id: &std::primitive::str) -> Result<()> {} },
            quote! { #[transaction] fn f(&self, ids: &[String]) -> Result<()> {} },
            quote! { #[transaction] fn f(&self, ctx: &mut Context) -> Result<()> {} },
            quote! { #[transaction] fn f(&self, ctx: &'static Context) -> Result<()> {} },
            quote! { #[transaction] fn f(&'static self, ctx: &Context) -> Result<()> {} },
        ] {
            assert_eq!(refused_function(function), expected);
        }
        let asynchronous =
            quote! { #[transaction] async fn f(&self, ctx: &Context) -> Result<()> {} };
        assert!(refused_function(asynchronous).starts_with("a transaction is not `async`"));
        let generic =
            quote! { #[transaction] fn f<T>(&self, ctx: &Context, t: T) -> Result<()> {} };
        assert!(refused_function(generic).starts_with("a transaction has no generic parameters"));
        for ty in [quote! { impl Into<String> }, quote! { &impl Into<String> }] {
            let generic =
                quote! { #[transaction] fn f(&self, ctx: &Context, t: #ty) -> Result<()> {} };
            let refused = refused_function(generic);
            assert!(refused.starts_with("a transaction has no generic parameters"), "{refused}");
        }
        let risky = quote! { #[transaction] unsafe fn f(&self, ctx: &Context) -> Result<()> {} };
        assert!(refused_function(risky).starts_with("a transaction is not `unsafe`"));
        let kept =
            quote! { #[transaction] fn f(&self, ctx: &Context, a: &'static str) -> Result<()> {} };
        assert!(refused_function(kept).starts_with("an argument is borrowed for the call only"));
        let borrowed =
            quote! { #[transaction] fn f(&'_ self, c: &'_ Context, a: &'_ str) -> Result<()> {} };
        assert!(expand(TokenStream::new(), quote! { impl C { #borrowed } }).is_ok());
        let conditional =
            quote! { #[transaction] fn f(&self, c: &Context, #[cfg(a)] b: u8) -> Result<()> {} };
        assert!(refused_function(conditional).starts_with("a parameter has no `cfg`"));
        let silent = quote! { #[transaction] fn f(&self, ctx: &Context) {} };
        assert_eq!(refused_function(silent), "a transaction returns a `Result<T>`");
        let nameless =
            quote! { #[transaction] fn f(&self, ctx: &Context, (a, b): P) -> Result<()> {} };
        assert_eq!(refused_function(nameless), "a parameter needs a name");
    }

    #[test]
    fn transactions_and_parameters_without_a_name_of_their_own_are_refused() {
        let nameless = quote! { #[transaction] fn __(&self, ctx: &Context) -> Result<()> {} };
        let words = "a transaction needs a name, and `_` is not one: `name = \"..\"`";
        assert_eq!(refused_function(nameless), words);
        let named =
            quote! { #[transaction(name = "A")] fn __(&self, ctx: &Context) -> Result<()> {} };
        assert!(expand(TokenStream::new(), quote! { impl C { #named } }).is_ok());
        let nameless =
            quote! { #[transaction] fn f(&self, ctx: &Context, __: u8) -> Result<()> {} };
        assert_eq!(refused_function(nameless), "a parameter needs a name, and `_` is not one");
        let twice =
            quote! { #[transaction] fn f(&self, ctx: &Context, _x: u8, x: u8) -> Result<()> {} };
        let words = "there is another parameter x: clients see names without a leading `_`";
        assert_eq!(refused_function(twice), words);
    }

    #[test]
    fn hooks_without_a_result_are_refused() {
        for hook in [
            quote! { #[before] fn f(&self, ctx: &Context) {} },
            quote! { #[after] fn f(&self, ctx: &Context, payload: &[u8]) {} },
            quote! { #[unknown] fn f(&self, ctx: &Context) {} },
        ] {
            let refused = refused_function(hook);
            assert!(refused.contains("is for `fn(&self, ctx: &Context"), "{refused}");
        }
    }

    #[test]
    fn a_wrong_attribute_is_refused() {
        let option = quote! { #[transaction(read)] fn f(&self, ctx: &Context) -> Result<()> {} };
        assert_eq!(refused_function(option), "expected `evaluate`, `submit` or `name = \"..\"`");
        let name = quote! { #[transaction(name = "a:b")] fn f(&self, ctx: &C) -> Result<()> {} };
        assert_eq!(refused_function(name), "a transaction's name is not empty and has no `:`");
        let both = quote! { #[transaction] #[before] fn f(&self, ctx: &Context) -> Result<()> {} };
        assert_eq!(refused_function(both), "a function has one of these attributes at most");
        let hook = quote! { #[after] fn f(&self, ctx: &Context) -> Result<()> {} };
        assert!(refused_function(hook).starts_with("`#[after]` is for `fn(&self, ctx: &Context"));
        let twice = quote! {
            #[transaction] fn a_b(&self, ctx: &C) -> Result<()> {}
            #[transaction(name = "aB")] fn c(&self, ctx: &C) -> Result<()> {}
        };
        assert_eq!(refused_function(twice), "there is another transaction aB");
    }

    #[test]
    fn a_wrong_block_is_refused() {
        let of_trait = quote! { impl Tr for C {} };
        assert_eq!(refused(of_trait), "a contract is an `impl` block without a trait");
        let generic = quote! { impl<T> C<T> {} };
        assert_eq!(refused(generic), "a contract has no generic parameters");
        let attribute = expand(quote! { title = "a" }, quote! { impl C {} }).unwrap_err();
        assert_eq!(
            attribute.to_string(),
            "expected `name = \"..\"`, `version = \"..\"` or `client`"
        );
    }
}
