//! What lies on the disk where the prefix is: no function of the C library shows it, changes it, or starts it.

mod stage;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use stage::{Stage, compiled, library};

/// One line for each function, with a path in all ways in which one can be given.
const PROGRAM: &str = include_str!("hidden.c");

/// All there is below a directory, with what would tell of a change.
fn snapshot(directory: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let of = path.symlink_metadata().unwrap();
        let contents = if of.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
        let numbers = (of.ino(), of.mode(), of.nlink(), of.uid(), of.gid(), of.size());
        let times = (of.mtime_nsec(), of.mtime(), of.ctime_nsec(), of.ctime());
        all.push(format!("{} {numbers:?} {times:?} {contents:?}", path.display()));
        if of.is_dir() {
            all.extend(snapshot(&path));
        }
    }
    all.sort();
    all
}

#[test]
fn what_is_on_the_disk_below_the_prefix_is_neither_seen_nor_changed() {
    let stage = Stage::new();
    let Some(program) = compiled(stage.dir.path(), "hidden", PROGRAM) else { return };
    let real = stage.dir.path().join("real");
    fs::create_dir_all(real.join("one/dir/SECRETdir")).unwrap();
    fs::write(real.join("one/SECRET"), "SECRET contents").unwrap();
    fs::copy("/bin/echo", real.join("one/program")).unwrap();
    // Both have it, so that whatever is done to it by its name succeeds somewhere.
    fs::write(real.join("one/both"), "SECRET contents").unwrap();
    fs::write(stage.tree().join("both"), "served").unwrap();
    std::os::unix::fs::symlink("SECRET", real.join("one/link")).unwrap();
    std::os::unix::fs::symlink(stage.dir.path(), stage.dir.path().join("around")).unwrap();
    let before = snapshot(&real);
    for (vfs, prefix) in
        [("vfs", real.clone()), ("nobody", real.clone()), ("vfs", stage.dir.path().join("around/real"))]
    {
        let output = stage
            .command(program.to_str().unwrap())
            .env("NEARCALL_FILES_PREFIX", &prefix)
            .env("NEARCALL_FILES_VFS", vfs)
            .args([prefix.to_str().unwrap(), vfs])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.ends_with("done\n"), "{vfs}: {:?}\n{said}", output.status);
        assert!(!said.contains("SECRET"), "{vfs}: {said}");
        assert_eq!(snapshot(&real), before, "{vfs}: {said}");
    }
}

#[test]
fn a_prefix_that_fits_nothing_ends_the_program() {
    let stage = Stage::new();
    for prefix in ["n", "/", "//./", "/n\u{fffd}"] {
        let output = stage.command("cat").env("NEARCALL_FILES_PREFIX", prefix).arg("/etc/hostname").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        if prefix.starts_with("/n") {
            assert!(output.status.success(), "a name of UTF-8 fits: {said}");
            continue;
        }
        assert!(!output.status.success() && output.stdout.is_empty() && said.contains("PREFIX"), "{prefix}: {said}");
    }
    use std::os::unix::ffi::OsStrExt;
    let bytes = std::ffi::OsStr::from_bytes(b"/n\xff");
    let output = stage.command("cat").env("NEARCALL_FILES_PREFIX", bytes).arg("/etc/hostname").output().unwrap();
    assert!(!output.status.success() && output.stdout.is_empty());
    assert!(library().is_file());
}
