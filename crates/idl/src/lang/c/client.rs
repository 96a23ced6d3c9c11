//! Client stubs.
//!
//! ```text
//! begin -> put, space -> transfer -> reply_head, area -> raised? -> tail, get -> check -> copy -> store, end, return
//! ```
//!
//! The phases of the paper: C1 marshal, C2 send and wait, C3 unmarshal, C4 return. Invariant: nothing of the caller's is written
//! before every value has been decoded and every length has been checked.

use super::codec::{self, function, pointer, stride};
use super::signatures::{self, What, Written};
use super::types::flat;
use super::{C, NamedProcedure, indented, line};
use crate::lang::layout::{Part, Rest};
use crate::lang::model::{Class, Form, OutLength, Param, Type};

pub(super) fn client(c: &C<'_>) -> String {
    let mut text = c.opening("Client stubs.");
    line!(text, "#include \"{}_stub.h\"\n", c.stem);
    for named in &c.interfaces {
        line!(
            text,
            "nearcall_status {}(const char *name, const nearcall_bind_options *options, nearcall_binding **binding) {{",
            named.bind
        );
        line!(text, "    return nearcall_bind(name, &{}, options, binding);\n}}\n", named.table);
        for (number, procedure) in named.procedures.iter().enumerate() {
            stub(c, number, procedure, &mut text);
        }
    }
    indented(&text)
}

/// A parameter in a stub.
pub(super) struct One<'a> {
    pub(super) param: &'a Param,
    /// Its name in C.
    pub(super) name: String,
    /// The name and type of its count.
    pub(super) count: Option<(String, &'a Type)>,
}

/// The parameters of a procedure by their places in the model.
pub(super) fn ones<'a>(written: &[Written<'a>]) -> Vec<(usize, One<'a>)> {
    let mut ones: Vec<(usize, One<'a>)> = Vec::new();
    for one in written {
        if let What::Param(at, param) = one.what {
            let count = written.iter().find_map(|other| match other.what {
                What::Count(of, ty) if of == at => Some((other.name.clone(), ty)),
                _ => None,
            });
            ones.push((at, One { param, name: one.name.clone(), count }));
        }
    }
    ones
}

/// The parameter that a part of a head is.
pub(super) fn of_part<'o, 'a>(ones: &'o [(usize, One<'a>)], part: &Part<'_>) -> Option<&'o One<'a>> {
    ones.iter().map(|(_, one)| one).find(|one| one.param.name == part.name)
}

/// A value where the client has it.
fn lvalue(one: &One<'_>) -> String {
    match (&one.param.form, &one.param.ty) {
        (Form::Value, _) | (_, Type::Array(..)) => one.name.clone(),
        _ => format!("(*{})", one.name),
    }
}

/// The largest number that a count's type can hold, if that is less than there can be items.
pub(super) fn most_of(count: &Type) -> Option<&'static str> {
    match count {
        Type::Int { size: 1, signed: true } => Some("INT8_MAX"),
        Type::Int { size: 1, signed: false } => Some("UINT8_MAX"),
        Type::Int { size: 2, signed: true } => Some("INT16_MAX"),
        Type::Int { size: 2, signed: false } => Some("UINT16_MAX"),
        Type::Int { size: 4, signed: true } => Some("INT32_MAX"),
        _ => None,
    }
}

/// How many items a counted parameter has: a negative number is more than there can be.
fn count_of(one: &One<'_>) -> String {
    match &one.count {
        Some((count, Type::Int { signed: true, .. })) => format!("(uint64_t)(int64_t){count}"),
        Some((count, _)) => format!("(uint64_t){count}"),
        None => format!("(uint64_t){}->count", one.name),
    }
}

fn items_of(one: &One<'_>) -> String {
    if one.count.is_some() { one.name.clone() } else { format!("{}->items", one.name) }
}

fn stub(c: &C<'_>, number: usize, named: &NamedProcedure<'_>, to: &mut String) {
    let (types, procedure, plan) = (&c.types, named.procedure, &named.plan);
    let written = signatures::params(c, procedure);
    let ones = ones(&written);
    let returns_scalar = procedure.output.as_ref().is_some_and(|ty| types.is_scalar(ty));
    let returned = if returns_scalar { " nc_return" } else { "" };
    let places = places(c, named);
    line!(to, "{} {{", signatures::client(c, named));
    line!(to, "    nearcall_call nc_call;\n    uint8_t nc_head[{}] = {{0}};", plan.request_size.max(8));
    let values: Vec<&Part<'_>> = plan.reply.iter().filter(|part| !part.is_area).collect();
    for part in &values {
        let (ty, local) = result(&ones, procedure.output.as_ref(), part);
        line!(to, "    {}", types.zeroed(&ty, &local));
    }
    line!(to, "    memset(env, 0, sizeof *env);");
    line!(to, "    /* C1: marshal */");
    line!(
        to,
        "    if (nearcall_begin(binding, {number}, {}, {}, &nc_call, env) != NEARCALL_OK) return{returned};",
        plan.request_size,
        plan.reply_size
    );
    for part in &plan.request {
        if let Some(one) = of_part(&ones, part) {
            put(c, one, part, returned, to);
        }
    }
    line!(to, "    /* C2: send and wait */");
    if procedure.options.oneway {
        line!(to, "    nearcall_leave(&nc_call, nc_head, {}, env);\n}}\n", plan.request_size);
        return;
    }
    line!(to, "    uint8_t nc_reply[{}] = {{0}};", plan.reply_size.max(8));
    line!(
        to,
        "    nearcall_status nc_status = nearcall_transfer(&nc_call, nc_head, {}, {places}, env);",
        plan.request_size
    );
    line!(to, "    if (nc_status != NEARCALL_OK && nc_status != NEARCALL_RAISED) return{returned};");
    line!(to, "    /* C3: unmarshal */");
    line!(
        to,
        "    if (nearcall_reply_head(&nc_call, nc_reply, {}, env) != NEARCALL_OK) return{returned};",
        plan.reply_size
    );
    let areas: Vec<&One<'_>> =
        plan.reply.iter().filter(|part| part.is_area).filter_map(|part| of_part(&ones, part)).collect();
    for one in &areas {
        let layout = types.layout(&one.param.ty);
        line!(
            to,
            "    size_t nc_area_{} = nearcall_reply_area(&nc_call, nearcall_times({}, {}), {});",
            one.name,
            count_of(one),
            layout.size,
            layout.align
        );
    }
    raised(c, named, returned, to);
    let varying = values.iter().filter(|part| part.rest != Rest::Nothing).count();
    if varying > 0 {
        let all: u64 = values.iter().filter(|part| part.rest != Rest::Nothing).map(|part| u64::from(part.max)).sum();
        tail(all, returned, to);
    }
    let checked = to.len();
    for part in &values {
        let (ty, local) = result(&ones, procedure.output.as_ref(), part);
        get(c, &ty, &local, part, to);
    }
    if varying > 0 {
        line!(to, "    if (nc_from.left != 0) goto nc_malformed;");
    }
    for part in &values {
        if let Some(one) = of_part(&ones, part).filter(|_| part.way != "result")
            && let Some((_, ty)) = &one.count
            && let Some(most) = most_of(ty)
        {
            line!(to, "    if (nc_out_{}.count > {most}) goto nc_malformed;", one.name);
        }
    }
    for one in &areas {
        let (length, most) = (length(one, &ones), count_of(one));
        line!(to, "    size_t nc_length_{} = (size_t)({length});", one.name);
        if length != most {
            line!(to, "    if (nc_length_{} > {most}) goto nc_malformed;", one.name);
        }
        if areas.len() > 1 {
            line!(
                to,
                "    if (nearcall_reply_check(&nc_call, nc_area_{0}, nc_length_{0} * {1}, env) != NEARCALL_OK) goto nc_over;",
                one.name,
                types.layout(&one.param.ty).size
            );
        }
    }
    line!(to, "    /* C4: every length is checked, every value decoded; store and return */");
    for one in &areas {
        line!(
            to,
            "    if (nearcall_reply_copy(&nc_call, nc_area_{0}, {0}, nc_length_{0} * {1}, env) != NEARCALL_OK) goto nc_over;",
            one.name,
            types.layout(&one.param.ty).size
        );
    }
    for part in &values {
        store(c, &ones, procedure.output.as_ref(), part, to);
    }
    if varying > 0 {
        line!(to, "    free(nc_tail);");
    }
    line!(to, "    nearcall_end(&nc_call, NEARCALL_OK, env);");
    // A label that nothing leads to is a warning.
    let has_malformed = to.get(checked..).is_some_and(|text| text.contains("goto nc_malformed"));
    let fails = has_malformed || !areas.is_empty();
    if fails || returns_scalar {
        line!(to, "    return{returned};");
    }
    if fails {
        if has_malformed {
            let why = if varying > 0 { MALFORMED_OR_NO_MEMORY } else { "NEARCALL_PEER_MISBEHAVED" };
            line!(to, "nc_malformed:\n    nearcall_end(&nc_call, {why}, env);");
        }
        if !areas.is_empty() {
            line!(to, "nc_over:");
        }
        if varying > 0 {
            line!(to, "    free(nc_tail);");
        }
        for part in &values {
            let (ty, local) = result(&ones, procedure.output.as_ref(), part);
            match ty {
                Type::Text(_) => line!(to, "    free({local});"),
                _ => codec::free_value(types, &ty, &local, "    ", to),
            }
        }
        if let Some(ty) = procedure.output.as_ref().filter(|_| returns_scalar) {
            line!(to, "    {}", types.zero(ty, "nc_return"));
        }
        // Behind a label there is a statement.
        if returns_scalar || !areas.is_empty() {
            line!(to, "    return{returned};");
        }
    }
    line!(to, "}}\n");
}

/// Why a reply's tail was not read.
const MALFORMED_OR_NO_MEMORY: &str = "nc_from.no_memory ? NEARCALL_NO_MEMORY : NEARCALL_PEER_MISBEHAVED";

/// Whether the reply may have parts beyond its line.
pub(super) fn places(c: &C<'_>, named: &NamedProcedure<'_>) -> bool {
    let _ = c;
    let plan = &named.plan;
    plan.reply_size > 40 || plan.reply.iter().chain(&plan.error).any(|part| part.rest != Rest::Nothing)
}

/// The type and the local of a part of the reply.
pub(super) fn result(ones: &[(usize, One<'_>)], output: Option<&Type>, part: &Part<'_>) -> (Type, String) {
    match of_part(ones, part).filter(|_| part.way != "result") {
        Some(one) => (one.param.ty.clone(), format!("nc_out_{}", one.name)),
        None => (output.cloned().unwrap_or(Type::Bool), "nc_return".to_owned()),
    }
}

/// Puts one part of the request.
fn put(c: &C<'_>, one: &One<'_>, part: &Part<'_>, returned: &str, to: &mut String) {
    let types = &c.types;
    let (at, max, name) = (part.at, part.max, &one.name);
    let drop = |why: &str| format!("{{ nearcall_drop(&nc_call, NEARCALL_{why}, env); return{returned}; }}");
    let space = |size: &str| {
        format!("    if (nearcall_space(&nc_call, {size}, {max}, &nc_space, env) != NEARCALL_OK) return{returned};")
    };
    match &one.param.form {
        Form::OutSlice(_) => {
            let size = types.layout(&one.param.ty).size;
            line!(to, "    nearcall_put32(nc_head + {at}, nearcall_count({}));", count_of(one));
            line!(
                to,
                "    if (nearcall_times({0}, {size}) > {max}) {{\n        nearcall_drop(&nc_call, NEARCALL_TOO_LARGE, env);\n        env->size = nearcall_times({0}, {size});\n        env->limit = {max};\n        return{returned};\n    }}",
                count_of(one)
            );
        }
        Form::Slice | Form::InPlace | Form::InOutSlice => {
            let size = types.layout(&one.param.ty).size;
            line!(
                to,
                "    {{\n    uint8_t *nc_space;\n    size_t nc_size = nearcall_times({}, {size});",
                count_of(one)
            );
            line!(to, "    nearcall_put32(nc_head + {at}, nearcall_count({}));", count_of(one));
            line!(to, "{}", space("nc_size"));
            line!(to, "    if (nc_size) memcpy(nc_space, {}, nc_size);\n    }}", items_of(one));
        }
        Form::Text => {
            line!(to, "    {{\n    uint8_t *nc_space;\n    size_t nc_size = nearcall_text_size({name});");
            line!(to, "    if (!nearcall_is_utf8({name} ? {name} : \"\", nc_size)) {}", drop("UNSENDABLE"));
            line!(to, "    nearcall_put32(nc_head + {at}, nearcall_count(nc_size));");
            line!(to, "{}", space("nc_size"));
            line!(to, "    if (nc_size) memcpy(nc_space, {name}, nc_size);\n    }}");
        }
        Form::Value | Form::Ref | Form::InOut | Form::Out => {
            let ty = &one.param.ty;
            let is_counted = one.count.is_some();
            let class = types.layout(ty).class;
            if class == Class::Fixed {
                let statement =
                    codec::put_head(types, ty, &format!("nc_head + {at}"), &lvalue(one), &drop("UNSENDABLE"));
                line!(to, "    {statement}");
                return;
            }
            line!(to, "    {{");
            let value = if is_counted {
                let Type::Seq(item, _) = ty else { return };
                let seq = types.name(ty);
                line!(to, "    {seq} nc_items;");
                // Of other types nothing is that large, and a compiler says so.
                if let Some((_, Type::Int { size: 8, .. } | Type::Int { signed: true, .. })) = &one.count {
                    line!(to, "    if ({} > UINT32_MAX) {}", count_of(one), drop("TOO_LARGE"));
                }
                line!(
                    to,
                    "    nc_items.count = (uint32_t)({});\n    nc_items.items = ({} *){name};",
                    count_of(one),
                    types.name(flat(item).0)
                );
                "nc_items".to_owned()
            } else {
                lvalue(one)
            };
            let pointer = pointer(ty, &value);
            line!(to, "    uint8_t *nc_space;\n    nearcall_writer nc_to = {{0}};");
            let write = if class == Class::Varying {
                let statement = codec::put_head(types, ty, &format!("nc_head + {at}"), &value, &drop("UNSENDABLE"));
                let tail = function(types, "tail", ty);
                line!(
                    to,
                    "    {statement}\n    {tail}(&nc_to, {pointer});\n    if (nc_to.is_unfit) {}",
                    drop("UNSENDABLE")
                );
                tail
            } else {
                let write = function(types, "write", ty);
                line!(to, "    if (!{write}(&nc_to, {pointer}) || nc_to.is_unfit) {}", drop("UNSENDABLE"));
                line!(to, "    nearcall_put32(nc_head + {at}, nearcall_count(nc_to.size));");
                write
            };
            line!(to, "{}", space("nc_to.size"));
            line!(to, "    nc_to.at = nc_space;\n    nc_to.size = 0;\n    nc_to.depth = 0;");
            line!(to, "    {write}(&nc_to, {pointer});\n    }}");
        }
    }
}

/// Fetches the reply's tail, which is `nc_tail` then, for `nc_from` to read.
fn tail(max: u64, returned: &str, to: &mut String) {
    line!(
        to,
        "    nearcall_reader nc_from = {{0}};\n    if (nearcall_reply_tail_size(&nc_call, {max}u, &nc_from.left, env) != NEARCALL_OK) return{returned};"
    );
    line!(to, "    uint8_t *nc_tail = (uint8_t *)malloc(nc_from.left ? nc_from.left : 1);");
    line!(to, "    if (!nc_tail) {{ nearcall_end(&nc_call, NEARCALL_NO_MEMORY, env); return{returned}; }}");
    line!(
        to,
        "    if (nearcall_reply_tail(&nc_call, nc_tail, nc_from.left, env) != NEARCALL_OK) {{ free(nc_tail); return{returned}; }}"
    );
    line!(to, "    nc_from.at = nc_tail;");
}

/// Reads the procedure's own error.
fn raised(c: &C<'_>, named: &NamedProcedure<'_>, returned: &str, to: &mut String) {
    let types = &c.types;
    let (Some(error), Some(ty)) = (&named.plan.error, &named.procedure.error) else {
        line!(
            to,
            "    if (nc_status == NEARCALL_RAISED) {{ nearcall_end(&nc_call, NEARCALL_PEER_MISBEHAVED, env); return{returned}; }}"
        );
        return;
    };
    line!(to, "    if (nc_status == NEARCALL_RAISED) {{\n    {}", types.zeroed(ty, "nc_raised"));
    let pointer = pointer(ty, "nc_raised");
    let why = match types.layout(ty).class {
        Class::Fixed => {
            line!(to, "    bool nc_fits = {}(nc_reply, NULL, {pointer});", function(types, "get", ty));
            "NEARCALL_PEER_MISBEHAVED"
        }
        class => {
            tail(u64::from(error.max), returned, to);
            line!(to, "    nc_from.memory = nearcall_memory_of({});", error.max);
            if class == Class::Varying {
                line!(
                    to,
                    "    bool nc_fits = {}(nc_reply, &nc_from, {pointer}) && nc_from.left == 0;",
                    function(types, "get", ty)
                );
            } else {
                line!(
                    to,
                    "    bool nc_fits = nearcall_get32(nc_reply) == nc_from.left && {}(&nc_from, {pointer}) && nc_from.left == 0;",
                    function(types, "read", ty)
                );
            }
            line!(to, "    free(nc_tail);");
            MALFORMED_OR_NO_MEMORY
        }
    };
    line!(to, "    nearcall_end(&nc_call, nc_fits ? NEARCALL_RAISED : {why}, env);");
    line!(to, "    if (nc_fits) *raised = nc_raised;");
    if types.owns(ty) {
        line!(to, "    else {{");
        codec::free_value(types, ty, "nc_raised", "        ", to);
        line!(to, "    }}");
    }
    line!(to, "    return{returned};\n    }}");
}

/// Reads one of the results into its local.
fn get(c: &C<'_>, ty: &Type, local: &str, part: &Part<'_>, to: &mut String) {
    let types = &c.types;
    let (at, max, pointer) = (part.at, part.max, pointer(ty, local));
    let size = match types.layout(ty).class {
        Class::Fixed => {
            let statement = codec::get_head(types, ty, &format!("nc_reply + {at}"), local, "goto nc_malformed;");
            line!(to, "    {statement}");
            return;
        }
        Class::Varying => format!("{}(nc_reply + {at})", function(types, "tail_size", ty)),
        Class::Conventional => format!("nearcall_get32(nc_reply + {at})"),
    };
    let read = if types.layout(ty).class == Class::Varying {
        format!("{}(nc_reply + {at}, &nc_part, {pointer})", function(types, "get", ty))
    } else {
        format!("{}(&nc_part, {pointer})", function(types, "read", ty))
    };
    line!(
        to,
        "    {{\n    nearcall_reader nc_part = {{0}};\n    nc_part.left = {size};\n    nc_part.memory = nearcall_memory_of({max});\n    if (nc_part.left > {max}) goto nc_malformed;"
    );
    line!(to, "    nc_part.at = nearcall_read(&nc_from, nc_part.left);\n    if (!nc_part.at) goto nc_malformed;");
    line!(
        to,
        "    bool nc_fits = {read};\n    nc_from.no_memory = nc_part.no_memory;\n    if (!nc_fits || nc_part.left != 0) goto nc_malformed;\n    }}"
    );
}

/// How many items of a buffer come back.
fn length(one: &One<'_>, ones: &[(usize, One<'_>)]) -> String {
    let signed = |value: &str, ty: &Type| match ty {
        Type::Int { signed: true, .. } => format!("{value} > 0 ? (uint64_t){value} : 0"),
        _ => format!("(uint64_t){value}"),
    };
    match &one.param.form {
        Form::OutSlice(OutLength::Return) => signed("nc_return", &Type::Int { size: 8, signed: true }),
        Form::OutSlice(OutLength::Param(name)) => {
            let other = ones.iter().map(|(_, one)| one).find(|one| one.param.name == *name);
            other.map_or_else(String::new, |other| signed(&format!("nc_out_{}", other.name), &other.param.ty))
        }
        _ => count_of(one),
    }
}

/// Hands a result to the caller.
fn store(c: &C<'_>, ones: &[(usize, One<'_>)], output: Option<&Type>, part: &Part<'_>, to: &mut String) {
    let types = &c.types;
    let (ty, local) = result(ones, output, part);
    let Some(one) = of_part(ones, part).filter(|_| part.way != "result") else {
        if !types.is_scalar(&ty) {
            line!(to, "    memcpy(result, &{local}, sizeof {local});");
        }
        return;
    };
    if let Some((count, count_ty)) = &one.count {
        line!(to, "    *{count} = ({}){local}.count;\n    *{} = {local}.items;", types.name(count_ty), one.name);
        return;
    }
    if one.param.form == Form::InOut {
        codec::free_value(types, &ty, &lvalue(one), "    ", to);
    }
    line!(to, "    memcpy({}, &{local}, sizeof {local});", one.name);
}

/// Bytes of an item, for areas and slices.
pub(super) fn item_size(c: &C<'_>, item: &Type) -> u64 {
    stride(&c.types, item)
}
