//! `nearcall graph`, as people see it.

use std::path::Path;
use std::process::{Command, Output, Stdio};

fn nearcall(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nearcall"));
    command.args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_graphs_that_come_with_it_are_right() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../graph/graphs");
    let mut count = 0;
    for file in std::fs::read_dir(directory).unwrap() {
        let path = file.unwrap().path();
        let (check, draw) = (
            nearcall(&["graph", "check", path.to_str().unwrap()]),
            nearcall(&["graph", "draw", path.to_str().unwrap()]),
        );
        assert!(check.status.success(), "{}", text(&check.stderr));
        assert!(text(&check.stdout).contains("icmp over ip"));
        let svg = text(&draw.stdout);
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
        count += 1;
    }
    assert!(count >= 3);
}

#[test]
fn what_is_wrong_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("wrong.graph");
    std::fs::write(&path, "name=wire_udp local=127.0.0.1:0 peers=127.0.0.1:9;\n@;\nname=eht protocols=wire_udp;\n")
        .unwrap();
    let check = nearcall(&["graph", "check", path.to_str().unwrap()]);
    let said = text(&check.stderr);
    assert!(!check.status.success());
    for part in [
        "error: there is no protocol `eht`",
        "wrong.graph:3:6",
        "3 | name=eht protocols=wire_udp;",
        "^^^",
        "help: there is `eth`",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let missing = nearcall(&["graph", "run", "/nowhere.graph"]);
    assert!(!missing.status.success() && text(&missing.stderr).contains("reading /nowhere.graph"));
}

/// As `nearcall graph check FILE | head -1` does.
#[test]
fn who_closes_the_output_has_read_enough() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.graph");
    std::fs::write(&path, include_str!("../../graph/graphs/host.graph")).unwrap();
    for command in ["check", "draw"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut nearcall = Command::new(env!("CARGO_BIN_EXE_nearcall"));
        nearcall.args(["graph", command, path.to_str().unwrap()]).stdout(writer).stderr(Stdio::piped());
        let ended = nearcall.spawn().unwrap().wait_with_output().unwrap();
        assert!(ended.status.success() && ended.stderr.is_empty(), "{}", text(&ended.stderr));
    }
}

#[test]
fn a_graph_runs_until_its_input_ends() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.graph");
    let [.., c, d] = std::process::id().to_be_bytes();
    let graph = include_str!("../../graph/graphs/host.graph").replace("127.0.0.1", &format!("127.8.{c}.{d}"));
    std::fs::write(&path, graph).unwrap();
    let run = nearcall(&["graph", "run", path.to_str().unwrap()]);
    let said = text(&run.stdout);
    assert!(run.status.success(), "{}", text(&run.stderr));
    assert!(said.starts_with("running\n") && said.contains("wire_udp: sent 1"), "{said}");
    for how in ["interrupt", "regular"] {
        let run = nearcall(&["graph", "run", path.to_str().unwrap(), "--receive", how, "--threads", "2"]);
        let said = text(&run.stdout);
        assert!(run.status.success(), "{}", text(&run.stderr));
        assert!(said.contains("wire_udp: sent 1") && said.contains("switches: 0"), "{said}");
    }
    let run = nearcall(&["graph", "run", path.to_str().unwrap(), "--threads", "2"]);
    assert!(!run.status.success() && text(&run.stderr).contains("--receive"), "{}", text(&run.stderr));
}
