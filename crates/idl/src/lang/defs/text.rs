//! What stands in a `.defs` for other programs: the lines of the preprocessor, and imports of C headers. They are taken out, so that
//! the lexer of `.idl` files reads the rest; what remains stays where it was.

use super::super::diagnostics::Found;
use super::super::source::Span;

/// `#include`, which is another `.defs`.
#[derive(Debug)]
pub(super) struct Include {
    pub(super) path: String,
    /// In angle brackets.
    pub(super) is_system: bool,
    pub(super) span: Span,
}

/// A text without those lines.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) text: String,
    pub(super) includes: Vec<Include>,
    /// C headers as they are spelled.
    pub(super) imports: Vec<String>,
}

const IMPORTS: &[&str] = &["import", "uimport", "simport", "iimport", "dimport"];

pub(super) fn prepare(file: u32, text: &str, found: &mut Found) -> Prepared {
    let mut blank = text.as_bytes().to_vec();
    let (mut includes, mut imports) = (Vec::new(), Vec::new());
    let span = |start: usize, end: usize| {
        let offset = |at| u32::try_from(at).unwrap_or(u32::MAX);
        Span { file, start: offset(start), end: offset(end) }
    };
    let mut wipe = |from: usize, to: usize| {
        for byte in blank.get_mut(from..to).unwrap_or_default().iter_mut().filter(|byte| **byte != b'\n') {
            *byte = b' ';
        }
    };
    // Where a line, and where a statement may begin.
    let (mut at, mut new_line, mut new_statement) = (0, true, true);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let to = |mark: &str| rest.find(mark).map_or(rest.len(), |found| found + mark.len());
        let first = rest.chars().next().unwrap_or(' ');
        let size = match first {
            '/' if rest.starts_with("/*") => to("*/"),
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '\n' => {
                new_line = true;
                1
            }
            ' ' | '\t' | '\r' => 1,
            '#' if new_line => {
                let size = rest.find('\n').unwrap_or(rest.len());
                let line = rest.get(1..size).unwrap_or_default().trim();
                match included(line) {
                    Some((path, is_system)) => {
                        let span = span(at, at + size);
                        includes.push(Include { path: path.to_owned(), is_system, span });
                    }
                    None => {
                        let word = line.split_whitespace().next().unwrap_or_default();
                        let what = format!("there is no preprocessor: `#{word}`");
                        found.error(span(at, at + size), what, "only `#include` of another `.defs` is read");
                    }
                }
                wipe(at, at + size);
                size
            }
            c if c.is_ascii_alphabetic() => {
                let word = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
                let name = rest.get(..word).unwrap_or_default();
                if new_statement && IMPORTS.contains(&name) {
                    let size = to(";");
                    let header = rest.get(word..size).unwrap_or_default().trim_end_matches(';').trim();
                    imports.push(header.to_owned());
                    wipe(at, at + size);
                    size
                } else {
                    (new_line, new_statement) = (false, false);
                    word
                }
            }
            c => {
                (new_line, new_statement) = (false, c == ';');
                c.len_utf8()
            }
        };
        at += size;
    }
    Prepared { text: String::from_utf8(blank).unwrap_or_default(), includes, imports }
}

/// The path of `include <..>` or `include ".."`, and whether it is the former.
fn included(line: &str) -> Option<(&str, bool)> {
    let path = line.strip_prefix("include")?.trim();
    let quoted = path.strip_prefix('"').and_then(|path| path.split_once('"'));
    let system = path.strip_prefix('<').and_then(|path| path.split_once('>'));
    quoted.map(|(path, _)| (path, false)).or(system.map(|(path, _)| (path, true)))
}
