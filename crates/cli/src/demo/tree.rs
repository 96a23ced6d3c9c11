//! Which files of a tree the demo takes, decided the same way by two processes.
//!
//! The parent walks the tree with its own rights, the client walks it by calls. Both follow these rules, so the parent
//! knows what the client must have read without believing it. Nothing here opens a file: a [`Source`] does.

use super::files::{Entry, FileError, Kind, Stat};

/// Where a walk gets its names from.
pub(crate) trait Source {
    /// Sorted names of a directory.
    fn list(&mut self, path: &str) -> Result<Vec<Entry>, SourceError>;
    /// What one path is.
    fn stat(&mut self, path: &str) -> Result<Stat, SourceError>;
}

/// Why a source gave nothing.
#[derive(Debug)]
pub(crate) enum SourceError {
    /// This file or directory: the walk notes it and goes on.
    File(FileError),
    /// The source itself: the walk ends.
    Source(anyhow::Error),
}

impl From<FileError> for SourceError {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

impl Source for super::root::Root {
    fn list(&mut self, path: &str) -> Result<Vec<Entry>, SourceError> {
        Ok(Self::list(self, path)?)
    }

    fn stat(&mut self, path: &str) -> Result<Stat, SourceError> {
        Ok(Self::stat(self, path)?)
    }
}

/// How much of a tree is taken.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Bounds {
    /// Files to take at most; the walk ends there
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    pub(crate) limit_files: u64,

    /// Bytes to take at most; a file that would exceed them is left out, and said so
    #[arg(long, value_name = "BYTES", default_value_t = 256 << 20)]
    pub(crate) max_bytes: u64,
}

/// What a walk goes by.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) bounds: Bounds,
    /// A directory that is not part of the tree: the demo's own, when it lies in the tree.
    pub(crate) own: Option<String>,
}

/// Names of directories that hold what can be made again, or what is no work of the user's.
const SKIPPED: [&str; 2] = ["target", ".git"];

/// Entries looked at for each file that may be taken, before a walk that finds few files ends.
const ENTRIES_PER_FILE: u64 = 16;

/// A file that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) path: String,
    pub(crate) stat: Stat,
}

/// What a walk found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Walk {
    /// Directories, each after the one it lies in; the tree itself is not among them.
    pub(crate) directories: Vec<String>,
    /// Files that were taken.
    pub(crate) files: Vec<Found>,
    /// Bytes of these.
    pub(crate) bytes: u64,
    /// Symbolic links, which are left out.
    pub(crate) symlinks: u64,
    /// Sockets, pipes and devices, which are left out.
    pub(crate) special: u64,
    /// Directories that were skipped for their name.
    pub(crate) skipped: Vec<String>,
    /// Names that are not UTF-8, and therefore not expressible as a path of the interface.
    pub(crate) not_utf8: Vec<String>,
    /// What could not be looked at, and why.
    pub(crate) unreadable: Vec<(String, FileError)>,
    /// Files left out because of the bound on bytes, and their bytes.
    pub(crate) too_big: (u64, u64),
    /// Whether the walk ended at the bound on files, so that nobody knows how many there are.
    pub(crate) cut: bool,
}

/// Walks `source` by the `rules`, depth first, names in the order of their bytes.
///
/// # Errors
/// Only [`SourceError::Source`]'s: the source broke. A tree that cannot be listed at all is `unreadable`.
pub(crate) fn walk(source: &mut impl Source, rules: &Rules) -> anyhow::Result<Walk> {
    let mut walk = Walk::default();
    let mut entries_left = rules.bounds.limit_files.saturating_mul(ENTRIES_PER_FILE);
    // A stack of paths instead of recursion: the depth of a tree is its owner's choice.
    let mut open = vec![String::from(".")];
    while let Some(directory) = open.pop() {
        let entries = match source.list(&directory) {
            Ok(entries) => entries,
            Err(SourceError::File(error)) => {
                walk.unreadable.push((directory, error));
                continue;
            }
            Err(SourceError::Source(error)) => return Err(error),
        };
        if directory != "." {
            walk.directories.push(directory.clone());
        }
        let mut below = Vec::new();
        for Entry { kind, name } in entries {
            if walk.files.len() as u64 + walk.too_big.0 >= rules.bounds.limit_files || entries_left == 0 {
                walk.cut = true;
                return Ok(walk);
            }
            entries_left -= 1;
            let Ok(name) = std::str::from_utf8(&name) else {
                walk.not_utf8.push(join(&directory, &String::from_utf8_lossy(&name)));
                continue;
            };
            let path = join(&directory, name);
            match kind {
                Kind::Symlink => walk.symlinks += 1,
                Kind::Special => walk.special += 1,
                Kind::Directory if rules.own.as_deref() == Some(path.as_str()) => {}
                Kind::Directory if SKIPPED.contains(&name) => walk.skipped.push(path),
                Kind::Directory => below.push(path),
                Kind::File => match source.stat(&path) {
                    Ok(stat) => walk.take(path, stat, rules),
                    Err(SourceError::File(error)) => walk.unreadable.push((path, error)),
                    Err(SourceError::Source(error)) => return Err(error),
                },
            }
        }
        open.extend(below.into_iter().rev());
    }
    Ok(walk)
}

impl Walk {
    fn take(&mut self, path: String, stat: Stat, rules: &Rules) {
        if stat.size > rules.bounds.max_bytes.saturating_sub(self.bytes) {
            self.too_big.0 += 1;
            self.too_big.1 = self.too_big.1.saturating_add(stat.size);
        } else {
            self.bytes += stat.size;
            self.files.push(Found { path, stat });
        }
    }
}

fn join(directory: &str, name: &str) -> String {
    if directory == "." { name.to_owned() } else { format!("{directory}/{name}") }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// A tree in a table: path of a file to its size, of a directory to `None`.
    struct Table(BTreeMap<&'static str, Option<u64>>);

    impl Source for Table {
        fn list(&mut self, path: &str) -> Result<Vec<Entry>, SourceError> {
            if path == "locked" {
                return Err(FileError::Denied.into());
            }
            let prefix = if path == "." { String::new() } else { format!("{path}/") };
            let below = self.0.iter().filter_map(|(name, size)| Some((name.strip_prefix(&prefix)?, size)));
            let entry = |(name, size): (&str, &Option<u64>)| Entry {
                kind: if size.is_some() { Kind::File } else { Kind::Directory },
                name: name.as_bytes().to_vec(),
            };
            Ok(below.filter(|(name, _)| !name.contains('/')).map(entry).collect())
        }

        fn stat(&mut self, path: &str) -> Result<Stat, SourceError> {
            let size = self.0[path].ok_or(FileError::WrongKind)?;
            Ok(Stat { kind: Kind::File, size, inode: 0, modified: 0, changed: 0 })
        }
    }

    fn table() -> Table {
        let files = ["a", "sub/b", "sub/deep/c", "zoo/target/x", "z"];
        let directories = ["sub", "sub/deep", "zoo", "zoo/target", ".git", "locked", "own"];
        let files = files.into_iter().map(|path| (path, Some(10)));
        Table(files.chain(directories.into_iter().map(|path| (path, None))).collect())
    }

    fn walked(limit_files: u64, max_bytes: u64) -> Walk {
        walk(&mut table(), &Rules { bounds: Bounds { limit_files, max_bytes }, own: Some("own".into()) }).unwrap()
    }

    #[test]
    fn takes_and_leaves_out() {
        let walk = walked(100, 100);
        let paths: Vec<_> = walk.files.iter().map(|found| found.path.as_str()).collect();
        assert_eq!(paths, ["a", "z", "sub/b", "sub/deep/c"]);
        assert_eq!(walk.directories, ["sub", "sub/deep", "zoo"]);
        assert_eq!(walk.skipped, [".git", "zoo/target"]);
        assert_eq!(walk.unreadable, [("locked".into(), FileError::Denied)]);
        assert_eq!((walk.bytes, walk.cut, walk.too_big), (40, false, (0, 0)));
    }

    #[test]
    fn stops_at_its_bounds() {
        let walk = walked(2, 100);
        assert_eq!((walk.files.len(), walk.cut), (2, true));
        let walk = walked(100, 25);
        assert_eq!((walk.files.len(), walk.bytes, walk.too_big, walk.cut), (2, 20, (2, 20), false));
    }
}
