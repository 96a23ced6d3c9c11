//! The process that a victim has to serve meanwhile: it binds as the library does, and calls as any client may.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use nearcall::rt::Interface;
use nearcall_testkit::lies::client::Attack;
use nearcall_testkit::random::Random;

use crate::Options;

/// How long a server may take over a bind and a call beside a liar, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(20);

/// A client of no procedures: any export has them all.
struct Nobody(nearcall::Binding);

impl nearcall::Client for Nobody {
    const NAME: &'static str = "Nobody";
    const INTERFACE: &'static Interface = &Interface { name: "Nobody", uuid: 0, version: (0, 0), procedures: &[] };

    fn from_binding(binding: nearcall::Binding) -> Self {
        Self(binding)
    }

    fn binding(&self) -> &nearcall::Binding {
        &self.0
    }
}

/// The part of the other process: an answer on standard output for each line of standard input.
pub(crate) fn run(options: &Options) -> Result<bool, String> {
    let (dir, seed) = (options.dir(), options.seed.unwrap_or(0));
    let mut attack: Option<Attack> = None;
    for _ in std::io::stdin().lines() {
        let bound = nearcall::Binder::new(&options.name).dir(&dir).wait(PATIENCE).bind::<Nobody>();
        let served = bound.map(drop).map_err(|error| error.to_string()).and_then(|()| {
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                let new = || Attack::new(dir.clone(), &options.name, &[], Random::new(seed));
                attack.get_or_insert_with(new).is_served()
            }))
            .unwrap_or_else(|_| Err("the server does not play along with an honest client".to_owned()))
        });
        match served {
            Ok(()) => println!("ok"),
            Err(error) => println!("{}", error.replace('\n', " ")),
        }
    }
    Ok(true)
}

/// The other process.
pub(crate) struct Innocent {
    child: Child,
    answers: Receiver<String>,
}

impl Innocent {
    pub(crate) fn start(options: &Options) -> Result<Self, String> {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut child = Command::new(program)
            .args(["innocent", &options.name, "--dir"])
            .arg(options.dir())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("a second process: {error}"))?;
        let said = BufReader::new(child.stdout.take().expect("piped"));
        let (send, answers) = mpsc::channel();
        std::thread::spawn(move || said.lines().map_while(Result::ok).all(|line| send.send(line).is_ok()));
        Ok(Self { child, answers })
    }

    /// Whether it was just served.
    pub(crate) fn is_served(&mut self) -> Result<(), String> {
        let mut stdin = self.child.stdin.as_ref().expect("piped");
        writeln!(stdin).map_err(|error| format!("the innocent process has ended: {error}"))?;
        match self.answers.recv_timeout(PATIENCE * 2) {
            Ok(answer) if answer == "ok" => Ok(()),
            Ok(answer) => Err(format!("an innocent client: {answer}")),
            Err(_) => Err("an innocent client is not served".to_owned()),
        }
    }
}

impl Drop for Innocent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
