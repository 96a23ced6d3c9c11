//! The `.defs` front end: interfaces that were written for MiG, Mach's interface generator.
//!
//! ```text
//! text --text--> tokens --parser, types, arguments--> model --lower--> the same stubs as of an `.idl`
//!                                  |                                     |
//!                                  +---------- routines -----------------+--> server's own types and names
//! ```
//!
//! | `.defs` | here |
//! |---|---|
//! | `subsystem name base` | the interface `Name`; routine n has the message id base + n, which is part of its fingerprint |
//! | the request port | the binding; on the server's side the object that is served |
//! | `routine`, `simpleroutine` | a procedure that returns `Result<.., i32>`; a oneway one |
//! | `skip` | a number that nobody has |
//! | `array[n]`, `struct[n]` | an array |
//! | `array[*:n]`, `^array[]`, `c_string` | slices, `Vec`, text; a count of its own only where one comes back beside a buffer |
//! | `intran`, `outtran`, `destructor` | functions of the trait `NameRoutines`, called by `NameServed` |
//! | `ctype`, `cusertype`, `cservertype` | other names of a type; with a translation, the server's type |
//! | `serverprefix`, `userprefix` | names of methods of `NameRoutines`, and of further methods of `NameClient` |
//! | `dealloc` | the argument is given away |
//! | `import` | C headers, which mean nothing here; they are named in the documentation of the interface |
//!
//! Everything else is refused by its name. The whole is described in docs/defs.md.
//!
//! What it does not do: preprocess, but for `#include` of other `.defs`; pass ports beside the request port.
//!
//! Sources: R. Draves et al., "MIG - the Mach Interface Generator" (1989).

mod arguments;
mod cursor;
mod parser;
mod routines;
mod text;
mod types;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::diagnostics::{Diagnostics, Found};
use super::model::Model;
use super::names;
use super::source::{MAX_SOURCE, Sources, Span};
use super::{MAX_FILES, plain};

pub(super) use routines::Routines;

/// Types that `<mach/std_types.defs>` and `<mach/mach_types.defs>` declare, as far as they are data.
const STANDARD: &str = include_str!("standard.defs");

/// What a file means, with what it includes, and what is made of it beside the stubs.
pub(super) type Understood = (Model, Arc<Sources>, Vec<PathBuf>, Routines);

/// Whether a file is one of these, by its name.
pub(super) fn is_one(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "defs")
}

/// Reads a file and what it includes.
///
/// # Errors
/// Everything that is wrong with them.
pub(super) fn understand(
    name: &str,
    text: &[u8],
    load: &dyn Fn(&Path) -> io::Result<Vec<u8>>,
) -> Result<Understood, Diagnostics> {
    let mut reader = Reader { sources: Sources::default(), found: Found::default(), paths: Vec::new(), load };
    let mut parser = parser::Subsystem::default();
    reader.file(name, text, &mut parser);
    let Reader { sources, mut found, paths, .. } = reader;
    let sources = Arc::new(sources);
    let stem = Path::new(name).file_stem().map_or_else(String::new, |stem| names::module(&stem.to_string_lossy()));
    if let Some(why) = names::unfit_module(&stem) {
        found.error(Span { file: 0, start: 0, end: 0 }, why, "give the file another name");
    }
    let understood = parser.finish(stem, &mut found);
    match understood.filter(|_| found.is_empty()) {
        Some((model, routines)) => Ok((model, sources, paths, routines)),
        None => Err(found.finish(&sources)),
    }
}

struct Reader<'a> {
    sources: Sources,
    found: Found,
    paths: Vec<PathBuf>,
    load: &'a dyn Fn(&Path) -> io::Result<Vec<u8>>,
}

impl Reader<'_> {
    fn file(&mut self, name: &str, bytes: &[u8], into: &mut parser::Subsystem) {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let (size, is_text) = (text.len(), std::str::from_utf8(bytes).is_ok());
        let file = self.sources.add(name, text);
        self.paths.push(PathBuf::from(name));
        let begin = Span { file, start: 0, end: 0 };
        if !is_text {
            return self.found.error(begin, "this is not UTF-8", "save the file as UTF-8");
        }
        if size > MAX_SOURCE {
            let what = format!("the file has {size} bytes; {MAX_SOURCE} is the most");
            return self.found.error(begin, what, "divide it, and `#include` the parts");
        }
        self.part(file, name, into);
    }

    /// A text that was taken up: what it includes comes first, as its types are used in the rest.
    fn part(&mut self, file: u32, name: &str, into: &mut parser::Subsystem) {
        let text = self.sources.get(file).map_or_else(String::new, |source| source.text.clone());
        let prepared = text::prepare(file, &text, &mut self.found);
        for include in &prepared.includes {
            self.include(name, include, into);
        }
        into.imports.extend(prepared.imports);
        into.parse(file, &prepared.text, &self.sources, &mut self.found);
    }

    fn include(&mut self, from: &str, include: &text::Include, into: &mut parser::Subsystem) {
        if include.is_system {
            if !matches!(include.path.as_str(), "mach/std_types.defs" | "mach/mach_types.defs") {
                let what = format!("there is no `<{}>`", include.path);
                let hint = "`<mach/std_types.defs>` and `<mach/mach_types.defs>` are known; put others into quotes";
                return self.found.error(include.span, what, hint);
            }
            const NAME: &str = "<mach/std_types.defs>";
            if self.sources.find(NAME).is_none() {
                let file = self.sources.add(NAME, STANDARD.to_owned());
                into.is_standard = true;
                self.part(file, NAME, into);
                into.is_standard = false;
            }
            return;
        }
        let path = plain(&Path::new(from).parent().unwrap_or(Path::new("")).join(&include.path));
        let name = path.to_string_lossy().into_owned();
        if self.paths.iter().any(|known| plain(known) == path) {
            return;
        }
        if self.paths.len() >= MAX_FILES {
            return self.found.error(include.span, format!("more than {MAX_FILES} files"), "put some of them together");
        }
        match (self.load)(&path) {
            Ok(bytes) => self.file(&name, &bytes, into),
            Err(error) => {
                let what = format!("{} cannot be read: {error}", path.display());
                self.found.error(include.span, what, "the path is relative to the file that includes it");
            }
        }
    }
}
