//! The types of parameters and results: what their syntax says about how they travel, and which ones never can.
//!
//! Only syntax is looked at. A refusal here says earlier, and in better words, what rustc would say about a missing
//! `impl Wire`; a type that is let through is still judged by rustc.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{GenericArgument, Lifetime, Path, PathArguments, ReturnType, Signature, Type, TypeReference};

use crate::ir::{BySerde, Form, Many, OutLen, Output, PassBy, Passed};
use crate::options::{Marks, Out};
use crate::refusals::Refusals;

/// How a parameter of type `ty` travels; `None` if it was refused.
pub(crate) fn form(ty: &Type, marks: Marks, refusals: &mut Refusals) -> Option<Form> {
    let is_bounded = marks.max.is_some();
    let form = form_of(ty, marks, refusals)?;
    if is_bounded && matches!(form, Form::Pass { .. }) {
        refusals.refuse(
            ty,
            "`#[max]` is about a parameter of varying size",
            "remove it: this one is passed, not copied",
        );
        return None;
    }
    Some(form)
}

fn form_of(ty: &Type, marks: Marks, refusals: &mut Refusals) -> Option<Form> {
    if marks.serde {
        return by_serde(ty, &marks, refusals);
    }
    let Marks { out, in_place, .. } = marks;
    if in_place {
        return self::in_place(ty, out, refusals);
    }
    if out.is_none()
        && let Some(form) = passed(ty)
    {
        return Some(form);
    }
    let Type::Reference(reference) = bare(ty) else {
        if out.is_some() {
            refuse_out(ty, refusals);
            return None;
        }
        return value(ty, Role::Param, refusals).then(|| Form::Value(bare(ty).clone()));
    };
    if let Some(lifetime) = &reference.lifetime {
        refuse_lifetime(lifetime, refusals);
    }
    if reference.mutability.is_some() {
        return exclusive(reference, out, refusals);
    }
    if out.is_some() {
        refuse_out(ty, refusals);
        return None;
    }
    let target = bare(&reference.elem);
    match target {
        Type::Slice(slice) if is_strings(&slice.elem, false) => Some(Form::Gather),
        Type::Slice(slice) => item(&slice.elem, refusals).map(Form::Slice),
        _ if is(target, "str") => Some(Form::Str),
        _ => value(target, Role::Param, refusals).then(|| Form::Ref(target.clone())),
    }
}

/// How a `&mut` parameter travels.
fn exclusive(reference: &TypeReference, out: Option<Out>, refusals: &mut Refusals) -> Option<Form> {
    let target = bare(&reference.elem);
    match target {
        Type::Slice(slice) if is_strings(&slice.elem, true) => match out {
            Some(Out { len: OutLen::All }) => Some(Form::Scatter),
            _ => {
                refusals.refuse(
                    reference,
                    "places for several strings are filled one after the other, each to its end",
                    "write `#[out]` alone; return how much of it counts",
                );
                None
            }
        },
        Type::Slice(slice) => item(&slice.elem, refusals).map(|item| match out {
            None => Form::InOutSlice(item),
            Some(Out { len }) => Form::OutSlice { item, len },
        }),
        _ if out.as_ref().is_some_and(|out| out.len != OutLen::All) => {
            refusals.refuse(
                reference,
                "`len` is about a slice",
                "write `#[out]` alone: a single value comes back whole",
            );
            None
        }
        _ if !value(target, Role::Param, refusals) => None,
        _ if out.is_some() => Some(Form::Out(target.clone())),
        _ => Some(Form::InOut(target.clone())),
    }
}

/// Whether it is `&[u8]`, or `&mut [u8]`: an item of several strings.
fn is_strings(ty: &Type, is_mut: bool) -> bool {
    let Type::Reference(reference) = bare(ty) else { return false };
    let Type::Slice(slice) = bare(&reference.elem) else { return false };
    reference.lifetime.is_none() && reference.mutability.is_some() == is_mut && is(&slice.elem, "u8")
}

/// How something is passed that cannot be copied, as far as its name tells; rustc asks whether it is `Pass`.
fn passed(ty: &Type) -> Option<Form> {
    let outer = shared(ty);
    let (inner, many) = match (bare(outer.unwrap_or(ty)), outer) {
        (Type::Slice(slice), Some(_)) => (bare(&slice.elem), Many::Several),
        (other, _) => contained(other).unwrap_or((other, Many::One)),
    };
    let inside = shared(inner).filter(|_| outer.is_none() && many == Many::Optional);
    let target = inside.unwrap_or(inner);
    let is_borrowed = is_lent(target);
    let by = match (outer.is_some(), inside.is_some(), is_borrowed) {
        (false, false, false) => PassBy::Value,
        (true, false, false) => PassBy::Ref,
        (false, true, false) => PassBy::RefInside,
        (false, false, true) => PassBy::Borrowed,
        (true, false, true) if many != Many::One => PassBy::RefBorrowed,
        _ => return None,
    };
    let ty = if is_borrowed { syn::parse_quote!(::std::os::fd::OwnedFd) } else { target.clone() };
    (is_borrowed || is_passed(target)).then_some(Form::Pass { ty, by, many })
}

/// What is passed as a result of this type, as far as its name tells.
fn passed_back(ty: &Type) -> Option<Passed> {
    let (ty, many) = contained(ty).unwrap_or((bare(ty), Many::One));
    is_passed(ty).then(|| Passed { ty: ty.clone(), many })
}

/// What `ty` refers to, if it is `&T`.
fn shared(ty: &Type) -> Option<&Type> {
    match bare(ty) {
        Type::Reference(reference) if reference.mutability.is_none() && reference.lifetime.is_none() => {
            Some(bare(&reference.elem))
        }
        _ => None,
    }
}

/// What is in it, if it is an `Option` or a `Vec`.
fn contained(ty: &Type) -> Option<(&Type, Many)> {
    let many = if is_generic(ty, "Option") {
        Many::Optional
    } else if is_generic(ty, "Vec") {
        Many::Several
    } else {
        return None;
    };
    let PathArguments::AngleBracketed(arguments) = &last_segment(ty)?.arguments else { return None };
    match (arguments.args.len(), arguments.args.first()?) {
        (1, GenericArgument::Type(item)) => Some((bare(item), many)),
        _ => None,
    }
}

/// Whether it is a `BorrowedFd`, for no longer than the call.
fn is_lent(ty: &Type) -> bool {
    last_segment(ty).is_some_and(|last| {
        last.ident == "BorrowedFd"
            && match &last.arguments {
                PathArguments::AngleBracketed(arguments) => arguments
                    .args
                    .iter()
                    .all(|argument| matches!(argument, GenericArgument::Lifetime(lifetime) if lifetime.ident == "_")),
                other => other.is_none(),
            }
    })
}

/// Whether a type is passed and not copied: a descriptor, a grant, or what has the name of a client.
fn is_passed(ty: &Type) -> bool {
    let name = last_segment(ty).filter(|last| last.arguments.is_none()).map(|last| last.ident.to_string());
    name.is_some_and(|name| {
        ["OwnedFd", "Grant", "SharedGrant"].contains(&&*name) || (name.len() > 6 && name.ends_with("Client"))
    })
}

/// The items of a slice, as far as the syntax tells; rustc asks whether they are `Plain`.
fn item(ty: &Type, refusals: &mut Refusals) -> Option<Type> {
    let ty = bare(ty);
    plain(
        ty,
        "the items of a slice travel as they lie in memory, and not every memory is a value of this type",
        "use integers, floats or structs with `#[nearcall::plain]`; or take `Vec<T>` or `&Vec<T>`, and return a `Vec<T>`",
        refusals,
    )
    .then(|| ty.clone())
}

/// Refuses, with the words given, a type that certainly is not plain; whether there was nothing to refuse.
pub(crate) fn plain(ty: &Type, what: &str, hint: &str, refusals: &mut Refusals) -> bool {
    let ty = bare(ty);
    let has_illegal_values = is(ty, "bool") || is(ty, "char") || matches!(ty, Type::Tuple(_));
    let owns = ["Vec", "Option", "Box", "Result"].iter().any(|name| is_generic(ty, name)) || is(ty, "String");
    if has_illegal_values || owns {
        refusals.refuse(ty, what, hint);
        return false;
    }
    value(ty, Role::Param, refusals)
}

/// How a parameter with `#[in_place]` travels.
fn in_place(ty: &Type, out: Option<Out>, refusals: &mut Refusals) -> Option<Form> {
    if let Type::Reference(reference) = bare(ty)
        && reference.mutability.is_none()
        && out.is_none()
        && let Type::Slice(slice) = bare(&reference.elem)
        && is(&slice.elem, "u8")
    {
        if let Some(lifetime) = &reference.lifetime {
            refuse_lifetime(lifetime, refusals);
        }
        return Some(Form::InPlace);
    }
    refusals.refuse(
        ty,
        "only bytes that the client sends can be read in place: of anything else a copy must be checked first",
        "write `#[in_place] data: &[u8]`, or remove `#[in_place]`",
    );
    None
}

/// How a parameter with `#[serde]` travels.
fn by_serde(ty: &Type, marks: &Marks, refusals: &mut Refusals) -> Option<Form> {
    if marks.out.is_some() || marks.in_place {
        refusals.refuse(
            ty,
            "`#[serde]` stands alone: what serde encodes is a value of its own, whose size is known when it is encoded",
            "return it, with `#[serde(return)]` on the method",
        );
        return None;
    }
    let (target, is_ref) = match bare(ty) {
        Type::Reference(reference) if reference.mutability.is_some() => {
            refusals.refuse(
                ty,
                "what serde encodes has no fixed size, so its place in the reply is not known before the call",
                "take the old value as a parameter and return the new one, with `#[serde(return)]` on the method",
            );
            return None;
        }
        Type::Reference(reference) => (bare(&reference.elem), true),
        other => (other, false),
    };
    if matches!(target, Type::Slice(_) | Type::Reference(_) | Type::TraitObject(_) | Type::ImplTrait(_))
        || is(target, "str")
    {
        refusals.refuse(
            ty,
            "serde would have to make a value of a type that owns nothing",
            "use a type that owns what is in it, as `Vec<T>` or `String`",
        );
        return None;
    }
    Some(Form::Serde { ty: target.clone(), is_ref })
}

fn refuse_lifetime(lifetime: &Lifetime, refusals: &mut Refusals) {
    refusals.refuse(
        lifetime,
        "a lifetime says nothing across address spaces",
        "leave it out: every reference lives as long as the call",
    );
}

/// What a procedure with this signature returns; `None` if it was refused.
/// What `ty` is a token for, if it is one: `ReplyToken<T>`, by whatever path.
pub(crate) fn token(ty: &Type) -> Option<Type> {
    let Type::Path(path) = bare(ty) else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "ReplyToken")?;
    match &last.arguments {
        PathArguments::AngleBracketed(arguments) if arguments.args.len() == 1 => match arguments.args.first()? {
            GenericArgument::Type(ty) => Some(ty.clone()),
            _ => None,
        },
        _ => None,
    }
}

pub(crate) fn output(sig: &Signature, serde: BySerde, refusals: &mut Refusals) -> Option<Output> {
    let mut result = |ty, by_serde: bool| by_serde || value(ty, Role::Return, refusals);
    let back = |ty: &Type| passed_back(ty).filter(|_| !serde.value);
    let passes = |ty: &Type| back(ty).is_some();
    let (value, error) = match &sig.output {
        ReturnType::Default => (None, None),
        ReturnType::Type(_, ty) => {
            let ty = bare(ty);
            match result_arguments(ty).as_deref() {
                None => ((passes(ty) || result(ty, serde.value)).then(|| not_unit(ty))?, None),
                // Both are looked at, whatever the first one is.
                Some([ok, err]) => {
                    let fine = (passes(ok) || result(ok, serde.value)) & result(err, serde.error);
                    fine.then(|| (not_unit(ok), Some(bare(err).clone())))?
                }
                Some(_) => {
                    refusals.refuse(
                        ty,
                        "the error type of this `Result` cannot be seen here",
                        "write `Result<T, E>` with both types: `E` becomes the `CallError<E>` of the client",
                    );
                    return None;
                }
            }
        }
    };
    let missing = [(serde.value && value.is_none(), "return"), (serde.error && error.is_none(), "error")];
    for (_, key) in missing.iter().filter(|(is_missing, _)| *is_missing) {
        refusals.refuse(
            &sig.ident,
            format!("`#[serde({key})]` is about something that this procedure does not have"),
            "remove it from the attribute, or return it",
        );
    }
    let passed = value.as_ref().and_then(|ty: &Type| back(ty));
    Some(Output { value, error, serde, passed })
}

fn not_unit(ty: &Type) -> Option<Type> {
    Some(bare(ty)).filter(|ty| !is_unit(ty)).cloned()
}

/// The type arguments of something that is called `Result`.
fn result_arguments(ty: &Type) -> Option<Vec<&Type>> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Result")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return Some(Vec::new()) };
    Some(
        arguments
            .args
            .iter()
            .filter_map(|argument| match argument {
                GenericArgument::Type(ty) => Some(ty),
                _ => None,
            })
            .collect(),
    )
}

/// Whether a return value of type `ty` is certainly no count of bytes. The others are judged by rustc (`OutLen`).
pub(crate) fn is_no_length(ty: Option<&Type>) -> bool {
    const NO_LENGTH: &[&str] = &["bool", "char", "f32", "f64", "i128", "u128", "String"];
    ty.is_none_or(|ty| {
        matches!(ty, Type::Array(_)) || is_generic(ty, "Vec") || NO_LENGTH.iter().any(|name| is(ty, name))
    })
}

/// `ty` without parentheses and the invisible groups that `macro_rules!` puts around its arguments.
fn bare(mut ty: &Type) -> &Type {
    loop {
        ty = match ty {
            Type::Group(group) => &group.elem,
            Type::Paren(paren) => &paren.elem,
            _ => return ty,
        };
    }
}

/// Values in a tuple: as many as `Wire` is implemented for.
const MAX_TUPLE: usize = 8;

/// Where a type stands, as far as hints differ.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Param,
    Return,
}

/// Refuses everything inside `ty` that cannot travel; whether there was nothing to refuse.
fn value(ty: &Type, role: Role, refusals: &mut Refusals) -> bool {
    let (what, hint) = match bare(ty) {
        Type::Path(path) => {
            let own = match &path.qself {
                Some(qself) => value(&qself.ty, role, refusals),
                None => true,
            };
            return own & path_value(&path.path, role, refusals);
        }
        Type::Array(array) => return value(&array.elem, role, refusals),
        Type::Tuple(tuple) if tuple.elems.len() <= MAX_TUPLE => {
            return tuple.elems.iter().fold(true, |fine, item| fine & value(item, role, refusals));
        }
        Type::Tuple(_) => (
            "a tuple of more than 8 values has too many without a name",
            "give them names: a struct with `#[derive(nearcall::Wire)]`",
        ),
        Type::Reference(_) if role == Role::Return => (
            "a result cannot be borrowed: it comes from another address space",
            "return an owned `String` or `Vec<u8>`, or fill a buffer: `#[out(len = return)] buf: &mut [u8]`",
        ),
        Type::Reference(_) => (
            "a reference inside a type points into another address space",
            "only the parameter itself can be a reference; own what is inside",
        ),
        Type::Slice(_) => ("a slice without a reference has no size", "use `Vec<T>`, or a reference: `&[T]`"),
        Type::ImplTrait(_) | Type::TraitObject(_) => (
            "code does not travel: both sides must know the same concrete type",
            "name the type, or make an enum with `#[derive(nearcall::Wire)]` of the cases",
        ),
        Type::FnPtr(_) => ("code does not travel", "make it a procedure of an interface that the client serves"),
        Type::Ptr(_) => ("an address means nothing to the other side", "pass the value, `&T` or `&mut T`"),
        Type::Never(_) => ("a call that never returns cannot be told from one that hangs", "return nothing"),
        Type::Infer(_) => ("the type must be written out: the layout is computed from it", "write the type"),
        // A macro, or syntax newer than this parser: rustc will judge what it means.
        _ => return true,
    };
    refusals.refuse(ty, what, hint);
    false
}

/// The same for a path: its name, and what stands between its angle brackets.
fn path_value(path: &Path, role: Role, refusals: &mut Refusals) -> bool {
    let mut fine = true;
    for segment in &path.segments {
        let (what, hint) = if segment.ident == "usize" {
            ("`usize` has another size in a program built for another word length", "use `u64`, or `u32` for a count")
        } else if segment.ident == "isize" {
            ("`isize` has another size in a program built for another word length", "use `i64` or `i32`")
        } else if segment.ident == "OwnedFd" || segment.ident == "BorrowedFd" {
            (
                "a descriptor goes beside the call and cannot be part of a value, nor come back through a parameter",
                "make it a parameter or the result by itself, or in an `Option` or a `Vec`: `file: OwnedFd`, `file: BorrowedFd<'_>`, `-> Result<Vec<OwnedFd>, E>`",
            )
        } else if segment.ident == "Self" {
            ("`Self` is another type on each side", "name a type that both sides know")
        } else if segment.ident == "str" {
            // rustc would say so of every line of generated code that holds one.
            (
                "text without a reference has no size",
                "take `&str`; or `String`, also inside of other types and in results",
            )
        } else {
            if let PathArguments::AngleBracketed(arguments) = &segment.arguments {
                for argument in &arguments.args {
                    fine &= match argument {
                        GenericArgument::Type(ty) => value(ty, role, refusals),
                        GenericArgument::Lifetime(lifetime) => {
                            refusals.refuse(
                                lifetime,
                                "a type that borrows cannot travel",
                                "use a type that owns what is in it",
                            );
                            false
                        }
                        _ => true,
                    };
                }
            }
            continue;
        };
        refusals.refuse(segment, what, hint);
        fine = false;
    }
    fine
}

fn is(ty: &Type, name: &str) -> bool {
    last_segment(ty).is_some_and(|last| last.ident == name && last.arguments.is_none())
}

fn is_generic(ty: &Type, name: &str) -> bool {
    last_segment(ty).is_some_and(|last| last.ident == name && !last.arguments.is_none())
}

fn last_segment(ty: &Type) -> Option<&syn::PathSegment> {
    match bare(ty) {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

fn is_unit(ty: &Type) -> bool {
    matches!(bare(ty), Type::Tuple(tuple) if tuple.elems.is_empty())
}

fn refuse_out(ty: &Type, refusals: &mut Refusals) {
    refusals.refuse(
        ty,
        "an `#[out]` parameter is a `&mut`: the client lends the place for the result",
        "write `&mut T` or `&mut [T]`, or remove `#[out]`",
    );
}

/// `ty` as Rust spells it, the same however it was spaced.
pub(crate) fn spelling(ty: &Type) -> String {
    fn append(tokens: TokenStream, text: &mut String) {
        for token in tokens {
            let next = match token {
                TokenTree::Group(group) => {
                    let (open, close) = match group.delimiter() {
                        proc_macro2::Delimiter::Parenthesis => ("(", ")"),
                        proc_macro2::Delimiter::Brace => ("{", "}"),
                        proc_macro2::Delimiter::Bracket => ("[", "]"),
                        proc_macro2::Delimiter::None => ("", ""),
                    };
                    text.push_str(open);
                    append(group.stream(), text);
                    text.push_str(close);
                    continue;
                }
                other => other.to_string(),
            };
            let is_word = |c: char| c.is_alphanumeric() || c == '_';
            let after_word = text.ends_with(is_word) && next.starts_with(is_word);
            if after_word || text.ends_with([',', ';']) {
                text.push(' ');
            }
            text.push_str(&next);
        }
    }
    let mut text = String::new();
    append(ty.to_token_stream(), &mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_without_a_size_is_refused_where_it_stands() {
        for wrong in ["a: str", "a: &[str]", "a: Vec<str>", "a: &mut [str]", "#[out] a: &mut Option<str>"] {
            let item = format!("trait T {{ fn f(&self, {wrong}); }}");
            let error = crate::read(syn::parse_str(&item).unwrap()).unwrap_err();
            assert!(error.to_string().starts_with("text without a reference"), "{wrong}: {error}");
        }
        for wrong in ["str", "(u8, str)", "Result<str, u8>", "Result<u8, Box<str>>"] {
            let item = format!("trait T {{ fn f(&self) -> {wrong}; }}");
            assert!(crate::read(syn::parse_str(&item).unwrap()).is_err(), "{wrong}");
        }
        assert!(crate::read(syn::parse_str("trait T { fn f(&self, a: &str) -> String; }").unwrap()).is_ok());
    }

    #[test]
    fn spellings_do_not_depend_on_spaces() {
        for (written, spelled) in [
            ("std :: collections::HashMap< String,Vec < u32 > >", "std::collections::HashMap<String, Vec<u32>>"),
            ("[ (u8 ,Option<i64>) ;4]", "[(u8, Option<i64>); 4]"),
            ("Box<dyn  Send+Sync>", "Box<dyn Send+Sync>"),
        ] {
            assert_eq!(spelling(&syn::parse_str(written).unwrap()), spelled);
        }
    }
}
