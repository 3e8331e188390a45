//! One function of a contract.
//!
//! Does not look at types: the compiler reports a parameter that is not a `DataType`, at the
//! parameter.

use proc_macro2::TokenStream;
use quote::format_ident;
use quote::quote;
use quote::quote_spanned;
use syn::Attribute;
use syn::Error;
use syn::FnArg;
use syn::Ident;
use syn::ImplItemFn;
use syn::LitStr;
use syn::Pat;
use syn::ReceiverKind;
use syn::Result;
use syn::ReturnType;
use syn::Signature;
use syn::Type;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use crate::docs;
use crate::rename;

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
    /// Its `cfg` attributes, which all that calls it has as well.
    conditions: Vec<Attribute>,
}

struct Parameter {
    name: String,
    /// The name in the contract's code.
    local: String,
    /// Its doc comment.
    words: String,
    /// The type as it is written.
    ty: Type,
    /// The type that the argument is decoded to: `String` for `&str`, `T` for `&T`.
    owned: TokenStream,
    by_reference: bool,
}

impl Transaction {
    /// Parses a function and its attribute.
    pub(crate) fn read(attribute: &Attribute, function: &ImplItemFn) -> Result<Self> {
        let expected = "a transaction takes `&self` and a `&Context`";
        let arguments = arguments(function, expected)?;
        Self::parse(Some(attribute), &function.sig, &function.attrs, arguments)
    }

    /// Parses a function that only describes a transaction: it has no context.
    pub(crate) fn described(
        attribute: Option<&Attribute>,
        signature: &Signature,
        attributes: &[Attribute],
    ) -> Result<Self> {
        let arguments = after_self(signature, "a function of a client takes `&self`")?;
        Self::parse(attribute, signature, attributes, arguments)
    }

    fn parse<'a>(
        attribute: Option<&Attribute>,
        signature: &Signature,
        attributes: &[Attribute],
        arguments: impl Iterator<Item = &'a FnArg>,
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
        let mut parameters = Vec::new();
        for argument in arguments {
            parameters.push(Parameter::read(argument)?);
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
            conditions: attributes
                .iter()
                .filter(|one| one.path().is_ident("cfg"))
                .cloned()
                .collect(),
        })
    }

    /// The arm of the `match` that calls the function.
    pub(crate) fn call(&self) -> TokenStream {
        let Self { function, parameters, returns, conditions, .. } = self;
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
                #outcome(self.#function(ctx, #(#passed),*))
            })(),
        }
    }

    /// The function of a client, which calls it as `called`.
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

    /// Its entry in the metadata.
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

    /// The number of required arguments, as an expression.
    fn required(&self) -> TokenStream {
        let types = self.parameters.iter().map(|parameter| &parameter.owned);
        quote! {
            ::wasmcc_sdk::macros::required(&[#(<#types as ::wasmcc_sdk::DataType>::OPTIONAL),*])
        }
    }

    /// Refuses a name that the client has a function of its own for.
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

    /// The place for an error about the whole function.
    pub(crate) fn span(&self) -> proc_macro2::Span {
        self.function.span()
    }
}

impl Parameter {
    fn read(argument: &FnArg) -> Result<Self> {
        let FnArg::Typed(argument) = argument else {
            return Err(Error::new_spanned(argument, "`self` is the first parameter"));
        };
        let Pat::Ident(pattern) = &*argument.pat else {
            return Err(Error::new_spanned(&argument.pat, "a parameter needs a name"));
        };
        // A leading underscore marks a name as unused in Rust, but clients read the name.
        let name = pattern.ident.unraw().to_string().trim_start_matches('_').to_owned();
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

/// The parameters after `&self` and `ctx`. Refuses what neither a transaction function nor a hook
/// can be.
pub(crate) fn arguments<'a>(
    function: &'a ImplItemFn,
    expected: &str,
) -> Result<impl Iterator<Item = &'a FnArg>> {
    let signature = &function.sig;
    let mut arguments = after_self(signature, expected)?;
    match arguments.next() {
        Some(FnArg::Typed(context)) if matches!(*context.ty, Type::Reference(_)) => {}
        Some(other) => return Err(Error::new_spanned(other, expected)),
        None => return Err(Error::new(signature.ident.span(), expected)),
    }
    Ok(arguments)
}

/// The parameters after `&self`.
fn after_self<'a>(
    signature: &'a Signature,
    expected: &str,
) -> Result<impl Iterator<Item = &'a FnArg> + use<'a>> {
    if let Some(token) = &signature.asyncness {
        return Err(Error::new_spanned(
            token,
            "a transaction is not `async`: every call of the context answers before it returns",
        ));
    }
    if !signature.generics.params.is_empty() {
        return Err(Error::new_spanned(
            &signature.generics,
            "a transaction has no generic parameters: its arguments come from a client",
        ));
    }
    let mut arguments = signature.inputs.iter();
    match arguments.next() {
        Some(FnArg::Receiver(receiver))
            if matches!(receiver.kind, ReceiverKind::Reference(_, _, None)) => {}
        Some(other) => return Err(Error::new_spanned(other, expected)),
        None => return Err(Error::new(signature.ident.span(), expected)),
    }
    Ok(arguments)
}

fn wire_name(name: &LitStr) -> Result<String> {
    let text = name.value();
    if text.is_empty() || text.contains(':') {
        return Err(Error::new_spanned(name, "a transaction's name is not empty and has no `:`"));
    }
    Ok(text)
}
