//! How values travel: a function for each type and each way, as `nearcall_layout::wire` has them.
//!
//! ```text
//! put         the fixed part          Fixed, Varying     tail        the rest                      Varying
//! get         both, checked           Fixed, Varying     tail_size   bytes of it, by the head      Varying
//! write       all, in sequence        every class        read        the same back, checked
//! ```
//!
//! `put` and `write` say whether the value is one at all: an enum in C can be any number. `put` at NULL says nothing but that, for
//! values that are counted before there is room for them.

use std::collections::{BTreeMap, BTreeSet};

use super::types::{Types, flat};
use super::{C, line};
use crate::lang::model::{Class, DefKind, Type};

/// A function for a type.
pub(super) fn function(types: &Types<'_>, what: &str, ty: &Type) -> String {
    match ty {
        Type::Bool => format!("nearcall__{what}_bool"),
        Type::Wide => format!("nearcall__{what}_wide"),
        Type::Int { size, .. } | Type::Float { size } => format!("nearcall__{what}_{size}"),
        _ => format!("nearcall__{what}_{}", types.mangled(ty, true)),
    }
}

/// A pointer to a value that is the lvalue `value`; of an array, to the first that is none.
pub(super) fn pointer(ty: &Type, value: &str) -> String {
    let (mut inner, mut first) = (ty, value.to_owned());
    while let Type::Array(item, _) = inner {
        first.push_str("[0]");
        inner = item;
    }
    match first.strip_prefix("(*").and_then(|rest| rest.strip_suffix(')')) {
        Some(pointer) => pointer.to_owned(),
        None => format!("&{first}"),
    }
}

/// Puts the fixed part of the lvalue `value`; where C can have a value that is none, `otherwise` says what happens then.
pub(super) fn put_head(types: &Types<'_>, ty: &Type, place: &str, value: &str, otherwise: &str) -> String {
    let call = format!("{}({place}, {})", function(types, "put", ty), pointer(ty, value));
    if always_fits(types, ty) { format!("{call};") } else { format!("if (!{call}) {otherwise}") }
}

/// Reads a value that has no more than its fixed part into the lvalue `value`; where bytes can be no value, `otherwise` says what
/// happens then.
pub(super) fn get_head(types: &Types<'_>, ty: &Type, place: &str, value: &str, otherwise: &str) -> String {
    let call = format!("{}({place}, NULL, {})", function(types, "get", ty), pointer(ty, value));
    if types.layout(ty).is_plain { format!("{call};") } else { format!("if (!{call}) {otherwise}") }
}

/// Whether everything that C can have in a type is a value, as far as the fixed part says.
fn always_fits(types: &Types<'_>, ty: &Type) -> bool {
    match ty {
        Type::Bool | Type::Int { .. } | Type::Float { .. } | Type::Text(_) | Type::Seq(..) => true,
        Type::Wide => false,
        Type::Array(item, _) | Type::Optional(item) => always_fits(types, item),
        Type::Def(at) => match types.def(*at).map(|def| &def.kind) {
            Some(DefKind::Struct { fields, .. }) => fields.iter().all(|field| always_fits(types, &field.ty)),
            _ => false,
        },
    }
}

/// The type that functions point to.
fn pointee(ty: &Type) -> &Type {
    flat(ty).0
}

/// Bytes of an item of a sequence; one without any travels as a zero.
pub(super) fn stride(types: &Types<'_>, item: &Type) -> u64 {
    types.layout(item).size.max(1)
}

/// The header for stubs: what the `stubs` call, and what that calls.
pub(super) fn header(c: &C<'_>, stubs: &[&str]) -> String {
    let mut text = c.opening("How values of these types travel.");
    let guard = format!("{}_IDL_STUB_H", c.stem.to_uppercase());
    line!(text, "#ifndef {guard}\n#define {guard}\n\n#include \"{}.h\"\n", c.stem);
    let all: Vec<Function> = every(c).iter().flat_map(|ty| functions(&c.types, ty)).collect();
    let by_name: BTreeMap<&str, &Function> = all.iter().map(|function| (function.name.as_str(), function)).collect();
    let mut called = BTreeSet::new();
    let mut next: Vec<&str> = stubs.iter().flat_map(|text| calls(text)).collect();
    while let Some(name) = next.pop() {
        if let Some(function) = by_name.get(name)
            && called.insert(name)
        {
            next.extend(calls(&function.body));
        }
    }
    let is_called = |function: &&Function| called.contains(function.name.as_str());
    // Types may contain each other.
    for function in all.iter().filter(is_called) {
        line!(text, "{};", function.head);
    }
    line!(text);
    for function in all.iter().filter(is_called) {
        line!(text, "{} {{\n{}}}\n", function.head, function.body);
    }
    line!(text, "#endif");
    text
}

/// The functions of this module that are named in `text`.
fn calls(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("nearcall__").map(|(at, _)| {
        let name = text.get(at..).unwrap_or_default();
        let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
        name.get(..end).unwrap_or_default()
    })
}

/// Every type for which there are functions, with its bounds; each once.
fn every(c: &C<'_>) -> Vec<Type> {
    let mut all: Vec<Type> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut next: Vec<Type> = (0..c.model.defs.len()).map(Type::Def).collect();
    for named in &c.interfaces {
        for procedure in &named.procedures {
            let procedure = procedure.procedure;
            next.extend(procedure.params.iter().map(|param| param.ty.clone()));
            next.extend(procedure.output.iter().chain(&procedure.error).cloned());
        }
    }
    while let Some(ty) = next.pop() {
        if matches!(ty, Type::Bool | Type::Wide | Type::Int { .. } | Type::Float { .. })
            || !seen.insert(c.types.mangled(&ty, true))
        {
            continue;
        }
        match &ty {
            Type::Seq(item, _) | Type::Optional(item) => next.push((**item).clone()),
            Type::Array(..) => next.push(flat(&ty).0.clone()),
            Type::Def(at) => match c.types.def(*at).map(|def| &def.kind) {
                Some(DefKind::Struct { fields, .. }) => next.extend(fields.iter().map(|field| field.ty.clone())),
                Some(DefKind::Union { arms, .. }) => next.extend(arms.iter().filter_map(|arm| arm.ty.clone())),
                _ => {}
            },
            _ => {}
        }
        all.push(ty);
    }
    all
}

fn heads(types: &Types<'_>, ty: &Type) -> Vec<(&'static str, String)> {
    let value = types.name(pointee(ty));
    let gap = if value.ends_with('*') { "" } else { " " };
    let constant = if value.ends_with('*') { format!("{value} const *value") } else { format!("const {value} *value") };
    let class = types.layout(ty).class;
    let head = |what: &'static str, result: &str, params: String| {
        (what, format!("static inline {result} {}({params})", function(types, what, ty)))
    };
    let mut heads = Vec::new();
    if class != Class::Conventional {
        heads.push(head("put", "bool", format!("uint8_t *at, {constant}")));
        heads.push(head("get", "bool", format!("const uint8_t *at, nearcall_reader *from, {value}{gap}*value")));
    }
    if class == Class::Varying {
        heads.push(head("tail", "void", format!("nearcall_writer *to, {constant}")));
        heads.push(head("tail_size", "size_t", "const uint8_t *at".to_owned()));
    }
    heads.push(head("write", "bool", format!("nearcall_writer *to, {constant}")));
    heads.push(head("read", "bool", format!("nearcall_reader *from, {value}{gap}*value")));
    heads
}

/// A function as it stands in the header.
struct Function {
    name: String,
    head: String,
    body: String,
}

fn functions(types: &Types<'_>, ty: &Type) -> impl Iterator<Item = Function> {
    heads(types, ty).into_iter().map(move |(what, head)| {
        let mut body = String::new();
        let write = match what {
            "put" => put,
            "get" => get,
            "tail" => tail,
            "tail_size" => tail_size,
            "write" => write_all,
            _ => read_all,
        };
        write(types, ty, &mut body);
        Function { name: function(types, what, ty), head, body }
    })
}

/// The parts of a struct: how each is reached, its type, and where its fixed part begins.
fn parts(types: &Types<'_>, at: usize) -> Vec<(String, Type, u64)> {
    let Some(DefKind::Struct { fields, .. }) = types.def(at).map(|def| &def.kind) else { return Vec::new() };
    let names = types.members(fields.iter().map(|field| &field.name));
    let mut offset = 0_u64;
    let parts = fields.iter().zip(names).map(|(field, name)| {
        let here = offset;
        offset = offset.saturating_add(types.layout(&field.ty).size);
        (pointer(&field.ty, &format!("value->{name}")), field.ty.clone(), here)
    });
    parts.collect()
}

fn put(types: &Types<'_>, ty: &Type, to: &mut String) {
    match ty {
        Type::Text(_) => {
            line!(to, "    nearcall_put32(at, nearcall_count(nearcall_text_size(*value)));\n    return true;")
        }
        Type::Seq(..) => line!(to, "    nearcall_put32(at, value->count);\n    return true;"),
        Type::Array(..) => {
            let (item, count) = flat(ty);
            let (put, size) = (function(types, "put", item), types.layout(item).size);
            line!(
                to,
                "    bool fits = true;\n    for (size_t i = 0; i < {count}; i++) fits &= {put}(nearcall_at(at, i * {size}), &value[i]);\n    return fits;"
            );
        }
        Type::Optional(item) => {
            let size = types.layout(item).size;
            let (put, value) = (function(types, "put", item), pointer(item, "value->value"));
            line!(to, "    if (at) *at = value->has ? 1 : 0;");
            line!(to, "    if (value->has) return {put}(nearcall_at(at, 1), {value});");
            line!(to, "    if (at) memset(at + 1, 0, {size});\n    return true;");
        }
        Type::Def(at) => match types.def(*at).map(|def| &def.kind) {
            Some(DefKind::Enum { variants, .. }) => {
                line!(to, "    if (at) memcpy(at, value, 4);");
                cases(variants.iter().map(|variant| variant.value), to);
            }
            Some(DefKind::Struct { .. }) => {
                line!(to, "    bool fits = true;\n    (void)at;\n    (void)value;");
                for (part, ty, offset) in parts(types, *at) {
                    line!(to, "    fits &= {}(nearcall_at(at, {offset}), {part});", function(types, "put", &ty));
                }
                line!(to, "    return fits;");
            }
            Some(DefKind::Union { size, arms, .. }) => {
                let all = types.layout(ty).size;
                line!(
                    to,
                    "    if (at) {{\n        memset(at, 0, {all});\n        memcpy(at, &value->kind, {size});\n    }}\n    switch (value->kind) {{"
                );
                for (arm, member) in arms.iter().zip(types.arm_members(arms)) {
                    let body = arm.ty.as_ref().map_or_else(
                        || "true".to_owned(),
                        |ty| {
                            format!(
                                "{}(nearcall_at(at, {size}), {})",
                                function(types, "put", ty),
                                pointer(ty, &format!("value->u.{member}"))
                            )
                        },
                    );
                    line!(to, "    case {}: return {body};", super::types::constant(i128::from(arm.value)));
                }
                line!(to, "    default: return false;\n    }}");
            }
            None => line!(to, "    return false;"),
        },
        _ => line!(to, "    return false;"),
    }
}

/// Whether the enum is one of its values.
fn cases(values: impl Iterator<Item = i64>, to: &mut String) {
    line!(to, "    switch (*value) {{");
    for value in values {
        line!(to, "    case {}:", super::types::constant(i128::from(value)));
    }
    line!(to, "        return true;\n    default:\n        return false;\n    }}");
}

fn get(types: &Types<'_>, ty: &Type, to: &mut String) {
    match ty {
        Type::Text(most) => {
            let most = bound(*most);
            line!(to, "    return nearcall_read_text(from, nearcall_get32(at), {most}, value);");
        }
        Type::Seq(item, most) => {
            line!(to, "    uint32_t count = nearcall_get32(at);");
            items(types, item, *most, to);
        }
        Type::Array(..) => {
            let (item, count) = flat(ty);
            let (get, size) = (function(types, "get", item), types.layout(item).size);
            line!(
                to,
                "    for (size_t i = 0; i < {count}; i++) if (!{get}(at + i * {size}, from, &value[i])) return false;\n    return true;"
            );
        }
        Type::Optional(item) => {
            let (get, value) = (function(types, "get", item), pointer(item, "value->value"));
            line!(
                to,
                "    if (*at > 1) return false;\n    value->has = *at == 1;\n    return !value->has || {get}(at + 1, from, {value});"
            );
        }
        Type::Def(at) => match types.def(*at).map(|def| &def.kind) {
            Some(DefKind::Enum { variants, .. }) => {
                line!(to, "    (void)from;\n    memcpy(value, at, 4);");
                cases(variants.iter().map(|variant| variant.value), to);
            }
            Some(DefKind::Struct { .. }) => {
                line!(to, "    (void)at;\n    (void)from;\n    (void)value;");
                for (part, ty, offset) in parts(types, *at) {
                    line!(to, "    if (!{}(at + {offset}, from, {part})) return false;", function(types, "get", &ty));
                }
                line!(to, "    return true;");
            }
            Some(DefKind::Union { size, arms, .. }) => {
                line!(to, "    (void)from;\n    memcpy(&value->kind, at, {size});\n    switch (value->kind) {{");
                for (arm, member) in arms.iter().zip(types.arm_members(arms)) {
                    let body = arm.ty.as_ref().map_or_else(
                        || "true".to_owned(),
                        |ty| {
                            format!(
                                "{}(at + {size}, from, {})",
                                function(types, "get", ty),
                                pointer(ty, &format!("value->u.{member}"))
                            )
                        },
                    );
                    line!(to, "    case {}: return {body};", super::types::constant(i128::from(arm.value)));
                }
                line!(to, "    default: return false;\n    }}");
            }
            None => line!(to, "    return false;"),
        },
        _ => line!(to, "    return false;"),
    }
}

fn bound(most: Option<u32>) -> String {
    most.map_or_else(|| "UINT32_MAX".to_owned(), |most| format!("{most}u"))
}

/// Reads `count` items that have fixed parts only. The bytes are there before anything is allocated for them.
fn items(types: &Types<'_>, item: &Type, most: Option<u32>, to: &mut String) {
    let (flat, each) = flat(item);
    let stride = stride(types, item);
    let name = types.name(flat);
    if most.is_some() {
        line!(to, "    if (count > {}) return false;", bound(most));
    }
    line!(to, "    const uint8_t *bytes = nearcall_read(from, nearcall_times(count, {stride}));");
    line!(to, "    if (!bytes) return false;\n    if (!count) return true;");
    line!(to, "    value->items = ({name} *)nearcall_own(from, nearcall_times(count, {each} * sizeof({name})));");
    line!(to, "    if (!value->items) return false;\n    value->count = count;");
    let layout = types.layout(item);
    if layout.is_plain {
        line!(to, "    memcpy(value->items, bytes, (size_t)count * {stride});\n    return true;");
        return;
    }
    if layout.size == 0 {
        line!(to, "    for (size_t i = 0; i < count; i++) if (bytes[i]) return false;\n    return true;");
        return;
    }
    let get = function(types, "get", item);
    line!(
        to,
        "    for (size_t i = 0; i < count; i++) if (!{get}(bytes + i * {stride}, from, &value->items[i * {each}])) return false;\n    return true;"
    );
}

/// Writes the items of a sequence whose items have fixed parts only.
fn tail_items(types: &Types<'_>, item: &Type, most: Option<u32>, to: &mut String) {
    let (_, each) = flat(item);
    let stride = stride(types, item);
    let layout = types.layout(item);
    if most.is_some() {
        line!(to, "    if (value->count > {}) to->is_unfit = true;", bound(most));
    }
    line!(to, "    uint8_t *at = nearcall_write(to, nearcall_times(value->count, {stride}));");
    if layout.size == 0 {
        line!(to, "    if (at) memset(at, 0, value->count);");
    } else if layout.is_plain {
        line!(to, "    if (at && value->count) memcpy(at, value->items, (size_t)value->count * {stride});");
    } else {
        let put = function(types, "put", item);
        line!(
            to,
            "    for (size_t i = 0; i < value->count; i++) if (!{put}(nearcall_at(at, i * {stride}), &value->items[i * {each}])) to->is_unfit = true;"
        );
    }
}

fn tail(types: &Types<'_>, ty: &Type, to: &mut String) {
    match ty {
        Type::Text(most) => line!(to, "    nearcall_write_text(to, *value, {});", bound(*most)),
        Type::Seq(item, most) => tail_items(types, item, *most, to),
        Type::Def(at) => {
            for (part, ty, _) in parts(types, *at) {
                if types.layout(&ty).class == Class::Varying {
                    line!(to, "    {}(to, {part});", function(types, "tail", &ty));
                }
            }
        }
        _ => {}
    }
}

fn tail_size(types: &Types<'_>, ty: &Type, to: &mut String) {
    match ty {
        Type::Seq(item, _) => {
            let stride = stride(types, item);
            line!(to, "    return nearcall_times(nearcall_get32(at), {stride});");
        }
        Type::Def(at) => {
            line!(to, "    size_t size = 0;");
            for (_, ty, offset) in parts(types, *at) {
                if types.layout(&ty).class == Class::Varying {
                    line!(to, "    size = nearcall_plus(size, {}(at + {offset}));", function(types, "tail_size", &ty));
                }
            }
            line!(to, "    return size;");
        }
        _ => line!(to, "    return nearcall_get32(at);"),
    }
}

/// All of a value in sequence.
fn write_all(types: &Types<'_>, ty: &Type, to: &mut String) {
    let layout = types.layout(ty);
    if layout.is_fixed() {
        let size = layout.size;
        line!(to, "    return {}(nearcall_write(to, {size}), value);", function(types, "put", ty));
        return;
    }
    match ty {
        Type::Text(most) => {
            line!(to, "    nearcall_write_count(to, nearcall_text_size(*value));");
            line!(to, "    nearcall_write_text(to, *value, {});\n    return true;", bound(*most));
        }
        Type::Seq(item, most) => {
            line!(to, "    nearcall_write_count(to, value->count);");
            if layout.class == Class::Varying {
                line!(to, "    {}(to, value);\n    return true;", function(types, "tail", ty));
                return;
            }
            let (_, each) = flat(item);
            line!(to, "    bool fits = true;");
            if most.is_some() {
                line!(to, "    if (value->count > {}) return false;", bound(*most));
            }
            line!(to, "    if (to->depth >= NEARCALL_DEPTH_MAX) return false;\n    to->depth++;");
            // An item that has no bytes is sent as a zero, so that each is paid for.
            line!(to, "    for (size_t i = 0; i < value->count && fits; i++) {{\n        size_t before = to->size;");
            line!(to, "        fits &= {}(to, &value->items[i * {each}]);", function(types, "write", item));
            line!(to, "        if (to->size == before) nearcall_write_bytes(to, \"\", 1);\n    }}");
            line!(to, "    to->depth--;\n    return fits;");
        }
        Type::Array(..) => {
            let (item, count) = flat(ty);
            line!(
                to,
                "    bool fits = true;\n    for (size_t i = 0; i < {count} && fits; i++) fits &= {}(to, &value[i]);\n    return fits;",
                function(types, "write", item)
            );
        }
        Type::Optional(item) => {
            line!(to, "    uint8_t has = value->has ? 1 : 0;\n    nearcall_write_bytes(to, &has, 1);");
            line!(to, "    return !has || {}(to, {});", function(types, "write", item), pointer(item, "value->value"));
        }
        Type::Def(at) => match types.def(*at).map(|def| &def.kind) {
            Some(DefKind::Struct { .. }) => {
                line!(to, "    bool fits = true;");
                for (part, ty, _) in parts(types, *at) {
                    line!(to, "    fits &= {}(to, {part});", function(types, "write", &ty));
                }
                line!(to, "    return fits;");
            }
            Some(DefKind::Union { size, arms, .. }) => {
                line!(to, "    nearcall_write_bytes(to, &value->kind, {size});\n    switch (value->kind) {{");
                for (arm, member) in arms.iter().zip(types.arm_members(arms)) {
                    let body = arm.ty.as_ref().map_or_else(
                        || "true".to_owned(),
                        |ty| {
                            format!(
                                "{}(to, {})",
                                function(types, "write", ty),
                                pointer(ty, &format!("value->u.{member}"))
                            )
                        },
                    );
                    line!(to, "    case {}: return {body};", super::types::constant(i128::from(arm.value)));
                }
                line!(to, "    default: return false;\n    }}");
            }
            _ => line!(to, "    return false;"),
        },
        _ => line!(to, "    return false;"),
    }
}

fn read_all(types: &Types<'_>, ty: &Type, to: &mut String) {
    let layout = types.layout(ty);
    if layout.is_fixed() {
        line!(to, "    const uint8_t *at = nearcall_read(from, {});", layout.size);
        line!(to, "    return at && {}(at, from, value);", function(types, "get", ty));
        return;
    }
    match ty {
        Type::Text(most) => {
            line!(
                to,
                "    uint32_t size;\n    return nearcall_read_count(from, &size) && nearcall_read_text(from, size, {}, value);",
                bound(*most)
            );
        }
        Type::Seq(item, most) => {
            line!(to, "    uint32_t count;\n    if (!nearcall_read_count(from, &count)) return false;");
            if layout.class == Class::Varying {
                items(types, item, *most, to);
                return;
            }
            let (flat, each) = flat(item);
            let name = types.name(flat);
            if most.is_some() {
                line!(to, "    if (count > {}) return false;", bound(*most));
            }
            line!(to, "    if (from->depth >= NEARCALL_DEPTH_MAX) return false;\n    from->depth++;");
            // No more memory in advance than there are bytes; afterwards twice as much, while the reader has any.
            line!(
                to,
                "    size_t room = from->left / ({each} * sizeof({name})) + 1;\n    if (room > count) room = count;"
            );
            line!(to, "    if (room) value->items = ({name} *)nearcall_own(from, room * {each} * sizeof({name}));");
            line!(to, "    if (room && !value->items) return false;");
            line!(
                to,
                "    for (uint32_t i = 0; i < count; i++) {{\n        size_t before = from->left;\n        if (i == room) {{"
            );
            line!(to, "            size_t more = room > count / 2 ? count : room * 2;");
            let size = format!("* {each} * sizeof({name})");
            line!(
                to,
                "            {name} *items = ({name} *)nearcall_outgrow(from, value->items, room {size}, more {size});"
            );
            line!(
                to,
                "            if (!items) return false;\n            value->items = items;\n            room = more;\n        }}"
            );
            line!(to, "        value->count = i + 1;");
            line!(to, "        if (!{}(from, &value->items[i * {each}])) return false;", function(types, "read", item));
            line!(
                to,
                "        if (from->left == before) {{\n            const uint8_t *zero = nearcall_read(from, 1);\n            if (!zero || *zero) return false;\n        }}\n    }}"
            );
            line!(to, "    from->depth--;\n    return true;");
        }
        Type::Array(..) => {
            let (item, count) = flat(ty);
            line!(
                to,
                "    for (size_t i = 0; i < {count}; i++) if (!{}(from, &value[i])) return false;\n    return true;",
                function(types, "read", item)
            );
        }
        Type::Optional(item) => {
            line!(
                to,
                "    const uint8_t *has = nearcall_read(from, 1);\n    if (!has || *has > 1) return false;\n    value->has = *has == 1;"
            );
            line!(
                to,
                "    return !value->has || {}(from, {});",
                function(types, "read", item),
                pointer(item, "value->value")
            );
        }
        Type::Def(at) => match types.def(*at).map(|def| &def.kind) {
            Some(DefKind::Struct { .. }) => {
                for (part, ty, _) in parts(types, *at) {
                    line!(to, "    if (!{}(from, {part})) return false;", function(types, "read", &ty));
                }
                line!(to, "    return true;");
            }
            Some(DefKind::Union { size, arms, .. }) => {
                line!(
                    to,
                    "    const uint8_t *kind = nearcall_read(from, {size});\n    if (!kind) return false;\n    memcpy(&value->kind, kind, {size});\n    switch (value->kind) {{"
                );
                for (arm, member) in arms.iter().zip(types.arm_members(arms)) {
                    let body = arm.ty.as_ref().map_or_else(
                        || "true".to_owned(),
                        |ty| {
                            format!(
                                "{}(from, {})",
                                function(types, "read", ty),
                                pointer(ty, &format!("value->u.{member}"))
                            )
                        },
                    );
                    line!(to, "    case {}: return {body};", super::types::constant(i128::from(arm.value)));
                }
                line!(to, "    default: return false;\n    }}");
            }
            _ => line!(to, "    return false;"),
        },
        _ => line!(to, "    return false;"),
    }
}

/// Statements that free what the lvalue `value` owns, and leave it empty.
pub(super) fn free_value(types: &Types<'_>, ty: &Type, value: &str, indent: &str, to: &mut String) {
    if !types.owns(ty) {
        return;
    }
    match ty {
        Type::Text(_) => line!(to, "{indent}free({value});\n{indent}{value} = NULL;"),
        Type::Array(..) => {
            let (item, count) = flat(ty);
            let first = pointer(ty, value);
            line!(to, "{indent}for (size_t nc_i = 0; nc_i < {count}; nc_i++) {{");
            free_value(types, item, &format!("({first})[nc_i]"), &format!("{indent}    "), to);
            line!(to, "{indent}}}");
        }
        _ => {
            if let Some(free) = types.free(ty) {
                line!(to, "{indent}{free}({});", pointer(ty, value));
            }
        }
    }
}

/// The function that frees what is in a value.
pub(super) fn free(types: &Types<'_>, ty: &Type, to: &mut String) {
    let Some(name) = types.free(ty) else { return };
    line!(to, "static inline void {name}({} *value) {{", types.name(ty));
    match ty {
        Type::Seq(item, _) => {
            let (item, each) = flat(item);
            if types.owns(item) {
                line!(to, "    for (size_t i = 0; i < (size_t)value->count * {each}; i++) {{");
                free_value(types, item, "value->items[i]", "        ", to);
                line!(to, "    }}");
            }
            line!(to, "    free(value->items);\n    value->items = NULL;\n    value->count = 0;");
        }
        Type::Optional(item) => {
            line!(to, "    if (value->has) {{");
            free_value(types, item, "value->value", "        ", to);
            line!(to, "    }}\n    value->has = false;");
        }
        Type::Def(at) => match types.def(*at).map(|def| &def.kind) {
            Some(DefKind::Struct { fields, .. }) => {
                for (field, member) in fields.iter().zip(types.members(fields.iter().map(|field| &field.name))) {
                    free_value(types, &field.ty, &format!("value->{member}"), "    ", to);
                }
            }
            Some(DefKind::Union { arms, .. }) => {
                line!(to, "    switch (value->kind) {{");
                for (arm, member) in arms.iter().zip(types.arm_members(arms)) {
                    if let Some(ty) = arm.ty.as_ref().filter(|ty| types.owns(ty)) {
                        line!(to, "    case {}:", super::types::constant(i128::from(arm.value)));
                        free_value(types, ty, &format!("value->u.{member}"), "        ", to);
                        line!(to, "        break;");
                    }
                }
                line!(to, "    default: break;\n    }}");
            }
            _ => {}
        },
        _ => {}
    }
    line!(to, "}}\n");
}
