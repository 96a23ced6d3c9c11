//! Interfaces and their procedures.

use std::collections::{BTreeMap, BTreeSet};

use super::attributes::Place;
use super::{Checker, Symbol};
use crate::lang::ast::{self, Item, Name, TypeKind};
use crate::lang::model::{Arm, Def, DefKind, Form, Interface, Layout, Options, Procedure, Type};
use crate::lang::names::{camel, is_librarys, similar, unfit, unfit_module};
use crate::lang::source::Span;

/// As for traits: see `crate::check`.
const MAX_PROCEDURES: usize = 1024;
const MAX_PARAMS: usize = 64;
/// Procedures of all interfaces of a file and its imports: each is generated for each interface that has it.
const MAX_TOGETHER: usize = 16_384;
/// Bytes that the arguments and results of a procedure may have in memory, without what they own. In servers they are local
/// variables of the stub, on a stack of 2 MiB of which the procedure needs the most.
const MAX_LOCALS: u64 = 256 * 1024;
const TAKEN: &[&str] = &["bind", "describe"];

/// What an interface is followed by in the names of what is generated for it.
const SUFFIXES: &[&str] = &["", "Call", "Client", "Server", "Local", "Loop"];

/// The interface that a procedure is of: its name in Rust, what its attributes say, its uuid and version.
struct Of<'a> {
    rust: &'a str,
    defaults: &'a Options,
    origin: &'a str,
}

impl Checker<'_> {
    /// The interfaces of one file; procedures outside of any are an interface that has the file's name.
    pub(super) fn interfaces(&mut self, stem: &str, items: &[Item]) {
        let bare: Vec<&ast::Procedure> = items
            .iter()
            .filter_map(|item| match item {
                Item::Procedure(procedure) => Some(procedure),
                _ => None,
            })
            .collect();
        if let Some(first) = bare.first() {
            let span = first.name.span;
            let mut interface = Interface {
                name: stem.to_owned(),
                rust: camel(stem),
                docs: Vec::new(),
                span,
                uuid: None,
                version: None,
                procedures: Vec::new(),
            };
            // If it is the name of the file that was asked for, that has been refused once.
            if span.file != 0 || unfit_module(stem).is_none() {
                self.interface_names(span, &interface.rust);
            }
            let of = Of { rust: &interface.rust, defaults: &Options::default(), origin: "" };
            let procedures = bare.iter().filter_map(|procedure| self.procedure(procedure, &of));
            interface.procedures = procedures.collect();
            self.finish(interface);
        }
        for item in items {
            if let Item::Interface(interface) = item {
                self.interface(interface);
            }
        }
    }

    fn interface_names(&mut self, span: Span, rust: &str) {
        if !rust.starts_with(|c: char| c.is_ascii_alphabetic()) {
            let hint = "procedures outside of an interface belong to one with the file's name: give the file a name that \
                        begins with a letter, or write `interface name { .. }` around them";
            self.error(span, "the interface has no name", hint);
        }
        for suffix in SUFFIXES {
            self.rust_name(span, &format!("{rust}{suffix}"));
        }
    }

    fn interface(&mut self, declared: &ast::Interface) {
        let attrs = self.known(&declared.attrs, Place::Interface);
        let find = |name: &str| attrs.iter().copied().find(|attr| attr.name.text == name);
        let uuid = find("uuid").and_then(|attr| self.uuid(attr));
        let version = find("version").and_then(|attr| self.version(attr));
        let defaults = self.options(&attrs, Options::default());
        let origin = crate::ir::origin(uuid, version);
        let rust = camel(&declared.name.text);
        let of = Of { rust: &rust, defaults: &defaults, origin: &origin };
        let mut procedures = self.inherited(declared);
        for item in &declared.items {
            match item {
                Item::Procedure(procedure) => procedures.extend(self.procedure(procedure, &of)),
                Item::Interface(inner) => {
                    let hint = "put it beside this one; `interface a : b` has the procedures of `b`";
                    self.error(inner.name.span, "an interface in an interface", hint);
                }
                Item::Import(import) => {
                    self.error(import.span, "an import in an interface", "put it at the top of the file");
                }
                _ => {}
            }
        }
        self.interface_names(declared.name.span, &rust);
        if is_librarys(&declared.name.text) {
            let what = "what is generated for it would be called as what is the library's";
            self.error(declared.name.span, what, "use a name that does not begin with `nearcall`");
        }
        if declared.bases.is_empty() && !declared.items.iter().any(|item| matches!(item, Item::Procedure(_))) {
            let what = "an interface without procedures cannot be called";
            self.found.unknown(declared.name.span, what, "declare a procedure");
        }
        let (name, docs, span) = (declared.name.text.clone(), declared.docs.clone(), declared.name.span);
        self.finish(Interface { name, rust, docs, span, uuid, version, procedures });
    }

    /// The procedures of the bases, each once.
    fn inherited(&mut self, declared: &ast::Interface) -> Vec<Procedure> {
        let mut procedures: Vec<Procedure> = Vec::new();
        let mut seen: BTreeSet<(String, u32, u32)> = BTreeSet::new();
        for base in &declared.bases {
            match self.symbols.get(&base.text) {
                Some((Symbol::Interface, _)) => {}
                _ => {
                    let known = self.symbols.iter().filter(|(_, (symbol, _))| matches!(symbol, Symbol::Interface));
                    let known = known.map(|(name, _)| name.as_str()).filter(|name| *name != declared.name.text);
                    let hint = match similar(&base.text, known) {
                        Some(other) => format!("did you mean `{other}`?"),
                        None => "define it above, or `import` the file that does".to_owned(),
                    };
                    self.found.unknown(base.span, format!("there is no interface `{}`", base.text), hint);
                    continue;
                }
            }
            let rust = camel(&base.text);
            let Some(known) = self.model.interfaces.iter().find(|interface| interface.rust == rust) else {
                let hint = "an interface stands behind those whose procedures it has";
                self.error(base.span, format!("`{}` is not known here", base.text), hint);
                continue;
            };
            for procedure in &known.procedures {
                // Two bases with a base of their own in common have the same procedures of that.
                if procedures.len() <= MAX_PROCEDURES
                    && seen.insert((procedure.name.clone(), procedure.span.file, procedure.span.start))
                {
                    procedures.push(procedure.clone());
                }
            }
        }
        procedures
    }

    fn finish(&mut self, interface: Interface) {
        let mut names: BTreeMap<String, (&str, Span)> = BTreeMap::new();
        if let Some(first) = interface.procedures.get(MAX_PROCEDURES) {
            let what = format!("an interface has at most {MAX_PROCEDURES} procedures");
            self.error(first.span, what, "split it into several interfaces");
        }
        self.procedures += interface.procedures.len();
        if self.procedures > MAX_TOGETHER {
            let what =
                format!("more than {MAX_TOGETHER} procedures of all interfaces together, with those that they inherit");
            self.error(interface.span, what, "divide the file");
            return;
        }
        for procedure in interface.procedures.iter().take(MAX_PROCEDURES) {
            let name = &procedure.name;
            if let Some((same, other)) = names.insert(name.to_uppercase(), (name, procedure.span)) {
                let (line, ..) = self.sources.position(other);
                let (what, hint) = if same == name {
                    let what = format!("there are two procedures `{name}`; the other one is in line {line}");
                    (what, "use another name: parameters do not tell procedures apart")
                } else {
                    let what = format!("`{name}` differs from a procedure in line {line} in capitals only");
                    (what, "use another name")
                };
                let span = if other == procedure.span { interface.span } else { procedure.span };
                self.error(span, what, hint);
            }
        }
        self.model.interfaces.push(interface);
    }

    fn procedure(&mut self, declared: &ast::Procedure, of: &Of<'_>) -> Option<Procedure> {
        let name = &declared.name;
        let attrs = self.known(&declared.attrs, Place::Procedure);
        let options = self.options(&attrs, of.defaults.clone());
        if let Some(why) = unfit(&name.text) {
            self.error(name.span, why, "use another name");
        }
        if TAKEN.contains(&name.text.as_str()) {
            let what = format!("every client has a function `{}` already", name.text);
            self.error(name.span, what, "use another name");
        }
        let output = match &declared.output.kind {
            TypeKind::Void => None,
            _ => Some(self.ty(&declared.output)?.0),
        };
        if let Some(first) = declared.params.get(MAX_PARAMS) {
            let what = format!("a procedure has at most {MAX_PARAMS} parameters");
            self.error(first.declarator.span, what, "put some of them into a struct");
            return None;
        }
        let params = self.params(&declared.params, output.as_ref());
        let error = self.raises(declared, of.rust);
        if options.oneway {
            let has_results = output.is_some()
                || !declared.raises.is_empty()
                || params.as_ref().is_some_and(|(params, _)| params.iter().any(|param| returns(&param.form)));
            if has_results {
                let hint = "return `void`, and leave out `raises` and parameters that are `out`; or remove `oneway`";
                self.error(name.span, "nobody waits for the results of a `oneway` procedure", hint);
            }
        }
        if options.deferred {
            if options.oneway {
                let what = "nobody waits for the reply of a `oneway` procedure, so none comes later";
                self.error(name.span, what, "remove `oneway` or `deferred`");
            }
            if params.as_ref().is_some_and(|(params, _)| params.iter().any(|param| returns(&param.form))) {
                let what =
                    "a reply that comes later has a result and nothing else: `out` parameters end with the procedure";
                self.error(name.span, what, "make them members of the result, or remove `deferred`");
            }
        }
        let (params, places) = params?;
        let procedure = Procedure {
            name: name.text.clone(),
            docs: declared.docs.clone(),
            span: name.span,
            params,
            places,
            output,
            error,
            options,
            origin: of.origin.to_owned(),
        };
        self.frame(&procedure);
        Some(procedure)
    }

    /// Refuses parts of fixed size that do not fit the A-stack.
    fn frame(&mut self, procedure: &Procedure) {
        let plan = crate::lang::layout::Plan::of(procedure, &self.model.defs);
        let fixed = plan.in_frame();
        let (what, hint) = match procedure.options.astack {
            Some(astack) if u64::from(astack) < fixed => (
                format!("`astack` is smaller than the parts of fixed size, which have {fixed} bytes"),
                "make it larger",
            ),
            None if plan.varies && fixed >= crate::lang::layout::DEFAULT_FRAME => (
                format!("the parts of fixed size have {fixed} bytes, and fill the default frame"),
                "give the procedure `[astack(..)]`, or send the large ones as sequences",
            ),
            None if fixed > 65536 => (
                format!("the parts of fixed size have {fixed} bytes, which would be copied over the stack"),
                "send the large ones as sequences",
            ),
            _ => return self.locals(procedure),
        };
        self.error(procedure.span, what, hint);
    }

    /// Refuses values that are large in memory, however few bytes of them travel: an arm of a union that is not there, for one.
    fn locals(&mut self, procedure: &Procedure) {
        let values = procedure.params.iter().filter(|param| match param.form {
            Form::Value | Form::Ref | Form::InOut | Form::Out => true,
            // Of these, the stub has a pointer.
            Form::Text | Form::Slice | Form::InPlace | Form::InOutSlice | Form::OutSlice(_) => false,
        });
        let types = values.map(|param| &param.ty).chain(&procedure.output).chain(&procedure.error);
        let defs = &self.model.defs;
        let bytes = types.fold(0_u64, |sum, ty| sum.saturating_add(crate::lang::model::layout(ty, defs).memory));
        if bytes > MAX_LOCALS {
            let what = format!(
                "the arguments and results have {bytes} bytes in memory; {MAX_LOCALS} is the most, as the server's stub has \
                 them on its stack"
            );
            self.error(procedure.span, what, "put the large ones into sequences, also in unions and structs");
        }
    }

    /// The type of what a procedure raises: the one there is, or a union of them. Where another interface has a procedure of that
    /// name, they have one union if they raise the same; else the interface's name is before the later one's.
    fn raises(&mut self, declared: &ast::Procedure, interface: &str) -> Option<Type> {
        let mut types: Vec<(&Name, Type)> = Vec::new();
        for name in &declared.raises {
            if declared.raises.iter().any(|other| other.text == name.text && other.span.start < name.span.start) {
                self.error(name.span, format!("`{}` is raised twice", name.text), "keep one of them");
                continue;
            }
            let ty = ast::Type { kind: TypeKind::Named(name.clone()), span: name.span };
            let Some((ty, _)) = self.ty(&ty) else { continue };
            let fits = match &ty {
                Type::Def(at) => self.model.defs.get(*at).is_some_and(|def| match &def.kind {
                    DefKind::Struct { is_exception, .. } => *is_exception,
                    DefKind::Enum { .. } => true,
                    DefKind::Union { .. } => true,
                }),
                _ => false,
            };
            if fits {
                types.push((name, ty));
            } else {
                let hint = "define it: `exception not_found { string name; };`";
                self.error(name.span, "only an exception, an enum or a union can be raised", hint);
            }
        }
        if types.len() < 2 {
            return types.pop().map(|(_, ty)| ty);
        }
        let arms = types.iter().zip(1..).map(|((name, ty), value)| Arm {
            name: Some(name.text.clone()),
            rust: camel(&name.text),
            docs: Vec::new(),
            value,
            ty: Some(ty.clone()),
        });
        let arms: Vec<Arm> = arms.collect();
        let mut name = format!("{}_error", declared.name.text);
        let mut rust = format!("{}Error", camel(&declared.name.text));
        if let Some((_, at)) = self.raised.iter().find(|(known, _)| *known == rust) {
            let same = self.model.defs.get(*at).is_some_and(|def| match &def.kind {
                DefKind::Union { arms: known, .. } => *known == arms,
                _ => false,
            });
            if same {
                return Some(Type::Def(*at));
            }
            name = format!("{}_{name}", interface.to_ascii_lowercase());
            rust = format!("{interface}{rust}");
        }
        self.rust_name(declared.name.span, &rust);
        self.raised.push((rust.clone(), self.model.defs.len()));
        let kind = DefKind::Union { size: 4, signed: false, arms };
        let layout: Layout = crate::lang::model::layout_of(&kind, &self.model.defs);
        let docs = vec![format!("What `{}` raises.", declared.name.text)];
        self.model.defs.push(Def { name, rust, docs, span: declared.name.span, kind, layout });
        Some(Type::Def(self.model.defs.len() - 1))
    }
}

const fn returns(form: &Form) -> bool {
    match form {
        Form::Value | Form::Ref | Form::Text | Form::Slice | Form::InPlace => false,
        Form::InOut | Form::InOutSlice | Form::Out | Form::OutSlice(_) => true,
    }
}
