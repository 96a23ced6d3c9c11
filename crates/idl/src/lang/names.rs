//! Names: what those of an `.idl` become in Rust, and which one an author may have meant.

/// Words that Rust keeps even with `r#`.
const UNSPEAKABLE: &[&str] = &["self", "Self", "super", "crate", "_"];

/// Variants that patterns mean wherever they stand: no parameter can be called so.
const VARIANTS: &[&str] = &["Ok", "Err", "Some", "None"];

/// Words that the workspace's edition keeps and syn, which knows older ones, lets through.
const LATER_WORDS: &[&str] = &["gen"];

/// Types of Rust that mean something to the interface compiler.
const TAKEN: &[&str] = &["Result", "String", "Vec", "Option", "Box", "Self"];

/// `dir_entry` and `DIR_ENTRY` as `DirEntry`: types and variants. What has no underscore keeps its capitals, unless it has
/// nothing else.
pub(crate) fn camel(name: &str) -> String {
    let mut out = String::new();
    for word in name.split('_').filter(|word| !word.is_empty()) {
        let shouts = word.len() > 1 && !word.contains(|c: char| c.is_ascii_lowercase());
        let mut chars = word.chars();
        if let Some(first) = chars.next() {
            // `1_2` must not become `12`, which is another name.
            if out.ends_with(|c: char| c.is_ascii_digit()) && first.is_ascii_digit() {
                out.push('_');
            }
            out.push(first.to_ascii_uppercase());
            out.extend(chars.map(|c| if shouts { c.to_ascii_lowercase() } else { c }));
        }
    }
    if !out.starts_with(|c: char| c.is_ascii_alphabetic()) {
        out.insert(0, '_');
    }
    out
}

/// Why `name` cannot be a name in Rust as it is.
pub(crate) fn unfit(name: &str) -> Option<&'static str> {
    if UNSPEAKABLE.contains(&name) {
        return Some("Rust has no way to use this name");
    }
    name.starts_with("__").then_some("names that begin with `__` belong to generated code")
}

/// Whether `name` in a pattern would be a variant of the prelude.
pub(crate) fn is_variant(name: &str) -> bool {
    VARIANTS.contains(&name)
}

/// Whether Rust needs `r#` before `name`, beside the words that syn knows.
pub(crate) fn is_later_word(name: &str) -> bool {
    LATER_WORDS.contains(&name)
}

/// What a file called `stem` is in names: a dash or a dot is an underscore there.
pub(crate) fn module(stem: &str) -> String {
    let word = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' };
    stem.chars().map(word).collect()
}

/// Why what is generated for a file cannot begin with its name, as [`module`] has it.
pub(crate) fn unfit_module(module: &str) -> Option<&'static str> {
    if !module.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Some("the file's name, with which generated names begin, does not begin with a letter from a to z");
    }
    // `nearcall_stub.idl` would write over the library's own header.
    if is_librarys(module) {
        return Some("the file's name, with which generated names begin, begins as the library's own names do");
    }
    unfit(module).map(|_| "Rust has no way to use the file's name for a module")
}

/// Whether names that begin with this one begin as the library's own do, in C.
pub(crate) fn is_librarys(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "nearcall" || name.starts_with("nearcall_")
}

/// Whether a type may not be called so in Rust.
pub(crate) fn is_taken(rust: &str) -> bool {
    TAKEN.contains(&rust)
}

/// The one of `known` that `name` may be a slip of.
pub(crate) fn similar<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Longer ones are not worth the time.
    if name.len() > 40 {
        return None;
    }
    let (most, name) = (name.len().div_ceil(3), name.to_ascii_lowercase());
    known
        .into_iter()
        .filter(|other| other.len() <= 40)
        .map(|other| (distance(&name, &other.to_ascii_lowercase()), other))
        .filter(|(distance, _)| *distance <= most && *distance < name.len())
        .min()
        .map(|(_, other)| other)
}

/// How many letters must be changed, added or removed (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (y, above) in b.bytes().zip(row.iter_mut().skip(1)) {
            let here = (diagonal + usize::from(x != y)).min(left + 1).min(*above + 1);
            diagonal = std::mem::replace(above, here);
            left = here;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_variants_are_in_camel_case() {
        for (name, camelled) in [
            ("pfs", "Pfs"),
            ("dir_entry", "DirEntry"),
            ("DirEntry", "DirEntry"),
            ("NOT_FOUND", "NotFound"),
            ("E", "E"),
            ("IO", "Io"),
            ("IOError", "IOError"),
            ("v1_2", "V1_2"),
            ("_", "_"),
        ] {
            assert_eq!(camel(name), camelled);
        }
    }

    #[test]
    fn slips_are_recognised() {
        assert_eq!(similar("sise_is", ["size_is", "length_is"]), Some("size_is"));
        assert_eq!(similar("lenght_is", ["size_is", "length_is"]), Some("length_is"));
        assert_eq!(similar("frobnicate", ["size_is", "length_is"]), None);
        assert_eq!(similar("", ["in"]), None);
    }
}
