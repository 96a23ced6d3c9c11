//! `#[derive(nearcall::Wire)]`: how a struct or an enum without fields travels.
//!
//! A struct is its fields in order of declaration, without padding: each has its fixed part in the head, and those that
//! vary have their tails one after the other. An enum is its discriminant, in the integer that `#[repr]` names, or `u32`.
//!
//! Invariants: sizes are constants that rustc computes from the types of the fields; a discriminant that the integer does
//! not hold is a compile error; bytes that are no variant are `Malformed`.
//!
//! What it does not do: generic types, enums with fields, or attributes of its own.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::ext::IdentExt;
use syn::{Data, DataEnum, DeriveInput, Fields, Ident, Index, Member, Type, Variant};

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
        Data::Struct(data) => structure(&item.ident, &data.fields),
        Data::Enum(data) => {
            check_enum(item, data, &mut refusals);
            enumeration(&item.ident, &repr(item, &mut refusals), data)
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
    for variant in &data.variants {
        if !matches!(variant.fields, Fields::Unit) {
            refusals.refuse(
                variant,
                "a variant with fields has no fixed layout",
                "use a struct with an enum of the kinds and the fields of all of them",
            );
        }
    }
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

fn structure(name: &Ident, fields: &Fields) -> TokenStream {
    let types: Vec<&Type> = fields.iter().map(|field| &field.ty).collect();
    let members: Vec<Member> = fields
        .iter()
        .enumerate()
        .map(|(i, field)| field.ident.clone().map_or_else(|| Member::Unnamed(Index::from(i)), Member::Named))
        .collect();
    let shown = members.iter().map(|member| match member {
        Member::Named(ident) => ident.unraw().to_string(),
        Member::Unnamed(index) => index.index.to_string(),
    });
    let shape_name = name.unraw().to_string();
    let ats: Vec<Ident> = (0..types.len()).map(|i| format_ident!("__AT_{i}")).collect();
    let mut offset = quote!(0);
    let mut offsets = TokenStream::new();
    for (at, ty) in ats.iter().zip(&types) {
        offsets.extend(quote!(const #at: usize = #offset;));
        offset = quote!(#at + <#ty as ::nearcall::Wire>::SIZE);
    }
    let aligns = types.iter().map(|ty| {
        quote! {
            if <#ty as ::nearcall::Wire>::ALIGN > align {
                align = <#ty as ::nearcall::Wire>::ALIGN;
            }
        }
    });
    let align = if types.is_empty() { quote!(1) } else { quote!({ let mut align = 1; #(#aligns)* align }) };
    let class = if types.is_empty() {
        quote!(::nearcall::rt::Class::Fixed)
    } else {
        quote!({
            let mut class = ::nearcall::rt::Class::Fixed;
            #(if ::core::matches!(<#types as ::nearcall::Wire>::CLASS, ::nearcall::rt::Class::Varying) {
                class = ::nearcall::rt::Class::Varying;
            })*
            class
        })
    };
    let gets: Vec<TokenStream> = types
        .iter()
        .zip(&ats)
        .map(|(ty, at)| quote!(<#ty as ::nearcall::Wire>::get(__head, __at.saturating_add(#at), __tail)?))
        .collect();
    let made = match fields {
        Fields::Named(_) => quote!(Self { #(#members: #gets),* }),
        Fields::Unnamed(_) => quote!(Self(#(#gets),*)),
        Fields::Unit => quote!(Self),
    };
    let puts = types.iter().zip(&members).zip(&ats).map(
        |((ty, member), at)| quote!(<#ty as ::nearcall::Wire>::put(&self.#member, __head, __at.saturating_add(#at));),
    );
    let tail_sizes = types
        .iter()
        .zip(&members)
        .map(|(ty, member)| quote!(.saturating_add(<#ty as ::nearcall::Wire>::tail_size(&self.#member))));
    let put_tails = types.iter().zip(&members).map(|(ty, member)| {
        quote! {
            let __size = <#ty as ::nearcall::Wire>::tail_size(&self.#member);
            let ::core::option::Option::Some((__field, __space)) = __space.split_at_mut_checked(__size) else {
                return;
            };
            <#ty as ::nearcall::Wire>::put_tail(&self.#member, __field);
        }
    });
    // Without fields, the defaults of the trait are right and the parameters would be unused.
    let tails = (!types.is_empty()).then(|| {
        quote! {
            #[inline]
            fn tail_size(&self) -> usize {
                0_usize #(#tail_sizes)*
            }

            #[inline]
            fn put_tail(&self, __space: &mut [u8]) {
                #(#put_tails)*
            }
        }
    });
    quote! {
        const _: () = {
            #offsets

            #[automatically_derived]
            impl ::nearcall::Wire for #name {
                const SIZE: usize = #offset;
                const ALIGN: usize = #align;
                const CLASS: ::nearcall::rt::Class = #class;
                const SHAPE: &'static ::nearcall::rt::Shape = &::nearcall::rt::Shape::Struct {
                    name: #shape_name,
                    fields: &[#((#shown, <#types as ::nearcall::Wire>::SHAPE)),*],
                };

                #[inline]
                fn put(&self, __head: &mut [u8], __at: usize) {
                    #(#puts)*
                }

                #tails

                #[inline]
                fn get(
                    __head: &[u8],
                    __at: usize,
                    __tail: &mut ::nearcall::rt::Tail<'_>,
                ) -> ::core::result::Result<Self, ::nearcall::rt::Malformed> {
                    ::core::result::Result::Ok(#made)
                }
            }
        };
    }
}

fn enumeration(name: &Ident, repr: &Ident, data: &DataEnum) -> TokenStream {
    let variants: Vec<&Variant> = data.variants.iter().collect();
    let idents: Vec<&Ident> = variants.iter().map(|variant| &variant.ident).collect();
    let shown = idents.iter().map(|ident| ident.unraw().to_string());
    let shape_name = name.unraw().to_string();
    let values: Vec<Ident> = (0..variants.len()).map(|i| format_ident!("__VARIANT_{i}")).collect();
    let constants = idents.iter().zip(&values).map(|(ident, value)| {
        let message =
            format!("the discriminant of `{ident}` does not fit {repr}, or 63 bits: give the enum a larger `#[repr]`");
        quote! {
            const #value: #repr = #name::#ident as #repr;
            const _: () = ::core::assert!(
                #name::#ident as i128 == #value as i128 && #name::#ident as i128 == #name::#ident as i64 as i128,
                #message
            );
        }
    });
    // Only a full `u8` has as many variants as values.
    let unreachable =
        (variants.len() >= 256).then(|| quote!(#[allow(unreachable_patterns, reason = "every byte may be a variant")]));
    quote! {
        const _: () = {
            #(#constants)*

            #[automatically_derived]
            impl ::nearcall::Wire for #name {
                const SIZE: usize = <#repr as ::nearcall::Wire>::SIZE;
                const ALIGN: usize = <#repr as ::nearcall::Wire>::ALIGN;
                const CLASS: ::nearcall::rt::Class = ::nearcall::rt::Class::Fixed;
                const SHAPE: &'static ::nearcall::rt::Shape = &::nearcall::rt::Shape::Enum {
                    name: #shape_name,
                    size: <#repr as ::nearcall::Wire>::SIZE,
                    variants: &[#((#shown, Self::#idents as i64)),*],
                };

                #[inline]
                fn put(&self, __head: &mut [u8], __at: usize) {
                    let __value = match self {
                        #(Self::#idents => #values,)*
                    };
                    <#repr as ::nearcall::Wire>::put(&__value, __head, __at);
                }

                #[inline]
                fn get(
                    __head: &[u8],
                    __at: usize,
                    __tail: &mut ::nearcall::rt::Tail<'_>,
                ) -> ::core::result::Result<Self, ::nearcall::rt::Malformed> {
                    match <#repr as ::nearcall::Wire>::get(__head, __at, __tail)? {
                        #(#values => ::core::result::Result::Ok(Self::#idents),)*
                        #unreachable
                        _ => ::core::result::Result::Err(::nearcall::rt::Malformed),
                    }
                }
            }
        };
    }
}
