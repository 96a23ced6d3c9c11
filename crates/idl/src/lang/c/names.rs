//! Names in C, where all of a program are in one scope.
//!
//! Types and constants begin with the file's name, procedures with that of their interface, unless they do so already: so the
//! paper's `pfs_open` in pfs.idl is `pfs_open`. Interfaces that are imported, and those called as a family of functions of the C
//! library, have the file's name before them: two files that import one can be in one program, and `sem_open` stays that
//! library's. Members and parameters are as they are written, but for words that mean something in C or in what is generated.

use std::collections::BTreeSet;

/// Words of C and C++, and what common headers and compilers define as macros in lower case.
const WORDS: &[&str] = &[
    "alignas",
    "alignof",
    "alloca",
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

/// What stubs call, and the types that they are made of: no name of a program, and none of a parameter, which would hide it.
const TAKEN: &[&str] = &[
    "calloc",
    "free",
    "int16_t",
    "int32_t",
    "int64_t",
    "int8_t",
    "intmax_t",
    "intptr_t",
    "malloc",
    "max_align_t",
    "memchr",
    "memcpy",
    "memset",
    "ptrdiff_t",
    "size_t",
    "ssize_t",
    "strlen",
    "uint16_t",
    "uint32_t",
    "uint64_t",
    "uint8_t",
    "uintmax_t",
    "uintptr_t",
];

/// What functions of the C library begin with: an interface of that name would have functions called as theirs, and every program
/// that is linked with them would call those instead.
const FAMILIES: &[&str] = &[
    "aio",
    "argz",
    "atomic",
    "backtrace",
    "call",
    "clock",
    "cnd",
    "dl",
    "dn",
    "envz",
    "epoll",
    "error",
    "ether",
    "eventfd",
    "fanotify",
    "fts",
    "getopt",
    "glob",
    "gnu",
    "iconv",
    "if",
    "inet",
    "inotify",
    "io",
    "key",
    "lio",
    "login",
    "malloc",
    "memfd",
    "mq",
    "mtx",
    "name",
    "nl",
    "ns",
    "obstack",
    "open",
    "pidfd",
    "pkey",
    "posix",
    "process",
    "pthread",
    "quick",
    "re",
    "register",
    "res",
    "sched",
    "sem",
    "shm",
    "signalfd",
    "svc",
    "sync",
    "thrd",
    "timer",
    "timerfd",
    "timespec",
    "tss",
    "xdr",
    "xprt",
];

/// Whether functions that begin with `name` may be the C library's.
pub(super) fn is_family(name: &str) -> bool {
    FAMILIES.contains(&name.split('_').next().unwrap_or_default())
}

/// Names that generated functions give to parameters of their own.
const OURS: &[&str] = &["binding", "self", "env", "result", "raised", "reply"];

/// Whether a name may be a macro: nothing else is in capitals, or begins with an underscore.
fn is_word(name: &str) -> bool {
    WORDS.contains(&name) || name.starts_with('_') || !name.contains(|c: char| c.is_ascii_lowercase())
}

/// A member: not what is a macro in the program.
pub(super) fn member(name: &str, taken: &mut BTreeSet<String>, globals: &Globals) -> String {
    apart(name, taken, &globals.macros)
}

/// A parameter: it hides what is called the same, behind it and in its function.
pub(super) fn param(name: &str, taken: &mut BTreeSet<String>, globals: &Globals) -> String {
    apart(name, taken, &globals.names)
}

fn apart(name: &str, taken: &mut BTreeSet<String>, others: &BTreeSet<String>) -> String {
    let mut name = name.to_owned();
    let is_ours = |name: &str| OURS.contains(&name) || name.starts_with("nc_") || name.starts_with("nearcall_");
    while is_word(&name) || is_ours(&name) || taken.contains(&name) || others.contains(&name) {
        // At the end, and at the beginning where something there is what makes it impossible.
        if name.starts_with('_') || !name.contains(|c: char| c.is_ascii_lowercase()) {
            name.insert_str(0, "x_");
        } else if name.starts_with("nc_") || name.starts_with("nearcall_") {
            name.insert(0, 'x');
        } else {
            name.push('_');
        }
    }
    taken.insert(name.clone());
    name
}

/// Names that a whole program sees.
#[derive(Debug)]
pub(in crate::lang) struct Globals {
    names: BTreeSet<String>,
    /// Those that are macros.
    macros: BTreeSet<String>,
}

impl Default for Globals {
    fn default() -> Self {
        Self { names: TAKEN.iter().map(|&name| name.to_owned()).collect(), macros: BTreeSet::new() }
    }
}

impl Globals {
    /// As [`claim`](Self::claim), for a macro.
    pub(super) fn claim_macro(&mut self, name: &str) -> String {
        let unique = self.claim(name);
        self.macros.insert(unique.clone());
        unique
    }

    /// `name`, or with a number behind it if that is another one's already.
    pub(super) fn claim(&mut self, name: &str) -> String {
        let mut unique = name.to_owned();
        for i in 2_u32.. {
            if self.names.insert(unique.clone()) {
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
        let mut globals = Globals::default();
        assert_eq!(globals.claim_macro("p_MOST"), "p_MOST");
        let names =
            ["int", "int_", "EOF", "_x", "env", "nc_head", "fine", "nearcall_put32", "p_MOST", "free", "int32_t"];
        let named: Vec<String> = names.iter().map(|name| member(name, &mut taken, &globals)).collect();
        let always = ["int_", "int__", "x_EOF", "x__x", "env_", "xnc_head", "fine", "xnearcall_put32", "p_MOST_"];
        assert_eq!(named, [&always[..], &["free", "int32_t"]].concat());
        taken.clear();
        let named: Vec<String> = names.iter().map(|name| param(name, &mut taken, &globals)).collect();
        assert_eq!(named, [&always[..], &["free_", "int32_t_"]].concat());
    }
}
