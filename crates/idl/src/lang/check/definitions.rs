//! Enums, structs and unions, and the layout of them all.

use std::collections::BTreeMap;

use super::{Checker, MAX_BYTES, MAX_DEPTH, Symbol};
use crate::lang::ast::{self, Item, Label};
use crate::lang::model::{self, Arm, DefKind, Field, Type, Value, Variant};
use crate::lang::names::{camel, unfit};
use crate::lang::source::Span;
use crate::lang::values;

/// Members of one struct, values of one enum, arms of one union.
const MAX_MEMBERS: usize = 1024;

impl Checker<'_> {
    /// The place of the type `name` if this is its first declaration.
    fn def_of(&self, name: &ast::Name) -> Option<usize> {
        match self.symbols.get(&name.text) {
            Some((Symbol::Def(at), span)) if *span == name.span => Some(*at),
            _ => None,
        }
    }

    fn few_enough(&mut self, name: &ast::Name, count: usize) {
        if count > MAX_MEMBERS {
            self.error(name.span, format!("more than {MAX_MEMBERS} members"), "divide it");
        }
    }

    pub(super) fn enumeration(&mut self, declared: &ast::Enum) {
        if declared.variants.is_empty() {
            self.error(declared.name.span, "an enum without values has none that could travel", "add a value");
        }
        self.few_enough(&declared.name, declared.variants.len());
        let mut next = 0_i128;
        let mut names: BTreeMap<String, Span> = BTreeMap::new();
        let mut seen: BTreeMap<i128, String> = BTreeMap::new();
        let mut variants: Vec<Variant> = Vec::new();
        for ast::Variant { docs, name, value } in &declared.variants {
            let span = value.as_ref().map_or(name.span, |value| value.span);
            if let Some(expr) = value {
                match values::evaluate(expr, &self.known, self.sources, self.found) {
                    Some(Value::Int(int)) => next = int,
                    Some(_) => self.error(expr.span, "a value of an enum is an integer", "write a number"),
                    None => {}
                }
            }
            let rust = self.member_name(name, camel(&name.text), &mut names);
            if let Some(other) = seen.insert(next, name.text.clone()) {
                let what = format!("`{}` and `{other}` have the same value", name.text);
                self.error(span, what, "values of an enum are all different");
            }
            match i64::try_from(next) {
                Ok(value) => variants.push(Variant { rust, docs: docs.clone(), value }),
                Err(_) => self.error(span, "a value of an enum has 32 bits", "write a smaller number"),
            }
            next = next.saturating_add(1);
        }
        let signed = variants.iter().any(|variant| variant.value < 0);
        let range = if signed { i64::from(i32::MIN)..=i64::from(i32::MAX) } else { 0..=i64::from(u32::MAX) };
        if variants.iter().any(|variant| !range.contains(&variant.value)) {
            let what =
                "the values of an enum have 32 bits together: from -2147483648 to 2147483647, or from 0 to 4294967295";
            self.error(declared.name.span, what, "use smaller numbers");
        }
        if let Some(def) = self.def_of(&declared.name).and_then(|at| self.model.defs.get_mut(at)) {
            def.kind = DefKind::Enum { variants, signed };
        }
    }

    /// The name of a member in Rust, which is not that of another one.
    fn member_name(&mut self, name: &ast::Name, rust: String, names: &mut BTreeMap<String, Span>) -> String {
        if let Some(why) = unfit(&name.text).or_else(|| unfit(&rust)) {
            self.error(name.span, why, "use another name");
        }
        if names.insert(rust.clone(), name.span).is_some() {
            let what = format!("there are two members `{rust}`");
            self.error(name.span, what, "use names that differ, also without underscores and capitals");
        }
        rust
    }

    pub(super) fn structures(&mut self, items: &[Item]) {
        for item in items {
            match item {
                Item::Struct(declared) => self.structure(declared),
                Item::Union(declared) => self.union(declared),
                Item::Interface(interface) => self.structures(&interface.items),
                _ => {}
            }
        }
    }

    fn structure(&mut self, declared: &ast::Struct) {
        if declared.members.is_empty() && !declared.is_exception {
            self.error(declared.name.span, "a struct without members says nothing", "add a member, or leave it out");
        }
        self.few_enough(&declared.name, declared.members.len());
        let mut names = BTreeMap::new();
        let mut fields = Vec::new();
        for member in &declared.members {
            let name = self.member_name(&member.declarator.name, member.declarator.name.text.clone(), &mut names);
            if let Some(ty) = self.member(member) {
                fields.push(Field { name, docs: member.docs.clone(), ty });
            }
        }
        if let Some(def) = self.def_of(&declared.name).and_then(|at| self.model.defs.get_mut(at)) {
            def.kind = DefKind::Struct { fields, is_exception: declared.is_exception };
        }
    }

    fn member(&mut self, member: &ast::Member) -> Option<Type> {
        let is_text = self.member_attributes(&member.attrs);
        self.declared(&member.ty, &member.declarator, is_text).map(|(ty, _)| ty)
    }

    fn union(&mut self, declared: &ast::Union) {
        let Some((switch, _)) = self.ty(&declared.switch) else { return };
        let (size, signed) = match &switch {
            Type::Bool => (1, false),
            Type::Int { size, signed } if *size <= 8 => (*size, *signed),
            Type::Def(at) => match self.model.defs.get(*at).map(|def| &def.kind) {
                Some(DefKind::Enum { signed, .. }) => (4, *signed),
                _ => return self.refuse_switch(declared.switch.span),
            },
            _ => return self.refuse_switch(declared.switch.span),
        };
        if declared.arms.is_empty() {
            self.error(declared.name.span, "a union without arms has no value that could travel", "add an arm");
        }
        self.few_enough(&declared.name, declared.arms.len());
        let mut union = Arms::default();
        for arm in &declared.arms {
            self.arm(arm, &switch, &mut union);
        }
        if let Some((default, span)) = union.default.take() {
            // All values without a label are one case, and travel as the smallest of them.
            let free = (0_i64..).find(|value| !union.seen.contains_key(value)).unwrap_or(0);
            let most = match (size, signed) {
                (8, _) => i64::MAX,
                (size, signed) => (1_i64 << (u32::from(size) * 8 - u32::from(signed))) - 1,
            };
            let most = if matches!(switch, Type::Bool) { 1 } else { most };
            let values = match &switch {
                Type::Def(at) => self.model.defs.get(*at).and_then(|def| match &def.kind {
                    DefKind::Enum { variants, .. } => Some(variants.iter().map(|variant| variant.value)),
                    _ => None,
                }),
                _ => None,
            };
            // Of an enum, all values are known, and no other one travels.
            let is_full = values.is_some_and(|mut values| values.all(|value| union.seen.contains_key(&value)));
            if free > most || is_full {
                self.error(span, "every value has a label already", "remove `default`");
            }
            union.arms.push(Arm { value: free, ..default });
        }
        if let Some(def) = self.def_of(&declared.name).and_then(|at| self.model.defs.get_mut(at)) {
            def.kind = DefKind::Union { size, signed, arms: union.arms };
        }
    }

    fn refuse_switch(&mut self, span: Span) {
        self.error(span, "this cannot select an arm", "use an integer of up to 64 bits, a boolean or an enum");
    }

    fn arm(&mut self, arm: &ast::Arm, switch: &Type, union: &mut Arms) {
        let ty = match &arm.member {
            Some(member) => match self.member(member) {
                Some(ty) => Some(ty),
                None => return,
            },
            None => None,
        };
        let member = arm.member.as_ref().map(|member| &member.declarator.name);
        if let Some(name) = member
            && let Some(why) = unfit(&name.text)
        {
            self.error(name.span, why, "use another name");
        }
        for label in &arm.labels {
            let (span, value, called) = match label {
                Label::Default(span) => (*span, None, "default".to_owned()),
                Label::Case(expr) => match self.label(expr, switch) {
                    Some((value, called)) => (expr.span, Some(value), called),
                    None => continue,
                },
            };
            // One label: the arm has the name of its member. Several: each of them is an arm of its own.
            let rust = match (member, arm.labels.len()) {
                (Some(name), 1) => camel(&name.text),
                (Some(name), _) => camel(&format!("{}_{called}", name.text)),
                (None, _) => camel(&called),
            };
            if union.names.insert(rust.clone(), span).is_some() {
                let what = format!("there are two arms `{rust}`");
                self.error(member.map_or(span, |name| name.span), what, "give their members other names");
            }
            let name = member.filter(|_| arm.labels.len() == 1).map(|name| name.text.clone());
            let arm = Arm { name, rust, docs: arm.docs.clone(), value: value.unwrap_or(0), ty: ty.clone() };
            let Some(value) = value else {
                if union.default.replace((arm, span)).is_some() {
                    self.error(span, "there are two `default` arms", "keep one of them");
                }
                continue;
            };
            if union.seen.insert(value, ()).is_some() {
                self.error(span, "this value has an arm already", "each value selects one arm");
            }
            union.arms.push(arm);
        }
    }

    /// What a label selects, and what its arm is called if nothing else names it.
    fn label(&mut self, expr: &ast::Expr, switch: &Type) -> Option<(i64, String)> {
        if let Type::Def(at) = switch {
            let Some(DefKind::Enum { variants, .. }) = self.model.defs.get(*at).map(|def| &def.kind) else {
                return None;
            };
            let name = match &expr.kind {
                ast::ExprKind::Name(name) => camel(name),
                _ => String::new(),
            };
            let found = variants.iter().find(|variant| variant.rust == name).map(|variant| variant.value);
            if found.is_none() {
                let known: Vec<String> = variants.iter().map(|variant| format!("`{}`", variant.rust)).take(8).collect();
                let hint = format!("the enum has {}", known.join(", "));
                self.error(expr.span, "this is no value of the enum", hint);
            }
            return found.map(|value| (value, name));
        }
        let value = values::evaluate(expr, &self.known, self.sources, self.found)?;
        let value = match value {
            Value::Bool(bool) if matches!(switch, Type::Bool) => {
                return Some((i64::from(bool), if bool { "true" } else { "false" }.to_owned()));
            }
            value => values::typed(value, switch),
        };
        match value {
            Ok(Value::Int(int)) => match i64::try_from(int) {
                Ok(int) => Some((int, format!("case_{}", int.to_string().replace('-', "minus_")))),
                Err(_) => {
                    self.error(expr.span, "a label has 63 bits", "use a smaller number");
                    None
                }
            },
            Ok(_) => None,
            Err(why) => {
                self.error(expr.span, why, "a label is a value of the type in `switch (..)`");
                None
            }
        }
    }

    /// Gives every type its layout, those it consists of first.
    pub(super) fn lay_out(&mut self) {
        let mut states = vec![State::Unseen; self.model.defs.len()];
        for at in 0..states.len() {
            self.visit(at, 0, &mut states);
        }
        // Where a type contains itself, a sequence of it was laid out without a look at it. Classes only become slower, and do so
        // twice at most on each level; a type that contains itself by value, which was refused, grows for ever.
        for _ in 0..2 * MAX_DEPTH {
            let changed = (0..states.len()).fold(false, |changed, at| changed | self.settle(at));
            if !changed {
                break;
            }
        }
        for at in 0..states.len() {
            if let Some(def) = self.model.defs.get(at).filter(|def| def.layout.size > MAX_BYTES) {
                self.error(def.span, "a value of fixed size has 64 MiB at most", "use a sequence");
            }
        }
    }

    /// Computes the layout of a type from those of its parts; whether it is another one than before.
    fn settle(&mut self, at: usize) -> bool {
        let Some(def) = self.model.defs.get(at) else { return false };
        let layout = model::layout_of(&def.kind, &self.model.defs);
        let is_new = layout != def.layout;
        if let Some(def) = self.model.defs.get_mut(at) {
            def.layout = layout;
        }
        is_new
    }

    /// How deep the type is: at most [`MAX_DEPTH`], and of no end only through sequences.
    fn visit(&mut self, at: usize, depth: u32, states: &mut [State]) -> u32 {
        match states.get(at) {
            Some(State::Done(depth)) => return *depth,
            Some(State::Unseen) => {}
            _ => return 0,
        }
        let Some(def) = self.model.defs.get(at) else { return 0 };
        let span = def.span;
        let parts: Vec<Type> = match &def.kind {
            DefKind::Struct { fields, .. } => fields.iter().map(|field| field.ty.clone()).collect(),
            DefKind::Union { arms, .. } => arms.iter().filter_map(|arm| arm.ty.clone()).collect(),
            DefKind::Enum { .. } => Vec::new(),
        };
        states[at] = State::Busy;
        let mut deepest = 0;
        for part in parts {
            let (inner, levels, is_owned) = named(&part);
            let Some(inner) = inner else { continue };
            if matches!(states.get(inner), Some(State::Busy)) {
                if !is_owned {
                    let hint = "put it into a `sequence<T>`, which may be empty";
                    self.error(span, "a value of this type would contain another one, and so on for ever", hint);
                }
                continue;
            }
            if depth >= MAX_DEPTH {
                let hint = "a struct with a sequence of itself has any depth";
                self.error(span, format!("more than {MAX_DEPTH} types in each other"), hint);
                break;
            }
            deepest = deepest.max(levels + self.visit(inner, depth + 1, states));
        }
        if deepest + 1 > MAX_DEPTH {
            let hint = "a struct with a sequence of itself has any depth";
            self.error(span, format!("more than {MAX_DEPTH} types in each other"), hint);
        }
        states[at] = State::Done(deepest + 1);
        self.settle(at);
        deepest + 1
    }
}

#[derive(Debug, Clone, Copy)]
enum State {
    Unseen,
    Busy,
    Done(u32),
}

/// The arms of a union while they are read.
#[derive(Default)]
struct Arms {
    arms: Vec<Arm>,
    names: BTreeMap<String, Span>,
    seen: BTreeMap<i64, ()>,
    default: Option<(Arm, Span)>,
}

/// The named type inside of `ty`, how deep, and whether it is behind a sequence.
fn named(ty: &Type) -> (Option<usize>, u32, bool) {
    match ty {
        Type::Def(at) => (Some(*at), 0, false),
        Type::Seq(item, _) => {
            let (inner, levels, _) = named(item);
            (inner, levels + 1, true)
        }
        Type::Optional(item) | Type::Array(item, _) => {
            let (inner, levels, is_owned) = named(item);
            (inner, levels + 1, is_owned)
        }
        _ => (None, 0, false),
    }
}
