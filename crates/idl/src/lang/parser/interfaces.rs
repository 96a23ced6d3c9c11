//! Interfaces, procedures and their parameters.

use super::{Parsed, Parser};
use crate::lang::ast::{Attr, Interface, Item, Name, Param, Procedure, TypeKind};
use crate::lang::lexer::Kind;

impl Parser<'_> {
    pub(super) fn interface(&mut self, docs: Vec<String>, attrs: Vec<Attr>) -> Parsed<()> {
        self.bump();
        let name = self.name("an interface")?;
        let mut bases = Vec::new();
        if self.eat(b':') {
            loop {
                bases.push(self.name("an interface")?);
                if !self.eat(b',') {
                    break;
                }
            }
        }
        self.expect(b'{', "an interface has procedures in braces")?;
        let outer = std::mem::take(&mut self.items);
        let parsed = self.nested(|parser| {
            parser.items_until(Some(b'}'));
            Ok(())
        });
        let items = std::mem::replace(&mut self.items, outer);
        parsed?;
        self.items.push(Item::Interface(Interface { docs, attrs, name, bases, items }));
        self.expect(b'}', "close the braces of the interface")?;
        self.eat(b';');
        Ok(())
    }

    pub(super) fn procedure(&mut self, docs: Vec<String>, mut attrs: Vec<Attr>) -> Parsed<()> {
        if self.is_word("oneway") {
            let name = Name { text: "oneway".to_owned(), span: self.bump().span };
            attrs.push(Attr { span: name.span, args: Vec::new(), raw: String::new(), name });
        }
        if self.kind() != Kind::Word {
            return Err(self.unexpected("a definition", "`interface`, `struct`, `const`, .. or a procedure"));
        }
        let output = self.ty()?;
        if self.is_mark(b'*') {
            let hint = "return the value, or a `string` or `sequence<T>`; or fill an `[out]` parameter";
            return Err(self.error(self.span(), "an address means nothing to the other side", hint));
        }
        let name = self.name("a procedure")?;
        self.expect(b'(', "a procedure has parameters in parentheses")?;
        let mut params: Vec<Param> = Vec::new();
        let is_void = self.is_word("void") && self.peek(1).kind == Kind::Mark(b')');
        if is_void {
            self.bump();
        }
        while !is_void && !self.is_mark(b')') {
            match self.param(params.last()) {
                Ok(param) => params.push(param),
                Err(_) => self.recover_in_list(b')'),
            }
            if !self.eat(b',') {
                break;
            }
        }
        self.expect(b')', "parameters are separated by `,` and end with `)`")?;
        let mut raises = Vec::new();
        if self.eat_word("raises") {
            self.expect(b'(', "write `raises (not_found, denied)`")?;
            loop {
                raises.push(self.name("an exception")?);
                if !self.eat(b',') {
                    break;
                }
            }
            self.expect(b')', "write `raises (not_found, denied)`")?;
        }
        self.items.push(Item::Procedure(Procedure { docs, attrs, output, name, params, raises }));
        self.expect(b';', "a procedure ends with `;`").map(drop)
    }

    /// One parameter. What it does not say it has from the one before it: attributes, and the type (IDL4's notation).
    fn param(&mut self, before: Option<&Param>) -> Parsed<Param> {
        let has_attrs = self.is_mark(b'[');
        let attrs = if has_attrs { self.attributes()? } else { Vec::new() };
        let keyword = match self.text(0) {
            "in" | "out" | "inout" if self.kind() == Kind::Word => {
                Some(Name { text: self.text(0).to_owned(), span: self.bump().span })
            }
            _ => None,
        };
        let has_type = self.begins_type();
        let ty = match before {
            Some(before) if !has_type => before.ty.clone(),
            _ => self.ty()?,
        };
        if matches!(ty.kind, TypeKind::Void) {
            let hint = "name what is there: `octet` for bytes; a procedure without parameters has `()`";
            return Err(self.error(ty.span, "nothing is known of a `void`", hint));
        }
        let declarator = self.declarator("a parameter")?;
        if self.is_mark(b'=') {
            return Err(self.error(self.span(), "a parameter has no default", "remove it"));
        }
        let (attrs, keyword) = match before {
            Some(before) if !has_attrs && keyword.is_none() => (before.attrs.clone(), before.keyword.clone()),
            _ => (attrs, keyword),
        };
        Ok(Param { attrs, keyword, ty, declarator })
    }
}
