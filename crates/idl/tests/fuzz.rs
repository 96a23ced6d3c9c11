//! Texts that nobody wrote: random interfaces by a grammar, the same with mistakes, and mutations of real ones.
//!
//! Small by default; `NEARCALL_TEST_ROUNDS` says how many times as much. No text makes the compiler panic; what it accepts
//! becomes Rust that parses; what it refuses has a place and a hint.
#![cfg(feature = "text")]

#[path = "../../../testkit/idl/src/generate.rs"]
#[allow(unreachable_pub, reason = "a module of another crate")]
mod generate;

use std::io;
use std::path::Path;

use generate::Random;
use nearcall_idl::lang::{Compiled, Diagnostics, Side, check, compile};

fn rounds() -> u64 {
    std::env::var("NEARCALL_TEST_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1)
}

fn no_files(_: &Path) -> io::Result<Vec<u8>> {
    Err(io::ErrorKind::NotFound.into())
}

fn located(diagnostics: &Diagnostics, text: &str) {
    assert!(!diagnostics.list().is_empty());
    let lines = text.lines().count().max(1) + 1;
    for one in diagnostics.list() {
        let (line, column) = diagnostics.place(one);
        assert!((1..=lines).contains(&line) && column >= 1, "{one:?}");
        assert!(!one.what.is_empty() && !one.hint.is_empty(), "{one:?}");
    }
    assert!(diagnostics.to_string().starts_with("error: "));
}

#[test]
fn random_interfaces_compile() {
    for seed in 0..100 * rounds() {
        let text = generate::good(&mut Random::new(seed));
        let compiled = compile("face.idl", text.as_bytes(), &no_files)
            .unwrap_or_else(|diagnostics| panic!("seed {seed}:\n{text}\n{diagnostics}"));
        if let Err(error) = syn::parse_file(compiled.rust()) {
            panic!("seed {seed}: {error}\n{text}");
        }
        assert!(compiled.layout().starts_with("interface Face0"), "{seed}");
        for file in compiled.files(Side::Both) {
            assert!(syn::parse_file(&file.text).is_ok(), "seed {seed}: {}\n{}", file.name, file.text);
        }
        is_c(&compiled, seed);
    }
}

/// The C of it, as far as can be told without a compiler: testkit/idl asks one.
fn is_c(compiled: &Compiled, seed: u64) {
    for file in compiled
        .c_files(Side::Both)
        .iter()
        .filter(|file| file.name.ends_with("_client.c") || file.name.ends_with("_server.c"))
    {
        let depth = file.text.bytes().try_fold(0_u32, |depth, byte| match byte {
            b'{' => depth.checked_add(1),
            b'}' => depth.checked_sub(1),
            _ => Some(depth),
        });
        assert_eq!(depth, Some(0), "seed {seed}: {}\n{}", file.name, file.text);
    }
}

#[test]
fn broken_interfaces_compile_or_say_where() {
    let mut refused = 0;
    for seed in 0..100 * rounds() {
        let text = generate::broken(&mut Random::new(seed));
        match compile("face.idl", text.as_bytes(), &no_files) {
            Ok(compiled) => {
                assert!(syn::parse_file(compiled.rust()).is_ok(), "seed {seed}:\n{text}");
                is_c(&compiled, seed);
            }
            Err(diagnostics) => {
                located(&diagnostics, &text);
                refused += 1;
            }
        }
    }
    assert!(refused > 50 * rounds(), "{refused}: they are broken");
}

/// Pieces of which texts consist that are neither here nor there.
const PIECES: &[&str] = &[
    "interface",
    "struct",
    "union",
    "switch",
    "case",
    "default",
    "enum",
    "exception",
    "const",
    "typedef",
    "import",
    "sequence",
    "optional",
    "string",
    "long",
    "unsigned",
    "octet",
    "void",
    "oneway",
    "raises",
    "in",
    "out",
    "inout",
    "[",
    "]",
    "{",
    "}",
    "(",
    ")",
    "<",
    ">",
    "<<",
    ">>",
    ",",
    ";",
    ":",
    "=",
    "*",
    "**",
    "+",
    "-",
    "/",
    "%",
    "|",
    "&",
    "~",
    "size_is",
    "length_is",
    "uuid",
    "version",
    "max",
    "timeout",
    "x",
    "y",
    "n",
    "0",
    "1",
    "255",
    "-1",
    "4294967296",
    "1e9",
    "\"text\"",
    "'c'",
    "\"",
    "'",
    "//",
    "/*",
    "*/",
    "/**",
    "///",
    "#",
    "\n",
    "\t",
    " ",
    "\u{20ac}",
    "\0",
    "\u{7f}",
    "_",
    "__",
    "self",
    "Result",
    "TRUE",
];

const SEEDS: &[&str] = &[
    "int pfs_open([in] int client, fobj, flags, mode, [out] int *handle);",
    "int f([in] int h, [in,out] int *pos, [in] int len, data_size, [in, size_is(data_size)] int *data);",
    "[uuid(6ba7b810-9dad-11d1-80b4-00c04fd430c8), version(1.2), max(64 KiB)] interface a { oneway void f([in] string s); };",
    "struct s { string<8> a; sequence<s> b; octet c[4][2]; }; interface i : j { s f([out] s *x) raises (e); };",
    "enum k { A, B = 4 }; union u switch (k) { case A: long a; default: sequence<sequence<u>> b; };",
    "const long N = (1 << 4) + 'a' * 0x10; typedef struct { long a, b; } t; exception e { t x; };",
    "typedef sequence<octet, N> blob; void f([in, string] char *s, [out, string] char **t, in long a, out blob b);",
];

#[test]
fn mutated_texts_never_panic() {
    let mut random = Random::new(7);
    let mut accepted = 0_u64;
    for _ in 0..5_000 * rounds() {
        let mut text = SEEDS[random.below(SEEDS.len())].as_bytes().to_vec();
        if random.one_in(4) {
            text.extend_from_slice(SEEDS[random.below(SEEDS.len())].as_bytes());
        }
        if random.one_in(8) {
            text = (0..random.below(60)).flat_map(|_| PIECES[random.below(PIECES.len())].bytes()).collect();
        }
        for _ in 0..random.below(6) {
            let at = random.below(text.len() + 1);
            let end = (at + random.below(12)).min(text.len());
            match random.below(6) {
                0 => drop(text.drain(at..end)),
                1 => drop(text.splice(at..at, PIECES[random.below(PIECES.len())].bytes())),
                2 => drop(text.splice(at..end, PIECES[random.below(PIECES.len())].bytes())),
                3 => {
                    let again = text[at..end].to_vec();
                    text.splice(at..at, again);
                }
                4 if at < text.len() => text[at] = random.bits().to_le_bytes()[0],
                _ => text.truncate(end.max(1)),
            }
        }
        match check("mutated.idl", &text, &no_files) {
            Ok(()) => accepted += 1,
            Err(diagnostics) => located(&diagnostics, &String::from_utf8_lossy(&text)),
        }
    }
    assert!(accepted > 0);
}

#[test]
fn deep_and_long_texts_end() {
    let many = |piece: &str| piece.repeat(40_000);
    for text in [
        many("("),
        many("["),
        many("{"),
        many("struct {"),
        many("typedef struct {"),
        many("sequence<"),
        many("interface a {"),
        many("union u switch (long) { case 1: "),
        many("#"),
        many("\""),
        many("/*"),
        many("/** */"),
        many("*"),
        many("a "),
        many("a:"),
        many("\n"),
        format!("const long N = {}1;", many("-")),
        format!("const long N = {}1;", many("(")),
        format!("const long N = 1{};", many("+1")),
        format!("const long N = {};", many("1")),
        format!("void f({});", many("[in] long a, ")),
        format!("void f([in] long a{});", many("[2]")),
        format!("void f([in] long {}a);", many("*")),
        format!("enum e {{ {} }};", many("A, ")),
        format!("void f([in] {}long{} a);", many("sequence<"), many(">")),
        (0..5_000).map(|i| format!("typedef sequence<t{}> t{i};", i - 1)).collect(),
        (1..5_000).map(|i| format!("struct s{i} {{ s{} x; }};", i - 1)).collect::<String>() + "struct s0 { long x; };",
        (1..5_000).rev().map(|i| format!("struct s{i} {{ s{} x; }};", i - 1)).collect::<String>()
            + "struct s0 { long x; };",
        (0..3_000).map(|i| format!("struct s{i} {{ sequence<s{}> x, y; s{} z; }};", i + 1, i + 1)).collect(),
        (0..5_000).map(|i| format!("interface i{i} : i{} {{ void f{i}(); }};", i - 1)).collect(),
    ] {
        match check("long.idl", text.as_bytes(), &no_files) {
            Ok(()) => {}
            Err(diagnostics) => assert!(diagnostics.list().len() <= 100),
        }
    }
    assert!(check("huge.idl", &vec![b' '; 1024 * 1024 + 1], &no_files).is_err());
    assert!(check("binary.idl", &[0xff, 0xfe, 0], &no_files).is_err());
}
