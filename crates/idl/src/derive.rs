//! `#[derive(nearcall::Wire)]`: how a struct or an enum travels.
//!
//! A struct is its fields in order of declaration, without padding: each has its fixed part in the head, and those that
//! vary have their tails one after the other. An enum is its discriminant, in the integer that `#[repr]` names, or `u32`;
//! then the fields of the variant. If all fields are fixed, so is the enum, with zeros up to the size of the largest
//! variant. A type with a part that is of class `Conventional`, or an enum with one that is not fixed, is written in
//! sequence.
//!
//! Invariants: sizes and classes are constants that rustc computes from the types of the fields; a discriminant that the
//! integer does not hold is a compile error; bytes that are no variant are `Malformed`.
//!
//! What it does not do: generic types, or attributes of its own.

mod enumeration;
mod structure;
mod sum;

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::{Data, DataEnum, DeriveInput, Fields, Ident, Index, Member, Type};

use crate::refusals::Refusals;

/// Integers that a `#[repr]` can name and that travel.
const REPRS: &[&str] = &["u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64"];

/// The `impl Wire` for `item`, or what is wrong with it.
pub(crate) fn wire(item: &DeriveInput) -> TokenStream {
    let mut refusals = Refusals::default();
    if !item.generics.params.is_empty() {
        refusals.refuse(
            &item.generics.params,
            "a generic type has no single layout",
            "derive `Wire` for a concrete type, such as a newtype around the case you need",
        );
    }
    let body = match &item.data {
        Data::Struct(data) => structure::structure(&item.ident, &data.fields),
        Data::Enum(data) => {
            check_enum(item, data, &mut refusals);
            let repr = repr(item, &mut refusals);
            if data.variants.iter().all(|variant| matches!(variant.fields, Fields::Unit)) {
                enumeration::enumeration(&item.ident, &repr, data)
            } else {
                sum::sum(&item.ident, &repr, data)
            }
        }
        Data::Union(data) => {
            refusals.refuse(
                data.union_token,
                "nobody could tell which field of a union is valid",
                "use a struct with a field for each, or an enum and separate procedures",
            );
            TokenStream::new()
        }
    };
    refusals.into_compile_errors().unwrap_or(body)
}

fn check_enum(item: &DeriveInput, data: &DataEnum, refusals: &mut Refusals) {
    if data.variants.is_empty() {
        refusals.refuse(&item.ident, "an enum without variants has no value that could travel", "add a variant");
    }
}

/// The fields of a struct or a variant.
struct Parts {
    /// How each is named in Rust.
    members: Vec<Member>,
    /// How each is named in the shape.
    shown: Vec<String>,
    /// Their types.
    types: Vec<Type>,
    /// Their types outside of an `impl`, where there is no `Self`.
    outside: Vec<TokenStream>,
    /// How they are written: in braces, in parentheses, or not at all.
    style: Style,
}

#[derive(Clone, Copy)]
enum Style {
    Named,
    Tuple,
    Unit,
}

impl Parts {
    fn of(fields: &Fields, name: &Ident) -> Self {
        let members: Vec<Member> = fields
            .iter()
            .enumerate()
            .map(|(i, field)| field.ident.clone().map_or_else(|| Member::Unnamed(Index::from(i)), Member::Named))
            .collect();
        let shown = members
            .iter()
            .map(|member| match member {
                Member::Named(ident) => ident.unraw().to_string(),
                Member::Unnamed(index) => index.index.to_string(),
            })
            .collect();
        let types: Vec<Type> = fields.iter().map(|field| field.ty.clone()).collect();
        let outside = types.iter().map(|ty| without_self(ty.to_token_stream(), name)).collect();
        let style = match fields {
            Fields::Named(_) => Style::Named,
            Fields::Unnamed(_) => Style::Tuple,
            Fields::Unit => Style::Unit,
        };
        Self { members, shown, types, outside, style }
    }

    /// Whether all of them are fixed.
    fn fixed<'a>(parts: impl IntoIterator<Item = &'a Self>) -> TokenStream {
        let types = parts.into_iter().flat_map(|parts| &parts.types);
        quote!(::nearcall::rt::all(&[#(<#types as ::nearcall::Wire>::FIXED),*]))
    }

    /// `constructor` of `values`, one for each field.
    fn made(&self, constructor: &TokenStream, values: impl IntoIterator<Item = TokenStream>) -> TokenStream {
        let (members, values) = (&self.members, values.into_iter());
        match self.style {
            Style::Named => quote!(#constructor { #(#members: #values),* }),
            Style::Tuple => quote!(#constructor(#(#values),*)),
            Style::Unit => constructor.clone(),
        }
    }

    /// The pattern of `constructor` that binds the fields to `bound`.
    fn pattern(&self, constructor: &TokenStream, bound: &[Ident]) -> TokenStream {
        self.made(constructor, bound.iter().map(ToTokens::to_token_stream))
    }

    /// The fields in a shape.
    fn shapes(&self) -> TokenStream {
        let Self { shown, types, .. } = self;
        quote!(&[#((#shown, <#types as ::nearcall::Wire>::SHAPE)),*])
    }
}

/// `tokens` with the type's name instead of `Self`.
fn without_self(tokens: TokenStream, name: &Ident) -> TokenStream {
    tokens
        .into_iter()
        .map(|token| match token {
            TokenTree::Ident(ident) if ident == "Self" => TokenTree::Ident(Ident::new(&name.to_string(), ident.span())),
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), without_self(group.stream(), name));
                inner.set_span(group.span());
                TokenTree::Group(inner)
            }
            other => other,
        })
        .collect()
}

/// The integer that carries an enum.
fn repr(item: &DeriveInput, refusals: &mut Refusals) -> Ident {
    let mut named = None;
    for attr in item.attrs.iter().filter(|attr| attr.path().is_ident("repr")) {
        let parsed = attr.parse_nested_meta(|meta| {
            let Some(name) = meta.path.get_ident() else { return Ok(()) };
            if REPRS.iter().any(|repr| name == repr) {
                named = Some(name.clone());
            } else if ["usize", "isize", "u128", "i128"].iter().any(|repr| name == repr) {
                refusals.refuse(
                    name,
                    format!("`{name}` does not travel as a discriminant"),
                    "use an integer of 8, 16, 32 or 64 bits",
                );
            }
            Ok(())
        });
        // What is no `repr` at all is rustc's to report.
        drop(parsed);
    }
    named.unwrap_or_else(|| format_ident!("u32"))
}
