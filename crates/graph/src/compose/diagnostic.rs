//! What is wrong with a graph file, and where.

/// A place in a file. Lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Line.
    pub line: usize,
    /// Column of the first character.
    pub column: usize,
    /// Characters.
    pub width: usize,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Where.
    pub span: Span,
    /// What.
    pub what: String,
    /// What could be done.
    pub hint: Option<String>,
}

impl Diagnostic {
    pub(crate) fn new(span: Span, what: impl Into<String>) -> Self {
        Self { span, what: what.into(), hint: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// All that is wrong with a file, in the order of its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    /// The file, as the caller names it.
    pub file: String,
    /// Its text.
    text: String,
    /// What is wrong.
    pub list: Vec<Diagnostic>,
}

impl Problems {
    pub(crate) fn new(file: &str, text: &str, mut list: Vec<Diagnostic>) -> Self {
        list.sort_by_key(|diagnostic| diagnostic.span);
        Self { file: file.to_owned(), text: text.to_owned(), list }
    }
}

impl core::fmt::Display for Problems {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for (at, Diagnostic { span, what, hint }) in self.list.iter().enumerate() {
            if at > 0 {
                writeln!(f)?;
            }
            let number = span.line.to_string();
            let indent = " ".repeat(number.len());
            let line = self.text.lines().nth(span.line - 1).unwrap_or("");
            writeln!(f, "error: {what}")?;
            writeln!(f, "{indent}--> {}:{}:{}", self.file, span.line, span.column)?;
            writeln!(f, "{indent} |")?;
            // A tab is as wide as the terminal says, so there is one under each.
            let before: String =
                line.chars().take(span.column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
            writeln!(f, "{number} | {line}")?;
            write!(f, "{indent} | {before}{}", "^".repeat(span.width.max(1)))?;
            if let Some(hint) = hint {
                write!(f, "\n{indent} = help: {hint}")?;
            }
        }
        Ok(())
    }
}

impl core::error::Error for Problems {}

/// The one of `known` that `word` was probably meant to be.
pub(crate) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let letters = |text: &str| {
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters
    };
    let turned = letters(word);
    let near = |(distance, one): &(usize, &str)| *distance <= 1 + usize::from(one.len() > 4 || letters(one) == turned);
    known.map(|one| (distance(word, one), one)).filter(near).min().map(|(_, one)| one)
}

/// Characters to insert, delete or change to make one of the other (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut left = i + 1;
        let mut diagonal = i;
        for (j, cb) in b.iter().enumerate() {
            let above = row.get(j + 1).copied().unwrap_or(usize::MAX - 1);
            let value = (diagonal + usize::from(ca != *cb)).min(above + 1).min(left + 1);
            diagonal = above;
            if let Some(to) = row.get_mut(j) {
                *to = left;
            }
            left = value;
        }
        if let Some(to) = row.last_mut() {
            *to = left;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn what_was_meant() {
        assert_eq!((distance("", "abc"), distance("abc", "abc"), distance("kitten", "sitting")), (3, 0, 3));
        assert_eq!(nearest("adress", ["address", "gateway"].into_iter()), Some("address"));
        assert_eq!(nearest("tcp", ["icmp", "trace"].into_iter()), None);
    }
}
