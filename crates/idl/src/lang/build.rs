//! For build scripts: one line, and cargo knows what the result depends on.

use std::path::Path;
use std::process::exit;

use super::{BackEnd, WriteError, compile_file_for};

/// Compiles an `.idl` or `.defs` file in a build script: `fn main() { nearcall_idl::build("pfs.idl"); }`.
///
/// The path is relative to the package. The result goes into cargo's directory for such files, from where
/// `nearcall::include_idl!("pfs")` takes it; the package needs `nearcall` itself. It is compiled again when the file changes, or one that
/// it imports. What is wrong with it goes to the standard error, which cargo shows, and ends the build script with status 1.
pub fn build(path: impl AsRef<Path>) {
    build_for(path.as_ref(), BackEnd::Optimised, "");
}

/// The same with the stubs of the conventional back end, which are there to be compared with: [`BackEnd::Conventional`]. What
/// comes out has `_conventional` behind its name, so that a program can have both.
pub fn build_conventional(path: impl AsRef<Path>) {
    build_for(path.as_ref(), BackEnd::Conventional, "_conventional");
}

fn build_for(path: &Path, back_end: BackEnd, suffix: &str) {
    println!("cargo::rerun-if-changed={}", path.display());
    let compiled = match compile_file_for(path, back_end) {
        Ok(compiled) => compiled,
        Err(error) => fail(&error),
    };
    for path in compiled.paths() {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    let Some(out) = std::env::var_os("OUT_DIR") else { fail(&"error: OUT_DIR is not set: this is for build scripts") };
    let to = Path::new(&out).join(format!("{}{suffix}.rs", compiled.module()));
    if let Err(source) = std::fs::write(&to, compiled.rust()) {
        fail(&WriteError { path: to, source });
    }
}

fn fail(why: &dyn std::fmt::Display) -> ! {
    eprintln!("{why}");
    exit(1)
}
