//! Constant expressions. Integers are computed in 128 bits, and what leaves those is an error.

use std::collections::BTreeMap;

use super::ast::{Expr, ExprKind};
use super::diagnostics::Found;
use super::model::{Type, Value};
use super::source::{Sources, Span};

/// Constants that are known so far.
pub(crate) type Known = BTreeMap<String, Value>;

/// What `expr` is worth; `None` if that was reported as an error.
pub(crate) fn evaluate(expr: &Expr, known: &Known, sources: &Sources, found: &mut Found) -> Option<Value> {
    let Expr { kind, span } = expr;
    match kind {
        ExprKind::Number => number(*span, sources, found),
        ExprKind::Text(text) => Some(Value::Text(text.clone())),
        ExprKind::Char(c) => Some(Value::Char(*c)),
        ExprKind::Name(name) => match name.as_str() {
            "TRUE" | "true" => Some(Value::Bool(true)),
            "FALSE" | "false" => Some(Value::Bool(false)),
            _ => {
                let value = known.get(name).cloned();
                if value.is_none() {
                    let hint = match super::names::similar(name, known.keys().map(String::as_str)) {
                        Some(other) => format!("did you mean `{other}`?"),
                        None => "declare it before it is used: `const long N = 4;`".to_owned(),
                    };
                    found.unknown(*span, format!("there is no constant `{name}` here"), hint);
                }
                value
            }
        },
        ExprKind::Call(name, _) => {
            found.error(*span, format!("there is no function `{name}`"), "constants are computed by operators");
            None
        }
        ExprKind::Unary(mark, inner) => {
            let inner = evaluate(inner, known, sources, found)?;
            let value = match (mark, inner) {
                (b'+', value @ (Value::Int(_) | Value::Float(_))) => Some(value),
                (b'-', Value::Int(int)) => int.checked_neg().map(Value::Int),
                (b'-', Value::Float(float)) => Some(Value::Float(-float)),
                (b'~', Value::Int(int)) => Some(Value::Int(!int)),
                _ => None,
            };
            if value.is_none() {
                let what = format!("`{}` has no meaning for this value", char::from(*mark));
                found.error(*span, what, "it is for numbers");
            }
            value
        }
        ExprKind::Binary(left, mark, right) => {
            let left = evaluate(left, known, sources, found);
            let right = evaluate(right, known, sources, found);
            let value = combine(left?, *mark, right?);
            if value.is_none() {
                found.error(
                    *span,
                    "this cannot be computed",
                    "operands are two integers or two floating-point numbers; results have 128 bits at most, shifts are by \
                     0 to 126, and nothing is divided by 0",
                );
            }
            value
        }
    }
}

fn combine(left: Value, mark: u8, right: Value) -> Option<Value> {
    let (a, b) = match (left, right) {
        (Value::Int(a), Value::Int(b)) => (a, b),
        (Value::Float(a), Value::Float(b)) => {
            return Some(Value::Float(match mark {
                b'+' => a + b,
                b'-' => a - b,
                b'*' => a * b,
                b'/' => a / b,
                _ => return None,
            }))
            .filter(|value| matches!(value, Value::Float(float) if float.is_finite()));
        }
        _ => return None,
    };
    let shift = || u32::try_from(b).ok().filter(|bits| *bits < 128);
    let int = match mark {
        b'+' => a.checked_add(b)?,
        b'-' => a.checked_sub(b)?,
        b'*' => a.checked_mul(b)?,
        b'/' => a.checked_div(b)?,
        b'%' => a.checked_rem(b)?,
        b'&' => a & b,
        b'|' => a | b,
        b'^' => a ^ b,
        b'<' => a.checked_mul(1_i128.checked_shl(shift().filter(|bits| *bits < 127)?)?)?,
        b'>' => a.checked_shr(shift()?)?,
        _ => return None,
    };
    Some(Value::Int(int))
}

fn number(span: Span, sources: &Sources, found: &mut Found) -> Option<Value> {
    let text = sources.text(span);
    // An underscore stands between two digits.
    let bytes = text.as_bytes();
    let is_between = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'_').all(|(at, _)| {
        let is_digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_hexdigit);
        is_digit(at.checked_sub(1)) && is_digit(Some(at + 1))
    });
    let value = if is_between { parse(&text.replace('_', "")) } else { None };
    if value.is_none() {
        found.error(
            span,
            format!("`{}` is no number", sources.text(span).chars().take(40).collect::<String>()),
            "write `42`, `0x2a`, `052` or `4.2e1`; integers have 127 bits at most",
        );
    }
    value
}

fn parse(text: &str) -> Option<Value> {
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        let digits = without_suffix(digits)?;
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        return i128::from_str_radix(digits, 16).ok().filter(|_| is_hex).map(Value::Int);
    }
    let digits = text.trim_end_matches(['u', 'U', 'l', 'L']);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let digits = without_suffix(text)?;
        let octal = digits.len() > 1 && digits.starts_with('0');
        return i128::from_str_radix(digits, if octal { 8 } else { 10 }).ok().map(Value::Int);
    }
    let text = text.strip_suffix(['f', 'F', 'l', 'L']).unwrap_or(text);
    let is_float = text.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    text.parse::<f64>().ok().filter(|float| is_float && float.is_finite()).map(Value::Float)
}

/// An integer without what C lets follow it: `u` once, `l` or `ll`, in either order.
fn without_suffix(text: &str) -> Option<&str> {
    let digits = text.trim_end_matches(['u', 'U', 'l', 'L']);
    let suffix = text.get(digits.len()..)?;
    let long = suffix.trim_start_matches(['u', 'U']);
    let long = if long.len() == suffix.len() { suffix.trim_end_matches(['u', 'U']) } else { long };
    let is_one = suffix.len() - long.len() <= 1 && matches!(long, "" | "l" | "L" | "ll" | "LL");
    is_one.then_some(digits)
}

/// `value` as one of type `ty`; says why not otherwise.
pub(crate) fn typed(value: Value, ty: &Type) -> Result<Value, String> {
    match (ty, value) {
        (Type::Int { size, signed }, Value::Int(int)) => {
            let bits = u32::from(*size) * 8;
            let fits = match (*signed, bits) {
                (true, 128) => true,
                (false, 128) => int >= 0,
                (true, bits) => (-(1_i128 << (bits - 1))..1_i128 << (bits - 1)).contains(&int),
                (false, bits) => (0..1_i128 << bits).contains(&int),
            };
            if fits { Ok(Value::Int(int)) } else { Err(format!("{int} does not fit this type")) }
        }
        (Type::Int { size: 1, signed: false }, Value::Char(c)) if c < 256 => Ok(Value::Int(i128::from(c))),
        #[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "it is what is asked")]
        (Type::Float { size: 4 }, Value::Float(float)) if !(float as f32).is_finite() => {
            Err(format!("{float:e} does not fit this type"))
        }
        (Type::Float { .. }, Value::Float(float)) => Ok(Value::Float(float)),
        #[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "as C does it")]
        (Type::Float { .. }, Value::Int(int)) => Ok(Value::Float(int as f64)),
        (Type::Bool, Value::Bool(bool)) => Ok(Value::Bool(bool)),
        (Type::Wide, Value::Char(c)) => Ok(Value::Char(c)),
        (Type::Text(bound), Value::Text(text)) => match bound {
            Some(most) if u32::try_from(text.len()).map_or(true, |len| len > *most) => {
                Err(format!("the text has {} bytes, its type at most {most}", text.len()))
            }
            _ => Ok(Value::Text(text)),
        },
        (Type::Int { .. } | Type::Float { .. } | Type::Bool | Type::Wide | Type::Text(_), _) => {
            Err("this is no value of the constant's type".to_owned())
        }
        _ => Err("a constant is a number, a boolean, a character or a text".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Option<Value> {
        let mut sources = Sources::default();
        let mut found = Found::default();
        let file = sources.add("t", format!("const int128 X = {text};"));
        let items = crate::lang::parser::file(file, &sources, &mut found);
        let Some(super::super::ast::Item::Const(constant)) = items.first() else { return None };
        evaluate(&constant.value, &Known::new(), &sources, &mut found)
    }

    #[test]
    fn operators_bind_as_in_c() {
        for (text, worth) in [
            ("1 + 2 * 3", 7),
            ("(1 + 2) * 3", 9),
            ("1 << 4 | 1", 17),
            ("0xff & ~0xf", 0xf0),
            ("7 - 2 - 1", 4),
            ("-8 / 3", -2),
            ("-8 % 3", -2),
            ("256 >> 4 >> 2", 4),
            ("052", 42),
            ("1_000", 1000),
            ("10UL", 10),
            ("10llu", 10),
            ("0x10uLL", 16),
            ("6 ^ 3", 5),
        ] {
            assert_eq!(value(text), Some(Value::Int(worth)), "{text}");
        }
    }

    #[test]
    fn floats_have_the_suffixes_of_c_and_fit_their_type() {
        for text in ["1.5", "1.5f", "1.5F", "1.5L", "15e-1f"] {
            assert_eq!(value(text), Some(Value::Float(1.5)), "{text}");
        }
        assert_eq!(value("1.5ff"), None);
        assert!(typed(Value::Float(1e300), &Type::Float { size: 4 }).is_err());
        assert!(typed(Value::Float(1e300), &Type::Float { size: 8 }).is_ok());
        assert!(typed(Value::Float(-3.4e38), &Type::Float { size: 4 }).is_ok());
    }

    #[test]
    fn what_cannot_be_computed_is_nothing() {
        for text in [
            "1 / 0",
            "1 << 128",
            "1 << 127",
            "0x",
            "09",
            "1.5.2",
            "1 + 1.5",
            "-\"a\"",
            "f(1)",
            "170141183460469231731687303715884105727 + 1",
            "1 << -1",
            "X",
            "nan",
            "5uu",
            "5uuuLLLu",
            "5lL",
            "5ulu",
            "1___0",
            "0x_1",
            "1_u",
        ] {
            assert_eq!(value(text), None, "{text}");
        }
    }
}
