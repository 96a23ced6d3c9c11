//! Random interfaces in C: that what the interface compiler accepts is C99, without a warning.
//!
//! `NEARCALL_IDL_C_SAMPLE` says how many (10), `NEARCALL_IDL_C_SEED` from which seed on (0).

use std::path::Path;
use std::process::Command;

use nearcall_idl::lang::{self, Side};
use nearcall_testkit_idl::generate::{Random, good};

#[test]
fn random_interfaces_are_c() {
    let number = |name: &str, otherwise: u64| {
        std::env::var(name).ok().and_then(|number| number.parse().ok()).unwrap_or(otherwise)
    };
    if Command::new("gcc").arg("--version").output().is_err() {
        eprintln!("skipped: there is no gcc");
        return;
    }
    let (count, seed) = (number("NEARCALL_IDL_C_SAMPLE", 10), number("NEARCALL_IDL_C_SEED", 0));
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/ffi/include");
    let dir = tempfile::tempdir().unwrap();
    for i in seed..seed + count {
        let text = good(&mut Random::new(i));
        let compiled =
            lang::compile("sample.idl", text.as_bytes(), &|_| Err(std::io::ErrorKind::NotFound.into())).unwrap();
        let output = compiled.write_c(&dir.path().join(i.to_string()), Side::Both).unwrap();
        let sources = output.written.iter().filter(|path| path.extension().is_some_and(|c| c == "c"));
        let sources: Vec<_> = sources.collect();
        // With optimisation gcc also sees what may be used before it has a value.
        for how in [&["-std=c99", "-O1", "-S"][..], &["-std=c11", "-fsyntax-only"]] {
            let gcc = Command::new("gcc")
                .args(how)
                .args(["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror", "-I"])
                .arg(&include)
                .args(&sources)
                .current_dir(dir.path())
                .output()
                .unwrap();
            assert!(gcc.status.success(), "seed {i}:\n{text}\n{}", String::from_utf8_lossy(&gcc.stderr));
        }
    }
}
