//! Types in C, in an order in which each stands behind those of which it consists.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::names::{self, Globals, snake};
use super::signatures::seq_of;
use super::{C, docs, line, signatures};
use crate::lang::model::{self, Class, Def, DefKind, Form, Layout, Model, Type, Value};

/// The types of a file: its named ones, and those that C needs a name for.
pub(in crate::lang) struct Types<'a> {
    pub(super) defs: &'a [Def],
    /// Of each definition.
    names: Vec<String>,
    /// `sequence<T>` and `optional<T>` by how [`Types::mangled`] spells them without bounds.
    anonymous: BTreeMap<String, String>,
    /// All that consist of others, in order, each once: definitions, sequences and options.
    pub(super) ordered: Vec<Type>,
    consts: Vec<String>,
    /// The function that frees what a value owns.
    frees: BTreeMap<String, String>,
    /// The macros of the values of enums and unions, of each definition.
    labels: Vec<Vec<String>>,
    /// All of these names, and those of functions.
    pub(super) globals: Globals,
}

impl<'a> Types<'a> {
    pub(super) fn of(model: &'a Model, stem: &str, globals: &mut Globals) -> Self {
        let defs = &model.defs;
        let consts =
            model.consts.iter().map(|constant| globals.claim_macro(&format!("{stem}_{}", constant.name))).collect();
        let names: Vec<String> = defs.iter().map(|def| globals.claim(&format!("{stem}_{}", def.name))).collect();
        let labels = defs.iter().zip(&names).map(|(def, name)| {
            let values: Vec<&String> = match &def.kind {
                DefKind::Enum { variants, .. } => variants.iter().map(|variant| &variant.rust).collect(),
                DefKind::Union { arms, .. } => arms.iter().map(|arm| &arm.rust).collect(),
                DefKind::Struct { .. } => Vec::new(),
            };
            values.iter().map(|value| globals.claim_macro(&format!("{name}_{}", snake(value).to_uppercase()))).collect()
        });
        let labels = labels.collect();
        let mut types = Self {
            defs,
            names,
            anonymous: BTreeMap::new(),
            ordered: Vec::new(),
            consts,
            frees: BTreeMap::new(),
            labels,
            globals: Globals::default(),
        };
        let mut all: Vec<Type> = (0..defs.len()).map(Type::Def).collect();
        for interface in &model.interfaces {
            for procedure in &interface.procedures {
                all.extend(procedure.params.iter().enumerate().map(|(at, param)| match param.form {
                    Form::Slice | Form::InPlace if !signatures::is_counted(procedure, at) => seq_of(&param.ty),
                    _ => param.ty.clone(),
                }));
                all.extend(procedure.output.iter().chain(&procedure.error).cloned());
            }
        }
        all.extend(model.aliases.iter().map(|alias| alias.ty.clone()));
        all.reverse();
        let mut seen = BTreeSet::new();
        // What is behind a pointer can stand anywhere, and comes last: before it is done, a type may be half seen.
        let mut later = Vec::new();
        while let Some(ty) = all.pop().or_else(|| later.pop()) {
            types.visit(&ty, stem, globals, &mut seen, &mut later);
        }
        for i in 0..types.ordered.len() {
            let Some(ty) = types.ordered.get(i).cloned() else { continue };
            if types.owns(&ty) {
                let free = globals.claim(&format!("{}_free", types.name(&ty)));
                types.frees.insert(types.name(&ty), free);
            }
        }
        types
    }

    /// Puts `ty` behind what it consists of. Types are 32 deep; a type that contains itself does so through a pointer.
    fn visit(
        &mut self,
        ty: &Type,
        stem: &str,
        globals: &mut Globals,
        seen: &mut BTreeSet<String>,
        later: &mut Vec<Type>,
    ) {
        match ty {
            Type::Seq(item, _) | Type::Optional(item) => {
                let key = self.mangled(ty, false);
                if !seen.insert(key.clone()) {
                    return;
                }
                let name = globals.claim(&format!("{stem}_{}", self.short(ty)));
                self.anonymous.insert(key, name);
                if matches!(ty, Type::Optional(_)) {
                    self.visit(item, stem, globals, seen, later);
                } else {
                    later.push((**item).clone());
                }
                self.ordered.push(ty.clone());
            }
            Type::Array(item, _) => self.visit(item, stem, globals, seen, later),
            Type::Def(at) => {
                if !seen.insert(format!("def {at}")) {
                    return;
                }
                let parts: Vec<Type> = match self.defs.get(*at).map(|def| &def.kind) {
                    Some(DefKind::Struct { fields, .. }) => fields.iter().map(|field| field.ty.clone()).collect(),
                    Some(DefKind::Union { arms, .. }) => arms.iter().filter_map(|arm| arm.ty.clone()).collect(),
                    _ => Vec::new(),
                };
                for part in &parts {
                    self.visit(part, stem, globals, seen, later);
                }
                self.ordered.push(ty.clone());
            }
            _ => {}
        }
    }

    pub(super) fn layout(&self, ty: &Type) -> Layout {
        model::layout(ty, self.defs)
    }

    pub(super) fn def(&self, at: usize) -> Option<&'a Def> {
        self.defs.get(at)
    }

    pub(super) fn def_name(&self, at: usize) -> &str {
        self.names.get(at).map_or("", String::as_str)
    }

    /// How functions for `ty` are called, which a bound tells apart: those without are common to all bounds.
    pub(super) fn mangled(&self, ty: &Type, with_bounds: bool) -> String {
        let bound = |bound: &Option<u32>| match bound {
            Some(most) if with_bounds => most.to_string(),
            _ => String::new(),
        };
        match ty {
            Type::Bool => "bool".to_owned(),
            Type::Wide => "wide".to_owned(),
            Type::Int { size, signed } => format!("{}{}", if *signed { 'i' } else { 'u' }, u32::from(*size) * 8),
            Type::Float { size } => format!("f{}", u32::from(*size) * 8),
            Type::Text(most) => format!("text{}", bound(most)),
            Type::Seq(item, most) => format!("seq{}_{}", bound(most), self.mangled(item, with_bounds)),
            Type::Optional(item) => format!("opt_{}", self.mangled(item, with_bounds)),
            Type::Array(..) => {
                let (item, count) = flat(ty);
                format!("arr{count}_{}", self.mangled(item, with_bounds))
            }
            Type::Def(at) => self.def_name(*at).to_owned(),
        }
    }

    /// The same for people.
    fn short(&self, ty: &Type) -> String {
        match ty {
            Type::Seq(item, _) => format!("{}_seq", self.short(item)),
            Type::Optional(item) => format!("{}_opt", self.short(item)),
            Type::Array(..) => {
                let (item, count) = flat(ty);
                format!("{}_{count}", self.short(item))
            }
            Type::Def(at) => self.defs.get(*at).map(|def| def.name.clone()).unwrap_or_default(),
            other => self.mangled(other, false),
        }
    }

    /// The type's name, if it is not an array: those have none.
    pub(super) fn name(&self, ty: &Type) -> String {
        match ty {
            Type::Bool => "bool".to_owned(),
            Type::Wide => "uint32_t".to_owned(),
            Type::Int { size: 16, signed } => format!("nearcall_{}int128", if *signed { "" } else { "u" }),
            Type::Int { size, signed } => format!("{}int{}_t", if *signed { "" } else { "u" }, u32::from(*size) * 8),
            Type::Float { size } => if *size == 4 { "float" } else { "double" }.to_owned(),
            Type::Text(_) => "char *".to_owned(),
            Type::Seq(..) | Type::Optional(_) => {
                self.anonymous.get(&self.mangled(ty, false)).cloned().unwrap_or_default()
            }
            Type::Array(..) => self.name(flat(ty).0),
            Type::Def(at) => self.def_name(*at).to_owned(),
        }
    }

    /// `ty` as the type of something that is called `name`.
    pub(super) fn declare(&self, ty: &Type, name: &str) -> String {
        let mut dims = String::new();
        let mut inner = ty;
        while let Type::Array(item, count) = inner {
            let _ = write!(dims, "[{count}]");
            inner = item;
        }
        let base = self.name(inner);
        let gap = if base.ends_with('*') { "" } else { " " };
        format!("{base}{gap}{name}{dims}")
    }

    /// The same for a local that is all zeros.
    pub(super) fn zeroed(&self, ty: &Type, name: &str) -> String {
        let declared = self.declare(ty, name);
        match self.nothing(ty) {
            Some(nothing) => format!("{declared} = {nothing};"),
            None => format!("{declared};\n    {}", self.zero(ty, name)),
        }
    }

    /// A statement that makes it so again.
    pub(super) fn zero(&self, ty: &Type, name: &str) -> String {
        match self.nothing(ty) {
            Some(nothing) => format!("{name} = {nothing};"),
            // Not `{0}`: of a union that is the first member.
            None => format!("memset(&{name}, 0, sizeof {name});"),
        }
    }

    /// What is zeros of a type that is no struct in C.
    fn nothing(&self, ty: &Type) -> Option<&'static str> {
        match ty {
            Type::Bool => Some("false"),
            Type::Text(_) => Some("NULL"),
            Type::Int { size: 16, .. } => None,
            _ => self.is_scalar(ty).then_some("0"),
        }
    }

    /// The function that frees what a value owns; `None` if it owns nothing, or is text.
    pub(super) fn free(&self, ty: &Type) -> Option<&str> {
        self.frees.get(&self.name(ty)).map(String::as_str)
    }

    /// Whether values own memory.
    pub(super) fn owns(&self, ty: &Type) -> bool {
        match ty {
            Type::Text(_) | Type::Seq(..) => true,
            Type::Optional(item) | Type::Array(item, _) => self.owns(item),
            // Whatever is not fixed has text or a sequence inside.
            Type::Def(_) => self.layout(ty).class != Class::Fixed,
            _ => false,
        }
    }

    /// Whether C passes it by value.
    pub(super) fn is_scalar(&self, ty: &Type) -> bool {
        match ty {
            Type::Bool | Type::Wide | Type::Int { .. } | Type::Float { .. } => true,
            Type::Def(at) => matches!(self.defs.get(*at).map(|def| &def.kind), Some(DefKind::Enum { .. })),
            _ => false,
        }
    }

    /// The members of a struct.
    pub(super) fn members<'n>(&self, names: impl Iterator<Item = &'n String>) -> Vec<String> {
        let mut taken = BTreeSet::new();
        names.map(|name| names::member(name, &mut taken, &self.globals)).collect()
    }

    /// The members of a union; those that have no type count, too, so that names do not depend on that.
    pub(super) fn arm_members(&self, arms: &[model::Arm]) -> Vec<String> {
        let mut taken = BTreeSet::new();
        let names = arms.iter().map(|arm| arm.name.clone().unwrap_or_else(|| snake(&arm.rust)));
        names.map(|name| names::member(&name, &mut taken, &self.globals)).collect()
    }

    fn enumeration(&self, at: usize, def: &Def, to: &mut String) {
        let DefKind::Enum { variants, signed } = &def.kind else { return };
        let name = self.def_name(at);
        line!(to, "{}typedef {}int32_t {name};", docs(&def.docs, ""), if *signed { "" } else { "u" });
        for (variant, label) in variants.iter().zip(self.labels.get(at).into_iter().flatten()) {
            to.push_str(&docs(&variant.docs, ""));
            line!(to, "#define {label} (({name}){})", constant(i128::from(variant.value)));
        }
        line!(to);
    }

    fn structure(&self, ty: &Type, to: &mut String) {
        let name = self.name(ty);
        match ty {
            Type::Seq(item, bound) => {
                let (flat, each) = flat(item);
                let note = if each == 1 { String::new() } else { format!("; an item is {each} of these in a row") };
                let _ = bound;
                line!(
                    to,
                    "struct {name} {{\n    uint32_t count; /* items{note} */\n    {};\n}};\n",
                    self.declare(flat, "*items")
                );
            }
            Type::Optional(item) => {
                line!(
                    to,
                    "struct {name} {{\n    bool has; /* whether there is a value */\n    {};\n}};\n",
                    self.declare(item, "value")
                );
            }
            Type::Def(at) => {
                let Some(def) = self.def(*at) else { return };
                match &def.kind {
                    DefKind::Struct { fields, .. } => {
                        line!(to, "{}struct {name} {{", docs(&def.docs, ""));
                        for (field, member) in fields.iter().zip(self.members(fields.iter().map(|field| &field.name))) {
                            to.push_str(&docs(&field.docs, "    "));
                            line!(to, "    {};", self.declare(&field.ty, &member));
                        }
                        if fields.is_empty() {
                            line!(to, "    char nothing; /* it has no members; this one does not travel */");
                        }
                        line!(to, "}};\n");
                    }
                    DefKind::Union { size, signed, arms } => {
                        let kind = Type::Int { size: *size, signed: *signed };
                        for (arm, label) in arms.iter().zip(self.labels.get(*at).into_iter().flatten()) {
                            line!(to, "#define {label} {}", constant(i128::from(arm.value)));
                        }
                        line!(
                            to,
                            "{}struct {name} {{\n    {}; /* which member of `u` there is */",
                            docs(&def.docs, ""),
                            self.declare(&kind, "kind")
                        );
                        if arms.iter().any(|arm| arm.ty.is_some()) {
                            line!(to, "    union {{");
                            for (arm, member) in arms.iter().zip(self.arm_members(arms)) {
                                if let Some(ty) = &arm.ty {
                                    to.push_str(&docs(&arm.docs, "        "));
                                    line!(to, "        {};", self.declare(ty, &member));
                                }
                            }
                            line!(to, "    }} u;");
                        }
                        line!(to, "}};\n");
                    }
                    DefKind::Enum { .. } => {}
                }
            }
            _ => {}
        }
    }
}

/// The type at the bottom of an array of arrays, and how many there are of it.
pub(super) fn flat(ty: &Type) -> (&Type, u64) {
    let (mut inner, mut all) = (ty, 1_u64);
    while let Type::Array(item, count) = inner {
        all = all.saturating_mul(u64::from(*count));
        inner = item;
    }
    (inner, all)
}

/// An integer constant that fits no smaller type by accident.
pub(super) fn constant(value: i128) -> String {
    match value {
        // Its negation has no type of its own.
        v if v == i128::from(i64::MIN) => "INT64_MIN".to_owned(),
        v if v > i128::from(i32::MIN) && v <= i128::from(i32::MAX) => v.to_string(),
        v if v >= i128::from(i64::MIN) && v <= i128::from(i64::MAX) => format!("INT64_C({v})"),
        v if v >= 0 && v <= i128::from(u64::MAX) => format!("UINT64_C({v})"),
        v => v.to_string(),
    }
}

/// The header for people.
pub(super) fn header(c: &C<'_>) -> String {
    let types = &c.types;
    let mut text = c.opening("Types, and what clients call and servers implement.");
    let guard = format!("{}_IDL_H", c.stem.to_uppercase());
    line!(
        text,
        "#ifndef {guard}\n#define {guard}\n\n#include \"nearcall_stub.h\"\n\n#ifdef __cplusplus\nextern \"C\" {{\n#endif\n"
    );
    for (constant, name) in c.model.consts.iter().zip(&types.consts) {
        text.push_str(&docs(&constant.docs, ""));
        let value = value(&constant.value, &constant.ty);
        match value {
            Some(value) => line!(text, "#define {name} {value}\n"),
            None => line!(text, "/* {name} has no constant in C: it has 128 bits, or is no number. */\n"),
        }
    }
    for (at, def) in c.model.defs.iter().enumerate() {
        types.enumeration(at, def, &mut text);
    }
    for ty in types.ordered.iter().filter(|ty| !types.is_scalar(ty)) {
        line!(text, "typedef struct {0} {0};", types.name(ty));
    }
    line!(text);
    for ty in types.ordered.iter().filter(|ty| !types.is_scalar(ty)) {
        types.structure(ty, &mut text);
    }
    let owning: Vec<&Type> = types.ordered.iter().filter(|ty| types.free(ty).is_some()).collect();
    if !owning.is_empty() {
        line!(text, "/* These free what is in a value, and leave it empty. */");
    }
    for ty in &owning {
        if let Some(free) = types.free(ty) {
            line!(text, "static inline void {free}({} *value);", types.name(ty));
        }
    }
    if !owning.is_empty() {
        line!(text);
    }
    for ty in &owning {
        super::codec::free(types, ty, &mut text);
    }
    for named in &c.interfaces {
        signatures::interface(c, named, &mut text);
    }
    line!(text, "#ifdef __cplusplus\n}}\n#endif\n\n#endif");
    text
}

/// A constant's value. As what it is written for, so that it can stand in conditions of the preprocessor where that is possible.
fn value(value: &Value, ty: &Type) -> Option<String> {
    Some(match value {
        Value::Int(int) if matches!(ty, Type::Int { size: 16, .. }) => {
            return (*int >= i128::from(i64::MIN) && *int <= i128::from(u64::MAX)).then(|| constant(*int));
        }
        Value::Int(int) => constant(*int),
        Value::Float(float) if float.is_finite() => format!("{float:?}"),
        Value::Float(_) => return None,
        Value::Bool(bool) => bool.to_string(),
        Value::Char(c) => c.to_string(),
        Value::Text(text) => {
            let mut out = String::from("\"");
            for byte in text.bytes() {
                // In octal, which ends after three digits; a hexadecimal escape goes on as long as there are digits.
                match byte {
                    b'"' | b'\\' => out.extend(['\\', char::from(byte)]),
                    b' '..=b'~' if byte != b'?' => out.push(char::from(byte)),
                    other => out.push_str(&format!("\\{other:03o}")),
                }
            }
            out.push('"');
            out
        }
    })
}
