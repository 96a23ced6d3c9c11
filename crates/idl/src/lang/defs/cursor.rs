//! The tokens of one file, one after the other.

use super::super::diagnostics::Found;
use super::super::lexer::{self, Kind, Token};
use super::super::source::Span;

/// A construct was reported as an error and cannot be used.
#[derive(Debug)]
pub(super) struct Refused;

pub(super) type Parsed<T> = Result<T, Refused>;

/// A name at its place.
#[derive(Debug, Clone)]
pub(super) struct Name {
    pub(super) text: String,
    pub(super) span: Span,
}

pub(super) struct Cursor<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    pub(super) found: &'a mut Found,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(file: u32, text: &'a str, found: &'a mut Found) -> Self {
        let tokens = lexer::tokens(file, text, found);
        Self { text, tokens, at: 0, found }
    }

    fn token(&self) -> Option<&Token> {
        self.tokens.get(self.at.min(self.tokens.len().saturating_sub(1)))
    }

    pub(super) fn kind(&self) -> Kind {
        self.token().map_or(Kind::End, |token| token.kind)
    }

    pub(super) fn span(&self) -> Span {
        self.token().map_or(Span { file: 0, start: 0, end: 0 }, |token| token.span)
    }

    /// The token that comes now, as it is spelled.
    pub(super) fn word(&self) -> &'a str {
        let Span { start, end, .. } = self.span();
        let at = |offset: u32| usize::try_from(offset).unwrap_or(usize::MAX);
        self.text.get(at(start)..at(end)).unwrap_or_default()
    }

    pub(super) fn docs(&self) -> Vec<String> {
        self.token().map_or_else(Vec::new, |token| token.docs.clone())
    }

    pub(super) fn bump(&mut self) {
        if self.kind() != Kind::End {
            self.at += 1;
        }
    }

    pub(super) fn is(&self, mark: u8) -> bool {
        self.kind() == Kind::Mark(mark)
    }

    pub(super) fn eat(&mut self, mark: u8) -> bool {
        let is_it = self.is(mark);
        if is_it {
            self.bump();
        }
        is_it
    }

    /// Words of the language are the same in capitals.
    pub(super) fn is_word(&self, word: &str) -> bool {
        self.kind() == Kind::Word && self.word().eq_ignore_ascii_case(word)
    }

    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let is_it = self.is_word(word);
        if is_it {
            self.bump();
        }
        is_it
    }

    pub(super) fn error(&mut self, span: Span, what: impl Into<String>, hint: impl Into<String>) -> Refused {
        self.found.error(span, what, hint);
        Refused
    }

    pub(super) fn unexpected(&mut self, wanted: &str, hint: &str) -> Refused {
        let here = match self.kind() {
            Kind::End => "the text ends".to_owned(),
            _ => format!("there is `{}`", self.word()),
        };
        self.error(self.span(), format!("expected {wanted}; {here}"), hint)
    }

    pub(super) fn expect(&mut self, mark: u8, hint: &str) -> Parsed<()> {
        if self.eat(mark) { Ok(()) } else { Err(self.unexpected(&format!("`{}`", char::from(mark)), hint)) }
    }

    pub(super) fn name(&mut self, of: &str) -> Parsed<Name> {
        if self.kind() != Kind::Word {
            return Err(self.unexpected(&format!("the name of {of}"), "names consist of letters, digits and `_`"));
        }
        let name = Name { text: self.word().to_owned(), span: self.span() };
        self.bump();
        Ok(name)
    }

    pub(super) fn number(&mut self, of: &str) -> Parsed<u32> {
        let number = if self.kind() == Kind::Number { self.word().parse().ok() } else { None };
        let Some(number) = number else {
            return Err(self.unexpected(of, "write a decimal number of 32 bits"));
        };
        self.bump();
        Ok(number)
    }

    /// Goes on behind the next `;` that is in no parentheses.
    pub(super) fn recover(&mut self) {
        let mut depth = 0_u32;
        loop {
            match self.kind() {
                Kind::End => return,
                Kind::Mark(b'(') => depth += 1,
                Kind::Mark(b')') => depth = depth.saturating_sub(1),
                Kind::Mark(b';') if depth == 0 => return self.bump(),
                _ => {}
            }
            self.bump();
        }
    }
}
