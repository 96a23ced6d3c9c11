//! For build scripts: one line, and cargo knows what the result depends on.

use std::path::Path;
use std::process::exit;

use super::{Side, compile_file};

/// Compiles an `.idl` file in a build script: `fn main() { nearcall_idl::build("pfs.idl"); }`.
///
/// The path is relative to the package. The result goes into cargo's directory for such files, from where
/// `nearcall::include_idl!("pfs")` takes it; the package needs `nearcall` itself. It is compiled again when the file changes, or one that
/// it imports. What is wrong with it goes to the standard error, which cargo shows, and ends the build script with status 1.
pub fn build(path: impl AsRef<Path>) {
    let path = path.as_ref();
    println!("cargo::rerun-if-changed={}", path.display());
    let compiled = match compile_file(path) {
        Ok(compiled) => compiled,
        Err(error) => fail(&error),
    };
    for path in compiled.paths() {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    let Some(out) = std::env::var_os("OUT_DIR") else { fail(&"error: OUT_DIR is not set: this is for build scripts") };
    if let Err(error) = compiled.write(Path::new(&out), Side::Client) {
        fail(&error);
    }
}

fn fail(why: &dyn std::fmt::Display) -> ! {
    eprintln!("{why}");
    exit(1)
}
