//! The client: the trait of its signatures, and the struct that calls through a binding.
//!
//! A method assembles the request in a private head, copies tails into the frame, transfers, and takes the reply apart:
//!
//! ```text
//! begin -> put, slice, tail -> transfer -> areas -> App? -> get all -> check, copy_out -> store, end, return
//! ```
//!
//! A binding that is not near shows in `begin`, by the first test of the stub; then the same steps go on in a function of their own, over
//! what is near a far binding's request and reply, or the call has failed.
//!
//! Beside each method stands one that starts the same call; there the part after `transfer` is a closure, which has the in-out
//! and out targets and runs when the answer is taken. The method of a `oneway` procedure sends the request and leaves
//! it to itself.
//!
//! Invariant: nothing of the caller's is written before every value has been decoded and every length has been checked.
//! Whatever fails, fails before; in-out and out targets are untouched on any error.
//!
//! What it does not do: wait, retry or know the path of a call. That is behind `Binding`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::Type;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use super::conventional;
use super::plan::{Passing, Plan, Slot, local_of};
use super::{Names, Start, allow_many_params, allow_one_more, client_docs, client_output, docs, params_of};
use crate::ir::{BackEnd, Form, Many, OutLen, Param, PassBy, Passed, Procedure};

/// The named items, and the impls that use the constants.
pub(super) fn client(names: &Names<'_>, plans: &[Plan<'_>]) -> (TokenStream, TokenStream) {
    let Names { vis, files, call, client, server, deprecated, .. } = names;
    let doc_call =
        docs(&[&format!("What a client of [`{files}`] can do: the same procedures, with what can become of a call.")]);
    let doc_client = docs(&[&format!("A client of [`{files}`]: its methods are calls through a binding.")]);
    let doc_bind = docs(&[
        &format!("Binds to the `{files}` exported as `name`."),
        "",
        "# Errors",
        "[`BindError`](::nearcall::BindError) says why there is none.",
    ]);
    let doc_serve = docs(&[
        "A client of `imp`, which has no name: to be passed to other processes, which call it back.",
        "",
        "# Errors",
        "[`BindError`](::nearcall::BindError): this process was forked, or the kernel refuses it something.",
    ]);
    let doc_describe =
        docs(&[&format!("What `{files}` is, in words: signatures, sizes, and how the parameters travel.")]);
    let signatures = plans.iter().map(|plan| {
        let Procedure { ident, .. } = plan.procedure;
        let (docs, params, output) =
            (client_docs(plan.procedure), params_of(plan.procedure), client_output(plan.procedure));
        let allow = allow_many_params(plan.procedure);
        quote! {
            #docs
            #allow
            fn #ident(&self, #params) -> #output;
        }
    });
    let items = quote! {
        #doc_call
        #[allow(dead_code, reason = "a program may use one side of an interface only")]
        #vis trait #call {
            #(#signatures)*
        }

        #doc_client
        #[allow(dead_code, reason = "a program may use one side of an interface only")]
        #[derive(::core::fmt::Debug)]
        #vis struct #client {
            binding: ::nearcall::Binding,
        }
    };

    let methods = (0_u16..).zip(plans).map(|(number, plan)| match names.back_end {
        BackEnd::Optimised => method(names, number, plan),
        BackEnd::Conventional => conventional::method(names, number, plan),
    });
    let forwards = plans.iter().map(|plan| {
        let Procedure { ident, params, .. } = plan.procedure;
        let (signature, output) = (params_of(plan.procedure), client_output(plan.procedure));
        let arguments = params.iter().map(|param| &param.ident);
        let allow = allow_many_params(plan.procedure);
        // The inherent method wins over the trait's in this path.
        quote! {
            #allow
            #[inline]
            fn #ident(&self, #signature) -> #output {
                Self::#ident(self, #(#arguments),*)
            }
        }
    });
    // A message is sent and waited for.
    let started = if names.back_end == BackEnd::Optimised { plans } else { &[] };
    let starts = (0_u16..).zip(started).map(|(number, plan)| start(names, number, plan));
    let name = files.unraw().to_string();
    let impls = quote! {
        #[allow(dead_code, reason = "a program may use one side of an interface only")]
        impl #client {
            #doc_bind
            #vis fn bind(name: &str) -> ::core::result::Result<Self, ::nearcall::BindError> {
                ::nearcall::bind::<Self>(name)
            }

            #doc_serve
            #vis fn serve<__T: #files + ::core::marker::Send + ::core::marker::Sync + 'static>(
                imp: __T,
            ) -> ::core::result::Result<::nearcall::Callback<Self>, ::nearcall::BindError> {
                ::nearcall::Callback::new(#server::new(imp))
            }

            #doc_describe
            #[must_use]
            #vis fn describe() -> ::nearcall::Description {
                ::nearcall::describe::<Self>()
            }
            #(#methods)*
            #(#starts)*
        }

        impl ::nearcall::Client for #client {
            const NAME: &'static str = #name;
            const INTERFACE: &'static ::nearcall::rt::Interface = &__INTERFACE;

            fn from_binding(binding: ::nearcall::Binding) -> Self {
                Self { binding }
            }

            fn binding(&self) -> &::nearcall::Binding {
                &self.binding
            }
        }

        #deprecated
        impl #call for #client {
            #(#forwards)*
        }
    };
    (items, impls)
}

/// One method of the client, and what it does when its binding is not near.
fn method(names: &Names<'_>, number: u16, plan: &Plan<'_>) -> TokenStream {
    let vis = names.vis;
    let Plan { procedure, req, rep, places, .. } = plan;
    let ident = &procedure.ident;
    let (docs, params, client_output) = (client_docs(procedure), params_of(procedure), client_output(procedure));
    let allow = allow_many_params(procedure);
    let allow_far = allow_one_more(procedure);
    let arguments = procedure.params.iter().map(|param| &param.ident);
    let far = format_ident!("__far_{}", ident.unraw());

    let puts: Vec<_> = plan.request.iter().filter_map(|slot| put(plan, slot)).collect();
    let tails: Vec<_> = plan.request.iter().filter_map(|slot| tail(plan, slot)).collect();
    let send = send(plan);
    let read = if procedure.options.oneway {
        quote!(__call.leave()?; ::core::result::Result::Ok(()))
    } else {
        read(plan, &quote!(__call.transfer::<#places>()?))
    };
    let mutable = (!plan.request.is_empty()).then(|| quote!(mut));
    let expected = plan.areas.iter().map(|param| {
        let (item, len) = (param.item(), room(param));
        quote!(__call.lay_out::<#item>(#len);)
    });
    let mutable_far = (!plan.request.is_empty() || !plan.areas.is_empty()).then(|| quote!(mut));
    // What is passed cannot go far, and no binding to such an interface is far.
    let far_body = if plan.passes() {
        let names = procedure.params.iter().map(|param| &param.ident);
        quote! {
            let _ = (#(#names,)*);
            ::core::result::Result::Err(__why.into())
        }
    } else {
        quote! {
            let #mutable_far __call = self.binding.begin_far::<#req, #rep>(#number, __why)?;
            #(#puts)*
            #(#tails)*
            #(#expected)*
            #read
        }
    };
    quote! {
        #docs
        #allow
        #[inline]
        #vis fn #ident(&self, #params) -> #client_output {
            let #mutable __call = match self.binding.begin::<#req, #rep>(#number) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => return self.#far(__why, #(#arguments),*),
            };
            #(#puts)*
            #(#tails)*
            #send
            #read
        }

        #allow_far
        #[cold]
        #[inline(never)]
        fn #far(&self, __why: ::nearcall::rt::Failure, #params) -> #client_output {
            #far_body
        }
    }
}

/// The method that starts the same call: what reads the reply is kept until there is one.
fn start(names: &Names<'_>, number: u16, plan: &Plan<'_>) -> TokenStream {
    let vis = names.vis;
    let Plan { procedure, req, rep, places, .. } = plan;
    let Start { docs, ident, lifetime, receiver, params, output } = Start::of(procedure);
    let client_output = client_output(procedure);
    let allow = allow_many_params(procedure);
    let puts = plan.request.iter().filter_map(|slot| put(plan, slot));
    let tails = plan.request.iter().filter_map(|slot| tail(plan, slot));
    let mutable = (!plan.request.is_empty()).then(|| quote!(mut));
    let send = send(plan);
    let (until, start) = match &send {
        Some(_) => (
            Some(quote!(let __until = __sent.until();)),
            quote!(start_by::<#places, _, _>(&self.binding, __until, __read)),
        ),
        None => (None, quote!(start::<#places, _, _>(&self.binding, __read))),
    };
    let read = read(plan, &quote!(__answer.open::<#rep, #places>()?));
    let passed = procedure.output.passed.is_some().then(|| quote!(.passed_back()));
    quote! {
        #docs
        #allow
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        #vis fn #ident #lifetime(#receiver, #params) -> #output {
            let #mutable __call = self.binding.begin_start::<#req, #rep>(#number)?;
            #(#puts)*
            #(#tails)*
            #send
            #until
            let __read = move |__answer: ::nearcall::rt::Answer<'_>| -> #client_output { #read };
            ::core::result::Result::Ok(__call.#start?#passed)
        }
    }
}

/// Reads a reply to its end, and stores what comes back.
fn read(plan: &Plan<'_>, reply: &TokenStream) -> TokenStream {
    let output = &plan.procedure.output;
    let areas = plan.areas.iter().map(|param| {
        let area = param.local();
        let item = param.item();
        let len = room(param);
        quote!(let #area = __reply.area::<#item>(#len);)
    });
    // A reply without parts: that it is one is all there is to look at.
    let is_silent = plan.areas.is_empty() && plan.reply.is_empty() && plan.returned.is_none() && output.error.is_none();
    let app = match &output.error {
        Some(error) => {
            let error = get(plan, &quote!(0), error, output.serde.error);
            quote! {
                if __reply.is_app() {
                    return ::core::result::Result::Err(::nearcall::CallError::App(#error));
                }
            }
        }
        None if is_silent => TokenStream::new(),
        None => quote!(__reply.refuse_app()?;),
    };
    let gets = plan.reply.iter().filter_map(|Slot { at, param }| match &param.form {
        Form::InOut(ty) | Form::Out(ty) => {
            let local = param.local();
            let value = get_among(plan, &quote!(#at), ty, &plan.max(param));
            Some(quote!(let #local = #value;))
        }
        _ => None,
    });
    let returned = plan.returned.as_ref().map(|(at, ty)| {
        let value = if let Some(Passed { ty, many }) = &output.passed {
            match many {
                Many::One => quote!(__reply.take::<#ty>(#at)?),
                Many::Optional => quote!(__reply.take_optional::<#ty>(#at)?),
                Many::Several => quote!(__reply.take_several::<#ty>(#at)?),
            }
        } else if output.serde.value {
            get(plan, &quote!(#at), ty, true)
        } else {
            get_among(plan, &quote!(#at), ty, &plan.result_max())
        };
        quote!(let __return = #value;)
    });
    let (reply_tails, reply_tails_end) = match &plan.tails {
        Some(tails) => (quote!(let mut __tails = ::nearcall::rt::Tails::new();), quote!(__tails.end::<#tails>()?;)),
        None => (TokenStream::new(), TokenStream::new()),
    };
    // One slice is checked by its copy. With several, the last must not fail after the first was written.
    let checks = plan.areas.iter().filter(|_| plan.areas.len() > 1).map(|param| {
        let (area, len) = (param.local(), length(param));
        quote!(__reply.check(&#area, #len)?;)
    });
    let copies = plan.areas.iter().map(|param| {
        let (area, len, ident) = (param.local(), length(param), &param.ident);
        if matches!(param.form, Form::Scatter) {
            return quote!(__reply.scatter(&#area, #ident)?;);
        }
        quote!(__reply.copy_out(&#area, #len, #ident)?;)
    });
    let stores = plan.reply.iter().map(|Slot { param, .. }| {
        let (local, ident) = (param.local(), &param.ident);
        quote!(*#ident = #local;)
    });
    let sent = plan.passed().next().is_some().then(|| quote!(__sent.taken();));
    let value = if plan.returned.is_some() { quote!(__return) } else { quote!(()) };
    let opened = if is_silent {
        quote!(let __reply = #reply; __reply.refuse_app()?;)
    } else {
        quote!(let mut __reply = #reply;)
    };
    quote! {
        #opened
        #sent
        #(#areas)*
        #app
        #reply_tails
        #(#gets)*
        #returned
        #reply_tails_end
        #(#checks)*
        // The point of no return of a generated method: every length is checked, every value decoded.
        #(#copies)*
        #(#stores)*
        __reply.end();
        ::core::result::Result::Ok(#value)
    }
}

/// Sends what is passed ahead of the call, and puts the token of its message into each place for it.
fn send(plan: &Plan<'_>) -> Option<TokenStream> {
    plan.passed().next()?;
    let adds = plan.passed().map(|Passing { slot, ty, by, many }| {
        let (ident, local) = (&slot.param.ident, slot.param.local());
        match (many, by) {
            (Many::One, PassBy::Borrowed) => quote!(__parcel.lend(#ident);),
            (Many::One, PassBy::Value) => quote!(__parcel.add::<#ty>(&#ident)?;),
            (Many::One, _) => quote!(__parcel.add::<#ty>(#ident)?;),
            (_, PassBy::Value | PassBy::Ref) => quote!(let #local = __parcel.add_all::<#ty>(#ident.iter())?;),
            (_, PassBy::RefInside) => quote!(let #local = __parcel.add_all::<#ty>(#ident.iter().copied())?;),
            (_, PassBy::Borrowed | PassBy::RefBorrowed) => {
                quote!(let #local = __parcel.lend_all(#ident.iter().copied())?;)
            }
        }
    });
    let puts = plan.passed().map(|Passing { slot: Slot { at, param }, many, .. }| match many {
        Many::One => quote!(__call.put::<u32>(#at, &__sent.token());),
        Many::Optional | Many::Several => {
            let local = param.local();
            quote!(__call.put::<u64>(#at, &__sent.several(#local));)
        }
    });
    Some(quote! {
        let mut __parcel = __call.parcel();
        #(#adds)*
        let __sent = __call.send(__parcel)?;
        #(#puts)*
    })
}

/// Reads a result.
fn get(plan: &Plan<'_>, at: &TokenStream, ty: &Type, by_serde: bool) -> TokenStream {
    let max = plan.result_max();
    if by_serde {
        quote!(::nearcall::rt::serde::get::<#ty, _, #max>(&mut __reply, #at)?)
    } else {
        quote!(__reply.get::<#ty, #max>(#at)?)
    }
}

/// Reads one of the results, whose tail may follow that of another one.
fn get_among(plan: &Plan<'_>, at: &TokenStream, ty: &Type, max: &TokenStream) -> TokenStream {
    let Some(tails) = &plan.tails else { return quote!(__reply.get::<#ty, #max>(#at)?) };
    let all = &plan.tails_max;
    quote!(__reply.get_among::<#ty, #max, #tails>(#at, #all, &mut __tails)?)
}

/// Puts the fixed part of a parameter, as far as it is known before the tail.
fn put(plan: &Plan<'_>, Slot { at, param }: &Slot<'_>) -> Option<TokenStream> {
    let ident = &param.ident;
    match &param.form {
        Form::Value(ty) => Some(quote!(__call.put::<#ty>(#at, &#ident);)),
        Form::Ref(ty) | Form::InOut(ty) | Form::Out(ty) => Some(quote!(__call.put::<#ty>(#at, #ident);)),
        // The size of a tail that is not written yet; the token of a parcel that is not sent.
        Form::Serde { .. } | Form::Pass { .. } => None,
        Form::Gather => Some(quote!(__call.strings(#at, #ident)?;)),
        Form::Scatter => {
            let max = plan.max(param);
            Some(quote!(__call.places::<#max>(#at, #ident)?;))
        }
        Form::Str | Form::Slice(_) | Form::InPlace | Form::InOutSlice(_) => {
            Some(quote!(__call.count(#at, #ident.len());))
        }
        Form::OutSlice { item, .. } => {
            let max = plan.max(param);
            Some(quote!(__call.capacity::<#item, #max>(#at, #ident.len())?;))
        }
    }
}

/// Copies the tail of a parameter, if it can have one.
fn tail(plan: &Plan<'_>, Slot { at, param }: &Slot<'_>) -> Option<TokenStream> {
    let (ident, max) = (&param.ident, plan.max(param));
    match &param.form {
        Form::Value(ty) => Some(quote!(__call.tail::<#ty, #max>(#at, &#ident)?;)),
        Form::Ref(ty) | Form::InOut(ty) => Some(quote!(__call.tail::<#ty, #max>(#at, #ident)?;)),
        Form::Serde { ty, is_ref } => {
            let lent = (!is_ref).then(|| quote!(&));
            Some(quote!(::nearcall::rt::serde::put::<#ty, _, #max>(&mut __call, #at, #lent #ident)?;))
        }
        Form::Str => Some(quote!(__call.bytes::<#max>(#ident.as_bytes())?;)),
        Form::InPlace => Some(quote!(__call.bytes::<#max>(#ident)?;)),
        Form::Slice(item) | Form::InOutSlice(item) => Some(quote!(__call.slice::<#item, #max>(#ident)?;)),
        Form::Gather => Some(quote!(__call.gather::<#max>(#ident)?;)),
        Form::Scatter => Some(quote!(__call.scatter(#ident)?;)),
        Form::Out(_) | Form::OutSlice { .. } | Form::Pass { .. } => None,
    }
}

/// How many items there is room for.
fn room(param: &Param) -> TokenStream {
    let ident = &param.ident;
    match param.form {
        Form::Scatter => length(param),
        _ => quote!(#ident.len()),
    }
}

/// How many items of a slice come back.
fn length(param: &Param) -> TokenStream {
    let ident = &param.ident;
    match &param.form {
        // A result that is no length is an error at the parameter that needs one.
        Form::OutSlice { len: OutLen::Return, .. } => {
            quote_spanned!(param.declared.span()=> ::nearcall::rt::OutLen::out_len(__return))
        }
        Form::Scatter => quote!(::nearcall::rt::total(#ident)),
        Form::OutSlice { len: OutLen::Param(name), .. } => {
            let local = local_of(name);
            quote_spanned!(param.declared.span()=> ::nearcall::rt::OutLen::out_len(#local))
        }
        _ => quote!(#ident.len()),
    }
}
