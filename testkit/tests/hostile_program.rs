//! The program `hostile`, as anybody may run it: against a good server, a good client, and a server that believes lies.

mod support;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use nearcall_layout::pair::status;
use nearcall_testkit::lies::{client, server};
use nearcall_testkit::process::Peer;
use nearcall_testkit::server::{Liar, Server};

fn hostile(dir: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hostile"));
    command.args(arguments.split(' ')).arg("--dir").arg(dir);
    command
}

/// Ends with the test.
struct Running(Child);

impl Running {
    /// Starts it, and waits for its first line.
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        assert!(said.read_line(&mut String::new()).unwrap() > 0);
        // The rest is read so that it never blocks.
        std::thread::spawn(move || said.lines().map_while(Result::ok).for_each(drop));
        Self(child)
    }
}

impl Running {
    /// Waits for its end.
    fn ends(mut self) -> std::process::ExitStatus {
        self.0.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn a_good_server_takes_every_lie_well() {
    let (_outer, dir) = support::names();
    let _server = Running::start(hostile(&dir, "serve prey"));
    let output = hostile(&dir, "client prey --rounds 1 --seed 1").output().unwrap();
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    for lie in client::all() {
        assert!(said.contains(lie.name), "{} was not told:\n{said}", lie.name);
    }
    let output =
        hostile(&dir, "client prey --rounds 1 --lie lengths --procedure text --procedure map").output().unwrap();
    assert!(output.status.success() && self::said(&output).contains("2 procedures"), "{}", self::said(&output));
    let output = hostile(&dir, "client prey --lie nothing").output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", self::said(&output));
}

#[test]
fn a_good_client_takes_a_lie_well_and_goes_on() {
    for lie in ["grants", "values", "vanishes", "shown files", "places"] {
        let (_outer, dir) = support::names();
        let mut server = hostile(&dir, "server prey --rounds 2 --seed 1");
        let server = server.args(["--lie", lie]).stdout(Stdio::piped()).spawn().unwrap();
        let victim = Running::start(hostile(&dir, "victim prey --rounds 1000"));
        let output = server.wait_with_output().unwrap();
        assert!(output.status.success(), "{lie}: {}", said(&output));
        assert!(victim.ends().success(), "{lie}: the victim was wronged");
    }
    assert!(server::all().count() > 30);
}

#[test]
fn a_server_that_believes_lies_is_found_out() {
    let (_outer, dir) = support::names();
    let _liar = Liar::start(&dir, "believer", |connection| {
        Server::honest(connection).serve(|server, request| server.answer(request, status::OK, 0, &[]));
    });
    for lie in ["rights", "procedures"] {
        let output = hostile(&dir, &format!("client believer --rounds 1 --lie {lie}")).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{lie}: {}", said(&output));
        assert!(said(&output).contains("FAILED"), "{lie}: {}", said(&output));
    }
}

#[test]
fn all_lies_are_listed_with_their_rows() {
    let output = Command::new(env!("CARGO_BIN_EXE_hostile")).arg("--list").output().unwrap();
    let said = said(&output);
    let readme = include_str!("../README.md");
    for (row, name) in client::all().map(|lie| (lie.row, lie.name)).chain(server::all().map(|lie| (lie.row, lie.name)))
    {
        assert!(said.lines().any(|line| line.contains(row) && line.contains(name)), "{name}");
        for row in row.split(' ') {
            assert!(readme.contains(&format!("| {row} |")), "{name}: row {row} is not explained");
        }
    }
}

/// Not a test: the parts of other processes. None here.
#[test]
fn play() {
    assert!(Peer::part().is_none());
}
