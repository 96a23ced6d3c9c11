//! `nearcall serve-far`, and what `ls` and `info` say of other hosts.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use nearcall::{Binder, Exporter};

#[nearcall::interface]
trait Adder {
    fn add(&self, a: u32, b: u32) -> u32;
}

struct Plain;
impl Adder for Plain {
    fn add(&self, a: u32, b: u32) -> u32 {
        a.wrapping_add(b)
    }
}

/// A program that does not outlive the test.
struct Kept(Child);
impl Drop for Kept {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An address of this test's own.
fn address(n: u8) -> String {
    let [.., c, d] = std::process::id().to_be_bytes();
    format!("127.{}.{c}.{d}:5180", 140 + n)
}

fn nearcall(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nearcall"));
    command.args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `serve-far` with these arguments, when it serves.
fn serve(dir: &Path, arguments: &[&str]) -> Kept {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nearcall"));
    command.arg("serve-far").args(arguments).arg("--dir").arg(dir).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = Kept(command.spawn().unwrap());
    let mut line = String::new();
    BufReader::new(child.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("serving "), "{line:?}");
    child
}

#[test]
fn what_is_exported_here_is_called_from_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let export = |name: &str| Exporter::new(name).dir(dir.path()).export(AdderServer::new(Plain)).unwrap();
    let _exports = ["adder", "hidden"].map(export);
    let address = address(0);
    let _serving = serve(dir.path(), &["adder", "--bind", &address]);
    let name = format!("chan://{address}/adder");
    let far: AdderClient = Binder::new(&name).bind().unwrap();
    let near: AdderClient = Binder::new("adder").dir(dir.path()).bind().unwrap();
    for n in 0..100 {
        assert_eq!((far.add(n, 1), near.add(n, 1)), (Ok(n + 1), Ok(n + 1)), "one server for both");
    }
    let list = text(&nearcall(&["ls", "--far", &address]).stdout);
    assert_eq!(list, "NAME   INTERFACE\nadder  Adder\n");
    let list = text(&nearcall(&["ls", "--far", &address, "--json"]).stdout);
    assert_eq!(list, "[{\"interface\":\"Adder\",\"name\":\"adder\"}]\n");
    let info = text(&nearcall(&["info", &name]).stdout);
    assert!(info.contains("Adder") && info.contains("add"), "{info}");
    let none = nearcall(&["info", &format!("chan://{address}/hidden")]);
    assert!(!none.status.success() && text(&none.stderr).contains("hidden"), "{}", text(&none.stderr));
    // The port is taken.
    let second = nearcall(&["serve-far", "--bind", &address]);
    assert!(!second.status.success() && text(&second.stderr).contains("cannot be bound"), "{}", text(&second.stderr));
}

#[test]
fn a_graph_of_one_s_own_and_a_hosts_file() {
    let dir = tempfile::tempdir().unwrap();
    let _export = Exporter::new("adder").dir(dir.path()).export(AdderServer::new(Plain)).unwrap();
    let address = address(1);
    let graph = dir.path().join("host.graph");
    let file = format!(
        "name=wire_sockets local={address};\n@;\nname=delay protocols=wire_sockets time=1ms;\n\
         name=blast protocols=delay;\nname=bidctl protocols=blast;\nname=bid protocols=blast,bidctl;\n\
         name=chan protocols=bid;\nname=vchan protocols=chan;\nname=select protocols=vchan;\n\
         name=anchor protocols=select;\n"
    );
    std::fs::write(&graph, file).unwrap();
    let _serving = serve(dir.path(), &["--graph", graph.to_str().unwrap()]);
    let hosts = dir.path().join("hosts");
    std::fs::write(&hosts, format!("# ours\nslow {address}\n")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_nearcall"));
    let output = command.args(["ls", "--far", "slow"]).env("NEARCALL_HOSTS", &hosts).output().unwrap();
    assert_eq!(text(&output.stdout), "NAME   INTERFACE\nadder  Adder\n", "{}", text(&output.stderr));
    let unknown = Command::new(env!("CARGO_BIN_EXE_nearcall"))
        .args(["ls", "--far", "nobody"])
        .env("NEARCALL_HOSTS", &hosts)
        .output()
        .unwrap();
    assert!(!unknown.status.success() && text(&unknown.stderr).contains("nobody"), "{}", text(&unknown.stderr));
}
