//! The stand-in: a client's signatures on an implementation in the same address space, for tests and for `dyn`.
//!
//! It calls the implementation and wraps the result. Nothing is copied and no layout is used, so what only a real call
//! can do (a timeout, a peer that dies, a string that is too long, targets untouched on an error) does not happen.

use proc_macro2::TokenStream;
use quote::quote;

use super::plan::Plan;
use super::{Names, Start, allow_many_params, client_output, docs, params_of};
use crate::ir::{Form, Param, Procedure};

/// The named items, and the impls.
pub(super) fn local(names: &Names<'_>, plans: &[Plan<'_>]) -> (TokenStream, TokenStream) {
    let Names { vis, files, call, local, deprecated, .. } = names;
    let doc = docs(&[
        &format!("[`{call}`] without a boundary: calls a [`{files}`] in the same address space."),
        "",
        "Unlike a call, it leaves in-out and out targets as the procedure left them when that returned an error.",
    ]);
    let debug_name = local.to_string();
    let items = quote! {
        #doc
        #[allow(dead_code, reason = "a program may have no use for it")]
        #vis struct #local<T>(
            /// What is called.
            #vis T,
        );
    };
    let methods = plans.iter().map(|plan| {
        let Procedure { ident, params, output, .. } = plan.procedure;
        let (signature, client_output) = (params_of(plan.procedure), client_output(plan.procedure));
        let allow = allow_many_params(plan.procedure);
        let arguments = params.iter().map(|Param { ident, form, .. }| match form {
            Form::InPlace => quote!(::nearcall::SharedBytes::from(#ident)),
            _ => quote!(#ident),
        });
        let arguments = arguments.chain(plan.procedure.token.iter().map(|_| quote!(__token)));
        let run = quote!(<__T as #files>::#ident(&self.0, #(#arguments),*));
        let (later, run) = match &plan.procedure.token {
            Some(_) => (
                Some(quote! {
                    let (__token, __answer) = ::nearcall::ReplyToken::here();
                    #run;
                    let ::core::option::Option::Some(__result) = __answer.wait() else {
                        return ::core::result::Result::Err(::nearcall::CallError::Aborted);
                    };
                }),
                quote!(__result),
            ),
            None => (None, run),
        };
        let body = match (&output.error, &output.value) {
            (Some(_), _) => quote!(#run.map_err(::nearcall::CallError::App)),
            (None, Some(_)) => quote!(::core::result::Result::Ok(#run)),
            (None, None) => quote!(#run; ::core::result::Result::Ok(())),
        };
        quote! {
            #allow
            #[inline]
            fn #ident(&self, #signature) -> #client_output { #later #body }
        }
    });
    let starts = plans.iter().map(|plan| {
        let Procedure { ident, params, .. } = plan.procedure;
        let Start { docs, ident: start, lifetime, receiver, params: signature, output } = Start::of(plan.procedure);
        let allow = allow_many_params(plan.procedure);
        let arguments = params.iter().map(|param| &param.ident);
        quote! {
            #docs
            #[doc = ""]
            #[doc = " It has ended by then: there is no boundary beyond which it could go on."]
            #allow
            #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
            #vis fn #start #lifetime(#receiver, #signature) -> #output {
                ::core::result::Result::Ok(::nearcall::Pending::over(<Self as #call>::#ident(self, #(#arguments),*)))
            }
        }
    });
    let impls = quote! {
        #[allow(dead_code, reason = "a program may have no use for it")]
        #deprecated
        impl<__T: #files> #local<__T> {
            #(#starts)*
        }

        impl<T> ::core::fmt::Debug for #local<T> {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.debug_tuple(#debug_name).finish_non_exhaustive()
            }
        }

        #deprecated
        impl<__T: #files> #call for #local<__T> {
            #(#methods)*
        }
    };
    (items, impls)
}
