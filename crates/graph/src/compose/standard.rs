//! The kinds of this crate: from options to protocols.

use super::kinds::{Below, Default, Kind, Make, MakeError, Realm, Setting, Sort};
use crate::anchor::AnchorProtocol;
use crate::drive::Clock;
use crate::protocol::Protocol;
use crate::protocols::arp::Arp;
use crate::protocols::bid::Bid;
use crate::protocols::bidctl::Bidctl;
use crate::protocols::blast::{self, Blast};
use crate::protocols::chan::{self, Chan};
use crate::protocols::echo::Echo;
use crate::protocols::eth::Eth;
use crate::protocols::fault::{self, Fault, Ways, Which};
use crate::protocols::icmp::Icmp;
use crate::protocols::ip::reassembly::Bounds;
use crate::protocols::ip::{self, Ip};
use crate::protocols::relay::{Relay, Treatment, Way};
use crate::protocols::select::Select;
use crate::protocols::trace::{Link, Trace};
use crate::protocols::udp::Udp;
use crate::protocols::vchan::Vchan;
use crate::protocols::vsize::Vsize;
use crate::wires::memory::MemoryWire;
use crate::wires::packet::PacketWire;
use crate::wires::sockets::Sockets;
use crate::wires::udp::UdpWire;
use crate::wires::{Wire, WireProtocol, made_up};

const fn setting(name: &'static str, sort: Sort, default: &'static str) -> Setting {
    Setting { name, sort, default: Default::Is(default) }
}

const fn required(name: &'static str, sort: Sort) -> Setting {
    Setting { name, sort, default: Default::Required }
}

const fn optional(name: &'static str, sort: Sort) -> Setting {
    Setting { name, sort, default: Default::Absent }
}

const SESSIONS: Setting = setting("sessions", Sort::Count(1, 1 << 20), "1024");
const MTU: Sort = Sort::Count(68, 65_535);
const PORT: Sort = Sort::Count(1, 65_535);
const YES: Sort = Sort::Choice(&["yes", "no"]);

/// What relays stand on.
const ANYTHING: &[Below] = &[Below { name: "what it relays", realms: &[Realm::Frames, Realm::Messages, Realm::Calls] }];
const MESSAGES: &[Below] = &[Below { name: "what carries its messages", realms: &[Realm::Messages] }];

const EVERY: Setting = optional("every", Sort::Count(1, u32::MAX as u64));
const RATE: Setting = optional("rate", Sort::Rate);
const SEED: Setting = setting("seed", Sort::Count(0, u64::MAX), "1");
const WAY: Setting = setting("way", Sort::Choice(&["both", "up", "down"]), "both");

pub(super) fn kinds() -> Vec<Kind> {
    let mut kinds = wires();
    kinds.extend(protocols());
    kinds.extend(relays());
    kinds
}

fn wire(make: &Make<'_>, wire: impl Wire + 'static) -> Box<dyn Protocol> {
    Box::new(WireProtocol::new(make.node, Box::new(wire)))
}

fn wires() -> Vec<Kind> {
    let udp = Kind::new("wire_udp", Realm::Frames, &[], |make| {
        let [local] = make.sockets("local") else { return Err(MakeError::new("local", "is missing")) };
        let hardware = match make.hardware("hardware") {
            Some(hardware) => hardware,
            None => {
                made_up(seed(*local).map_err(|errno| MakeError::new("hardware", format!("cannot be drawn: {errno}")))?)
            }
        };
        UdpWire::new(*local, make.sockets("peers").to_vec(), hardware, make.size("mtu"))
            .map(|it| wire(make, it))
            .map_err(|error| MakeError::new("local", format!("cannot be bound: {error}")))
    })
    .settings([
        required("local", Sort::Socket),
        required("peers", Sort::Sockets),
        optional("hardware", Sort::Hardware),
        setting("mtu", MTU, "1500"),
    ]);
    let packet = Kind::new("wire_packet", Realm::Frames, &[], |make| {
        PacketWire::new(make.text("interface").unwrap_or_default(), make.hardware("hardware"), make.size("slots"))
            .map(|it| wire(make, it))
            .map_err(|error| MakeError::new("interface", format!("cannot be opened: {error}")))
    })
    .settings([
        required("interface", Sort::Text),
        optional("hardware", Sort::Hardware),
        setting("slots", Sort::Count(0, 1 << 16), "256"),
    ]);
    let memory = Kind::new("wire_memory", Realm::Frames, &[], |make| {
        let path = std::path::Path::new(make.text("path").unwrap_or_default());
        let listens = make.text("side") == Some("listen");
        let hardware = make.hardware("hardware").unwrap_or(made_up(u64::from(listens)));
        MemoryWire::open(path, listens, hardware, make.size("mtu"), make.time("patience"))
            .map(|it| wire(make, it))
            .map_err(|error| MakeError::new("path", error))
    })
    .settings([
        required("path", Sort::Text),
        required("side", Sort::Choice(&["listen", "connect"])),
        optional("hardware", Sort::Hardware),
        setting("mtu", Sort::Count(68, 1500), "1500"),
        setting("patience", Sort::Time, "10s"),
    ]);
    let sockets = Kind::new("wire_sockets", Realm::Messages, &[], |make| {
        let sockets = Sockets::new(make.node, local_v4(make)?, make.size("sessions"), make.size("mtu"));
        sockets
            .map(|it| Box::new(it) as Box<dyn Protocol>)
            .map_err(|error| MakeError::new("local", format!("cannot be bound: {error}")))
    })
    .settings([required("local", Sort::Socket), SESSIONS, setting("mtu", MTU, "1472")])
    .check(|make| local_v4(make).map(drop));
    vec![udp, packet, memory, sockets]
}

fn protocols() -> Vec<Kind> {
    const LINK: &[Below] = &[Below { name: "the wire", realms: &[Realm::Frames] }];
    const IP: &[Below] = &[
        Below { name: "the link", realms: &[Realm::Messages] },
        Below { name: "what knows interfaces", realms: &[Realm::Resolver] },
    ];
    const TWO: &[Below] = &[
        Below { name: "the way of small messages", realms: &[Realm::Messages] },
        Below { name: "the way of large messages", realms: &[Realm::Messages] },
    ];
    const BID: &[Below] = &[
        Below { name: "what carries its messages", realms: &[Realm::Messages] },
        Below { name: "what knows boot ids", realms: &[Realm::Lives] },
    ];
    const CALLS: &[Below] = &[Below { name: "what it calls with", realms: &[Realm::Calls] }];
    const USED: &[Below] = &[Below { name: "what it uses", realms: &[Realm::Messages, Realm::Calls] }];
    vec![
        Kind::new("eth", Realm::Messages, LINK, |make| Ok(Box::new(Eth::new(make.node, make.size("sessions")))))
            .settings([SESSIONS])
            .numbers(1536, 0xffff),
        Kind::new("arp", Realm::Resolver, MESSAGES, |make| {
            Ok(Box::new(Arp::new(make.node, make.size("hosts"), make.time("lifetime"))))
        })
        .settings([setting("hosts", Sort::Count(1, 1 << 20), "1024"), setting("lifetime", Sort::Time, "60s")]),
        Kind::new("ip", Realm::Messages, IP, |make| Ok(Box::new(Ip::new(make.node, ip_settings(make)))))
            .settings([
                required("address", Sort::Network),
                optional("gateway", Sort::Host),
                setting("ttl", Sort::Count(1, 255), "64"),
                SESSIONS,
                setting("reassembly_memory", Sort::Count(2048, 1 << 32), "4194304"),
                setting("reassembly_count", Sort::Count(1, 65_536), "256"),
                setting("reassembly_time", Sort::Time, "30s"),
            ])
            .check(addresses)
            .numbers(0, 255),
        Kind::new("icmp", Realm::Calls, MESSAGES, |make| {
            Ok(Box::new(Icmp::new(make.node, make.size("sessions"), make.time("timeout"))))
        })
        .settings([SESSIONS, setting("timeout", Sort::Time, "1s")]),
        Kind::new("udp", Realm::Messages, MESSAGES, |make| {
            Ok(Box::new(Udp::new(make.node, make.size("sessions"), make.text("checksum") == Some("yes"))))
        })
        .settings([SESSIONS, setting("checksum", YES, "yes")])
        .ports(),
        Kind::new("vsize", Realm::Messages, TWO, |make| {
            let limit = make.optional_count("limit").and_then(|limit| usize::try_from(limit).ok());
            Ok(Box::new(Vsize::new(make.node, make.size("sessions"), limit)))
        })
        .settings([SESSIONS, optional("limit", Sort::Count(0, 1 << 32))]),
        Kind::new("blast", Realm::Messages, MESSAGES, |make| {
            Ok(Box::new(Blast::new(
                make.node,
                blast::Settings {
                    port: make.optional_count("port").and_then(|port| u16::try_from(port).ok()),
                    session_count: make.size("sessions"),
                    keep: make.time("keep"),
                    ask: make.optional_time("ask"),
                },
            )))
        })
        .settings([optional("port", PORT), SESSIONS, setting("keep", Sort::Time, "1s"), optional("ask", Sort::Time)])
        .numbers(0, 0xffff),
        Kind::new("bidctl", Realm::Lives, MESSAGES, |make| {
            let life = life().map_err(|errno| MakeError::new("id", format!("cannot be drawn: {errno}")))?;
            Ok(Box::new(Bidctl::new(make.node, make.optional_count("id").unwrap_or(life))))
        })
        .settings([optional("id", Sort::Count(1, u64::MAX))]),
        Kind::new("bid", Realm::Messages, BID, |make| Ok(Box::new(Bid::new(make.node, make.size("sessions")))))
            .settings([SESSIONS])
            .numbers(0, 0xffff),
        Kind::new("chan", Realm::Calls, MESSAGES, |make| {
            Ok(Box::new(Chan::new(
                make.node,
                chan::Settings {
                    session_count: make.size("sessions"),
                    peer_count: make.size("peers"),
                    retry: make.optional_time("retry"),
                    first: make.time("first"),
                    keep: make.time("keep"),
                },
            )))
        })
        .settings([
            setting("sessions", Sort::Count(1, 1 << 20), "16384"),
            setting("peers", Sort::Count(1, 1 << 20), "768"),
            optional("retry", Sort::Time),
            setting("first", Sort::Time, "20ms"),
            setting("keep", Sort::Time, "4s"),
        ])
        .numbers(0, 0xffff),
        Kind::new("vchan", Realm::Calls, CALLS, |make| {
            Ok(Box::new(Vchan::new(make.node, make.size("sessions"), make.size("channels"))))
        })
        .settings([
            setting("sessions", Sort::Count(1, 1 << 20), "16384"),
            setting("channels", Sort::Count(1, 65_536), "5"),
        ]),
        Kind::new("select", Realm::Calls, CALLS, |make| Ok(Box::new(Select::new(make.node, make.size("sessions")))))
            .settings([setting("sessions", Sort::Count(1, 1 << 20), "16384")]),
        Kind::new("echo", Realm::Top, MESSAGES, |make| {
            let port = make.optional_count("port").and_then(|port| u16::try_from(port).ok());
            Ok(Box::new(Echo::new(make.node, port)))
        })
        .settings([optional("port", PORT)]),
        Kind::new("anchor", Realm::Top, USED, |make| Ok(Box::new(AnchorProtocol::new(make.size("inbox")))))
            .settings([setting("inbox", Sort::Count(1, 1 << 20), "256")]),
    ]
}

/// What an interface's address is made of: both sides have different ones as long as they are bound to different sockets. Any
/// address of a machine is that of any machine, so for it there is another number each time.
fn seed(local: std::net::SocketAddr) -> rustix::io::Result<u64> {
    if local.ip().is_unspecified() {
        return life();
    }
    let host = match local.ip() {
        core::net::IpAddr::V4(host) => u64::from(host.to_bits()),
        core::net::IpAddr::V6(host) => {
            let [high, low] = [host.to_bits() >> 64, host.to_bits()]
                .map(|part| u64::try_from(part & u128::from(u64::MAX)).unwrap_or(0));
            high.rotate_left(17) ^ low
        }
    };
    Ok(u64::from(local.port()) << 32 ^ host)
}

/// A boot id, or another number that is nobody else's.
fn life() -> rustix::io::Result<u64> {
    let mut bytes = [0; 8];
    // Numbers of eight bytes come whole, or not at all.
    rustix::io::retry_on_intr(|| rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()))?;
    Ok(u64::from_ne_bytes(bytes))
}

fn local_v4(make: &Make<'_>) -> Result<std::net::SocketAddrV4, MakeError> {
    match make.sockets("local") {
        [std::net::SocketAddr::V4(local)] => Ok(*local),
        _ => Err(MakeError::new("local", "is no IPv4 address")),
    }
}

/// Whether a host can have the address, and reach the gateway.
fn addresses(make: &Make<'_>) -> Result<(), MakeError> {
    let (address, prefix) = make.network("address");
    let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
    let is_host = |host: core::net::Ipv4Addr| {
        let (rest, [first, ..]) = (host.to_bits() & !mask, host.octets());
        (1..224).contains(&first) && (prefix >= 31 || (rest != 0 && rest != !mask))
    };
    if !is_host(address) {
        return Err(MakeError::new("address", "is no host's: it is that of a network, of all of it, or of a group"));
    }
    match make.host("gateway") {
        Some(gateway)
            if (gateway.to_bits() ^ address.to_bits()) & mask != 0 || !is_host(gateway) || gateway == address =>
        {
            Err(MakeError::new("gateway", "is no other host of the network"))
        }
        _ => Ok(()),
    }
}

fn ip_settings(make: &Make<'_>) -> ip::Settings {
    let (address, prefix) = make.network("address");
    ip::Settings {
        address,
        prefix,
        gateway: make.host("gateway"),
        hops: u8::try_from(make.count("ttl")).unwrap_or(u8::MAX),
        session_count: make.size("sessions"),
        reassembly: Bounds {
            memory: make.size("reassembly_memory"),
            count: make.size("reassembly_count"),
            time: make.time("reassembly_time"),
        },
    }
}

fn relay<T: Treatment + 'static>(make: &Make<'_>, treatment: T) -> Box<dyn Protocol> {
    Box::new(Relay::new(make.node, 1024, treatment))
}

/// Which messages are meant; all, if nothing says so and that is `usual`.
fn which(make: &Make<'_>, usual: Option<Which>) -> Result<Which, MakeError> {
    match (make.optional_count("every"), make.rate("rate"), usual) {
        (Some(every), None, _) => Ok(Which::Every(every)),
        (None, Some(rate), _) => Ok(Which::Rate(rate)),
        (None, None, Some(usual)) => Ok(usual),
        _ => Err(MakeError::new("every", "and `rate`: one of them says which messages are meant")),
    }
}

const ALL: Option<Which> = Some(Which::Every(1));

fn fault(make: &Make<'_>, kind: fault::Kind) -> Result<Box<dyn Protocol>, MakeError> {
    let usual = if matches!(kind, fault::Kind::Delay(_)) { ALL } else { None };
    let which = which(make, usual)?;
    let ways = match make.text("way") {
        Some("up") => Ways::Only(Way::Up),
        Some("down") => Ways::Only(Way::Down),
        _ => Ways::Both,
    };
    Ok(relay(make, Fault::new(kind, which, ways, make.count("seed"))))
}

fn relays() -> Vec<Kind> {
    let of = |name, settings: Vec<Setting>, kind: fn(&Make<'_>) -> fault::Kind| {
        Kind::new(name, Realm::Same, ANYTHING, move |make| fault(make, kind(make))).settings(settings)
    };
    vec![
        of("drop", vec![EVERY, RATE, SEED, WAY], |_| fault::Kind::Drop).check(|make| which(make, None).map(drop)),
        of("delay", vec![EVERY, RATE, SEED, WAY, required("time", Sort::Time)], |make| {
            fault::Kind::Delay(make.time("time"))
        })
        .check(|make| which(make, ALL).map(drop)),
        of("disorder", vec![EVERY, RATE, SEED, WAY, setting("time", Sort::Time, "10ms")], |make| {
            fault::Kind::Disorder(make.time("time"))
        })
        .check(|make| which(make, None).map(drop)),
        of("duplicate", vec![EVERY, RATE, SEED, WAY], |_| fault::Kind::Duplicate)
            .check(|make| which(make, None).map(drop)),
        Kind::new("trace", Realm::Same, ANYTHING, trace).settings([
            required("file", Sort::Text),
            setting("link", Sort::Choice(&["ethernet", "raw", "user"]), "ethernet"),
        ]),
    ]
}

fn trace(make: &Make<'_>) -> Result<Box<dyn Protocol>, MakeError> {
    let link = match make.text("link") {
        Some("raw") => Link::Raw,
        Some("user") => Link::User,
        _ => Link::Ethernet,
    };
    let file = std::fs::File::create(make.text("file").unwrap_or_default());
    // Of the clock that a graph is driven with, unless that is a simulation's.
    let epoch = Clock::new().epoch();
    file.and_then(|file| Trace::new(Box::new(file), link, epoch))
        .map(|trace| relay(make, trace))
        .map_err(|error| MakeError::new("file", format!("cannot be written: {error}")))
}
