//! `nearcall demo` on a small tree that holds every kind of thing a tree can hold.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, Mode};
use serde_json::Value;

/// The demo on `dir`, with its own files in `temp`, without the environment of a login.
fn demo(dir: &Path, temp: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nearcall"));
    command.arg("demo").arg(dir).env("TMPDIR", temp).env_remove("XDG_RUNTIME_DIR").env_remove("NEARCALL_DIR");
    command
}

fn json(output: &Output) -> Value {
    let error = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}; {:?}: {error}", output.status))
}

/// A directory for the demo's files, through which other users can pass, and the tree, which is private.
fn places() -> (tempfile::TempDir, tempfile::TempDir) {
    use std::os::unix::fs::PermissionsExt;
    let (temp, tree) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::set_permissions(temp.path(), fs::Permissions::from_mode(0o711)).unwrap();
    fs::set_permissions(tree.path(), fs::Permissions::from_mode(0o700)).unwrap();
    (temp, tree)
}

fn empty(dir: &Path) -> bool {
    fs::read_dir(dir).unwrap().next().is_none()
}

/// Waits for what happens in another process.
fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "{what}: not within 20 s");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn fill(tree: &Path) -> u64 {
    let contents = |len: usize| (0..len).map(|i| (i * 7 % 251) as u8).collect::<Vec<_>>();
    fs::create_dir_all(tree.join("sub/deep/empty-directory")).unwrap();
    fs::create_dir_all(tree.join("größe/日本")).unwrap();
    fs::create_dir_all(tree.join("sub/target")).unwrap();
    fs::create_dir(tree.join(".git")).unwrap();
    fs::write(tree.join("sub/target/left-out"), "x").unwrap();
    fs::write(tree.join(".git/left-out"), "x").unwrap();
    let sizes = [
        ("empty", 0),
        ("one", 1),
        ("sub/4095", 4095),
        ("sub/4096", 4096),
        ("sub/deep/4097", 4097),
        ("sub/deep/mebibyte", 1 << 20),
        ("größe/日本/ファイル", 10_000),
        ("with space and \"quotes\"\n", 5),
    ];
    for (path, size) in sizes {
        fs::write(tree.join(path), contents(size)).unwrap();
    }
    symlink("/etc/passwd", tree.join("link")).unwrap();
    symlink("nowhere", tree.join("sub/dangling")).unwrap();
    rustix::fs::mkfifoat(CWD, tree.join("pipe"), Mode::RUSR | Mode::WUSR).unwrap();
    fs::write(tree.join(std::ffi::OsStr::from_bytes(b"not-utf8-\xff")), "x").unwrap();
    sizes.iter().map(|(_, size)| *size as u64).sum()
}

#[test]
fn whole_run() {
    let (temp, tree) = places();
    let bytes = fill(tree.path());
    let output = demo(tree.path(), temp.path()).arg("--json").output().unwrap();
    let result = json(&output);
    assert!(output.status.success(), "{result:#}\n{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(result["ok"], true);

    let counts = &result["tree"];
    assert_eq!((&counts["files"], &counts["bytes"]), (&8.into(), &bytes.into()));
    assert_eq!((&counts["symlinks"], &counts["special"], &counts["directories"]), (&2.into(), &1.into(), &5.into()));
    assert_eq!(counts["skipped"], serde_json::json!([".git", "sub/target"]));
    assert_eq!(counts["not_utf8"].as_array().unwrap().len(), 1);
    let comparison = &result["comparison"];
    assert_eq!((&comparison["same_files"], &comparison["same_bytes"]), (&8.into(), &bytes.into()));
    for list in ["changed", "unreadable", "differing"] {
        assert_eq!(comparison[list], serde_json::json!([]), "{list}");
    }

    // A read per started chunk, and one more where a file ends with a full one.
    let reads = 1 + 1 + 1 + 2 + 2 + 257 + 3 + 1;
    let row = |name: &str| result["procedures"].as_array().unwrap().iter().find(|row| row["name"] == name).unwrap();
    assert_eq!((&row("read")["calls"], &row("read")["bytes"]), (&reads.into(), &bytes.into()));
    assert_eq!(
        (&row("write")["bytes"], &row("create")["calls"], &row("mkdir")["calls"]),
        (&bytes.into(), &8.into(), &5.into())
    );
    for way in ["calls", "read", "socket", "socket_one_cpu"] {
        let row = &result["reads"][way];
        assert_eq!((&row["calls"], &row["bytes"]), (&reads.into(), &bytes.into()), "{way}");
        assert!(row["p50_ns"].as_u64() <= row["p99_ns"].as_u64());
    }
    assert!(result["null_call"]["mean_ns"].as_f64().unwrap() > 0.0);

    let count = |side: &str, what: &str| result["counts"][side][what].as_u64().unwrap();
    let ways: u64 = ["spun", "donated", "slept"].iter().map(|way| count("client", way)).sum();
    assert_eq!(ways, count("client", "calls"), "every call travelled in one way");
    // Those of the table, the reads once more, and null calls of which the table shows a part.
    let rows = result["procedures"].as_array().unwrap().iter();
    let timed = rows.map(|row| row["calls"].as_u64().unwrap()).sum::<u64>() + reads;
    assert!(count("client", "calls") > timed, "{:#}", result["counts"]);
    assert!(count("client", "messages") > 0, "the first call finds nobody who looks");
    // A processor may be interrupted between its last call and its counts: the server may have too few, never too many.
    assert!(count("server", "polled") + count("server", "donations") > 0, "{:#}", result["counts"]);
    assert!((1..=count("client", "calls")).contains(&count("server", "calls")), "{:#}", result["counts"]);

    let outage = &result["outage"];
    assert_eq!((&outage["threads"], &outage["verified"]), (&5.into(), &true.into()));
    for call in outage["calls"].as_array().unwrap() {
        assert_eq!(call["death"], true, "{call}");
        assert!(call["ran"].is_string(), "{call}");
    }
    assert_eq!(outage["resumed"]["path"], "sub/deep/mebibyte");
    assert_eq!((&outage["resumed"]["before"], &outage["resumed"]["after"]), (&524_288.into(), &524_288.into()));

    let root = rustix::process::geteuid().is_root();
    assert_eq!(result["client"]["dropped"], root);
    assert_eq!(result["client"]["direct_access"], !root);
    assert!(empty(temp.path()), "the demo leaves files");
}

/// The same with client and server on two hosts: in namespaces where that is permitted, else over loopback.
#[test]
fn whole_run_to_another_host() {
    let (temp, tree) = places();
    let bytes = fill(tree.path());
    let output = demo(tree.path(), temp.path()).args(["--json", "--far"]).output().unwrap();
    let result = json(&output);
    assert!(output.status.success(), "{result:#}\n{}", String::from_utf8_lossy(&output.stderr));
    let network = result["far"].as_str().unwrap();
    assert!(network.contains("namespaces") || network.contains("loopback"), "{network}");
    let comparison = &result["comparison"];
    assert_eq!((&comparison["same_files"], &comparison["same_bytes"]), (&8.into(), &bytes.into()));
    assert_eq!(result["counts"]["client"]["calls"], 0, "none of them is near");
    let outage = &result["outage"];
    assert_eq!((&outage["threads"], &outage["verified"]), (&5.into(), &true.into()));
    for call in outage["calls"].as_array().unwrap() {
        assert_eq!(call["death"], true, "{call}");
    }
    assert!(empty(temp.path()), "the demo leaves files");
}

#[test]
fn a_tree_without_contents() {
    let (temp, tree) = places();
    let output = demo(tree.path(), temp.path()).arg("--json").output().unwrap();
    let result = json(&output);
    assert!(output.status.success(), "{result:#}");
    assert_eq!(result["outage"]["resumed"]["path"], Value::Null);
    assert_eq!(result["tree"]["files"], 0);
}

#[test]
fn unreadable_files_are_named() {
    use std::os::unix::fs::PermissionsExt;
    let (temp, tree) = places();
    fs::write(tree.path().join("open"), "contents").unwrap();
    // The largest, which the client would like to read across the outage.
    fs::write(tree.path().join("locked"), "more contents").unwrap();
    fs::set_permissions(tree.path().join("locked"), fs::Permissions::from_mode(0o000)).unwrap();
    let output = demo(tree.path(), temp.path()).arg("--json").output().unwrap();
    let result = json(&output);
    assert!(output.status.success(), "{result:#}");
    let unreadable = &result["comparison"]["unreadable"];
    if rustix::process::geteuid().is_root() {
        assert_eq!(unreadable, &serde_json::json!([]));
    } else {
        assert_eq!(unreadable, &serde_json::json!([{"path": "locked", "why": "permission denied"}]));
        assert_eq!(result["outage"]["resumed"]["path"], "open");
    }
}

#[test]
fn bounds_are_kept_and_said() {
    let (temp, tree) = places();
    fill(tree.path());
    let output = demo(tree.path(), temp.path()).args(["--limit-files", "3", "--max-bytes", "4"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("2 files, 1 B"), "{text}");
    assert!(text.contains("left out because of --max-bytes: 1 files"), "{text}");
    assert!(text.contains("the walk ended at --limit-files"), "{text}");
    for line in [
        "procedure",
        "read(2)",
        "Unix socket",
        "The null call takes",
        " donated, ",
        " bells, ",
        " messages; yields: ",
        " polled in ",
        " on their callers' CPU",
        " empty bells; ",
        "The server was killed",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
}

#[test]
fn the_demo_may_lie_in_its_own_tree() {
    let (temp, _) = places();
    fs::write(temp.path().join("file"), "contents").unwrap();
    let output = demo(temp.path(), temp.path()).arg("--json").output().unwrap();
    let result = json(&output);
    assert!(output.status.success(), "{result:#}");
    assert_eq!(result["tree"]["files"], 1);
}

#[test]
fn nothing_stays_after_a_kill() {
    let (temp, tree) = places();
    // Sparse: long to copy, quick to make.
    fs::File::create(tree.path().join("long")).unwrap().set_len(200 << 20).unwrap();
    let mut child = demo(tree.path(), temp.path()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let copied = || {
        let at = fs::read_dir(temp.path()).unwrap().next()?.ok()?.path();
        Some(fs::metadata(at.join("copy/long")).ok()?.len())
    };
    eventually("the copy begins", || copied().is_some_and(|len| len > 0));
    let children = children_of(child.id());
    assert!(children.len() >= 3, "server, client, sweeper: {children:?}");
    child.kill().unwrap();
    child.wait().unwrap();
    eventually("the directory is removed", || empty(temp.path()));
    eventually("all processes end", || children.iter().all(|pid| !alive(*pid)));
}

fn children_of(parent: u32) -> Vec<u32> {
    let all = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    all.filter(|pid| stat(*pid).is_some_and(|(_, of)| of == parent)).collect()
}

/// A zombie counts as ended: who reaps the orphans of a container is the container's affair.
fn alive(pid: u32) -> bool {
    stat(pid).is_some_and(|(state, _)| state != "Z")
}

/// State and parent of a process.
fn stat(pid: u32) -> Option<(String, u32)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = text.rsplit_once(") ")?.1.split(' ');
    Some((fields.next()?.to_owned(), fields.next()?.parse().ok()?))
}

#[test]
fn wrong_directories_are_named() {
    let (temp, tree) = places();
    let file = tree.path().join("file");
    fs::write(&file, "").unwrap();
    for (dir, why) in [(file, "is not a directory"), (tree.path().join("none"), "cannot use")] {
        let output = demo(&dir, temp.path()).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && error.contains(why), "{error}");
    }
}

#[test]
fn hidden_parts_are_not_for_hands() {
    let names = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_nearcall"));
    command.args(["__demo-server", "--parent", "1", "--names"]).arg(names.path());
    let output = command.arg("--tree").arg(names.path()).arg("--copy").arg(names.path()).output().unwrap();
    assert!(!output.status.success());
    let help = Command::new(env!("CARGO_BIN_EXE_nearcall")).arg("--help").output().unwrap();
    assert!(!String::from_utf8_lossy(&help.stdout).contains("__demo"));
}
