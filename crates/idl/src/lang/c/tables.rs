//! What interfaces are, as constant data: the same that Rust's stubs have.

use std::fmt::Write;

use super::{C, Named, NamedProcedure, line};
use crate::ir::Exhausted;
use crate::lang::layout;
use crate::lang::model::{Form, Type};

pub(super) fn tables(c: &C<'_>) -> String {
    let mut text = c.opening("What the interfaces are.");
    line!(text, "#include \"{}.h\"\n", c.stem);
    for named in &c.interfaces {
        for (number, procedure) in named.procedures.iter().enumerate() {
            params(c, named, number, procedure, &mut text);
        }
        line!(text, "static const nearcall_procedure {}_procedures[] = {{", named.table);
        for (number, one) in named.procedures.iter().enumerate() {
            procedure(named, number, one, &mut text);
        }
        line!(text, "}};\n");
        let interface = named.interface;
        let uuid = interface.uuid.unwrap_or(0);
        let (major, minor) = interface.version.unwrap_or((0, 0));
        line!(text, "const nearcall_interface {} = {{", named.table);
        line!(
            text,
            "    {}, {}_procedures, UINT64_C(0x{:x}), UINT64_C(0x{:x}), {major}, {minor}, {}\n}};\n",
            quoted(&interface.rust),
            named.table,
            uuid >> 64,
            uuid & u128::from(u64::MAX),
            named.procedures.len()
        );
    }
    text
}

fn procedure(named: &Named<'_>, number: usize, one: &NamedProcedure<'_>, to: &mut String) {
    let (procedure, plan) = (one.procedure, &one.plan);
    let options = &procedure.options;
    let (grow, fails) = match options.exhausted {
        None | Some(Exhausted::Wait) => (0, false),
        Some(Exhausted::Fail) => (0, true),
        Some(Exhausted::Grow(most)) => (most, false),
    };
    let timeout = match options.timeout.as_deref() {
        None => "0".to_owned(),
        Some("none") => "UINT64_MAX".to_owned(),
        Some(text) => crate::options::duration(text).map_or_else(
            || "0".to_owned(),
            |timeout| format!("UINT64_C({})", u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX - 1)),
        ),
    };
    line!(
        to,
        "    {{ {}, {}, {}_{number}_params, {timeout}, {}, {}, {}, {}, {}, {grow}, {fails}, {}, {} }},",
        quoted(&procedure.name),
        quoted(&procedure.origin),
        named.table,
        plan.request_size,
        plan.reply_size,
        plan.frame_size,
        procedure.params.len() + 1 + usize::from(procedure.error.is_some()),
        options.concurrency.unwrap_or(layout::DEFAULT_CONCURRENCY),
        options.idempotent,
        options.handoff,
    );
}

/// The parts in order of declaration, then the result, then the error: each as fingerprints spell it in this place.
fn params(c: &C<'_>, named: &Named<'_>, number: usize, one: &NamedProcedure<'_>, to: &mut String) {
    let procedure = one.procedure;
    line!(to, "static const nearcall_param {}_{number}_params[] = {{", named.table);
    let defs = &c.model.defs;
    let spelled = layout::spelled(procedure, defs);
    let max = procedure.options.max.unwrap_or(layout::DEFAULT_MAX);
    let mut spelled = spelled.iter();
    let mut next = || spelled.next().map(|text| quoted(text)).unwrap_or_default();
    for param in &procedure.params {
        let direction = match param.form {
            Form::Value | Form::Ref | Form::Text | Form::Slice | Form::InPlace => 0,
            Form::InOut | Form::InOutSlice => 1,
            Form::Out | Form::OutSlice(_) => 2,
        };
        let (size, carried) = carried(c, &param.form, &param.ty);
        let max = param.max.unwrap_or(max);
        line!(to, "    {{ {}, {}, {size}, {max}, {direction}, {carried} }},", quoted(&param.name), next());
    }
    let (size, how) = procedure.output.as_ref().map_or((0, 0), |ty| carried(c, &Form::Value, ty));
    line!(to, "    {{ \"return\", {}, {size}, {max}, 3, {how} }},", next());
    if let Some(error) = &procedure.error {
        let (size, how) = carried(c, &Form::Value, error);
        line!(to, "    {{ \"error\", {}, {size}, {max}, 4, {how} }},", next());
    }
    line!(to, "}};\n");
}

/// Bytes in the head, and how the rest is carried.
fn carried(c: &C<'_>, form: &Form, ty: &Type) -> (u64, u8) {
    match form {
        Form::Text | Form::Slice | Form::InOutSlice | Form::OutSlice(_) => (4, 3),
        Form::InPlace => (4, 4),
        _ => {
            let layout = c.types.layout(ty);
            let class = match layout.class {
                crate::lang::model::Class::Fixed => 0,
                crate::lang::model::Class::Varying => 1,
                crate::lang::model::Class::Conventional => 2,
            };
            (layout.size, class)
        }
    }
}

/// A text in C. Names and types have no character that would need more.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    let _ = write!(out, "\"");
    out
}
