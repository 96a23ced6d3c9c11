//! What is wrong with a source text: all of it, each at its place, with a way out.
//!
//! ```text
//! error: unknown attribute `sise_is`
//!   --> files.idl:3:12
//!    |
//!  3 | int f([in, sise_is(n)] octet *data);
//!    |            ^^^^^^^
//!    = hint: did you mean `size_is`?
//! ```

use std::fmt;
use std::sync::Arc;

use super::source::{Sources, Span};

/// Errors that are reported one by one; of those after them, only how many there are.
const MOST: usize = 100;

/// Characters of a source line that are shown around the place.
const WINDOW: usize = 120;

/// One error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The place.
    pub span: Span,
    /// What cannot be.
    pub what: String,
    /// What to write instead.
    pub hint: String,
}

/// Errors while they are found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    list: Vec<Diagnostic>,
    others: usize,
    /// Something could not be read at all, so a name that is unknown may be in that.
    is_partial: bool,
}

impl Found {
    /// Takes up an error. A second one at the same place would only be a consequence of the first.
    pub(crate) fn error(&mut self, span: Span, what: impl Into<String>, hint: impl Into<String>) {
        if self.list.iter().any(|other| other.span == span) {
            return;
        }
        if self.list.len() >= MOST {
            self.others += 1;
            return;
        }
        self.list.push(Diagnostic { span, what: what.into(), hint: hint.into() });
    }

    /// Takes up that a name is unknown, unless it may be in what could not be read.
    pub(crate) fn unknown(&mut self, span: Span, what: impl Into<String>, hint: impl Into<String>) {
        if !self.is_partial {
            self.error(span, what, hint);
        }
    }

    /// All has been read; what was wrong with it is known.
    pub(crate) fn end_of_reading(&mut self) {
        self.is_partial = !self.list.is_empty();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether it is no use to go on.
    pub(crate) fn is_full(&self) -> bool {
        self.others > 0
    }

    pub(crate) fn finish(mut self, sources: &Arc<Sources>) -> Diagnostics {
        self.list.sort_by_key(|one| (one.span.file, one.span.start));
        Diagnostics { list: self.list, others: self.others, sources: Arc::clone(sources) }
    }
}

/// Everything that is wrong with a source text, in its order; never nothing. Shown, each error has its file, line and
/// column, the line with carets, and a hint.
#[derive(Debug, Clone)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    others: usize,
    sources: Arc<Sources>,
}

impl Diagnostics {
    /// The errors, in the order of the text.
    #[must_use]
    pub fn list(&self) -> &[Diagnostic] {
        &self.list
    }

    /// The line and the column of an error, both from 1.
    #[must_use]
    pub fn place(&self, of: &Diagnostic) -> (usize, usize) {
        let (line, column, _) = self.sources.position(of.span);
        (line, column)
    }
}

impl std::error::Error for Diagnostics {}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, one) in self.list.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            self.show(one, f)?;
        }
        match self.others {
            0 => Ok(()),
            others => write!(f, "\nerror: and {others} more"),
        }
    }
}

impl Diagnostics {
    fn show(&self, one: &Diagnostic, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column, text) = self.sources.position(one.span);
        let name = self.sources.get(one.span.file).map_or("", |source| source.name.as_str());
        let number = line.to_string();
        let gutter = " ".repeat(number.len() + 1);
        // A window, because generated sources can have lines of any length.
        let from = (column - 1).saturating_sub(WINDOW / 2);
        let window: String = text.chars().skip(from).take(WINDOW).collect();
        // Tabs are kept, so that the carets stand where a terminal shows the text.
        let before: String =
            window.chars().take(column - 1 - from).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let spanned = self.sources.text(one.span).lines().next().unwrap_or_default().chars().count();
        let carets = "^".repeat(spanned.clamp(1, WINDOW / 2));
        writeln!(f, "error: {}", one.what)?;
        writeln!(f, "{gutter}--> {name}:{line}:{column}")?;
        writeln!(f, "{gutter} |")?;
        writeln!(f, " {number} | {window}")?;
        write!(f, "{gutter} | {before}{carets}")?;
        if one.hint.is_empty() { Ok(()) } else { write!(f, "\n{gutter} = hint: {}", one.hint) }
    }
}
