//! `#[derive(DataType)]`: the schema of a struct or an enum, as serde writes it.
//!
//! Invariant: the schema matches the JSON that serde's derives read and write, for the supported
//! attributes. Other attributes that change the JSON are refused.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::{
    Attribute, Data, DataEnum, DeriveInput, Error, Fields, FieldsNamed, FieldsUnnamed, Ident,
    LitStr, Result, Type, Variant,
};

use crate::docs;
use crate::rename::Rule;
use crate::serde_attributes::Serde;

pub(crate) fn expand(item: TokenStream) -> Result<TokenStream> {
    let item: DeriveInput = syn::parse2(item)?;
    if !item.generics.params.is_empty() {
        return Err(Error::new_spanned(&item.generics, "a DataType has no generic parameters"));
    }
    let serde = Serde::read(&item.attrs)?;
    let functions = match &item.data {
        Data::Struct(data) => {
            if let Some(tag) = &serde.tag {
                return Err(Error::new_spanned(tag, "a DataType's schema cannot follow this tag"));
            }
            of_struct(&item, &data.fields, &serde)?
        }
        Data::Enum(data) => of_enum(&item, data, &serde)?,
        Data::Union(data) => {
            return Err(Error::new_spanned(data.union_token, "a union cannot be a DataType"));
        }
    };
    let name = &item.ident;
    Ok(quote! {
        #[automatically_derived]
        impl ::wasmcc_sdk::DataType for #name {
            #functions
        }
    })
}

fn of_struct(item: &DeriveInput, fields: &Fields, serde: &Serde) -> Result<TokenStream> {
    let words = docs::of(&item.attrs);
    match fields {
        Fields::Named(fields) => {
            let parts = parts(fields, serde.rename_all, serde.optional)?;
            Ok(named(item, serde, &object(&parts, &words)))
        }
        Fields::Unnamed(fields) => {
            let types = unnamed(fields)?;
            match types.as_slice() {
                [inner] => Ok(wrapper(inner)),
                _ => {
                    let schema = tuple(&types);
                    Ok(quote! { const SCHEMA: &'static ::wasmcc_sdk::Schema = #schema; })
                }
            }
        }
        Fields::Unit => Err(Error::new_spanned(&item.ident, "a DataType has fields or variants")),
    }
}

fn of_enum(item: &DeriveInput, data: &DataEnum, serde: &Serde) -> Result<TokenStream> {
    let words = docs::of(&item.attrs);
    let mut variants = Vec::new();
    for variant in &data.variants {
        let of_variant = Serde::read(&variant.attrs)?;
        if !of_variant.skip {
            let name = spelled(&variant.ident, &of_variant, serde.rename_all, Rule::variant);
            variants.push((name, variant, of_variant));
        }
    }
    let is_external = serde.tag.is_none() && !serde.untagged;
    let is_name = |variant: &Variant, of_variant: &Serde| {
        is_external && matches!(variant.fields, Fields::Unit) && !of_variant.untagged
    };
    let names = variants.iter().filter(|(_, variant, of_variant)| is_name(variant, of_variant));
    let names: Vec<&String> = names.map(|(name, ..)| name).collect();
    if is_external && names.len() == variants.len() {
        return Ok(text(&names, &words));
    }
    let mut alternatives = Vec::new();
    if !names.is_empty() {
        alternatives.push(self::names(&names, ""));
    }
    for (name, variant, of_variant) in &variants {
        if !is_name(variant, of_variant) {
            alternatives.push(alternative(name, variant, of_variant, serde)?);
        }
    }
    let schema = quote! {
        &::wasmcc_sdk::Schema::OneOf { alternatives: &[#(#alternatives),*], description: #words }
    };
    Ok(named(item, serde, &schema))
}

/// The schema of one variant, with its tag.
fn alternative(
    name: &str,
    variant: &Variant,
    of_variant: &Serde,
    serde: &Serde,
) -> Result<TokenStream> {
    let words = docs::of(&variant.attrs);
    // The variant's data, as members and as one value.
    let (mut members, value) = match &variant.fields {
        Fields::Unit => (Vec::new(), None),
        Fields::Named(fields) => {
            let rule = of_variant.rename_all.or(serde.rename_all_fields);
            let members = parts(fields, rule, false)?;
            let value = object(&members, "");
            (members, Some(value))
        }
        Fields::Unnamed(fields) => match unnamed(fields)?.as_slice() {
            [inner] => {
                let schema = quote! { <#inner as ::wasmcc_sdk::DataType>::SCHEMA };
                (vec![flattened(inner)], Some(schema))
            }
            types => (Vec::new(), Some(tuple(types))),
        },
    };
    let tag =
        |tag: &LitStr| member(&tag.value(), &names(&[&name.to_owned()], ""), &quote!(false), "");
    let members = match (&serde.tag, &serde.content, value) {
        (_, _, value) if serde.untagged || of_variant.untagged => {
            return Ok(value.unwrap_or(quote! { &::wasmcc_sdk::Schema::Null }));
        }
        (Some(of), Some(content), Some(value)) => {
            vec![tag(of), member(content, &value, &quote!(false), "")]
        }
        (Some(of), Some(_), None) => vec![tag(of)],
        (Some(of), None, _) => {
            members.push(tag(of));
            members
        }
        (None, _, Some(value)) => vec![member(name, &value, &quote!(false), "")],
        (None, _, None) => members,
    };
    Ok(object(&members, &words))
}

/// The schema of a type that others refer to by name.
fn named(item: &DeriveInput, serde: &Serde, schema: &TokenStream) -> TokenStream {
    let name = serde.rename.clone().unwrap_or_else(|| item.ident.unraw().to_string());
    quote! {
        const SCHEMA: &'static ::wasmcc_sdk::Schema = &::wasmcc_sdk::Schema::Named {
            name: #name,
            place: ::std::concat!(
                ::std::module_path!(), ":", ::std::line!(), ":", ::std::column!()
            ),
            described: || const { #schema },
        };
    }
}

/// The schema of an enum without data, encoded as the name of its variant.
fn text(names: &[&String], words: &str) -> TokenStream {
    let schema = self::names(names, words);
    quote! {
        const SCHEMA: &'static ::wasmcc_sdk::Schema = #schema;

        fn decode(
            argument: &[u8],
        ) -> ::std::result::Result<Self, ::std::string::String> {
            ::wasmcc_sdk::macros::decode_variant(argument)
        }

        fn encode(&self) -> ::wasmcc_sdk::Result<::std::vec::Vec<u8>> {
            ::wasmcc_sdk::macros::encode_variant(self)
        }
    }
}

/// The schema of a struct around one unnamed value, encoded as that value. serde requires the value
/// even for an `Option`, which may then be `null`.
fn wrapper(inner: &Type) -> TokenStream {
    let inner = quote! { <#inner as ::wasmcc_sdk::DataType> };
    quote! {
        const SCHEMA: &'static ::wasmcc_sdk::Schema = #inner::ELEMENT;
        const PAYLOAD: &'static ::wasmcc_sdk::Schema = #inner::PAYLOAD;

        fn decode(
            argument: &[u8],
        ) -> ::std::result::Result<Self, ::std::string::String> {
            #inner::decode(argument).map(Self)
        }

        fn encode(&self) -> ::wasmcc_sdk::Result<::std::vec::Vec<u8>> {
            #inner::encode(&self.0)
        }
    }
}

/// The parts of a struct or a variant.
fn parts(fields: &FieldsNamed, rule: Option<Rule>, all_optional: bool) -> Result<Vec<TokenStream>> {
    let mut parts = Vec::new();
    for field in &fields.named {
        let of_field = Serde::read(&field.attrs)?;
        if of_field.skip {
            continue;
        }
        let ty = &field.ty;
        if of_field.flatten {
            parts.push(flattened(ty));
            continue;
        }
        let name = spelled(field.ident.as_ref().expect("named"), &of_field, rule, Rule::field);
        let schema = quote! { <#ty as ::wasmcc_sdk::DataType>::SCHEMA };
        let optional = of_field.optional || all_optional;
        let optional = quote! { #optional || <#ty as ::wasmcc_sdk::DataType>::OPTIONAL };
        parts.push(member(&name, &schema, &optional, &docs::of(&field.attrs)));
    }
    Ok(parts)
}

fn member(name: &str, schema: &TokenStream, optional: &TokenStream, words: &str) -> TokenStream {
    quote! {
        ::wasmcc_sdk::Part::Member {
            name: #name,
            schema: #schema,
            optional: #optional,
            description: #words,
        }
    }
}

/// The schema part for all members of a flattened type.
fn flattened(ty: &Type) -> TokenStream {
    quote! {
        ::wasmcc_sdk::Part::Flattened {
            schema: <#ty as ::wasmcc_sdk::DataType>::SCHEMA,
            optional: <#ty as ::wasmcc_sdk::DataType>::OPTIONAL,
        }
    }
}

fn object(parts: &[TokenStream], words: &str) -> TokenStream {
    quote! { &::wasmcc_sdk::Schema::Object { parts: &[#(#parts),*], description: #words } }
}

fn names(names: &[&String], words: &str) -> TokenStream {
    quote! { &::wasmcc_sdk::Schema::Names { names: &[#(#names),*], description: #words } }
}

fn unnamed(fields: &FieldsUnnamed) -> Result<Vec<Type>> {
    let is_serde = |attribute: &&Attribute| attribute.path().is_ident("serde");
    let mut attributes = fields.unnamed.iter().flat_map(|field| &field.attrs).filter(is_serde);
    if let Some(attribute) = attributes.next() {
        return Err(Error::new_spanned(attribute, "a field without a name has no such attribute"));
    }
    if fields.unnamed.is_empty() {
        return Err(Error::new_spanned(fields, "write it without parentheses"));
    }
    Ok(fields.unnamed.iter().map(|field| field.ty.clone()).collect())
}

fn tuple(types: &[Type]) -> TokenStream {
    quote! {
        &::wasmcc_sdk::Schema::Tuple(&[#(<#types as ::wasmcc_sdk::DataType>::ELEMENT),*])
    }
}

/// The name of a field or a variant in JSON.
fn spelled(
    name: &Ident,
    serde: &Serde,
    rule: Option<Rule>,
    spell: fn(Rule, &str) -> String,
) -> String {
    let name = name.unraw().to_string();
    serde.rename.clone().unwrap_or_else(|| rule.map_or(name.clone(), |rule| spell(rule, &name)))
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
                /// Where it lies.
                #[serde(flatten)]
                place: Place,
                r#type: String,
            }
        });
        let text = expanded.unwrap().to_string();
        for name in ["\"Asset\"", "\"ID\"", "\"AppraisedValue\"", "\"Type\""] {
            assert!(text.contains(name), "{name} is not in {text}");
        }
        assert!(text.contains("Flattened { schema : < Place as"), "{text}");
        assert!(!text.contains("\"id\"") && !text.contains("Cache"), "{text}");
    }

    #[test]
    fn what_a_schema_cannot_follow_is_refused() {
        assert_eq!(refused(quote! { struct Nothing; }), "a DataType has fields or variants");
        assert_eq!(
            refused(quote! { struct Of<T> { value: T } }),
            "a DataType has no generic parameters"
        );
        assert_eq!(
            refused(quote! { #[serde(tag = "type")] struct A { b: B } }),
            "a DataType's schema cannot follow this tag"
        );
        assert_eq!(
            refused(quote! { struct A { #[serde(alias = "c")] b: B } }),
            "a DataType's schema cannot follow this attribute"
        );
        assert_eq!(
            refused(quote! { struct A(#[serde(default)] B, C); }),
            "a field without a name has no such attribute"
        );
        assert_eq!(
            refused(quote! { #[serde(rename_all = "Title")] struct A { b: u8 } }),
            "not a rule of serde's rename_all"
        );
    }
}
