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
        let local = make.sockets("local");
        let [local] = local else { return Err(MakeError::new("local", "it takes one address")) };
        // Both sides derive different addresses as long as they are bound to different sockets.
        let seed = u64::from(local.port()) << 32
            | if let core::net::IpAddr::V4(host) = local.ip() { u64::from(host.to_bits()) } else { 0 };
        let hardware = make.hardware("hardware").unwrap_or(made_up(seed));
        UdpWire::new(*local, make.sockets("peers").to_vec(), hardware, make.size("mtu"))
            .map(|it| wire(make, it))
            .map_err(|error| MakeError::new("local", format!("cannot be bound: {error}")))
    })
    .settings([
        required("local", Sort::Sockets),
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
        let [std::net::SocketAddr::V4(local)] = make.sockets("local") else {
            return Err(MakeError::new("local", "it takes one IPv4 address"));
        };
        let sockets = Sockets::new(make.node, *local, make.size("sessions"), make.size("mtu"));
        sockets
            .map(|it| Box::new(it) as Box<dyn Protocol>)
            .map_err(|error| MakeError::new("local", format!("cannot be bound: {error}")))
    })
    .settings([required("local", Sort::Sockets), SESSIONS, setting("mtu", MTU, "1472")]);
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
            .numbers(),
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
            .numbers(),
        Kind::new("icmp", Realm::Calls, MESSAGES, |make| {
            Ok(Box::new(Icmp::new(make.node, make.size("sessions"), make.time("timeout"))))
        })
        .settings([SESSIONS, setting("timeout", Sort::Time, "1s")]),
        Kind::new("udp", Realm::Messages, MESSAGES, |make| {
            Ok(Box::new(Udp::new(make.node, make.size("sessions"), make.text("checksum") == Some("yes"))))
        })
        .settings([SESSIONS, setting("checksum", YES, "yes")]),
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
        .numbers(),
        Kind::new("bidctl", Realm::Lives, MESSAGES, |make| {
            let [life, seed] = lives().map_err(|errno| MakeError::new("id", format!("cannot be drawn: {errno}")))?;
            Ok(Box::new(Bidctl::new(make.node, make.optional_count("id").unwrap_or(life), seed)))
        })
        .settings([optional("id", Sort::Count(1, u64::MAX))]),
        Kind::new("bid", Realm::Messages, BID, |make| Ok(Box::new(Bid::new(make.node, make.size("sessions")))))
            .settings([SESSIONS])
            .numbers(),
        Kind::new("chan", Realm::Calls, MESSAGES, |make| {
            Ok(Box::new(Chan::new(
                make.node,
                chan::Settings {
                    session_count: make.size("sessions"),
                    retry: make.optional_time("retry"),
                    first: make.time("first"),
                    keep: make.time("keep"),
                },
            )))
        })
        .settings([
            setting("sessions", Sort::Count(1, 1 << 20), "16384"),
            optional("retry", Sort::Time),
            setting("first", Sort::Time, "20ms"),
            setting("keep", Sort::Time, "4s"),
        ])
        .numbers(),
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

/// A boot id, and what tags are drawn from.
fn lives() -> rustix::io::Result<[u64; 2]> {
    let mut bytes = [[0; 8]; 2];
    for number in &mut bytes {
        // Numbers of eight bytes come whole, or not at all.
        rustix::io::retry_on_intr(|| rustix::rand::getrandom(&mut *number, rustix::rand::GetRandomFlags::empty()))?;
    }
    Ok(bytes.map(u64::from_ne_bytes))
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

fn fault(make: &Make<'_>, kind: fault::Kind) -> Result<Box<dyn Protocol>, MakeError> {
    let which = match (make.optional_count("every"), make.rate("rate")) {
        (Some(every), None) => Which::Every(every),
        (None, Some(rate)) => Which::Rate(rate),
        (None, None) if matches!(kind, fault::Kind::Delay(_)) => Which::Every(1),
        _ => return Err(MakeError::new("every", "one of `every` and `rate` says which messages are meant")),
    };
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
        of("drop", vec![EVERY, RATE, SEED, WAY], |_| fault::Kind::Drop),
        of("delay", vec![EVERY, RATE, SEED, WAY, required("time", Sort::Time)], |make| {
            fault::Kind::Delay(make.time("time"))
        }),
        of("disorder", vec![EVERY, RATE, SEED, WAY, setting("time", Sort::Time, "10ms")], |make| {
            fault::Kind::Disorder(make.time("time"))
        }),
        of("duplicate", vec![EVERY, RATE, SEED, WAY], |_| fault::Kind::Duplicate),
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
