//! From a trait to the source representation.
//!
//! Reads one method at a time; a method or parameter that is refused is left out of the result, which is then never
//! emitted. The trait is kept, without our attributes, because it is emitted again either way.
//!
//! What it does not do: compare procedures with each other (`check`), or look into types (`types`).

use syn::ext::IdentExt;
use syn::parse_quote;
use syn::{
    Attribute, FnArg, Ident, ItemTrait, Pat, PatType, ReceiverKind, ReturnType, Safety, Signature, TraitItem,
    TraitItemFn, Type,
};

use crate::ir::{Direction, Interface, Param, Procedure};
use crate::refusals::Refusals;
use crate::{options, types};

/// Reads the trait `item`.
pub(crate) fn interface(mut item: ItemTrait, refusals: &mut Refusals) -> Interface {
    let mut procedures = Vec::new();
    for item in &mut item.items {
        match item {
            TraitItem::Fn(method) => procedures.extend(procedure(method, refusals)),
            TraitItem::Const(constant) => refusals.refuse(
                constant,
                "a constant of a trait has another value in each implementation, and the client has none",
                "put it beside the trait, or make it a procedure",
            ),
            TraitItem::Type(ty) => refusals.refuse(
                ty,
                "an associated type is another type in each implementation, and the client has none",
                "name one concrete type",
            ),
            other => refusals.refuse(
                other,
                "an interface consists of methods",
                "write the methods out, so that both sides see the same",
            ),
        }
    }
    Interface { item, procedures, uuid: None, version: None }
}

/// Reads one method and strips our attributes from it.
fn procedure(method: &mut TraitItemFn, refusals: &mut Refusals) -> Option<Procedure> {
    let options = options::call(&mut method.attrs, refusals);
    let serde = options::by_serde(&mut method.attrs, refusals);
    method_attrs(&mut method.attrs, refusals);
    signature(&method.sig, refusals);
    if let Some(body) = &method.default {
        refusals.refuse(
            body,
            "a default body would run in the server or in the client, and nobody could tell in which",
            "declare the method only; put shared code into a function beside the trait",
        );
    }
    let last = method.sig.inputs.len().saturating_sub(1);
    let params = method.sig.inputs.iter_mut().enumerate().filter_map(|(at, input)| match input {
        FnArg::Receiver(_) => None,
        // What it is a token for is read as the output.
        FnArg::Typed(typed) if at == last && types::token(&typed.ty).is_some() => None,
        FnArg::Typed(typed) => param(typed, refusals),
    });
    let mut params: Vec<Param> = params.collect();
    let (token, sig) = token(&method.sig, &mut params, refusals)?;
    let output = types::output(&sig, serde, refusals)?;
    let attrs = method.attrs.iter().filter(|attr| travels_to_client(attr)).cloned().collect();
    Some(Procedure { ident: method.sig.ident.clone(), attrs, params, output, options, token, origin: None })
}

type Token = Option<(Ident, Type)>;

/// The token for a reply that comes later, if that is the last parameter, and the signature with what it is a token for as its
/// output.
fn token(sig: &Signature, params: &mut [Param], refusals: &mut Refusals) -> Option<(Token, Signature)> {
    let Some(FnArg::Typed(PatType { pat, ty, .. })) = sig.inputs.last() else { return Some((None, sig.clone())) };
    let Some(result) = types::token(ty) else { return Some((None, sig.clone())) };
    let Pat::Ident(ident) = &**pat else {
        refusals.refuse(pat, "the token for the reply has a plain name", "name it");
        return None;
    };
    if let ReturnType::Type(_, output) = &sig.output {
        refusals.refuse(
            output,
            "the results of this procedure come later, by its token",
            "return nothing; what the token is for is the result",
        );
        return None;
    }
    for param in params {
        if param.form.direction() != Direction::In {
            refusals.refuse(
                &param.declared,
                "a reply that comes later has a result and nothing else: targets end with the procedure",
                "make it part of the token's type",
            );
        }
    }
    let mut sig = sig.clone();
    sig.output = parse_quote!(-> #result);
    Some((Some((ident.ident.clone(), (**ty).clone())), sig))
}

/// Whether an attribute of a method belongs to its counterpart in the client as well.
fn travels_to_client(attr: &Attribute) -> bool {
    attr.path().is_ident("doc") || attr.path().is_ident("deprecated")
}

fn is_cfg(attr: &Attribute) -> bool {
    attr.path().is_ident("cfg") || attr.path().is_ident("cfg_attr")
}

fn method_attrs(attrs: &mut Vec<Attribute>, refusals: &mut Refusals) {
    attrs.retain(|attr| {
        if is_cfg(attr) {
            refusals.refuse(
                attr,
                "a conditional procedure would number the ones after it differently in two programs",
                "keep the procedure and return an error from it, or put `cfg` on two whole interfaces",
            );
        } else if let Some(name) = ["out", "in_place", "max"].iter().find(|name| attr.path().is_ident(name)) {
            refusals.refuse(attr, format!("`#[{name}]` is about a parameter"), "write it before the parameter's name");
            return false;
        }
        true
    });
}

/// Refuses what a method cannot be, apart from its parameters.
fn signature(sig: &Signature, refusals: &mut Refusals) {
    if let Some(token) = &sig.constness {
        refusals.refuse(token, "a call cannot run at compile time", "remove `const`");
    }
    if let Some(token) = &sig.asyncness {
        refusals.refuse(
            token,
            "a call blocks its thread until the answer is there, which takes less time than a scheduler",
            "remove `async`: the client has `start_…` for each method, whose result can be awaited",
        );
    }
    if let Safety::Unsafe(token) = &sig.safety {
        refusals.refuse(
            token,
            "a caller in another address space cannot be held to a contract of `unsafe`",
            "remove `unsafe` and check the arguments",
        );
    }
    if let Some(abi) = &sig.abi {
        refusals.refuse(abi, "the calling convention of an interface is ours", "remove `extern`");
    }
    if !sig.generics.params.is_empty() {
        refusals.refuse(
            &sig.generics.params,
            "a generic procedure has no single layout, and a lifetime none at all across address spaces",
            "write one method for each concrete type, and leave lifetimes out",
        );
    }
    if let Some(clause) = &sig.generics.where_clause {
        refusals.refuse(clause, "a procedure has no conditions", "remove the `where` clause");
    }
    if let Some(dots) = &sig.variadic {
        refusals.refuse(dots, "a procedure has a fixed list of parameters", "take a `Vec<T>`");
    }
    name(&sig.ident, refusals);
    receiver(sig, refusals);
}

fn receiver(sig: &Signature, refusals: &mut Refusals) {
    const HINT: &str = "write `&self`; several calls run at the same time, so put state that changes behind a lock";
    match sig.receiver() {
        None => refusals.refuse(&sig.ident, "a procedure is called on the object that the server exports", HINT),
        Some(receiver) => match &receiver.kind {
            ReceiverKind::Reference(_, None, None) => {}
            ReceiverKind::Reference(_, Some(lifetime), None) => refusals.refuse(
                lifetime,
                "a lifetime says nothing across address spaces",
                "leave it out: the object lives as long as it is exported",
            ),
            ReceiverKind::Reference(_, _, Some(_)) => {
                refusals.refuse(receiver, "`&mut self` would let one call at a time into the server", HINT);
            }
            _ => refusals.refuse(receiver, "a call cannot consume the object that the server exports", HINT),
        },
    }
}

/// Reads one parameter and strips our attribute from it.
fn param(typed: &mut PatType, refusals: &mut Refusals) -> Option<Param> {
    let marks = options::marks(&mut typed.attrs, refusals);
    typed.attrs.retain(|attr| {
        if is_cfg(attr) {
            refusals.refuse(attr, "a conditional parameter would move the ones after it", "keep the parameter");
        } else if !["allow", "expect", "warn", "deny"].iter().any(|lint| attr.path().is_ident(lint)) {
            refusals.refuse(
                attr,
                "unknown attribute of a parameter",
                "there are `#[out]`, `#[out(len = return)]`, `#[in_place]`, `#[serde]` and `#[max(..)]`",
            );
            return false;
        }
        true
    });
    let ident = match &*typed.pat {
        Pat::Ident(pat) if pat.by_ref.is_none() && pat.mutability.is_none() && pat.subpat.is_none() => {
            name(&pat.ident, refusals);
            Some(pat.ident.clone())
        }
        pattern => {
            refusals.refuse(
                pattern,
                "a parameter has a plain name, which both sides compare",
                "name it; take it apart in the implementation",
            );
            None
        }
    };
    if ident.is_none() {
        // Or rustc would refuse the pattern once more.
        *typed.pat = parse_quote!(_);
    }
    let (in_place, max) = (marks.in_place, marks.max);
    let form = types::form(&typed.ty, marks, refusals);
    let declared = (*typed.ty).clone();
    if in_place {
        // The implementation gets the client's bytes as what they are: shared.
        *typed.ty = parse_quote!(::nearcall::SharedBytes<'_>);
    }
    Some(Param { ident: ident?, served: (*typed.ty).clone(), declared, form: form?, max })
}

/// Names of ours begin with two underscores; that is the whole of the hygiene of generated code.
fn name(ident: &Ident, refusals: &mut Refusals) {
    if ident.unraw().to_string().starts_with("__") {
        refusals.refuse(ident, "names that begin with `__` belong to generated code", "use another name");
    }
}
