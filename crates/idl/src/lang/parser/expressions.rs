//! Expressions of constants, and attributes.

use super::{Parsed, Parser};
use crate::lang::ast::{Arg, Attr, Expr, ExprKind, Name};
use crate::lang::lexer::Kind;

/// Operators of one expression: a chain of them is as deep as it is long.
const MAX_OPERATORS: u32 = 64;

/// Binary operators by how tightly they bind, the loosest first; shifts are two marks.
const BINDING: &[&[u8]] = &[b"|", b"^", b"&", b"<>", b"+-", b"*/%"];

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Parsed<Expr> {
        let mut operators = 0;
        self.binary(0, &mut operators)
    }

    fn binary(&mut self, level: usize, operators: &mut u32) -> Parsed<Expr> {
        let Some(marks) = BINDING.get(level) else { return self.unary(operators) };
        let mut left = self.binary(level + 1, operators)?;
        while let Kind::Mark(mark) = self.kind()
            && marks.contains(&mark)
        {
            if *marks == b"<>" {
                let (first, second) = (self.peek(0), self.peek(1));
                // One alone is the end of `sequence<octet, N>`, and so are two.
                if second.kind != first.kind
                    || second.span.start != first.span.end
                    || mark == b'>' && self.in_brackets()
                {
                    break;
                }
                self.bump();
            }
            self.bump();
            self.count(operators)?;
            let right = self.binary(level + 1, operators)?;
            let span = left.span.to(right.span);
            left = Expr { kind: ExprKind::Binary(Box::new(left), mark, Box::new(right)), span };
        }
        Ok(left)
    }

    fn count(&mut self, operators: &mut u32) -> Parsed<()> {
        *operators += 1;
        if *operators > MAX_OPERATORS {
            let what = format!("more than {MAX_OPERATORS} operators in one expression");
            return Err(self.error(self.last_span(), what, "name a part of it: `const long A = ..;`"));
        }
        Ok(())
    }

    /// Whether `>>` would close two angle brackets.
    fn in_brackets(&self) -> bool {
        self.angles > 1
    }

    fn unary(&mut self, operators: &mut u32) -> Parsed<Expr> {
        if let Kind::Mark(mark @ (b'-' | b'+' | b'~' | b'*')) = self.kind() {
            let start = self.bump().span;
            self.count(operators)?;
            let inner = self.unary(operators)?;
            let span = start.to(inner.span);
            return Ok(Expr { kind: ExprKind::Unary(mark, Box::new(inner)), span });
        }
        let token = self.peek(0);
        let span = token.span;
        let kind = match token.kind {
            Kind::Number => ExprKind::Number,
            Kind::Text => ExprKind::Text(self.unescape(1)?),
            Kind::Char => {
                let text = self.unescape(1)?;
                let mut chars = text.chars();
                match (chars.next(), chars.next()) {
                    (Some(one), None) => ExprKind::Char(u32::from(one)),
                    _ => {
                        return Err(self.error(span, "single quotes hold one character", "use double quotes for text"));
                    }
                }
            }
            Kind::Word => {
                let name = self.text(0).to_owned();
                self.bump();
                if self.is_mark(b'(') {
                    self.bump();
                    let inner = self.nested(|parser| parser.binary(0, operators))?;
                    let end = self.expect(b')', "close the parenthesis")?;
                    return Ok(Expr { kind: ExprKind::Call(name, Box::new(inner)), span: span.to(end) });
                }
                return Ok(Expr { kind: ExprKind::Name(name), span });
            }
            Kind::Mark(b'(') => {
                self.bump();
                // Inside parentheses `>>` is a shift again.
                let angles = std::mem::take(&mut self.angles);
                let inner = self.nested(|parser| parser.binary(0, operators));
                self.angles = angles;
                let inner = inner?;
                self.expect(b')', "close the parenthesis")?;
                return Ok(inner);
            }
            _ => return Err(self.unexpected("a value", "a number, a text, or the name of a constant")),
        };
        self.bump();
        Ok(Expr { kind, span })
    }

    /// What a quoted token stands for.
    fn unescape(&mut self, quote: usize) -> Parsed<String> {
        let span = self.span();
        let text = self.text(0);
        let inside = text.get(quote..text.len().saturating_sub(quote).max(quote)).unwrap_or_default();
        let mut out = String::new();
        let mut chars = inside.chars();
        while let Some(c) = chars.next() {
            if c != '\\' {
                out.push(c);
                continue;
            }
            match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('r') => out.push('\r'),
                Some('0') => out.push('\0'),
                Some(same @ ('\\' | '\'' | '"')) => out.push(same),
                _ => {
                    let hint = "there are `\\n`, `\\t`, `\\r`, `\\0`, `\\\\`, `\\'` and `\\\"`; any other character stands for itself";
                    return Err(self.error(span, "unknown character after `\\`", hint));
                }
            }
        }
        Ok(out)
    }

    /// `[a, b(c)]`
    pub(super) fn attributes(&mut self) -> Parsed<Vec<Attr>> {
        self.expect(b'[', "attributes stand in brackets")?;
        let mut attrs = Vec::new();
        loop {
            if self.is_mark(b']') {
                break;
            }
            match self.attribute() {
                Ok(attr) => attrs.push(attr),
                Err(_) => self.recover_in_list(b']'),
            }
            if !self.eat(b',') {
                break;
            }
        }
        self.expect(b']', "attributes are separated by `,` and end with `]`")?;
        Ok(attrs)
    }

    fn attribute(&mut self) -> Parsed<Attr> {
        if self.kind() != Kind::Word {
            return Err(self.unexpected("an attribute", "such as `in` or `size_is(n)`"));
        }
        // Some attributes have the names of types: `string`.
        let name = Name { text: self.text(0).to_owned(), span: self.bump().span };
        let mut attr = Attr { span: name.span, args: Vec::new(), raw: String::new(), name };
        if !self.eat(b'(') {
            return Ok(attr);
        }
        let start = self.span();
        if matches!(attr.name.text.as_str(), "uuid" | "version") {
            while !matches!(self.kind(), Kind::Mark(b')' | b']' | b';' | b'{' | b'}') | Kind::End) {
                self.bump();
            }
        } else {
            while !self.is_mark(b')') {
                let expr = self.expression()?;
                let unit = match self.kind() {
                    Kind::Word => Some(Name { text: self.text(0).to_owned(), span: self.bump().span }),
                    _ => None,
                };
                attr.args.push(Arg { expr, unit });
                if !self.eat(b',') {
                    break;
                }
            }
        }
        let end = self.expect(b')', "close the parenthesis")?;
        attr.raw = self.sources.text(crate::lang::source::Span { end: end.start, ..start }).trim().to_owned();
        attr.span = attr.name.span.to(end);
        Ok(attr)
    }
}
