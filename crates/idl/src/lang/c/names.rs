//! Names in C, where all of a program are in one scope.
//!
//! Types and constants begin with the file's name, procedures with that of their interface, unless they do so already: so the
//! paper's `pfs_open` in pfs.idl is `pfs_open`. Members are as they are written, but for words that mean something in C.

use std::collections::BTreeSet;

/// Words of C and C++, and what common headers and compilers define as macros in lower case.
const WORDS: &[&str] = &[
    "alignas",
    "alignof",
    "and",
    "and_eq",
    "asm",
    "assert",
    "auto",
    "bitand",
    "bitor",
    "bool",
    "break",
    "case",
    "catch",
    "char",
    "class",
    "compl",
    "complex",
    "const",
    "constexpr",
    "continue",
    "decltype",
    "default",
    "delete",
    "do",
    "double",
    "else",
    "enum",
    "errno",
    "explicit",
    "export",
    "extern",
    "false",
    "float",
    "for",
    "friend",
    "goto",
    "if",
    "imaginary",
    "inline",
    "int",
    "linux",
    "long",
    "mutable",
    "namespace",
    "new",
    "noexcept",
    "noreturn",
    "not",
    "not_eq",
    "nullptr",
    "offsetof",
    "operator",
    "or",
    "or_eq",
    "private",
    "protected",
    "public",
    "register",
    "restrict",
    "return",
    "short",
    "signed",
    "sizeof",
    "static",
    "stderr",
    "stdin",
    "stdout",
    "struct",
    "switch",
    "template",
    "this",
    "thread_local",
    "throw",
    "true",
    "try",
    "typedef",
    "typeid",
    "typename",
    "typeof",
    "union",
    "unix",
    "unsigned",
    "using",
    "virtual",
    "void",
    "volatile",
    "wchar_t",
    "while",
    "xor",
    "xor_eq",
];

/// Names that generated functions give to parameters of their own.
const OURS: &[&str] = &["binding", "self", "env", "result", "raised", "reply"];

/// Whether a name may be a macro: nothing else is in capitals, or begins with an underscore.
fn is_word(name: &str) -> bool {
    WORDS.contains(&name) || name.starts_with('_') || !name.contains(|c: char| c.is_ascii_lowercase())
}

/// A member or a parameter.
pub(super) fn member(name: &str, taken: &mut BTreeSet<String>) -> String {
    let mut name = name.to_owned();
    while is_word(&name) || OURS.contains(&name.as_str()) || name.starts_with("nc_") || taken.contains(&name) {
        // At the end, and at the beginning where something there is what makes it impossible.
        if name.starts_with('_') || !name.contains(|c: char| c.is_ascii_lowercase()) {
            name.insert_str(0, "x_");
        } else if name.starts_with("nc_") {
            name.insert(0, 'x');
        } else {
            name.push('_');
        }
    }
    taken.insert(name.clone());
    name
}

/// Names that a whole program sees.
#[derive(Debug, Default)]
pub(super) struct Globals(BTreeSet<String>);

impl Globals {
    /// `name`, or with a number behind it if that is another one's already.
    pub(super) fn claim(&mut self, name: &str) -> String {
        let mut unique = name.to_owned();
        for i in 2_u32.. {
            if self.0.insert(unique.clone()) {
                break;
            }
            unique = format!("{name}_{i}");
        }
        unique
    }
}

/// `DirEntry` as `dir_entry`.
pub(super) fn snake(name: &str) -> String {
    let mut out = String::new();
    let mut before = '_';
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        let begins = c.is_ascii_uppercase()
            && (before.is_ascii_lowercase()
                || before.is_ascii_digit()
                || before.is_ascii_uppercase() && chars.peek().is_some_and(char::is_ascii_lowercase));
        if begins {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
        before = c;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_types_are_as_authors_in_c_write_them() {
        for (name, snaked) in
            [("DirEntry", "dir_entry"), ("Pfs", "pfs"), ("IOError", "io_error"), ("V1_2", "v1_2"), ("_", "_")]
        {
            assert_eq!(snake(name), snaked);
        }
    }

    #[test]
    fn no_member_is_a_word_or_one_of_ours() {
        let mut taken = BTreeSet::new();
        let named: Vec<String> = ["int", "int_", "EOF", "_x", "env", "nc_head", "fine"]
            .iter()
            .map(|name| member(name, &mut taken))
            .collect();
        assert_eq!(named, ["int_", "int__", "x_EOF", "x__x", "env_", "xnc_head", "fine"]);
    }
}
