//! The `.idl` front end: from a source text in the style of DCE and CORBA to the source IR, and to files.
//!
//! ```text
//! text --lexer--> tokens --parser--> ast --check--> model --lower--> ir::Interface --emit--> Rust
//!                                                     |
//!                                                     +--layout--> sizes, offsets, paths, fingerprints
//! ```
//!
//! Everything that is wrong is found in one go ([`Diagnostics`]); an attribute, a type or a form that is not understood is an
//! error, never skipped. The language is described in docs/idl.md, of which a test compiles every example.
//!
//! Invariants: no text makes the compiler panic, overflow its stack or work for long (depth, operators and sizes are
//! bounded); what it accepts becomes Rust that compiles.
//!
//! A file whose name ends in `.defs` is read by `defs` instead, and goes on as a model like any other.
//!
//! What it does not do: preprocess.
//!
//! Sources: A. Haeberlen et al., "Stub-Code Performance is Becoming Important" (2000), sections 3 and 4: the language, the order of
//! parameters, and the three outputs (client stubs, server stubs, a loop that its user may change).

mod ast;
mod build;
mod c;
mod check;
mod defs;
mod diagnostics;
mod files;
pub(crate) mod layout;
mod lexer;
mod lower;
mod model;
mod names;
mod parser;
mod source;
mod values;

use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

pub use build::{build, build_conventional};
pub use diagnostics::{Diagnostic, Diagnostics};
pub use files::{File, Output, Side, WriteError};
pub use source::{MAX_SOURCE, Span};

pub use crate::ir::BackEnd;

use ast::Item;
use diagnostics::Found;
use model::Model;
use source::Sources;

/// Files of one compilation.
const MAX_FILES: usize = 64;

/// A source text that was understood, with what it imports.
#[derive(Debug)]
pub struct Compiled {
    model: Model,
    /// The file's own name, for headers.
    name: String,
    paths: Vec<PathBuf>,
    rust: String,
}

impl Compiled {
    /// The files that were read, the one that was asked for first.
    #[must_use]
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// The names of its interfaces in Rust, in order.
    pub fn interfaces(&self) -> impl Iterator<Item = &str> {
        self.model.interfaces.iter().map(|interface| interface.rust.as_str())
    }

    /// Client and server support in Rust: the content of one file.
    #[must_use]
    pub fn rust(&self) -> &str {
        &self.rust
    }

    /// How its procedures lie and travel: signatures, heads and frames in bytes, and each part's path and why.
    #[must_use]
    pub fn layout(&self) -> String {
        layout::describe(&self.model)
    }
}

/// Why a file was not compiled.
#[derive(Debug)]
#[non_exhaustive]
pub enum CompileError {
    /// The file cannot be read.
    Read(PathBuf, io::Error),
    /// It says something that cannot be.
    Refused(Diagnostics),
}

impl std::fmt::Display for CompileError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            // The cause is part of the text, and no source beside it: who shows both would say it twice.
            Self::Read(path, error) => write!(f, "error: {} cannot be read: {error}", path.display()),
            Self::Refused(diagnostics) => diagnostics.fmt(f),
        }
    }
}

impl std::error::Error for CompileError {}

/// Compiles the file at `path`, with what it imports.
///
/// # Errors
/// [`CompileError`]: it cannot be read, or everything that is wrong with it.
pub fn compile_file(path: &Path) -> Result<Compiled, CompileError> {
    compile_file_for(path, BackEnd::Optimised)
}

/// The same with the stubs of either back end.
///
/// # Errors
/// As [`compile_file`].
pub fn compile_file_for(path: &Path, back_end: BackEnd) -> Result<Compiled, CompileError> {
    let bytes = std::fs::read(path).map_err(|error| CompileError::Read(path.to_owned(), error))?;
    let load = |path: &Path| std::fs::read(path);
    compile_for(&path.to_string_lossy(), &bytes, &load, back_end).map_err(CompileError::Refused)
}

/// Compiles `text`, which diagnostics call `name`; `load` reads what it imports, by paths relative to that of `name`.
///
/// # Errors
/// Everything that is wrong with it.
pub fn compile(name: &str, text: &[u8], load: &dyn Fn(&Path) -> io::Result<Vec<u8>>) -> Result<Compiled, Diagnostics> {
    compile_for(name, text, load, BackEnd::Optimised)
}

/// The same with the stubs of either back end.
///
/// # Errors
/// As [`compile`].
pub fn compile_for(
    name: &str,
    text: &[u8],
    load: &dyn Fn(&Path) -> io::Result<Vec<u8>>,
    back_end: BackEnd,
) -> Result<Compiled, Diagnostics> {
    let (model, sources, paths, routines) = understand(name, text, load)?;
    let module = lower::module(&model, back_end).and_then(|mut tokens| {
        let further = routines.as_ref().map(|routines| routines.emit(&model)).transpose();
        // The checks of an interface have passed for its stubs already.
        tokens.extend(further.map_err(|error| (model.interfaces.first().map_or(Span::NONE, |one| one.span), error))?);
        Ok(tokens)
    });
    match module {
        Ok(tokens) => {
            let rust = files::rust(name, &tokens);
            Ok(Compiled { model, name: name.to_owned(), paths, rust })
        }
        Err((span, error)) => {
            let mut found = Found::default();
            for error in error {
                let text = error.to_string();
                let (what, hint) = text.split_once("\nhint: ").unwrap_or((&text, ""));
                found.error(span, what, hint);
            }
            Err(found.finish(&sources))
        }
    }
}

/// Says what is wrong with `text`, as [`compile`] does, without compiling it.
///
/// # Errors
/// Everything that is wrong with it.
pub fn check(name: &str, text: &[u8], load: &dyn Fn(&Path) -> io::Result<Vec<u8>>) -> Result<(), Diagnostics> {
    understand(name, text, load).map(drop)
}

type Understood = (Model, Arc<Sources>, Vec<PathBuf>, Option<defs::Routines>);

fn understand(name: &str, text: &[u8], load: &dyn Fn(&Path) -> io::Result<Vec<u8>>) -> Result<Understood, Diagnostics> {
    if defs::is_one(name) {
        let (model, sources, paths, routines) = defs::understand(name, text, load)?;
        return Ok((model, sources, paths, Some(routines)));
    }
    let mut reader =
        Reader { sources: Sources::default(), found: Found::default(), files: Vec::new(), paths: Vec::new(), load };
    reader.file(name, text);
    let Reader { sources, mut found, files, paths, .. } = reader;
    let sources = Arc::new(sources);
    // What could be read is checked all the same, so that everything is reported at once.
    found.end_of_reading();
    let model = check::check(&files, &sources, &mut found);
    if found.is_empty() { Ok((model, sources, paths, None)) } else { Err(found.finish(&sources)) }
}

/// Reads a file and, before it, what it imports; each once.
struct Reader<'a> {
    sources: Sources,
    found: Found,
    /// The stem of each file and its items, imports first.
    files: Vec<(String, Vec<Item>)>,
    paths: Vec<PathBuf>,
    load: &'a dyn Fn(&Path) -> io::Result<Vec<u8>>,
}

impl Reader<'_> {
    fn file(&mut self, name: &str, bytes: &[u8]) {
        let (text, wrong) = match std::str::from_utf8(bytes) {
            Ok(text) => (text.to_owned(), None),
            Err(error) => (String::from_utf8_lossy(bytes).into_owned(), Some(error.valid_up_to())),
        };
        let size = text.len();
        let file = self.sources.add(name, text);
        self.paths.push(PathBuf::from(name));
        let at = |at: usize| Span { file, start: u32::try_from(at).unwrap_or(0), end: u32::try_from(at).unwrap_or(0) };
        if let Some(wrong) = wrong {
            self.found.error(at(wrong), "this is not UTF-8", "save the file as UTF-8");
            return;
        }
        if size > MAX_SOURCE {
            let what = format!("the file has {size} bytes; {MAX_SOURCE} is the most");
            self.found.error(at(0), what, "divide it, and `import` the parts");
            return;
        }
        let items = parser::file(file, &self.sources, &mut self.found);
        for item in &items {
            if let Item::Import(import) = item {
                self.import(name, import);
            }
        }
        let stem = Path::new(name).file_stem().map_or_else(String::new, |stem| names::module(&stem.to_string_lossy()));
        self.files.push((stem, items));
    }

    fn import(&mut self, from: &str, import: &ast::Import) {
        let path = plain(&Path::new(from).parent().unwrap_or(Path::new("")).join(&import.path));
        let name = path.to_string_lossy().into_owned();
        // Files that import each other are read once; what is used before it is known is refused where it is used.
        if self.paths.iter().any(|known| plain(known) == path) {
            return;
        }
        if self.paths.len() >= MAX_FILES {
            self.found.error(import.span, format!("more than {MAX_FILES} files"), "put some of them together");
            return;
        }
        match (self.load)(&path) {
            Ok(bytes) => self.file(&name, &bytes),
            Err(error) => {
                let what = format!("{} cannot be read: {error}", path.display());
                self.found.error(import.span, what, "the path is relative to the file that imports it");
            }
        }
    }
}

/// `path` without `.` and without what `..` leads out of, so that a file has one name however it is imported. Links are not
/// followed: what is imported may be in memory.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}
