//! `nearcall idl`, as a user runs it.

use std::path::Path;
use std::process::{Command, Output};

fn nearcall(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_nearcall")).current_dir(dir).arg("idl").args(args).output().unwrap()
}

#[test]
fn compiles_and_keeps_what_is_the_authors() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.idl"), "import \"b.idl\"; long f([in] size x);").unwrap();
    std::fs::write(dir.path().join("b.idl"), "typedef unsigned hyper size;").unwrap();
    let first = nearcall(dir.path(), &["compile", "a.idl", "--lang", "rust", "--out", "made/here"]);
    assert!(first.status.success(), "{first:?}");
    let said = String::from_utf8(first.stdout).unwrap();
    assert_eq!(said, "wrote made/here/a.rs\nwrote made/here/a_loop.rs\nwrote made/here/a_template.rs\n");
    let own = dir.path().join("made/here/a_loop.rs");
    std::fs::write(&own, "mine").unwrap();
    let second = nearcall(dir.path(), &["compile", "a.idl", "--out", "made/here"]);
    assert!(String::from_utf8(second.stdout).unwrap().contains("kept made/here/a_loop.rs: it is yours"));
    assert_eq!(std::fs::read_to_string(&own).unwrap(), "mine");
    let client = nearcall(dir.path(), &["compile", "a.idl", "--client", "--out", "client"]);
    assert_eq!(String::from_utf8(client.stdout).unwrap(), "wrote client/a.rs\n");
    let own = dir.path().join("c/a_template.c");
    std::fs::create_dir(dir.path().join("c")).unwrap();
    std::fs::write(&own, "mine").unwrap();
    let c = nearcall(dir.path(), &["compile", "a.idl", "--lang", "c", "--out", "c"]);
    let said = String::from_utf8(c.stdout).unwrap();
    for name in ["a.h", "a_stub.h", "a_tables.c", "a_client.c", "a_server.c", "a_loop.c"] {
        assert!(said.contains(&format!("wrote c/{name}\n")), "{said}");
    }
    assert!(said.contains("kept c/a_template.c: it is yours"), "{said}");
    assert_eq!(std::fs::read_to_string(&own).unwrap(), "mine");
}

#[test]
fn layout_shows_how_parameters_travel() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.idl"), "long f([in] long x);").unwrap();
    let shown = nearcall(dir.path(), &["layout", "a.idl"]);
    assert!(shown.status.success());
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(text.starts_with("interface A\n\nf(x: i32) -> i32\n    line: heads of 40 bytes or less"), "{text}");
}

#[test]
fn mistakes_have_a_place_and_an_exit_status() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.idl"), "long f([in] lung x);\nlong g([inn] long x);").unwrap();
    for verb in ["compile", "layout"] {
        let refused = nearcall(dir.path(), &[verb, "a.idl"]);
        assert_eq!(refused.status.code(), Some(1));
        assert!(refused.stdout.is_empty());
        let text = String::from_utf8(refused.stderr).unwrap();
        assert!(text.contains("a.idl:1:13") && text.contains("did you mean `long`?"), "{text}");
        assert!(text.contains("a.idl:2:9") && text.contains("did you mean `in`?"), "{text}");
    }
    let missing = nearcall(dir.path(), &["layout", "none.idl"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(String::from_utf8(missing.stderr).unwrap().contains("none.idl cannot be read"));
}
