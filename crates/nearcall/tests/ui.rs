//! What the macros refuse, and in which words. `ui/README.md` says which case is about what.
//!
//! `TRYBUILD=overwrite cargo test -p nearcall --test ui` accepts new words; review the difference.

#[test]
fn refusals() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*.rs");
}
