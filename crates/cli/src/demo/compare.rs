//! The parent's judgement: what the client read and what the server wrote, against the originals, byte for byte.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;

use serde::Serialize;

use super::files::FileError;
use super::root::Root;
use super::tree::{Found, Walk};

/// What the client said of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// Read and copied.
    Copied,
    /// The server refused it, for this reason.
    Refused(String),
}

/// A file, and what is to be said of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Named {
    pub(crate) path: String,
    pub(crate) why: String,
}

/// The outcome over a tree. A file is counted once.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Comparison {
    /// Files of which both copies equal the original.
    pub(crate) same_files: u64,
    /// Bytes of these.
    pub(crate) same_bytes: u64,
    /// Files that somebody changed during the run, so that nothing can be said.
    pub(crate) changed: Vec<Named>,
    /// Files that neither the server nor we can read.
    pub(crate) unreadable: Vec<Named>,
    /// Files of which a copy differs or is missing: the calls failed.
    pub(crate) differing: Vec<Named>,
}

/// The three trees.
#[derive(Debug)]
pub(crate) struct Trees<'a> {
    /// The originals.
    pub(crate) tree: &'a Root,
    /// What the client read.
    pub(crate) spool: &'a Root,
    /// What the server wrote.
    pub(crate) copy: &'a Root,
}

/// Compares all files of `expected`, the walk before the run.
pub(crate) fn compare(trees: &Trees<'_>, expected: &Walk, said: &HashMap<String, Said>) -> Comparison {
    let mut outcome = Comparison::default();
    let unreadable = |(path, error): &(String, FileError)| Named { path: path.clone(), why: error.to_string() };
    outcome.unreadable.extend(expected.unreadable.iter().map(unreadable));
    for found in &expected.files {
        let named = |why: String| Named { path: found.path.clone(), why };
        match trees.verdict(found, said.get(&found.path)) {
            Verdict::Same => {
                outcome.same_files += 1;
                outcome.same_bytes += found.stat.size;
            }
            Verdict::Changed(why) => outcome.changed.push(named(why)),
            Verdict::Unreadable(why) => outcome.unreadable.push(named(why)),
            Verdict::Differs(why) => outcome.differing.push(named(why)),
        }
    }
    outcome
}

enum Verdict {
    Same,
    Changed(String),
    Unreadable(String),
    Differs(String),
}

impl Trees<'_> {
    fn verdict(&self, found: &Found, said: Option<&Said>) -> Verdict {
        let why = match (self.tree.file(&found.path), said) {
            (Err(error), _) => Err(Verdict::Unreadable(error.to_string())),
            (Ok(original), Some(Said::Copied)) => self.first_difference(found, original),
            (Ok(_), Some(Said::Refused(why))) => Ok(Some(format!("the server refused it: {why}"))),
            (Ok(_), None) => Ok(Some("the client never read it".to_owned())),
        };
        let why = match why {
            Ok(None) => return Verdict::Same,
            Ok(Some(why)) => Verdict::Differs(why),
            Err(verdict) => verdict,
        };
        // Only now: a file that changed and is the same all the same was read after the change.
        match self.tree.stat(&found.path) {
            Ok(now) if now == found.stat => why,
            Ok(_) => Verdict::Changed("was changed during the run".to_owned()),
            Err(FileError::NotFound) => Verdict::Changed("was removed during the run".to_owned()),
            Err(_) => why,
        }
    }

    /// The first difference of the three files, or nothing.
    fn first_difference(&self, found: &Found, original: File) -> Result<Option<String>, Verdict> {
        let mut copies = Vec::new();
        for (name, root) in [("the bytes that the client read", self.spool), ("the copy", self.copy)] {
            match root.file(&found.path) {
                Ok(file) => copies.push((name, file)),
                Err(error) => return Ok(Some(format!("{name} cannot be opened: {error}"))),
            }
        }
        let unreadable = |error: std::io::Error| Verdict::Unreadable(error.to_string());
        let mut original = original;
        let mut at = 0;
        loop {
            let expected = chunk(&mut original).map_err(unreadable)?;
            for (name, file) in &mut copies {
                let Ok(bytes) = chunk(file) else { return Ok(Some(format!("{name} cannot be read back"))) };
                if bytes != expected {
                    let same = bytes.iter().zip(&expected).take_while(|(a, b)| a == b).count() as u64;
                    return Ok(Some(format!("{name} differs from byte {} on", at + same)));
                }
            }
            at += expected.len() as u64;
            if expected.len() < CHUNK {
                break;
            }
        }
        // Equal bytes of a file that is longer or shorter than its size said, like those of /proc.
        if at == found.stat.size {
            Ok(None)
        } else {
            Err(Verdict::Changed(format!("holds {at} bytes, but {} were announced", found.stat.size)))
        }
    }
}

/// Bytes compared at a time.
const CHUNK: usize = 64 << 10;

/// The next [`CHUNK`] bytes; fewer at the end of the file.
fn chunk(file: &mut File) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(CHUNK);
    file.take(CHUNK as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether the file `kept` holds exactly the first `len` bytes of `path` in `tree`.
pub(crate) fn same_range(tree: &Root, path: &str, kept: &mut File, len: u64) -> Result<bool, anyhow::Error> {
    let mut original = tree.file(path)?.take(len);
    let (mut expected, mut bytes) = (Vec::new(), Vec::new());
    original.read_to_end(&mut expected)?;
    kept.read_to_end(&mut bytes)?;
    Ok(expected == bytes && bytes.len() as u64 == len)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::tree::{Bounds, Rules, walk};
    use super::*;

    struct Three(tempfile::TempDir);

    impl Three {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            for name in ["tree", "spool", "copy"] {
                fs::create_dir(dir.path().join(name)).unwrap();
            }
            Self(dir)
        }

        fn write(&self, roots: &[&str], path: &str, contents: &[u8]) {
            for root in roots {
                fs::write(self.0.path().join(root).join(path), contents).unwrap();
            }
        }

        fn root(&self, name: &str) -> Root {
            Root::new(&self.0.path().join(name)).unwrap()
        }

        fn walk(&self) -> Walk {
            let bounds = Bounds { limit_files: 100, max_bytes: 1 << 30 };
            walk(&mut self.root("tree"), &Rules { bounds, own: None }).unwrap()
        }

        fn compare(&self, expected: &Walk, refused: &[&str]) -> Comparison {
            let said = expected.files.iter().filter(|found| found.path != "forgotten").map(|found| {
                let refused = refused.contains(&found.path.as_str());
                (found.path.clone(), if refused { Said::Refused("no".into()) } else { Said::Copied })
            });
            let (tree, spool, copy) = (self.root("tree"), self.root("spool"), self.root("copy"));
            compare(&Trees { tree: &tree, spool: &spool, copy: &copy }, expected, &said.collect())
        }
    }

    const ALL: &[&str] = &["tree", "spool", "copy"];

    fn paths(named: &[Named]) -> Vec<&str> {
        named.iter().map(|named| named.path.as_str()).collect()
    }

    #[test]
    fn every_difference_is_found() {
        let three = Three::new();
        let big: Vec<u8> = (0..200_000_u32).map(|i| (i % 251) as u8).collect();
        for path in ["same", "read-wrong", "copy-short", "copy-long", "gone", "refused", "forgotten"] {
            three.write(ALL, path, &big);
        }
        let mut wrong = big.clone();
        wrong[150_000] ^= 1;
        three.write(&["spool"], "read-wrong", &wrong);
        three.write(&["copy"], "copy-short", &big[..131_072]);
        wrong.clone_from(&big);
        wrong.push(0);
        three.write(&["copy"], "copy-long", &wrong);
        fs::remove_file(three.0.path().join("copy/gone")).unwrap();

        let outcome = three.compare(&three.walk(), &["refused"]);
        assert_eq!((outcome.same_files, outcome.same_bytes), (1, 200_000));
        let expected = ["copy-long", "copy-short", "forgotten", "gone", "read-wrong", "refused"];
        assert_eq!(paths(&outcome.differing), expected);
        let why: Vec<_> = outcome.differing.iter().map(|named| named.why.as_str()).collect();
        assert_eq!(why[0], "the copy differs from byte 200000 on");
        assert_eq!(why[1], "the copy differs from byte 131072 on");
        assert_eq!(why[4], "the bytes that the client read differs from byte 150000 on");
        assert!(outcome.changed.is_empty() && outcome.unreadable.is_empty());
    }

    #[test]
    fn changes_of_others_are_not_ours() {
        let three = Three::new();
        for path in ["edited", "removed", "edited-back"] {
            three.write(ALL, path, b"contents");
        }
        let before = three.walk();
        three.write(&["tree"], "edited", b"different");
        three.write(&["tree"], "edited-back", b"contents");
        fs::remove_file(three.0.path().join("tree/removed")).unwrap();
        let outcome = three.compare(&before, &[]);
        assert_eq!(paths(&outcome.changed), ["edited", "removed"]);
        assert_eq!((outcome.same_files, outcome.differing.len()), (1, 0));
    }
}
