//! The conventional back end: stubs that build a message in a buffer and take one apart, as those of a compiler do that knows
//! nothing of the transport (Flick, in the paper on IDL4, section 5).
//!
//! It has the same source IR, the same plan of heads, and the same traits and names, so a program is compiled with either by a
//! word in its build script. The two do not call each other: their fingerprints differ. It is there to be compared with.
//!
//! ```text
//! client   Message::begin -> put, slice, tail -> call -> area, get -> check, copy_out -> store
//! server   Request::open -> value, str, slice, out -> the procedure -> Message::begin -> put, area, tail -> reply
//! ```

use proc_macro2::TokenStream;
use quote::quote;
use syn::Type;

use super::plan::{Plan, Slot};
use super::{Names, allow_many_params, client_docs, client_output, params_of, server};
use crate::ir::{Form, OutLen};

/// One method of the client.
pub(super) fn method(names: &Names<'_>, number: u16, plan: &Plan<'_>) -> TokenStream {
    let vis = names.vis;
    let Plan { procedure, req, rep, .. } = plan;
    let (room, back) = (room(plan), back(plan));
    let ident = &procedure.ident;
    let (docs, params, client_output) = (client_docs(procedure), params_of(procedure), client_output(procedure));
    let allow = allow_many_params(procedure);
    let failed = quote!(.map_err(::nearcall::rt::Failure::from)?);
    let puts = plan.request.iter().map(|Slot { at, param }| {
        let (ident, max) = (&param.ident, plan.max(param));
        match &param.form {
            Form::Value(ty) => quote!(__message.put::<#ty>(#at, &#ident);),
            Form::Ref(ty) | Form::InOut(ty) | Form::Out(ty) => quote!(__message.put::<#ty>(#at, #ident);),
            Form::OutSlice { item, .. } => quote!(__message.capacity::<#item, #max>(#at, #ident.len())#failed;),
            _ => quote!(__message.count(#at, #ident.len());),
        }
    });
    let tails = plan.request.iter().map(|Slot { at, param }| {
        let (ident, max) = (&param.ident, plan.max(param));
        match &param.form {
            Form::Value(ty) => quote!(__message.tail::<#ty, #max>(#at, &#ident)#failed;),
            Form::Ref(ty) | Form::InOut(ty) => quote!(__message.tail::<#ty, #max>(#at, #ident)#failed;),
            Form::Str => quote!(__message.bytes::<#max>(#ident.as_bytes())#failed;),
            Form::InPlace => quote!(__message.bytes::<#max>(#ident)#failed;),
            Form::Slice(item) | Form::InOutSlice(item) => quote!(__message.slice::<#item, #max>(#ident)#failed;),
            Form::Out(_) | Form::OutSlice { .. } => TokenStream::new(),
            // No `.idl` says these, and nothing else has this back end.
            Form::Serde { .. } | Form::Pass { .. } | Form::Gather | Form::Scatter => TokenStream::new(),
        }
    });
    let read = read(plan);
    let ending = if procedure.options.oneway {
        quote!(__message.leave(&self.binding, #number)?; ::core::result::Result::Ok(()))
    } else {
        quote! {
            let mut __reply = ::nearcall::rt::message::Received::<#rep, #back>::new();
            __message.call(&self.binding, #number, &mut __reply)?;
            #read
        }
    };
    quote! {
        #docs
        #allow
        #[inline]
        #[allow(unused_mut, unused_variables, reason = "not every procedure has parts of every kind")]
        #vis fn #ident(&self, #params) -> #client_output {
            let mut __message = ::nearcall::rt::message::Message::<#req, #room>::begin();
            #(#puts)*
            #(#tails)*
            #ending
        }
    }
}

/// Bytes of the array for the request: the head, and room where something varies.
fn room(plan: &Plan<'_>) -> TokenStream {
    let is_sent = |form: &Form| matches!(form, Form::Str | Form::Slice(_) | Form::InPlace | Form::InOutSlice(_));
    let types = plan.request.iter().filter_map(|slot| match &slot.param.form {
        Form::Value(ty) | Form::Ref(ty) | Form::InOut(ty) => Some(ty),
        _ => None,
    });
    let req = &plan.req;
    room_behind(&quote!(#req), plan.request.iter().any(|slot| is_sent(&slot.param.form)), types)
}

/// The same for the reply.
fn back(plan: &Plan<'_>) -> TokenStream {
    let (rep, output) = (&plan.rep, &plan.procedure.output);
    room_behind(&quote!(#rep), !plan.areas.is_empty(), plan.returning().chain(&output.value).chain(&output.error))
}

fn room_behind<'t>(head: &TokenStream, has_items: bool, types: impl Iterator<Item = &'t Type>) -> TokenStream {
    quote!({ #head + if #has_items #(|| __varies::<#types>())* { ::nearcall::rt::message::ROOM } else { 0 } })
}

/// Reads a reply to its end, and stores what comes back.
fn read(plan: &Plan<'_>) -> TokenStream {
    let output = &plan.procedure.output;
    let app = match &output.error {
        Some(error) => {
            let max = plan.result_max();
            quote! {
                if __reply.is_app() {
                    let __error = __reply.get::<#error, #max>(0)?;
                    __reply.end()?;
                    return ::core::result::Result::Err(::nearcall::CallError::App(__error));
                }
            }
        }
        None => quote! {
            if __reply.is_app() {
                return ::core::result::Result::Err(::nearcall::CallError::PeerMisbehaved);
            }
        },
    };
    let areas = plan.areas.iter().map(|param| {
        let (area, item) = (param.local(), param.item());
        quote!(let #area = __reply.area::<#item>()?;)
    });
    let gets = plan.reply.iter().filter_map(|Slot { at, param }| match &param.form {
        Form::InOut(ty) | Form::Out(ty) => {
            let (local, max) = (param.local(), plan.max(param));
            Some(quote!(let #local = __reply.get::<#ty, #max>(#at)?;))
        }
        _ => None,
    });
    let returned = plan.returned.as_ref().map(|(at, ty)| {
        let max = plan.result_max();
        quote!(let __return = __reply.get::<#ty, #max>(#at)?;)
    });
    let checks = plan.areas.iter().map(|param| {
        let (area, ident) = (param.local(), &param.ident);
        let length = length(&param.form, &quote!(#ident.len()));
        quote!(__reply.check(#area, #length, #ident.len())?;)
    });
    let copies = plan.areas.iter().map(|param| {
        let (area, ident, item) = (param.local(), &param.ident, param.item());
        quote!(__reply.copy_out::<#item>(#area, #ident);)
    });
    let stores = plan.reply.iter().map(|Slot { param, .. }| {
        let (local, ident) = (param.local(), &param.ident);
        quote!(*#ident = #local;)
    });
    let value = if plan.returned.is_some() { quote!(__return) } else { quote!(()) };
    quote! {
        #app
        #(#areas)*
        #(#gets)*
        #returned
        #(#checks)*
        #(#copies)*
        __reply.end()?;
        #(#stores)*
        ::core::result::Result::Ok(#value)
    }
}

/// How many items of a slice come back.
fn length(form: &Form, all: &TokenStream) -> TokenStream {
    match form {
        Form::OutSlice { len: OutLen::Return, .. } => quote!(::nearcall::rt::OutLen::out_len(__return)),
        Form::OutSlice { len: OutLen::Param(name), .. } => {
            let local = super::plan::local_of(name);
            quote!(::nearcall::rt::OutLen::out_len(#local))
        }
        _ => all.clone(),
    }
}

/// The function that serves one procedure.
pub(super) fn serve(names: &Names<'_>, plan: &Plan<'_>) -> TokenStream {
    let Names { files, deprecated, .. } = names;
    let Plan { procedure, serve, req, rep, .. } = plan;
    let takes = plan.request.iter().map(|Slot { at, param }| {
        let (local, max) = (param.local(), plan.max(param));
        match &param.form {
            Form::Value(ty) | Form::Ref(ty) => quote!(let #local = __request.value::<#ty, #max>(#at)?;),
            Form::InOut(ty) | Form::Out(ty) => quote!(let mut #local = __request.value::<#ty, #max>(#at)?;),
            Form::Str => quote!(let #local = __request.str::<#max>(#at)?;),
            Form::Slice(item) => quote!(let #local = __request.slice::<#item, #max>(#at)?;),
            Form::InPlace => quote!(let #local = __request.in_place::<#max>(#at)?;),
            Form::InOutSlice(item) => quote!(let mut #local = __request.in_out::<#item, #max>(#at)?;),
            Form::OutSlice { item, .. } => quote!(let mut #local = __request.out::<#item, #max>(#at)?;),
            Form::Serde { .. } | Form::Pass { .. } | Form::Gather | Form::Scatter => TokenStream::new(),
        }
    });
    let outs = server::outs(plan);
    let arguments = procedure.params.iter().map(|param| {
        let local = param.local();
        match &param.form {
            Form::Ref(_) | Form::Slice(_) => quote!(&#local),
            Form::InOut(_) | Form::Out(_) | Form::InOutSlice(_) | Form::OutSlice { .. } => quote!(&mut #local),
            _ => quote!(#local),
        }
    });
    let (call, run) = server::run(names, procedure, arguments);
    let ok = reply(plan);
    let body = match (&procedure.output.error, &plan.returned) {
        (None, None) => quote!(#run; #ok),
        (None, Some(_)) => quote!(let __return = #run; #ok),
        (Some(error), returned) => {
            let pattern = if returned.is_some() { quote!(__return) } else { quote!(()) };
            let (max, back) = (plan.result_max(), back(plan));
            quote! {
                match #run {
                    ::core::result::Result::Ok(#pattern) => { #ok }
                    ::core::result::Result::Err(__error) => {
                        let mut __message = ::nearcall::rt::message::Message::<#rep, #back>::begin();
                        __message.put::<#error>(0, &__error);
                        __message.tail::<#error, #max>(0, &__error)?;
                        __message.reply(__call, true)
                    }
                }
            }
        }
    };
    let body =
        if procedure.token.is_some() { super::later(procedure, &call, &TokenStream::new(), &body) } else { body };
    quote! {
        #deprecated
        #[allow(unused_mut, unused_variables, reason = "not every procedure has parts of every kind")]
        fn #serve<__T: #files>(
            __imp: &__T,
            __call: &mut ::nearcall::rt::Incoming<'_>,
        ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
            let mut __request = ::nearcall::rt::message::Request::<#req>::open(__call)?;
            #(#takes)*
            __request.end()?;
            #(#outs)*
            #body
        }
    }
}

/// Makes the message of a call that succeeded.
fn reply(plan: &Plan<'_>) -> TokenStream {
    let (rep, back) = (&plan.rep, back(plan));
    let areas = plan.areas.iter().map(|param| {
        let (local, item) = (param.local(), param.item());
        let length = length(&param.form, &quote!(#local.len()));
        quote!(__message.area::<#item>(&#local, #length);)
    });
    let values = plan.reply.iter().filter_map(|Slot { at, param }| match &param.form {
        Form::InOut(ty) | Form::Out(ty) => {
            let (local, max) = (param.local(), plan.max(param));
            Some(quote! {
                __message.put::<#ty>(#at, &#local);
                __message.tail::<#ty, #max>(#at, &#local)?;
            })
        }
        _ => None,
    });
    let returned = plan.returned.as_ref().map(|(at, ty)| {
        let max = plan.result_max();
        quote! {
            __message.put::<#ty>(#at, &__return);
            __message.tail::<#ty, #max>(#at, &__return)?;
        }
    });
    quote! {
        let mut __message = ::nearcall::rt::message::Message::<#rep, #back>::begin();
        #(#areas)*
        #(#values)*
        #returned
        __message.reply(__call, false)
    }
}
