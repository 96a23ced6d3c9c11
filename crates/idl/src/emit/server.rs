//! The server: a service of any implementation of the trait.
//!
//! One function a procedure takes the request apart, calls the implementation and assembles the reply:
//!
//! ```text
//! open -> value, str, slice, in_place, in_out, out -> the procedure -> put, reply_value -> reply | reply_app
//! ```
//!
//! Invariants: arguments are in private memory and valid values of their types before the procedure runs; a request that
//! holds something else is refused and the procedure does not run. The reply is announced last, after everything that
//! can fail.
//!
//! What it does not do: catch panics or watch deadlines. That is the run time, around the service.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Ident, Type};

use super::plan::{Passing, Plan, Slot};
use super::{Names, conventional, docs};
use crate::ir::{BackEnd, Form, Many, PassBy, Passed, Procedure};

/// The named items, and the impls that use the constants.
pub(super) fn server(names: &Names<'_>, plans: &[Plan<'_>]) -> (TokenStream, TokenStream) {
    let Names { vis, files, server, .. } = names;
    let doc_server = docs(&[&format!("Serves any [`{files}`] to other address spaces.")]);
    let doc_new =
        docs(&[&format!("A service of `imp`, for [`Exporter`](::nearcall::Exporter) or [`{server}::export`].")]);
    let doc_export = docs(&[
        "Exports `imp` as `name`, until the result is dropped.",
        "",
        "# Errors",
        "[`ExportError`](::nearcall::ExportError) says why it cannot be.",
    ]);
    let debug_name = server.to_string();
    let items = quote! {
        #doc_server
        #[allow(dead_code, reason = "a program may use one side of an interface only")]
        #vis struct #server<T>(T);
    };

    let serves = plans.iter().map(|plan| match names.back_end {
        BackEnd::Optimised => serve(names, plan),
        BackEnd::Conventional => conventional::serve(names, plan),
    });
    let functions = plans.iter().map(|plan| {
        let function = &plan.serve;
        quote!(#function::<T>)
    });
    let impls = quote! {
        #[allow(dead_code, reason = "a program may use one side of an interface only")]
        impl<T: #files + ::core::marker::Send + ::core::marker::Sync + 'static> #server<T> {
            #doc_new
            #vis const fn new(imp: T) -> Self {
                Self(imp)
            }

            #doc_export
            #vis fn export(name: &str, imp: T) -> ::core::result::Result<::nearcall::Export, ::nearcall::ExportError> {
                ::nearcall::export(name, Self::new(imp))
            }

            // A table and not a `match`, which the compiler would make one function with the largest stack frame and
            // the registers of all.
            const __SERVE: &'static [::nearcall::rt::Serve<T>] = &[#(#functions),*];
        }

        impl<T> ::core::fmt::Debug for #server<T> {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.debug_tuple(#debug_name).finish_non_exhaustive()
            }
        }

        impl<T: #files + ::core::marker::Send + ::core::marker::Sync + 'static> ::nearcall::rt::Service for #server<T> {
            fn interface(&self) -> &'static ::nearcall::rt::Interface {
                &__INTERFACE
            }

            fn call(
                &self,
                __procedure: u16,
                __call: &mut ::nearcall::rt::Incoming<'_>,
            ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
                match Self::__SERVE.get(::core::convert::Into::<usize>::into(__procedure)) {
                    ::core::option::Option::Some(__serve) => __serve(&self.0, __call),
                    ::core::option::Option::None => {
                        ::core::result::Result::Err(::nearcall::rt::Refusal::NoSuchProcedure)
                    }
                }
            }
        }

        #(#serves)*
    };
    (items, impls)
}

/// The function that serves one procedure.
fn serve(names: &Names<'_>, plan: &Plan<'_>) -> TokenStream {
    let Names { files, deprecated, .. } = names;
    let Plan { procedure, serve, req, rep, places, .. } = plan;

    let takes = plan.request.iter().filter_map(|slot| take(plan, slot));
    let arrivals = arrivals(plan);
    let outs = outs(plan);
    let arguments = procedure.params.iter().map(|param| {
        let local = param.local();
        match &param.form {
            Form::Ref(_) | Form::Serde { is_ref: true, .. } | Form::Pass { by: PassBy::Ref, .. } => quote!(&#local),
            Form::Pass { by: PassBy::RefInside, .. } => quote!(#local.as_ref()),
            Form::Pass { by: PassBy::Borrowed, many, .. } => lent(*many, &local),
            Form::Pass { by: PassBy::RefBorrowed, many, .. } => {
                let lent = lent(*many, &local);
                quote!(&#lent)
            }
            Form::Gather => quote!(#local.as_slice()),
            Form::Scatter => quote!(#local.as_mut_slice()),
            Form::InOut(_) | Form::Out(_) => quote!(&mut #local),
            _ => quote!(#local),
        }
    });
    let (call, run) = run(names, procedure, arguments);
    let ok = reply(plan);
    let body = match (&procedure.output.error, &plan.returned) {
        (None, None) => quote!(#run; #ok),
        (None, Some(_)) => quote!(let __return = #run; #ok),
        (Some(err), returned) => {
            let pattern = if returned.is_some() { quote!(__return) } else { quote!(()) };
            let error = result(plan, &quote!(0), err, &quote!(__error), procedure.output.serde.error);
            quote! {
                match #run {
                    ::core::result::Result::Ok(#pattern) => { #ok }
                    ::core::result::Result::Err(__error) => {
                        let mut __head = ::nearcall::rt::Head::<#rep>::ZERO;
                        #error
                        __call.reply_app::<#rep, #places>(&__head);
                    }
                }
            }
        }
    };
    let (rep_now, body) = if procedure.token.is_some() {
        let resume = quote!(__call.resume::<#rep>()?;);
        (quote!(0), super::later(procedure, &call, &resume, &quote!(#body ::core::result::Result::Ok(()))))
    } else {
        (quote!(#rep), quote!(#body ::core::result::Result::Ok(())))
    };
    let provide = provide(plan);
    let head = if plan.request.is_empty() { quote!(_) } else { quote!(__head) };
    quote! {
        #deprecated
        fn #serve<__T: #files>(
            __imp: &__T,
            __call: &mut ::nearcall::rt::Incoming<'_>,
        ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
            let #head = __call.open::<#req, #rep_now>()?;
            #provide
            #(#takes)*
            #arrivals
            #(#outs)*
            #body
        }
    }
}

/// The values that a procedure gets to overwrite.
pub(super) fn outs(plan: &Plan<'_>) -> impl Iterator<Item = TokenStream> {
    plan.outs().map(|(param, ty)| {
        let local = param.local();
        let value = initial(ty);
        quote!(let mut #local: #ty = #value;)
    })
}

/// Runs the procedure: what its stub does first, and what its result is then. Where the reply comes later, that is there already
/// when the reply is written.
pub(super) fn run(
    names: &Names<'_>,
    procedure: &Procedure,
    arguments: impl Iterator<Item = TokenStream>,
) -> (TokenStream, TokenStream) {
    let (files, ident) = (names.files, &procedure.ident);
    let arguments = arguments.chain(procedure.token.iter().map(|_| quote!(__token)));
    let run = quote!(<__T as #files>::#ident(__imp, #(#arguments),*));
    let run = if procedure.options.handoff { quote!(::nearcall::blocking(|| #run)) } else { run };
    match &procedure.token {
        Some(_) => (run, quote!(__result)),
        None => (TokenStream::new(), run),
    }
}

/// An array has no `Default` of its own beyond 32 items.
fn initial(ty: &Type) -> TokenStream {
    match ty {
        Type::Array(array) => {
            let item = initial(&array.elem);
            quote!(::core::array::from_fn(|_| #item))
        }
        _ => quote!(<#ty as ::core::default::Default>::default()),
    }
}

/// Sees to it that all areas fit the reply half, before the first of them is lent.
fn provide(plan: &Plan<'_>) -> TokenStream {
    let rep = &plan.rep;
    let ends = plan.request.iter().filter_map(|Slot { at, param }| {
        let (item, max) = (param.item()?, plan.max(param));
        let is_in = matches!(param.form, Form::InOutSlice(_));
        let count = match param.form {
            Form::Scatter => quote!(::nearcall::rt::total_at(&__head, #at)?),
            _ => quote!(::nearcall::rt::get_count(&__head.0, #at)?),
        };
        Some(quote!(let __end = __call.area_end::<#item, #max, #is_in>(__end, #count)?;))
    });
    if plan.areas.is_empty() {
        return TokenStream::new();
    }
    quote! {
        let __end = __in_frame(#rep);
        #(#ends)*
        __call.provide(__end)?;
    }
}

/// Takes what has arrived ahead of the call: last, when all else is known to be right.
fn arrivals(plan: &Plan<'_>) -> Option<TokenStream> {
    plan.passed().next()?;
    let req = &plan.req;
    let (one, several): (Vec<_>, Vec<_>) = plan.passed().partition(|passing| passing.many == Many::One);
    let places = one.iter().map(|Passing { slot: Slot { at, .. }, .. }| quote!(#at));
    let counted = several.iter().map(|Passing { slot: Slot { at, .. }, .. }| quote!(#at));
    let takes = plan.passed().map(|Passing { slot, ty, by, many }| {
        let local = slot.param.local();
        let is_lent = matches!(by, PassBy::Borrowed | PassBy::RefBorrowed);
        let take = match (many, is_lent) {
            (Many::One, true) => quote!(lent()),
            (Many::One, false) => quote!(take::<#ty>()),
            (Many::Optional, true) => quote!(lent_optional()),
            (Many::Optional, false) => quote!(take_optional::<#ty>()),
            (Many::Several, true) => quote!(lent_several()),
            (Many::Several, false) => quote!(take_several::<#ty>()),
        };
        quote!(let #local = __arrived.#take?;)
    });
    let parcel = if several.is_empty() {
        quote!(parcel::<#req>(&__head, &[#(#places),*]))
    } else {
        quote!(parcel_of::<#req>(&__head, &[#(#places),*], &[#(#counted),*]))
    };
    Some(quote! {
        let mut __arrived = __call.#parcel?;
        #(#takes)*
        __arrived.end()?;
    })
}

/// Descriptors that arrived, as a procedure has them that borrows them.
fn lent(many: Many, local: &Ident) -> TokenStream {
    match many {
        Many::One => quote!(::std::os::fd::AsFd::as_fd(&#local)),
        Many::Optional => quote!(#local.as_ref().map(::std::os::fd::AsFd::as_fd)),
        Many::Several => {
            quote!(#local.iter().map(::std::os::fd::AsFd::as_fd).collect::<::std::vec::Vec<_>>())
        }
    }
}

/// Takes one argument out of the request.
fn take(plan: &Plan<'_>, Slot { at, param }: &Slot<'_>) -> Option<TokenStream> {
    let (req, local, max) = (&plan.req, param.local(), plan.max(param));
    let count = quote!(::nearcall::rt::get_count(&__head.0, #at)?);
    Some(match &param.form {
        Form::Pass { .. } => return None,
        Form::Gather => quote!(let #local = __call.gathered::<#max>(#count)?;),
        Form::Scatter => quote!(let mut #local = __call.scattered::<#req>(&__head, #at)?;),
        Form::Value(ty) | Form::Ref(ty) => quote!(let #local = __call.value::<#ty, #req, #max>(&__head, #at)?;),
        Form::InOut(ty) | Form::Out(ty) => quote!(let mut #local = __call.value::<#ty, #req, #max>(&__head, #at)?;),
        Form::Serde { ty, .. } => {
            quote!(let #local = ::nearcall::rt::serde::take::<#ty, #req, #max>(__call, &__head, #at)?;)
        }
        Form::Str => quote!(let #local = __call.str::<#max>(#count)?;),
        Form::Slice(item) => quote!(let #local = __call.slice::<#item, #max>(#count)?;),
        Form::InPlace => quote!(let #local = __call.in_place::<#max>(#count)?;),
        Form::InOutSlice(item) => quote!(let #local = __call.in_out::<#item>(#count)?;),
        Form::OutSlice { item, .. } => quote!(let #local = __call.out::<#item>(#count)?;),
    })
}

/// Puts a result, and its tail if it has one.
fn result(plan: &Plan<'_>, at: &TokenStream, ty: &Type, value: &TokenStream, by_serde: bool) -> TokenStream {
    let max = plan.result_max();
    if by_serde {
        quote!(::nearcall::rt::serde::reply::<#ty, _, #max>(__call, &mut __head, #at, &#value)?;)
    } else {
        quote!(__call.reply_value::<#ty, _, #max>(&mut __head, #at, &#value)?;)
    }
}

/// Assembles and announces the reply of a call that succeeded.
fn reply(plan: &Plan<'_>) -> TokenStream {
    let Plan { rep, places, .. } = plan;
    let values = plan.reply.iter().filter_map(|Slot { at, param }| match &param.form {
        Form::InOut(ty) | Form::Out(ty) => {
            let (local, max) = (param.local(), plan.max(param));
            Some(match &plan.tails {
                Some(tails) => {
                    quote!(__call.reply_among::<#ty, _, #max, #tails>(&mut __head, #at, &#local, &mut __tails)?;)
                }
                None => quote!(__call.reply_value::<#ty, _, #max>(&mut __head, #at, &#local)?;),
            })
        }
        _ => None,
    });
    let by_serde = plan.procedure.output.serde.value;
    let returned = plan.returned.as_ref().map(|(at, ty)| match &plan.tails {
        _ if let Some(Passed { ty, many }) = &plan.procedure.output.passed => match many {
            Many::One => quote!(__call.give::<#ty, _>(&mut __head, #at, &__return)?;),
            Many::Optional | Many::Several => {
                quote!(__call.give_all::<#ty, _>(&mut __head, #at, __return.iter())?;)
            }
        },
        Some(tails) if !by_serde => {
            let max = plan.result_max();
            quote!(__call.reply_among::<#ty, _, #max, #tails>(&mut __head, #at, &__return, &mut __tails)?;)
        }
        _ => result(plan, &quote!(#at), ty, &quote!(__return), by_serde),
    });
    let (tails, tails_end) = match &plan.tails {
        Some(tails) => {
            (quote!(let mut __tails = ::nearcall::rt::Tails::new();), quote!(__call.reply_tails::<#tails>(&__tails)?;))
        }
        None => (TokenStream::new(), TokenStream::new()),
    };
    if plan.reply.is_empty() && returned.is_none() {
        return quote!(__call.reply::<#rep, #places>(&::nearcall::rt::Head::<#rep>::ZERO););
    }
    quote! {
        let mut __head = ::nearcall::rt::Head::<#rep>::ZERO;
        #tails
        #(#values)*
        #returned
        #tails_end
        __call.reply::<#rep, #places>(&__head);
    }
}
