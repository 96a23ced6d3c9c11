//! `nearcall ls` and `nearcall info` on names with all that can be behind one; this program is the server.

use std::fs::{self, Permissions};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use nearcall::{Binder, Exporter};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketType};
use serde_json::Value;

#[derive(Debug, Clone, Copy, nearcall::Wire)]
struct Handle {
    index: u32,
    generation: u32,
}

#[derive(Debug, Clone, Copy, nearcall::Wire)]
#[repr(u8)]
enum Failure {
    NotFound = 1,
}

#[nearcall::interface]
trait Files {
    fn open(&self, path: &str, flags: u32) -> Result<Handle, Failure>;
    #[call(timeout = "2s", concurrency = 3, astack = 4096, idempotent)]
    fn read(&self, handle: Handle, pos: &mut u64, #[out(len = return)] buf: &mut [u8]) -> u32;
    #[call(timeout = "none", handoff)]
    fn sync(&self);
}

struct Empty;

impl Files for Empty {
    fn open(&self, _: &str, index: u32) -> Result<Handle, Failure> {
        if index == 0 { Err(Failure::NotFound) } else { Ok(Handle { index, generation: 1 }) }
    }
    fn read(&self, handle: Handle, pos: &mut u64, buf: &mut [u8]) -> u32 {
        *pos += u64::from(handle.index);
        buf.len().try_into().unwrap_or(0)
    }
    fn sync(&self) {}
}

/// A directory of names that every user can read.
fn place() -> (tempfile::TempDir, PathBuf) {
    let outer = tempfile::tempdir().unwrap();
    let dir = outer.path().join("names");
    fs::create_dir(&dir).unwrap();
    for path in [outer.path(), &dir] {
        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    }
    (outer, dir)
}

fn nearcall(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nearcall"));
    command.args(arguments).arg("--dir").arg(dir);
    command
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn json(dir: &Path, arguments: &[&str]) -> Value {
    let output = nearcall(dir, arguments).arg("--json").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A socket that listens as a name, or did.
fn listener(path: &Path) -> OwnedFd {
    let socket = rustix::net::socket(AddressFamily::UNIX, SocketType::SEQPACKET, None).unwrap();
    rustix::net::bind(&socket, &SocketAddrUnix::new(path).unwrap()).unwrap();
    rustix::net::listen(&socket, 8).unwrap();
    socket
}

/// A server that greets its clients and then says `answer` to whatever they ask, as often as they do.
fn liar(path: &Path, answer: Vec<u8>) {
    let listener = listener(path);
    std::thread::spawn(move || {
        while let Ok(client) = rustix::net::accept(&listener) {
            let mut buffer = [0; 64];
            let hello = rustix::net::recv(&client, &mut buffer, RecvFlags::empty()).map_or(0, |(size, _)| size);
            if hello == 0 {
                continue;
            }
            let welcome = [&[65][..], &buffer[1..5], &[9; 16], &77u64.to_le_bytes()].concat();
            let say = |bytes: &[u8]| rustix::net::send(&client, bytes, SendFlags::NOSIGNAL).is_ok();
            let mut goes_on = say(&welcome);
            while goes_on && matches!(rustix::net::recv(&client, &mut buffer, RecvFlags::empty()), Ok((1.., _))) {
                goes_on = say(&answer);
            }
        }
    });
}

fn description(total: u32, bytes: &[u8]) -> Vec<u8> {
    [&[84][..], &total.to_le_bytes(), &u16::try_from(bytes.len()).unwrap().to_le_bytes(), bytes].concat()
}

/// A report with this interface, no procedures, no clients.
fn report(interface: &str) -> Vec<u8> {
    let mut bytes = u16::try_from(interface.len()).unwrap().to_le_bytes().to_vec();
    bytes.extend(interface.as_bytes());
    bytes.extend([0; 2 + 2 + 2 + 4 + 8 * 4]);
    bytes
}

#[test]
fn a_server_describes_itself_and_its_clients() {
    let (_outer, dir) = place();
    let _export = Exporter::new("files").dir(&dir).export(FilesServer::new(Empty)).unwrap();
    let clients: Vec<FilesClient> = (0..3).map(|_| Binder::new("files").dir(&dir).bind().unwrap()).collect();
    clients[0].sync().unwrap();
    let output = nearcall(&dir, &["info", "files"]).output().unwrap();
    let said = text(&output);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let idl = "interface Files {\n\
        \x20   struct Handle { index: u32, generation: u32 } open([in] str path, [in] u32 flags) \
        raises (enum Failure: u8 { NotFound = 1 });\n\
        \x20   u32 read([in] Handle handle, [in, out] u64 pos, [out] [u8] buf);\n\
        \x20   void sync();\n}\n";
    assert!(said.starts_with(idl), "{said}");
    let pid = std::process::id();
    for line in [
        format!("server: pid {pid}, uid {}\n", rustix::process::geteuid().as_raw()),
        "    open: frame, frame 1500 B, parts up to 1048576 B, 5 at once, then wait, time-out 10s, fingerprint ".to_owned(),
        "    read: frame, frame 4096 B, parts up to 1048576 B, 3 at once, then wait, time-out 2s, idempotent, fingerprint ".to_owned(),
        "    sync: line, frame 0 B, 5 at once, then wait, no time-out, handoff, fingerprint ".to_owned(),
        format!(
            "clients: 1\n    pid {pid}, uid {}: 3 bindings, 0 calls running, ",
            rustix::process::geteuid().as_raw()
        ),
    ] {
        assert!(said.contains(&line), "{line} in {said}");
    }
    // Which CPU the call was taken on depends on what else the machine does.
    assert!([0, 1].iter().any(|count| said.contains(&format!(", {count} taken on its CPU\n"))), "{said}");
    drop(clients);
    let value = json(&dir, &["info", "files"]);
    assert_eq!((&value["interface"], &value["pid"]), (&"Files".into(), &pid.into()));
    assert_eq!(value["procedures"][1]["timeout_us"], 2_000_000);
    assert_eq!(value["procedures"][2]["timeout_us"], Value::Null);
    assert_eq!(value["idl"], idl);
    let missing = nearcall(&dir, &["info", "nobody"]).output().unwrap();
    assert!(!missing.status.success());
    assert!(String::from_utf8_lossy(&missing.stderr).contains("nobody exports \"nobody\""));
}

macro_rules! many {
    ($($name:ident)*) => {
        #[nearcall::interface]
        trait Many {
            $(fn $name(&self, path: &str, flags: u32) -> u64;)*
        }
        impl Many for Empty {
            $(fn $name(&self, _: &str, _: u32) -> u64 { 0 })*
        }
        const MANY: usize = [$(stringify!($name)),*].len();
    };
}

many! {
    first_of_many second_of_many third_of_many fourth_of_many fifth_of_many sixth_of_many seventh_of_many eighth_of_many
    ninth_of_many tenth_of_many eleventh_of_many twelfth_of_many thirteenth_of_many fourteenth_of_many fifteenth_of_many
    sixteenth_of_many seventeenth_of_many eighteenth_of_many nineteenth_of_many twentieth_of_many
}

#[test]
fn a_description_may_be_longer_than_a_greeting() {
    let (_outer, dir) = place();
    let _export = Exporter::new("many").dir(&dir).export(ManyServer::new(Empty)).unwrap();
    let value = json(&dir, &["info", "many"]);
    assert_eq!(value["procedures"].as_array().map(Vec::len), Some(MANY));
}

#[test]
fn every_state_of_a_name_is_listed() {
    let (_outer, dir) = place();
    assert_eq!(text(&nearcall(&dir, &["ls"]).output().unwrap()), "NAME  STATE  INTERFACE  PID  UID  BINDINGS\n");
    assert_eq!(json(&dir.join("missing"), &["ls"]), Value::Array(Vec::new()));
    let export = |name: &str, mode| Exporter::new(name).dir(&dir).mode(mode).export(FilesServer::new(Empty)).unwrap();
    let (_files, _secret) = (export("files", 0o666), export("secret", 0));
    let _client: FilesClient = Binder::new("files").dir(&dir).bind().unwrap();
    drop(listener(&dir.join("gone")));
    fs::write(dir.join("no-socket"), "").unwrap();
    let mut command = nearcall(&dir, &["ls"]);
    if rustix::process::geteuid().is_root() {
        // Whom modes hold back, and from a place that everybody can read.
        let program = dir.parent().unwrap().join("nearcall");
        fs::copy(env!("CARGO_BIN_EXE_nearcall"), &program).unwrap();
        command = Command::new(program);
        command.arg("ls").arg("--dir").arg(&dir).uid(65534).gid(65534);
    }
    let output = loop {
        match command.output() {
            // Another test has forked while the copy was open for writing, and has not executed its program yet.
            Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => std::thread::yield_now(),
            other => break other.unwrap(),
        }
    };
    let said = text(&output);
    let (pid, uid) = (std::process::id(), rustix::process::geteuid().as_raw());
    let rows: Vec<Vec<&str>> = said.lines().map(|line| line.split_whitespace().collect()).collect();
    let (pid, uid) = (pid.to_string(), uid.to_string());
    let expected = [
        vec!["NAME", "STATE", "INTERFACE", "PID", "UID", "BINDINGS"],
        vec!["files", "alive", "Files", &pid, &uid, "1"],
        vec!["gone", "dead", "-", "-", &uid, "-"],
        vec!["secret", "denied", "-", "-", &uid, "-"],
    ];
    // The socket of a dead name is as its maker's umask left it.
    let rows: Vec<_> = rows.into_iter().filter(|row| row[0] != "gone" || row[1] != "denied").collect();
    let expected: Vec<_> = expected.into_iter().filter(|row| rows.len() == 4 || row[0] != "gone").collect();
    assert_eq!(rows, expected, "{said}{}", String::from_utf8_lossy(&output.stderr));
    let value = json(&dir, &["ls"]);
    assert_eq!(
        (&value[0]["name"], &value[0]["state"], &value[0]["bindings"]),
        (&"files".into(), &"alive".into(), &1.into())
    );
    assert_eq!((&value[1]["name"], &value[1]["state"]), (&"gone".into(), &"dead".into()));
}

#[test]
fn what_a_hostile_server_says_is_bounded_and_does_not_drive_the_terminal() {
    let (_outer, dir) = place();
    let evil = report("I\u{1b}[2J\n\u{202e}x");
    liar(&dir.join("controls"), description(u32::try_from(evil.len()).unwrap(), &evil));
    liar(&dir.join("endless"), description(u32::MAX, &[0; 1000]));
    liar(&dir.join("more"), description(10, &[0; 1000]));
    liar(&dir.join("nothing"), description(10, &[]));
    liar(&dir.join("noise"), vec![255; 100]);
    liar(&dir.join("short"), description(3, &[0; 3]));
    let value = json(&dir, &["ls"]);
    let rows = value.as_array().unwrap();
    assert_eq!(rows.len(), 6, "{value}");
    assert_eq!((&rows[0]["state"], &rows[0]["interface"]), (&"alive".into(), &"I\\u{1b}[2J\\u{a}\\u{202e}x".into()));
    for row in &rows[1..] {
        assert_eq!(row["state"], "odd", "{row}");
        assert!(row["why"].as_str().unwrap().contains("misbehaved"), "{row}");
    }
    let output = nearcall(&dir, &["ls"]).output().unwrap();
    assert!(output.status.success());
    let (said, lines) = (text(&output), text(&output).lines().count());
    assert!(!said.contains(|c: char| c.is_control() && c != '\n') && lines == 1 + 6 + 5, "{said:?}");
    let output = nearcall(&dir, &["info", "controls"]).output().unwrap();
    assert!(text(&output).starts_with("interface I\\u{1b}[2J\\u{a}\\u{202e}x {\n"), "{:?}", text(&output));
}
