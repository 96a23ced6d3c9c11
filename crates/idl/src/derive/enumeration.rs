//! Enums without fields: a discriminant.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::ext::IdentExt;
use syn::{DataEnum, Ident, Variant};

/// The `impl Wire` of an enum without fields.
pub(super) fn enumeration(name: &Ident, repr: &Ident, data: &DataEnum) -> TokenStream {
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
                const FIXED: bool = true;
                const SIZE: usize = <#repr as ::nearcall::Wire>::SIZE;
                const SHAPE: &'static ::nearcall::rt::Shape = &::nearcall::rt::Shape::Enum {
                    name: #shape_name,
                    id: ::core::any::TypeId::of::<Self>(),
                    size: <#repr as ::nearcall::Wire>::SIZE,
                    variants: &[#(::nearcall::rt::Variant { name: #shown, value: Self::#idents as i64, fields: &[] }),*],
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
