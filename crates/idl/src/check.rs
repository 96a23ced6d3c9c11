//! What only the whole interface can tell: the trait itself, bounds on numbers, and procedures against each other.
//!
//! Runs on what `parse` let through; adds refusals and changes nothing.

use std::collections::BTreeMap;

use syn::ext::IdentExt;
use syn::{ItemTrait, TypeParamBound};

use crate::ir::{Direction, Form, Interface, OutLen, Param, Procedure};
use crate::refusals::Refusals;
use crate::types;

/// Procedures of one interface: their table is looked at by peers, who must bound it.
const MAX_PROCEDURES: usize = 1024;
/// Parameters of one procedure, for the same reason.
const MAX_PARAMS: usize = 64;
/// Names of functions that every client has.
const TAKEN: &[&str] = &["bind", "describe", "serve"];

/// Refuses what is wrong with `interface` as a whole.
pub(crate) fn interface(interface: &Interface, refusals: &mut Refusals) {
    item(&interface.item, refusals);
    if interface.item.items.is_empty() {
        refusals.refuse(&interface.item.ident, "an interface without procedures cannot be called", "add a method");
    }
    if let Some(first) = interface.procedures.get(MAX_PROCEDURES) {
        refusals.refuse(
            &first.ident,
            format!("an interface has at most {MAX_PROCEDURES} procedures"),
            "split it into several interfaces",
        );
    }
    let has = |name: &str| interface.procedures.iter().any(|other| other.ident.unraw() == name);
    for procedure in &interface.procedures {
        let name = procedure.ident.unraw().to_string();
        if let Some(other) = name.strip_prefix("start_")
            && has(other)
        {
            refusals.refuse(
                &procedure.ident,
                format!("every client has a function `{name}` already, which starts `{other}`"),
                "use another name",
            );
        }
    }
    let mut names: BTreeMap<String, &Procedure> = BTreeMap::new();
    for procedure in &interface.procedures {
        self::procedure(procedure, refusals);
        let name = procedure.ident.unraw().to_string();
        // Two equal names are rustc's to report; constants of generated code are in capitals.
        if let Some(other) = names.insert(name.to_uppercase(), procedure)
            && other.ident != procedure.ident
        {
            refusals.refuse(
                &procedure.ident,
                format!("`{name}` differs from `{}` only in capitals", other.ident),
                "rename one of them: not every language tells them apart",
            );
        }
    }
}

fn item(item: &ItemTrait, refusals: &mut Refusals) {
    if let Some(token) = &item.unsafety {
        refusals.refuse(token, "a peer cannot be held to a contract of `unsafe`", "remove `unsafe`");
    }
    if let Some(token) = &item.modifiers.auto_token {
        refusals.refuse(token, "an auto trait has no methods", "remove `auto`");
    }
    if !item.generics.params.is_empty() {
        refusals.refuse(
            &item.generics.params,
            "a generic interface has no single layout, and a lifetime none at all across address spaces",
            "write one interface for each concrete type; pass values, or handles that you defined",
        );
    }
    if let Some(clause) = &item.generics.where_clause {
        refusals.refuse(clause, "an interface has no conditions", "remove the `where` clause");
    }
    for bound in &item.supertraits {
        let fine = match bound {
            TypeParamBound::Trait(bound) => {
                bound.maybe.is_none()
                    && bound.lifetimes.is_none()
                    && bound.path.segments.last().is_some_and(|last| last.ident == "Send" || last.ident == "Sync")
            }
            TypeParamBound::Lifetime(lifetime) => lifetime.ident == "static",
            _ => false,
        };
        if !fine {
            refusals.refuse(
                bound,
                "the client does not have what a supertrait promises",
                "declare its methods here; only `Send`, `Sync` and `'static` can stand here",
            );
        }
    }
}

fn procedure(procedure: &Procedure, refusals: &mut Refusals) {
    if TAKEN.iter().any(|taken| procedure.ident == taken) {
        refusals.refuse(
            &procedure.ident,
            format!("every client has a function `{}` already", procedure.ident),
            "use another name",
        );
    }
    if let Some(first) = procedure.params.get(MAX_PARAMS) {
        refusals.refuse(
            &first.ident,
            format!("a procedure has at most {MAX_PARAMS} parameters"),
            "put some of them into a struct with `#[derive(nearcall::Wire)]`",
        );
    }
    for param in &procedure.params {
        let Form::OutSlice { len, .. } = &param.form else { continue };
        out_length(param, len, procedure, refusals);
    }
    if procedure.options.oneway {
        oneway(procedure, refusals);
    }
    if procedure.token.is_some() {
        later(procedure, refusals);
    }
}

/// Refuses a length that is none.
fn out_length(param: &Param, len: &OutLen, procedure: &Procedure, refusals: &mut Refusals) {
    match len {
        OutLen::All => {}
        OutLen::Return => {
            if procedure.output.serde.value || types::is_no_length(procedure.output.value.as_ref()) {
                refusals.refuse(
                    &param.declared,
                    "`len = return` needs a return value that counts items",
                    "return `u32`, `u64`, or `Result` of one of them; or write `#[out]` if all of the buffer is always filled",
                );
            }
        }
        OutLen::Param(name) => {
            let counts = procedure.params.iter().any(|other| {
                other.ident == *name && matches!(&other.form, Form::Out(ty) if !types::is_no_length(Some(ty)))
            });
            if !counts {
                refusals.refuse(
                    name,
                    format!("`{name}` is no `#[out]` parameter that counts items"),
                    format!(
                        "declare `#[out] {name}: &mut u32`, or write `#[out]` if all of the buffer is always filled"
                    ),
                );
            }
        }
    }
}

/// Refuses what a reply that comes later cannot have.
fn later(procedure: &Procedure, refusals: &mut Refusals) {
    if procedure.options.oneway {
        refusals.refuse(
            &procedure.ident,
            "nobody waits for the reply of a `oneway` procedure, so none comes later",
            "remove `oneway`, or the token",
        );
    }
    if procedure.output.passed.is_some() {
        refusals.refuse(
            &procedure.ident,
            "what is passed with a reply is sent while its procedure runs",
            "return it from a procedure that replies at once",
        );
    }
}

/// Refuses results of a call whose answer nobody waits for.
fn oneway(procedure: &Procedure, refusals: &mut Refusals) {
    let returns = procedure.output.value.is_some() || procedure.output.error.is_some();
    if returns || procedure.params.iter().any(|param| param.form.direction() != Direction::In) {
        refusals.refuse(
            &procedure.ident,
            "nobody waits for the results of a `oneway` procedure",
            "return nothing and take parameters that are in only; or remove `oneway`",
        );
    }
    // What is passed is its client's until the call is answered, and would be called back.
    if let Some(param) = procedure.params.iter().find(|param| matches!(param.form, Form::Pass { .. })) {
        refusals.refuse(
            &param.declared,
            "nobody waits until the server of a `oneway` procedure has taken what is passed",
            "remove `oneway`, or pass it in a call before",
        );
    }
}
