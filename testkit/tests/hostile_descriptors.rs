//! Descriptors of which closing takes as long as their sender likes: nobody but a closer waits for them.

mod support;

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nearcall::BindError;
use nearcall_layout::pair::VERSION;
use nearcall_testkit::message;
use nearcall_testkit::packet::Connection;
use nearcall_testkit::process;
use nearcall_testkit::server::{self, Liar};
use support::{TargetClient, World};

/// A bound on liveness. Closing a lingering socket takes ten times as long.
const SOON: Duration = Duration::from_secs(2);
const LINGER: Duration = Duration::from_secs(20);

/// A socket that lingers over unsent data, and the other end, which never reads.
fn lingering() -> (TcpStream, TcpStream, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (other, _) = listener.accept().unwrap();
    socket.set_nonblocking(true).unwrap();
    while socket.write(&[0; 65536]).is_ok() {}
    rustix::net::sockopt::set_socket_linger(&socket, Some(LINGER)).unwrap();
    (socket, other, listener)
}

#[test]
fn a_client_that_sends_one_before_it_is_accepted_holds_up_nobody() {
    let world = World::new();
    let mut kept = Vec::new();
    let mut sent = 0;
    for n in 0..20 {
        let connection = Connection::connect(&world.dir, "target").unwrap();
        let (socket, other, listener) = lingering();
        // Where the kernel refuses it, from connect on, there is nothing to close.
        let count = if n % 2 == 0 { 1 } else { 3 };
        sent += u32::from(connection.say_with(&message::hello(VERSION, [7; 16]), &vec![socket.as_fd(); count]).is_ok());
        kept.push((connection, other, listener));
        if sent == 0 {
            rustix::net::sockopt::set_socket_linger(&socket, None).unwrap();
        }
        drop(socket);
        let start = Instant::now();
        assert_eq!(world.bind().add(1, 2), Ok(3));
        assert!(
            start.elapsed() < SOON,
            "another client's bind took {:?}, {sent} descriptors were sent",
            start.elapsed()
        );
        if sent >= 3 {
            break;
        }
    }
    println!("{sent} descriptors were let in");
    if is_refused() {
        assert_eq!(sent, 0, "the kernel can refuse descriptors, and has let some in");
    }
}

/// Whether this kernel has `SO_PASSRIGHTS`.
fn is_refused() -> bool {
    let (one, _other) = std::os::unix::net::UnixDatagram::pair().unwrap();
    nearcall_core::sys::socket::refuse_descriptors(one.as_fd())
}

#[test]
fn a_server_that_offers_one_as_a_region_holds_up_neither_bind_nor_others() {
    let (_outer, dir) = support::names();
    let _liar = Liar::start(&dir, "target", |connection| {
        server::welcome(&connection);
        let ((one, _o, _l), (two, _p, _m)) = (lingering(), lingering());
        server::offer(&connection, &[one.into(), two.into()]);
        let _ = connection.closes(LINGER);
    });
    for _ in 0..2 {
        let start = Instant::now();
        let end = nearcall::Binder::new("target").dir(&dir).bind::<TargetClient>().map(drop);
        assert!(matches!(end, Err(BindError::PeerMisbehaved(_))), "{end:?}");
        assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    }
    let world = World::new();
    let start = Instant::now();
    assert_eq!(world.bind().add(1, 2), Ok(3));
    assert!(start.elapsed() < SOON, "the watcher is held up: {:?}", start.elapsed());
}

#[test]
fn a_server_that_answers_with_one_holds_up_neither_the_call_nor_the_watcher() {
    let (_outer, dir) = support::names();
    let _liar = Liar::start(&dir, "target", |connection| {
        let server = server::Server::honest(connection);
        // Segment, of id 1 and later ones: whatever is asked, with descriptors that nobody wants.
        let (one, _o, _l) = lingering();
        let _ = server.connection.hear(LINGER);
        for id in 1..8_u32 {
            let answer = [&[71][..], &id.to_le_bytes()].concat();
            let _ = server.connection.say_with(&answer, &[one.as_fd()]);
        }
        // No message of the protocol.
        let _ = server.connection.say_with(&[250; 9], &[one.as_fd()]);
        drop(one);
        let _ = server.connection.closes(LINGER);
    });
    let client: TargetClient = nearcall::Binder::new("target").dir(&dir).bind().unwrap();
    let start = Instant::now();
    let mut out = vec![0; 100_000];
    let end = client.fill(&mut 1, &mut out);
    assert!(end.is_err(), "{end:?}");
    drop(client);
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    let world = World::new();
    let start = Instant::now();
    assert_eq!(world.bind().add(1, 2), Ok(3));
    assert!(start.elapsed() < SOON, "the watcher is held up: {:?}", start.elapsed());
}

/// Not a test: the parts of other processes.
#[test]
fn play() {
    if let Some((_, dir)) = process::Peer::part() {
        support::serve(&dir);
    }
}
