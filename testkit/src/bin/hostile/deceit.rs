//! `hostile server NAME`: every lie of a server, to whoever binds.

use std::os::fd::AsFd;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use nearcall_testkit::lies::server::{self, Encounter, serve_honestly};
use nearcall_testkit::lies::{Seen, Verdict, tell};
use nearcall_testkit::packet::{Connection, Listener};
use nearcall_testkit::random::Random;

use crate::Options;

/// How long the victim may take to bind again. Its own time-outs are in it.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a bound client is lied to.
const WHILE: Duration = Duration::from_millis(500);

/// Whether every client that came took all of it well.
pub(crate) fn run(options: &Options) -> Result<bool, String> {
    let mut random = Random::new(options.seed());
    let lies = options.among(server::all());
    if lies.is_empty() {
        return Err(format!("there is no lie {:?} of a server; --list has them", options.lie));
    }
    let clients = Clients::of(options)?;
    println!("waiting for a client; it has to bind again after each error, and to call");
    let mut fine = true;
    for lie in &lies {
        let once = |random: &mut Random| -> Result<_, String> {
            let connection = clients.next()?;
            let mut encounter = Encounter::new(connection, Random::new(random.word()), WHILE);
            let (seen, verdict) = tell(lie, &mut encounter, 1, || clients.goes_on());
            match verdict {
                Verdict::Failed(why) => Err(why),
                _ => Ok(seen),
            }
        };
        let mut seen = Seen::default();
        let mut verdict = Verdict::Survived;
        for _ in 0..options.rounds {
            match once(&mut random) {
                Ok(now) => seen.add(now),
                Err(why) => {
                    verdict = Verdict::Failed(why);
                    break;
                }
            }
        }
        if verdict == Verdict::Survived && seen.ended > 0 {
            verdict = Verdict::Refused;
        }
        fine &= crate::say(lie, seen, &verdict);
        if matches!(verdict, Verdict::Failed(_)) && clients.next().is_err() {
            return Ok(false);
        }
    }
    if options.lie == "all" {
        let mut seen = Seen::default();
        for _ in 0..options.rounds * 10 {
            let lie = random.one_of(&lies);
            let mut encounter = Encounter::new(clients.next()?, Random::new(random.word()), WHILE / 4);
            seen.add(tell(lie, &mut encounter, 1, || Ok(())).0);
        }
        match clients.goes_on() {
            Ok(()) => println!("{:14}  {:13}  survived ({seen})", "", "soak"),
            Err(why) => {
                println!("{:14}  {:13}  FAILED: {why}", "", "soak");
                fine = false;
            }
        }
    }
    Ok(fine)
}

/// Whoever connects.
struct Clients(Receiver<Connection>);

impl Clients {
    fn of(options: &Options) -> Result<Self, String> {
        let dir = options.dir();
        let listener = Listener::bind(&dir, &options.name)
            .map_err(|error| format!("{} in {}: {error}; remove what is left of it", options.name, dir.display()))?;
        // A rendezvous: the next client is accepted when a lie is ready for it, so that none waits for a lie unheard.
        let (send, clients) = mpsc::sync_channel(0);
        std::thread::spawn(move || {
            while let Ok(connection) = listener.accept() {
                if send.send(connection).is_err() {
                    return;
                }
            }
        });
        Ok(Self(clients))
    }

    /// The next that is still there: one may have given up while another lie was told.
    fn next(&self) -> Result<Connection, String> {
        let start = Instant::now();
        while let Some(left) = PATIENCE.checked_sub(start.elapsed()) {
            match self.0.recv_timeout(left) {
                Ok(connection) if connection.is_closed() => {}
                Ok(connection) => {
                    let _ = connection.as_fd();
                    return Ok(connection);
                }
                Err(_) => break,
            }
        }
        Err(format!("no client has come for {PATIENCE:?}: it died, hangs, or has given up"))
    }

    /// Whether a client binds and calls when it is served honestly.
    fn goes_on(&self) -> Result<(), String> {
        for _ in 0..5 {
            let connection = self.next()?;
            let honest = std::panic::catch_unwind(move || serve_honestly(connection, WHILE / 2));
            if honest.is_ok_and(|seen| seen.took > 0) {
                return Ok(());
            }
        }
        Err("five clients that were served honestly have not called".to_owned())
    }
}
