//! From text to tokens.
//!
//! Numbers keep their spelling and are judged where they are used: a uuid is one, too. Comments are skipped, except those
//! that document what follows (`///` and `/** */`), which are kept with the token after them.

use super::diagnostics::Found;
use super::source::Span;

/// What a token is; its text is in the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name or a keyword.
    Word,
    /// Begins with a digit.
    Number,
    /// Text in double quotes.
    Text,
    /// A character in single quotes.
    Char,
    /// Anything else that has a meaning: one character.
    Mark(u8),
    /// After the last token.
    End,
}

/// One token.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) span: Span,
    /// Lines of documentation before it.
    pub(crate) docs: Vec<String>,
}

const MARKS: &[u8] = b"{}[]();:,=*<>+-/%&|^~";

/// The tokens of `text`; the last one is [`Kind::End`].
pub(crate) fn tokens(file: u32, text: &str, found: &mut Found) -> Vec<Token> {
    let mut lexer = Lexer { file, text, at: 0, docs: Vec::new() };
    let mut tokens = Vec::new();
    while let Some((kind, start)) = lexer.next(found) {
        let span = lexer.span(start);
        tokens.push(Token { kind, span, docs: std::mem::take(&mut lexer.docs) });
    }
    let span = lexer.span(lexer.at);
    tokens.push(Token { kind: Kind::End, span, docs: Vec::new() });
    tokens
}

struct Lexer<'a> {
    file: u32,
    text: &'a str,
    at: usize,
    docs: Vec<String>,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    fn span(&self, start: usize) -> Span {
        let offset = |at| u32::try_from(at).unwrap_or(u32::MAX);
        Span { file: self.file, start: offset(start), end: offset(self.at) }
    }

    /// The next token's kind and where it begins; it ends where the lexer is then.
    fn next(&mut self, found: &mut Found) -> Option<(Kind, usize)> {
        loop {
            let start = self.at;
            let first = self.byte(0)?;
            match first {
                b' ' | b'\t' | b'\r' | b'\n' | 0x0c => self.at += 1,
                b'/' if self.byte(1) == Some(b'/') => self.line_comment(),
                b'/' if self.byte(1) == Some(b'*') => self.block_comment(found),
                b'#' => {
                    self.skip_line();
                    found.error(
                        self.span(start),
                        "there is no preprocessor",
                        "write `import \"other.idl\";` for `#include`, and `const` for `#define`",
                    );
                }
                b'0'..=b'9' => {
                    self.number();
                    return Some((Kind::Number, start));
                }
                b'"' | b'\'' => {
                    self.quoted(first, found);
                    return Some((if first == b'"' { Kind::Text } else { Kind::Char }, start));
                }
                mark if MARKS.contains(&mark) => {
                    self.at += 1;
                    return Some((Kind::Mark(mark), start));
                }
                _ if self.skip_chars(|c| c.is_alphanumeric() || c == '_') => {
                    let word = self.text.get(start..self.at).unwrap_or_default();
                    if !word.is_ascii() {
                        found.error(
                            self.span(start),
                            "names consist of letters from a to z, digits and `_`",
                            "use another name; other text belongs into quotes or comments",
                        );
                    }
                    return Some((Kind::Word, start));
                }
                _ => {
                    let is_known = |c| u8::try_from(c).is_ok_and(|c| MARKS.contains(&c) || b"_#\"'".contains(&c));
                    self.skip_chars(|c| !(c.is_alphanumeric() || c.is_ascii_whitespace() || is_known(c)));
                    found.error(self.span(start), "this has no meaning here", "text belongs into quotes or comments");
                }
            }
        }
    }

    fn skip(&mut self, goes_on: impl Fn(u8) -> bool) {
        while self.byte(0).is_some_and(&goes_on) {
            self.at += 1;
        }
    }

    /// Whether there are any.
    fn skip_chars(&mut self, goes_on: impl Fn(char) -> bool) -> bool {
        let start = self.at;
        self.at += self.rest().find(|c| !goes_on(c)).unwrap_or(self.rest().len());
        self.at > start
    }

    fn skip_line(&mut self) {
        self.at += self.rest().find('\n').unwrap_or(self.rest().len());
    }

    fn line_comment(&mut self) {
        let start = self.at;
        self.skip_line();
        let line = self.text.get(start..self.at).unwrap_or_default();
        if let Some(doc) = line.strip_prefix("///").filter(|doc| !doc.starts_with('/')) {
            self.docs.push(doc.trim().to_owned());
        }
    }

    fn block_comment(&mut self, found: &mut Found) {
        let start = self.at;
        let Some(length) = self.rest().get(2..).and_then(|inside| inside.find("*/")) else {
            self.at = self.text.len();
            let (start, file) = (u32::try_from(start).unwrap_or(u32::MAX), self.file);
            found.error(Span { file, start, end: start + 2 }, "the comment does not end", "close it with `*/`");
            return;
        };
        let inside = self.rest().get(2..2 + length).unwrap_or_default();
        let docs: Vec<String> = match inside.strip_prefix('*').filter(|doc| !doc.starts_with('*')) {
            Some(doc) => doc.lines().map(|line| line.trim().trim_start_matches('*').trim().to_owned()).collect(),
            None => Vec::new(),
        };
        self.at += length + 4;
        let is_empty = |line: &String| line.is_empty();
        let from = docs.iter().take_while(|line| is_empty(line)).count();
        let to = docs.len() - docs.iter().rev().take_while(|line| is_empty(line)).count();
        self.docs.extend(docs.get(from..to.max(from)).unwrap_or_default().iter().cloned());
    }

    /// Letters and digits, points, and signs after an exponent's `e`.
    fn number(&mut self) {
        let is_hex = self.rest().starts_with("0x") || self.rest().starts_with("0X");
        loop {
            self.skip(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.');
            let before = self.at.checked_sub(1).and_then(|at| self.text.as_bytes().get(at));
            let after_e = !is_hex && matches!(before, Some(b'e' | b'E'));
            if !(after_e && matches!(self.byte(0), Some(b'+' | b'-'))) {
                return;
            }
            self.at += 1;
        }
    }

    /// Up to the closing quote, or the end of the line.
    fn quoted(&mut self, quote: u8, found: &mut Found) {
        let start = self.at;
        self.at += 1;
        loop {
            match self.byte(0) {
                Some(byte) if byte == quote => {
                    self.at += 1;
                    return;
                }
                Some(b'\\') if self.byte(1).is_some_and(|byte| byte != b'\n') => self.at += 2,
                None | Some(b'\n') => {
                    found.error(self.span(start), "the quote does not end on its line", "close it");
                    return;
                }
                Some(_) => self.at += 1,
            }
        }
    }
}
