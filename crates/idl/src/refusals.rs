//! The store of everything that is wrong, so that an author sees it all in one go.
//!
//! A refusal says what cannot be, at the place where it stands, and what to do instead. Nothing stops at the first one;
//! what was refused is left out or replaced by something harmless, so that it does not cause a second refusal.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::ToTokens;

/// Refusals in the order in which they were found, which is the order of the source.
#[derive(Debug, Default)]
pub struct Refusals(Option<syn::Error>);

impl Refusals {
    /// Refuses `what` at the tokens `at`; `hint` says what to write instead.
    pub fn refuse(&mut self, at: impl ToTokens, what: impl Display, hint: impl Display) {
        self.syntax(syn::Error::new_spanned(at, format!("{what}\nhint: {hint}")));
    }

    /// Takes over an error of the parser, which has no better advice than the grammar.
    pub fn syntax(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(all) => all.combine(error),
            none => *none = Some(error),
        }
    }

    /// All of them as `compile_error!`s, each with its span; `None` if there are none.
    #[must_use]
    pub fn into_compile_errors(self) -> Option<TokenStream> {
        self.0.map(syn::Error::into_compile_error)
    }

    /// All of them in one error.
    ///
    /// # Errors
    /// If anything was refused.
    pub fn into_result(self) -> syn::Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}
