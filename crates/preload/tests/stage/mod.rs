//! What the tests have in common: a server in this process, and programs that are run on it.

#![allow(dead_code, reason = "each test uses what it needs")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use nearcall::{Binder, Export, Exporter};
use nearcall_files::VfsServer;
use nearcall_files::pfs::Pfs;
use nearcall_files::vfs::Mounts;

/// The library, beside this test's own program.
pub(crate) fn library() -> PathBuf {
    let deps = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let found = [deps.clone(), deps.parent().unwrap().to_owned()].map(|dir| dir.join("libnearcall_preload.so"));
    found.iter().find(|path| path.is_file()).expect("the library is built with its tests").clone()
}

/// Pages of the cache: far less than the tree has.
pub(crate) const PAGES: usize = 512;

/// A server, seen at `/nearcall-n/one`, and the same directory on the disk.
pub(crate) struct Stage {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) pfs: Arc<Pfs>,
    // Dropped before the directory.
    _exports: [Export; 2],
}

pub(crate) const SEEN: &str = "/nearcall-n/one";

impl Stage {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (names, tree) = (dir.path().join("names"), dir.path().join("tree"));
        fs::create_dir(&names).unwrap();
        fs::create_dir(&tree).unwrap();
        let pfs = Arc::new(Pfs::new(&tree, PAGES).unwrap());
        let one = Arc::clone(&pfs).export(Exporter::new("pfs").dir(&names)).unwrap();
        let mounts = Mounts::new().mount("one", Binder::new("pfs").dir(&names)).unwrap();
        let vfs = Exporter::new("vfs").dir(&names).export(VfsServer::new(mounts)).unwrap();
        Self { dir, pfs, _exports: [vfs, one] }
    }

    pub(crate) fn tree(&self) -> PathBuf {
        self.dir.path().join("tree")
    }

    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("LD_PRELOAD", library())
            .env("NEARCALL_FILES_PREFIX", "/nearcall-n")
            .env("NEARCALL_DIR", self.dir.path().join("names"))
            .env("LC_ALL", "C")
            .current_dir(self.dir.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs a line of a shell, in which `$N` is the tree: on the server, and on the disk.
    pub(crate) fn shell(&self, line: &str, tree: &str) -> Output {
        let mut command = self.command("/bin/sh");
        if !tree.starts_with(SEEN) {
            command.env_remove("LD_PRELOAD");
        }
        command.args(["-c", line]).env("N", tree).output().unwrap()
    }

    pub(crate) fn served(&self, line: &str) -> Output {
        self.shell(line, SEEN)
    }

    /// The same on both, and successful.
    pub(crate) fn same(&self, line: &str) -> String {
        let (served, real) = (self.served(line), self.shell(line, self.tree().to_str().unwrap()));
        let text = |bytes: &[u8], tree: &str| String::from_utf8_lossy(bytes).replace(tree, "$N");
        let of = |output: &Output, tree: &str| {
            (text(&output.stdout, tree), text(&output.stderr, tree), output.status.code())
        };
        let (served, real) = (of(&served, SEEN), of(&real, self.tree().to_str().unwrap()));
        assert!(served == real, "{line}\nserved: {served:?}\n  disk: {real:?}");
        assert_eq!(served.2, Some(0), "{line}: {}", served.1);
        served.0
    }
}

/// A C program; `None`, loudly, where there is no compiler and nobody has said that there must be one.
pub(crate) fn compiled(dir: &Path, name: &str, text: &str) -> Option<PathBuf> {
    let (source, program) = (dir.join(format!("{name}.c")), dir.join(name));
    fs::write(&source, text).unwrap();
    if !is_there("cc") {
        return None;
    }
    let built = Command::new("cc").args(["-O1", "-w", "-pthread", "-o"]).args([&program, &source]).arg("-ldl").status();
    assert!(built.unwrap().success(), "{name}.c");
    Some(program)
}

/// Whether there is a program. If not, it says so where it is seen though the test passes; with `NEARCALL_TEST_ALL` set the test
/// fails instead.
pub(crate) fn is_there(program: &str) -> bool {
    let is_there = Command::new(program).arg("--version").output().is_ok();
    if !is_there {
        assert!(std::env::var_os("NEARCALL_TEST_ALL").is_none(), "not tested: there is no {program}");
        // Not by a macro: the output of tests that pass is kept from people.
        let _ = writeln!(std::io::stderr(), "\n!!! SKIPPED: there is no {program}\n");
    }
    is_there
}
