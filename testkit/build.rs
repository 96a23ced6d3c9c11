//! Makes up the interfaces of `tests/interfaces.rs`.

#[allow(dead_code, unreachable_pub, reason = "a module of the library as well")]
#[path = "src/interfaces/mod.rs"]
mod interfaces;
#[allow(dead_code, unreachable_pub, reason = "a module of the library as well")]
#[path = "src/random.rs"]
mod random;

const DEFAULT_SEED: u64 = 1990;
const COUNT: usize = 30;

fn main() {
    for file in ["build.rs", "src/interfaces", "src/random.rs"] {
        println!("cargo::rerun-if-changed={file}");
    }
    println!("cargo::rerun-if-env-changed=NEARCALL_TEST_SEED");
    let seed = match std::env::var("NEARCALL_TEST_SEED") {
        Ok(seed) => seed.parse().expect("NEARCALL_TEST_SEED is a number"),
        Err(_) => DEFAULT_SEED,
    };
    let made = interfaces::make(seed, COUNT);
    let text =
        format!("pub(crate) const SEED: u64 = {seed};\n\n{}\n{}\n{}", made.types, made.traits.join("\n"), made.rest);
    let out = std::env::var_os("OUT_DIR").expect("cargo sets it");
    std::fs::write(std::path::Path::new(&out).join("interfaces.rs"), text).expect("a directory for it");
}
