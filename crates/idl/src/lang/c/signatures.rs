//! What clients call and servers implement: the same parameters for both, in the order in which they are written.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::names;
use super::types::flat;
use super::{C, Named, NamedProcedure, docs, line};
use crate::lang::model::{Form, Param, Place, Procedure, Type};

/// A parameter of a function in C.
pub(super) struct Written<'a> {
    /// Its name in C.
    pub(super) name: String,
    /// Its declaration, for a client and for a server.
    pub(super) client: String,
    pub(super) server: String,
    pub(super) what: What<'a>,
}

pub(super) enum What<'a> {
    Param(usize, &'a Param),
    /// The count of a parameter, and its type.
    Count(usize, &'a Type),
}

/// Whether a parameter is a pointer and the count beside it: of the others a `sequence<T>` is one value.
pub(super) fn is_counted(procedure: &Procedure, at: usize) -> bool {
    procedure.places.iter().any(|place| matches!(place, Place::Count { of, .. } if *of == at))
}

pub(super) fn params<'a>(c: &C<'_>, procedure: &'a Procedure) -> Vec<Written<'a>> {
    let mut taken = BTreeSet::new();
    let mut written = Vec::new();
    for place in &procedure.places {
        match place {
            Place::Count { name, ty, of } => {
                let name = names::param(name, &mut taken, &c.types.globals);
                // What the server has comes back with its count.
                let is_back = procedure.params.get(*of).is_some_and(|param| param.form == Form::Out);
                let declared = c.types.declare(ty, &if is_back { format!("*{name}") } else { name.clone() });
                written.push(Written { name, client: declared.clone(), server: declared, what: What::Count(*of, ty) });
            }
            Place::Param(at) => {
                let Some(param) = procedure.params.get(*at) else { continue };
                let name = names::param(&param.name, &mut taken, &c.types.globals);
                let client = declared(c, param, &name, is_counted(procedure, *at));
                let server = match param.form {
                    Form::InPlace => format!("const nearcall_shared *{name}"),
                    _ => client.clone(),
                };
                written.push(Written { name, client, server, what: What::Param(*at, param) });
            }
        }
    }
    written
}

fn declared(c: &C<'_>, param: &Param, name: &str, is_counted: bool) -> String {
    let types = &c.types;
    let ty = &param.ty;
    let is_array = matches!(ty, Type::Array(..));
    match &param.form {
        Form::Value => types.declare(ty, name),
        Form::Text => format!("const char *{name}"),
        Form::Ref => match (ty, is_counted) {
            (Type::Seq(item, _), true) => unchanged(c, flat(item).0, &format!("*{name}")),
            _ if is_array => unchanged(c, ty, name),
            _ => unchanged(c, ty, &format!("*{name}")),
        },
        Form::Slice | Form::InPlace if is_counted => {
            format!("const {}", types.declare(flat(ty).0, &format!("*{name}")))
        }
        // A sequence of plain items is one value in C: its items and their count.
        Form::Slice | Form::InPlace => format!("const {}", types.declare(&seq_of(ty), &format!("*{name}"))),
        Form::InOutSlice | Form::OutSlice(_) => types.declare(flat(ty).0, &format!("*{name}")),
        Form::InOut => {
            if is_array {
                types.declare(ty, name)
            } else {
                types.declare(ty, &format!("*{name}"))
            }
        }
        Form::Out => match (ty, is_counted) {
            (Type::Seq(item, _), true) => types.declare(flat(item).0, &format!("**{name}")),
            _ if is_array => types.declare(ty, name),
            _ => types.declare(ty, &format!("*{name}")),
        },
    }
}

/// `ty` as the type of something called `name` that is not changed.
pub(super) fn unchanged(c: &C<'_>, ty: &Type, name: &str) -> String {
    match flat(ty).0 {
        // Of text it is the pointer that stays what it is.
        Type::Text(_) => c.types.declare(ty, &format!("const {name}")),
        _ => format!("const {}", c.types.declare(ty, name)),
    }
}

/// The sequence that a slice is in C.
pub(super) fn seq_of(item: &Type) -> Type {
    Type::Seq(Box::new(item.clone()), None)
}

/// What the function returns, and the parameters for results and errors that C cannot return.
pub(super) fn returned(c: &C<'_>, procedure: &Procedure) -> (String, Vec<String>) {
    let mut more = Vec::new();
    let value = match &procedure.output {
        None => "void".to_owned(),
        Some(ty) if c.types.is_scalar(ty) => c.types.name(ty),
        Some(ty) => {
            let is_array = matches!(ty, Type::Array(..));
            more.push(c.types.declare(ty, if is_array { "result" } else { "*result" }));
            "void".to_owned()
        }
    };
    if let Some(error) = &procedure.error {
        more.push(c.types.declare(error, "*raised"));
    }
    (value, more)
}

/// The function that a client calls, without what follows its parameters.
pub(super) fn client(c: &C<'_>, named: &NamedProcedure<'_>) -> String {
    let (value, more) = returned(c, named.procedure);
    let mut params = vec!["nearcall_binding *binding".to_owned()];
    params.extend(params_of(c, named.procedure, false));
    params.extend(more);
    params.push("nearcall_env *env".to_owned());
    format!("{value} {}({})", named.function, params.join(", "))
}

/// What the server's function has for results: places, or a token for a reply that comes later.
pub(super) fn served(c: &C<'_>, procedure: &Procedure) -> (String, Vec<String>) {
    if procedure.options.deferred {
        return ("void".to_owned(), vec!["nearcall_reply *reply".to_owned()]);
    }
    returned(c, procedure)
}

/// The function by which a server makes a reply later.
pub(super) fn later(c: &C<'_>, named: &NamedProcedure<'_>) -> String {
    let mut params = vec!["nearcall_reply *reply".to_owned()];
    match &named.procedure.output {
        None => {}
        Some(ty) if c.types.is_scalar(ty) => params.push(c.types.declare(ty, "result")),
        Some(ty) => params.push(unchanged(c, ty, if matches!(ty, Type::Array(..)) { "result" } else { "*result" })),
    }
    if let Some(error) = &named.procedure.error {
        params.push(unchanged(c, error, "*raised"));
    }
    format!("nearcall_status {}({})", named.later, params.join(", "))
}

/// A function of the server's that is called `name`.
pub(super) fn server(c: &C<'_>, named: &NamedProcedure<'_>, name: &str) -> String {
    let (value, more) = served(c, named.procedure);
    let mut params = vec!["void *self".to_owned()];
    params.extend(params_of(c, named.procedure, true));
    params.extend(more);
    params.push("nearcall_env *env".to_owned());
    format!("{value} {name}({})", params.join(", "))
}

fn params_of(c: &C<'_>, procedure: &Procedure, is_server: bool) -> Vec<String> {
    params(c, procedure).into_iter().map(|param| if is_server { param.server } else { param.client }).collect()
}

/// What the header says of an interface.
pub(super) fn interface(c: &C<'_>, named: &Named<'_>, to: &mut String) {
    let Named { server, table, bind, serve, export, .. } = named;
    let _ = write!(to, "{}", docs(&named.interface.docs, ""));
    line!(to, "extern const nearcall_interface {table};\n");
    line!(to, "/* Binds to what is exported as `name`; `options` may be NULL. */");
    line!(
        to,
        "nearcall_status {bind}(const char *name, const nearcall_bind_options *options, nearcall_binding **binding);\n"
    );
    for procedure in &named.procedures {
        to.push_str(&docs(&procedure.procedure.docs, ""));
        line!(to, "{};", client(c, procedure));
    }
    line!(
        to,
        "\n/* What a server is: `self` is handed to its functions, which several kernel threads call at once. */"
    );
    line!(to, "typedef struct {server} {{\n    void *self;");
    for procedure in &named.procedures {
        line!(to, "    {};", self::server(c, procedure, &format!("(*{})", procedure.member)));
    }
    line!(to, "}} {server};\n");
    for procedure in named.procedures.iter().filter(|named| named.procedure.options.deferred) {
        let what = match procedure.procedure.error {
            Some(_) => "`raised` is NULL, or the procedure's error, and no result is looked at then",
            None => "It returns why that could not be made, which the client is told, too",
        };
        line!(to, "/* Makes the reply of {}, once; `reply` is gone then. {what}. */", procedure.function);
        line!(to, "{};\n", later(c, procedure));
    }
    line!(to, "/* The server stubs: takes a request apart, runs the procedure, makes the reply. For the loop. */");
    line!(to, "nearcall_status {serve}(const {server} *server, uint16_t procedure, nearcall_incoming *call);\n");
    line!(to, "/* Exports `server` as `name` behind the loop of {}_loop.c; `options` may be NULL. */", c.stem);
    line!(
        to,
        "nearcall_status {export}(const char *name, const {server} *server, const nearcall_export_options *options, nearcall_export **service);\n"
    );
}
