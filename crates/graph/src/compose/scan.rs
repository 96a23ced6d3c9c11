//! The text of a graph file as sections of statements.
//!
//! ```text
//! file      = section { "@;" section }
//! statement = item { item } ";"
//! item      = word [ "=" value { "," value } ]
//! value     = word [ "{" word "=" word { "," word "=" word } "}" ]
//! ```
//! A word is anything without blanks and `=,;{}#"@`, or text in double quotes. `#` begins a comment, up to the end of the line.

use super::diagnostic::{Diagnostic, Span};

/// A word and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) span: Span,
}

/// A value and its annotations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) word: Word,
    pub(crate) annotations: Vec<(Word, Word)>,
}

/// A word, and what is behind its equals sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) key: Word,
    pub(crate) values: Vec<Value>,
}

/// Items up to a semicolon.
pub(crate) type Statement = Vec<Item>;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Mark(char),
    /// `@;`
    Section,
    End,
}

/// Statements by section, and what could not be read. Reading goes on after the next semicolon.
pub(crate) fn read(text: &str) -> (Vec<Vec<Statement>>, Vec<Diagnostic>) {
    let (tokens, problems) = tokens(text);
    let mut reader = Reader { tokens, at: 0, problems };
    let mut sections = vec![Vec::new()];
    loop {
        match reader.peek() {
            Token::End => return (sections, reader.problems),
            Token::Section => {
                reader.next();
                sections.push(Vec::new());
            }
            _ => match reader.statement() {
                Ok(statement) => {
                    if let Some(section) = sections.last_mut() {
                        section.push(statement);
                    }
                }
                Err(problem) => {
                    reader.problems.push(problem);
                    reader.recover();
                }
            },
        }
    }
}

struct Reader {
    /// Ends with [`Token::End`].
    tokens: Vec<(Token, Span)>,
    at: usize,
    problems: Vec<Diagnostic>,
}

impl Reader {
    fn peek(&self) -> Token {
        self.tokens.get(self.at).map_or(Token::End, |(token, _)| token.clone())
    }

    fn span(&self) -> Span {
        let last = self.tokens.get(self.at).or_else(|| self.tokens.last());
        last.map_or(Span { line: 1, column: 1, width: 1 }, |(_, span)| *span)
    }

    fn next(&mut self) -> (Token, Span) {
        let next = (self.peek(), self.span());
        self.at += 1;
        next
    }

    fn is(&mut self, mark: char) -> bool {
        let is = self.peek() == Token::Mark(mark);
        self.at += usize::from(is);
        is
    }

    fn recover(&mut self) {
        while !matches!(self.peek(), Token::End | Token::Section) {
            if self.next().0 == Token::Mark(';') {
                return;
            }
        }
    }

    fn word(&mut self, what: &str) -> Result<Word, Diagnostic> {
        match self.peek() {
            Token::Word(text) => {
                let (_, span) = self.next();
                Ok(Word { text, span })
            }
            _ => Err(Diagnostic::new(self.span(), format!("{what} is missing here"))),
        }
    }

    fn statement(&mut self) -> Result<Statement, Diagnostic> {
        let mut items = Vec::new();
        while !self.is(';') {
            if matches!(self.peek(), Token::End | Token::Section) {
                let last: Option<&Item> = items.last();
                let span = last.map_or(self.span(), |item| item.key.span);
                return Err(Diagnostic::new(span, "the statement does not end").hint("statements end with `;`"));
            }
            let key = self.word("a word")?;
            let mut values = Vec::new();
            if self.is('=') {
                values.push(self.value()?);
                while self.is(',') {
                    values.push(self.value()?);
                }
            }
            items.push(Item { key, values });
        }
        Ok(items)
    }

    fn value(&mut self) -> Result<Value, Diagnostic> {
        let word = self.word("a value")?;
        let mut annotations = Vec::new();
        if self.is('{') {
            loop {
                let key = self.word("the name of an annotation")?;
                if !self.is('=') {
                    return Err(Diagnostic::new(self.span(), "an annotation is NAME=VALUE"));
                }
                annotations.push((key, self.word("the value of the annotation")?));
                if self.is('}') {
                    break;
                }
                if !self.is(',') {
                    return Err(Diagnostic::new(self.span(), "`,` or `}` is missing here"));
                }
            }
        }
        Ok(Value { word, annotations })
    }
}

fn tokens(text: &str) -> (Vec<(Token, Span)>, Vec<Diagnostic>) {
    let (mut tokens, mut problems) = (Vec::new(), Vec::new());
    let mut line = 0;
    for (number, text) in text.lines().enumerate() {
        line = number + 1;
        let mut chars = text.chars().enumerate().peekable();
        while let Some((at, c)) = chars.next() {
            let span = |width| Span { line, column: at + 1, width };
            match c {
                '#' => break,
                '=' | ',' | ';' | '{' | '}' => tokens.push((Token::Mark(c), span(1))),
                '@' => match chars.next_if(|(_, next)| *next == ';') {
                    Some(_) => tokens.push((Token::Section, span(2))),
                    None => problems.push(Diagnostic::new(span(1), "`@` stands only in `@;`, between sections")),
                },
                '"' => {
                    let mut word = String::new();
                    let mut closed = false;
                    for (_, c) in chars.by_ref() {
                        if c == '"' {
                            closed = true;
                            break;
                        }
                        word.push(c);
                    }
                    let width = word.chars().count() + 1 + usize::from(closed);
                    if !closed {
                        problems.push(Diagnostic::new(span(width), "the quotation does not end in this line"));
                    }
                    tokens.push((Token::Word(word), span(width)));
                }
                c if c.is_whitespace() => {}
                c => {
                    let mut word = String::from(c);
                    while let Some((_, c)) = chars.next_if(|(_, c)| !c.is_whitespace() && !"=,;{}#\"@".contains(*c)) {
                        word.push(c);
                    }
                    let width = word.chars().count();
                    tokens.push((Token::Word(word), span(width)));
                }
            }
        }
    }
    tokens.push((Token::End, Span { line: line.max(1), column: 1, width: 1 }));
    (tokens, problems)
}
