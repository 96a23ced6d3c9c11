//! From what a text means to Rust: types, constants, and for each interface the trait that says the same.
//!
//! The trait goes through the same parser, checks and emitter as one that an author wrote. So there is one source IR and one
//! set of stubs, and a trait and the `.idl` that describes the same have equal fingerprints by construction.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::quote;
use syn::ItemTrait;

use super::model::{Arm, Const, Def, DefKind, Field, Form, Interface, Model, OutLength, Param, Procedure, Type, Value};
use crate::ir::{self, BackEnd, Exhausted};
use crate::refusals::Refusals;

/// All of it, as the items of one module.
///
/// # Errors
/// What the checks of traits refuse, with the place of its interface in `model`. The checks of the text are meant to find
/// it first.
pub(crate) fn module(model: &Model, back_end: BackEnd) -> Result<TokenStream, (super::source::Span, syn::Error)> {
    let defs = &model.defs;
    let types = defs.iter().map(|def| definition(def, defs));
    let aliases = model.aliases.iter().map(|alias| {
        let (docs, name, ty) = (docs(&alias.docs), ident(&alias.rust), ty(&alias.ty, defs));
        quote!(#docs pub type #name = #ty;)
    });
    let consts = model.consts.iter().map(constant);
    let interfaces = model
        .interfaces
        .iter()
        .map(|interface| {
            interface_ir(interface, defs)
                .map(|ir| crate::emit::interface(&ir, back_end))
                .map_err(|error| (interface.span, error))
        })
        .collect::<Result<Vec<TokenStream>, _>>()?;
    Ok(quote! {
        #(#consts)*
        #(#aliases)*
        #(#types)*
        #(#interfaces)*
    })
}

/// The source IR of an interface: what the trait macro would have read.
pub(crate) fn interface_ir(interface: &Interface, defs: &[Def]) -> syn::Result<ir::Interface> {
    let item: ItemTrait = syn::parse2(trait_of(interface, defs))?;
    let mut refusals = Refusals::default();
    let mut read = crate::parse::interface(item, &mut refusals);
    read.uuid = interface.uuid;
    read.version = interface.version;
    for (procedure, said) in read.procedures.iter_mut().zip(&interface.procedures) {
        procedure.origin = Some(said.origin.clone());
    }
    crate::check::interface(&read, &mut refusals);
    refusals.into_result().map(|()| read)
}

/// The trait that says what `interface` says.
fn trait_of(interface: &Interface, defs: &[Def]) -> TokenStream {
    let (name, doc) = (ident(&interface.rust), docs(&interface.docs));
    let methods = interface.procedures.iter().map(|procedure| {
        let (name, doc) = (ident(&procedure.name), docs(&procedure.docs));
        let call = call(procedure);
        let params = procedure.params.iter().map(|param| self::param(param, defs));
        let output = output(procedure, defs);
        if procedure.options.deferred {
            let token = ident(token(procedure));
            let params = params.chain([quote!(#token: ::nearcall::ReplyToken<#output>)]);
            return quote!(#doc #call fn #name(&self, #(#params),*););
        }
        let output = (!output.is_empty()).then(|| quote!(-> #output));
        quote!(#doc #call fn #name(&self, #(#params),*) #output;)
    });
    quote!(#doc pub trait #name { #(#methods)* })
}

fn call(procedure: &Procedure) -> Option<TokenStream> {
    let options = &procedure.options;
    let mut keys = Vec::new();
    if let Some(concurrency) = options.concurrency {
        let concurrency = Literal::u16_unsuffixed(concurrency);
        keys.push(quote!(concurrency = #concurrency));
    }
    if let Some(exhausted) = options.exhausted {
        let text = match exhausted {
            Exhausted::Wait => "wait".to_owned(),
            Exhausted::Fail => "fail".to_owned(),
            Exhausted::Grow(most) => format!("grow({most})"),
        };
        keys.push(quote!(exhausted = #text));
    }
    if let Some(timeout) = &options.timeout {
        keys.push(quote!(timeout = #timeout));
    }
    if let Some(astack) = options.astack {
        let astack = Literal::u32_unsuffixed(astack);
        keys.push(quote!(astack = #astack));
    }
    if let Some(max) = options.max {
        let max = Literal::u32_unsuffixed(max);
        keys.push(quote!(max = #max));
    }
    for (is_said, key) in
        [(options.idempotent, quote!(idempotent)), (options.oneway, quote!(oneway)), (options.handoff, quote!(handoff))]
    {
        keys.extend(is_said.then_some(key));
    }
    (!keys.is_empty()).then(|| quote!(#[call(#(#keys),*)]))
}

fn param(param: &Param, defs: &[Def]) -> TokenStream {
    let (name, ty) = (ident(&param.name), ty(&param.ty, defs));
    let max = param.max.map(|max| {
        let max = Literal::u32_unsuffixed(max);
        quote!(#[max(#max)])
    });
    match &param.form {
        Form::Value => quote!(#max #name: #ty),
        Form::Ref => quote!(#max #name: &#ty),
        Form::Text => quote!(#max #name: &str),
        Form::Slice => quote!(#max #name: &[#ty]),
        Form::InPlace => quote!(#max #[in_place] #name: &[#ty]),
        Form::InOut => quote!(#max #name: &mut #ty),
        Form::InOutSlice => quote!(#max #name: &mut [#ty]),
        Form::Out => quote!(#max #[out] #name: &mut #ty),
        Form::OutSlice(length) => {
            let length = match length {
                OutLength::All => quote!(#[out]),
                OutLength::Return => quote!(#[out(len = return)]),
                OutLength::Param(length) => {
                    let length = ident(length);
                    quote!(#[out(len = #length)])
                }
            };
            quote!(#max #length #name: &mut [#ty])
        }
    }
}

/// What the token for its reply is called.
fn token(procedure: &Procedure) -> &'static str {
    let names = ["reply", "reply_token", "the_reply"];
    let is_free = |name: &&&str| procedure.params.iter().all(|param| param.name != **name);
    names.iter().find(is_free).copied().unwrap_or("a_reply_token")
}

fn output(procedure: &Procedure, defs: &[Def]) -> TokenStream {
    let value = procedure.output.as_ref().map(|output| ty(output, defs));
    match (&value, &procedure.error) {
        (None, None) if procedure.options.deferred => quote!(()),
        (None, None) => TokenStream::new(),
        (Some(value), None) => quote!(#value),
        (value, Some(error)) => {
            let error = ty(error, defs);
            let value = value.clone().unwrap_or_else(|| quote!(()));
            quote!(::core::result::Result<#value, #error>)
        }
    }
}

/// A type in Rust.
pub(crate) fn ty(of: &Type, defs: &[Def]) -> TokenStream {
    let bounded = |inner: TokenStream, bound: &Option<u32>| match bound {
        Some(most) => {
            let most = Literal::u32_unsuffixed(*most);
            quote!(::nearcall::Bounded<#inner, #most>)
        }
        None => inner,
    };
    match of {
        Type::Bool => quote!(bool),
        Type::Wide => quote!(char),
        Type::Int { size, signed } => {
            let name = Ident::new(&format!("{}{}", if *signed { 'i' } else { 'u' }, u32::from(*size) * 8), here());
            quote!(#name)
        }
        Type::Float { size } => {
            let name = Ident::new(if *size == 4 { "f32" } else { "f64" }, here());
            quote!(#name)
        }
        Type::Text(bound) => bounded(quote!(::std::string::String), bound),
        Type::Seq(item, bound) => {
            let item = ty(item, defs);
            bounded(quote!(::std::vec::Vec<#item>), bound)
        }
        Type::Optional(item) => {
            let item = ty(item, defs);
            quote!(::core::option::Option<#item>)
        }
        Type::Array(item, count) => {
            let (item, count) = (ty(item, defs), Literal::u32_unsuffixed(*count));
            quote!([#item; #count])
        }
        Type::Def(at) => {
            let name = defs.get(*at).map_or_else(|| ident("_"), |def| ident(&def.rust));
            quote!(#name)
        }
    }
}

/// A value of a type that has none yet. Arrays of more than 32 items have no `Default`.
fn initial(of: &Type) -> TokenStream {
    match of {
        Type::Array(item, _) => {
            let item = initial(item);
            quote!(::core::array::from_fn(|_| #item))
        }
        _ => quote!(::core::default::Default::default()),
    }
}

fn definition(def: &Def, defs: &[Def]) -> TokenStream {
    let (docs, name) = (docs(&def.docs), ident(&def.rust));
    let copy = def.layout.is_fixed().then(|| quote!(Copy,));
    let eq = def.layout.is_eq.then(|| quote!(Eq,));
    match &def.kind {
        DefKind::Struct { fields, .. } => structure(def, fields, defs),
        DefKind::Enum { variants, signed } => {
            let repr = Ident::new(if *signed { "i32" } else { "u32" }, here());
            let variants = variants.iter().enumerate().map(|(i, variant)| {
                let (docs, name) = (self::docs(&variant.docs), ident(&variant.rust));
                let value = number(variant.value);
                let default = (i == 0).then(|| quote!(#[default]));
                quote!(#docs #default #name = #value)
            });
            quote! {
                #docs
                #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ::nearcall::Wire)]
                #[repr(#repr)]
                pub enum #name { #(#variants),* }
            }
        }
        DefKind::Union { size, signed, arms } => {
            let repr = Ident::new(&format!("{}{}", if *signed { 'i' } else { 'u' }, u32::from(*size) * 8), here());
            let variants = arms.iter().map(|arm| {
                let (docs, name) = (self::docs(&arm.docs), ident(&arm.rust));
                let value = number(arm.value);
                let fields = arm.ty.as_ref().map(|ty| {
                    let ty = self::ty(ty, defs);
                    quote!((#ty))
                });
                quote!(#docs #name #fields = #value)
            });
            let first = arms.first().map(|Arm { rust, ty, .. }| {
                let name = ident(rust);
                let value = ty.as_ref().map(|ty| {
                    let value = initial(ty);
                    quote!((#value))
                });
                quote!(Self::#name #value)
            });
            quote! {
                #docs
                #[derive(Debug, Clone, #copy PartialEq, #eq ::nearcall::Wire)]
                #[repr(#repr)]
                pub enum #name { #(#variants),* }

                impl ::core::default::Default for #name {
                    fn default() -> Self { #first }
                }
            }
        }
    }
}

fn structure(def: &Def, fields: &[Field], defs: &[Def]) -> TokenStream {
    let (doc, name) = (docs(&def.docs), ident(&def.rust));
    let copy = def.layout.is_fixed().then(|| quote!(Copy,));
    let eq = def.layout.is_eq.then(|| quote!(Eq,));
    let members = fields.iter().map(|field| {
        let (docs, name, ty) = (docs(&field.docs), ident(&field.name), ty(&field.ty, defs));
        quote!(#docs pub #name: #ty)
    });
    let initials = fields.iter().map(|field| {
        let (name, value) = (ident(&field.name), initial(&field.ty));
        quote!(#name: #value)
    });
    let wire = (!def.layout.is_plain).then(|| quote!(::nearcall::Wire));
    let item = quote! {
        #doc
        #[derive(Debug, Clone, #copy PartialEq, #eq #wire)]
        pub struct #name { #(#members),* }
    };
    let item = if def.layout.is_plain { crate::plain(TokenStream::new(), item) } else { item };
    quote! {
        #item

        impl ::core::default::Default for #name {
            fn default() -> Self { Self { #(#initials),* } }
        }
    }
}

fn constant(constant: &Const) -> TokenStream {
    let (docs, name) = (docs(&constant.docs), ident(&constant.name));
    let ty = match &constant.ty {
        Type::Text(_) => quote!(&str),
        other => ty(other, &[]),
    };
    let value = match &constant.value {
        Value::Int(int) => Literal::i128_unsuffixed(*int).to_string(),
        // The shortest text that is read as the same number again.
        Value::Float(float) => format!("{float:?}"),
        Value::Bool(bool) => bool.to_string(),
        Value::Text(text) => Literal::string(text).to_string(),
        Value::Char(c) => Literal::character(char::from_u32(*c).unwrap_or_default()).to_string(),
    };
    // By way of its text, in which a negative number is two tokens.
    let value: TokenStream = value.parse().unwrap_or_default();
    quote!(#docs pub const #name: #ty = #value;)
}

/// A name, `r#` if it needs that. The checks let through only what can be one.
pub(crate) fn ident(name: &str) -> Ident {
    if super::names::is_later_word(name) {
        return Ident::new_raw(name, here());
    }
    syn::parse_str(name).unwrap_or_else(|_| Ident::new_raw(name, here()))
}

/// A number by way of its text, in which a negative one is two tokens.
fn number(value: i64) -> TokenStream {
    value.to_string().parse().unwrap_or_default()
}

fn docs(lines: &[String]) -> TokenStream {
    let lines = lines.iter().map(|line| if line.is_empty() { String::new() } else { format!(" {line}") });
    quote!(#(#[doc = #lines])*)
}

fn here() -> Span {
    Span::call_site()
}
