//! The files that come out: support, which is written anew each time, and the loop and the template, which belong to their
//! author from the first time on.
//!
//! ```text
//! pfs.rs            types, the trait, client, server                   overwritten
//! pfs_loop.rs       what the server does with each request             written once
//! pfs_template.rs   an implementation of the trait, to be filled in    written once
//! ```

use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};

use proc_macro2::TokenStream;
use quote::ToTokens;

use super::Compiled;
use super::lower;
use super::model::Interface;

/// One file that comes out.
#[derive(Debug, Clone)]
pub struct File {
    /// Its name, without a directory.
    pub name: String,
    /// What is in it.
    pub text: String,
    /// Whether its author may change it: then it is not written where it is already.
    pub is_authors: bool,
}

/// Which files are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Support, loop and template.
    Both,
    /// Support alone: a program that only calls.
    Client,
}

/// What was written, and what was left as it was.
#[derive(Debug, Default)]
pub struct Output {
    /// Files that were written.
    pub written: Vec<PathBuf>,
    /// Files that exist and belong to their author.
    pub kept: Vec<PathBuf>,
}

/// A file cannot be written.
#[derive(Debug)]
pub struct WriteError {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

impl std::fmt::Display for WriteError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "error: {} cannot be written: {}", self.path.display(), self.source)
    }
}

impl std::error::Error for WriteError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

impl Compiled {
    /// The files in Rust.
    #[must_use]
    pub fn files(&self, side: Side) -> Vec<File> {
        let stem = self.module();
        let mut files = vec![File { name: format!("{stem}.rs"), text: self.rust.clone(), is_authors: false }];
        if side == Side::Both && !self.model.interfaces.is_empty() {
            files.push(File { name: format!("{stem}_loop.rs"), text: self.loops(), is_authors: true });
            files.push(File { name: format!("{stem}_template.rs"), text: self.template(), is_authors: true });
        }
        files
    }

    /// Writes the files into the directory `to`. Those that belong to their author are not overwritten, and those that
    /// would not change are not touched.
    ///
    /// # Errors
    /// [`WriteError`], for the first file that cannot be written.
    pub fn write(&self, to: &Path, side: Side) -> Result<Output, WriteError> {
        write(&self.files(side), to)
    }

    /// The same in C.
    ///
    /// # Errors
    /// [`WriteError`], for the first file that cannot be written.
    pub fn write_c(&self, to: &Path, side: Side) -> Result<Output, WriteError> {
        write(&self.c_files(side), to)
    }

    /// The name of the module that the support is.
    pub(super) fn module(&self) -> String {
        super::names::module(&self.model.stem)
    }

    /// The loop of each interface.
    fn loops(&self) -> String {
        let module = lower::ident(&self.module());
        let mut text = format!(
            "//! What a server does with each request of {}. It is yours: change it; the compiler does not write it again.\n\
             //!\n\
             //! A processor of the server runs `call` for every request: it has received the request and taken it up, and\n\
             //! sends the reply when `call` returns. In between is the place for what concerns all procedures: who may call\n\
             //! which of them, how many run at once, what is counted. `nearcall::current()` tells who calls, and how long it\n\
             //! waits. Until the procedure's stub runs, nothing of the request has been looked at but the procedure's number.\n\n\
             use nearcall::rt::{{Incoming, Interface, Refusal, Service}};\n\n",
            short(&self.name)
        );
        for interface in &self.model.interfaces {
            let Interface { rust, .. } = interface;
            let _ = write!(
                text,
                "use super::{module}::{{{rust}, {rust}Server}};\n\n\
                 /// Serves `{rust}`.\n\
                 #[derive(Debug)]\n\
                 pub struct {rust}Loop<T> {{\n    stubs: {rust}Server<T>,\n}}\n\n\
                 impl<T: {rust} + Send + Sync + 'static> {rust}Loop<T> {{\n    \
                     /// Serves `imp`: for `nearcall::export` and `nearcall::Exporter`.\n    \
                     pub const fn new(imp: T) -> Self {{\n        Self {{ stubs: {rust}Server::new(imp) }}\n    }}\n}}\n\n\
                 impl<T: {rust} + Send + Sync + 'static> Service for {rust}Loop<T> {{\n    \
                     fn interface(&self) -> &'static Interface {{\n        self.stubs.interface()\n    }}\n\n    \
                     fn call(&self, procedure: u16, call: &mut Incoming<'_>) -> Result<(), Refusal> {{\n        \
                         // The request has been received, and `procedure` is the key that came with it.\n        \
                         self.stubs.call(procedure, call)\n        \
                         // The procedure has run, or was refused; the reply is made and leaves now.\n    }}\n}}\n\n",
            );
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
        text
    }

    /// An implementation to be filled in.
    fn template(&self) -> String {
        let module = lower::ident(&self.module());
        let mut text = format!(
            "//! An implementation of what {} declares. It is yours: change it; the compiler does not write it again.\n\n",
            short(&self.name)
        );
        for interface in &self.model.interfaces {
            let Ok(read) = lower::interface_ir(interface, &self.model.defs) else { continue };
            let name = &interface.rust;
            let _ = write!(
                text,
                "use super::{module}::*;\n\n/// What is served as `{name}`.\n#[derive(Debug, Default)]\npub struct My{name};\n\n"
            );
            let methods = read.procedures.iter().zip(&interface.procedures).map(|(procedure, said)| {
                let ident = &procedure.ident;
                let params = procedure.params.iter().map(|param| {
                    let (ident, served) = (&param.ident, &param.served);
                    quote::quote!(#ident: #served)
                });
                let token = procedure.token.iter().map(|(ident, ty)| quote::quote!(#ident: #ty));
                let params = params.chain(token);
                let output = procedure.served_output();
                let unused = said.params.iter().map(|param| {
                    let ident = lower::ident(&param.name);
                    quote::quote!(#ident)
                });
                let unused = unused.chain(procedure.token.iter().map(|(ident, _)| quote::quote!(#ident)));
                let what = said.name.as_str();
                quote::quote! {
                    fn #ident(&self, #(#params),*) #output {
                        let _ = (#(#unused,)*);
                        todo!(#what)
                    }
                }
            });
            let (trait_name, own_name) = (lower::ident(name), lower::ident(&format!("My{name}")));
            let item = quote::quote!(impl #trait_name for #own_name { #(#methods)* });
            text.push_str(&pretty(&item));
            text.push('\n');
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
        text
    }
}

/// Writes files into a directory: those that belong to their author only where there is none yet.
fn write(files: &[File], to: &Path) -> Result<Output, WriteError> {
    let mut output = Output::default();
    std::fs::create_dir_all(to).map_err(|source| WriteError { path: to.to_owned(), source })?;
    for file in files {
        let path = to.join(&file.name);
        let failed = |source| WriteError { path: path.clone(), source };
        if file.is_authors {
            // Asked of the file system in one step, so that no file that somebody just made is lost.
            match std::fs::File::create_new(&path) {
                Ok(mut new) => io::Write::write_all(&mut new, file.text.as_bytes()).map_err(failed)?,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    output.kept.push(path);
                    continue;
                }
                Err(error) => return Err(failed(error)),
            }
        } else if std::fs::read(&path).ok().as_deref() != Some(file.text.as_bytes()) {
            std::fs::write(&path, &file.text).map_err(failed)?;
        }
        output.written.push(path);
    }
    Ok(output)
}

/// The support: all items in a module of their own, so that lints can be switched off for it.
pub(crate) fn rust(name: &str, tokens: &TokenStream) -> String {
    let short = short(name);
    let module = quote::quote! {
        #[allow(
            missing_docs,
            dead_code,
            unreachable_pub,
            unused_imports,
            unused_qualifications,
            non_snake_case,
            non_camel_case_types,
            non_upper_case_globals,
            clippy::all,
            clippy::pedantic,
            clippy::nursery,
            reason = "names are those of the interface, and a program may use one side of it only"
        )]
        mod __idl {
            #tokens
        }
        pub use __idl::*;
    };
    format!(
        "// From {short}, by the interface compiler of nearcall. Changes are lost when it runs again.\n\n{}",
        pretty(&module)
    )
}

/// The name of a file without its directory: what is written must not depend on where it was compiled.
pub(super) fn short(name: &str) -> String {
    Path::new(name).file_name().map_or_else(|| name.to_owned(), |name| name.to_string_lossy().into_owned())
}

fn pretty(tokens: &TokenStream) -> String {
    let text = tokens.to_token_stream().to_string();
    // What the emitter makes is Rust; a test over random interfaces says so.
    match syn::parse_file(&text) {
        Ok(file) => prettyplease::unparse(&file),
        Err(_) => text,
    }
}
