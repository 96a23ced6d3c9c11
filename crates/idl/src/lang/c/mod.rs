//! C99 from what a source text means: the same heads, frames and fingerprints as of Rust, written against nearcall-ffi.
//!
//! ```text
//! pfs.h            types, and functions that clients call and servers implement     overwritten
//! pfs_stub.h       how values of these types travel                                 overwritten
//! pfs_tables.c     what the interfaces are                                          overwritten
//! pfs_client.c     client stubs                                                     overwritten
//! pfs_server.c     server stubs                                                     overwritten
//! pfs_loop.c       what the server does with each request                           written once
//! pfs_template.c   an implementation, to be filled in                               written once
//! ```
//!
//! It knows [`Plan`](super::layout::Plan) and the types; it does not know the parser, nor the emitter of Rust. Invariant: whatever
//! passed the checks becomes C that compiles without warnings.

mod client;
mod codec;
mod names;
mod own;
mod server;
mod signatures;
mod tables;
mod types;

use std::fmt::Write;

use super::Compiled;
use super::files::{File, Side};
use super::layout::Plan;
use super::model::{Interface, Model, Procedure};
use names::Globals;
use types::Types;

/// Writing to a `String` cannot fail.
macro_rules! line {
    ($to:expr) => { $to.push('\n') };
    ($to:expr, $($text:tt)*) => {{
        use ::std::fmt::Write as _;
        let _ = writeln!($to, $($text)*);
    }};
}
pub(super) use line;

/// What all emitters need.
pub(super) struct C<'a> {
    pub(super) model: &'a Model,
    pub(super) types: Types<'a>,
    pub(super) interfaces: Vec<Named<'a>>,
    /// The beginning of names, and of the files'.
    pub(super) stem: String,
    /// The source file.
    pub(super) source: String,
}

/// An interface with its names in C.
pub(super) struct Named<'a> {
    pub(super) interface: &'a Interface,
    /// `pfs_server`, `pfs_interface`, `pfs_bind`, `pfs_serve`, `pfs_export`
    pub(super) server: String,
    pub(super) table: String,
    pub(super) bind: String,
    pub(super) serve: String,
    pub(super) export: String,
    pub(super) procedures: Vec<NamedProcedure<'a>>,
}

pub(super) struct NamedProcedure<'a> {
    pub(super) procedure: &'a Procedure,
    /// The function that clients call.
    pub(super) function: String,
    /// The function by which servers reply later.
    pub(super) later: String,
    /// The member of the server's table.
    pub(super) member: String,
    pub(super) plan: Plan<'a>,
}

impl<'a> C<'a> {
    fn of(model: &'a Model, stem: &str, source: &str) -> Self {
        let mut globals = Globals::default();
        let mut types = Types::of(model, stem, &mut globals);
        let interfaces = model.interfaces.iter().map(|interface| {
            let own = &interface.name;
            // The file that was asked for is the first that was read.
            let is_apart = interface.span.file != 0 || names::is_family(own);
            let prefix = if is_apart { format!("{stem}_{own}") } else { own.clone() };
            let mut global = |suffix: &str| globals.claim(&format!("{prefix}_{suffix}"));
            let (server, table, bind, serve, export) =
                (global("server"), global("interface"), global("bind"), global("serve"), global("export"));
            let procedures = interface.procedures.iter().map(|procedure| {
                let rest = procedure.name.strip_prefix(own).and_then(|rest| rest.strip_prefix('_'));
                let plan = Plan::of(procedure, &model.defs);
                let function = globals.claim(&format!("{prefix}_{}", rest.unwrap_or(&procedure.name)));
                let later = if procedure.options.deferred {
                    globals.claim(&format!("{function}_reply"))
                } else {
                    String::new()
                };
                NamedProcedure { procedure, function, later, member: String::new(), plan }
            });
            let procedures = procedures.collect();
            Named { interface, server, table, bind, serve, export, procedures }
        });
        let mut interfaces: Vec<Named<'_>> = interfaces.collect();
        types.globals = globals;
        for interface in &mut interfaces {
            let members = types.members(interface.procedures.iter().map(|named| &named.procedure.name));
            for (named, member) in interface.procedures.iter_mut().zip(members) {
                named.member = member;
            }
        }
        Self { model, types, interfaces, stem: stem.to_owned(), source: source.to_owned() }
    }

    /// What a file begins with.
    fn opening(&self, what: &str) -> String {
        format!(
            "/* {what} From {}, by the interface compiler of nearcall. Changes are lost when it runs again. */\n",
            self.source
        )
    }
}

impl Compiled {
    /// The files in C.
    #[must_use]
    pub fn c_files(&self, side: Side) -> Vec<File> {
        let stem = self.module();
        let c = C::of(&self.model, &stem, &super::files::short(&self.name));
        let file =
            |suffix: &str, text: String, is_authors: bool| File { name: format!("{stem}{suffix}"), text, is_authors };
        let client = client::client(&c);
        let server = (side == Side::Both && !c.interfaces.is_empty()).then(|| server::server(&c));
        let stubs = codec::header(&c, &[&client, server.as_deref().unwrap_or_default()]);
        let mut files = vec![
            file(".h", types::header(&c), false),
            file("_stub.h", stubs, false),
            file("_tables.c", tables::tables(&c), false),
            file("_client.c", client, false),
        ];
        if let Some(server) = server {
            files.push(file("_server.c", server, false));
            files.push(file("_loop.c", own::loops(&c), true));
            files.push(file("_template.c", own::template(&c), true));
        }
        files
    }
}

/// Statements as deep as the braces around them.
fn indented(text: &str) -> String {
    let (mut out, mut depth) = (String::new(), 0_usize);
    for line in text.lines().map(str::trim) {
        let is_label = line.ends_with(':') && !line.contains(' ');
        let deep = depth.saturating_sub(usize::from(line.starts_with('}') || is_label));
        if !line.is_empty() {
            let _ = write!(out, "{:1$}{line}", "", deep.saturating_mul(4));
        }
        out.push('\n');
        depth = depth.saturating_add(line.matches('{').count()).saturating_sub(line.matches('}').count());
    }
    out
}

/// A comment of documentation, with nothing in it that ends it early.
fn docs(lines: &[String], indent: &str) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let mut text = String::new();
    for (i, line) in lines.iter().enumerate() {
        let line = line.replace("*/", "* /").replace("/*", "/ *");
        let _ = write!(text, "{indent}{} {}", if i == 0 { "/*" } else { " *" }, line.trim());
        text.truncate(text.trim_end().len());
        text.push_str(if i + 1 == lines.len() { " */\n" } else { "\n" });
    }
    text
}
