//! `#[derive(DataType)]`: the schema of a struct or an enum, as serde writes it.
//!
//! Invariant: the schema is for the JSON that serde's derives read and write, with the attributes
//! that are understood here; what changes the shape otherwise is refused.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Attribute;
use syn::Data;
use syn::DeriveInput;
use syn::Error;
use syn::Fields;
use syn::LitStr;
use syn::Result;
use syn::ext::IdentExt;

use crate::rename::Rule;

/// What `#[serde(..)]` says of a type, a field or a variant.
#[derive(Default)]
struct Serde {
    rename: Option<String>,
    rename_all: Option<Rule>,
    skip: bool,
    default: bool,
}

pub(crate) fn expand(item: TokenStream) -> Result<TokenStream> {
    let item: DeriveInput = syn::parse2(item)?;
    if !item.generics.params.is_empty() {
        return Err(Error::new_spanned(&item.generics, "a DataType has no generic parameters"));
    }
    let serde = Serde::read(&item.attrs)?;
    let name = &item.ident;
    let name_in_schema = serde.rename.clone().unwrap_or_else(|| name.unraw().to_string());
    let schema = match &item.data {
        Data::Struct(data) => object(&item, &data.fields, &serde, &name_in_schema)?,
        Data::Enum(data) => variants(data, &serde)?,
        Data::Union(data) => {
            return Err(Error::new_spanned(data.union_token, "a union cannot be a DataType"));
        }
    };
    Ok(quote! {
        #[automatically_derived]
        impl ::wasmcc_sdk::DataType for #name {
            fn schema(schemas: &mut ::wasmcc_sdk::Schemas) -> ::wasmcc_sdk::macros::Value {
                schemas.refer(#name_in_schema, |schemas| #schema)
            }
        }
    })
}

fn object(item: &DeriveInput, fields: &Fields, serde: &Serde, name: &str) -> Result<TokenStream> {
    let Fields::Named(fields) = fields else {
        return Err(Error::new_spanned(&item.ident, "a DataType has named fields"));
    };
    let mut described = Vec::new();
    for field in &fields.named {
        let of_field = Serde::read(&field.attrs)?;
        if of_field.skip {
            continue;
        }
        let field_name = field.ident.as_ref().expect("named").unraw().to_string();
        let field_name = of_field.rename.unwrap_or_else(|| match serde.rename_all {
            Some(rule) => rule.field(&field_name),
            None => field_name,
        });
        let ty = &field.ty;
        let default = of_field.default || serde.default;
        described.push(quote! {(
            #field_name,
            <#ty as ::wasmcc_sdk::DataType>::schema(schemas),
            #default || <#ty as ::wasmcc_sdk::DataType>::OPTIONAL,
        )});
    }
    Ok(quote! { ::wasmcc_sdk::Schemas::object(#name, ::std::vec![#(#described),*]) })
}

fn variants(data: &syn::DataEnum, serde: &Serde) -> Result<TokenStream> {
    let mut names = Vec::new();
    for variant in &data.variants {
        if !matches!(variant.fields, Fields::Unit) {
            return Err(Error::new_spanned(variant, "the variants of a DataType have no data"));
        }
        let of_variant = Serde::read(&variant.attrs)?;
        if of_variant.skip {
            continue;
        }
        let name = variant.ident.unraw().to_string();
        names.push(of_variant.rename.unwrap_or_else(|| match serde.rename_all {
            Some(rule) => rule.variant(&name),
            None => name,
        }));
    }
    Ok(quote! {{
        let _ = schemas;
        ::wasmcc_sdk::macros::json!({ "type": "string", "enum": [#(#names),*] })
    }})
}

impl Serde {
    fn read(attributes: &[Attribute]) -> Result<Self> {
        let mut serde = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
            attribute.parse_nested_meta(|meta| {
                let is = |name: &str| meta.path.is_ident(name);
                if is("rename") && meta.input.peek(syn::Token![=]) {
                    serde.rename = Some(meta.value()?.parse::<LitStr>()?.value());
                } else if is("rename_all") && meta.input.peek(syn::Token![=]) {
                    let rule: LitStr = meta.value()?.parse()?;
                    let known = Rule::named(&rule.value());
                    let unknown = || Error::new_spanned(&rule, "not a rule of serde's rename_all");
                    serde.rename_all = Some(known.ok_or_else(unknown)?);
                } else if is("skip") {
                    serde.skip = true;
                } else if is("default") || is("skip_serializing_if") {
                    serde.default |= is("default");
                    if meta.input.peek(syn::Token![=]) {
                        meta.value()?.parse::<LitStr>()?;
                    }
                } else if is("deny_unknown_fields") {
                    // The schema says so of every struct.
                } else {
                    return Err(meta.error("a DataType's schema cannot follow this attribute"));
                }
                Ok(())
            })?;
        }
        Ok(serde)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(item: TokenStream) -> String {
        expand(item).unwrap_err().to_string()
    }

    #[test]
    fn a_schema_follows_serde() {
        let expanded = expand(quote! {
            #[serde(rename_all = "PascalCase")]
            struct Asset {
                #[serde(rename = "ID")]
                id: String,
                appraised_value: u64,
                #[serde(skip)]
                cache: u8,
                r#type: String,
            }
        });
        let text = expanded.unwrap().to_string();
        for name in ["\"Asset\"", "\"ID\"", "\"AppraisedValue\"", "\"Type\""] {
            assert!(text.contains(name), "{name} is not in {text}");
        }
        assert!(!text.contains("\"id\"") && !text.contains("Cache"), "{text}");
    }

    #[test]
    fn what_a_schema_cannot_follow_is_refused() {
        assert_eq!(refused(quote! { struct Pair(u8, u8); }), "a DataType has named fields");
        assert_eq!(
            refused(quote! { struct Of<T> { value: T } }),
            "a DataType has no generic parameters"
        );
        assert_eq!(
            refused(quote! { enum Shape { Circle(u8) } }),
            "the variants of a DataType have no data"
        );
        assert_eq!(
            refused(quote! { struct A { #[serde(flatten)] b: B } }),
            "a DataType's schema cannot follow this attribute"
        );
        assert_eq!(
            refused(quote! { #[serde(rename_all = "Title")] struct A { b: u8 } }),
            "not a rule of serde's rename_all"
        );
    }
}
