//! Makes random interfaces into modules of this crate.
//!
//! `NEARCALL_IDL_SAMPLE` says how many (10), `NEARCALL_IDL_SEED` from which seed on (0).

#[path = "src/generate.rs"]
#[allow(dead_code, unreachable_pub, reason = "a module of the crate")]
mod generate;

use std::fmt::Write;
use std::path::Path;

use nearcall_idl::lang;

fn main() {
    let number = |name: &str, otherwise: u64| {
        println!("cargo::rerun-if-env-changed={name}");
        std::env::var(name).ok().and_then(|number| number.parse().ok()).unwrap_or(otherwise)
    };
    println!("cargo::rerun-if-changed=src/generate.rs");
    let (count, seed) = (number("NEARCALL_IDL_SAMPLE", 10), number("NEARCALL_IDL_SEED", 0));
    let out = std::env::var_os("OUT_DIR").expect("cargo sets it");
    let mut all = String::new();
    let mut entries = String::new();
    for i in seed..seed + count {
        let text = generate::good(&mut generate::Random::new(i));
        let compiled = lang::compile("sample.idl", text.as_bytes(), &|_| Err(std::io::ErrorKind::NotFound.into()))
            .unwrap_or_else(|diagnostics| panic!("seed {i}:\n{text}\n{diagnostics}"));
        let clients: String =
            compiled.interfaces().map(|name| format!("sample_{i}::{name}Client::describe(), ")).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(all, "/// Of seed {i}.\npub mod sample_{i} {{\n{}\n}}", compiled.rust());
        let layout = compiled.layout();
        let _ = writeln!(entries, "Sample {{ text: {text:?}, layout: {layout:?}, compiled: vec![{clients}] }},");
    }
    let _ = writeln!(all, "/// All of them.\npub fn samples() -> Vec<Sample> {{\n vec![{entries}]\n}}");
    std::fs::write(Path::new(&out).join("samples.rs"), all).expect("cargo's directory can be written");
}
