//! `#[nearcall::plain]`: a struct whose slices travel as they lie in memory.
//!
//! It gets `repr(C)`, `Wire`, and zerocopy's proofs that every pattern of its bytes is a value and none of them is padding.
//! The encoding of `Wire` is then the memory of the struct, which a constant assertion compares in size.
//!
//! What it does not do: enums, `bool` and `char`, for which not every byte is a value; generic types, as `derive(Wire)`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Meta, Token, punctuated::Punctuated};

use crate::refusals::Refusals;
use crate::types;

/// The struct with what it takes to be plain, or what is wrong with it, and the struct.
pub(crate) fn plain(args: &TokenStream, item: &DeriveInput) -> TokenStream {
    let mut refusals = Refusals::default();
    if !args.is_empty() {
        refusals.refuse(args, "`#[plain]` takes no arguments", "write `#[nearcall::plain]` alone");
    }
    match &item.data {
        Data::Struct(data) => {
            for field in &data.fields {
                types::plain(
                    &field.ty,
                    "not every pattern of bytes is a value of this type",
                    "use integers, floats, arrays and structs with `#[nearcall::plain]`; or `#[derive(nearcall::Wire)]` for \
                     this struct, and `Vec` instead of slices",
                    &mut refusals,
                );
            }
            if data.fields.is_empty() {
                refusals.refuse(&item.ident, "items without bytes cannot be counted", "add a field, or send a number");
            }
        }
        Data::Enum(_) | Data::Union(_) => refusals.refuse(
            &item.ident,
            "only of a struct every pattern of bytes can be a value",
            "use `#[derive(nearcall::Wire)]`, and `Vec` instead of slices",
        ),
    }
    let has_repr = has_repr(item, &mut refusals);
    if let Some(errors) = refusals.into_compile_errors() {
        return quote!(#errors #item);
    }
    let repr = (!has_repr).then(|| quote!(#[repr(C)]));
    let name = &item.ident;
    let message = format!(
        "`{name}` has padding, which does not travel: order the fields by size, or add fields where the padding would be"
    );
    quote! {
        #[derive(
            ::nearcall::Wire,
            ::nearcall::rt::zerocopy::FromBytes,
            ::nearcall::rt::zerocopy::IntoBytes,
            ::nearcall::rt::zerocopy::Immutable,
            ::nearcall::rt::zerocopy::KnownLayout
        )]
        #[zerocopy(crate = "::nearcall::rt::zerocopy")]
        #repr
        #item

        const _: () = ::core::assert!(<#name as ::nearcall::Wire>::SIZE == ::core::mem::size_of::<#name>(), #message);

        #[automatically_derived]
        impl ::nearcall::Plain for #name {}
    }
}

/// Whether the author gave a `repr` that will do.
fn has_repr(item: &DeriveInput, refusals: &mut Refusals) -> bool {
    let mut has_one = false;
    for attr in item.attrs.iter().filter(|attr| attr.path().is_ident("repr")) {
        // What is no `repr` at all is rustc's to report.
        let Ok(metas) = attr.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated) else { continue };
        for meta in metas {
            if meta.path().is_ident("C") || meta.path().is_ident("transparent") {
                has_one = true;
            } else if !meta.path().is_ident("align") && !meta.path().is_ident("packed") {
                refusals.refuse(&meta, "a plain struct is `repr(C)`", "leave it out: `#[plain]` adds what is needed");
            }
        }
    }
    has_one
}
