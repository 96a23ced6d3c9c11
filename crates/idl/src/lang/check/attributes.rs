//! Attributes: which there are, where, and what they say. What is not known here is an error.

use super::{Checker, MAX_BYTES};
use crate::ir::Exhausted;
use crate::lang::ast::{Attr, Expr, ExprKind};
use crate::lang::model::{Options, Value};
use crate::lang::names::similar;
use crate::lang::values;
use crate::options;

/// Where an attribute can stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Interface,
    Procedure,
    Param,
    Member,
}

const INTERFACE: &[&str] = &["uuid", "version", "concurrency", "exhausted", "timeout", "astack", "max"];
const PROCEDURE: &[&str] =
    &["concurrency", "exhausted", "timeout", "astack", "max", "idempotent", "oneway", "handoff", "deferred"];
const PARAM: &[&str] = &["in", "out", "size_is", "length_is", "string", "max", "in_place"];
const MEMBER: &[&str] = &["string"];

impl Place {
    const fn known(self) -> &'static [&'static str] {
        match self {
            Self::Interface => INTERFACE,
            Self::Procedure => PROCEDURE,
            Self::Param => PARAM,
            Self::Member => MEMBER,
        }
    }

    const fn of(self) -> &'static str {
        match self {
            Self::Interface => "an interface",
            Self::Procedure => "a procedure",
            Self::Param => "a parameter",
            Self::Member => "a member",
        }
    }
}

impl Checker<'_> {
    /// Refuses attributes that are unknown here or given twice; the others.
    pub(super) fn known<'a>(&mut self, attrs: &'a [Attr], place: Place) -> Vec<&'a Attr> {
        let mut kept: Vec<&Attr> = Vec::new();
        for attr in attrs {
            let name = attr.name.text.as_str();
            if !place.known().contains(&name) {
                let elsewhere = [Place::Interface, Place::Procedure, Place::Param]
                    .into_iter()
                    .find(|at| at.known().contains(&name));
                let list = place.known().iter().map(|known| format!("`{known}`")).collect::<Vec<_>>().join(", ");
                match (elsewhere, similar(name, place.known().iter().copied())) {
                    (Some(at), _) => {
                        let what = format!("`{name}` is an attribute of {}", at.of());
                        self.error(attr.span, what, format!("known of {}: {list}", place.of()));
                    }
                    (None, Some(other)) => {
                        self.error(
                            attr.name.span,
                            format!("unknown attribute `{name}`"),
                            format!("did you mean `{other}`?"),
                        );
                    }
                    (None, None) => {
                        let hint = format!("known of {}: {list}", place.of());
                        self.error(attr.name.span, format!("unknown attribute `{name}`"), hint);
                    }
                }
                continue;
            }
            if kept.iter().any(|other| other.name.text == name) {
                self.error(attr.span, format!("`{name}` is given twice"), "keep one of them");
                continue;
            }
            let takes_arguments = matches!(
                name,
                "uuid"
                    | "version"
                    | "concurrency"
                    | "exhausted"
                    | "timeout"
                    | "astack"
                    | "max"
                    | "size_is"
                    | "length_is"
            );
            let has_arguments = !attr.args.is_empty() || !attr.raw.is_empty();
            if takes_arguments != has_arguments || attr.args.len() > 1 {
                let hint = if takes_arguments { "write one value in parentheses" } else { "remove the parentheses" };
                self.error(
                    attr.span,
                    format!("`{name}` has {} value", if takes_arguments { "one" } else { "no" }),
                    hint,
                );
                continue;
            }
            kept.push(attr);
        }
        kept
    }

    /// Whether a member has `[string]`.
    pub(super) fn member_attributes(&mut self, attrs: &[Attr]) -> bool {
        self.known(attrs, Place::Member).iter().any(|attr| attr.name.text == "string")
    }

    /// What the attributes of a procedure say, or those of an interface about all of its procedures.
    pub(super) fn options(&mut self, attrs: &[&Attr], defaults: Options) -> Options {
        let mut options = defaults;
        for attr in attrs {
            match attr.name.text.as_str() {
                "idempotent" => options.idempotent = true,
                "oneway" => options.oneway = true,
                "handoff" => options.handoff = true,
                "deferred" => options.deferred = true,
                "concurrency" => {
                    let what = "how many calls one client can have under way in this procedure: 1 to 64";
                    options.concurrency = self.number(attr, 1..=64, what).and_then(|n| u16::try_from(n).ok());
                }
                "astack" => {
                    let what = "bytes of the A-stack's frame: 1 to 67108864";
                    options.astack = self.number(attr, 1..=MAX_BYTES, what).and_then(|n| u32::try_from(n).ok());
                }
                "max" => options.max = self.max(attr),
                "timeout" => options.timeout = self.timeout(attr),
                "exhausted" => options.exhausted = self.exhausted(attr),
                _ => {}
            }
        }
        options
    }

    fn argument<'b>(&self, attr: &'b Attr) -> Option<&'b Expr> {
        attr.args.first().filter(|arg| arg.unit.is_none()).map(|arg| &arg.expr)
    }

    fn number(&mut self, attr: &Attr, range: std::ops::RangeInclusive<u64>, what: &str) -> Option<u64> {
        let value = match self.argument(attr) {
            Some(expr) => values::evaluate(expr, &self.known, self.sources, self.found)?,
            None => Value::Bool(false),
        };
        let number = match value {
            Value::Int(int) => u64::try_from(int).ok().filter(|number| range.contains(number)),
            _ => None,
        };
        if number.is_none() {
            self.error(attr.span, format!("`{}` is {what}", attr.name.text), "write a number of that range");
        }
        number
    }

    /// Bytes, with a unit or without.
    pub(super) fn max(&mut self, attr: &Attr) -> Option<u32> {
        const HINT: &str = "write a number of bytes up to 64 MiB, like `65536`, `64 KiB` or `16 MiB`";
        let arg = attr.args.first()?;
        let factor = match arg.unit.as_ref().map(|unit| unit.text.as_str()) {
            None => Some(1),
            Some("KiB") => Some(1024),
            Some("MiB") => Some(1024 * 1024),
            Some(_) => None,
        };
        let value = values::evaluate(&arg.expr, &self.known, self.sources, self.found)?;
        let bytes = match value {
            Value::Int(int) => factor.and_then(|factor| u64::try_from(int).ok()?.checked_mul(factor)),
            _ => None,
        };
        let bytes = bytes.filter(|bytes| (1..=MAX_BYTES).contains(bytes)).and_then(|bytes| u32::try_from(bytes).ok());
        if bytes.is_none() {
            self.error(attr.span, "`max` is from 1 byte to 64 MiB", HINT);
        }
        bytes
    }

    fn timeout(&mut self, attr: &Attr) -> Option<String> {
        let text = match self.argument(attr).map(|expr| (&expr.kind, expr.span)) {
            Some((ExprKind::Text(text) | ExprKind::Name(text), _)) => text.clone(),
            Some((ExprKind::Number, span)) => self.sources.text(span).to_owned(),
            _ => String::new(),
        };
        let duration = options::duration(&text);
        if duration.is_none() {
            let what = "`timeout` is a time like `250us`, `5ms`, `2s`, `1min` or `none`";
            self.error(attr.span, what, "give a whole number above 0 with its unit; `none` waits for ever");
        }
        duration.map(|_| text)
    }

    fn exhausted(&mut self, attr: &Attr) -> Option<Exhausted> {
        let found = match self.argument(attr).map(|expr| &expr.kind) {
            Some(ExprKind::Name(name)) if name == "wait" => Some(Exhausted::Wait),
            Some(ExprKind::Name(name)) if name == "fail" => Some(Exhausted::Fail),
            Some(ExprKind::Call(name, most)) if name == "grow" => {
                let most = values::evaluate(most, &self.known, self.sources, self.found)?;
                match most {
                    Value::Int(most @ 1..=64) => u16::try_from(most).ok().map(Exhausted::Grow),
                    _ => None,
                }
            }
            _ => None,
        };
        if found.is_none() {
            let what = "`exhausted` is `wait`, `fail` or `grow(n)` with n up to 64";
            self.error(attr.span, what, "it is what a call does when as many are under way as there are A-stacks");
        }
        found
    }

    /// `uuid(6ba7b810-9dad-11d1-80b4-00c04fd430c8)`
    pub(super) fn uuid(&mut self, attr: &Attr) -> Option<u128> {
        let text = attr.raw.trim_matches('"');
        let uuid = options::uuid(text);
        if uuid.is_none() {
            let hint = "write it as 8, 4, 4, 4 and 12 hexadecimal digits: `uuid(6ba7b810-9dad-11d1-80b4-00c04fd430c8)`";
            self.error(attr.span, "this is no uuid", hint);
        }
        uuid
    }

    /// `version(1.2)`
    pub(super) fn version(&mut self, attr: &Attr) -> Option<(u16, u16)> {
        let version = options::version(attr.raw.trim_matches('"'));
        if version.is_none() {
            let hint = "write `version(1.0)`: the first number changes when older clients can no longer call";
            self.error(attr.span, "a version is two numbers up to 65535", hint);
        }
        version
    }
}
