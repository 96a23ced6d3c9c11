//! Every example of docs/idl.md, and of the README: it compiles, or is refused in the words that stand there.
#![cfg(feature = "text")]

use std::io;
use std::path::Path;

use nearcall_idl::lang::compile;

fn no_files(_: &Path) -> io::Result<Vec<u8>> {
    Err(io::ErrorKind::NotFound.into())
}

/// Blocks of the manual whose fence says `kind`.
fn blocks(kind: &str) -> Vec<String> {
    blocks_of(include_str!("../../../docs/idl.md"), kind)
}

fn blocks_of(page: &str, kind: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(fence) = line.strip_prefix("```") else { continue };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        if fence == kind {
            blocks.push(block.join("\n"));
        }
    }
    blocks
}

#[test]
fn examples_compile() {
    let examples = blocks("idl");
    assert!(examples.len() >= 10, "{}", examples.len());
    let readme = blocks_of(include_str!("../../../README.md"), "idl");
    assert_eq!(readme.len(), 1);
    for example in examples.into_iter().chain(readme) {
        let compiled = compile("example.idl", example.as_bytes(), &no_files)
            .unwrap_or_else(|diagnostics| panic!("{example}\n\n{diagnostics}"));
        assert!(syn::parse_file(compiled.rust()).is_ok(), "{example}");
    }
}

#[test]
fn refusals_are_in_the_words_of_the_manual() {
    let examples = blocks("idl,refused");
    assert!(examples.len() >= 5);
    for example in examples {
        let words = example.lines().find_map(|line| line.strip_prefix("//~ ")).expect("every refusal has its words");
        let diagnostics = compile("example.idl", example.as_bytes(), &no_files).expect_err(&example);
        let found: Vec<&str> = diagnostics.list().iter().map(|one| one.what.as_str()).collect();
        assert_eq!(found, [words], "{example}\n{diagnostics}");
    }
}

#[test]
fn the_layout_in_the_manual_is_that_of_the_compiler() {
    let pfs = blocks("idl").into_iter().find(|block| block.contains("int pfs_open")).unwrap();
    let layout = compile("pfs.idl", pfs.as_bytes(), &no_files).unwrap().layout();
    let shown = blocks("text").into_iter().find(|block| block.starts_with("pfs_write")).unwrap();
    assert!(layout.contains(&shown), "{layout}");
}

#[test]
fn the_examples_of_defs_compile_to_what_the_page_shows() {
    let page = include_str!("../../../docs/defs.md");
    let (examples, shown) = (blocks_of(page, "defs"), blocks_of(page, "text"));
    assert_eq!((examples.len(), shown.len()), (1, 1));
    let compiled = compile("disk.defs", examples[0].as_bytes(), &no_files).unwrap_or_else(|wrong| panic!("{wrong}"));
    let squeezed =
        |text: &str| text.replace("::core::result::", "").split_whitespace().collect::<String>().replace(",)", ")");
    let rust = squeezed(compiled.rust());
    for line in shown[0].lines().filter(|line| line.ends_with(';')) {
        let line = squeezed(line).replace("Default", "::core::default::Default");
        assert!(rust.contains(&line), "{line}\n{}", compiled.rust());
    }
}
