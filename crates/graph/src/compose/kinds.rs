//! The kinds of protocols a file can name, what may be below them, and their options.
//!
//! This table is all that composition knows of protocols; docs/graph.md says the same in words, and a test compares the two.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use super::diagnostic::{Diagnostic, Span};
use crate::participants::Hardware;
use crate::protocol::{Node, Protocol};

/// What a protocol does for those above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Realm {
    /// It carries frames of a link.
    Frames,
    /// It carries messages between participants.
    Messages,
    /// It is called, and answers.
    Calls,
    /// It is asked for addresses.
    Resolver,
    /// It is asked for boot ids.
    Lives,
    /// There is nothing above it.
    Top,
    /// Whatever is below it does.
    Same,
}

impl Realm {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Frames => "carries frames",
            Self::Messages => "carries messages",
            Self::Calls => "is called",
            Self::Resolver => "resolves addresses",
            Self::Lives => "knows boot ids",
            Self::Top => "has nothing above it",
            Self::Same => "does what is below it",
        }
    }
}

/// A place below a protocol.
#[derive(Debug, Clone, Copy)]
pub struct Below {
    /// What it is for.
    pub name: &'static str,
    /// What may be there.
    pub realms: &'static [Realm],
}

/// What an option takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sort {
    /// A number from the first to the second, in decimal or after `0x`.
    Count(u64, u64),
    /// A time with its unit: `10ms`, `1.5s`, `20us`.
    Time,
    /// A probability from 0 to 1.
    Rate,
    /// An IPv4 address.
    Host,
    /// An IPv4 address and how many bits are the network's: `10.0.0.1/24`.
    Network,
    /// An Ethernet address.
    Hardware,
    /// An address and port of the kernel's UDP.
    Socket,
    /// Several.
    Sockets,
    /// Any text.
    Text,
    /// One of these words.
    Choice(&'static [&'static str]),
}

/// What is so if a file does not say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Default {
    /// It has to say.
    Required,
    /// Nothing.
    Absent,
    /// This.
    Is(&'static str),
}

/// An option.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub sort: Sort,
    /// What is so without it.
    pub default: Default,
}

/// An option's value.
#[derive(Debug, Clone, PartialEq)]
pub enum Set {
    /// Of [`Sort::Count`].
    Count(u64),
    /// Of [`Sort::Time`].
    Time(Duration),
    /// Of [`Sort::Rate`].
    Rate(f64),
    /// Of [`Sort::Host`].
    Host(Ipv4Addr),
    /// Of [`Sort::Network`].
    Network(Ipv4Addr, u32),
    /// Of [`Sort::Hardware`].
    Hardware(Hardware),
    /// Of [`Sort::Socket`] and [`Sort::Sockets`].
    Sockets(Vec<SocketAddr>),
    /// Of [`Sort::Text`] and [`Sort::Choice`].
    Text(String),
}

/// Why a protocol could not be made of its options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MakeError {
    /// The option that is to blame.
    pub option: &'static str,
    /// What is wrong.
    pub what: String,
}

impl MakeError {
    /// Blames `option`.
    #[must_use]
    pub fn new(option: &'static str, what: impl core::fmt::Display) -> Self {
        Self { option, what: what.to_string() }
    }

    /// As a problem of `name`, at the option that is to blame or, if that is not set, at `span`.
    pub(super) fn at(self, name: &str, span: Span, set_at: &BTreeMap<&'static str, Span>) -> Diagnostic {
        let Self { option, what } = self;
        Diagnostic::new(set_at.get(option).copied().unwrap_or(span), format!("`{name}`: {option} {what}"))
    }
}

/// What a protocol is made of.
#[derive(Debug)]
pub struct Make<'a> {
    /// Its node.
    pub node: Node,
    pub(crate) set: &'a BTreeMap<&'static str, Set>,
}

impl Make<'_> {
    /// A number; 0 if it is not set.
    #[must_use]
    pub fn count(&self, name: &str) -> u64 {
        self.optional_count(name).unwrap_or(0)
    }

    /// A number, if it is set.
    #[must_use]
    pub fn optional_count(&self, name: &str) -> Option<u64> {
        if let Some(Set::Count(count)) = self.set.get(name) { Some(*count) } else { None }
    }

    /// The same as a size or a number of items.
    #[must_use]
    pub fn size(&self, name: &str) -> usize {
        usize::try_from(self.count(name)).unwrap_or(usize::MAX)
    }

    /// A time; zero if it is not set.
    #[must_use]
    pub fn time(&self, name: &str) -> Duration {
        if let Some(Set::Time(time)) = self.set.get(name) { *time } else { Duration::ZERO }
    }

    /// A time, if it is set.
    #[must_use]
    pub fn optional_time(&self, name: &str) -> Option<Duration> {
        if let Some(Set::Time(time)) = self.set.get(name) { Some(*time) } else { None }
    }

    /// A probability, if it is set.
    #[must_use]
    pub fn rate(&self, name: &str) -> Option<f64> {
        if let Some(Set::Rate(rate)) = self.set.get(name) { Some(*rate) } else { None }
    }

    /// A host, if it is set.
    #[must_use]
    pub fn host(&self, name: &str) -> Option<Ipv4Addr> {
        if let Some(Set::Host(host)) = self.set.get(name) { Some(*host) } else { None }
    }

    /// A host and the bits of its network.
    #[must_use]
    pub fn network(&self, name: &str) -> (Ipv4Addr, u32) {
        if let Some(Set::Network(host, bits)) = self.set.get(name) {
            (*host, *bits)
        } else {
            (Ipv4Addr::UNSPECIFIED, 0)
        }
    }

    /// An Ethernet address, if it is set.
    #[must_use]
    pub fn hardware(&self, name: &str) -> Option<Hardware> {
        if let Some(Set::Hardware(hardware)) = self.set.get(name) { Some(*hardware) } else { None }
    }

    /// Sockets.
    #[must_use]
    pub fn sockets(&self, name: &str) -> &[SocketAddr] {
        if let Some(Set::Sockets(sockets)) = self.set.get(name) { sockets } else { &[] }
    }

    /// Text; nothing if it is not set.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        if let Some(Set::Text(text)) = self.set.get(name) { Some(text) } else { None }
    }
}

type Checker = fn(&Make<'_>) -> Result<(), MakeError>;
type Maker = dyn Fn(&Make<'_>) -> Result<Box<dyn Protocol>, MakeError> + Send + Sync;

/// A kind of protocol.
#[derive(Clone)]
pub struct Kind {
    /// Its name in files.
    pub name: &'static str,
    /// What it does for those above.
    pub realm: Realm,
    /// What is below. A wire has nothing there.
    pub below: &'static [Below],
    /// Its options.
    pub settings: Vec<Setting>,
    /// The numbers by which it can tell those above it apart, from the first to the second.
    pub numbers: Option<(u32, u32)>,
    /// Whether those above it that listen do so at ports of this host.
    pub ports: bool,
    check: Option<Checker>,
    make: Arc<Maker>,
}

impl core::fmt::Debug for Kind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Kind").field("name", &self.name).field("realm", &self.realm).finish_non_exhaustive()
    }
}

impl Kind {
    /// A kind without options, whose users have no numbers.
    pub fn new(
        name: &'static str,
        realm: Realm,
        below: &'static [Below],
        make: impl Fn(&Make<'_>) -> Result<Box<dyn Protocol>, MakeError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            realm,
            below,
            settings: Vec::new(),
            numbers: None,
            ports: false,
            check: None,
            make: Arc::new(make),
        }
    }

    /// The same with options.
    #[must_use]
    pub fn settings(mut self, settings: impl Into<Vec<Setting>>) -> Self {
        self.settings = settings.into();
        self
    }

    /// The same, telling its users apart by numbers from `min` to `max`.
    #[must_use]
    pub fn numbers(mut self, min: u32, max: u32) -> Self {
        self.numbers = Some((min, max));
        self
    }

    /// The same, with ports. A kind above it that has an option `port` needs it there.
    #[must_use]
    pub fn ports(mut self) -> Self {
        self.ports = true;
        self
    }

    /// The same, with what options have to be together. It is asked when the file is read, before anything is opened.
    #[must_use]
    pub fn check(mut self, check: fn(&Make<'_>) -> Result<(), MakeError>) -> Self {
        self.check = Some(check);
        self
    }

    /// Of a name that no kind has.
    pub(crate) fn unknown() -> Self {
        Self::new("", Realm::Top, &[], |_| Err(MakeError::new("", "has no kind")))
    }

    pub(crate) fn look_at(&self, make: &Make<'_>) -> Result<(), MakeError> {
        self.check.map_or(Ok(()), |check| check(make))
    }

    /// Whether it is a wire.
    #[must_use]
    pub fn is_wire(&self) -> bool {
        self.below.is_empty()
    }

    pub(crate) fn make(&self, make: &Make<'_>) -> Result<Box<dyn Protocol>, MakeError> {
        (self.make)(make)
    }
}

/// The kinds that files may name, and the numbers that are as they are everywhere.
#[derive(Debug, Clone)]
pub struct Kinds {
    kinds: BTreeMap<&'static str, Kind>,
    numbers: Vec<(&'static str, &'static str, u32)>,
}

impl Kinds {
    /// Those of this crate.
    #[must_use]
    pub fn standard() -> Self {
        let numbers = vec![
            ("eth", "ip", 0x0800),
            ("eth", "arp", 0x0806),
            ("ip", "icmp", 1),
            ("ip", "udp", 17),
            ("ip", "blast", 101),
            ("blast", "bid", 1),
            ("blast", "bidctl", 2),
            ("bid", "chan", 1),
            ("chan", "vchan", 1),
            ("chan", "select", 2),
        ];
        let kinds = super::standard::kinds();
        Self { kinds: kinds.into_iter().map(|kind| (kind.name, kind)).collect(), numbers }
    }

    /// With one more, or another in the place of one.
    #[must_use]
    pub fn with(mut self, kind: Kind) -> Self {
        self.kinds.insert(kind.name, kind);
        self
    }

    /// The kind of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Kind> {
        self.kinds.get(name)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Kind> {
        self.kinds.values()
    }

    /// The number by which `lower` knows `upper` unless the file says otherwise.
    pub(crate) fn number(&self, lower: &str, upper: &str) -> Option<u32> {
        self.numbers.iter().find(|(l, u, _)| (*l, *u) == (lower, upper)).map(|(_, _, number)| *number)
    }
}

impl Sort {
    /// What is expected, in words.
    pub(crate) fn words(self) -> String {
        match self {
            Self::Count(min, max) => format!("a number from {min} to {max}"),
            Self::Time => "a time with its unit, as 10ms or 1.5s".to_owned(),
            Self::Rate => "a probability from 0 to 1".to_owned(),
            Self::Host => "an IPv4 address".to_owned(),
            Self::Network => "an IPv4 address and the bits of its network, as 10.0.0.1/24".to_owned(),
            Self::Hardware => "an Ethernet address, as 02:00:00:00:00:01".to_owned(),
            Self::Socket => "an address with its port, as 127.0.0.1:9000".to_owned(),
            Self::Sockets => "addresses with ports, as 127.0.0.1:9000".to_owned(),
            Self::Text => "text".to_owned(),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
        }
    }

    /// The value that `texts` are, if they are one. Only sockets are more than one text.
    pub(crate) fn parse(self, texts: &[&str]) -> Option<Set> {
        if let Self::Sockets = self {
            return texts.iter().map(|text| text.parse().ok()).collect::<Option<_>>().map(Set::Sockets);
        }
        let [text] = texts else { return None };
        match self {
            Self::Count(min, max) => number(text).filter(|count| (min..=max).contains(count)).map(Set::Count),
            Self::Time => time(text).map(Set::Time),
            Self::Rate => text.parse().ok().filter(|rate| (0.0..=1.0).contains(rate)).map(Set::Rate),
            Self::Host => text.parse().ok().map(Set::Host),
            Self::Network => {
                let (host, bits) = text.split_once('/')?;
                Some(Set::Network(host.parse().ok()?, bits.parse().ok().filter(|bits| (1..=32).contains(bits))?))
            }
            Self::Hardware => text.parse().ok().filter(|hardware: &Hardware| !hardware.is_group()).map(Set::Hardware),
            Self::Socket => text.parse().ok().map(|socket| Set::Sockets(vec![socket])),
            Self::Text | Self::Sockets => Some(Set::Text((*text).to_owned())),
            Self::Choice(words) => words.contains(text).then(|| Set::Text((*text).to_owned())),
        }
    }
}

/// A number in decimal, or in hexadecimal after `0x`.
pub(crate) fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

fn time(text: &str) -> Option<Duration> {
    let at = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (count, unit) = text.split_at(at);
    let unit = match unit {
        "s" => 1.0,
        "ms" => 1e-3,
        "us" => 1e-6,
        "ns" => 1e-9,
        _ => return None,
    };
    Duration::try_from_secs_f64(count.parse::<f64>().ok()? * unit).ok()
}
