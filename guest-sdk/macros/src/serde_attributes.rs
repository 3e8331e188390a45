//! The `#[serde(..)]` attributes of a type, a field or a variant.
//!
//! Invariant: an attribute that changes the JSON is supported or refused, never ignored.

use syn::{Attribute, Error, LitStr, Result};

use crate::rename::Rule;

/// All attributes that a schema can follow. Serde itself checks where each of them is allowed.
#[derive(Default)]
pub(crate) struct Serde {
    pub(crate) rename: Option<String>,
    pub(crate) rename_all: Option<Rule>,
    pub(crate) rename_all_fields: Option<Rule>,
    pub(crate) skip: bool,
    /// The value may be missing, when it is read or when it is written.
    pub(crate) optional: bool,
    pub(crate) flatten: bool,
    pub(crate) tag: Option<LitStr>,
    pub(crate) content: Option<String>,
    pub(crate) untagged: bool,
}

impl Serde {
    pub(crate) fn read(attributes: &[Attribute]) -> Result<Self> {
        let mut serde = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
            attribute.parse_nested_meta(|meta| {
                let is = |name: &str| meta.path.is_ident(name);
                let has_value = meta.input.peek(syn::Token![=]);
                let text = || -> Result<LitStr> { meta.value()?.parse() };
                if is("rename") && has_value {
                    serde.rename = Some(text()?.value());
                } else if is("rename_all") && has_value {
                    serde.rename_all = Some(rule(&text()?)?);
                } else if is("rename_all_fields") && has_value {
                    serde.rename_all_fields = Some(rule(&text()?)?);
                } else if is("tag") && has_value {
                    serde.tag = Some(text()?);
                } else if is("content") && has_value {
                    serde.content = Some(text()?.value());
                } else if is("untagged") {
                    serde.untagged = true;
                } else if is("flatten") {
                    serde.flatten = true;
                } else if is("skip") {
                    serde.skip = true;
                } else if is("default") || is("skip_serializing_if") {
                    serde.optional = true;
                    if has_value {
                        text()?;
                    }
                } else if is("deny_unknown_fields") {
                    // The schema refuses unknown members of every struct anyway.
                } else {
                    return Err(meta.error("a DataType's schema cannot follow this attribute"));
                }
                Ok(())
            })?;
        }
        Ok(serde)
    }
}

fn rule(name: &LitStr) -> Result<Rule> {
    Rule::named(&name.value())
        .ok_or_else(|| Error::new_spanned(name, "not a rule of serde's rename_all"))
}
