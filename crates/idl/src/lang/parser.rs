//! Recursive descent over tokens, without an end at the first error.
//!
//! A construct that cannot be read reports why and is left out; the parser goes on behind the next `;` of the same depth,
//! or the next `,` in a list. Depth, operators of one expression and the size of the text are bounded, so that no text
//! overflows a stack.
//!
//! ```text
//! file        = { item }
//! item        = import | const ";" | typedef ";" | struct ";" | union ";" | enum ";" | exception ";"
//!             | interface | procedure ";"
//! interface   = [ attributes ] "interface" name [ ":" name { "," name } ] "{" { item } "}" [ ";" ]
//! procedure   = [ attributes ] [ "oneway" ] type name "(" [ params ] ")" [ "raises" "(" name { "," name } ")" ]
//! param       = [ attributes ] [ "in" | "out" | "inout" ] [ type ] declarator
//! declarator  = { "*" } name { "[" [ expression ] "]" }
//! attributes  = "[" attribute { "," attribute } "]"
//! attribute   = name [ "(" argument { "," argument } ")" ]
//! ```
//!
//! What it does not do: know what a name means, or which attributes there are.

mod expressions;
mod interfaces;
mod types;

use super::ast::{Const, Import, Item, Name};
use super::diagnostics::Found;
use super::lexer::{Kind, Token};
use super::source::{Sources, Span};

/// How deep constructs can be in each other.
const MAX_DEPTH: u32 = 48;

/// A construct was reported as an error and cannot be used.
#[derive(Debug)]
pub(crate) struct Refused;

pub(crate) type Parsed<T> = Result<T, Refused>;

/// What the text `file` says, as far as it can be read.
pub(crate) fn file(file: u32, sources: &Sources, found: &mut Found) -> Vec<Item> {
    let text = sources.get(file).map_or("", |source| &source.text);
    let tokens = super::lexer::tokens(file, text, found);
    let mut parser =
        Parser { sources, tokens: &tokens, at: 0, depth: 0, angles: 0, typedef_name: None, found, items: Vec::new() };
    parser.items_until(None);
    parser.items
}

pub(super) struct Parser<'a> {
    sources: &'a Sources,
    tokens: &'a [Token],
    at: usize,
    depth: u32,
    /// Angle brackets that are open.
    angles: u32,
    /// The name that a typedef gives to the type without one that comes next.
    typedef_name: Option<Name>,
    found: &'a mut Found,
    /// Items of the construct that is being read; a struct that stands where a type does is put here, too.
    items: Vec<Item>,
}

impl<'a> Parser<'a> {
    fn peek(&self, ahead: usize) -> &'a Token {
        let last = self.tokens.len() - 1;
        // The last token is `End`, and there is always one.
        &self.tokens[(self.at + ahead).min(last)]
    }

    fn kind(&self) -> Kind {
        self.peek(0).kind
    }

    fn span(&self) -> Span {
        self.peek(0).span
    }

    /// Where the token before this one is.
    fn last_span(&self) -> Span {
        self.tokens[self.at.saturating_sub(1)].span
    }

    fn text(&self, ahead: usize) -> &'a str {
        self.sources.text(self.peek(ahead).span)
    }

    fn is_mark(&self, mark: u8) -> bool {
        self.kind() == Kind::Mark(mark)
    }

    fn is_word(&self, word: &str) -> bool {
        self.kind() == Kind::Word && self.text(0) == word
    }

    fn bump(&mut self) -> &'a Token {
        let token = self.peek(0);
        if token.kind != Kind::End {
            self.at += 1;
        }
        token
    }

    fn eat(&mut self, mark: u8) -> bool {
        let is_it = self.is_mark(mark);
        if is_it {
            self.bump();
        }
        is_it
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let is_it = self.is_word(word);
        if is_it {
            self.bump();
        }
        is_it
    }

    fn error(&mut self, span: Span, what: impl Into<String>, hint: impl Into<String>) -> Refused {
        self.found.error(span, what, hint);
        Refused
    }

    fn unexpected(&mut self, wanted: &str, hint: &str) -> Refused {
        let here = match self.kind() {
            Kind::End => "the text ends".to_owned(),
            Kind::Text | Kind::Char => "there is a quoted text".to_owned(),
            _ => format!("there is `{}`", self.text(0)),
        };
        self.error(self.span(), format!("expected {wanted}; {here}"), hint)
    }

    fn expect(&mut self, mark: u8, hint: &str) -> Parsed<Span> {
        if self.is_mark(mark) {
            return Ok(self.bump().span);
        }
        let wanted = format!("`{}`", char::from(mark));
        let last = self.last_span();
        let line = |span| self.sources.position(span).0;
        // What is missing at the end of a line is missed there.
        if self.at > 0 && self.kind() != Kind::End && line(last) < line(self.span()) {
            let what = format!("expected {wanted} before `{}`", self.text(0));
            return Err(self.error(Span { start: last.end, ..last }, what, hint));
        }
        Err(self.unexpected(&wanted, hint))
    }

    /// A name of the author's.
    fn name(&mut self, of: &str) -> Parsed<Name> {
        if self.kind() != Kind::Word {
            let hint = match self.kind() {
                Kind::Mark(b'&') => "there are no references: write `*`",
                _ => "names consist of letters, digits and `_`",
            };
            return Err(self.unexpected(&format!("the name of {of}"), hint));
        }
        let name = Name { text: self.text(0).to_owned(), span: self.span() };
        if types::RESERVED.contains(&name.text.as_str()) {
            let what = format!("`{}` is a word of the language, and here is the place of {of}'s name", name.text);
            return Err(self.error(name.span, what, "use another name"));
        }
        self.bump();
        Ok(name)
    }

    /// Documentation in front of the token that comes now.
    fn docs(&self) -> Vec<String> {
        self.peek(0).docs.clone()
    }

    /// Runs `parse` one level deeper.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_DEPTH {
            let what = format!("more than {MAX_DEPTH} levels in each other");
            return Err(self.error(self.span(), what, "give the inner ones names of their own"));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    /// Goes on behind the next `;`, or before the `}` that ends what surrounds it.
    fn recover(&mut self) {
        let mut depth = 0_u32;
        loop {
            match self.kind() {
                Kind::End => return,
                Kind::Mark(b'{') => depth += 1,
                Kind::Mark(b'}') if depth == 0 => return,
                Kind::Mark(b'}') => {
                    depth -= 1;
                    if depth == 0 {
                        self.bump();
                        self.eat(b';');
                        return;
                    }
                }
                Kind::Mark(b';') if depth == 0 => {
                    self.bump();
                    return;
                }
                _ => {}
            }
            self.bump();
        }
    }

    /// Goes on before the next `,` of this list, or before `close`, or before what no list contains.
    fn recover_in_list(&mut self, close: u8) {
        let mut depth = 0_u32;
        loop {
            match self.kind() {
                Kind::End | Kind::Mark(b';' | b'{' | b'}') => return,
                Kind::Mark(b',') if depth == 0 => return,
                Kind::Mark(mark) if depth == 0 && mark == close => return,
                Kind::Mark(b'(' | b'[') => depth += 1,
                Kind::Mark(b')' | b']') => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.bump();
        }
    }

    /// Items up to the end, or up to `close`, which is left.
    fn items_until(&mut self, close: Option<u8>) {
        loop {
            if self.kind() == Kind::End || self.found.is_full() {
                return;
            }
            if let Some(close) = close
                && self.is_mark(close)
            {
                return;
            }
            if self.eat(b';') {
                continue;
            }
            if self.is_mark(b'}') {
                self.error(self.span(), "nothing is open that this could close", "remove it");
                self.bump();
                continue;
            }
            let before = self.at;
            if self.item().is_err() {
                self.recover();
            }
            if self.at == before {
                self.bump();
            }
        }
    }

    fn item(&mut self) -> Parsed<()> {
        let docs = self.docs();
        let is_attributed = self.is_mark(b'[');
        let attrs = if is_attributed { self.attributes()? } else { Vec::new() };
        let word = if self.kind() == Kind::Word { self.text(0) } else { "" };
        let takes_attributes = matches!(word, "interface" | "typedef");
        let is_definition = matches!(word, "import" | "const" | "struct" | "union" | "enum" | "exception")
            && !(matches!(word, "struct" | "union" | "enum") && self.is_type_of_procedure());
        if let Some(first) = attrs.first()
            && is_definition
            && !takes_attributes
        {
            let what = format!("`{word}` has no attributes");
            self.error(
                first.span,
                what,
                "attributes belong to interfaces, typedefs, procedures, parameters and members",
            );
        }
        match word {
            "import" => self.import(),
            "const" => self.constant(docs),
            "typedef" => self.typedef(docs, attrs),
            "interface" => self.interface(docs, attrs),
            "module" | "library" if self.peek(1).kind == Kind::Word && self.peek(2).kind == Kind::Mark(b'{') => {
                Err(self.error(
                    self.span(),
                    "there are no modules: a file is one",
                    "put the interface into a file of its own, and `import` what it needs",
                ))
            }
            "attribute" | "readonly" if self.peek(2).kind == Kind::Word => Err(self.error(
                self.span(),
                "an interface consists of procedures",
                "declare a procedure that returns the value, and one that sets it",
            )),
            "struct" | "exception" | "union" | "enum" if is_definition => {
                self.definition(docs)?;
                self.expect(b';', "a definition ends with `;`").map(drop)
            }
            _ => self.procedure(docs, attrs),
        }
    }

    /// Whether `struct x` begins a procedure: then no body and no `;` follow.
    fn is_type_of_procedure(&self) -> bool {
        self.peek(1).kind == Kind::Word && self.peek(2).kind == Kind::Word && self.text(2) != "switch"
    }

    fn import(&mut self) -> Parsed<()> {
        self.bump();
        loop {
            if self.kind() != Kind::Text {
                return Err(self.unexpected("a file in quotes", "write `import \"types.idl\";`"));
            }
            let span = self.bump().span;
            let path = self.sources.text(span).trim_matches('"').to_owned();
            self.items.push(Item::Import(Import { path, span }));
            if !self.eat(b',') {
                break;
            }
        }
        self.expect(b';', "an import ends with `;`").map(drop)
    }

    fn constant(&mut self, docs: Vec<String>) -> Parsed<()> {
        self.bump();
        let mut ty = self.ty()?;
        if self.eat(b'*') {
            // `const char *` is how C spells text.
            if !matches!(ty.kind, super::ast::TypeKind::Int { size: 1, .. }) {
                let hint = "write `const char *`, or `const string`, for text, and the type alone for a number";
                return Err(self.error(ty.span, "a constant that is a pointer to this has no value", hint));
            }
            ty.kind = super::ast::TypeKind::Text(None);
        }
        let name = self.name("a constant")?;
        self.expect(b'=', "a constant has a value: `const long N = 4;`")?;
        let value = self.expression()?;
        self.items.push(Item::Const(Const { docs, ty, name, value }));
        self.expect(b';', "a constant ends with `;`").map(drop)
    }
}
