//! Our attributes: `#[call(..)]` and `#[serde(..)]` on a method; `#[out]`, `#[in_place]`, `#[serde]` and `#[max(..)]` on a
//! parameter.
//!
//! Unknown keys, keys given twice and values out of range are refused one by one; a refused key leaves its default.
//! Attributes of others are not looked at here.

use std::time::Duration;

use proc_macro2::TokenStream;
use syn::ext::IdentExt;
use syn::meta::ParseNestedMeta;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, ExprLit, Ident, Lit, LitInt, Meta, Token};

use crate::ir::{BySerde, Exhausted, Options, OutLen};
use crate::refusals::Refusals;

/// The most calls one client can have under way in one procedure: the run time keeps them in one 64-bit word.
const MAX_CONCURRENCY: u64 = 64;

/// The most bytes that one parameter or result can have beside its fixed part.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// What our attributes say about a parameter.
#[derive(Debug, Clone, Default)]
pub(crate) struct Marks {
    pub(crate) out: Option<Out>,
    pub(crate) in_place: bool,
    pub(crate) serde: bool,
    pub(crate) max: Option<u32>,
}

/// What `#[out]` says about a parameter.
#[derive(Debug, Clone)]
pub(crate) struct Out {
    /// `len = ..`.
    pub(crate) len: OutLen,
}

/// Takes the attributes named `name` out of `attrs`; the first one counts and the others are refused.
fn take(attrs: &mut Vec<Attribute>, name: &str, refusals: &mut Refusals) -> Option<Attribute> {
    let mut ours = Vec::new();
    attrs.retain(|attr| {
        let is_ours = attr.path().is_ident(name);
        if is_ours {
            ours.push(attr.clone());
        }
        !is_ours
    });
    let mut ours = ours.into_iter();
    let first = ours.next();
    for again in ours {
        refusals.refuse(&again, format!("`#[{name}]` is given twice"), "write one attribute with all the keys");
    }
    first
}

/// Reads and removes `#[call(..)]`.
pub(crate) fn call(attrs: &mut Vec<Attribute>, refusals: &mut Refusals) -> Options {
    let mut options = Options::default();
    let Some(attr) = take(attrs, "call", refusals) else { return options };
    if !matches!(attr.meta, Meta::List(_)) {
        refusals.refuse(
            &attr,
            "`#[call]` without keys says nothing",
            "remove it, or write `#[call(timeout = \"2s\")]`",
        );
        return options;
    }
    let mut seen: Vec<Ident> = Vec::new();
    let parsed = attr.parse_nested_meta(|meta| {
        let keys = ["concurrency", "exhausted", "timeout", "astack", "max", "idempotent", "handoff", "oneway", "near"];
        let Some(key) = known(&meta, &keys, &mut seen, refusals)? else {
            return Ok(());
        };
        match key.as_str() {
            "max" => options.max = max(meta.value()?, refusals)?,
            "exhausted" => options.exhausted = exhausted(&value(&meta)?, refusals),
            "concurrency" => options.concurrency = concurrency(&value(&meta)?, refusals),
            "timeout" => options.timeout = timeout(&value(&meta)?, refusals),
            "astack" => options.astack = astack(&value(&meta)?, refusals),
            key if meta.input.peek(Token![=]) => {
                let given = value(&meta)?;
                let hint = format!("write `{key}` alone, or leave it out");
                refusals.refuse(given, format!("`{key}` has no value"), hint);
            }
            "handoff" => options.handoff = true,
            "oneway" => options.oneway = true,
            "near" => options.near = true,
            _ => options.idempotent = true,
        }
        Ok(())
    });
    if let Err(error) = parsed {
        refusals.syntax(error);
    }
    options
}

/// Reads and removes what we know of a parameter's attributes.
pub(crate) fn marks(attrs: &mut Vec<Attribute>, refusals: &mut Refusals) -> Marks {
    Marks {
        out: out(attrs, refusals),
        in_place: flag(attrs, "in_place", refusals),
        serde: flag(attrs, "serde", refusals),
        max: take(attrs, "max", refusals).and_then(|attr| max_of(&attr, refusals)),
    }
}

/// `#[max(bytes)]`.
fn max_of(attr: &Attribute, refusals: &mut Refusals) -> Option<u32> {
    match attr.parse_args_with(|input: ParseStream<'_>| max(input, refusals)) {
        Ok(max) => max,
        Err(_) => {
            refusals.refuse(attr, "`#[max]` says how many bytes a parameter may have", MAX_HINT);
            None
        }
    }
}

const MAX_HINT: &str = "write a number of bytes up to 64 MiB, like `65536`, `64 KiB` or `16 MiB`";

/// A number of bytes, with a unit or without.
fn max(input: ParseStream<'_>, refusals: &mut Refusals) -> syn::Result<Option<u32>> {
    let number: LitInt = input.parse()?;
    let unit: Option<Ident> = if input.peek(Ident) { Some(input.parse()?) } else { None };
    let factor = match unit.as_ref().map(ToString::to_string).as_deref() {
        None => Some(1),
        Some("KiB") => Some(1024),
        Some("MiB") => Some(1024 * 1024),
        Some(_) => None,
    };
    let bytes = factor.and_then(|factor: u64| number.base10_parse::<u64>().ok()?.checked_mul(factor));
    let bytes = bytes.filter(|bytes| (1..=MAX_BYTES).contains(bytes)).and_then(|bytes| u32::try_from(bytes).ok());
    if bytes.is_none() {
        refusals.refuse(&number, "`max` is from 1 byte to 64 MiB", MAX_HINT);
    }
    Ok(bytes)
}

fn exhausted(value: &Expr, refusals: &mut Refusals) -> Option<Exhausted> {
    let found = match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => match text.value().as_str() {
            "wait" => Some(Exhausted::Wait),
            "fail" => Some(Exhausted::Fail),
            text => text.strip_prefix("grow(").and_then(|rest| rest.strip_suffix(')')).and_then(|count| {
                let count = count.trim().parse().ok().filter(|count| (1..=MAX_CONCURRENCY).contains(count))?;
                u16::try_from(count).ok().map(Exhausted::Grow)
            }),
        },
        _ => None,
    };
    if found.is_none() {
        refusals.refuse(
            value,
            format!("`exhausted` is \"wait\", \"fail\" or \"grow(n)\" with n up to {MAX_CONCURRENCY}"),
            "it is what a call does when as many are under way as there are A-stacks",
        );
    }
    found
}

/// Reads and removes an attribute that has no keys.
fn flag(attrs: &mut Vec<Attribute>, name: &str, refusals: &mut Refusals) -> bool {
    let Some(attr) = take(attrs, name, refusals) else { return false };
    if !matches!(attr.meta, Meta::Path(_)) {
        refusals.refuse(&attr, format!("`#[{name}]` of a parameter has no keys"), format!("write `#[{name}]` alone"));
    }
    true
}

/// Reads and removes `#[serde(..)]` of a method.
pub(crate) fn by_serde(attrs: &mut Vec<Attribute>, refusals: &mut Refusals) -> BySerde {
    const HINT: &str = "write `#[serde(return)]`, `#[serde(error)]` or `#[serde(return, error)]`; for a parameter write \
                        `#[serde]` before its name";
    let mut by = BySerde::default();
    let Some(attr) = take(attrs, "serde", refusals) else { return by };
    let parser =
        |input: ParseStream<'_>| Punctuated::<Ident, Token![,]>::parse_terminated_with(input, Ident::parse_any);
    match attr.parse_args_with(parser) {
        Ok(keys) if !keys.is_empty() => {
            for key in keys {
                let known = if key == "return" {
                    &mut by.value
                } else if key == "error" {
                    &mut by.error
                } else {
                    refusals.refuse(&key, "unknown key", HINT);
                    continue;
                };
                if std::mem::replace(known, true) {
                    refusals.refuse(&key, format!("`{key}` is given twice"), "keep one of them");
                }
            }
        }
        _ => refusals.refuse(&attr, "`#[serde]` of a method says which of its results serde encodes", HINT),
    }
    by
}

/// Reads and removes `#[out]`.
fn out(attrs: &mut Vec<Attribute>, refusals: &mut Refusals) -> Option<Out> {
    let attr = take(attrs, "out", refusals)?;
    let mut out = Out { len: OutLen::All };
    if matches!(attr.meta, Meta::Path(_)) {
        return Some(out);
    }
    let mut seen: Vec<Ident> = Vec::new();
    let parsed = attr.parse_nested_meta(|meta| {
        if known(&meta, &["len"], &mut seen, refusals)?.is_none() {
            return Ok(());
        }
        let input = meta.value()?;
        let is_return = input.peek(Token![return]);
        let given: Expr = input.parse()?;
        match &given {
            Expr::Return(alone) if alone.expr.is_none() => out.len = OutLen::Return,
            Expr::Path(path) if path.path.get_ident().is_some() => {
                out.len = path.path.get_ident().cloned().map_or(OutLen::All, OutLen::Param);
            }
            _ => {
                if is_return {
                    out.len = OutLen::Return;
                }
                refusals.refuse(
                    given,
                    "only the return value or an `#[out]` parameter can say how much of the buffer was filled",
                    "write `#[out(len = return)]`, `#[out(len = name)]`, or `#[out]` if all of it always is",
                );
            }
        }
        Ok(())
    });
    if let Err(error) = parsed {
        refusals.syntax(error);
    }
    Some(out)
}

/// The key of `meta` if it is one of `keys` and new; otherwise it is refused, and its value is skipped.
fn known(
    meta: &ParseNestedMeta<'_>,
    keys: &[&str],
    seen: &mut Vec<Ident>,
    refusals: &mut Refusals,
) -> syn::Result<Option<String>> {
    let key = meta.path.get_ident().filter(|key| keys.iter().any(|known| key == known));
    let Some(key) = key else {
        let list = keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
        refusals.refuse(&meta.path, "unknown key", format_args!("known here: {list}"));
        skip(meta)?;
        return Ok(None);
    };
    if seen.contains(key) {
        refusals.refuse(key, format!("`{key}` is given twice"), "keep one of them");
        skip(meta)?;
        return Ok(None);
    }
    seen.push(key.clone());
    Ok(Some(key.to_string()))
}

/// Skips the value of a refused key, whatever it looks like, so that the keys after it are still read.
fn skip(meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
    while !meta.input.is_empty() && !meta.input.peek(Token![,]) {
        meta.input.parse::<proc_macro2::TokenTree>()?;
    }
    Ok(())
}

fn value(meta: &ParseNestedMeta<'_>) -> syn::Result<Expr> {
    meta.value()?.parse()
}

fn integer(value: &Expr) -> Option<u64> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Int(int), .. }) => int.base10_parse().ok(),
        _ => None,
    }
}

fn concurrency(value: &Expr, refusals: &mut Refusals) -> Option<u16> {
    let number = integer(value).filter(|number| (1..=MAX_CONCURRENCY).contains(number));
    if number.is_none() {
        refusals.refuse(
            value,
            format!("`concurrency` is a number from 1 to {MAX_CONCURRENCY}"),
            "it is how many calls one client can have under way in this procedure; more of them wait",
        );
    }
    number.and_then(|number| u16::try_from(number).ok())
}

fn astack(value: &Expr, refusals: &mut Refusals) -> Option<u32> {
    let number = integer(value).and_then(|number| u32::try_from(number).ok()).filter(|number| *number > 0);
    if number.is_none() {
        refusals.refuse(
            value,
            "`astack` is a number of bytes from 1 to 4294967295",
            "write the largest sum of variable parameters a call shall carry, or leave it out for 1500",
        );
    }
    number
}

fn timeout(value: &Expr, refusals: &mut Refusals) -> Option<Duration> {
    let duration = match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => duration(&text.value()),
        _ => None,
    };
    if duration.is_none() {
        refusals.refuse(
            value,
            "`timeout` is a text like \"250us\", \"5ms\", \"2s\", \"1min\" or \"none\"",
            "give a whole number above 0 with its unit; \"none\" waits for ever",
        );
    }
    duration
}

/// `None` if `text` is no duration. What does not fit 64 bits of microseconds (half a million years) is none either.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    if text == "none" {
        return Some(Duration::MAX);
    }
    let digits = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let (number, unit) = text.split_at_checked(text.len().checked_sub(digits.len())?)?;
    let micros: u64 = match unit {
        "us" => 1,
        "ms" => 1_000,
        "s" => 1_000_000,
        "min" => 60_000_000,
        _ => return None,
    };
    let micros = number.parse::<u64>().ok()?.checked_mul(micros)?;
    (micros > 0).then(|| Duration::from_micros(micros))
}

/// Reads `#[interface(uuid = "..", version = "..")]`.
pub(crate) fn identity(args: TokenStream, refusals: &mut Refusals) -> (Option<u128>, Option<(u16, u16)>) {
    let (mut id, mut number) = (None, None);
    let mut seen: Vec<Ident> = Vec::new();
    let parser = syn::meta::parser(|meta| {
        let Some(key) = known(&meta, &["uuid", "version"], &mut seen, refusals)? else { return Ok(()) };
        let given = value(&meta)?;
        let text = match &given {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => text.value(),
            _ => String::new(),
        };
        let is_fine = if key == "uuid" {
            id = uuid(&text);
            id.is_some()
        } else {
            number = version(&text);
            number.is_some()
        };
        if !is_fine {
            refusals.refuse(
                given,
                format!("this is no {key}"),
                "write `uuid = \"6ba7b810-9dad-11d1-80b4-00c04fd430c8\"`, `version = \"1.0\"`",
            );
        }
        Ok(())
    });
    if let Err(error) = syn::parse::Parser::parse2(parser, args) {
        refusals.syntax(error);
    }
    (id, number)
}

/// A uuid in groups of 8, 4, 4, 4 and 12 hexadecimal digits.
pub(crate) fn uuid(text: &str) -> Option<u128> {
    let mut digits = String::new();
    let mut groups = text.split('-');
    for length in [8, 4, 4, 4, 12] {
        let group = groups.next().filter(|group| group.len() == length)?;
        digits.push_str(Some(group).filter(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))?);
    }
    groups.next().is_none().then(|| u128::from_str_radix(&digits, 16).ok()).flatten()
}

/// Major and minor version: `1.2`, or `1` for `1.0`.
pub(crate) fn version(text: &str) -> Option<(u16, u16)> {
    let number = |text: &str| {
        Some(text).filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()
    };
    match text.split_once('.') {
        Some((major, minor)) => Some((number(major)?, number(minor)?)),
        None => Some((number(text)?, 0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let micros = |text| duration(text).map(|d| d.as_micros());
        assert_eq!(micros("250us"), Some(250));
        assert_eq!(micros("5ms"), Some(5_000));
        assert_eq!(micros("2s"), Some(2_000_000));
        assert_eq!(micros("1min"), Some(60_000_000));
        assert_eq!(duration("none"), Some(Duration::MAX));
        for bad in ["", "0s", "s", "2", "-1s", "1.5s", "2 s", "2h", "+2s", "18446744073709551615s"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }
}
