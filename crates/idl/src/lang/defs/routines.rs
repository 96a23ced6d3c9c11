//! What a server implements under its own names and with its own types, and further names of the client's methods.
//!
//! ```text
//! NameClient::userprefix_routine ─▶ NameClient::routine ═══▶ NameServer ─▶ Name for NameServed<T>
//!                                                                             │ intran, then
//!                                                                             ▼ outtran, destructor
//!                                                            NameRoutines::serverprefix_routine of T
//! ```

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use quote::quote;

use super::super::lower;
use super::super::model::{Form, Interface, Model};
use super::types::Translation;
use crate::ir;

/// One routine, beside what the stubs need of it.
#[derive(Debug)]
pub(super) struct Routine {
    pub(super) id: u32,
    /// What the server calls it.
    pub(super) server: String,
    /// What the client calls it, too.
    pub(super) user: Option<String>,
    /// For each parameter, the place of its translation.
    pub(super) translated: Vec<Option<usize>>,
}

/// All of them.
#[derive(Debug)]
pub(in super::super) struct Routines {
    pub(super) routines: Vec<Routine>,
    pub(super) translations: Vec<Translation>,
}

/// One routine's parts.
#[derive(Default)]
struct Parts {
    /// The server's parameters.
    params: Vec<TokenStream>,
    /// Before the call.
    before: Vec<TokenStream>,
    arguments: Vec<TokenStream>,
    /// When it has succeeded.
    succeeded: Vec<TokenStream>,
    failed: Vec<TokenStream>,
    /// Whatever became of it.
    after: Vec<TokenStream>,
}

impl Routines {
    /// The items for the interface of `model`.
    ///
    /// # Errors
    /// What the checks of traits refuse, as [`lower::module`] says it.
    pub(in super::super) fn emit(&self, model: &Model) -> syn::Result<TokenStream> {
        let mut all = TokenStream::new();
        for interface in &model.interfaces {
            all.extend(self.interface(interface, &lower::interface_ir(interface, &model.defs)?, model));
        }
        Ok(all)
    }

    fn interface(&self, interface: &Interface, read: &ir::Interface, model: &Model) -> TokenStream {
        let name = lower::ident(&interface.rust);
        let of = |suffix: &str| lower::ident(&format!("{}{suffix}", interface.rust));
        let (routines, served, client) = (of("Routines"), of("Served"), of("Client"));
        let (mut declared, mut methods, mut further) = (Vec::new(), Vec::new(), Vec::new());
        for ((routine, procedure), said) in self.routines.iter().zip(&read.procedures).zip(&interface.procedures) {
            let (ident, own) = (&procedure.ident, lower::ident(&routine.server));
            let output = procedure.output.declared();
            let doc = &procedure.attrs;
            let parts = self.parts(routine, procedure, said.params.iter().map(|param| &param.form));
            let Parts { params, before, arguments, succeeded, failed, after } = parts;
            declared.push(quote!(#(#doc)* fn #own(&self, #(#params),*) #output;));
            let served = procedure.params.iter().map(|param| {
                let (ident, served) = (&param.ident, &param.served);
                quote!(#ident: #served)
            });
            let call = quote!(#routines::#own(&self.0, #(#arguments),*));
            let ends = if procedure.output.error.is_none() {
                quote!(#call; #(#succeeded)* #(#after)*)
            } else {
                quote!(let __done = #call; if __done.is_ok() { #(#succeeded)* } else { #(#failed)* } #(#after)* __done)
            };
            methods.push(quote!(fn #ident(&self, #(#served),*) #output { #(#before)* #ends }));
            further.extend(routine.user.as_ref().map(|user| {
                let user = lower::ident(user);
                let (params, names): (Vec<_>, Vec<_>) = procedure
                    .params
                    .iter()
                    .map(|param| {
                        let (ident, declared) = (&param.ident, &param.declared);
                        (quote!(#ident: #declared), quote!(#ident))
                    })
                    .unzip();
                let error = match &procedure.output.error {
                    Some(error) => quote!(#error),
                    None => quote!(::core::convert::Infallible),
                };
                let text = format!("[`Self::{ident}`], under the name that its source gives to clients.");
                quote! {
                    #[doc = #text]
                    ///
                    /// # Errors
                    /// As there.
                    pub fn #user(&self, #(#params),*) -> ::core::result::Result<(), ::nearcall::CallError<#error>> {
                        self.#ident(#(#names),*)
                    }
                }
            }));
        }
        let translations = self.translations(model);
        let (about, wraps) = (
            format!("What a server of `{name}` implements: under its own names, with its own types."),
            format!("Serves a [`{routines}`] as a [`{name}`]."),
        );
        quote! {
            #[doc = #about]
            pub trait #routines {
                #translations
                #(#declared)*
            }

            #[doc = #wraps]
            #[derive(Debug, Clone, Default)]
            pub struct #served<T>(pub T);

            impl<T: #routines> #name for #served<T> {
                #(#methods)*
            }

            impl #client {
                #(#further)*
            }
        }
    }

    fn parts<'a>(&self, routine: &Routine, procedure: &ir::Procedure, forms: impl Iterator<Item = &'a Form>) -> Parts {
        let mut parts = Parts::default();
        for ((param, form), at) in procedure.params.iter().zip(forms).zip(&routine.translated) {
            let (ident, served) = (&param.ident, &param.served);
            let Some(translation) = at.and_then(|at| self.translations.get(at)) else {
                parts.params.push(quote!(#ident: #served));
                parts.arguments.push(quote!(#ident));
                continue;
            };
            let own = lower::ident(&format!("__{}", ident.to_string().trim_start_matches("r#")));
            let (server, call) =
                (lower::ident(&translation.rust()), |function: &Option<String>, argument: TokenStream| {
                    let function = function.as_deref().map(lower::ident);
                    function.map(|function| quote!(self.0.#function(#argument)))
                });
            let read = if matches!(form, Form::Value) { quote!(#ident) } else { quote!(*#ident) };
            if matches!(form, Form::Value | Form::Ref) {
                let translated = call(&translation.intran, read);
                parts.before.push(quote!(let #own = #translated;));
                parts.params.push(quote!(#ident: &Self::#server));
                parts.arguments.push(quote!(&#own));
                let ended = call(&translation.destructor, quote!(#own));
                parts.after.extend(ended.map(|ended| quote!(#ended;)));
                continue;
            }
            let first = match form {
                Form::InOut => call(&translation.intran, read),
                _ => Some(quote!(::core::default::Default::default())),
            };
            parts.before.push(quote!(let mut #own = #first;));
            parts.params.push(quote!(#ident: &mut Self::#server));
            parts.arguments.push(quote!(&mut #own));
            let back = call(&translation.outtran, quote!(#own));
            parts.succeeded.push(quote!(*#ident = #back;));
            if matches!(form, Form::InOut) {
                let ended = call(&translation.destructor, quote!(#own));
                parts.failed.extend(ended.map(|ended| quote!(#ended;)));
            }
        }
        parts
    }

    /// The server's types, and the functions between them and those that travel.
    fn translations(&self, model: &Model) -> TokenStream {
        let mut types: BTreeMap<String, bool> = BTreeMap::new();
        let mut functions: BTreeMap<&str, TokenStream> = BTreeMap::new();
        for translation in &self.translations {
            let rust = translation.rust();
            let (server, wire) = (lower::ident(&rust), lower::ty(&translation.wire, &model.defs));
            *types.entry(rust).or_default() |= translation.is_out;
            for (function, signature, what) in [
                (
                    &translation.intran,
                    quote!((&self, value: #wire) -> Self::#server),
                    "What came, in the server's type.",
                ),
                (&translation.outtran, quote!((&self, value: Self::#server) -> #wire), "What goes back."),
                (
                    &translation.destructor,
                    quote!((&self, value: Self::#server)),
                    "The procedure has returned, and nobody needs it.",
                ),
            ] {
                if let Some(function) = function {
                    let ident = lower::ident(function);
                    functions.entry(function).or_insert_with(|| quote!(#[doc = #what] fn #ident #signature;));
                }
            }
        }
        let types = types.iter().map(|(name, is_out)| {
            let ident = lower::ident(name);
            let bound = is_out.then(|| quote!(: ::core::default::Default));
            quote!(#[doc = "A type of the server's own."] type #ident #bound;)
        });
        let functions = functions.values();
        quote!(#(#types)* #(#functions)*)
    }
}

impl Translation {
    /// The server's type in Rust.
    fn rust(&self) -> String {
        super::super::names::camel(&self.server)
    }
}
