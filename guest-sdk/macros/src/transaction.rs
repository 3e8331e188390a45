//! One function of a contract.
//!
//! Does not resolve types: the compiler reports a parameter that is not a `DataType`, at the
//! parameter.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{
    Attribute, Error, Ident, ImplItemFn, LitStr, Pat, PatType, Result, ReturnType, Signature, Type,
};

use crate::signature::Arguments;
use crate::{docs, rename, signature};

/// A transaction function.
pub(crate) struct Transaction {
    function: Ident,
    /// The name that clients use.
    pub(crate) name: String,
    /// Its doc comment.
    words: String,
    evaluate: bool,
    parameters: Vec<Parameter>,
    returns: Type,
    /// The span of the context's type; unused in a description of a transaction.
    context: Span,
    /// Its `cfg` attributes, which also apply to all code that calls it.
    conditions: Vec<Attribute>,
}

struct Parameter {
    name: String,
    /// The name in the contract's code.
    local: String,
    /// Its doc comment.
    words: String,
    /// The type as written in the source.
    ty: Type,
    /// The type that the argument is decoded to: `String` for `&str`, `T` for `&T`.
    owned: TokenStream,
    by_reference: bool,
}

impl Transaction {
    /// Parses a function and its attribute.
    pub(crate) fn read(attribute: &Attribute, function: &ImplItemFn) -> Result<Self> {
        let expected = "a transaction takes `&self` and a `&Context`";
        let arguments = signature::arguments(function, expected)?;
        Self::parse(Some(attribute), &function.sig, &function.attrs, &arguments)
    }

    /// Parses a function that only describes a transaction: it has no context.
    pub(crate) fn described(
        attribute: Option<&Attribute>,
        signature: &Signature,
        attributes: &[Attribute],
    ) -> Result<Self> {
        let others = signature::after_self(signature, "a function of a client takes `&self`")?;
        let arguments = Arguments { context: Span::call_site(), others };
        Self::parse(attribute, signature, attributes, &arguments)
    }

    fn parse(
        attribute: Option<&Attribute>,
        signature: &Signature,
        attributes: &[Attribute],
        arguments: &Arguments<'_>,
    ) -> Result<Self> {
        let ident = signature.ident.clone();
        let mut name = rename::pascal(&ident.unraw().to_string());
        let mut evaluate = false;
        let options = |attribute: &&Attribute| !matches!(attribute.meta, syn::Meta::Path(_));
        if let Some(attribute) = attribute.filter(options) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("evaluate") {
                    evaluate = true;
                } else if meta.path.is_ident("submit") {
                    evaluate = false;
                } else if meta.path.is_ident("name") {
                    name = wire_name(&meta.value()?.parse()?)?;
                } else {
                    return Err(meta.error("expected `evaluate`, `submit` or `name = \"..\"`"));
                }
                Ok(())
            })?;
        }
        if name.is_empty() {
            let words = "a transaction needs a name, and `_` is not one: `name = \"..\"`";
            return Err(Error::new(ident.span(), words));
        }
        let mut parameters: Vec<Parameter> = Vec::new();
        for argument in &arguments.others {
            let parameter = Parameter::read(argument)?;
            if parameters.iter().any(|other| other.name == parameter.name) {
                let words = format!(
                    "there is another parameter {}: clients see names without a leading `_`",
                    parameter.name
                );
                return Err(Error::new_spanned(&argument.pat, words));
            }
            parameters.push(parameter);
        }
        let ReturnType::Type(_, returns) = &signature.output else {
            return Err(Error::new(ident.span(), "a transaction returns a `Result<T>`"));
        };
        let words = docs::of(attributes);
        Ok(Self {
            function: ident,
            name,
            words,
            evaluate,
            parameters,
            returns: (**returns).clone(),
            context: arguments.context,
            conditions: attributes
                .iter()
                .filter(|one| one.path().is_ident("cfg"))
                .cloned()
                .collect(),
        })
    }

    /// The arm of the `match` that calls the function.
    pub(crate) fn call(&self) -> TokenStream {
        let Self { function, parameters, returns, context, conditions, .. } = self;
        let names = rename::both_cases(&self.name);
        let count = parameters.len();
        let values = parameters.iter().enumerate().map(|(index, Parameter { name, owned, .. })| {
            quote! { ::wasmcc_sdk::macros::parameter::<#owned>(args, #index, #name)? }
        });
        let locals: Vec<Ident> =
            (0..count).map(|index| Ident::new(&format!("p{index}"), function.span())).collect();
        let passed = parameters.iter().zip(&locals).map(|(parameter, local)| {
            if parameter.by_reference {
                quote! { &#local }
            } else {
                quote! { #local }
            }
        });
        let outcome = quote_spanned! { returns.span() =>
            <#returns as ::wasmcc_sdk::Outcome>::into_payload
        };
        let context = Ident::new("ctx", signature::place(*context));
        let outcome = quote_spanned! { signature::place(function.span()) =>
            #outcome(self.#function(#context, #(#passed),*))
        };
        let enough = (count > 0).then(|| {
            let names = parameters.iter().map(|parameter| &parameter.name);
            let required = self.required();
            quote! { ::wasmcc_sdk::macros::enough(args, &[#(#names),*], #required)?; }
        });
        quote! {
            #(#conditions)*
            #(#names)|* => (|| {
                #enough
                #(let #locals = #values;)*
                #outcome
            })(),
        }
    }

    /// Returns the client's function for this transaction; `called` is the name that it sends.
    pub(crate) fn of_client(&self, called: &str) -> TokenStream {
        let Self { function, words, evaluate, parameters, returns, conditions, .. } = self;
        let words = match words.as_str() {
            "" => format!("Calls `{called}`."),
            words => format!("{words}\n\nCalls `{called}`."),
        };
        let locals = parameters.iter().map(|parameter| format_ident!("{}", parameter.local));
        let locals: Vec<Ident> = locals.collect();
        let types = parameters.iter().map(|parameter| &parameter.ty);
        let values = parameters.iter().zip(&locals).map(|(parameter, local)| {
            let owned = &parameter.owned;
            match &parameter.ty {
                Type::Reference(reference) => match &*reference.elem {
                    Type::Slice(slice) => {
                        let element = &slice.elem;
                        quote! { <#element as ::wasmcc_sdk::DataType>::encode_list(#local)? }
                    }
                    Type::Path(path) if path.path.is_ident("str") => {
                        quote! { #local.as_bytes().to_vec() }
                    }
                    _ => quote! { <#owned as ::wasmcc_sdk::DataType>::encode(#local)? },
                },
                _ => quote! { <#owned as ::wasmcc_sdk::DataType>::encode(&#local)? },
            }
        });
        let value = quote_spanned! { returns.span() =>
            <#returns as ::wasmcc_sdk::Outcome>::Value
        };
        quote! {
            #(#conditions)*
            #[doc = #words]
            pub fn #function(
                &mut self,
                #(#locals: #types),*
            ) -> ::std::result::Result<#value, C::Error> {
                let args = (|| -> ::wasmcc_sdk::Result<::std::vec::Vec<::std::vec::Vec<u8>>> {
                    ::wasmcc_sdk::Result::Ok(::std::vec![#(#values),*])
                })();
                ::wasmcc_sdk::macros::call(&mut self.caller, #called, #evaluate, args)
            }
        }
    }

    /// Returns its entry in the metadata.
    pub(crate) fn describe(&self) -> TokenStream {
        let Self { name, words, evaluate, parameters, returns, conditions, .. } = self;
        let required = self.required();
        let parameters = parameters.iter().enumerate().map(|(index, parameter)| {
            let Parameter { name, words, owned, .. } = parameter;
            quote! {
                ::wasmcc_sdk::ParameterMetadata {
                    name: #name,
                    description: #words,
                    required: #index < #required,
                    schema: <#owned as ::wasmcc_sdk::DataType>::PAYLOAD,
                }
            }
        });
        let value = quote_spanned! { returns.span() =>
            <#returns as ::wasmcc_sdk::Outcome>::Value
        };
        let returns = quote! { <#value as ::wasmcc_sdk::DataType>::PAYLOAD };
        quote! {
            #(#conditions)*
            ::wasmcc_sdk::TransactionMetadata {
                name: #name,
                description: #words,
                evaluate: #evaluate,
                parameters: &[#(#parameters),*],
                returns: #returns,
            }
        }
    }

    /// Returns the number of required arguments, as an expression.
    fn required(&self) -> TokenStream {
        let types = self.parameters.iter().map(|parameter| &parameter.owned);
        quote! {
            ::wasmcc_sdk::macros::required(&[#(<#types as ::wasmcc_sdk::DataType>::OPTIONAL),*])
        }
    }

    /// Refuses a name that the client already uses for a function of its own.
    pub(crate) fn check_client(&self) -> Result<()> {
        match self.function == "new" {
            true => Err(Error::new(
                self.span(),
                "a client has a function `new` already: give this one another name, and the \
                 transaction `name = \"New\"`",
            )),
            false => Ok(()),
        }
    }

    /// Returns the span for errors about the whole function.
    pub(crate) fn span(&self) -> Span {
        self.function.span()
    }
}

impl Parameter {
    fn read(argument: &PatType) -> Result<Self> {
        let Pat::Ident(pattern) = &*argument.pat else {
            return Err(Error::new_spanned(&argument.pat, "a parameter needs a name"));
        };
        // A leading underscore marks a name as unused in Rust, but clients read the name.
        let name = pattern.ident.unraw().to_string().trim_start_matches('_').to_owned();
        if name.is_empty() {
            return Err(Error::new_spanned(
                pattern,
                "a parameter needs a name, and `_` is not one",
            ));
        }
        let local = pattern.ident.to_string();
        let words = docs::of(&argument.attrs);
        let ty = (*argument.ty).clone();
        let span = argument.ty.span();
        let (owned, by_reference) = match &*argument.ty {
            Type::Reference(reference) => {
                if let Some(mutable) = &reference.mutability {
                    return Err(Error::new_spanned(mutable, "an argument cannot be changed"));
                }
                match &*reference.elem {
                    Type::Path(path) if path.path.is_ident("str") => {
                        (quote_spanned! { span => ::std::string::String }, true)
                    }
                    Type::Slice(slice) => {
                        let element = &slice.elem;
                        (quote_spanned! { span => ::std::vec::Vec<#element> }, true)
                    }
                    other => (quote! { #other }, true),
                }
            }
            other => (quote! { #other }, false),
        };
        Ok(Self { name, local, words, ty, owned, by_reference })
    }
}

fn wire_name(name: &LitStr) -> Result<String> {
    let text = name.value();
    if text.is_empty() || text.contains(':') {
        return Err(Error::new_spanned(name, "a transaction's name is not empty and has no `:`"));
    }
    Ok(text)
}
