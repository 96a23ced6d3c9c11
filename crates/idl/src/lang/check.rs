//! From what is written to what is meant: names are resolved, values computed, and everything is refused that could not be
//! called across address spaces, or that would not become Rust.
//!
//! Constants, typedefs and enums are known from where they stand on; structs and unions everywhere, so that they can
//! contain each other through sequences. All names of a file and of its imports are in one scope: in C they are, too.

mod attributes;
mod definitions;
mod interfaces;
mod params;

use std::collections::BTreeMap;

use super::ast::{self, Item, Name, TypeKind};
use super::diagnostics::Found;
use super::model::{self, Alias, Const, Def, DefKind, Model, Type, Value};
use super::names::{camel, is_taken, similar, unfit, unfit_module};
use super::source::{Sources, Span};
use super::values::{self, Known};

/// Bytes that a type of fixed size, or what is beside a fixed part, may have.
pub(crate) const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// How deep types can be in each other, with names and without.
const MAX_DEPTH: u32 = 32;

/// What a name stands for.
#[derive(Debug, Clone, Copy)]
enum Symbol {
    Def(usize),
    /// An alias, by its place among the resolved types.
    Alias(usize),
    /// One that comes later in the text.
    Unresolved,
    /// One that was refused where it stands.
    Refused,
    Const,
    Interface,
}

pub(super) struct Checker<'a> {
    sources: &'a Sources,
    found: &'a mut Found,
    symbols: BTreeMap<String, (Symbol, Span)>,
    /// What Rust calls the types and interfaces, and where they are.
    rust_names: BTreeMap<String, Span>,
    aliases: Vec<(Type, u32)>,
    known: Known,
    /// What the unions of errors are called in Rust, and their places among the definitions.
    raised: Vec<(String, usize)>,
    /// Procedures so far, with those that are inherited.
    procedures: usize,
    model: Model,
}

/// What the items of a file and of its imports mean; each with the name of its file, the main one last.
pub(super) fn check(files: &[(String, Vec<Item>)], sources: &Sources, found: &mut Found) -> Model {
    let stem = files.last().map(|(stem, _)| stem.clone()).unwrap_or_default();
    let mut checker = Checker {
        sources,
        found,
        symbols: BTreeMap::new(),
        rust_names: BTreeMap::new(),
        aliases: Vec::new(),
        known: Known::new(),
        raised: Vec::new(),
        procedures: 0,
        model: Model { stem, ..Model::default() },
    };
    if let Some(why) = unfit_module(&checker.model.stem) {
        // The file that was asked for is the first that was read.
        checker.error(Span { file: 0, start: 0, end: 0 }, why, "give the file another name");
    }
    for (_, items) in files {
        checker.declare(items);
    }
    for (_, items) in files {
        checker.constants(items);
    }
    for (_, items) in files {
        checker.structures(items);
    }
    checker.lay_out();
    for (stem, items) in files {
        checker.interfaces(stem, items);
    }
    checker.model
}

impl Checker<'_> {
    fn error(&mut self, span: Span, what: impl Into<String>, hint: impl Into<String>) {
        self.found.error(span, what, hint);
    }

    /// Gives every type and interface its name, so that the order of structs does not matter.
    fn declare(&mut self, items: &[Item]) {
        for item in items {
            match item {
                Item::Const(constant) => self.declare_one(&constant.name, Symbol::Unresolved),
                Item::Typedef(typedef) => {
                    for declarator in &typedef.declarators {
                        self.declare_type(&declarator.name, Symbol::Unresolved);
                    }
                }
                Item::Struct(ast::Struct { name, docs, is_exception, .. }) => {
                    self.declare_def(name, docs, DefKind::Struct { fields: Vec::new(), is_exception: *is_exception });
                }
                Item::Union(ast::Union { name, docs, .. }) => {
                    self.declare_def(name, docs, DefKind::Union { size: 4, signed: true, arms: Vec::new() });
                }
                Item::Enum(ast::Enum { name, docs, .. }) => {
                    self.declare_def(name, docs, DefKind::Enum { variants: Vec::new(), signed: false });
                }
                Item::Interface(interface) => {
                    self.declare_one(&interface.name, Symbol::Interface);
                    self.declare(&interface.items);
                }
                Item::Import(_) | Item::Procedure(_) => {}
            }
        }
    }

    fn declare_def(&mut self, name: &Name, docs: &[String], kind: DefKind) {
        let at = self.model.defs.len();
        self.declare_type(name, Symbol::Def(at));
        let (rust, docs, span) = (camel(&name.text), docs.to_vec(), name.span);
        let name = name.text.clone();
        self.model.defs.push(Def { name, rust, docs, span, kind, layout: model::Layout::default() });
    }

    fn declare_type(&mut self, name: &Name, symbol: Symbol) {
        self.declare_one(name, symbol);
        self.rust_name(name.span, &camel(&name.text));
    }

    /// Reserves a name in the generated module.
    fn rust_name(&mut self, span: Span, rust: &str) {
        if is_taken(rust) {
            let hint = "use another name";
            self.error(span, format!("in Rust it would be called `{rust}`, which is something else"), hint);
        }
        if let Some(other) = self.rust_names.insert(rust.to_owned(), span) {
            let place = self.sources.whereabouts(other, span);
            let what = format!("in Rust it would be called `{rust}`, as something in {place}");
            self.error(span, what, "use names that differ in more than underscores and capitals");
        }
    }

    fn declare_one(&mut self, name: &Name, symbol: Symbol) {
        if let Some(why) = unfit(&name.text) {
            self.error(name.span, why, "use another name");
        }
        if let Some((_, other)) = self.symbols.get(&name.text) {
            let place = self.sources.whereabouts(*other, name.span);
            self.error(name.span, format!("`{}` is declared in {place} already", name.text), "use another name");
            return;
        }
        self.symbols.insert(name.text.clone(), (symbol, name.span));
    }

    /// Whether this is the declaration that the name stands for, and not a second one.
    fn is_declared_here(&self, name: &Name) -> bool {
        self.symbols.get(&name.text).is_some_and(|(_, span)| *span == name.span)
    }

    fn constants(&mut self, items: &[Item]) {
        for item in items {
            match item {
                Item::Const(constant) => self.constant(constant),
                Item::Typedef(typedef) => self.typedef(typedef),
                Item::Enum(declared) => self.enumeration(declared),
                Item::Interface(interface) => self.constants(&interface.items),
                _ => {}
            }
        }
    }

    fn constant(&mut self, constant: &ast::Const) {
        let ty = self.ty(&constant.ty);
        let value = values::evaluate(&constant.value, &self.known, self.sources, self.found);
        let (Some((ty, _)), Some(value)) = (ty, value) else { return };
        match values::typed(value, &ty) {
            Ok(value) if self.is_declared_here(&constant.name) => {
                if let Some((symbol, _)) = self.symbols.get_mut(&constant.name.text) {
                    *symbol = Symbol::Const;
                }
                self.known.insert(constant.name.text.clone(), value.clone());
                let (name, docs) = (constant.name.text.clone(), constant.docs.clone());
                self.model.consts.push(Const { name, docs, ty, value });
            }
            Ok(_) => {}
            Err(why) => self.error(constant.value.span, why, "use a larger type, or another value"),
        }
    }

    fn typedef(&mut self, typedef: &ast::Typedef) {
        let is_text = self.member_attributes(&typedef.attrs);
        for declarator in &typedef.declarators {
            let resolved = self.declared(&typedef.ty, declarator, is_text);
            if !self.is_declared_here(&declarator.name) {
                continue;
            }
            let Some((ty, depth)) = resolved else {
                if let Some((symbol, _)) = self.symbols.get_mut(&declarator.name.text) {
                    *symbol = Symbol::Refused;
                }
                continue;
            };
            self.aliases.push((ty.clone(), depth));
            if let Some((symbol, _)) = self.symbols.get_mut(&declarator.name.text) {
                *symbol = Symbol::Alias(self.aliases.len() - 1);
            }
            let (rust, docs) = (camel(&declarator.name.text), typedef.docs.clone());
            self.model.aliases.push(Alias { rust, docs, ty });
        }
    }

    /// The type of a member or of a typedef: `ty` with the dimensions of its declarator.
    fn declared(&mut self, ty: &ast::Type, declarator: &ast::Declarator, is_text: bool) -> Option<(Type, u32)> {
        let (mut ty, mut depth) = self.ty(ty)?;
        let is_bytes = matches!(ty, Type::Int { size: 1, .. });
        if is_text {
            if is_bytes && declarator.pointers == 1 && declarator.dims.is_empty() {
                return Some((Type::Text(None), depth));
            }
            let hint = "write `[string] char *name`, or `string name`";
            self.error(declarator.span, "only a `char *` can be a text", hint);
            return None;
        }
        if declarator.pointers > 0 {
            let hint = if is_bytes {
                "write `string` for text, `sequence<octet>` for bytes"
            } else {
                "write the value itself, `sequence<T>` for several, or `optional<T>` for one that may be missing"
            };
            self.error(declarator.span, "an address means nothing to the other side", hint);
            return None;
        }
        for dim in declarator.dims.iter().rev() {
            let Some(dim) = dim else {
                let hint = "write the number of items, or `sequence<T>`";
                self.error(declarator.span, "an array has a size", hint);
                return None;
            };
            let count = self.count(dim)?;
            ty = Type::Array(Box::new(ty), count);
            depth += 1;
        }
        self.deep_enough(declarator.span, depth)?;
        Some((ty, depth))
    }

    /// A number of items: from 1 to what 64 MiB hold.
    fn count(&mut self, expr: &ast::Expr) -> Option<u32> {
        let value = values::evaluate(expr, &self.known, self.sources, self.found)?;
        let count = match value {
            Value::Int(int) => u32::try_from(int).ok().filter(|count| (1..=MAX_BYTES).contains(&u64::from(*count))),
            _ => None,
        };
        if count.is_none() {
            self.error(expr.span, "this is no number of items", "write a number from 1 to 67108864");
        }
        count
    }

    fn deep_enough(&mut self, span: Span, depth: u32) -> Option<()> {
        if depth > MAX_DEPTH {
            let what = format!("more than {MAX_DEPTH} types in each other");
            self.error(span, what, "a struct with a sequence of itself has any depth");
            return None;
        }
        Some(())
    }

    /// What a type means, and how deep it is; `None` if it was refused.
    fn ty(&mut self, ty: &ast::Type) -> Option<(Type, u32)> {
        let (resolved, depth) = match &ty.kind {
            TypeKind::Void => {
                let hint = "only a procedure returns `void`; write `octet` for bytes";
                self.error(ty.span, "nothing is known of a `void`", hint);
                return None;
            }
            TypeKind::Bool => (Type::Bool, 0),
            TypeKind::Wide => (Type::Wide, 0),
            TypeKind::Int { size, signed } => (Type::Int { size: *size, signed: *signed }, 0),
            TypeKind::Float { size } => (Type::Float { size: *size }, 0),
            TypeKind::Text(bound) => {
                let bound = match bound {
                    Some(bound) => Some(self.count(bound)?),
                    None => None,
                };
                (Type::Text(bound), 0)
            }
            TypeKind::Sequence(item, bound) => {
                let (item, depth) = self.ty(item)?;
                let bound = match bound {
                    Some(bound) => Some(self.count(bound)?),
                    None => None,
                };
                (Type::Seq(Box::new(item), bound), depth + 1)
            }
            TypeKind::Optional(item) => {
                let (item, depth) = self.ty(item)?;
                (Type::Optional(Box::new(item)), depth + 1)
            }
            TypeKind::Named(name) => match self.symbols.get(&name.text).map(|(symbol, _)| *symbol) {
                Some(Symbol::Def(at)) => (Type::Def(at), 0),
                Some(Symbol::Alias(at)) => self.aliases.get(at)?.clone(),
                Some(Symbol::Unresolved) => {
                    let what = format!("`{}` is not known here", name.text);
                    self.error(name.span, what, "constants, enums and typedefs are declared before they are used");
                    return None;
                }
                Some(Symbol::Refused) => return None,
                Some(Symbol::Const) => {
                    self.error(name.span, format!("`{}` is a constant", name.text), "the name of a type belongs here");
                    return None;
                }
                Some(Symbol::Interface) => {
                    let hint = "pass a value by which the server knows the object";
                    self.error(name.span, "an interface is not a type of values", hint);
                    return None;
                }
                None => {
                    self.unknown_type(name);
                    return None;
                }
            },
        };
        self.deep_enough(ty.span, depth)?;
        Some((resolved, depth))
    }

    fn unknown_type(&mut self, name: &Name) {
        const BASIC: &[&str] = &[
            "boolean", "char", "double", "float", "hyper", "int", "long", "octet", "optional", "sequence", "short",
            "string", "unsigned", "wchar",
        ];
        let known = self.symbols.iter().filter(|(_, (symbol, _))| !matches!(symbol, Symbol::Const | Symbol::Interface));
        let hint = match similar(&name.text, known.map(|(name, _)| name.as_str()).chain(BASIC.iter().copied())) {
            Some(other) => format!("did you mean `{other}`?"),
            None => "define it, or `import` the file that does".to_owned(),
        };
        self.found.unknown(name.span, format!("there is no type `{}`", name.text), hint);
    }
}
