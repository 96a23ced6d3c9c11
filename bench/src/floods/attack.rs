//! What processes do that flood a server.

use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nearcall::Binder;
use nearcall_graph::compose::{Kinds, Plan};
use nearcall_graph::{Address, Clock, Message, Participants};
use nearcall_layout::pair::VERSION;
use nearcall_testkit::client::Client;
use nearcall_testkit::message;
use nearcall_testkit::packet::Connection;
use serde::{Deserialize, Serialize};

use super::{FloodedClient, NAME, say_ready};

/// How long one goes on if nobody ends it.
const LIFE: Duration = Duration::from_secs(30);

/// How long the procedure takes that is given up after 100 us.
const LATE_US: u32 = 200;

/// Calls that are given up before the next bind.
const CANCELS: u32 = 50;

/// Descriptors in a message.
const DESCRIPTORS: usize = 16;

/// A kind of flood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Attack {
    /// Calls of a procedure that takes so many microseconds, without pause.
    Calls(u32),
    /// Connections that begin a handshake, hear the answer and are closed: so many a minute, or as many as there can be.
    Connects(u32),
    /// Messages with descriptors, on connections that have been welcomed. A server that wants none has the kernel refuse
    /// them, or closes the connection; then there is another.
    Descriptors,
    /// Calls that are given up after 100 us, over bindings that are given back after some of them.
    Cancels,
    /// Rings without a request, and binds to what is not there.
    Messages,
    /// Messages to the server's protocol graph, which receives in threads of its own.
    Frames,
}

/// In the directory of names: where the server's graph is reached.
pub(super) const GRAPH: &str = "graph";

/// UDP's port there.
pub(super) const PORT: u16 = 9100;

/// A host's graph: BLAST over the kernel's UDP, with an anchor.
///
/// # Errors
/// None, for an address that is one.
pub(super) fn graph(local: &str) -> Result<Plan> {
    let text = format!(
        "name=wire_sockets local={local};\n@;\nname=blast protocols=wire_sockets;\nname=anchor protocols=blast;\n@;\n\
         blast anchor 9;\n"
    );
    Ok(Plan::read("bench.graph", &text, &Kinds::standard())?)
}

fn flood_frames(names: &Path, goes_on: impl Fn() -> bool) -> Result<()> {
    let host: Ipv4Addr = std::fs::read_to_string(names.join(GRAPH)).context("where the graph is")?.trim().parse()?;
    let clock = Clock::new();
    let graph = graph("127.0.0.1:0")?.build(None, clock.now())?;
    let anchor = graph.anchor("anchor").context("the graph has an anchor")?;
    let session = anchor.open(Participants::new().to(Address::Host(host)).to(Address::Port(PORT)), clock.now())?;
    let message = Message::from_slice(&[0x55; 8]);
    say_ready()?;
    while goes_on() {
        // A socket that is full drops, as a network does.
        let _ = anchor.push(session, message.clone(), clock.now());
    }
    Ok(())
}

/// Does it until killed.
///
/// # Errors
/// When the server cannot be bound to at first.
pub(crate) fn attack(attack: Attack, names: &Path) -> Result<()> {
    let bind = || Binder::new(NAME).dir(names).wait(Duration::from_secs(5)).bind::<FloodedClient>();
    let start = Instant::now();
    let goes_on = || start.elapsed() < LIFE;
    match attack {
        Attack::Calls(microseconds) => {
            let client = bind().context("binding")?;
            say_ready()?;
            while goes_on() {
                let _ = client.spin(microseconds);
            }
        }
        Attack::Cancels => {
            let mut client = bind().context("binding")?;
            say_ready()?;
            while goes_on() {
                for _ in 0..CANCELS {
                    let _ = client.late(LATE_US);
                }
                drop(client);
                client = bind().context("binding again")?;
            }
        }
        Attack::Connects(a_minute) => {
            say_ready()?;
            let pause = Duration::from_secs(60) / a_minute.max(1);
            let mut next = Instant::now();
            while goes_on() {
                let connection = Connection::connect(names, NAME).context("connecting")?;
                let _ = connection.say(&message::hello(VERSION, [1; 16]));
                let _ = connection.hear(Duration::from_secs(1));
                if a_minute != 0 {
                    next += pause;
                    std::thread::sleep(next.saturating_duration_since(Instant::now()));
                }
            }
        }
        Attack::Descriptors => {
            let mut client = Client::new(names, NAME);
            let file = std::fs::File::open("/dev/null").context("opening /dev/null")?;
            let fds = [file.as_fd(); DESCRIPTORS];
            say_ready()?;
            while goes_on() {
                // The kernel says why it refuses: not here, no such connection.
                if client.connection.say_with(message::RING, &fds).is_err()
                    && client
                        .connection
                        .try_say(message::RING)
                        .is_err_and(|error| error.kind() != std::io::ErrorKind::WouldBlock)
                {
                    client = Client::new(names, NAME);
                }
            }
        }
        Attack::Frames => flood_frames(names, goes_on)?,
        Attack::Messages => {
            let client = Client::new(names, NAME);
            let wanted: Vec<_> = (0..100).map(|n| (format!("procedure-{n}"), 0)).collect();
            say_ready()?;
            for n in 0u64.. {
                if !goes_on() {
                    break;
                }
                let _ = client.connection.try_say(message::RING);
                if n.is_multiple_of(100) {
                    let _ = client.connection.try_say(&message::bind(1, client.token, &wanted));
                }
            }
        }
    }
    Ok(())
}
