//! Where the parts of one procedure lie: the order of the layout, and the names of its constants.
//!
//! ```text
//! request head   in | in-out | capacity of each #[out] slice        offsets __READ_AT_0, _1 .. _n (the end)
//! request tail   the bytes of varying parts, in the same order
//! reply head     in-out | out | return value  (or, App, the error)  offsets __READ_BACK_0, _1 .. _n (the end)
//! reply tail     in-out slices | #[out] slices | tail of the return value, or of the error
//! ```
//!
//! Client, server and tables walk the same plan, so they agree by construction. Offsets are constants that rustc
//! computes from `Wire::SIZE`; only their order is decided here.

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};
use syn::ext::IdentExt;
use syn::{Ident, Type};

use crate::ir::{Direction, Form, Many, Param, PassBy, Procedure};
use crate::types;

/// The plan of one procedure.
pub(crate) struct Plan<'a> {
    pub(crate) procedure: &'a Procedure,
    /// Parts of the request head, in order.
    pub(crate) request: Vec<Slot<'a>>,
    /// Parts of the reply head before the return value, in order: in-out and out values, no slices.
    pub(crate) reply: Vec<Slot<'a>>,
    /// Slices that come back in the reply tail, in order.
    pub(crate) areas: Vec<&'a Param>,
    /// The return value, if there is one.
    pub(crate) returned: Option<(Ident, &'a Type)>,
    /// Ends of the two chains of offsets.
    pub(crate) request_end: Ident,
    pub(crate) reply_end: Ident,
    /// Sizes of the two heads and of the frame, in bytes.
    pub(crate) req: Ident,
    pub(crate) rep: Ident,
    pub(crate) frame: Ident,
    /// Whether the reply may have parts beyond its line.
    pub(crate) places: Ident,
    /// How many of the results vary in size, if the syntax does not tell that it is one at most.
    pub(crate) tails: Option<Ident>,
    /// Bytes that all of them may have together beside their fixed parts; where `tails` is.
    pub(crate) tails_max: Ident,
    /// The function that serves it.
    pub(crate) serve: Ident,
}

/// One part of a head.
pub(crate) struct Slot<'a> {
    pub(crate) at: Ident,
    pub(crate) param: &'a Param,
}

/// A parameter that is passed.
pub(crate) struct Passing<'p, 'a> {
    pub(crate) slot: &'p Slot<'a>,
    /// The type of each.
    pub(crate) ty: &'a Type,
    pub(crate) by: PassBy,
    pub(crate) many: Many,
}

impl<'a> Plan<'a> {
    pub(crate) fn of(procedure: &'a Procedure) -> Self {
        let name = procedure.ident.unraw().to_string();
        let capitals = name.to_uppercase();
        let at = |chain: &str, i: usize| format_ident!("__{capitals}_{chain}_{i}");
        let slots = |chain: &str, params: Vec<&'a Param>| -> Vec<Slot<'a>> {
            params.into_iter().enumerate().map(|(i, param)| Slot { at: at(chain, i), param }).collect()
        };

        let mut ordered: Vec<&Param> = procedure.params.iter().collect();
        // Stable, so that parameters of one direction stay in the order of declaration.
        ordered.sort_by_key(|param| param.form.direction());
        let select = |wanted: fn(&Form) -> bool| ordered.iter().copied().filter(|param| wanted(&param.form)).collect();

        let request = slots("AT", select(|form| !matches!(form, Form::Out(_))));
        let reply = slots("BACK", select(|form| matches!(form, Form::InOut(_) | Form::Out(_))));
        let areas: Vec<&Param> =
            select(|form| matches!(form, Form::InOutSlice(_) | Form::OutSlice { .. } | Form::Scatter));
        let returned = procedure.output.value.as_ref().map(|ty| (at("BACK", reply.len()), ty));
        let values = reply.len() + usize::from(returned.is_some());
        Plan {
            procedure,
            request_end: at("AT", request.len()),
            reply_end: at("BACK", reply.len() + usize::from(returned.is_some())),
            request,
            reply,
            areas,
            returned,
            req: format_ident!("__{capitals}_REQ"),
            rep: format_ident!("__{capitals}_REP"),
            frame: format_ident!("__{capitals}_FRAME"),
            places: format_ident!("__{capitals}_PLACES"),
            tails: (values > 1).then(|| format_ident!("__{capitals}_TAILS")),
            tails_max: format_ident!("__{capitals}_TAILS_MAX"),
            serve: format_ident!("__serve_{name}"),
        }
    }

    /// Out values: in the reply only.
    pub(crate) fn outs(&self) -> impl Iterator<Item = (&'a Param, &'a Type)> {
        self.procedure.params.iter().filter_map(|param| match &param.form {
            Form::Out(ty) => Some((param, ty)),
            _ => None,
        })
    }

    /// What is passed with the request, in order.
    pub(crate) fn passed(&self) -> impl Iterator<Item = Passing<'_, 'a>> {
        self.request.iter().filter_map(|slot| match &slot.param.form {
            Form::Pass { ty, by, many } => Some(Passing { slot, ty, by: *by, many: *many }),
            _ => None,
        })
    }

    /// Whether anything is passed.
    pub(crate) fn passes(&self) -> bool {
        self.procedure.output.passed.is_some() || self.passed().next().is_some()
    }

    /// Whether the syntax alone tells that there is a tail.
    pub(crate) fn has_tail(&self) -> bool {
        let by_serde = self.procedure.output.serde;
        by_serde.value
            || by_serde.error
            || self.procedure.params.iter().any(|param| match &param.form {
                Form::Value(_) | Form::Ref(_) | Form::InOut(_) | Form::Out(_) | Form::Pass { .. } => false,
                Form::Gather | Form::Scatter => true,
                Form::Serde { .. } | Form::Str | Form::Slice(_) | Form::InPlace => true,
                Form::InOutSlice(_) | Form::OutSlice { .. } => true,
            })
    }

    /// Bytes that a parameter may have beside its fixed part.
    pub(crate) fn max(&self, param: &Param) -> TokenStream {
        bytes(param.max.or(self.procedure.options.max))
    }

    /// Types of in-out and out values, which come back.
    pub(crate) fn returning(&self) -> impl Iterator<Item = &'a Type> {
        self.procedure.params.iter().filter_map(|param| match &param.form {
            Form::InOut(ty) | Form::Out(ty) => Some(ty),
            _ => None,
        })
    }

    /// Bytes that the result, or the error, may have beside its fixed part.
    pub(crate) fn result_max(&self) -> TokenStream {
        bytes(self.procedure.options.max)
    }

    /// Bytes that all results may have together beside their fixed parts.
    pub(crate) fn all_max(&self) -> TokenStream {
        let of_procedure = self.procedure.options.max;
        let result = self.returned.is_some().then_some(of_procedure);
        let maxes = self.reply.iter().map(|slot| slot.param.max.or(of_procedure)).chain(result).map(number_of_bytes);
        quote!(0_usize #(.saturating_add(#maxes))*)
    }

    /// Types that may have a tail, as far as the syntax tells.
    pub(crate) fn maybe_varying(&self) -> impl Iterator<Item = &'a Type> {
        let output = &self.procedure.output;
        self.procedure
            .params
            .iter()
            .filter_map(|param| match &param.form {
                Form::Value(ty) | Form::Ref(ty) | Form::InOut(ty) | Form::Out(ty) => Some(ty),
                _ => None,
            })
            .chain(output.value.iter().filter(|_| output.passed.is_none()))
            .chain(&output.error)
    }
}

/// Bytes as a const argument, where a path has to stand in braces.
fn bytes(max: Option<u32>) -> TokenStream {
    let number = number_of_bytes(max);
    if max.is_some() { number } else { quote!({ #number }) }
}

fn number_of_bytes(max: Option<u32>) -> TokenStream {
    match max {
        Some(max) => {
            // Unsuffixed, because it becomes a `usize`.
            let max = Literal::u32_unsuffixed(max);
            quote!(#max)
        }
        None => quote!(::nearcall::rt::DEFAULT_MAX),
    }
}

/// The local of generated code that stands for the parameter `name`. Of no other local does the name begin so.
pub(crate) fn local_of(name: &Ident) -> Ident {
    format_ident!("__arg_{}", name.unraw())
}

impl Param {
    /// The local of generated code that stands for this parameter.
    pub(crate) fn local(&self) -> Ident {
        local_of(&self.ident)
    }

    /// The type of the items, if it is a slice that comes back, or several.
    pub(crate) fn item(&self) -> Option<TokenStream> {
        match &self.form {
            Form::InOutSlice(item) | Form::OutSlice { item, .. } => Some(quote!(#item)),
            Form::Scatter => Some(quote!(u8)),
            _ => None,
        }
    }

    /// Bytes of the part that lies in the head.
    pub(crate) fn wire_size(&self) -> TokenStream {
        match &self.form {
            Form::Value(ty) | Form::Ref(ty) | Form::InOut(ty) | Form::Out(ty) => size(ty, false),
            // A count, and bytes.
            Form::Scatter => quote!(<u64 as ::nearcall::Wire>::SIZE),
            Form::Pass { many, .. } => passed_size(*many),
            // A count, or the size of a tail.
            Form::Serde { .. }
            | Form::Str
            | Form::Slice(_)
            | Form::InPlace
            | Form::InOutSlice(_)
            | Form::OutSlice { .. }
            | Form::Gather => quote!(<u32 as ::nearcall::Wire>::SIZE),
        }
    }

    /// What it is, for the description of the interface, and how it is carried.
    pub(crate) fn shape(&self) -> (TokenStream, TokenStream) {
        let items = quote!(::nearcall::rt::Carried::Items);
        match &self.form {
            Form::Value(ty) | Form::Ref(ty) | Form::InOut(ty) | Form::Out(ty) => shape(ty, false),
            Form::Serde { ty, .. } => shape(ty, true),
            Form::Str => (quote!(&::nearcall::rt::Shape::Str), items),
            Form::Slice(item) | Form::InOutSlice(item) | Form::OutSlice { item, .. } => {
                (quote!(&::nearcall::rt::Shape::Seq { item: ::nearcall::rt::shape_of::<#item> }), items)
            }
            Form::Pass { ty, many, .. } => passed_shape(ty, *many),
            Form::Gather | Form::Scatter => (quote!(::nearcall::rt::STRINGS), items),
            Form::InPlace => (
                quote!(&::nearcall::rt::Shape::Seq { item: ::nearcall::rt::shape_of::<u8> }),
                quote!(::nearcall::rt::Carried::InPlace),
            ),
        }
    }

    /// The variant of the run time's `Direction`.
    pub(crate) fn direction(&self) -> TokenStream {
        match self.form.direction() {
            Direction::In => quote!(::nearcall::rt::Direction::In),
            Direction::InOut => quote!(::nearcall::rt::Direction::InOut),
            Direction::Out => quote!(::nearcall::rt::Direction::Out),
        }
    }
}

/// Bytes of the fixed part of a value.
pub(crate) fn size(ty: &Type, by_serde: bool) -> TokenStream {
    let ty = if by_serde { quote!(u32) } else { quote!(#ty) };
    quote!(<#ty as ::nearcall::Wire>::SIZE)
}

/// Bytes that say in a head what is passed: the token of its parcel, and how many there are where that is not known.
pub(crate) fn passed_size(many: Many) -> TokenStream {
    match many {
        Many::One => quote!(<u32 as ::nearcall::Wire>::SIZE),
        Many::Optional | Many::Several => quote!(<u64 as ::nearcall::Wire>::SIZE),
    }
}

/// What something is that is passed.
pub(crate) fn passed_shape(ty: &Type, many: Many) -> (TokenStream, TokenStream) {
    let item = quote!(<#ty as ::nearcall::rt::Pass>::SHAPE);
    let shape = match many {
        Many::One => item,
        Many::Optional => quote!(&::nearcall::rt::Shape::Optional { item: #item }),
        Many::Several => quote!(&::nearcall::rt::Shape::Seq { item: ::nearcall::rt::shape_of_passed::<#ty> }),
    };
    (shape, quote!(::nearcall::rt::Carried::Passed))
}

/// What a value is, and how it is carried.
pub(crate) fn shape(ty: &Type, by_serde: bool) -> (TokenStream, TokenStream) {
    if by_serde {
        let spelling = types::spelling(ty);
        return (
            quote!(&::nearcall::rt::Shape::Foreign { codec: "serde", spelling: #spelling }),
            quote!(::nearcall::rt::Carried::Serde),
        );
    }
    (quote!(<#ty as ::nearcall::Wire>::SHAPE), quote!(::nearcall::rt::Carried::Value(<#ty as ::nearcall::Wire>::CLASS)))
}
