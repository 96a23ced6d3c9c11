//! What clients that follow no rules can make a host do.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nearcall_graph::Peer;

use super::{BINDINGS_OF_ONE, INTERFACE_COUNT, serve};
use crate::error::CallError;
use crate::export::Exporter;
use crate::far::gateway::{GatewayClient, REPLY, REQUEST, Refused};
use crate::far::host::Host;
use crate::far::message::{Asked, BIND, Bind, Bound, CALL, LIST, Reply, Request, status};
use crate::far::{PORT, serve_gateway};
use crate::{Binder, Client};

/// Something to bind to.
#[crate::interface]
trait Small {
    fn same(&self, value: u32) -> u32;
}

struct Echo;
impl Small for Echo {
    fn same(&self, value: u32) -> u32 {
        value
    }
}

/// What a client asks for that has `Small`.
fn genuine() -> Bind {
    let own = &SmallClient::INTERFACE.procedures[0];
    Bind { name: "small".to_owned(), interface: "Small".to_owned(), procedures: vec![Asked::of(own)] }
}

fn until() -> Option<Instant> {
    Some(Instant::now() + Duration::from_secs(60))
}

#[test]
fn what_clients_make_up_takes_nothing_from_others() {
    let dir = tempfile::tempdir().unwrap();
    let _export = Exporter::new("small").dir(dir.path()).export(SmallServer::new(Echo)).unwrap();
    let [.., c, d] = std::process::id().to_be_bytes();
    let peer = Peer { host: Ipv4Addr::new(127, 160, c, d), port: PORT };
    let host = Arc::new(Host::bound_to(peer.host, peer.port).unwrap());
    let server = serve(host, Some(dir.path().to_owned()), &[]).unwrap();
    let (greedy, modest) = (Host::bound_to(Ipv4Addr::LOCALHOST, 0), Host::bound_to(Ipv4Addr::LOCALHOST, 0));
    let (greedy, modest) = (greedy.unwrap(), modest.unwrap());
    let bind =
        |host: &Host, ask: &Bind| Bound::from_bytes(&host.exchange(peer, BIND, ask.to_bytes(), until()).unwrap());
    // Interfaces that no server has are remembered by nobody.
    for n in 0..u64::try_from(INTERFACE_COUNT).unwrap() + 10 {
        let mut ask = genuine();
        ask.procedures[0].fingerprint ^= n + 1;
        assert!(matches!(bind(&greedy, &ask), Ok(Bound::Incompatible(_))), "{n}");
    }
    let Ok(Bound::Yes(kept)) = bind(&modest, &genuine()) else { panic!("there is no room") };
    // Bindings of one host give way to each other.
    for _ in 0..BINDINGS_OF_ONE + 10 {
        assert!(matches!(bind(&greedy, &genuine()), Ok(Bound::Yes(_))));
    }
    assert_eq!(server.shared.table().given.len(), BINDINGS_OF_ONE + 1);
    let own = &SmallClient::INTERFACE.procedures[0];
    let request = Request {
        procedure: 0,
        has_places: false,
        is_oneway: false,
        reply_size: own.reply_size,
        areas: 0,
        head: vec![7; own.request_size],
        tail: Vec::new(),
    };
    let call = |host: &Host| {
        let reply = host.exchange(peer, CALL, request.to_bytes(kept, request.procedure), until()).unwrap();
        Reply::from_bytes(&reply).unwrap().status
    };
    assert_eq!((call(&modest), call(&greedy)), (0, status::NO_BINDING));
}

#[test]
fn a_gateway_asks_hosts_for_what_they_have_only() {
    let dir = tempfile::tempdir().unwrap();
    let host = Arc::new(Host::bound_to(Ipv4Addr::LOCALHOST, 0).unwrap());
    let _gateway = serve_gateway(host, Exporter::new("gateway").dir(dir.path())).unwrap();
    let gateway: GatewayClient = Binder::new("gateway").dir(dir.path()).bind().unwrap();
    let address = Ipv4Addr::new(127, 0, 0, 9).to_bits();
    for procedure in [0, 5, u16::MAX] {
        let end = gateway.exchange(address, 9, procedure, u64::MAX, &[]);
        assert_eq!(end, Err(CallError::App(Refused::Declined(false))));
    }
    // The stub that is written by hand, and the one that is not, are of one layout.
    let own = &GatewayClient::INTERFACE.procedures[0];
    assert_eq!((own.request_size, own.reply_size), (REQUEST, REPLY));
    let begun = Instant::now();
    assert_eq!(gateway.exchange(address, 9, LIST, 1000, &[]), Err(CallError::App(Refused::Timeout(true))));
    assert!(begun.elapsed() < Duration::from_secs(60));
}
