//! Source texts, and places in them.

/// Bytes that one source text may have. Offsets are 32 bits; what is larger than this is no interface.
pub const MAX_SOURCE: usize = 1024 * 1024;

/// A stretch of one source text, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Which text.
    pub file: u32,
    /// Where it begins.
    pub start: u32,
    /// Where it has ended.
    pub end: u32,
}

impl Span {
    /// No place: of what nobody wrote.
    pub(crate) const NONE: Self = Self { file: 0, start: 0, end: 0 };

    /// From the beginning of this one to the end of `other`, which is in the same text.
    #[must_use]
    pub const fn to(self, other: Self) -> Self {
        Self { end: if other.end > self.end { other.end } else { self.end }, ..self }
    }
}

/// The texts of one compilation: the file that was asked for, and what it imports.
#[derive(Debug, Default)]
pub(crate) struct Sources(Vec<Source>);

/// One text.
#[derive(Debug)]
pub(crate) struct Source {
    /// How diagnostics call it: a path, most often.
    pub(crate) name: String,
    pub(crate) text: String,
}

impl Sources {
    /// Takes up a text; the result is its number.
    pub(crate) fn add(&mut self, name: &str, text: String) -> u32 {
        self.0.push(Source { name: name.to_owned(), text });
        u32::try_from(self.0.len() - 1).unwrap_or(u32::MAX)
    }

    pub(crate) fn get(&self, file: u32) -> Option<&Source> {
        self.0.get(usize::try_from(file).ok()?)
    }

    /// What stands at `span`.
    pub(crate) fn text(&self, span: Span) -> &str {
        let (start, end) = (usize::try_from(span.start), usize::try_from(span.end));
        let text = self.get(span.file).map_or("", |source| &source.text);
        start.ok().zip(end.ok()).and_then(|(start, end)| text.get(start..end)).unwrap_or_default()
    }

    /// The number of the text called `name`, if it is here.
    pub(crate) fn find(&self, name: &str) -> Option<u32> {
        self.0.iter().position(|source| source.name == name).and_then(|at| u32::try_from(at).ok())
    }

    /// Where `of` is, said to somebody who looks at `from`: with its file's name if that is another one.
    pub(crate) fn whereabouts(&self, of: Span, from: Span) -> String {
        let (line, ..) = self.position(of);
        match self.get(of.file).filter(|_| of.file != from.file) {
            Some(source) => format!("line {line} of {}", source.name),
            None => format!("line {line}"),
        }
    }

    /// The line and the column of a place, both from 1, the column in characters; and the line itself.
    pub(crate) fn position(&self, span: Span) -> (usize, usize, &str) {
        let text = self.get(span.file).map_or("", |source| &source.text);
        let start = usize::try_from(span.start).unwrap_or(0).min(text.len());
        let before = text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line_end = text.get(start..).and_then(|rest| rest.find('\n')).map_or(text.len(), |at| start + at);
        let line = text.get(line_start..line_end).unwrap_or_default().trim_end_matches('\r');
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        (before.matches('\n').count() + 1, column, line)
    }
}
