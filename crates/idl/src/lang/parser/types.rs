//! Types, declarators, and definitions of types.

use super::{Parsed, Parser};
use crate::lang::ast::{
    Arm, Attr, Declarator, Enum, Item, Label, Member, Name, Struct, Type, TypeKind, Typedef, Union, Variant,
};
use crate::lang::lexer::Kind;

/// Words that no author's name can be.
pub(super) const RESERVED: &[&str] = &[
    "boolean",
    "case",
    "char",
    "const",
    "default",
    "double",
    "enum",
    "exception",
    "float",
    "hyper",
    "import",
    "in",
    "inout",
    "int",
    "interface",
    "long",
    "octet",
    "oneway",
    "optional",
    "out",
    "raises",
    "sequence",
    "short",
    "signed",
    "string",
    "struct",
    "switch",
    "typedef",
    "union",
    "unsigned",
    "void",
    "wchar",
];

/// Pointers before one name.
const MAX_POINTERS: u8 = 8;

/// Dimensions of one array.
const MAX_DIMENSIONS: usize = 8;

impl Parser<'_> {
    /// Whether a type begins here, and not a name that is being declared.
    pub(super) fn begins_type(&self) -> bool {
        if self.kind() != Kind::Word {
            return false;
        }
        let word = self.text(0);
        if word == "unsigned" || RESERVED.contains(&word) || basic(word).is_some() {
            return true;
        }
        // `foo bar`, `foo *bar`: the first one is a type.
        matches!(self.peek(1).kind, Kind::Word | Kind::Mark(b'*'))
    }

    pub(super) fn ty(&mut self) -> Parsed<Type> {
        self.nested(Self::type_inside)
    }

    fn type_inside(&mut self) -> Parsed<Type> {
        let start = self.span();
        if self.kind() != Kind::Word {
            return Err(self.unexpected("a type", "such as `long`, `string` or the name of a struct"));
        }
        let word = self.text(0);
        let kind = match word {
            "struct" | "union" | "enum" => return self.tagged(),
            "unsigned" | "signed" => {
                self.bump();
                let kind = self.integer(word == "signed")?;
                if self.kind() == Kind::Word && basic(self.text(0)).is_some() {
                    let what = format!("there is no type `{word} {}`", self.text(0));
                    let hint = "`unsigned` and `signed` go with `char`, `small`, `short`, `int`, `long`, `long long` and `hyper`";
                    return Err(self.error(start.to(self.span()), what, hint));
                }
                kind
            }
            "long" => self.integer(true)?,
            "short" | "char" if self.text(1) == "int" => self.integer(true)?,
            "string" | "wstring" => {
                if word == "wstring" {
                    return Err(self.error(start, "text is always UTF-8", "write `string`"));
                }
                self.bump();
                TypeKind::Text(self.bound(false)?)
            }
            "sequence" => {
                self.bump();
                self.expect(b'<', "write `sequence<T>` or `sequence<T, most>`")?;
                self.angles += 1;
                let parsed = self.item_and_bound();
                self.angles -= 1;
                let (item, bound) = parsed?;
                TypeKind::Sequence(Box::new(item), bound)
            }
            "optional" => {
                self.bump();
                self.expect(b'<', "write `optional<T>`")?;
                self.angles += 1;
                let item = self.ty();
                self.angles -= 1;
                let item = item?;
                self.expect(b'>', "write `optional<T>`")?;
                TypeKind::Optional(Box::new(item))
            }
            "size_t" | "ssize_t" | "intptr_t" | "uintptr_t" => {
                let hint = "use `unsigned long long`, or `unsigned long` for a count";
                return Err(self.error(start, format!("`{word}` has another size in another program"), hint));
            }
            "any" | "Object" | "handle_t" | "error_status_t" | "fpage" | "threadid" => {
                let what = format!("there is no type `{word}`");
                return Err(self.error(start, what, "both sides must know a concrete type: name one"));
            }
            "const" => {
                let hint = "leave it out: what is `in` is not changed by the server";
                return Err(self.error(start, "a type is never `const`", hint));
            }
            _ => match basic(word) {
                Some(kind) => {
                    self.bump();
                    kind
                }
                None if RESERVED.contains(&word) => {
                    return Err(self.unexpected("a type", "such as `long`, `string` or the name of a struct"));
                }
                None => {
                    self.bump();
                    TypeKind::Named(Name { text: word.to_owned(), span: start })
                }
            },
        };
        Ok(Type { kind, span: start.to(self.last_span()) })
    }

    /// `long`, `long long`, `unsigned char`, `short int`: everything that C lets follow a sign.
    fn integer(&mut self, signed: bool) -> Parsed<TypeKind> {
        let size = match self.text(0) {
            "char" => 1,
            "short" => 2,
            "long" if self.text(1) == "long" => {
                self.bump();
                8
            }
            "hyper" | "__int64" => 8,
            "long" | "int" => 4,
            "small" => 1,
            // `unsigned x`: an `int`, and `x` is its name.
            _ => return Ok(TypeKind::Int { size: 4, signed }),
        };
        let was_int = self.is_word("int");
        self.bump();
        if !was_int {
            self.eat_word("int");
        }
        Ok(TypeKind::Int { size, signed })
    }

    /// `<most>`, if it is there.
    fn bound(&mut self, is_open: bool) -> Parsed<Option<Box<crate::lang::ast::Expr>>> {
        if !is_open && !self.eat(b'<') {
            return Ok(None);
        }
        self.angles += 1;
        let most = self.expression();
        self.angles -= 1;
        let most = most?;
        self.expect(b'>', "close the angle bracket")?;
        Ok(Some(Box::new(most)))
    }

    fn item_and_bound(&mut self) -> Parsed<(Type, Option<Box<crate::lang::ast::Expr>>)> {
        let item = self.ty()?;
        if self.eat(b',') {
            return Ok((item, self.bound(true)?));
        }
        self.expect(b'>', "write `sequence<T>` or `sequence<T, most>`")?;
        Ok((item, None))
    }

    /// `struct x`, or a definition where a type stands.
    fn tagged(&mut self) -> Parsed<Type> {
        let start = self.span();
        let is_named = self.peek(1).kind == Kind::Word && self.text(1) != "switch";
        if is_named && self.peek(2).kind != Kind::Mark(b'{') && self.text(2) != "switch" {
            self.bump();
            let name = self.name("a type")?;
            let span = start.to(name.span);
            return Ok(Type { kind: TypeKind::Named(name), span });
        }
        let name = self.definition(self.docs())?;
        let span = start.to(self.last_span());
        Ok(Type { kind: TypeKind::Named(name), span })
    }

    /// A struct, exception, union or enum with its body, up to its `}`; its name.
    pub(super) fn definition(&mut self, docs: Vec<String>) -> Parsed<Name> {
        let word = self.text(0);
        let is_unnamed = self.peek(1).kind == Kind::Mark(b'{') || self.text(1) == "switch";
        let behind = if is_unnamed { self.name_behind_body() } else { None };
        let keyword = self.bump().span;
        let name = if is_unnamed {
            match self.typedef_name.take() {
                Some(name) => name,
                None => {
                    let hint = format!("write `{word} name` outside, and that name here");
                    let refused = self.error(keyword, "a type without a name", hint);
                    // What follows is read as if it had that of its member, or there would be errors that are none.
                    behind.ok_or(refused)?
                }
            }
        } else {
            self.name("a type")?
        };
        self.nested(|parser| {
            let item = match word {
                "enum" => Item::Enum(parser.enumeration(docs, name.clone())?),
                "union" => Item::Union(parser.union(docs, name.clone())?),
                _ => Item::Struct(parser.structure(docs, name.clone(), word == "exception")?),
            };
            parser.items.push(item);
            Ok(name)
        })
    }

    fn structure(&mut self, docs: Vec<String>, name: Name, is_exception: bool) -> Parsed<Struct> {
        self.expect(b'{', "a struct has members in braces")?;
        let mut members = Vec::new();
        while !self.is_mark(b'}') && self.kind() != Kind::End {
            let before = self.at;
            if self.members(&mut members).is_err() {
                self.recover();
            }
            if self.at == before {
                self.bump();
            }
        }
        self.expect(b'}', "close the braces")?;
        Ok(Struct { docs, name, members, is_exception })
    }

    /// `long a, b[4];`
    fn members(&mut self, into: &mut Vec<Member>) -> Parsed<()> {
        let docs = self.docs();
        let attrs = if self.is_mark(b'[') { self.attributes()? } else { Vec::new() };
        let ty = self.ty()?;
        loop {
            let declarator = self.declarator("a member")?;
            into.push(Member { docs: docs.clone(), attrs: attrs.clone(), ty: ty.clone(), declarator });
            if !self.eat(b',') {
                break;
            }
        }
        self.expect(b';', "a member ends with `;`").map(drop)
    }

    fn enumeration(&mut self, docs: Vec<String>, name: Name) -> Parsed<Enum> {
        self.expect(b'{', "an enum has values in braces")?;
        let mut variants = Vec::new();
        while !self.is_mark(b'}') && self.kind() != Kind::End {
            match self.variant() {
                Ok(variant) => variants.push(variant),
                Err(_) => self.recover_in_list(b'}'),
            }
            if !self.eat(b',') {
                break;
            }
        }
        self.expect(b'}', "values of an enum are separated by `,`")?;
        Ok(Enum { docs, name, variants })
    }

    fn variant(&mut self) -> Parsed<Variant> {
        let docs = self.docs();
        let name = self.name("a value of an enum")?;
        let value = if self.eat(b'=') { Some(self.expression()?) } else { None };
        Ok(Variant { docs, name, value })
    }

    fn union(&mut self, docs: Vec<String>, name: Name) -> Parsed<Union> {
        const HINT: &str = "a union says which of its members is valid: `union u switch (long) { case 1: long a; }`";
        if !self.eat_word("switch") {
            return Err(self.unexpected("`switch`", HINT));
        }
        self.expect(b'(', HINT)?;
        let switch = self.ty()?;
        if self.kind() == Kind::Word {
            // DCE names the discriminant; here it has no name of its own.
            let hint = "leave the name out: the discriminant is part of the union";
            self.error(self.span(), "the discriminant has no name", hint);
            self.bump();
        }
        self.expect(b')', HINT)?;
        self.expect(b'{', HINT)?;
        let mut arms = Vec::new();
        while !self.is_mark(b'}') && self.kind() != Kind::End {
            let before = self.at;
            match self.arm() {
                Ok(arm) => arms.push(arm),
                Err(_) => self.recover(),
            }
            if self.at == before {
                self.bump();
            }
        }
        self.expect(b'}', "close the braces")?;
        Ok(Union { docs, name, switch, arms })
    }

    fn arm(&mut self) -> Parsed<Arm> {
        const HINT: &str = "an arm is `case 1: long a;` or `default: long a;`";
        let docs = self.docs();
        let mut labels = Vec::new();
        loop {
            let span = self.span();
            if self.eat_word("case") {
                labels.push(Label::Case(self.expression()?));
            } else if self.eat_word("default") {
                labels.push(Label::Default(span));
            } else {
                break;
            }
            self.expect(b':', HINT)?;
        }
        if labels.is_empty() {
            return Err(self.unexpected("`case` or `default`", HINT));
        }
        let member = if self.is_mark(b';') {
            None
        } else {
            let attrs = if self.is_mark(b'[') { self.attributes()? } else { Vec::new() };
            let ty = self.ty()?;
            Some(Member { docs: Vec::new(), attrs, ty, declarator: self.declarator("a member")? })
        };
        self.expect(b';', "an arm has one member and ends with `;`")?;
        Ok(Arm { docs, labels, member })
    }

    pub(super) fn typedef(&mut self, docs: Vec<String>, mut attrs: Vec<Attr>) -> Parsed<()> {
        self.bump();
        if self.is_mark(b'[') {
            attrs.extend(self.attributes()?);
        }
        let is_unnamed = matches!(self.text(0), "struct" | "union" | "enum")
            && (self.peek(1).kind == Kind::Mark(b'{') || self.text(1) == "switch");
        if is_unnamed {
            // C's way to name a struct: the name stands behind its body.
            self.typedef_name = self.name_behind_body();
        }
        let ty = self.ty()?;
        self.typedef_name = None;
        let mut declarators = Vec::new();
        loop {
            declarators.push(self.declarator("a type")?);
            if !self.eat(b',') {
                break;
            }
        }
        self.expect(b';', "a typedef ends with `;`")?;
        if is_unnamed {
            let first = declarators.remove(0);
            if first.pointers > 0 || !first.dims.is_empty() {
                let hint = "give the struct a name of its own: `typedef struct x { .. } y[4];`";
                self.error(first.span, "this names the struct, and cannot say more about it", hint);
            }
        }
        if !declarators.is_empty() {
            self.items.push(Item::Typedef(Typedef { docs, attrs, ty, declarators }));
        }
        Ok(())
    }

    /// The word behind the braces that open next.
    fn name_behind_body(&self) -> Option<Name> {
        let mut depth = 0_u32;
        // A body of more tokens than this has a name in front of it.
        for ahead in 1..20_000 {
            match self.peek(ahead).kind {
                Kind::End => return None,
                Kind::Mark(b'{') => depth += 1,
                Kind::Mark(b'}') => {
                    depth = depth.checked_sub(1)?;
                    let after = self.peek(ahead + 1);
                    if depth == 0 {
                        let is_name = after.kind == Kind::Word;
                        return is_name.then(|| Name { text: self.text(ahead + 1).to_owned(), span: after.span });
                    }
                }
                Kind::Mark(b';') if depth == 0 => return None,
                _ => {}
            }
        }
        None
    }

    pub(super) fn declarator(&mut self, of: &str) -> Parsed<Declarator> {
        let start = self.span();
        let mut pointers = 0_u8;
        while self.eat(b'*') {
            pointers = pointers.saturating_add(1);
        }
        if pointers > MAX_POINTERS {
            self.error(
                start.to(self.last_span()),
                "too many pointers",
                "there are at most two, of a buffer that comes out",
            );
        }
        let name = self.name(of)?;
        let mut dims = Vec::new();
        while self.eat(b'[') {
            dims.push(if self.is_mark(b']') { None } else { Some(self.expression()?) });
            self.expect(b']', "close the bracket")?;
            if dims.len() > MAX_DIMENSIONS {
                let what = format!("more than {MAX_DIMENSIONS} dimensions");
                return Err(self.error(name.span, what, "use a struct for the inner ones"));
            }
        }
        let span = start.to(self.last_span());
        Ok(Declarator { pointers, name, dims, span })
    }
}

/// Types of one word.
fn basic(word: &str) -> Option<TypeKind> {
    let int = |size, signed| Some(TypeKind::Int { size, signed });
    match word {
        "void" => Some(TypeKind::Void),
        "boolean" | "bool" => Some(TypeKind::Bool),
        "wchar" => Some(TypeKind::Wide),
        "char" | "octet" | "byte" | "uint8" | "uint8_t" => int(1, false),
        "small" | "int8" | "int8_t" => int(1, true),
        "short" | "int16" | "int16_t" => int(2, true),
        "uint16" | "uint16_t" => int(2, false),
        "int" | "long" | "int32" | "int32_t" => int(4, true),
        "uint32" | "uint32_t" => int(4, false),
        "hyper" | "int64" | "int64_t" => int(8, true),
        "uint64" | "uint64_t" => int(8, false),
        "int128" => int(16, true),
        "uint128" => int(16, false),
        "float" => Some(TypeKind::Float { size: 4 }),
        "double" => Some(TypeKind::Float { size: 8 }),
        _ => None,
    }
}
