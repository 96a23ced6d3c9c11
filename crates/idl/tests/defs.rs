//! What the `.defs` front end makes of a file, and in which words it refuses what it does not understand.
#![cfg(feature = "text")]

use std::io;
use std::path::Path;

use nearcall_idl::lang::{compile, compile_file};

fn no_files(_: &Path) -> io::Result<Vec<u8>> {
    Err(io::ErrorKind::NotFound.into())
}

/// The words of each refusal of a text that follows a subsystem and the standard types.
fn refusals(text: &str) -> Vec<String> {
    let text = format!("subsystem x 10;\n#include <mach/std_types.defs>\n{text}\n");
    match compile("x.defs", text.as_bytes(), &no_files) {
        Ok(_) => Vec::new(),
        Err(found) => found.list().iter().map(|one| one.what.clone()).collect(),
    }
}

#[test]
fn unsupported_constructs_are_named() {
    for (text, words) in [
        ("procedure p(p : mach_port_t);", "`procedure` is not understood"),
        ("function f(p : mach_port_t) : int;", "`function` is not understood"),
        ("error oops;", "`error` is not understood"),
        ("rcsid \"x\";", "`rcsid` is not understood"),
        ("msgoption 3;", "`msgoption` is not understood"),
        ("camelot 3;", "there is no statement `camelot`"),
        ("type t = polymorphic;", "`polymorphic` is not understood"),
        ("type t = MACH_MSG_TYPE_MOVE_RECEIVE;", "`MACH_MSG_TYPE_MOVE_RECEIVE` is not understood"),
        ("type t = MACH_MSG_TYPE_INTEGER_32 | MACH_MSG_TYPE_BYTE;", "a type of two names is not understood"),
        ("type t = (MACH_MSG_TYPE_INTEGER_32, 64);", "it has 32 bits, not 64"),
        ("type t = array[4] of mach_port_t;", "arrays of this are not understood"),
        ("type t = array[*:4] of c_string[9];", "arrays of this are not understood"),
        ("type t = ^ mach_port_t;", "ports out of line are not understood"),
        ("type t = c_string[1];", "a text without room for a character"),
        ("type t = int cport: x;", "`cport` of a type is not understood"),
        ("type t = array[*:9] of int intran: u f(t);", "what varies in size is not translated"),
        ("type t = int destructor: f(u);", "`destructor` without `intran`"),
        ("type t = int intran: u f(t);\nroutine r(p : mach_port_t; out x : t);", "its type has no `outtran`"),
        ("type t = int outtran: t f(u);\nroutine r(p : mach_port_t; in x : t);", "its type has no `intran`"),
        ("routine r(p : mach_port_t; replyport q : mach_port_t);", "`replyport` of an argument is not understood"),
        ("routine r(p : mach_port_t; audittoken q : int);", "`audittoken` of an argument is not understood"),
        ("routine r(p : mach_port_t; in q : mach_port_t);", "a port beside the request port is not understood"),
        ("routine r(p : mach_port_t; out q : mach_port_t);", "a port beside the request port is not understood"),
        (
            "routine r(p : mach_port_t; requestport q : mach_port_t);",
            "a port beside the request port is not understood",
        ),
        ("routine r(requestport p : int);", "the request port is no port"),
        ("routine r(in x : int);", "there is no request port"),
        ("routine r(p : mach_port_t; in x : int, servercopy);", "the flag `servercopy` is not understood"),
        ("simpleroutine r(p : mach_port_t; out x : int);", "a simpleroutine has no results"),
        ("subsystem y 20;", "a second subsystem"),
        ("subsystem KernelUser y 20;", "`KernelUser` is not understood"),
        ("waittime 0;", "no call is over in 0 ms"),
        ("#define N 4", "there is no preprocessor: `#define`"),
        ("#include <mach/other.defs>", "there is no `<mach/other.defs>`"),
        ("routine r(p : mach_port_t; in x : strange);", "there is no type `strange` here"),
        ("routine r(p : mach_port_t);\nroutine r(p : mach_port_t);", "there are two routines `r`"),
        ("routine r(p : mach_port_t; in x : int; in x : int);", "there are two arguments `x`"),
        ("type t = int; type t = char;", "there are two types `t`"),
        ("type t = int intran: u r(t);\nroutine r(p : mach_port_t; in x : t);", "the server has two functions `r`"),
        (
            "userprefix a;\nroutine r(p : mach_port_t);\nroutine ar(p : mach_port_t);",
            "the client has two functions `ar`",
        ),
        ("routine r(p : mach_port_t; in self : int);", "Rust has no way to use this name"),
    ] {
        assert_eq!(refusals(text), [words], "{text}");
    }
}

#[test]
fn everything_is_reported_at_once_and_at_its_place() {
    let text = "subsystem x 10;\ntype t = polymorphic;\nskip;\nprocedure p();\nroutine r(x : strange);\n";
    let found = compile("x.defs", text.as_bytes(), &no_files).unwrap_err();
    let places: Vec<_> = found.list().iter().map(|one| found.place(one)).collect();
    assert_eq!(places, [(2, 10), (4, 1), (5, 15)], "{found}");
    assert!(found.to_string().contains("x.defs:5:15"));
}

#[test]
fn ids_change_fingerprints() {
    let layout = |text: &str| compile("x.defs", text.as_bytes(), &no_files).unwrap().layout();
    let (first, second) =
        ("subsystem x 10; ", "routine r(p : MACH_MSG_TYPE_COPY_SEND; in x : MACH_MSG_TYPE_INTEGER_32);");
    let (one, other) = (layout(&format!("{first}{second}")), layout(&format!("{first}skip; {second}")));
    assert_ne!(one, other, "a routine of another message is another routine");
    assert_eq!(one, layout(&format!("{first}\n/* skip; */ // skip;\n{second}")));
}

#[test]
fn files_are_included_and_headers_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write(
        "a.defs",
        "#include \"t.defs\"\n#include \"t.defs\"\nsubsystem a 1; import <sys/a.h>; routine r(p : port; in x : word);",
    );
    write("t.defs", "type port = MACH_MSG_TYPE_COPY_SEND; type word = MACH_MSG_TYPE_INTEGER_16;");
    let compiled = compile_file(&dir.path().join("a.defs")).unwrap();
    assert_eq!(compiled.paths().len(), 2);
    assert!(compiled.rust().contains("<sys/a.h>") && compiled.rust().contains("x: i16"), "{}", compiled.rust());
    write("t.defs", "type port = MACH_MSG_TYPE_COPY_SEND;\ntype word = ^;");
    assert!(compile_file(&dir.path().join("a.defs")).unwrap_err().to_string().contains("t.defs:2:14"));
}

#[test]
fn a_file_is_one_by_whatever_path_it_is_included() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    std::fs::create_dir(dir.path().join("sub")).unwrap();
    write(
        "a.defs",
        "#include \"t.defs\"\n#include \"./t.defs\"\n#include \"sub/../t.defs\"\n#include \"sub/b.defs\"\n#include \"./a.defs\"\n\
         subsystem a 1; routine r(p : port; in x : word);",
    );
    write("sub/b.defs", "#include \"../t.defs\"\n#include \".//../sub/b.defs\"\ntype wide = MACH_MSG_TYPE_INTEGER_32;");
    write("t.defs", "type port = MACH_MSG_TYPE_COPY_SEND; type word = MACH_MSG_TYPE_INTEGER_16;");
    let compiled = compile_file(&dir.path().join("a.defs")).unwrap();
    assert_eq!(compiled.paths().len(), 3, "{:?}", compiled.paths());
}

/// No text makes it panic: parts of the examples, cut and put together anyhow.
#[test]
fn no_text_makes_it_panic() {
    let texts = ["../../examples/mach/disk.defs", "../../examples/mach/clock.defs"]
        .map(|path| std::fs::read_to_string(path).unwrap());
    let words: Vec<&str> = texts.iter().flat_map(|text| text.split_inclusive([' ', ';', ':', '('])).collect();
    let mut state = 1993_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    for _ in 0..300 {
        let text: String = (0..random(60)).map(|_| words[random(words.len())]).collect();
        let _ = compile("x.defs", text.as_bytes(), &no_files);
        let (whole, cut) = (&texts[random(2)], random(3_000));
        let cut = whole.get(..cut).unwrap_or(whole);
        let _ = compile("x.defs", cut.as_bytes(), &no_files);
    }
    let deep = format!("subsystem x 1; type t = {} int;", "array[2] of ".repeat(100_000));
    compile("x.defs", deep.as_bytes(), &no_files).unwrap_err();
}
