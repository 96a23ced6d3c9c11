//! The loop and the template, which belong to their author.

use super::{C, line, signatures};

/// The loop of each interface.
pub(super) fn loops(c: &C<'_>) -> String {
    let mut text = format!(
        "/*\n * What a server does with each request of {}. It is yours: change it; the compiler does not write it again.\n *\n \
         * A processor of the server runs the loop's function for every request: it has received the request and taken it up, and\n \
         * sends the reply when the function returns. In between is the place for what concerns all procedures: who may call which of\n \
         * them (return NEARCALL_DENIED), how many run at once, what is counted. `nearcall_who` tells who calls. Until the stub runs,\n \
         * nothing of the request has been looked at but the procedure's number.\n */\n",
        c.source
    );
    line!(text, "#include \"{}.h\"\n", c.stem);
    for named in &c.interfaces {
        let (server, serve, export, table) = (&named.server, &named.serve, &named.export, &named.table);
        line!(
            text,
            "static nearcall_status {serve}_loop(void *server, uint16_t procedure, nearcall_incoming *call) {{"
        );
        line!(text, "    /* The request has been received, and `procedure` is the key that came with it. */");
        line!(text, "    return {serve}((const {server} *)server, procedure, call);");
        line!(text, "    /* The procedure has run, or was refused; the reply is made and leaves now. */\n}}\n");
        line!(
            text,
            "nearcall_status {export}(const char *name, const {server} *server, const nearcall_export_options *options, nearcall_export **service) {{"
        );
        line!(
            text,
            "    return nearcall_export_service(name, &{table}, {serve}_loop, (void *)server, options, service);\n}}\n"
        );
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// An implementation to be filled in.
pub(super) fn template(c: &C<'_>) -> String {
    let mut text = format!(
        "/*\n * An implementation of what {} declares. It is yours: change it; the compiler does not write it again.\n */\n",
        c.source
    );
    line!(text, "#include \"{}.h\"\n", c.stem);
    for named in &c.interfaces {
        for procedure in &named.procedures {
            let name = format!("my_{}", procedure.function);
            line!(text, "static {} {{", signatures::server(c, procedure, &name));
            line!(text, "    (void)self;");
            for param in signatures::params(c, procedure.procedure) {
                line!(text, "    (void){};", param.name);
            }
            let (value, more) = signatures::served(c, procedure.procedure);
            if procedure.procedure.options.deferred {
                line!(text, "    nearcall_reply_drop(reply);");
            }
            for name in ["result", "raised"] {
                if more.iter().any(|param| param.contains(&format!("*{name}")) || param.contains(&format!(" {name}[")))
                {
                    line!(text, "    (void){name};");
                }
            }
            line!(text, "    env->status = NEARCALL_PANICKED; /* write it */");
            let nothing = match value.as_str() {
                "void" => String::new(),
                // Numbers of 128 bits are structs in C.
                "nearcall_int128" | "nearcall_uint128" => format!("    return ({value}){{0}};\n"),
                _ => "    return 0;\n".to_owned(),
            };
            line!(text, "{nothing}}}\n");
        }
        line!(text, "const {0} my_{0} = {{\n    .self = NULL,", named.server);
        for procedure in &named.procedures {
            line!(text, "    .{} = my_{},", procedure.member, procedure.function);
        }
        line!(text, "}};\n");
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}
