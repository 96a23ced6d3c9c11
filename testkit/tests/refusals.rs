//! Interfaces that are none: made-up ones with tokens changed, left out, doubled or exchanged. The interface compiler
//! refuses each, at a place in the text and with words, or accepts it and generates what rustc can parse. It never panics.
//!
//! `NEARCALL_TEST_SEED=N` makes up others; `NEARCALL_TEST_CALLS=N` says how many.

use std::panic::catch_unwind;

use nearcall_testkit::interfaces;
use nearcall_testkit::random::Random;
use proc_macro2::{Group, TokenStream, TokenTree};
use syn::ItemTrait;

/// What a token may become.
const POOL: &str = "& mut self Self _ ( ) [ ] { } < > , ; : = -> # ! ' 'a fn pub const static unsafe async extern trait impl \
    dyn where ref usize isize str bool u8 u64 Vec Vec<u8> Result Option<u8> [u8] [u8; 4] (u8, u8) &str &'a u8 *const u8 \
    fn(u8) #[out] #[out(len = return)] #[out(len = 3)] #[in_place] #[serde] #[serde(return)] #[serde(error, error)] \
    #[call(timeout = \"1s\")] #[call(timeout = \"1h\")] #[call(concurrency = 0)] #[call(astack = -1)] #[call(what)] \
    #[cfg(test)] #[doc = \"x\"] 0 1 -1 99999999999999999999999 \"text\" r#type __x bind describe a0 p0 \
    (u8, u8, u8, u8, u8, u8, u8, u8, u8) T<'a> T<{ 3 }> impl Copy dyn Send ! ... ..";

/// Every stretch of the pool that is balanced.
fn pool() -> Vec<Vec<TokenTree>> {
    let whole: Vec<TokenTree> = "( ) [ ] { }".parse::<TokenStream>().unwrap().into_iter().collect();
    let mut all: Vec<Vec<TokenTree>> = POOL
        .split(' ')
        .chain([
            "&mut self",
            "&mut [u8]",
            "&'a str",
            "*const u8",
            "[u8; 4]",
            "#[out(len = return)]",
            "-> Result<u8>",
            "(u8, u8)",
        ])
        .filter_map(|words| Some(words.parse::<TokenStream>().ok()?.into_iter().collect()))
        .collect();
    // Once more what can be a type.
    let types = ["usize", "Self", "Vec<u8>", "str", "&mut [bool]", "&u8", "[usize; 3]", "Option<&'a u8>", "impl Copy"];
    all.extend(types.map(|words| words.parse::<TokenStream>().unwrap().into_iter().collect()));
    all.extend(whole.into_iter().map(|token| vec![token]));
    all
}

/// `tokens` with one change somewhere in them.
fn changed(tokens: TokenStream, pool: &[Vec<TokenTree>], random: &mut Random) -> TokenStream {
    let mut trees: Vec<TokenTree> = tokens.into_iter().collect();
    let below = |random: &mut Random, bound: usize| usize::try_from(random.below(bound as u64)).unwrap();
    let groups: Vec<usize> = (0..trees.len()).filter(|&i| matches!(trees[i], TokenTree::Group(_))).collect();
    if !groups.is_empty() && random.below(8) > 0 {
        let at = groups[below(random, groups.len())];
        if let TokenTree::Group(group) = &trees[at] {
            trees[at] = Group::new(group.delimiter(), changed(group.stream(), pool, random)).into();
        }
        return trees.into_iter().collect();
    }
    let new = pool[below(random, pool.len())].clone();
    if trees.is_empty() {
        return new.into_iter().collect();
    }
    let at = below(random, trees.len());
    let idents: Vec<usize> = (0..trees.len()).filter(|&i| matches!(trees[i], TokenTree::Ident(_))).collect();
    match random.below(12) {
        // A name for a name, or for a type, is the change that most often leaves a trait.
        5.. if !idents.is_empty() => {
            let at = idents[below(random, idents.len())];
            drop(trees.splice(at..=at, new));
        }
        0 => drop(trees.remove(at)),
        1 => drop(trees.splice(at..=at, new)),
        2 => drop(trees.splice(at..at, new)),
        3 => {
            let other = below(random, trees.len());
            trees.swap(at, other);
        }
        _ => trees.insert(at, trees[at].clone()),
    }
    trees.into_iter().collect()
}

/// Where nothing is left, there is no place to name but the macro's own.
fn is_located(error: &syn::Error) -> bool {
    let text = error.span().source_text();
    text.is_some_and(|text| !text.is_empty()) || error.to_string().starts_with("unexpected end of input")
}

#[test]
fn changed_interfaces_are_refused_in_words_or_generate_code() {
    let number = |name| std::env::var(name).ok().and_then(|number| number.parse().ok());
    let (seed, count) = (number("NEARCALL_TEST_SEED").unwrap_or(1990), number("NEARCALL_TEST_CALLS").unwrap_or(10_000));
    println!("NEARCALL_TEST_SEED={seed}");
    let mut random = Random::new(seed);
    let made = interfaces::make(seed, 30);
    let short = made.traits.iter().filter(|text| text.len() < 700).collect::<Vec<_>>();
    let pool = pool();
    let (mut accepted, mut refused, mut no_trait, mut errors) = (0_u32, 0_u32, 0_u32, 0_usize);
    for n in 0..count {
        let text = short[usize::try_from(random.below(short.len() as u64)).unwrap()];
        let (_, item) = text.split_once('\n').unwrap();
        let mut tokens: TokenStream = item.parse().unwrap();
        for _ in 0..1 + random.below(2) {
            tokens = changed(tokens, &pool, &mut random);
        }
        let text = tokens.to_string();
        // Places are those in this text.
        let Ok(tokens) = text.parse::<TokenStream>() else { continue };
        let generated = catch_unwind(|| nearcall_idl::interface(TokenStream::new(), text.parse().unwrap()))
            .unwrap_or_else(|_| panic!("seed {seed}, interface {n}: a panic over\n{text}"));
        let refusal = match syn::parse2::<ItemTrait>(tokens) {
            Ok(item) => nearcall_idl::read(item).err(),
            Err(error) => {
                no_trait += 1;
                Some(error)
            }
        };
        let output = generated.to_string();
        match refusal {
            None => {
                accepted += 1;
                assert!(!output.contains("compile_error"), "seed {seed}, interface {n}: accepted, and refused\n{text}");
                if let Err(error) = syn::parse2::<syn::File>(generated) {
                    panic!("seed {seed}, interface {n}: generates what is no Rust ({error})\n{text}");
                }
            }
            Some(refusal) => {
                refused += 1;
                assert!(output.contains("compile_error"), "seed {seed}, interface {n}: refused in silence\n{text}");
                for error in refusal {
                    errors += 1;
                    assert!(is_located(&error), "seed {seed}, interface {n}: {error:?} is nowhere in\n{text}");
                }
            }
        }
    }
    println!("{accepted} accepted, {refused} refused in {errors} places, of those {no_trait} no trait at all");
    assert!(accepted > 0 && refused > no_trait && no_trait > 0);
}
