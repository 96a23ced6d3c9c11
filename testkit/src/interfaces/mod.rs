//! Interfaces that nobody thought of, as Rust source text: made up from a seed, with every form of parameter.
//!
//! [`make`] writes types, traits that use them, implementations whose results depend on every byte of every argument, and
//! for each procedure a function that calls it. The text names what `tests/interfaces.rs` provides: `Value` (strategies
//! for made-up values), `value!` and `plain!` (declarations), `Seen` (a digest of arguments, and values made from it),
//! `pass` (a value, or the same through its conventional encoding) and `Trial` (runs the cases).
//!
//! Pure: the same seed gives the same text. The build script includes this file and [`random`](crate::random) and calls it.

mod procedure;
mod types;

use std::fmt::Write as _;

use crate::random::Random;
use types::{Maker, Path};

/// What was made up.
#[derive(Debug)]
pub struct Made {
    /// Declarations of types.
    pub types: String,
    /// The traits, each with its attribute.
    pub traits: Vec<String>,
    /// Implementations, callers, and the functions `export`, `layouts` and `try_all`.
    pub rest: String,
}

/// Makes up `count` interfaces; the first has a procedure of 64 parameters.
#[must_use]
pub fn make(seed: u64, count: usize) -> Made {
    let mut maker = Maker::new(Random::new(seed));
    let types = maker.types();
    let mut made = Made { types, traits: Vec::new(), rest: String::new() };
    let (mut exports, mut trials, mut layouts) = (String::new(), String::new(), String::new());
    for n in 0..count {
        let procedures = 1 + maker.below(3);
        let (mut methods, mut impls, mut callers) = (String::new(), String::new(), String::new());
        for p in 0..procedures {
            maker.up_to = [Path::Line, Path::Frame, Path::Conventional, Path::Serde][maker.below(4)];
            let params = match (n, p) {
                (0, 0) => 64,
                _ if maker.up_to == Path::Line => 1 + maker.below(4),
                _ if maker.below(8) == 0 => 9 + maker.below(20),
                _ => 1 + maker.below(8),
            };
            let procedure = maker.procedure(format!("p{p}"), params);
            methods += &procedure.declaration();
            impls += &procedure.implementation();
            callers += &procedure.caller(n);
            let strategies = grouped(params, |i| procedure.params[i].strategy());
            let _ = writeln!(
                trials,
                "    trial.run(\"i{n}.p{p}\", {params}, {strategies}, &bind::<I{n}Client>(trial, \"i{n}\"), \
                &I{n}Local(Hand), i{n}::p{p}, i{n}::p{p});"
            );
        }
        made.traits.push(format!("#[nearcall::interface]\npub trait I{n} {{\n{methods}}}\n"));
        let _ =
            write!(made.rest, "impl I{n} for Hand {{\n{impls}}}\n\nmod i{n} {{\n    use super::*;\n{callers}}}\n\n");
        let _ = writeln!(
            layouts,
            "    all.extend(I{n}Client::describe().procedures().map(|procedure| procedure.layout()));"
        );
        let _ = writeln!(exports, "        exporter(\"i{n}\").export(I{n}Server::new(Hand)).unwrap(),");
    }
    let _ = write!(
        made.rest,
        "pub(crate) fn export(exporter: impl Fn(&str) -> nearcall::Exporter) -> Vec<nearcall::Export> {{\n    vec![\n{exports}    ]\n}}\n\n\
         pub(crate) fn layouts() -> Vec<Layout> {{\n    let mut all = Vec::new();\n{layouts}    all\n}}\n\n\
         pub(crate) fn try_all(trial: &mut Trial) {{\n{trials}}}\n"
    );
    made
}

/// In tuples of eight, in a tuple: there are strategies for tuples of twelve at most.
fn grouped(count: usize, item: impl Fn(usize) -> String) -> String {
    let items: Vec<_> = (0..count).map(item).collect();
    let groups: Vec<_> = items.chunks(8).map(|group| format!("({},)", group.join(", "))).collect();
    format!("({},)", groups.join(", "))
}
