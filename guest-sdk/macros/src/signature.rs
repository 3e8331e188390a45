//! The signatures that transactions and hooks may have.
//!
//! Does not resolve types. Compiler errors about the generated calls appear at the function's own
//! parameters and result, by the spans from here.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::{
    Error, FnArg, ImplItemFn, Lifetime, PatType, ReceiverKind, Result, Safety, Signature, Type,
    TypeReference,
};

/// The parameters of a function that takes a context.
pub(crate) struct Arguments<'a> {
    /// The span of the context's type.
    pub(crate) context: Span,
    /// The parameters after the context.
    pub(crate) others: Vec<&'a PatType>,
}

/// Reads the parameters. Refuses signatures that neither a transaction nor a hook can have;
/// `expected` is the message if `&self` or the context is wrong.
pub(crate) fn arguments<'a>(function: &'a ImplItemFn, expected: &str) -> Result<Arguments<'a>> {
    let signature = &function.sig;
    let mut all = after_self(signature, expected)?.into_iter();
    let context = match all.next() {
        Some(context) if is_context(&context.ty) => context.ty.span(),
        Some(other) => return Err(Error::new_spanned(other, expected)),
        None => return Err(Error::new(signature.ident.span(), expected)),
    };
    let others: Vec<_> = all.collect();
    for argument in &others {
        let Type::Reference(reference) = &*argument.ty else { continue };
        if let Some(lifetime) = named(reference.lifetime.as_ref()) {
            let words = "an argument is borrowed for the call only: leave out the lifetime";
            return Err(Error::new_spanned(lifetime, words));
        }
    }
    Ok(Arguments { context, others })
}

/// The parameters after `&self`.
pub(crate) fn after_self<'a>(signature: &'a Signature, expected: &str) -> Result<Vec<&'a PatType>> {
    if let Some(token) = &signature.asyncness {
        return Err(Error::new_spanned(
            token,
            "a transaction is not `async`: every call of the context answers before it returns",
        ));
    }
    if let Safety::Unsafe(token) = &signature.safety {
        let words = "a transaction is not `unsafe`: its arguments come from a client";
        return Err(Error::new_spanned(token, words));
    }
    if !signature.generics.params.is_empty() {
        return Err(generic(&signature.generics));
    }
    let mut inputs = signature.inputs.iter();
    match inputs.next() {
        Some(FnArg::Receiver(receiver))
            if matches!(
                &receiver.kind,
                ReceiverKind::Reference(_, lifetime, None) if named(lifetime.as_ref()).is_none()
            ) => {}
        Some(other) => return Err(Error::new_spanned(other, expected)),
        None => return Err(Error::new(signature.ident.span(), expected)),
    }
    inputs.map(argument).collect()
}

fn argument(input: &FnArg) -> Result<&PatType> {
    let FnArg::Typed(argument) = input else {
        return Err(Error::new_spanned(input, "`self` is the first parameter"));
    };
    if let Some(condition) = argument.attrs.iter().find(|one| one.path().is_ident("cfg")) {
        let words =
            "a parameter has no `cfg`: a transaction has the same parameters in every build";
        return Err(Error::new_spanned(condition, words));
    }
    let ty = match &*argument.ty {
        Type::Reference(reference) => &reference.elem,
        _ => &argument.ty,
    };
    match **ty {
        Type::ImplTrait(_) => Err(generic(ty)),
        _ => Ok(argument),
    }
}

fn generic(tokens: impl quote::ToTokens) -> Error {
    let words = "a transaction has no generic parameters: its arguments come from a client";
    Error::new_spanned(tokens, words)
}

/// Returns true if a type can be `&Context`. The type's name is not checked: it may be an alias.
fn is_context(ty: &Type) -> bool {
    match ty {
        Type::Reference(TypeReference { lifetime, mutability: None, elem, .. }) => {
            named(lifetime.as_ref()).is_none() && !is_text_or_list(elem)
        }
        _ => false,
    }
}

fn is_text_or_list(ty: &Type) -> bool {
    match ty {
        Type::Slice(_) => true,
        Type::Path(path) => path.path.segments.last().is_some_and(|last| last.ident == "str"),
        _ => false,
    }
}

/// Returns the lifetime unless it is `'_`.
fn named(lifetime: Option<&Lifetime>) -> Option<&Lifetime> {
    lifetime.filter(|lifetime| lifetime.ident != "_")
}

/// The span of the macro for names and `self`, located at `span` for compiler errors.
pub(crate) fn place(span: Span) -> Span {
    Span::call_site().located_at(span)
}
