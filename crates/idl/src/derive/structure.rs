//! Structs: their fields.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::ext::IdentExt;
use syn::{Fields, Ident};

use super::Parts;

/// The `impl Wire` of a struct.
pub(super) fn structure(name: &Ident, fields: &Fields) -> TokenStream {
    let parts = Parts::of(fields, name);
    let Parts { members, types, outside, .. } = &parts;
    let shapes = parts.shapes();
    let shape_name = name.unraw().to_string();
    let ats: Vec<Ident> = (0..types.len()).map(|i| format_ident!("__AT_{i}")).collect();
    let mut offset = quote!(0);
    let mut offsets = TokenStream::new();
    for (at, ty) in ats.iter().zip(outside) {
        offsets.extend(quote!(const #at: usize = #offset;));
        offset = quote!(#at + <#ty as ::nearcall::Wire>::SIZE);
    }
    // The size is a constant inside the `impl`.
    let end = types.last().map(|ty| quote!(+ <#ty as ::nearcall::Wire>::SIZE));
    let size = match ats.last() {
        Some(last) => quote!(#last #end),
        None => quote!(0),
    };
    let fixed = Parts::fixed([&parts]);
    let class = types.iter().map(|ty| quote!(.and(<#ty as ::nearcall::Wire>::CLASS)));
    let gets = types
        .iter()
        .zip(&ats)
        .map(|(ty, at)| quote!(<#ty as ::nearcall::Wire>::get(__head, __at.saturating_add(#at), __tail)?));
    let reads = types.iter().map(|ty| quote!(<#ty as ::nearcall::Wire>::read(__from)?));
    let (made, made_in_sequence) = (parts.made(&quote!(Self), gets), parts.made(&quote!(Self), reads));
    let writes =
        types.iter().zip(members).map(|(ty, member)| quote!(<#ty as ::nearcall::Wire>::write(&self.#member, __to);));
    let tail_sizes_at = types.iter().zip(&ats).map(
        |(ty, at)| quote!(.saturating_add(<#ty as ::nearcall::Wire>::tail_size_at(__head, __at.saturating_add(#at))?)),
    );
    let puts = types.iter().zip(members).zip(&ats).map(
        |((ty, member), at)| quote!(<#ty as ::nearcall::Wire>::put(&self.#member, __head, __at.saturating_add(#at));),
    );
    let tail_sizes = types
        .iter()
        .zip(members)
        .map(|(ty, member)| quote!(.saturating_add(<#ty as ::nearcall::Wire>::tail_size(&self.#member))));
    let put_tails = types.iter().zip(members).map(|(ty, member)| {
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

            #[inline]
            fn tail_size_at(
                __head: &[u8],
                __at: usize,
            ) -> ::core::result::Result<usize, ::nearcall::rt::Malformed> {
                ::core::result::Result::Ok(0_usize #(#tail_sizes_at)*)
            }
        }
    });
    // As above: without fields it is fixed, and read and written as such.
    let sequence = (!types.is_empty()).then(|| {
        quote! {
            #[inline]
            fn write(&self, __to: &mut ::nearcall::rt::Writer<'_>) {
                if Self::FIXED {
                    __to.fixed(self);
                } else {
                    #(#writes)*
                }
            }

            #[inline]
            fn read(
                __from: &mut ::nearcall::rt::Reader<'_>,
            ) -> ::core::result::Result<Self, ::nearcall::rt::Malformed> {
                if Self::FIXED {
                    __from.fixed()
                } else {
                    ::core::result::Result::Ok(#made_in_sequence)
                }
            }
        }
    });
    quote! {
        const _: () = {
            #offsets

            #[automatically_derived]
            impl ::nearcall::Wire for #name {
                const FIXED: bool = #fixed;
                const SIZE: usize = Self::CLASS.fixed_part(#size);
                const CLASS: ::nearcall::rt::Class = ::nearcall::rt::Class::Fixed #(#class)*;
                const SHAPE: &'static ::nearcall::rt::Shape = &::nearcall::rt::Shape::Struct {
                    name: #shape_name,
                    id: ::core::any::TypeId::of::<Self>(),
                    fields: #shapes,
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

                #sequence
            }
        };
    }
}
