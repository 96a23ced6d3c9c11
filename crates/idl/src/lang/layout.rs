//! How the parts of a procedure lie and travel, computed here as rustc computes it from `Wire`; and the same in words.
//!
//! The order is that of the emitter's plan (`emit/plan.rs`): in, in-out, and the capacities of buffers in the request;
//! in-out, out and the return value in the reply, or the error instead.

use std::fmt::Write;
use std::hash::Hasher;

use nearcall_layout::head::{LINE_BYTES, head_bytes};
use siphasher::sip::SipHasher13;

use super::model::{self, Class, Def, DefKind, Form, Model, OutLength, Param, Procedure, Type};
use crate::ir::Exhausted;

/// Bytes of a frame whose parts vary: `nearcall::rt::DEFAULT_FRAME_SIZE`.
pub(crate) const DEFAULT_FRAME: u64 = 1500;
/// Bytes that a part of varying size may have: `nearcall::rt::DEFAULT_MAX`.
pub(crate) const DEFAULT_MAX: u32 = 1024 * 1024;
/// A-stacks of a size class: `nearcall::rt::DEFAULT_CONCURRENCY`.
pub(crate) const DEFAULT_CONCURRENCY: u16 = 5;

/// One part of a head.
#[derive(Debug, Clone)]
pub(crate) struct Part<'a> {
    pub(crate) name: &'a str,
    pub(crate) way: &'static str,
    /// Bytes from the beginning of the head.
    pub(crate) at: u64,
    /// Bytes of it in the head.
    pub(crate) size: u64,
    /// What is beside it, outside of the head.
    pub(crate) rest: Rest,
    /// Bytes that the rest may have.
    pub(crate) max: u32,
    /// A buffer of the client's, which has its place in the reply's frame and none in its head.
    pub(crate) is_area: bool,
}

/// What of a part lies outside of its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    Nothing,
    /// Items or text, as they lie in memory.
    Items,
    /// The same, and the server reads them where they are.
    InPlace,
    /// Items of parts that vary, inside of a value.
    Tail,
    /// All of it, in sequence.
    Sequence,
}

/// The parts of one procedure.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) request: Vec<Part<'a>>,
    pub(crate) reply: Vec<Part<'a>>,
    pub(crate) error: Option<Part<'a>>,
    /// Bytes of the heads, in whole words.
    pub(crate) request_size: u64,
    pub(crate) reply_size: u64,
    /// Bytes of the A-stack's frame.
    pub(crate) frame_size: u64,
    /// Whether a part may lie outside of the heads.
    pub(crate) varies: bool,
}

impl<'a> Plan<'a> {
    pub(crate) fn of(procedure: &'a Procedure, defs: &[Def]) -> Self {
        let max = |param: &Param| param.max.or(procedure.options.max).unwrap_or(DEFAULT_MAX);
        let result_max = procedure.options.max.unwrap_or(DEFAULT_MAX);
        let part = |param: &'a Param, way: &'static str| {
            let (size, rest) = carried(&param.form, &param.ty, defs);
            Part { name: &param.name, way, at: 0, size, rest, max: max(param), is_area: false }
        };
        let value = |name: &'static str, ty: &Type| {
            let (size, rest) = carried(&Form::Value, ty, defs);
            Part { name, way: "result", at: 0, size, rest, max: result_max, is_area: false }
        };
        let select = |wanted: fn(&Form) -> bool| procedure.params.iter().filter(move |param| wanted(&param.form));
        let is_in = |form: &Form| matches!(form, Form::Value | Form::Ref | Form::Text | Form::Slice | Form::InPlace);
        let is_in_out = |form: &Form| matches!(form, Form::InOut | Form::InOutSlice);
        let request: Vec<Part<'a>> = select(is_in)
            .map(|param| part(param, "in"))
            .chain(select(is_in_out).map(|param| part(param, "in-out")))
            .chain(select(|form| matches!(form, Form::OutSlice(_))).map(|param| {
                // The request says how large the client's buffer is.
                Part { rest: Rest::Nothing, ..part(param, "out") }
            }))
            .collect();
        let reply: Vec<Part<'a>> = select(|form| matches!(form, Form::InOut))
            .map(|param| part(param, "in-out"))
            .chain(select(|form| matches!(form, Form::Out)).map(|param| part(param, "out")))
            .chain(procedure.output.iter().map(|ty| value("return", ty)))
            .collect();
        // Buffers have their places in the reply's frame, and none in its head.
        let areas = select(|form| matches!(form, Form::InOutSlice | Form::OutSlice(_)));
        let areas = areas.map(|param| Part {
            size: 0,
            is_area: true,
            ..part(param, if param.form == Form::InOutSlice { "in-out" } else { "out" })
        });
        let (request, request_end) = placed(request);
        let (mut reply, reply_end) = placed(reply);
        reply.extend(areas);
        let error = procedure.error.as_ref().map(|ty| Part { way: "error", ..value("error", ty) });
        let reply_end = reply_end.max(error.as_ref().map_or(0, |error| error.size));
        let parts = || request.iter().chain(&reply).chain(&error);
        let mut plan = Plan {
            varies: parts().any(|part| part.rest != Rest::Nothing),
            request_size: words(request_end),
            reply_size: words(reply_end),
            frame_size: 0,
            request,
            reply,
            error,
        };
        plan.frame_size = match procedure.options.astack {
            Some(astack) => u64::from(astack),
            None if plan.varies => DEFAULT_FRAME,
            None => plan.in_frame(),
        };
        plan
    }

    /// Bytes of heads that lie in the frame, because they are longer than a line.
    pub(crate) fn in_frame(&self) -> u64 {
        in_frame(self.request_size).max(in_frame(self.reply_size))
    }

    fn parts(&self) -> impl Iterator<Item = &Part<'a>> {
        self.request.iter().chain(&self.reply).chain(&self.error)
    }
}

/// The end of a head in whole words.
fn words(end: u64) -> u64 {
    let bytes = usize::try_from(end).map(head_bytes).ok();
    bytes.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(u64::MAX)
}

const LINE: u64 = {
    #[expect(clippy::as_conversions, reason = "40, and TryFrom is not const")]
    let bytes = LINE_BYTES as u64;
    bytes
};

const fn in_frame(head: u64) -> u64 {
    if head > LINE { head } else { 0 }
}

/// Gives each part its offset; and the end of the last.
fn placed(mut parts: Vec<Part<'_>>) -> (Vec<Part<'_>>, u64) {
    let mut at = 0_u64;
    for part in &mut parts {
        part.at = at;
        at = at.saturating_add(part.size);
    }
    (parts, at)
}

/// Bytes in the head, and what is outside of it.
fn carried(form: &Form, ty: &Type, defs: &[Def]) -> (u64, Rest) {
    match form {
        Form::Text | Form::Slice | Form::InOutSlice | Form::OutSlice(_) => (4, Rest::Items),
        Form::InPlace => (4, Rest::InPlace),
        Form::Value | Form::Ref | Form::InOut | Form::Out => {
            let layout = model::layout(ty, defs);
            let rest = match layout.class {
                Class::Fixed => Rest::Nothing,
                Class::Varying => Rest::Tail,
                Class::Conventional => Rest::Sequence,
            };
            (layout.size, rest)
        }
    }
}

/// The signature of a procedure, as `nearcall::describe` spells it: client and server compare its hash.
pub(crate) fn signature(procedure: &Procedure, origin: &str, defs: &[Def]) -> String {
    let mut spelled = spelled(procedure, defs).into_iter();
    let mut text = format!("{}(", procedure.name);
    for (i, (param, ty)) in procedure.params.iter().zip(spelled.by_ref()).enumerate() {
        let way = match param.form {
            Form::Value | Form::Ref | Form::Text | Form::Slice | Form::InPlace => "",
            Form::InOut | Form::InOutSlice => "&mut ",
            Form::Out | Form::OutSlice(_) => "#[out] &mut ",
        };
        text.push_str(if i == 0 { "" } else { ", " });
        text.push_str(&format!("{}: {way}{ty}", param.name));
    }
    text.push_str(") -> ");
    text.push_str(&spelled.next().unwrap_or_default());
    if let Some(error) = spelled.next() {
        text.push_str(" or ");
        text.push_str(&error);
    }
    if !origin.is_empty() {
        text.push_str(&format!(" of {origin}"));
    }
    text
}

/// The types of the parameters, of the result and of the error, in this order: a named one with its body where it comes first.
pub(crate) fn spelled(procedure: &Procedure, defs: &[Def]) -> Vec<String> {
    let mut seen = Vec::new();
    let mut types: Vec<String> = Vec::new();
    for param in &procedure.params {
        let mut text = String::new();
        match param.form {
            Form::Slice | Form::InPlace | Form::InOutSlice | Form::OutSlice(_) => {
                text.push('[');
                spell(&param.ty, defs, &mut seen, &mut text);
                text.push(']');
            }
            _ => spell(&param.ty, defs, &mut seen, &mut text),
        }
        types.push(text);
    }
    let mut text = String::new();
    match &procedure.output {
        Some(ty) => spell(ty, defs, &mut seen, &mut text),
        None => text.push_str("()"),
    }
    types.push(text);
    types.extend(procedure.error.as_ref().map(|error| {
        let mut text = String::new();
        spell(error, defs, &mut seen, &mut text);
        text
    }));
    types
}

/// The hash of a signature.
pub(crate) fn fingerprint(signature: &str) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write(signature.as_bytes());
    hasher.finish()
}

/// As `nearcall_layout::shape::Spelling`: a named type with its body where it comes first.
fn spell(ty: &Type, defs: &[Def], seen: &mut Vec<usize>, to: &mut String) {
    match ty {
        Type::Bool => to.push_str("bool"),
        Type::Wide => to.push_str("char"),
        Type::Int { size, signed } => {
            to.push(if *signed { 'i' } else { 'u' });
            to.push_str(&(u32::from(*size) * 8).to_string());
        }
        Type::Float { size } => to.push_str(if *size == 4 { "f32" } else { "f64" }),
        Type::Text(_) => to.push_str("str"),
        Type::Seq(item, _) => {
            to.push('[');
            spell(item, defs, seen, to);
            to.push(']');
        }
        Type::Optional(item) => {
            to.push_str("Option<");
            spell(item, defs, seen, to);
            to.push('>');
        }
        Type::Array(item, count) => {
            to.push('[');
            spell(item, defs, seen, to);
            to.push_str(&format!("; {count}]"));
        }
        Type::Def(at) => {
            let Some(def) = defs.get(*at) else { return };
            if seen.contains(at) {
                to.push_str(&def.rust);
                return;
            }
            seen.push(*at);
            match &def.kind {
                DefKind::Struct { fields, .. } => {
                    to.push_str(&format!("struct {} {{", def.rust));
                    for (i, field) in fields.iter().enumerate() {
                        to.push_str(&format!("{} {}: ", if i == 0 { "" } else { "," }, field.name));
                        spell(&field.ty, defs, seen, to);
                    }
                    to.push_str(" }");
                }
                DefKind::Enum { variants, .. } => {
                    to.push_str(&format!("enum {}: u32 {{", def.rust));
                    for (i, variant) in variants.iter().enumerate() {
                        let comma = if i == 0 { "" } else { "," };
                        to.push_str(&format!("{comma} {} = {}", variant.rust, variant.value));
                    }
                    to.push_str(" }");
                }
                DefKind::Union { size, arms, .. } => {
                    to.push_str(&format!("enum {}: u{} {{", def.rust, u32::from(*size) * 8));
                    for (i, arm) in arms.iter().enumerate() {
                        let comma = if i == 0 { "" } else { "," };
                        to.push_str(&format!("{comma} {} = {}", arm.rust, arm.value));
                        if let Some(ty) = &arm.ty {
                            to.push_str(" { 0: ");
                            spell(ty, defs, seen, to);
                            to.push_str(" }");
                        }
                    }
                    to.push_str(" }");
                }
            }
        }
    }
}

/// All interfaces in words: signatures, heads, frames, and the path of each part.
pub(crate) fn describe(model: &Model) -> String {
    let mut text = String::new();
    for (i, interface) in model.interfaces.iter().enumerate() {
        text.push_str(if i == 0 { "" } else { "\n" });
        // Writing to a String cannot fail.
        let _ = write!(text, "interface {}", interface.rust);
        if let Some((major, minor)) = interface.version {
            let _ = write!(text, ", version {major}.{minor}");
        }
        if let Some(uuid) = interface.uuid {
            let _ = write!(text, ", uuid {}", crate::ir::spelled_uuid(uuid));
        }
        text.push('\n');
        for procedure in &interface.procedures {
            text.push('\n');
            describe_procedure(procedure, &model.defs, &mut text);
        }
    }
    text
}

fn describe_procedure(procedure: &Procedure, defs: &[Def], to: &mut String) {
    let plan = Plan::of(procedure, defs);
    let signature = signature(procedure, &procedure.origin, defs);
    let options = &procedure.options;
    let exhausted = match options.exhausted {
        None | Some(Exhausted::Wait) => "wait".to_owned(),
        Some(Exhausted::Fail) => "fail".to_owned(),
        Some(Exhausted::Grow(most)) => format!("grow({most})"),
    };
    let _ = writeln!(to, "{signature}");
    let (path, why) = path(&plan);
    let _ = writeln!(to, "    {path}: {}", why.join("; "));
    let _ = writeln!(
        to,
        "    request head {} bytes, reply head {}, frame {}; {} at once, then {exhausted}; fingerprint {:016x}",
        plan.request_size,
        plan.reply_size,
        plan.frame_size,
        options.concurrency.unwrap_or(DEFAULT_CONCURRENCY),
        fingerprint(&signature)
    );
    let timeout = options.timeout.as_ref().map(|timeout| format!("gives up after {timeout}"));
    let said: Vec<String> = [
        timeout,
        options.idempotent.then(|| "idempotent".to_owned()),
        options.oneway.then(|| "oneway".to_owned()),
        options.handoff.then(|| "handed off before it runs".to_owned()),
        options.deferred.then(|| "replies later".to_owned()),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !said.is_empty() {
        let _ = writeln!(to, "    {}", said.join("; "));
    }
    describe_parts("request", &plan.request, plan.request_size, &plan, to);
    describe_parts("reply", &plan.reply, plan.reply_size, &plan, to);
    if let Some(error) = &plan.error {
        describe_parts("error", std::slice::from_ref(error), plan.reply_size, &plan, to);
    }
    for param in &procedure.params {
        if let Form::OutSlice(OutLength::Param(length)) = &param.form {
            let _ = writeln!(to, "    `{length}` says how many items of `{}` come back", param.name);
        }
    }
}

/// The slowest way that a part takes, and the parts that do.
fn path(plan: &Plan<'_>) -> (&'static str, Vec<String>) {
    let of = |wanted: &[Rest]| -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for part in plan.parts().filter(|part| wanted.contains(&part.rest)) {
            if !names.contains(&part.name) {
                names.push(part.name);
            }
        }
        names
    };
    let sequences = of(&[Rest::Sequence]);
    if !sequences.is_empty() {
        return ("conventional", sequences.iter().map(|name| format!("`{name}` has no fixed shape")).collect());
    }
    let varying = of(&[Rest::Items, Rest::InPlace, Rest::Tail]);
    let heads = [("request", plan.request_size), ("reply", plan.reply_size)];
    let long = heads.iter().filter(|(_, size)| *size > LINE);
    let why: Vec<String> = long
        .map(|(what, size)| format!("the {what} head has {size} bytes, a line {LINE}"))
        .chain(varying.iter().map(|name| format!("`{name}` varies in size")))
        .collect();
    if why.is_empty() { ("line", vec![format!("heads of {LINE} bytes or less, and no tails")]) } else { ("frame", why) }
}

fn describe_parts(what: &str, parts: &[Part<'_>], head: u64, plan: &Plan<'_>, to: &mut String) {
    let outside = parts.iter().filter(|part| part.rest != Rest::Nothing).count();
    // What the frame has left for them.
    let room = plan.frame_size.saturating_sub(in_frame(head));
    for part in parts {
        let place = match (part.size, head > LINE) {
            (0, _) => "   no bytes of the head".to_owned(),
            (size, false) => {
                let register = if size <= 8 { ", in a register" } else { "" };
                format!("{size:>4} bytes at {:>4} of the line{register}", part.at)
            }
            (size, true) => format!("{size:>4} bytes at {:>4} of the frame", part.at),
        };
        let _ = write!(to, "    {what:7} {:6} {:<16} {place}", part.way, part.name);
        let rest = match part.rest {
            Rest::Nothing => {
                to.push('\n');
                continue;
            }
            Rest::Items => "its items",
            Rest::InPlace => "its bytes, read in place,",
            Rest::Tail => "its tail",
            Rest::Sequence => "all of it, in sequence,",
        };
        let alone = if outside == 1 { "alone in the heap" } else { "in the heap" };
        let _ = write!(to, "; {rest} {alone}");
        if u64::from(part.max) > room {
            let _ = write!(to, ", out of band beyond {room} bytes");
        }
        let _ = writeln!(to, ", up to {} bytes", part.max);
    }
}
