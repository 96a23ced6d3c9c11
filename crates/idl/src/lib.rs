//! The interface compiler: from a Rust trait, a type, or an `.idl` file to the code that carries its calls and values.
//!
//! ```text
//! trait tokens --parse--> ir::Interface --check--> the same, or refusals --emit--> tokens
//! ```
//!
//! * [`ir`]: what an interface says: procedures, parameters, directions, attributes. Other surfaces than the Rust trait
//!   can produce it.
//! * `parse`, `types`, `options`: the trait, the types in it, and our attributes on it.
//! * `check`: what only the whole interface can tell.
//! * `emit`: the trait, the client, the server, the local stand-in and the constant tables.
//! * `derive`: `Wire` for a type; `plain`: a struct whose slices travel.
//! * `lang`, with the feature `text`: the other surface, `.idl` files, whose interfaces become the same representation.
//!
//! Invariants:
//! * A macro sees names, not types. No layout and no choice of a path depends on the name of a type; generated constants
//!   are computed by rustc from `Wire`. Names are looked at only to refuse something early and in better words, and to tell what
//!   is passed from what is copied, which rustc then checks.
//! * Everything that is wrong is reported at once, each at its place with a way out ([`refusals`]).
//! * Generated code has no `unsafe` and no panic path; only constant assertions, which fail at compile time.
//!
//! What it does not do: evaluate sizes (but those of `.idl` files, to show them), or know how a call travels. It is a
//! library and not a proc-macro crate so that tests, and other front ends, can call it.
#![forbid(unsafe_code)]

mod check;
mod derive;
mod emit;
pub mod ir;
#[cfg(feature = "text")]
pub mod lang;
mod options;
mod parse;
mod plain;
pub mod refusals;
mod types;

#[cfg(feature = "text")]
pub use lang::{build, build_conventional};

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{DeriveInput, ItemTrait};

use crate::ir::{BackEnd, Interface};
use crate::refusals::Refusals;

/// What `#[nearcall::interface]` stands for: `args` are the attribute's own, `item` is the trait.
///
/// If anything is refused, the result is every compile error and the trait without our attributes, so that code which
/// implements the trait gets no errors of its own on top.
#[must_use]
pub fn interface(args: TokenStream, item: TokenStream) -> TokenStream {
    let item: ItemTrait = match syn::parse2(item) {
        Ok(item) => item,
        Err(error) => return error.into_compile_error(),
    };
    let mut refusals = Refusals::default();
    let (uuid, version) = options::identity(args, &mut refusals);
    let mut interface = parse::interface(item, &mut refusals);
    interface.uuid = uuid;
    interface.version = version;
    check::interface(&interface, &mut refusals);
    match refusals.into_compile_errors() {
        None => emit::interface(&interface, BackEnd::Optimised),
        Some(errors) => {
            let item = interface.item.into_token_stream();
            quote!(#errors #item)
        }
    }
}

/// What `#[derive(nearcall::Wire)]` adds to the type `item`: its `impl Wire`, or every reason why there is none.
#[must_use]
pub fn derive_wire(item: TokenStream) -> TokenStream {
    match syn::parse2::<DeriveInput>(item) {
        Ok(item) => derive::wire(&item),
        Err(error) => error.into_compile_error(),
    }
}

/// What `#[nearcall::plain]` makes of the struct `item`, or every reason why it cannot be.
#[must_use]
pub fn plain(args: TokenStream, item: TokenStream) -> TokenStream {
    match syn::parse2::<DeriveInput>(item) {
        Ok(item) => plain::plain(&args, &item),
        Err(error) => error.into_compile_error(),
    }
}

/// Reads an interface from a trait, for tools that want what it says and not the code for it.
///
/// # Errors
/// Everything that is wrong with the trait, combined into one error.
pub fn read(item: ItemTrait) -> syn::Result<Interface> {
    let mut refusals = Refusals::default();
    let interface = parse::interface(item, &mut refusals);
    check::interface(&interface, &mut refusals);
    refusals.into_result().map(|()| interface)
}
