//! The types of parameters and results: what their syntax says about how they travel, and which ones never can.
//!
//! Only syntax is looked at. A refusal here says earlier, and in better words, what rustc would say about a missing
//! `impl Wire`; a type that is let through is still judged by rustc.

use syn::{GenericArgument, Path, PathArguments, ReturnType, Type, TypeReference};

use crate::ir::{Form, Output};
use crate::options::Out;
use crate::refusals::Refusals;

/// How a parameter of type `ty` travels; `None` if it was refused.
pub(crate) fn form(ty: &Type, out: Option<Out>, refusals: &mut Refusals) -> Option<Form> {
    let Type::Reference(reference) = bare(ty) else {
        if out.is_some() {
            refuse_out(ty, refusals);
            return None;
        }
        return value(ty, Role::Param, refusals).then(|| Form::Value(bare(ty).clone()));
    };
    if let Some(lifetime) = &reference.lifetime {
        refusals.refuse(
            lifetime,
            "a lifetime says nothing across address spaces",
            "leave it out: every reference lives as long as the call",
        );
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
        Type::Slice(slice) if is(&slice.elem, "u8") => Some(Form::Bytes),
        Type::Slice(_) => {
            refuse_slice(ty, refusals);
            None
        }
        _ if is(target, "str") => Some(Form::Str),
        _ => value(target, Role::Param, refusals).then(|| Form::Ref(target.clone())),
    }
}

/// How a `&mut` parameter travels.
fn exclusive(reference: &TypeReference, out: Option<Out>, refusals: &mut Refusals) -> Option<Form> {
    let target = bare(&reference.elem);
    match target {
        Type::Slice(slice) if is(&slice.elem, "u8") => Some(match out {
            None => Form::InOutBytes,
            Some(Out { len_is_return }) => Form::OutBytes { len_is_return },
        }),
        Type::Slice(_) => {
            refuse_slice(reference, refusals);
            None
        }
        _ if is(target, "str") || is(target, "String") || is_generic(target, "Vec") => {
            refusals.refuse(
                reference,
                "an in-out or out parameter has a fixed size, so that its place in the reply is known before the call",
                "use `&mut [u8]`, or take the old value as a parameter and return the new one",
            );
            None
        }
        _ if out.is_some_and(|out| out.len_is_return) => {
            refusals.refuse(
                reference,
                "`len = return` is about a byte buffer",
                "write `#[out]` alone: a single value comes back whole",
            );
            None
        }
        _ if !value(target, Role::Param, refusals) => None,
        _ if out.is_some() => Some(Form::Out(target.clone())),
        _ => Some(Form::InOut(target.clone())),
    }
}

/// What a procedure with this return type returns; `None` if it was refused.
pub(crate) fn output(declared: &ReturnType, refusals: &mut Refusals) -> Option<Output> {
    let ReturnType::Type(_, ty) = declared else { return Some(Output::default()) };
    let ty = bare(ty);
    let Some(arguments) = result_arguments(ty) else {
        let fine = value(ty, Role::Return, refusals);
        return fine.then(|| Output { value: not_unit(ty), error: None });
    };
    let [ok, err] = arguments.as_slice() else {
        refusals.refuse(
            ty,
            "the error type of this `Result` cannot be seen here",
            "write `Result<T, E>` with both types: `E` becomes the `CallError<E>` of the client",
        );
        return None;
    };
    // Both are looked at, whatever the first one is.
    let fine = value(ok, Role::Return, refusals) & value(err, Role::Return, refusals);
    fine.then(|| Output { value: not_unit(ok), error: Some(bare(err).clone()) })
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
    const NO_LENGTH: &[&str] = &["bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "u128", "String"];
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
        Type::Tuple(tuple) if tuple.elems.is_empty() => return true,
        Type::Tuple(_) => (
            "a tuple has no names that both sides could compare",
            "give it a name: a struct with `#[derive(nearcall::Wire)]`",
        ),
        Type::Reference(_) if role == Role::Return => (
            "a result cannot be borrowed: it comes from another address space",
            "return an owned `String` or `Vec<u8>`, or fill a buffer: `#[out(len = return)] buf: &mut [u8]`",
        ),
        Type::Reference(_) => (
            "a reference inside a type points into another address space",
            "only the parameter itself can be a reference; own what is inside",
        ),
        Type::Slice(_) => ("a slice without a reference has no size", "use `Vec<T>`, or `&[u8]` for bytes"),
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
        } else if segment.ident == "Self" {
            ("`Self` is another type on each side", "name a type that both sides know")
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
        "write `&mut T` or `&mut [u8]`, or remove `#[out]`",
    );
}

fn refuse_slice(ty: impl quote::ToTokens, refusals: &mut Refusals) {
    refusals.refuse(
        ty,
        "only bytes travel as a slice: the items of another type would have to be decoded into memory first",
        "take `Vec<T>` or `&Vec<T>`, and return a `Vec<T>`",
    );
}
