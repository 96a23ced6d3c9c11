//! What the `.idl` front end says: layouts, files and mistakes, as they were reviewed.
//!
//! `BLESS=1 cargo test -p nearcall-idl --features text --test lang` accepts what it says now; review the difference.
#![cfg(feature = "text")]

use std::path::Path;

use nearcall_idl::lang::{CompileError, Side, compile_file};

fn is_as_reviewed(name: &str, now: &str) {
    let path = Path::new("tests/lang").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, now).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == now, "{} is not what comes out now:\n{now}", path.display());
}

#[test]
fn layouts() {
    for name in ["pfs", "forms"] {
        let compiled = compile_file(&Path::new("tests/lang").join(format!("{name}.idl"))).unwrap();
        is_as_reviewed(&format!("{name}.layout"), &compiled.layout());
    }
}

#[test]
fn loops_and_templates() {
    let compiled = compile_file(Path::new("tests/lang/pfs.idl")).unwrap();
    for file in compiled.files(Side::Both) {
        is_as_reviewed(&format!("{}.expected", file.name), &file.text);
    }
}

/// The paper's procedures, and one whose reply comes later.
#[test]
fn files_in_c() {
    for name in ["pfs", "later"] {
        let compiled = compile_file(&Path::new("tests/lang").join(format!("{name}.idl"))).unwrap();
        for file in compiled.c_files(Side::Both) {
            is_as_reviewed(&format!("c/{}.expected", file.name), &file.text);
        }
    }
}

#[test]
fn mistakes_are_all_reported_at_once() {
    let Err(CompileError::Refused(diagnostics)) = compile_file(Path::new("tests/lang/mistakes.idl")) else {
        panic!("it is full of mistakes")
    };
    is_as_reviewed("mistakes.expected", &format!("{diagnostics}\n"));
    let Err(CompileError::Refused(diagnostics)) = compile_file(Path::new("tests/lang/meanings.idl")) else {
        panic!("it is full of mistakes, too")
    };
    is_as_reviewed("meanings.expected", &format!("{diagnostics}\n"));
}

#[test]
fn what_is_the_authors_is_written_once() {
    let dir = tempfile::tempdir().unwrap();
    let compiled = compile_file(Path::new("tests/lang/pfs.idl")).unwrap();
    let output = compiled.write(dir.path(), Side::Both).unwrap();
    assert_eq!((output.written.len(), output.kept.len()), (3, 0));
    let (support, own) = (dir.path().join("pfs.rs"), dir.path().join("pfs_loop.rs"));
    std::fs::write(&support, "changed").unwrap();
    std::fs::write(&own, "changed").unwrap();
    let output = compiled.write(dir.path(), Side::Both).unwrap();
    assert_eq!((output.written.len(), output.kept.len()), (1, 2));
    assert_eq!(std::fs::read_to_string(&support).unwrap(), compiled.rust());
    assert_eq!(std::fs::read_to_string(&own).unwrap(), "changed");
    // Where nothing can be written, it says so.
    assert!(compiled.write(&own, Side::Client).unwrap_err().to_string().contains("cannot be written"));
    assert!(compile_file(&dir.path().join("none.idl")).unwrap_err().to_string().contains("cannot be read"));
}

#[test]
fn imports_are_read_once_and_may_be_mutual() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("a.idl", "import \"b.idl\", \"c.idl\"; interface a : c { void f([in] b x); };");
    write("b.idl", "import \"c.idl\"; struct b { c_kind kind; };");
    write("c.idl", "import \"a.idl\"; enum c_kind { X }; interface c { void g(); };");
    let compiled = compile_file(&dir.path().join("a.idl")).unwrap();
    assert_eq!(compiled.paths().len(), 3);
    assert_eq!(compiled.interfaces().collect::<Vec<_>>(), ["C", "A"]);
    write("c.idl", "enum c_kind { X }; interface c { void g([in] strange x); };");
    let error = compile_file(&dir.path().join("a.idl")).unwrap_err().to_string();
    assert!(error.contains("c.idl:1:46"), "{error}");
}

/// What is wrong with `text`, as the file `name`; empty if nothing is.
fn wrong(name: &str, text: &str) -> String {
    let load = |_: &Path| Err(std::io::Error::from(std::io::ErrorKind::NotFound));
    nearcall_idl::lang::compile(name, text.as_bytes(), &load).err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn names_of_files_are_names_or_refused() {
    let text = "interface x { long f(); };";
    for name in [
        "self.idl",
        "super.idl",
        "crate.idl",
        "Self.idl",
        "9p.idl",
        "é.idl",
        "-.idl",
        "_.idl",
        "nearcall.idl",
        "nearcall_stub.idl",
    ] {
        let error = wrong(name, text);
        assert!(
            error.contains(&format!("{name}:1:1")) && error.contains("give the file another name"),
            "{name}: {error}"
        );
        assert_eq!(wrong(name, "long f();").matches("error: ").count(), 1, "{name}: once");
    }
    // In others, what cannot stand in a name is an underscore, also in that of an interface without one of its own.
    for name in ["my-file.idl", "a.b.idl", "aé.idl", "type.idl", "gen.idl"] {
        for text in [text, "long f();"] {
            let load = |_: &Path| Err(std::io::Error::from(std::io::ErrorKind::NotFound));
            let compiled = nearcall_idl::lang::compile(name, text.as_bytes(), &load).unwrap();
            assert!(compiled.files(Side::Both).iter().all(|file| syn::parse_file(&file.text).is_ok()), "{name}");
            assert!(!compiled.c_files(Side::Both).is_empty());
        }
    }
}

#[test]
fn words_that_only_later_editions_keep_are_escaped() {
    let load = |_: &Path| Err(std::io::Error::from(std::io::ErrorKind::NotFound));
    let text = "struct handle { long gen; }; interface x { long gen([in] long gen, [in] handle h); };";
    let compiled = nearcall_idl::lang::compile("w.idl", text.as_bytes(), &load).unwrap();
    for file in compiled.files(Side::Both) {
        let bare = file.text.replace("r#gen", "").replace("\"gen", "");
        let bare: String = bare.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        assert!(!bare.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "gen"), "{}", file.text);
    }
}

#[test]
fn what_would_not_compile_or_would_be_ignored_is_refused() {
    for (text, place, what) in [
        ("const long handle = 3; void f([in] long handle);", "x.idl:1:41", "`handle` is a constant"),
        ("void f([in] long Ok);", "x.idl:1:18", "variant of `Option` or `Result`"),
        ("const float F = 1e300;", "x.idl:1:17", "1e300 does not fit this type"),
        ("const double *X = \"hello\";", "x.idl:1:7", "a pointer to this"),
        ("const boolean *X = \"x\";", "x.idl:1:7", "a pointer to this"),
        ("const long N = 5uuuLLLu;", "x.idl:1:16", "is no number"),
        ("const long N = 1___0;", "x.idl:1:16", "is no number"),
        ("void log([in] octet *msg);", "x.idl:1:21", "this says one byte"),
        ("typedef char c; void log([in] c *msg);", "x.idl:1:", "this says one byte"),
        // Where the mistake is, and what it is.
        ("interface a {\n    void f([in] long x)\n    void g();\n};", "x.idl:2:24", "expected `;` before `void`"),
        ("void f();\nvoid f([in] long x);", "x.idl:2:6", "there are two procedures `f`; the other one is in line 1"),
        ("void f([in] unsigned float x);", "x.idl:1:13", "there is no type `unsigned float`"),
        ("void f([in] int &x);", "x.idl:1:17", "there are no references: write `*`"),
        ("interface files : filez { void f(); };", "x.idl:1:19", "define it above, or `import` the file that does"),
        ("void größe();", "x.idl:1:6", "names consist of letters from a to z"),
        ("void f([in] long a, ...);", "x.idl:1:21", "this has no meaning here"),
        ("interface nearcall { void f(); };", "x.idl:1:11", "what is the library's"),
        ("interface nearcall_reply { void drop(); };", "x.idl:1:11", "what is the library's"),
        ("void f([in] void *p);", "x.idl:1:13", "nothing is known of a `void`"),
        (
            "enum e { A, B }; union u switch (e) { case A: long a; case B: long b; default: long c; };",
            "x.idl:1:",
            "every value has a label already",
        ),
    ] {
        let error = wrong("x.idl", text);
        assert!(error.contains(place) && error.contains(what), "{text}: {error}");
    }
    for text in [
        "const char *X = \"x\";",
        "const octet *X = \"x\";",
        "void f([in] octet a, [in,out] octet *b, [out] char *c, [in, string] char *d);",
        "interface nearcallers { void f(); };",
        "const double D = 1.5f;",
        "const float F = 3e38;",
        "union s switch (long) { case 0: string a; case 1: octet big[60000]; }; s f([in] s x, [in] sequence<s> y);",
    ] {
        assert_eq!(wrong("x.idl", text), "", "{text}");
    }
}

#[test]
fn a_file_is_one_by_whatever_path_it_is_imported() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("sub")).unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("main.idl", "import \"types.idl\", \"sub/b.idl\", \"./main.idl\"; interface a { void f([in] b x); };");
    write("types.idl", "struct t { long x; };");
    write("sub/b.idl", "import \"../types.idl\", \"./../sub/./b.idl\"; struct b { t x; };");
    let compiled = compile_file(&dir.path().join("main.idl")).unwrap();
    assert_eq!(compiled.paths().len(), 3);
    // Two declarations in two files: the message says which the other one is.
    write("sub/b.idl", "\nimport \"../types.idl\"; struct b { t x; }; struct t { long y; };");
    let error = compile_file(&dir.path().join("main.idl")).unwrap_err().to_string();
    assert!(error.contains("`t` is declared in line 1 of ") && error.contains("types.idl already"), "{error}");
}

#[test]
fn a_file_that_cannot_be_read_is_said_once() {
    let error = compile_file(Path::new("no/such.idl")).unwrap_err();
    assert!(std::error::Error::source(&error).is_none(), "{error}");
    assert_eq!(error.to_string().matches("No such file").count(), 1);
}

/// A type without a name is one mistake, and what follows it none.
#[test]
fn a_type_without_a_name_is_one_mistake() {
    for text in
        ["struct s { struct { long a; } d; long e; };", "struct s { union switch (long) { case 0: long a; } d; };"]
    {
        let error = wrong("x.idl", text);
        assert_eq!(error.matches("error: ").count(), 1, "{error}");
        assert!(error.contains("x.idl:1:12") && error.contains("a type without a name"), "{error}");
    }
}

#[test]
fn procedures_of_one_name_raise_what_is_theirs() {
    let load = |_: &Path| Err(std::io::Error::from(std::io::ErrorKind::NotFound));
    let text = "exception a { long x; }; exception b { long y; }; exception c { long z; };
        interface one { void open() raises (a, b); }; interface two { void open() raises (a, b); };
        interface three { void open() raises (a, c); }; interface four : three { void close() raises (b, c); };";
    let compiled = nearcall_idl::lang::compile("x.idl", text.as_bytes(), &load).unwrap();
    let rust = compiled.rust();
    for (name, count) in
        [("enum OpenError", 1), ("enum ThreeOpenError", 1), ("enum CloseError", 1), ("enum FourOpenError", 0)]
    {
        assert_eq!(rust.matches(name).count(), count, "{name}\n{rust}");
    }
    let header = compiled.c_files(Side::Both).into_iter().find(|file| file.name == "x.h").unwrap().text;
    for name in ["struct x_open_error {", "struct x_three_open_error {", "struct x_close_error {"] {
        assert_eq!(header.matches(name).count(), 1, "{name}\n{header}");
    }
}

/// In C, names are as they are written, behind the file's.
#[test]
fn names_in_c_are_those_that_are_written() {
    let load = |_: &Path| Err(std::io::Error::from(std::io::ErrorKind::NotFound));
    let text = "struct x_y { long a; }; union fooBar switch (long) { case 0: long anArm; };
        enum Kind { oneThing }; interface a_b { void doIt([in] x_y v, [in] fooBar w, [in] Kind k); };";
    let compiled = nearcall_idl::lang::compile("p.idl", text.as_bytes(), &load).unwrap();
    let header = compiled.c_files(Side::Both).into_iter().find(|file| file.name == "p.h").unwrap().text;
    for name in [
        "struct p_x_y {",
        "struct p_fooBar {",
        "int32_t anArm;",
        "#define p_Kind_ONE_THING ",
        "void a_b_doIt(",
        "} a_b_server;",
    ] {
        assert!(header.contains(name), "{name}\n{header}");
    }
}
