//! Enums with fields: a discriminant, then the fields of the variant.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::ext::IdentExt;
use syn::{DataEnum, Ident};

use super::{Parts, without_self};

/// One variant, as generated code needs it.
struct Variant<'a> {
    ident: &'a Ident,
    parts: Parts,
    /// The constant of its discriminant.
    value: Ident,
    /// The constants of its fields' offsets, and that of their end.
    ats: Vec<Ident>,
    end: Ident,
    /// What its fields are bound to in a pattern.
    bound: Vec<Ident>,
}

/// The `impl Wire` of an enum that has a variant with fields.
pub(super) fn sum(name: &Ident, repr: &Ident, data: &DataEnum) -> TokenStream {
    let variants: Vec<Variant<'_>> = data
        .variants
        .iter()
        .enumerate()
        .map(|(i, variant)| {
            let parts = Parts::of(&variant.fields, name);
            Variant {
                ident: &variant.ident,
                value: format_ident!("__VARIANT_{i}"),
                ats: (0..parts.types.len()).map(|j| format_ident!("__AT_{i}_{j}")).collect(),
                end: format_ident!("__END_{i}"),
                bound: (0..parts.types.len()).map(|j| format_ident!("__field_{j}")).collect(),
                parts,
            }
        })
        .collect();
    let constants = constants(name, repr, data, &variants);
    let shape_name = name.unraw().to_string();
    let fixed = Parts::fixed(variants.iter().map(|variant| &variant.parts));
    let largest =
        variants.iter().fold(quote!(0), |largest, Variant { end, .. }| quote!(::nearcall::rt::larger(#largest, #end)));
    let shapes = variants.iter().map(|Variant { ident, parts, value, .. }| {
        let (shown, fields) = (ident.unraw().to_string(), parts.shapes());
        quote!(::nearcall::rt::Variant { name: #shown, value: #value as i64, fields: #fields })
    });
    let puts = variants.iter().map(|variant| {
        let Variant { value, end, ats, bound, parts: Parts { types, .. }, .. } = variant;
        let pattern = variant.pattern();
        quote! {
            #pattern => {
                <#repr as ::nearcall::Wire>::put(&#value, __head, __at);
                #(<#types as ::nearcall::Wire>::put(#bound, __head, __at.saturating_add(#ats));)*
                #end
            }
        }
    });
    let gets = variants.iter().map(|variant| {
        let Variant { value, ats, parts: Parts { types, .. }, .. } = variant;
        let made = variant.made(
            types
                .iter()
                .zip(ats)
                .map(|(ty, at)| quote!(<#ty as ::nearcall::Wire>::get(__head, __at.saturating_add(#at), __tail)?)),
        );
        quote!(#value => ::core::result::Result::Ok(#made),)
    });
    let writes = variants.iter().map(|variant| {
        let Variant { value, bound, parts: Parts { types, .. }, .. } = variant;
        let pattern = variant.pattern();
        quote! {
            #pattern => {
                __to.fixed::<#repr>(&#value);
                #(<#types as ::nearcall::Wire>::write(#bound, __to);)*
            }
        }
    });
    let reads = variants.iter().map(|variant| {
        let Variant { value, parts: Parts { types, .. }, .. } = variant;
        let made = variant.made(types.iter().map(|ty| quote!(<#ty as ::nearcall::Wire>::read(__from)?)));
        quote!(#value => ::core::result::Result::Ok(#made),)
    });
    // Only a full `u8` has as many variants as values.
    let unreachable =
        (variants.len() >= 256).then(|| quote!(#[allow(unreachable_patterns, reason = "every byte may be a variant")]));
    quote! {
        const _: () = {
            #constants

            #[automatically_derived]
            impl ::nearcall::Wire for #name {
                const FIXED: bool = #fixed;
                const SIZE: usize = Self::CLASS.fixed_part(#largest);
                const SHAPE: &'static ::nearcall::rt::Shape = &::nearcall::rt::Shape::Enum {
                    name: #shape_name,
                    id: ::core::any::TypeId::of::<Self>(),
                    size: <#repr as ::nearcall::Wire>::SIZE,
                    variants: &[#(#shapes),*],
                };

                #[inline]
                fn put(&self, __head: &mut [u8], __at: usize) {
                    let __end = match self {
                        #(#puts)*
                    };
                    ::nearcall::rt::put_zeros(__head, __at.saturating_add(__end), __at.saturating_add(Self::SIZE));
                }

                #[inline]
                fn get(
                    __head: &[u8],
                    __at: usize,
                    __tail: &mut ::nearcall::rt::Tail<'_>,
                ) -> ::core::result::Result<Self, ::nearcall::rt::Malformed> {
                    match <#repr as ::nearcall::Wire>::get(__head, __at, __tail)? {
                        #(#gets)*
                        #unreachable
                        _ => ::core::result::Result::Err(::nearcall::rt::Malformed),
                    }
                }

                #[inline]
                fn write(&self, __to: &mut ::nearcall::rt::Writer<'_>) {
                    if Self::FIXED {
                        __to.fixed(self);
                        return;
                    }
                    match self {
                        #(#writes)*
                    }
                }

                #[inline]
                fn read(
                    __from: &mut ::nearcall::rt::Reader<'_>,
                ) -> ::core::result::Result<Self, ::nearcall::rt::Malformed> {
                    if Self::FIXED {
                        return __from.fixed();
                    }
                    match __from.fixed::<#repr>()? {
                        #(#reads)*
                        #unreachable
                        _ => ::core::result::Result::Err(::nearcall::rt::Malformed),
                    }
                }
            }
        };
    }
}

impl Variant<'_> {
    fn constructor(&self) -> TokenStream {
        let ident = self.ident;
        quote!(Self::#ident)
    }

    /// The pattern that binds its fields.
    fn pattern(&self) -> TokenStream {
        self.parts.pattern(&self.constructor(), &self.bound)
    }

    /// The variant made of `values`.
    fn made(&self, values: impl Iterator<Item = TokenStream>) -> TokenStream {
        self.parts.made(&self.constructor(), values)
    }
}

/// Discriminants, as rustc counts them, and offsets. A cast would give the discriminants only for enums without fields.
fn constants(name: &Ident, repr: &Ident, data: &DataEnum, variants: &[Variant<'_>]) -> TokenStream {
    let mut constants = TokenStream::new();
    let mut next = quote!(0);
    for (declared, Variant { ident, parts, value, ats, end, .. }) in data.variants.iter().zip(variants) {
        let number = match &declared.discriminant {
            Some((_, expression)) => without_self(quote!(#expression), name),
            None => next,
        };
        next = quote!(#value + 1);
        let message = format!("the discriminant of `{ident}` does not fit 63 bits: give the variant a smaller one");
        constants.extend(quote! {
            const #value: #repr = #number;
            const _: () = ::core::assert!(#value as i128 == #value as i64 as i128, #message);
        });
        let mut offset = quote!(<#repr as ::nearcall::Wire>::SIZE);
        for (at, ty) in ats.iter().zip(&parts.outside) {
            constants.extend(quote!(const #at: usize = #offset;));
            offset = quote!(#at + <#ty as ::nearcall::Wire>::SIZE);
        }
        constants.extend(quote!(const #end: usize = #offset;));
    }
    constants
}
