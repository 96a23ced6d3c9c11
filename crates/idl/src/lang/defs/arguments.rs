//! Arguments of a routine: which way each goes, and as what.
//!
//! | | in | out | inout |
//! |---|---|---|---|
//! | of one size | by value, an array by reference | `&mut T` | `&mut T` |
//! | `array[*:n]` | `&[T]` | `&mut [T]`, and how many are in it: `nameCnt` | `&mut Vec<T>` |
//! | `^array[]` | `&[T]`; with `dealloc` `Vec<T>` | `&mut Vec<T>` | `&mut Vec<T>` |
//! | `c_string` | `&str` | `&mut String` | `&mut String` |

use super::super::model::{self, Form, OutLength, Param};
use super::super::names::unfit;
use super::cursor::{Cursor, Name, Parsed};
use super::parser::Subsystem;
use super::types::{Shape, Type};

#[derive(Debug, Default)]
pub(super) struct Arguments {
    pub(super) params: Vec<Param>,
    /// For each of them, the place of its translation.
    pub(super) translated: Vec<Option<usize>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    In,
    Out,
    InOut,
}

/// Words before an argument that say what it is for.
const PARTS_OF_A_MESSAGE: &[&str] = &[
    "replyport",
    "sreplyport",
    "ureplyport",
    "waittime",
    "sendtime",
    "msgoption",
    "msgseqno",
    "sectoken",
    "audittoken",
    "servsectoken",
    "usersectoken",
    "serveraudittoken",
    "useraudittoken",
    "msgcontext",
    "servimpl",
    "userimpl",
    "retcode",
];

impl Subsystem {
    /// `(port : mach_port_t; in x : int; out y : int)`. The request port is not among the results.
    pub(super) fn arguments(&mut self, is_simple: bool, cursor: &mut Cursor<'_>) -> Parsed<Arguments> {
        let mut arguments = Arguments::default();
        let (mut count, mut has_port) = (0_u32, false);
        let begin = cursor.span();
        cursor.expect(b'(', "arguments stand in parentheses")?;
        while !cursor.is(b')') {
            let (at, word) = (cursor.span(), cursor.word().to_ascii_lowercase());
            let mut is_request_port = false;
            let way = match word.as_str() {
                "in" => Way::In,
                "out" => Way::Out,
                "inout" => Way::InOut,
                "requestport" => {
                    is_request_port = true;
                    Way::In
                }
                _ if PARTS_OF_A_MESSAGE.contains(&word.as_str()) => {
                    let hint = "remove it; a routine's time is `waittime 500;` before it, and `nearcall::current()` says who calls";
                    return Err(cursor.error(at, format!("`{word}` of an argument is not understood"), hint));
                }
                _ => Way::In,
            };
            if matches!(word.as_str(), "in" | "out" | "inout" | "requestport") {
                cursor.bump();
            }
            let name = cursor.name("an argument")?;
            cursor.expect(b':', "write `name : type`")?;
            let mut ty = self.ty(cursor, 0)?;
            while cursor.eat(b',') {
                self.flag(cursor, &mut ty)?;
            }
            count += 1;
            // The first one, unless another is named: the binding.
            let is_port = matches!(ty.shape, Shape::Port);
            if is_request_port && !is_port {
                return Err(cursor.error(at, "the request port is no port", "give it the type `mach_port_t`"));
            }
            if is_port {
                let is_first = count == 1 && way == Way::In;
                if has_port || !(is_first || is_request_port) {
                    let hint = "a trait can pass clients, descriptors and grants: write the interface as one";
                    return Err(cursor.error(name.span, "a port beside the request port is not understood", hint));
                }
                has_port = true;
            } else {
                if is_simple && way != Way::In {
                    let hint = "write `routine`: its client waits for an answer";
                    return Err(cursor.error(name.span, "a simpleroutine has no results", hint));
                }
                if let Some(why) = unfit(&name.text) {
                    return Err(cursor.error(name.span, why, "use another name"));
                }
                self.argument(way, &name, ty, &mut arguments, cursor)?;
            }
            if !cursor.eat(b';') {
                break;
            }
        }
        cursor.expect(b')', "arguments are separated by `;` and end with `)`")?;
        if !has_port {
            let hint = "the first argument is the port that the request goes to: `port : mach_port_t`";
            return Err(cursor.error(begin, "there is no request port", hint));
        }
        let mut names: Vec<&str> = arguments.params.iter().map(|param| param.name.as_str()).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(cursor.error(begin, format!("there are two arguments `{}`", pair[0]), "rename one")),
            None => Ok(arguments),
        }
    }

    fn argument(
        &mut self,
        way: Way,
        name: &Name,
        ty: Type,
        into: &mut Arguments,
        cursor: &mut Cursor<'_>,
    ) -> Parsed<()> {
        if let Some(translation) = ty.translation.and_then(|at| self.translations.get_mut(at)) {
            let missing = match way {
                Way::In | Way::InOut if translation.intran.is_none() => Some("intran"),
                Way::Out | Way::InOut if translation.outtran.is_none() => Some("outtran"),
                _ => None,
            };
            if let Some(missing) = missing {
                let what = format!("its type has no `{missing}`");
                return Err(cursor.error(name.span, what, "add it, or use the type that travels"));
            }
            translation.is_out |= way == Way::Out;
        }
        let bytes = |most: Option<u32>, item: &model::Type| {
            let size = model::layout(item, &[]).size;
            most.and_then(|most| u32::try_from(u64::from(most).saturating_mul(size)).ok())
        };
        let is_array = matches!(ty.shape, Shape::Fixed(model::Type::Array(..)));
        let mut count = None;
        let (form, of, max) = match (ty.shape, way) {
            // There is none: ports were told apart.
            (Shape::Port, _) => return Ok(()),
            (Shape::Fixed(ty), Way::In) => (if is_array { Form::Ref } else { Form::Value }, ty, None),
            (Shape::Fixed(ty), Way::Out) => (Form::Out, ty, None),
            (Shape::Fixed(ty), Way::InOut) => (Form::InOut, ty, None),
            (Shape::Text(most), Way::In) => (Form::Text, model::Type::Text(None), most),
            (Shape::Text(most), Way::Out) => (Form::Out, model::Type::Text(most), None),
            (Shape::Text(most), Way::InOut) => (Form::InOut, model::Type::Text(most), None),
            (Shape::Many(item, most), way) => {
                let (is_plain, max) = (model::layout(&item, &[]).is_plain, bytes(most, &item));
                let all = || model::Type::Seq(Box::new(item.clone()), most);
                match way {
                    Way::In if ty.dealloc => (Form::Value, all(), None),
                    Way::In if is_plain => (Form::Slice, item, max),
                    Way::In => (Form::Ref, all(), None),
                    Way::Out if is_plain && !ty.is_out_of_line => {
                        let length = format!("{}Cnt", name.text);
                        count = Some(length.clone());
                        (Form::OutSlice(OutLength::Param(length)), item, max)
                    }
                    Way::Out => (Form::Out, all(), None),
                    Way::InOut => (Form::InOut, all(), None),
                }
            }
        };
        into.params.push(Param { name: name.text.clone(), form, ty: of, max });
        into.translated.push(ty.translation);
        if let Some(name) = count {
            let ty = model::Type::Int { size: 4, signed: false };
            into.params.push(Param { name, form: Form::Out, ty, max: None });
            into.translated.push(None);
        }
        Ok(())
    }
}
