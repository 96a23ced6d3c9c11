//! Code for an interface that passed all checks.
//!
//! ```text
//! pub trait Files { .. }            as written, without our attributes
//! pub trait FilesCall { .. }        what a client can do            client.rs
//! pub struct FilesClient { .. }     calls through a binding         client.rs
//! pub struct FilesServer<T>(T);     a service of any T: Files       server.rs
//! pub struct FilesLocal<T>(pub T);  FilesCall without a boundary    local.rs
//! const _: () = {
//!     const __READ_AT_1: usize = ..;                                tables.rs, in the order of plan.rs
//!     static __INTERFACE: Interface = ..;
//!     impl .. for FilesClient, FilesServer<T>, FilesLocal<T>, Arc<T>
//! };
//! ```
//!
//! Invariants: names of ours that stand where names of the author's are visible begin with `__`; everything else that is
//! named is named from the root (`::nearcall`, `::core`), because an author may well have a `Result` of his own. All
//! constants are inside one unnamed block, so the module of the author gets five names and no more.
//!
//! What it does not do: refuse anything. Whatever rustc refuses afterwards, it refuses at the author's tokens.

mod client;
mod conventional;
mod local;
mod plan;
mod server;
mod tables;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::ext::IdentExt;
use syn::{Attribute, Ident, ItemTrait, Type, TypeParamBound, Visibility};

use crate::ir::{BackEnd, Direction, Form, Interface, Output, Param, Procedure};
use plan::Plan;

/// Everything that stands for `interface`.
pub(crate) fn interface(interface: &Interface, back_end: BackEnd) -> TokenStream {
    let item = &interface.item;
    let names = Names::of(item, back_end);
    let plans: Vec<Plan<'_>> = interface.procedures.iter().map(Plan::of).collect();
    let tables = tables::tables(&names, interface, &plans);
    let client = client::client(&names, &plans);
    let server = server::server(&names, &plans);
    let local = local::local(&names, &plans);
    let shared = shared(item, &names, &plans);
    let (client_items, client_impls) = client;
    let (server_items, server_impls) = server;
    let (local_items, local_impls) = local;
    quote! {
        #item
        #client_items
        #server_items
        #local_items
        const _: () = {
            #tables
            #client_impls
            #server_impls
            #local_impls
            #shared
        };
    }
}

/// The names that an interface brings into its module.
struct Names<'a> {
    back_end: BackEnd,
    vis: &'a Visibility,
    files: &'a Ident,
    call: Ident,
    client: Ident,
    server: Ident,
    local: Ident,
    /// An `allow(deprecated)` if a procedure is: naming it in generated code is not using it.
    deprecated: Option<TokenStream>,
}

impl<'a> Names<'a> {
    fn of(item: &'a ItemTrait, back_end: BackEnd) -> Self {
        let files = &item.ident;
        let is_deprecated = item.items.iter().any(|item| match item {
            syn::TraitItem::Fn(method) => method.attrs.iter().any(|attr| attr.path().is_ident("deprecated")),
            _ => false,
        });
        Names {
            back_end,
            vis: &item.vis,
            files,
            call: format_ident!("{files}Call"),
            client: format_ident!("{files}Client"),
            server: format_ident!("{files}Server"),
            local: format_ident!("{files}Local"),
            deprecated: is_deprecated
                .then(|| quote!(#[allow(deprecated, reason = "generated code names every procedure")])),
        }
    }
}

/// `impl Files for Arc<T>`: so a server can share its object with the rest of its program, also as `Arc<dyn Files>`.
fn shared(item: &ItemTrait, names: &Names<'_>, plans: &[Plan<'_>]) -> TokenStream {
    let Names { files, deprecated, .. } = names;
    // `Arc<T>` is `Send` or `Sync` only if `T` is both.
    let shared = item.supertraits.iter().any(|bound| matches!(bound, TypeParamBound::Trait(_)));
    let bounds = shared.then(|| quote!(+ ::core::marker::Send + ::core::marker::Sync));
    let methods = plans.iter().map(|plan| {
        let Procedure { ident, params, .. } = plan.procedure;
        let (signature, allow) = (served_params_of(plan.procedure), allow_one_more(plan.procedure));
        let arguments =
            params.iter().map(|param| &param.ident).chain(plan.procedure.token.iter().map(|(ident, _)| ident));
        let output = plan.procedure.served_output();
        quote! {
            #allow
            #[inline]
            fn #ident(&self, #signature) #output {
                <__T as #files>::#ident(self, #(#arguments),*)
            }
        }
    });
    quote! {
        #deprecated
        impl<__T: #files + ?::core::marker::Sized #bounds> #files for ::std::sync::Arc<__T> {
            #(#methods)*
        }
    }
}

/// The parameters as declared, without the receiver.
fn params_of(procedure: &Procedure) -> TokenStream {
    let params = procedure.params.iter().map(|param| {
        let (ident, declared) = (&param.ident, &param.declared);
        quote!(#ident: #declared)
    });
    quote!(#(#params),*)
}

/// The parameters as an implementation has them, without the receiver.
fn served_params_of(procedure: &Procedure) -> TokenStream {
    let params = procedure.params.iter().map(|param| {
        let (ident, served) = (&param.ident, &param.served);
        quote!(#ident: #served)
    });
    let token = procedure.token.iter().map(|(ident, ty)| quote!(#ident: #ty));
    let params = params.chain(token);
    quote!(#(#params),*)
}

/// The return type of a procedure in the client.
fn client_output(procedure: &Procedure) -> TokenStream {
    let value = value_type(procedure.output.value.as_ref());
    let error = error_type(procedure);
    quote!(::core::result::Result<#value, ::nearcall::CallError<#error>>)
}

fn error_type(procedure: &Procedure) -> TokenStream {
    match &procedure.output.error {
        Some(error) => quote!(#error),
        None => quote!(::core::convert::Infallible),
    }
}

fn value_type(value: Option<&Type>) -> TokenStream {
    value.map_or_else(|| quote!(()), |value| quote!(#value))
}

/// The signature of the method that starts a call.
struct Start {
    docs: TokenStream,
    ident: Ident,
    /// In-out and out targets are borrowed for as long as the call is under way.
    lifetime: Option<TokenStream>,
    receiver: TokenStream,
    params: TokenStream,
    output: TokenStream,
}

impl Start {
    fn of(procedure: &Procedure) -> Self {
        let name = procedure.ident.unraw();
        let docs = docs(&[
            &format!("Starts [`{name}`](Self::{name}) and does not wait for it."),
            "",
            "# Errors",
            "What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest",
            "comes with the end of the [`Pending`](::nearcall::Pending).",
        ]);
        let has_target = procedure.params.iter().any(|param| param.form.direction() != Direction::In);
        let lifetime = has_target.then(|| quote!('__a));
        let params = procedure.params.iter().map(|Param { ident, declared, form, .. }| match form {
            Form::InOut(ty) | Form::Out(ty) => quote!(#ident: &'__a mut #ty),
            Form::InOutSlice(item) | Form::OutSlice { item, .. } => quote!(#ident: &'__a mut [#item]),
            Form::Scatter => quote!(#ident: &'__a mut [&'__a mut [u8]]),
            _ => quote!(#ident: #declared),
        });
        let value = value_type(procedure.output.value.as_ref());
        let error = error_type(procedure);
        let of = lifetime.clone().unwrap_or_else(|| quote!('_));
        Self {
            docs,
            ident: format_ident!("start_{name}", span = procedure.ident.span()),
            receiver: lifetime.as_ref().map_or_else(|| quote!(&self), |lifetime| quote!(&#lifetime self)),
            params: quote!(#(#params),*),
            output: quote! {
                ::core::result::Result<::nearcall::Pending<#of, #value, #error>, ::nearcall::CallError<#error>>
            },
            lifetime: lifetime.map(|lifetime| quote!(<#lifetime>)),
        }
    }
}

/// clippy's limit of 7 counts the receiver; the author has been told at his own trait.
fn allow_many_params(procedure: &Procedure) -> Option<TokenStream> {
    many(procedure.params.len())
}

/// The same for a function that has one parameter more.
fn allow_one_more(procedure: &Procedure) -> Option<TokenStream> {
    many(procedure.params.len().saturating_add(1))
}

/// With `self`, clippy allows six.
fn many(count: usize) -> Option<TokenStream> {
    (count >= 7).then(|| quote!(#[allow(clippy::too_many_arguments, reason = "as many as the procedure has")]))
}

/// The documentation of a procedure in the client: the author's, and what every call can fail with.
fn client_docs(procedure: &Procedure) -> TokenStream {
    let attrs = &procedure.attrs;
    let texts: Vec<String> = attrs.iter().filter_map(doc_text).collect();
    let opening = texts.is_empty().then(|| docs(&[&format!("Calls `{}`.", procedure.ident)]));
    let what = match (&procedure.output.error, procedure.options.oneway) {
        (Some(_), _) => {
            "What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer."
        }
        (None, true) => "What keeps it from being sent.",
        (None, false) => "Why there is no answer.",
    };
    let errors = (!texts.iter().any(|text| text.trim() == "# Errors")).then(|| docs(&["", "# Errors", what]));
    quote!(#(#attrs)* #opening #errors)
}

/// Documentation in lines, as an author would write it.
fn docs(lines: &[&str]) -> TokenStream {
    let lines = lines.iter().map(|line| if line.is_empty() { String::new() } else { format!(" {line}") });
    quote!(#(#[doc = #lines])*)
}

fn doc_text(attr: &Attribute) -> Option<String> {
    match &attr.meta {
        syn::Meta::NameValue(syn::MetaNameValue {
            path,
            value: syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }),
            ..
        }) if path.is_ident("doc") => Some(text.value()),
        _ => None,
    }
}

impl Procedure {
    /// The return type in the trait that servers implement: nothing, where the reply comes later.
    pub(crate) fn served_output(&self) -> TokenStream {
        if self.token.is_some() { TokenStream::new() } else { self.output.declared() }
    }

    /// The type of its result as a value.
    fn result_type(&self) -> TokenStream {
        let value = value_type(self.output.value.as_ref());
        match &self.output.error {
            Some(error) => quote!(::core::result::Result<#value, #error>),
            None => value,
        }
    }
}

/// Ends a stub whose procedure leaves its reply to be made later: `run` calls it with its token, `body` is what writes the result
/// `__result`, and `resume` what comes before.
fn later(procedure: &Procedure, run: &TokenStream, resume: &TokenStream, body: &TokenStream) -> TokenStream {
    let result = procedure.result_type();
    quote! {
        fn __encode(
            __call: &mut ::nearcall::rt::Incoming<'_>,
            __result: #result,
        ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
            #resume
            #body
        }
        let (__token, __parking) = __call.defer::<#result>(__encode);
        #run;
        __parking.park()
    }
}

impl Output {
    /// The return type as the trait has it.
    pub(crate) fn declared(&self) -> TokenStream {
        match (&self.value, &self.error) {
            (None, None) => TokenStream::new(),
            (Some(value), None) => quote!(-> #value),
            (value, Some(error)) => {
                let value = value_type(value.as_ref());
                quote!(-> ::core::result::Result<#value, #error>)
            }
        }
    }
}
