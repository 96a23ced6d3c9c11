//! Types: what travels, and what the server makes of it.

use super::super::lexer::Kind;
use super::super::model;
use super::super::names::{similar, unfit};
use super::super::source::Span;
use super::cursor::{Cursor, Name, Parsed};
use super::parser::Subsystem;

/// Bytes that a value of fixed size, or one that varies, may have.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// How deep `^` and `array of` can be in each other.
const MAX_DEPTH: u32 = 16;

/// What is known of a type.
#[derive(Debug, Clone)]
pub(super) struct Type {
    pub(super) shape: Shape,
    pub(super) is_out_of_line: bool,
    pub(super) dealloc: bool,
    /// The place of its translation.
    pub(super) translation: Option<usize>,
}

#[derive(Debug, Clone)]
pub(super) enum Shape {
    /// A right to send.
    Port,
    Fixed(model::Type),
    /// Items, so many at most.
    Many(model::Type, Option<u32>),
    /// Bytes at most, without the zero at the end.
    Text(Option<u32>),
}

/// `intran` and the like: how a value that travels becomes one of the server's.
#[derive(Debug, Clone)]
pub(super) struct Translation {
    /// The server's type, as the file calls it.
    pub(super) server: String,
    pub(super) wire: model::Type,
    pub(super) intran: Option<String>,
    pub(super) outtran: Option<String>,
    pub(super) destructor: Option<String>,
    /// Some procedure gives one back.
    pub(super) is_out: bool,
}

impl Type {
    fn fixed(ty: model::Type) -> Self {
        Self { shape: Shape::Fixed(ty), is_out_of_line: false, dealloc: false, translation: None }
    }
}

const fn int(size: u8, signed: bool) -> Shape {
    Shape::Fixed(model::Type::Int { size, signed })
}

/// What C calls without a sign.
fn is_unsigned(name: &str) -> bool {
    name.starts_with('u') || matches!(name, "natural_t" | "vm_size_t" | "vm_offset_t" | "vm_address_t" | "size_t")
}

impl Subsystem {
    /// `type name = .. ;`
    pub(super) fn type_declaration(&mut self, cursor: &mut Cursor<'_>) -> Parsed<()> {
        let name = cursor.name("a type")?;
        cursor.expect(b'=', "write `type name = int;`")?;
        let mut ty = self.ty(cursor, 0)?;
        if let (Shape::Fixed(model::Type::Int { size, .. }), true) = (&ty.shape, is_unsigned(&name.text)) {
            ty.shape = int(*size, false);
        }
        self.options(&name, &mut ty, cursor)?;
        if self.types.contains_key(&name.text) {
            return Err(cursor.error(name.span, format!("there are two types `{}`", name.text), "remove one of them"));
        }
        if !self.is_standard
            && let Shape::Fixed(wire) = &ty.shape
            && ty.translation.is_none()
        {
            self.alias(&name, wire.clone(), cursor);
        }
        self.types.insert(name.text, ty);
        cursor.expect(b';', "a type ends with `;`")
    }

    /// What follows the type: names in C, and translations.
    fn options(&mut self, name: &Name, ty: &mut Type, cursor: &mut Cursor<'_>) -> Parsed<()> {
        let (mut intran, mut outtran, mut destructor) = (None, None, None);
        let (mut names, mut server, mut span) = (Vec::new(), None, None);
        while cursor.kind() == Kind::Word {
            let (key, at) = (cursor.word().to_ascii_lowercase(), cursor.span());
            cursor.bump();
            cursor.expect(b':', "write `ctype: name`, `intran: theirs function(ours)` and the like")?;
            match key.as_str() {
                "ctype" | "cusertype" => names.push(cursor.name("a C type")?),
                "cservertype" => server = Some(cursor.name("a C type")?),
                "intran" | "outtran" => {
                    let to = cursor.name("a C type")?;
                    let function = cursor.name("a function")?;
                    cursor.expect(b'(', "write `theirs function(ours)`")?;
                    let from = cursor.name("a C type")?;
                    cursor.expect(b')', "write `theirs function(ours)`")?;
                    span = Some(at);
                    if key == "intran" {
                        server.get_or_insert(to);
                        intran = Some(function.text);
                    } else {
                        server.get_or_insert(from);
                        outtran = Some(function.text);
                    }
                }
                "destructor" => {
                    let function = cursor.name("a function")?;
                    cursor.expect(b'(', "write `function(theirs)`")?;
                    cursor.name("a C type")?;
                    cursor.expect(b')', "write `function(theirs)`")?;
                    span = Some(at);
                    destructor = Some(function.text);
                }
                _ => {
                    let hint = "known are ctype, cusertype, cservertype, intran, outtran and destructor";
                    return Err(cursor.error(at, format!("`{key}` of a type is not understood"), hint));
                }
            }
            cursor.eat(b',');
        }
        let wire = match &ty.shape {
            Shape::Fixed(wire) => wire.clone(),
            // What the request port is translated to is the object that is served.
            Shape::Port => return Ok(()),
            Shape::Many(..) | Shape::Text(_) => match span.or_else(|| server.as_ref().map(|name| name.span)) {
                None => return Ok(()),
                Some(at) => {
                    let hint = "translate in the procedure; a type of fixed size can be translated";
                    return Err(cursor.error(at, "what varies in size is not translated", hint));
                }
            },
        };
        match span {
            Some(at) => {
                if intran.is_none() && destructor.is_some() {
                    return Err(cursor.error(
                        at,
                        "`destructor` without `intran`",
                        "there is nothing of the server's to end",
                    ));
                }
                let server = server.map_or_else(|| name.text.clone(), |server| server.text);
                ty.translation = Some(self.translations.len());
                self.translations.push(Translation {
                    server,
                    wire: wire.clone(),
                    intran,
                    outtran,
                    destructor,
                    is_out: false,
                });
            }
            None => names.extend(server),
        }
        for name in names {
            self.alias(&name, wire.clone(), cursor);
        }
        Ok(())
    }

    pub(super) fn ty(&mut self, cursor: &mut Cursor<'_>, depth: u32) -> Parsed<Type> {
        let start = cursor.span();
        if depth > MAX_DEPTH {
            return Err(cursor.error(
                start,
                format!("more than {MAX_DEPTH} levels in each other"),
                "name a part of it",
            ));
        }
        if cursor.eat(b'^') {
            let ty = self.ty(cursor, depth + 1)?;
            return match ty.shape {
                Shape::Port => Err(cursor.error(start, "ports out of line are not understood", "pass one at a time")),
                _ => Ok(Type { is_out_of_line: true, ..ty }),
            };
        }
        if cursor.eat(b'(') {
            let mut ty = self.basic(cursor)?;
            cursor.expect(b',', "write `(MACH_MSG_TYPE_INTEGER_32, 32)`")?;
            let (at, bits) = (cursor.span(), cursor.number("the number of bits")?);
            let size = match &ty.shape {
                Shape::Fixed(model::Type::Int { size, .. } | model::Type::Float { size }) => u32::from(*size) * 8,
                // A boolean of C is an int.
                _ => 32,
            };
            if bits != size {
                return Err(cursor.error(at, format!("it has {size} bits, not {bits}"), format!("write {size}")));
            }
            while cursor.eat(b',') {
                self.flag(cursor, &mut ty)?;
            }
            cursor.expect(b')', "close the parenthesis")?;
            return Ok(ty);
        }
        match cursor.word().to_ascii_lowercase().as_str() {
            "array" => self.array(cursor, depth),
            "struct" => {
                cursor.bump();
                cursor.expect(b'[', "write `struct[n] of type`")?;
                let count = cursor.number("how many there are")?;
                cursor.expect(b']', "write `struct[n] of type`")?;
                self.of(cursor, depth, start, Some(count), true)
            }
            "c_string" => {
                cursor.bump();
                cursor.expect(b'[', "write `c_string[n]` or `c_string[*:n]`")?;
                let varies = cursor.eat(b'*');
                let most = match cursor.eat(b':') || !varies {
                    true => Some(cursor.number("how many bytes it has at most")?),
                    false => None,
                };
                cursor.expect(b']', "write `c_string[n]` or `c_string[*:n]`")?;
                match most {
                    Some(0 | 1) => {
                        Err(cursor.error(start, "a text without room for a character", "count the zero, too"))
                    }
                    Some(most) if u64::from(most) > MAX_BYTES => {
                        Err(cursor.error(start, "more than 64 MiB", "divide it"))
                    }
                    most => {
                        Ok(Type { shape: Shape::Text(most.map(|most| most - 1)), ..Type::fixed(model::Type::Bool) })
                    }
                }
            }
            "polymorphic" => {
                let hint = "both sides must know a concrete type: name one";
                Err(cursor.error(start, "`polymorphic` is not understood", hint))
            }
            _ => self.basic(cursor),
        }
    }

    fn array(&mut self, cursor: &mut Cursor<'_>, depth: u32) -> Parsed<Type> {
        const HINT: &str = "write `array[n] of type`, `array[*:n] of type` or `^array[] of type`";
        let start = cursor.span();
        cursor.bump();
        cursor.expect(b'[', HINT)?;
        let varies = cursor.is(b'*') || cursor.is(b']');
        cursor.eat(b'*');
        let count = match cursor.eat(b':') || !varies {
            true => Some(cursor.number("how many items there are")?),
            false => None,
        };
        cursor.expect(b']', HINT)?;
        self.of(cursor, depth, start, count, !varies)
    }

    fn of(
        &mut self,
        cursor: &mut Cursor<'_>,
        depth: u32,
        start: Span,
        count: Option<u32>,
        is_fixed: bool,
    ) -> Parsed<Type> {
        if !cursor.eat_word("of") {
            return Err(cursor.unexpected("`of`", "write `array[n] of type`"));
        }
        let at = cursor.span();
        let Type { shape: Shape::Fixed(item), translation: None, .. } = self.ty(cursor, depth + 1)? else {
            let hint = "items are numbers, or arrays of numbers of one size, and are not translated";
            return Err(cursor.error(at, "arrays of this are not understood", hint));
        };
        let size = model::layout(&item, &[]).size;
        let bytes = u64::from(count.unwrap_or(1)).saturating_mul(size);
        if bytes == 0 || bytes > MAX_BYTES {
            return Err(cursor.error(start, "an array has from 1 byte to 64 MiB", "write another number"));
        }
        let shape = match (is_fixed, count) {
            (true, Some(count)) => Shape::Fixed(model::Type::Array(Box::new(item), count)),
            _ => Shape::Many(item, count),
        };
        Ok(Type { shape, ..Type::fixed(model::Type::Bool) })
    }

    /// One of Mach's types, or one that was declared.
    fn basic(&mut self, cursor: &mut Cursor<'_>) -> Parsed<Type> {
        let name = cursor.name("a type")?;
        if cursor.is(b'|') {
            let hint = "both sides have one type: write that of the receiver";
            return Err(cursor.error(name.span, "a type of two names is not understood", hint));
        }
        if let Some(ty) = self.types.get(&name.text) {
            return Ok(ty.clone());
        }
        let mach = name.text.strip_prefix("MACH_MSG_TYPE_").or_else(|| name.text.strip_prefix("MSG_TYPE_"));
        let shape = match mach {
            Some("BYTE" | "CHAR" | "STRING_C" | "UNSTRUCTURED") => int(1, false),
            Some("INTEGER_8") => int(1, true),
            Some("INTEGER_16") => int(2, true),
            Some("INTEGER_32") => int(4, true),
            Some("INTEGER_64") => int(8, true),
            Some("BOOLEAN") => Shape::Fixed(model::Type::Bool),
            Some("REAL" | "REAL_32") => Shape::Fixed(model::Type::Float { size: 4 }),
            Some("REAL_64") => Shape::Fixed(model::Type::Float { size: 8 }),
            Some("COPY_SEND" | "MAKE_SEND" | "MOVE_SEND" | "PORT_SEND" | "PORT" | "PORT_NAME") => Shape::Port,
            Some(_) => {
                let hint = "known are the integers, BYTE, CHAR, BOOLEAN, REAL_32, REAL_64 and rights to send";
                return Err(cursor.error(name.span, format!("`{}` is not understood", name.text), hint));
            }
            None => {
                let hint = match similar(&name.text, self.types.keys().map(String::as_str)) {
                    Some(other) => format!("did you mean `{other}`?"),
                    None if self.types.is_empty() => "begin with `#include <mach/std_types.defs>`".to_owned(),
                    None => "declare it before it is used: `type name = int;`".to_owned(),
                };
                return Err(cursor.error(name.span, format!("there is no type `{}` here", name.text), hint));
            }
        };
        Ok(Type { shape, ..Type::fixed(model::Type::Bool) })
    }

    /// What follows a type behind a comma.
    pub(super) fn flag(&mut self, cursor: &mut Cursor<'_>, ty: &mut Type) -> Parsed<()> {
        let flag = cursor.name("a flag")?;
        if !flag.text.eq_ignore_ascii_case("dealloc") {
            let what = format!("the flag `{}` is not understood", flag.text);
            return Err(cursor.error(flag.span, what, "`dealloc` is the only one"));
        }
        ty.dealloc = true;
        Ok(())
    }

    /// Another name for a type.
    fn alias(&mut self, name: &Name, ty: model::Type, cursor: &mut Cursor<'_>) {
        let rust = super::super::names::camel(&name.text);
        if let Some(why) = unfit(&name.text).or_else(|| unfit(&rust)) {
            cursor.error(name.span, why, "use another name");
        } else if super::super::names::is_taken(&rust) {
            cursor.error(name.span, format!("`{rust}` means something else in Rust"), "use another name");
        } else {
            match self.aliases.get(&rust) {
                Some(other) if *other != ty => {
                    cursor.error(name.span, format!("there are two types `{rust}`"), "use names that differ");
                }
                _ => drop(self.aliases.insert(rust, ty)),
            }
        }
    }
}
