//! Constants of an interface: offsets, sizes, assertions about types, and the table that describes it.
//!
//! All of it is evaluated by rustc; an assertion that fails is a compile error at the author's type. Sizes are bytes.
//!
//! The frame of an A-stack holds what the lines cannot: heads longer than a line, and tails. Its size is exact if no part
//! varies (0 if nothing needs it), otherwise the default of the run time, which `astack` overrides.

use std::collections::BTreeSet;
use std::time::Duration;

use nearcall_layout::shape::MESSAGES;
use proc_macro2::{Literal, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Ident, Type, parse_quote};

use super::Names;
use super::plan::{self, Passing, Plan, Slot};
use crate::ir::{BackEnd, Exhausted, Form, Interface, Options, Passed};

pub(super) fn tables(names: &Names<'_>, interface: &Interface, plans: &[Plan<'_>]) -> TokenStream {
    let name = names.files.unraw().to_string();
    let uuid = Literal::u128_unsuffixed(interface.uuid.unwrap_or(0));
    let (major, minor) = interface.version.unwrap_or((0, 0));
    let (major, minor) = (Literal::u16_unsuffixed(major), Literal::u16_unsuffixed(minor));
    let origin = interface.origin();
    let layouts = plans.iter().map(layout);
    let procedures = plans.iter().map(|plan| procedure(names, plan, &origin));
    quote! {
        /// What of a head of this size lies in the frame, in bytes.
        const fn __in_frame(head: usize) -> usize {
            if head > ::nearcall::rt::LINE_BYTES { head } else { 0 }
        }
        const fn __max(a: usize, b: usize) -> usize {
            if a > b { a } else { b }
        }
        const fn __varies<T: ::nearcall::Wire>() -> bool {
            !::core::matches!(T::CLASS, ::nearcall::rt::Class::Fixed)
        }
        #(#layouts)*
        static __INTERFACE: ::nearcall::rt::Interface = ::nearcall::rt::Interface {
            name: #name,
            uuid: #uuid,
            version: (#major, #minor),
            procedures: &[#(#procedures),*],
        };
    }
}

/// The constants of one procedure.
fn layout(plan: &Plan<'_>) -> TokenStream {
    let request = chain(&plan.request, None, &plan.request_end);
    let output = &plan.procedure.output;
    let returned = plan.returned.as_ref().map(|(at, ty)| {
        let size = output.passed.as_ref().map(|passed| plan::passed_size(passed.many));
        (at, size.unwrap_or_else(|| plan::size(ty, output.serde.value)))
    });
    let reply = chain(&plan.reply, returned, &plan.reply_end);
    let Plan { req, rep, request_end, reply_end, .. } = plan;
    let reply_bytes = match &output.error {
        Some(error) => {
            let error = plan::size(error, output.serde.error);
            quote!(__max(#reply_end, #error))
        }
        None => quote!(#reply_end),
    };
    let checked = plan.procedure.params.iter().filter_map(|param| match &param.form {
        Form::Slice(item) | Form::InOutSlice(item) | Form::OutSlice { item, .. } => {
            Some(quote_spanned!(item.span()=> const _: () = ::nearcall::rt::assert_item::<#item>();))
        }
        _ => None,
    });
    let counts = plan.passed().map(|Passing { ty, .. }| quote!(<#ty as ::nearcall::rt::Pass>::COUNT));
    let passed = plan.passed().next().map(|_| {
        let message = format!("`{}` passes more than 16 descriptors", plan.procedure.ident);
        quote_spanned! {plan.procedure.ident.span()=>
            const _: () = ::core::assert!(#(#counts)+* <= ::nearcall::rt::PASSED_MAX, #message);
        }
    });
    let frame = frame(plan);
    let places = &plan.places;
    let has_areas = !plan.areas.is_empty();
    let by_serde = output.serde;
    let varying = output
        .value
        .iter()
        .filter(|_| !by_serde.value && output.passed.is_none())
        .chain(output.error.iter().filter(|_| !by_serde.error));
    let varying = plan.returning().chain(varying);
    let tails = tails(plan);
    let has_places = if has_areas || by_serde.value || by_serde.error {
        quote!(true)
    } else {
        let varying = varies(varying);
        quote!(__in_frame(#rep) != 0 #(|| #varying)*)
    };
    quote! {
        #request
        const #req: usize = ::nearcall::rt::head_bytes(#request_end);
        #reply
        const #rep: usize = ::nearcall::rt::head_bytes(#reply_bytes);
        const #places: bool = #has_places;
        #tails
        #(#checked)*
        #passed
        #frame
    }
}

/// How many results vary in size, where that has to be counted. What serde encodes has the reply's tail for itself.
fn tails(plan: &Plan<'_>) -> Option<TokenStream> {
    let tails = plan.tails.as_ref()?;
    let output = &plan.procedure.output;
    let values = plan.returning().chain(output.value.iter().filter(|_| !output.serde.value && output.passed.is_none()));
    let values = values.map(|ty| quote!(__varies::<#ty>()));
    let alone = output.serde.value.then(|| {
        let name = &plan.procedure.ident;
        let message = format!("beside what serde encodes, no other result of `{name}` can vary in size");
        quote_spanned!(name.span()=> const _: () = ::core::assert!(#tails == 0, #message);)
    });
    let (tails_max, all_max) = (&plan.tails_max, plan.all_max());
    Some(quote! {
        const #tails: usize = ::nearcall::rt::how_many(&[#(#values),*]);
        const #tails_max: usize = #all_max;
        #alone
    })
}

/// Whether types vary in size, each asked once.
fn varies<'t>(types: impl Iterator<Item = &'t Type>) -> Vec<TokenStream> {
    let mut seen = BTreeSet::new();
    types.filter(|ty| seen.insert(quote!(#ty).to_string())).map(|ty| quote!(__varies::<#ty>())).collect()
}

/// Offsets: each is the one before plus the size of what lies there.
fn chain(slots: &[Slot<'_>], last: Option<(&Ident, TokenStream)>, end: &Ident) -> TokenStream {
    let mut offset = quote!(0);
    let mut constants = TokenStream::new();
    let parts = slots.iter().map(|slot| (&slot.at, slot.param.wire_size())).chain(last);
    for (at, size) in parts {
        constants.extend(quote!(const #at: usize = #offset;));
        offset = quote!(#at + #size);
    }
    constants.extend(quote!(const #end: usize = #offset;));
    constants
}

fn frame(plan: &Plan<'_>) -> TokenStream {
    let Plan { req, rep, frame, procedure, .. } = plan;
    let fixed = quote!(__max(__in_frame(#req), __in_frame(#rep)));
    let name = &procedure.ident;
    if let Some(astack) = procedure.options.astack {
        // Unsuffixed, because it becomes a `usize`.
        let astack = Literal::u32_unsuffixed(astack);
        let message = format!("`astack` of `{name}` is smaller than its parts of fixed size");
        return quote_spanned! {name.span()=>
            const #frame: usize = {
                ::core::assert!(#astack >= #fixed, #message);
                #astack
            };
        };
    }
    let message = format!("the fixed parts of `{name}` fill the default frame: give it `#[call(astack = ..)]`");
    let default = quote_spanned! {name.span()=>
        ::core::assert!(#fixed < ::nearcall::rt::DEFAULT_FRAME_SIZE, #message);
        ::nearcall::rt::DEFAULT_FRAME_SIZE
    };
    if plan.has_tail() {
        return quote_spanned!(name.span()=> const #frame: usize = { #default };);
    }
    let varies = varies(plan.maybe_varying());
    if varies.is_empty() {
        quote_spanned!(name.span()=> const #frame: usize = #fixed;)
    } else {
        quote_spanned!(name.span()=> const #frame: usize = if #(#varies)||* { #default } else { #fixed };)
    }
}

/// The entry of one procedure in the table.
fn procedure(names: &Names<'_>, plan: &Plan<'_>, origin: &str) -> TokenStream {
    let name = plan.procedure.ident.unraw().to_string();
    let origin = plan.procedure.origin.as_deref().unwrap_or(origin);
    let Plan { req, rep, frame, .. } = plan;
    let (req, rep, frame, origin) = match names.back_end {
        BackEnd::Optimised => (quote!(#req), quote!(#rep), quote!(#frame), origin.to_owned()),
        // A count in the line, and the message behind it.
        BackEnd::Conventional => (
            quote!(8),
            quote!(8),
            quote!(__max(#frame, ::nearcall::rt::DEFAULT_FRAME_SIZE)),
            if origin.is_empty() { MESSAGES.to_owned() } else { format!("{origin}, {MESSAGES}") },
        ),
    };
    let Options { concurrency, exhausted, timeout, idempotent, handoff, near, .. } = &plan.procedure.options;
    let concurrency = match concurrency {
        Some(concurrency) => {
            let concurrency = Literal::u16_unsuffixed(*concurrency);
            quote!(#concurrency)
        }
        None => quote!(::nearcall::rt::DEFAULT_CONCURRENCY),
    };
    let exhausted = match *exhausted {
        None | Some(Exhausted::Wait) => quote!(::nearcall::rt::Exhausted::Wait),
        Some(Exhausted::Fail) => quote!(::nearcall::rt::Exhausted::Fail),
        Some(Exhausted::Grow(most)) => {
            let most = Literal::u16_unsuffixed(most);
            quote!(::nearcall::rt::Exhausted::Grow(#most))
        }
    };
    let timeout = match *timeout {
        None => quote!(::core::option::Option::None),
        Some(Duration::MAX) => quote!(::core::option::Option::Some(::core::time::Duration::MAX)),
        Some(timeout) => {
            let (secs, nanos) =
                (Literal::u64_unsuffixed(timeout.as_secs()), Literal::u32_unsuffixed(timeout.subsec_nanos()));
            quote!(::core::option::Option::Some(::core::time::Duration::new(#secs, #nanos)))
        }
    };
    let output = &plan.procedure.output;
    let params = plan.procedure.params.iter().map(|param| {
        let name = param.ident.unraw().to_string();
        entry(&name, &param.direction(), &param.wire_size(), &plan.max(param), param.shape())
    });
    let max = plan.result_max();
    let result = |name, direction, ty, by_serde| {
        entry(name, &direction, &plan::size(ty, by_serde), &max, plan::shape(ty, by_serde))
    };
    let nothing: Type = parse_quote!(());
    let direction = quote!(::nearcall::rt::Direction::Return);
    let returned = match &output.passed {
        Some(Passed { ty, many }) => {
            entry("return", &direction, &plan::passed_size(*many), &max, plan::passed_shape(ty, *many))
        }
        None => result("return", direction, output.value.as_ref().unwrap_or(&nothing), output.serde.value),
    };
    let error = output
        .error
        .as_ref()
        .map(|ty| result("error", quote!(::nearcall::rt::Direction::Error), ty, output.serde.error));
    let params = params.chain([returned]).chain(error);
    quote! {
        ::nearcall::rt::Procedure {
            name: #name,
            origin: #origin,
            params: &[#(#params),*],
            request_size: #req,
            reply_size: #rep,
            frame_size: #frame,
            concurrency: #concurrency,
            exhausted: #exhausted,
            timeout: #timeout,
            idempotent: #idempotent,
            handoff: #handoff,
            near: #near,
        }
    }
}

fn entry(
    name: &str,
    direction: &TokenStream,
    size: &TokenStream,
    max: &TokenStream,
    what: (TokenStream, TokenStream),
) -> TokenStream {
    let (shape, carried) = what;
    quote! {
        ::nearcall::rt::Param {
            name: #name,
            direction: #direction,
            size: #size,
            max: #max,
            carried: #carried,
            shape: #shape,
        }
    }
}
