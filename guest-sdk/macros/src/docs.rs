//! Doc comments, which become descriptions in the metadata.

use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// Returns the text of the doc comments, without the space at the begin of each line.
pub(crate) fn of(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(doc) if doc.path.is_ident("doc") => match &doc.value {
            Expr::Lit(ExprLit { lit: Lit::Str(line), .. }) => Some(line.value().trim().to_owned()),
            _ => None,
        },
        _ => None,
    });
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// Removes the doc comments where Rust does not allow them.
pub(crate) fn remove(attributes: &mut Vec<Attribute>) {
    attributes.retain(|attribute| !attribute.path().is_ident("doc"));
}
