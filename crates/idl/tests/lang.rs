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
