//! What interfaces are, as constant data: the same that Rust's stubs have.

use std::fmt::Write;

use super::{C, Named, NamedProcedure, line};
use crate::ir::Exhausted;
use crate::lang::layout;
use crate::lang::model::{Class, Form, Type};

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
            "    .name = {},\n    .procedures = {}_procedures,\n    .procedure_count = {},",
            quoted(&interface.rust),
            named.table,
            named.procedures.len()
        );
        if interface.uuid.is_some() {
            line!(text, "    .uuid_high = UINT64_C(0x{:x}),", uuid >> 64);
            line!(text, "    .uuid_low = UINT64_C(0x{:x}),", uuid & u128::from(u64::MAX));
        }
        if interface.version.is_some() {
            line!(text, "    .major = {major},\n    .minor = {minor},");
        }
        line!(text, "}};\n");
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
    line!(to, "    {{\n        .name = {},\n        .origin = {},", quoted(&procedure.name), quoted(&procedure.origin));
    line!(
        to,
        "        .params = {}_{number}_params,\n        .param_count = {},",
        named.table,
        procedure.params.len() + 1 + usize::from(procedure.error.is_some())
    );
    line!(
        to,
        "        .request_size = {},\n        .reply_size = {},\n        .frame_size = {},\n        .concurrency = {},",
        plan.request_size,
        plan.reply_size,
        plan.frame_size,
        options.concurrency.unwrap_or(layout::DEFAULT_CONCURRENCY)
    );
    for (member, value, is_said) in [
        ("timeout_ns", timeout, options.timeout.is_some()),
        ("grow", grow.to_string(), grow > 0),
        ("fails", "true".to_owned(), fails),
        ("is_idempotent", "true".to_owned(), options.idempotent),
        ("is_handed_off", "true".to_owned(), options.handoff),
    ] {
        if is_said {
            line!(to, "        .{member} = {value},");
        }
    }
    line!(to, "    }},");
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
            Form::Value | Form::Ref | Form::Text | Form::Slice | Form::InPlace => "IN",
            Form::InOut | Form::InOutSlice => "IN_OUT",
            Form::Out | Form::OutSlice(_) => "OUT",
        };
        let (size, carried) = carried(c, &param.form, &param.ty);
        let max = param.max.unwrap_or(max);
        line!(
            to,
            "    {{ {}, {}, {size}, {max}, NEARCALL_{direction}, NEARCALL_{carried} }},",
            quoted(&param.name),
            next()
        );
    }
    let (size, how) = procedure.output.as_ref().map_or((0, "FIXED"), |ty| carried(c, &Form::Value, ty));
    line!(to, "    {{ \"return\", {}, {size}, {max}, NEARCALL_RETURN, NEARCALL_{how} }},", next());
    if let Some(error) = &procedure.error {
        let (size, how) = carried(c, &Form::Value, error);
        line!(to, "    {{ \"error\", {}, {size}, {max}, NEARCALL_ERROR, NEARCALL_{how} }},", next());
    }
    line!(to, "}};\n");
}

/// Bytes in the head, and how the rest is carried.
fn carried(c: &C<'_>, form: &Form, ty: &Type) -> (u64, &'static str) {
    match form {
        Form::Text | Form::Slice | Form::InOutSlice | Form::OutSlice(_) => (4, "ITEMS"),
        Form::InPlace => (4, "IN_PLACE"),
        _ => {
            let layout = c.types.layout(ty);
            let class = match layout.class {
                Class::Fixed => "FIXED",
                Class::Varying => "VARYING",
                Class::Conventional => "CONVENTIONAL",
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
