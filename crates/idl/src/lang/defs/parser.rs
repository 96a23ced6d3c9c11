//! Statements: from the subsystem to its routines.
//!
//! ```text
//! file      = { statement ";" }
//! statement = "subsystem" name base | "type" name "=" type { option } | "skip" | "serverprefix" name | "userprefix" name
//!           | "waittime" milliseconds | "nowaittime" | ("routine" | "simpleroutine") name "(" arguments ")"
//! ```

use std::collections::{BTreeMap, BTreeSet};

use super::super::diagnostics::Found;
use super::super::lexer::Kind;
use super::super::model::{self, Alias, Const, Interface, Model, Options, Place, Procedure, Value};
use super::super::names::{camel, is_taken, unfit};
use super::super::source::{Sources, Span};
use super::cursor::{Cursor, Name, Parsed};
use super::routines::{Routine, Routines};
use super::types::{Translation, Type};

/// Routines of one subsystem, with those that are skipped.
const MAX_ROUTINES: u32 = 1024;

/// What was read so far.
#[derive(Debug, Default)]
pub(super) struct Subsystem {
    name: Option<(Name, u32)>,
    docs: Vec<String>,
    pub(super) types: BTreeMap<String, Type>,
    pub(super) aliases: BTreeMap<String, model::Type>,
    pub(super) translations: Vec<Translation>,
    pub(super) imports: Vec<String>,
    /// The text that is read is not the author's.
    pub(super) is_standard: bool,
    server_prefix: String,
    user_prefix: String,
    /// How long a call may take from here on.
    timeout: Option<String>,
    /// The number of the next routine.
    next: u32,
    known: BTreeSet<String>,
    procedures: Vec<Procedure>,
    routines: Vec<Routine>,
}

impl Subsystem {
    pub(super) fn parse(&mut self, file: u32, text: &str, _sources: &Sources, found: &mut Found) {
        let mut cursor = Cursor::new(file, text, found);
        while cursor.kind() != Kind::End && !cursor.found.is_full() {
            if cursor.eat(b';') {
                continue;
            }
            let before = cursor.span();
            if self.statement(&mut cursor).is_err() {
                cursor.recover();
            } else if cursor.span() == before {
                cursor.bump();
            }
        }
    }

    fn statement(&mut self, cursor: &mut Cursor<'_>) -> Parsed<()> {
        let (docs, at, word) = (cursor.docs(), cursor.span(), cursor.word().to_ascii_lowercase());
        if cursor.kind() != Kind::Word {
            return Err(cursor.unexpected("a statement", "`subsystem`, `type`, `routine`, .."));
        }
        cursor.bump();
        match word.as_str() {
            "subsystem" => return self.subsystem(at, docs, cursor),
            "type" => return self.type_declaration(cursor),
            "routine" => return self.routine(docs, false, cursor),
            "simpleroutine" => return self.routine(docs, true, cursor),
            "skip" => drop(self.count(at, cursor)?),
            "serverprefix" => self.server_prefix = cursor.name("a prefix")?.text,
            "userprefix" => self.user_prefix = cursor.name("a prefix")?.text,
            "nowaittime" => self.timeout = None,
            "waittime" => {
                let at = cursor.span();
                match cursor.number("milliseconds")? {
                    0 => return Err(cursor.error(at, "no call is over in 0 ms", "write `nowaittime` for the default")),
                    ms => self.timeout = Some(format!("{ms}ms")),
                }
            }
            "procedure" | "function" | "simpleprocedure" => {
                return Err(cursor.error(
                    at,
                    format!("`{word}` is not understood"),
                    "write `routine` or `simpleroutine`",
                ));
            }
            "error"
            | "msgoption"
            | "rcsid"
            | "serverdemux"
            | "usertypelimit"
            | "consendonerror"
            | "consendonerrorserver" => {
                return Err(cursor.error(
                    at,
                    format!("`{word}` is not understood"),
                    "remove it: nothing here is like it",
                ));
            }
            _ => {
                let hint = "known are subsystem, type, routine, simpleroutine, skip, serverprefix, userprefix, waittime, nowaittime and the imports";
                return Err(cursor.error(at, format!("there is no statement `{word}`"), hint));
            }
        }
        cursor.expect(b';', "a statement ends with `;`")
    }

    fn subsystem(&mut self, at: Span, docs: Vec<String>, cursor: &mut Cursor<'_>) -> Parsed<()> {
        for word in ["KernelUser", "KernelServer"] {
            if cursor.is_word(word) {
                let what = format!("`{word}` is not understood");
                return Err(cursor.error(cursor.span(), what, "remove it: no side is a kernel here"));
            }
        }
        let name = cursor.name("a subsystem")?;
        let base = cursor.number("the message id of its first routine")?;
        if self.name.is_some() {
            return Err(cursor.error(at, "a second subsystem", "put it into a file of its own"));
        }
        let rust = camel(&name.text);
        if let Some(why) = unfit(&name.text).or_else(|| unfit(&rust)) {
            cursor.error(name.span, why, "use another name");
        } else if is_taken(&rust) {
            cursor.error(name.span, format!("`{rust}` means something else in Rust"), "use another name");
        }
        self.docs = docs;
        self.name = Some((name, base));
        cursor.expect(b';', "write `subsystem name 2000;`")
    }

    /// One more routine, be there one or not: its number.
    fn count(&mut self, at: Span, cursor: &mut Cursor<'_>) -> Parsed<u32> {
        let Some((_, base)) = &self.name else {
            return Err(cursor.error(at, "there is no subsystem yet", "begin with `subsystem name 2000;`"));
        };
        let Some(id) = base.checked_add(self.next).filter(|_| self.next < MAX_ROUTINES) else {
            let what = format!("more than {MAX_ROUTINES} routines, or message ids of more than 32 bits");
            return Err(cursor.error(at, what, "divide the subsystem"));
        };
        self.next += 1;
        Ok(id)
    }

    fn routine(&mut self, docs: Vec<String>, is_simple: bool, cursor: &mut Cursor<'_>) -> Parsed<()> {
        let name = cursor.name("a routine")?;
        // Counted before anything can be wrong with it: those behind it keep their numbers.
        let id = self.count(name.span, cursor)?;
        if let Some(why) = unfit(&name.text) {
            cursor.error(name.span, why, "use another name");
        }
        if !self.known.insert(name.text.clone()) {
            return Err(cursor.error(name.span, format!("there are two routines `{}`", name.text), "rename one"));
        }
        let arguments = self.arguments(is_simple, cursor)?;
        cursor.expect(b';', "a routine ends with `;`")?;
        let subsystem = self.name.as_ref().map_or("", |(name, _)| &name.text);
        let mut docs = docs;
        docs.push(format!("Message {id} of the subsystem `{subsystem}`."));
        self.procedures.push(Procedure {
            name: name.text.clone(),
            docs,
            span: name.span,
            places: (0..arguments.params.len()).map(Place::Param).collect(),
            params: arguments.params,
            output: None,
            // kern_return_t, of which 0 is no error.
            error: (!is_simple).then_some(model::Type::Int { size: 4, signed: true }),
            options: Options { timeout: self.timeout.clone(), oneway: is_simple, ..Options::default() },
            origin: format!("{subsystem} {id}"),
        });
        self.routines.push(Routine {
            id,
            server: format!("{}{}", self.server_prefix, name.text),
            user: (!self.user_prefix.is_empty()).then(|| format!("{}{}", self.user_prefix, name.text)),
            translated: arguments.translated,
        });
        Ok(())
    }

    /// What the file means, if it has a subsystem.
    pub(super) fn finish(self, stem: String, found: &mut Found) -> Option<(Model, Routines)> {
        let Some((name, _)) = self.name else {
            let begin = Span { file: 0, start: 0, end: 0 };
            found.error(begin, "there is no subsystem", "begin with `subsystem name 2000;`");
            return None;
        };
        let rust = camel(&name.text);
        for taken in [rust.clone(), format!("{rust}Client"), format!("{rust}Server"), format!("{rust}Routines")] {
            if self.aliases.contains_key(&taken) {
                found.error(name.span, format!("there is a type `{taken}`, too"), "use another name");
            }
        }
        // What the server implements is one trait, and what the client has is one type.
        let functions = self.translations.iter().flat_map(|one| [&one.intran, &one.outtran, &one.destructor]).flatten();
        let functions: BTreeSet<&str> = functions.map(String::as_str).collect();
        let mut servers: BTreeSet<&str> = BTreeSet::new();
        let mut users: BTreeSet<&str> = self.known.iter().map(String::as_str).collect();
        for (routine, procedure) in self.routines.iter().zip(&self.procedures) {
            if functions.contains(routine.server.as_str()) || !servers.insert(&routine.server) {
                let what = format!("the server has two functions `{}`", routine.server);
                found.error(procedure.span, what, "use other names or prefixes");
            }
            if let Some(user) = routine.user.as_deref()
                && !users.insert(user)
            {
                let what = format!("the client has two functions `{user}`");
                found.error(procedure.span, what, "use other names or prefixes");
            }
        }
        let alias = |(rust, ty)| Alias { rust, docs: Vec::new(), ty };
        let constant = |(routine, procedure): (&Routine, &Procedure)| Const {
            name: format!("{}_ID", procedure.name.to_ascii_uppercase()),
            docs: vec![format!("The message id of `{}`.", procedure.name)],
            ty: model::Type::Int { size: 4, signed: false },
            value: Value::Int(routine.id.into()),
        };
        let consts = self.routines.iter().zip(&self.procedures).map(constant).collect();
        let mut docs = self.docs;
        if !self.imports.is_empty() {
            docs.push(format!("C headers that its source imports: {}.", self.imports.join(", ")));
        }
        let (span, procedures) = (name.span, self.procedures);
        let interface = Interface { name: name.text, rust, docs, span, uuid: None, version: None, procedures };
        let aliases = self.aliases.into_iter().map(alias).collect();
        let model = Model { defs: Vec::new(), consts, aliases, interfaces: vec![interface], stem };
        Some((model, Routines { routines: self.routines, translations: self.translations }))
    }
}
