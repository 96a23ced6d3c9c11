//! Expansions, compared with what was reviewed, and searched for what generated code must not hold.
//!
//! `goldens/NAME.rs` is a module as an author writes it; `goldens/NAME.expected.rs` is what becomes of it. The expected
//! files are compiled, and used, by `crates/nearcall/tests/stubs.rs`. `BLESS=1 cargo test -p nearcall-idl` accepts what
//! is generated now; run `cargo fmt` and review the difference.

use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Attribute, Block, Expr, File, ImplItem, Item, Stmt, Token, punctuated::Punctuated};

const GOLDENS: &[&str] = &["files", "forms", "passing"];

#[test]
fn expansions_are_as_reviewed() {
    for name in GOLDENS {
        let now = expand(name);
        let path = Path::new("tests/goldens").join(format!("{name}.expected.rs"));
        let expected = syn::parse_file(&std::fs::read_to_string(&path).unwrap_or_default()).unwrap();
        let (expected_tokens, now_tokens) = (tokens_of(&expected), tokens_of(&now));
        if expected_tokens == now_tokens {
            continue;
        }
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, prettyplease::unparse(&now)).unwrap();
            continue;
        }
        let same = expected_tokens.iter().zip(&now_tokens).take_while(|(a, b)| a == b).count();
        let around = |tokens: &[String]| tokens[same.saturating_sub(20)..tokens.len().min(same + 20)].join(" ");
        panic!("{}\nexpected: {}\n     now: {}", path.display(), around(&expected_tokens), around(&now_tokens));
    }
}

/// The tokens of a file in one style: rustfmt sees the expected files as modules of the test that uses them, and neither
/// formatter keeps the spacing inside of macros.
fn tokens_of(file: &File) -> Vec<String> {
    fn flatten(tokens: TokenStream, into: &mut Vec<String>) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => {
                    into.push(format!("{:?}", group.delimiter()));
                    flatten(group.stream(), into);
                    into.push("end".to_owned());
                }
                TokenTree::Punct(punct) => into.push(punct.as_char().to_string()),
                TokenTree::Ident(ident) => into.push(ident.to_string()),
                TokenTree::Literal(literal) => into.push(literal.to_string()),
            }
        }
    }
    let formatted = syn::parse_file(&prettyplease::unparse(file)).unwrap();
    let mut flat = Vec::new();
    flatten(formatted.into_token_stream(), &mut flat);
    flat
}

#[test]
fn expansions_have_no_unsafe_and_no_panic_path() {
    for name in GOLDENS {
        let file = expand(name);
        let mut found = Vec::new();
        search(file.to_token_stream(), &["unsafe"], &mut found);
        let mut bodies = 0;
        for body in bodies_in(&file.items) {
            bodies += 1;
            search(body.to_token_stream(), BANNED, &mut found);
        }
        assert!(bodies > 20, "{name}: {bodies} bodies were searched");
        assert!(found.is_empty(), "{name}: {found:#?}");
    }
}

#[test]
fn the_search_finds_what_is_banned() {
    for (banned, code) in [
        (
            "unwrap",
            quote!({
                x.unwrap();
            }),
        ),
        (
            "expect",
            quote!({
                x.expect("y");
            }),
        ),
        ("panic", quote!({ panic!() })),
        (
            "assert",
            quote!({
                if true {
                    assert!(true)
                }
            }),
        ),
        (
            "an index",
            quote!({
                x[0];
            }),
        ),
        (
            "an index",
            quote!({
                (x)[..];
            }),
        ),
        (
            "as",
            quote!({
                x as u8;
            }),
        ),
    ] {
        let mut found = Vec::new();
        search(code, BANNED, &mut found);
        assert_eq!(found, [banned]);
    }
    let mut found = Vec::new();
    search(
        quote!({
            #[a]
            f(&[1], &mut [2], [0; 3], <T as Wire>::SIZE, vec![]);
        }),
        BANNED,
        &mut found,
    );
    assert!(found.is_empty(), "{found:?}");
}

/// What no function of generated code holds. Constants may assert and cast: they fail when they are compiled.
const BANNED: &[&str] = &[
    "unsafe",
    "unwrap",
    "unwrap_unchecked",
    "expect",
    "panic",
    "assert",
    "assert_eq",
    "assert_ne",
    "debug_assert",
    "unreachable",
    "unreachable_unchecked",
    "todo",
    "unimplemented",
    "split_at",
    "split_at_mut",
    "copy_from_slice",
    "clone_from_slice",
    "exit",
    "abort",
    "RefCell",
    "static",
];

fn search(tokens: TokenStream, banned: &[&'static str], found: &mut Vec<&'static str>) {
    let mut before: Option<TokenTree> = None;
    let mut before_that: Option<TokenTree> = None;
    for token in tokens {
        match &token {
            TokenTree::Ident(ident) => {
                found.extend(banned.iter().filter(|banned| ident == *banned));
                let is_integer = ident
                    .to_string()
                    .strip_prefix(['u', 'i'])
                    .is_some_and(|size| size == "size" || size.parse::<u8>().is_ok());
                if banned.len() > 1 && is_integer && matches!(&before, Some(TokenTree::Ident(word)) if word == "as") {
                    found.push("as");
                }
            }
            TokenTree::Group(group) => {
                let after_value = match &before {
                    Some(TokenTree::Ident(word)) => word != "mut" && word != "return" && word != "in",
                    Some(TokenTree::Group(_)) => {
                        // `#[a] [b]` is an attribute and an array.
                        !matches!(&before_that, Some(TokenTree::Punct(punct)) if punct.as_char() == '#')
                    }
                    _ => false,
                };
                if banned.len() > 1 && group.delimiter() == Delimiter::Bracket && after_value {
                    found.push("an index");
                }
                search(group.stream(), banned, found);
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
        before_that = before.replace(token);
    }
}

/// The bodies of all functions that run, also inside the unnamed constants.
fn bodies_in(items: &[Item]) -> Vec<&Block> {
    let mut bodies = Vec::new();
    for item in items {
        match item {
            Item::Fn(function) if function.sig.constness.is_none() => bodies.push(&*function.block),
            Item::Impl(item) => bodies.extend(item.items.iter().filter_map(|item| match item {
                ImplItem::Fn(function) => Some(&function.block),
                _ => None,
            })),
            Item::Const(constant) => {
                if let Expr::Block(block) = &*constant.expr {
                    for statement in &block.block.stmts {
                        if let Stmt::Item(item) = statement {
                            bodies.extend(bodies_in(std::slice::from_ref(item)));
                        }
                    }
                }
            }
            _ => {}
        }
    }
    bodies
}

/// What rustc would make of a golden: our macros expanded, everything else as it is.
fn expand(name: &str) -> File {
    let source = std::fs::read_to_string(format!("tests/goldens/{name}.rs")).unwrap();
    let file = syn::parse_file(&source).unwrap();
    let mut tokens = TokenStream::new();
    for attr in &file.attrs {
        attr.to_tokens(&mut tokens);
    }
    for mut item in file.items {
        match &mut item {
            Item::Trait(interface) => {
                interface.attrs.retain(|attr| !is_ours(attr, "interface"));
                tokens.extend(nearcall_idl::interface(TokenStream::new(), quote!(#item)));
            }
            Item::Struct(syn::ItemStruct { attrs, .. }) | Item::Enum(syn::ItemEnum { attrs, .. }) => {
                let derives = take_derive(attrs);
                tokens.extend(quote!(#item));
                if derives {
                    tokens.extend(nearcall_idl::derive_wire(quote!(#item)));
                }
            }
            _ => item.to_tokens(&mut tokens),
        }
    }
    syn::parse2(tokens).unwrap()
}

/// Removes our derive; whether it was there.
fn take_derive(attrs: &mut [Attribute]) -> bool {
    let mut was_there = false;
    for attr in attrs.iter_mut().filter(|attr| attr.path().is_ident("derive")) {
        let all = attr.parse_args_with(Punctuated::<syn::Path, Token![,]>::parse_terminated).unwrap();
        let others = all.iter().filter(|path| path.segments.last().is_none_or(|last| last.ident != "Wire"));
        was_there |= others.clone().count() < all.len();
        *attr = syn::parse_quote!(#[derive(#(#others),*)]);
    }
    was_there
}

fn is_ours(attr: &Attribute, name: &str) -> bool {
    attr.path().segments.last().is_some_and(|last| last.ident == name)
}
