//! Server stubs, and what finds the one for a request.
//!
//! ```text
//! open -> area_end, provide -> get, take, area -> the procedure -> put, result -> answer
//! ```
//!
//! The phases of the paper: S1 unmarshal, S2 call, S3 marshal; receiving and replying (S0, S4) are around the loop. Arguments are in
//! private memory, and valid, before the procedure runs.

use super::client::{One, item_size, most_of, of_part, ones, places, result};
use super::codec::{self, function, pointer};
use super::signatures::{self, What, seq_of};
use super::types::flat;
use super::{C, Named, NamedProcedure, indented, line};
use crate::lang::layout::{Part, Rest};
use crate::lang::model::{Class, Form, Type};

pub(super) fn server(c: &C<'_>) -> String {
    let mut text = c.opening("Server stubs.");
    line!(text, "#include \"{}_stub.h\"\n", c.stem);
    for named in &c.interfaces {
        for (number, procedure) in named.procedures.iter().enumerate() {
            stub(c, named, number, procedure, &mut text);
        }
        dispatch(named, &mut text);
    }
    indented(&text)
}

fn dispatch(named: &Named<'_>, to: &mut String) {
    let Named { server, serve, .. } = named;
    line!(to, "nearcall_status {serve}(const {server} *server, uint16_t procedure, nearcall_incoming *call) {{");
    line!(to, "    static nearcall_status (*const stubs[])(const {server} *, nearcall_incoming *) = {{");
    for number in 0..named.procedures.len() {
        line!(to, "        nc_{serve}_{number},");
    }
    line!(
        to,
        "    }};\n    if (procedure >= {}) return NEARCALL_UNSUPPORTED;\n    return stubs[procedure](server, call);\n}}\n",
        named.procedures.len()
    );
}

/// The locals of a parameter, before anything that can fail.
fn locals(c: &C<'_>, one: &One<'_>, to: &mut String) {
    let types = &c.types;
    let (ty, name) = (&one.param.ty, &one.name);
    match &one.param.form {
        Form::Text => line!(to, "    char *nc_in_{name} = NULL;"),
        Form::Slice if one.count.is_none() => {
            line!(to, "    {}", types.zeroed(&seq_of(ty), &format!("nc_in_{name}")));
        }
        Form::Slice | Form::InOutSlice | Form::OutSlice(_) => {
            let line = types.declare(flat(ty).0, &format!("*nc_in_{name}"));
            line!(to, "    {line} = NULL;\n    uint32_t nc_count_{name} = 0;");
        }
        Form::InPlace => line!(to, "    nearcall_shared nc_in_{name};\n    uint32_t nc_count_{name} = 0;"),
        Form::Value | Form::Ref => line!(to, "    {}", types.zeroed(ty, &format!("nc_in_{name}"))),
        Form::InOut | Form::Out => {
            line!(to, "    {}", types.zeroed(ty, &format!("nc_out_{name}")));
            if let Some((_, count)) = &one.count {
                line!(to, "    {}", types.zeroed(count, &format!("nc_n_{name}")));
            }
        }
    }
}

fn stub(c: &C<'_>, interface: &Named<'_>, number: usize, named: &NamedProcedure<'_>, to: &mut String) {
    let (types, procedure, plan) = (&c.types, named.procedure, &named.plan);
    let written = signatures::params(c, procedure);
    let ones = ones(&written);
    let places = places(c, named);
    let run = if procedure.options.handoff { "_run" } else { "" };
    line!(to, "/* {} */", named.function);
    line!(
        to,
        "static nearcall_status nc_{}_{number}{run}(const {} *server, nearcall_incoming *call) {{",
        interface.serve,
        interface.server
    );
    line!(
        to,
        "    uint8_t nc_head[{}] = {{0}};\n    nearcall_status nc_status;\n    nearcall_env nc_env = {{0}};",
        plan.request_size.max(8)
    );
    for (_, one) in &ones {
        locals(c, one, to);
    }
    let is_later = procedure.options.deferred;
    if is_later {
        line!(to, "    nearcall_reply *nc_token;");
    } else {
        outcomes(c, named, to);
    }
    line!(to, "    /* S1: unmarshal */");
    line!(
        to,
        "    if ((nc_status = nearcall_open(call, nc_head, {}, {})) != NEARCALL_OK) return nc_status;",
        plan.request_size,
        if is_later { 0 } else { plan.reply_size }
    );
    let areas: Vec<(&Part<'_>, &One<'_>)> = plan
        .request
        .iter()
        .filter_map(|part| of_part(&ones, part).map(|one| (part, one)))
        .filter(|(_, one)| matches!(one.param.form, Form::InOutSlice | Form::OutSlice(_)))
        .collect();
    if !areas.is_empty() {
        line!(to, "    {{\n    size_t nc_end = {};", if plan.reply_size > 40 { plan.reply_size } else { 0 });
        for (part, one) in &areas {
            let layout = types.layout(&one.param.ty);
            let is_in = one.param.form == Form::InOutSlice;
            line!(
                to,
                "    if ((nc_status = nearcall_area_end(call, nearcall_times(nearcall_get32(nc_head + {}), {}), {}, {}, {is_in}, &nc_end)) != NEARCALL_OK) return nc_status;",
                part.at,
                layout.size,
                layout.align,
                part.max
            );
        }
        line!(to, "    if ((nc_status = nearcall_provide(call, nc_end)) != NEARCALL_OK) return nc_status;\n    }}");
    }
    for part in &plan.request {
        if let Some(one) = of_part(&ones, part) {
            take(c, one, part, to);
        }
    }
    for (_, one) in ones.iter().filter(|(_, one)| one.param.form == Form::Out) {
        first(c, &one.param.ty, &format!("nc_out_{}", one.name), to);
    }
    if is_later {
        line!(to, "    if ((nc_status = nearcall_defer(call, &nc_token)) != NEARCALL_OK) return nc_status;");
    }
    line!(to, "    nc_env.call = call;\n    /* S2: call */");
    call(c, named, &written, &ones, to);
    if is_later {
        line!(to, "    return nc_env.status == NEARCALL_OK ? NEARCALL_LATER : NEARCALL_PANICKED;");
    } else {
        reply(c, named, &ones, places, to);
    }
    line!(to, "}}\n");
    if is_later {
        later(c, interface, number, named, places, to);
    }
    if procedure.options.handoff {
        let (serve, server) = (&interface.serve, &interface.server);
        line!(
            to,
            "struct nc_{serve}_{number}_with {{ const {server} *server; nearcall_incoming *call; nearcall_status status; }};"
        );
        line!(
            to,
            "static void nc_{serve}_{number}_handed_off(void *with) {{\n    struct nc_{serve}_{number}_with *all = (struct nc_{serve}_{number}_with *)with;"
        );
        line!(to, "    all->status = nc_{serve}_{number}_run(all->server, all->call);\n}}");
        line!(
            to,
            "static nearcall_status nc_{serve}_{number}(const {server} *server, nearcall_incoming *call) {{\n    struct nc_{serve}_{number}_with all;"
        );
        line!(
            to,
            "    all.server = server;\n    all.call = call;\n    all.status = NEARCALL_PANICKED;\n    nearcall_blocking(nc_{serve}_{number}_handed_off, &all);\n    return all.status;\n}}\n"
        );
    }
}

/// The locals of what comes back that is no parameter.
fn outcomes(c: &C<'_>, named: &NamedProcedure<'_>, to: &mut String) {
    if let Some(ty) = &named.procedure.output {
        line!(to, "    {}", c.types.zeroed(ty, "nc_return"));
        first(c, ty, "nc_return", to);
    }
    if let Some(ty) = &named.procedure.error {
        line!(to, "    {}", c.types.zeroed(ty, "nc_raised"));
    }
}

/// The function that makes a reply later: the results are encoded at once, into memory that is not the call's.
fn later(c: &C<'_>, interface: &Named<'_>, number: usize, named: &NamedProcedure<'_>, places: bool, to: &mut String) {
    let (procedure, serve) = (named.procedure, &interface.serve);
    let signature = signatures::later(c, named);
    let mut values = Vec::new();
    values.extend(procedure.output.is_some().then_some("result"));
    values.extend(procedure.error.is_some().then_some("raised"));
    let params = signature.split_once('(').map_or("", |(_, params)| params);
    let encode = params.replacen("nearcall_reply *reply", "nearcall_incoming *call", 1);
    line!(to, "static nearcall_status nc_{serve}_{number}_later({encode} {{");
    line!(to, "    nearcall_status nc_status = NEARCALL_OK;\n    nearcall_env nc_env = {{0}};");
    outcomes(c, named, to);
    // Values are read and not changed; what they own stays their owner's.
    let assign = match &procedure.output {
        None => None,
        Some(ty) if c.types.is_scalar(ty) => Some("nc_return = result;".to_owned()),
        Some(Type::Array(..)) => Some("memcpy(nc_return, result, sizeof nc_return);".to_owned()),
        Some(_) => Some("nc_return = *result;".to_owned()),
    };
    match (&procedure.error, assign) {
        (Some(_), assign) => line!(
            to,
            "    if (raised) {{ nc_raised = *raised; nc_env.status = NEARCALL_RAISED; }}{}",
            assign.map_or_else(String::new, |assign| format!(" else {{ {assign} }}"))
        ),
        (None, Some(assign)) => line!(to, "    {assign}"),
        (None, None) => {}
    }
    line!(to, "    (void)nc_status;");
    reply(c, named, &[], places, to);
    line!(to, "}}\n");
    line!(to, "{signature} {{\n    nearcall_incoming *call = nearcall_resume(reply);\n    nearcall_status status;");
    line!(to, "    if (!call) return NEARCALL_NO_MEMORY;");
    let more = values.iter().map(|value| format!(", {value}")).collect::<String>();
    line!(
        to,
        "    status = nc_{serve}_{number}_later(call{more});\n    nearcall_finish(call, status);\n    return status;\n}}\n"
    );
}

/// Takes one argument out of the request.
fn take(c: &C<'_>, one: &One<'_>, part: &Part<'_>, to: &mut String) {
    let types = &c.types;
    let (ty, name, at, max) = (&one.param.ty, &one.name, part.at, part.max);
    // A count that its own type in C cannot hold is no value of it.
    let most = one.count.as_ref().and_then(|(_, ty)| most_of(ty));
    let fits = |count: &str| {
        most.map_or_else(String::new, |most| format!("    if ({count} > {most}) return NEARCALL_BAD_ARGUMENT;\n"))
    };
    match &one.param.form {
        Form::Text => {
            line!(
                to,
                "    {{\n    const void *nc_bytes;\n    nearcall_reader nc_from = {{0}};\n    nc_from.left = nearcall_get32(nc_head + {at});\n    nc_from.memory = nearcall_memory_of({max});"
            );
            line!(
                to,
                "    if ((nc_status = nearcall_take(call, nc_from.left, {max}, 1, &nc_bytes)) != NEARCALL_OK) return nc_status;"
            );
            line!(to, "    nc_from.at = (const uint8_t *)nc_bytes;\n    nc_from.call = call;");
            line!(
                to,
                "    if (!nearcall_read_text(&nc_from, nc_from.left, UINT32_MAX, &nc_in_{name})) return nc_from.no_memory ? NEARCALL_OVERLOADED : NEARCALL_BAD_ARGUMENT;\n    }}"
            );
        }
        Form::Slice => {
            let layout = types.layout(ty);
            let (item, size) = (types.name(flat(ty).0), item_size(c, ty));
            line!(to, "    {{\n    const void *nc_bytes;\n    uint32_t nc_count = nearcall_get32(nc_head + {at});");
            line!(
                to,
                "    if ((nc_status = nearcall_take(call, nearcall_times(nc_count, {size}), {max}, {}, &nc_bytes)) != NEARCALL_OK) return nc_status;",
                layout.align
            );
            if one.count.is_some() {
                to.push_str(&fits("nc_count"));
                line!(to, "    nc_in_{name} = ({item} *)nc_bytes;\n    nc_count_{name} = nc_count;\n    }}");
            } else {
                line!(to, "    nc_in_{name}.items = ({item} *)nc_bytes;\n    nc_in_{name}.count = nc_count;\n    }}");
            }
        }
        Form::InPlace => {
            line!(to, "    nc_count_{name} = nearcall_get32(nc_head + {at});");
            to.push_str(&fits(&format!("nc_count_{name}")));
            line!(
                to,
                "    if ((nc_status = nearcall_take_in_place(call, nc_count_{name}, {max}, &nc_in_{name})) != NEARCALL_OK) return nc_status;"
            );
        }
        Form::InOutSlice | Form::OutSlice(_) => {
            let layout = types.layout(ty);
            let is_in = one.param.form == Form::InOutSlice;
            line!(to, "    {{\n    void *nc_area;\n    nc_count_{name} = nearcall_get32(nc_head + {at});");
            to.push_str(&fits(&format!("nc_count_{name}")));
            line!(
                to,
                "    if ((nc_status = nearcall_area(call, nearcall_times(nc_count_{name}, {}), {}, {is_in}, &nc_area)) != NEARCALL_OK) return nc_status;",
                layout.size,
                layout.align
            );
            line!(to, "    nc_in_{name} = ({} *)nc_area;\n    }}", types.name(flat(ty).0));
        }
        Form::Value | Form::Ref | Form::InOut | Form::Out => {
            let local = if one.param.form == Form::InOut { format!("nc_out_{name}") } else { format!("nc_in_{name}") };
            let pointer = pointer(ty, &local);
            let class = types.layout(ty).class;
            let size = match class {
                Class::Fixed => {
                    let place = format!("nc_head + {at}");
                    let statement = codec::get_head(types, ty, &place, &local, "return NEARCALL_BAD_ARGUMENT;");
                    line!(to, "    {statement}");
                    return;
                }
                Class::Varying => format!("{}(nc_head + {at})", function(types, "tail_size", ty)),
                Class::Conventional => format!("nearcall_get32(nc_head + {at})"),
            };
            line!(
                to,
                "    {{\n    const void *nc_bytes;\n    nearcall_reader nc_from = {{0}};\n    nc_from.left = {size};\n    nc_from.memory = nearcall_memory_of({max});"
            );
            line!(
                to,
                "    if ((nc_status = nearcall_take(call, nc_from.left, {max}, 1, &nc_bytes)) != NEARCALL_OK) return nc_status;"
            );
            line!(to, "    nc_from.at = (const uint8_t *)nc_bytes;\n    nc_from.call = call;");
            let read = if class == Class::Varying {
                format!("{}(nc_head + {at}, &nc_from, {pointer})", function(types, "get", ty))
            } else {
                format!("{}(&nc_from, {pointer})", function(types, "read", ty))
            };
            line!(
                to,
                "    if (!{read} || nc_from.left != 0) return nc_from.no_memory ? NEARCALL_OVERLOADED : NEARCALL_BAD_ARGUMENT;"
            );
            if one.count.is_some() {
                to.push_str(&fits(&format!("{local}.count")));
            }
            line!(to, "    }}");
        }
    }
}

/// What a result is before the procedure has said anything: of an enum or a union, its first value.
fn first(c: &C<'_>, ty: &Type, local: &str, to: &mut String) {
    if let Type::Def(at) = ty
        && let Some(def) = c.types.def(*at)
    {
        let first = match &def.kind {
            crate::lang::model::DefKind::Enum { variants, .. } => {
                variants.first().map(|variant| (local.to_owned(), variant.value))
            }
            crate::lang::model::DefKind::Union { arms, .. } => {
                arms.first().map(|arm| (format!("{local}.kind"), arm.value))
            }
            crate::lang::model::DefKind::Struct { .. } => None,
        };
        if let Some((place, value)) = first {
            line!(to, "    {place} = {};", super::types::constant(i128::from(value)));
        }
    }
}

/// Calls the procedure.
fn call(
    c: &C<'_>,
    named: &NamedProcedure<'_>,
    written: &[signatures::Written<'_>],
    ones: &[(usize, One<'_>)],
    to: &mut String,
) {
    let (types, procedure) = (&c.types, named.procedure);
    let mut arguments = vec!["server->self".to_owned()];
    for param in written {
        arguments.push(match param.what {
            What::Count(of, ty) => {
                let one = ones.iter().find(|(at, _)| *at == of).map(|(_, one)| one);
                match one {
                    Some(one) if one.param.form == Form::Out => format!("&nc_n_{}", one.name),
                    Some(one) if one.param.form == Form::Ref => format!("({})nc_in_{}.count", types.name(ty), one.name),
                    Some(one) => format!("({})nc_count_{}", types.name(ty), one.name),
                    None => String::new(),
                }
            }
            What::Param(_, of) => {
                let one = ones.iter().map(|(_, one)| one).find(|one| one.param.name == of.name);
                let is_counted = one.is_some_and(|one| one.count.is_some());
                let name = &param.name;
                match (&of.form, &of.ty) {
                    (Form::Value | Form::Text, _) => format!("nc_in_{name}"),
                    (Form::Ref, Type::Seq(..)) if is_counted => format!("nc_in_{name}.items"),
                    // Before C23 a pointer to arrays does not become one to arrays of what is constant.
                    (Form::Ref, Type::Array(item, _)) if matches!(**item, Type::Array(..)) => {
                        format!("({})nc_in_{name}", signatures::unchanged(c, item, "(*)"))
                    }
                    (Form::Ref, Type::Array(..)) => format!("nc_in_{name}"),
                    (Form::Slice, _) if is_counted => format!("nc_in_{name}"),
                    (Form::Ref | Form::Slice | Form::InPlace, _) => format!("&nc_in_{name}"),
                    (Form::InOutSlice | Form::OutSlice(_), _) => format!("nc_in_{name}"),
                    (Form::Out, Type::Seq(..)) if is_counted => format!("&nc_out_{name}.items"),
                    (Form::InOut | Form::Out, Type::Array(..)) => format!("nc_out_{name}"),
                    (Form::InOut | Form::Out, _) => format!("&nc_out_{name}"),
                }
            }
        });
    }
    let mut assign = "";
    if procedure.options.deferred {
        arguments.push("nc_token".to_owned());
    } else if let Some(ty) = &procedure.output {
        if types.is_scalar(ty) {
            assign = "nc_return = ";
        } else {
            arguments.push(if matches!(ty, Type::Array(..)) { "nc_return" } else { "&nc_return" }.to_owned());
        }
    }
    if procedure.error.is_some() && !procedure.options.deferred {
        arguments.push("&nc_raised".to_owned());
    }
    arguments.push("&nc_env".to_owned());
    line!(to, "    {assign}server->{}({});", named.member, arguments.join(", "));
}

/// Makes the reply.
fn reply(c: &C<'_>, named: &NamedProcedure<'_>, ones: &[(usize, One<'_>)], places: bool, to: &mut String) {
    let (procedure, plan) = (named.procedure, &named.plan);
    line!(to, "    /* S3: marshal */\n    uint8_t nc_reply[{}] = {{0}};", plan.reply_size.max(8));
    if let (Some(error), Some(ty)) = (&plan.error, &procedure.error) {
        line!(to, "    if (nc_env.status == NEARCALL_RAISED) {{");
        results(c, &[(ty.clone(), "nc_raised".to_owned(), error)], to);
        line!(
            to,
            "    nearcall_answer(call, true, nc_reply, {}, {places});\n    return NEARCALL_OK;\n    }}",
            plan.reply_size
        );
    }
    line!(to, "    if (nc_env.status != NEARCALL_OK) return NEARCALL_PANICKED;");
    for (_, one) in ones.iter().filter(|(_, one)| one.param.form == Form::Out) {
        if let Some((_, count)) = &one.count {
            let name = &one.name;
            // What does not fit the wire's count becomes one that nothing has.
            let (low, high) = match count {
                Type::Int { size: 8, signed: true } => (true, true),
                Type::Int { signed: true, .. } => (true, false),
                Type::Int { size: 8, .. } => (false, true),
                _ => (false, false),
            };
            if low {
                line!(to, "    if (nc_n_{name} < 0) return NEARCALL_UNRETURNABLE;");
            }
            if high {
                line!(to, "    if ((uint64_t)nc_n_{name} > UINT32_MAX) return NEARCALL_RESULT_TOO_LARGE;");
            }
            line!(to, "    nc_out_{name}.count = (uint32_t)nc_n_{name};");
        }
    }
    let values: Vec<(Type, String, &Part<'_>)> = plan
        .reply
        .iter()
        .filter(|part| !part.is_area)
        .map(|part| {
            let (ty, local) = result(ones, procedure.output.as_ref(), part);
            (ty, local, part)
        })
        .collect();
    results(c, &values, to);
    line!(to, "    nearcall_answer(call, false, nc_reply, {}, {places});\n    return NEARCALL_OK;", plan.reply_size);
}

/// Puts results into the head, and their tails behind each other.
fn results(c: &C<'_>, values: &[(Type, String, &Part<'_>)], to: &mut String) {
    let types = &c.types;
    let varies = values.iter().any(|(.., part)| part.rest != Rest::Nothing);
    if varies {
        line!(to, "    uint8_t *nc_space;\n    nearcall_writer nc_to = {{0}};\n    size_t nc_before;");
    }
    for (ty, local, part) in values {
        let pointer = pointer(ty, local);
        let class = types.layout(ty).class;
        if class != Class::Conventional {
            let place = format!("nc_reply + {}", part.at);
            let statement = codec::put_head(types, ty, &place, local, "return NEARCALL_UNRETURNABLE;");
            line!(to, "    {statement}");
        }
        match class {
            Class::Fixed => continue,
            Class::Varying => {
                line!(to, "    nc_before = nc_to.size;\n    {}(&nc_to, {pointer});", function(types, "tail", ty))
            }
            Class::Conventional => {
                line!(
                    to,
                    "    nc_before = nc_to.size;\n    if (!{}(&nc_to, {pointer})) return NEARCALL_UNRETURNABLE;",
                    function(types, "write", ty)
                );
                line!(to, "    nearcall_put32(nc_reply + {}, nearcall_count(nc_to.size - nc_before));", part.at);
            }
        }
        line!(
            to,
            "    if (nc_to.is_unfit) return NEARCALL_UNRETURNABLE;\n    if (nc_to.size - nc_before > {}) return NEARCALL_RESULT_TOO_LARGE;",
            part.max
        );
    }
    if !varies {
        return;
    }
    line!(to, "    if ((nc_status = nearcall_result(call, nc_to.size, &nc_space)) != NEARCALL_OK) return nc_status;");
    line!(to, "    nc_to.at = nc_space;\n    nc_to.depth = 0;");
    for (ty, local, _) in values {
        let pointer = pointer(ty, local);
        match types.layout(ty).class {
            Class::Fixed => {}
            Class::Varying => line!(to, "    {}(&nc_to, {pointer});", function(types, "tail", ty)),
            Class::Conventional => line!(to, "    {}(&nc_to, {pointer});", function(types, "write", ty)),
        }
    }
}
