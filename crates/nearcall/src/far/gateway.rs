//! Gateways: far calls for processes that have no network of their own.
//!
//! A gateway is a host that exports itself, near, under a name. A client whose own way there is none calls it with what it would
//! have sent, and it sends that on; nothing else of the client knows ([`Route`]). The gateway reads nothing of the calls.
//!
//! Source: LRPC on Mach 3 (1993): remote calls built over local ones by proxy ports.

use std::sync::Arc;
use std::time::{Duration, Instant};

use nearcall_core::transfer::handoff;
use nearcall_graph::Peer;

use super::host::{Host, Unanswered};
use super::message::{BIND, CALL, LIST, UNBIND};
use crate::Wire as _;
use crate::bind::Client as _;
use crate::binding::Path;
use crate::error::{CallError, ExportError, Ran};
use crate::export::{Export, Exporter};
use crate::rt::{DEFAULT_MAX, head_bytes};

/// Why a gateway has no answer.
#[derive(Debug, Clone, PartialEq, Eq, crate::Wire)]
pub(crate) enum Refused {
    /// It came too late; whether the request may have arrived.
    Timeout(bool),
    /// The other host has restarted; the same.
    Restarted(bool),
    /// Bytes of the request, and bytes that would go.
    TooLarge(u64, u64),
    /// The gateway's own network fails: how.
    Down(String),
    /// The other host has not run it; whether because it has too much to do.
    Declined(bool),
    /// As many calls wait at the gateway as may.
    Full,
}

/// What a gateway does.
#[crate::interface]
pub(crate) trait Gateway {
    /// Calls `procedure` of the host at `address` and `port`, to be over in `time` microseconds, and in [`LONGEST`] at most; all ones is no
    /// limit but that. The client limits this call itself ([`exchange_within`]): a gateway that hangs holds up nobody for longer.
    #[call(timeout = "none", concurrency = 16)]
    fn exchange(&self, address: u32, port: u16, procedure: u16, time: u64, request: &[u8]) -> Result<Vec<u8>, Refused>;

    /// The same for what nobody waits for: neither the client for the gateway, nor that for the other host.
    #[call(oneway, concurrency = 16)]
    fn send(&self, address: u32, port: u16, procedure: u16, time: u64, request: &[u8]);
}

struct Forwarder(Arc<Host>);

/// No call by a gateway takes longer: what a client leaves behind is over some time.
const LONGEST: Duration = Duration::from_secs(3600);

/// Until a gateway looks again whether the client still waits.
const LOOK: Duration = Duration::from_millis(500);

/// When a call with `time` microseconds is over.
fn until(time: u64) -> Option<Instant> {
    Instant::now().checked_add(Duration::from_micros(time).min(LONGEST))
}

/// What is not one of a host's procedures is not for a gateway to ask.
fn is_procedure(procedure: u16) -> bool {
    [BIND, CALL, UNBIND, LIST].contains(&procedure)
}

impl Gateway for Forwarder {
    fn exchange(&self, address: u32, port: u16, procedure: u16, time: u64, request: &[u8]) -> Result<Vec<u8>, Refused> {
        if !is_procedure(procedure) {
            return Err(Refused::Declined(false));
        }
        let peer = Peer { host: address.into(), port };
        let current = crate::current();
        let is_wanted = || current.as_ref().is_none_or(|current| !current.is_cancelled());
        // Long waits leave the seat to others.
        let _open = handoff::open();
        self.0.exchange_while(peer, procedure, request.to_vec(), until(time), LOOK, is_wanted).map_err(|error| {
            match error {
                Unanswered::Timeout { sent } => Refused::Timeout(sent),
                Unanswered::Restarted { sent } => Refused::Restarted(sent),
                Unanswered::TooLarge { size, limit } => {
                    Refused::TooLarge(u64::try_from(size).unwrap_or(u64::MAX), u64::try_from(limit).unwrap_or(u64::MAX))
                }
                Unanswered::Declined { is_busy } => Refused::Declined(is_busy),
                Unanswered::Full => Refused::Full,
                Unanswered::Died { .. } | Unanswered::Gateway(_) => {
                    Refused::Down("its own gateway has died".to_owned())
                }
                Unanswered::Down(error) => Refused::Down(error.to_string()),
            }
        })
    }

    fn send(&self, address: u32, port: u16, procedure: u16, time: u64, request: &[u8]) {
        let peer = Peer { host: address.into(), port };
        if is_procedure(procedure) {
            // Whoever sent it does not hear of it.
            let _ = self.0.send(peer, procedure, request.to_vec(), until(time));
        }
    }
}

/// Exports `host` as a gateway: clients of this machine that may bind to that name call others through it
/// ([`Binder::gateway`](crate::Binder::gateway)).
///
/// # Errors
/// [`ExportError`].
pub fn serve_gateway(host: Arc<Host>, exporter: Exporter) -> Result<Export, ExportError> {
    exporter.export(GatewayServer::new(Forwarder(host)))
}

/// How a far client reaches other hosts.
#[derive(Debug)]
pub(crate) enum Route {
    /// By a graph of this process.
    Own(Arc<Host>),
    /// By a near call to somebody who has one.
    Gateway(GatewayClient),
}

impl Route {
    pub(crate) fn path(&self) -> Path {
        match self {
            Self::Own(_) => Path::Far,
            Self::Gateway(_) => Path::Gateway,
        }
    }

    /// Calls procedure `procedure` of another host, and waits for its answer.
    pub(crate) fn exchange(
        &self,
        peer: Peer,
        procedure: u16,
        bytes: Vec<u8>,
        until: Option<Instant>,
    ) -> Result<Vec<u8>, Unanswered> {
        let gateway = match self {
            Self::Own(host) => return host.exchange(peer, procedure, bytes, until),
            Self::Gateway(gateway) => gateway,
        };
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let time = left.map_or(u64::MAX, |left| u64::try_from(left.as_micros()).unwrap_or(u64::MAX - 1));
        let limit = left.map_or(LONGEST, |left| left.min(LONGEST)).saturating_add(GRACE);
        exchange_within(gateway, peer, procedure, time, &bytes, limit).map_err(|error| match error {
            CallError::App(Refused::Timeout(sent)) => Unanswered::Timeout { sent },
            CallError::App(Refused::Restarted(sent)) => Unanswered::Restarted { sent },
            CallError::App(Refused::TooLarge(size, limit)) => Unanswered::TooLarge {
                size: usize::try_from(size).unwrap_or(usize::MAX),
                limit: usize::try_from(limit).unwrap_or(usize::MAX),
            },
            CallError::App(Refused::Down(why)) => Unanswered::Down(std::io::Error::other(why)),
            CallError::App(Refused::Declined(is_busy)) => Unanswered::Declined { is_busy },
            CallError::App(Refused::Full) => Unanswered::Full,
            CallError::Timeout { ran } => Unanswered::Timeout { sent: ran != Ran::No },
            CallError::NoAStack => Unanswered::Gateway(CallError::NoAStack),
            CallError::Overloaded => Unanswered::Gateway(CallError::Overloaded),
            CallError::NoMemory => Unanswered::Gateway(CallError::NoMemory),
            CallError::TooLarge { size, limit } => Unanswered::TooLarge { size, limit },
            // Whatever became of the gateway's call, the other host's may have been made.
            error => Unanswered::Died { ran: if error.ran() == Some(Ran::No) { Ran::No } else { Ran::Maybe } },
        })
    }

    /// Sends what nobody waits for, to be repeated until `until`.
    pub(crate) fn send(
        &self,
        peer: Peer,
        procedure: u16,
        bytes: Vec<u8>,
        until: Option<Instant>,
    ) -> Result<(), Unanswered> {
        let gateway = match self {
            Self::Own(host) => return host.send(peer, procedure, bytes, until),
            Self::Gateway(gateway) => gateway,
        };
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let time = left.map_or(u64::MAX, |left| u64::try_from(left.as_micros()).unwrap_or(u64::MAX - 1));
        gateway.send(peer.host.to_bits(), peer.port, procedure, time, &bytes).map_err(|error| match error {
            CallError::TooLarge { size, limit } => Unanswered::TooLarge { size, limit },
            CallError::NoAStack => Unanswered::Full,
            CallError::Overloaded => Unanswered::Gateway(CallError::Overloaded),
            error => Unanswered::Died { ran: if error.ran() == Some(Ran::No) { Ran::No } else { Ran::Maybe } },
        })
    }

    /// The same for what may be lost.
    pub(crate) fn tell(&self, peer: Peer, procedure: u16, bytes: Vec<u8>) {
        match self {
            Self::Own(host) => host.tell(peer, procedure, bytes),
            // It waits for the answer, of a host that is there, and for no more than a moment of one that is not.
            Self::Gateway(_) => {
                let _ = self.exchange(peer, procedure, bytes, Some(Instant::now() + TELLING));
            }
        }
    }
}

/// How much longer than the other host a gateway is waited for: it says in time what has become of the call, if it is alive.
const GRACE: Duration = Duration::from_secs(2);

/// The heads of `exchange`, in the order of its parameters.
pub(super) const REQUEST: usize = head_bytes(20);
pub(super) const REPLY: usize = head_bytes(if Refused::SIZE > 4 { Refused::SIZE } else { 4 });

/// What the generated `exchange` does, to be over in `limit`: a generated stub has the time-out of the interface, and this one
/// has that of the call which it carries.
fn exchange_within(
    gateway: &GatewayClient,
    peer: Peer,
    procedure: u16,
    time: u64,
    request: &[u8],
    limit: Duration,
) -> Result<Vec<u8>, CallError<Refused>> {
    let mut call = gateway.binding().begin::<REQUEST, REPLY>(0)?.within(limit);
    call.put(0, &peer.host.to_bits());
    call.put(4, &peer.port);
    call.put(6, &procedure);
    call.put(8, &time);
    call.count(16, request.len());
    call.bytes::<DEFAULT_MAX>(request)?;
    let mut reply = call.transfer::<true>()?;
    if reply.is_app() {
        return Err(CallError::App(reply.get::<Refused, DEFAULT_MAX>(0)?));
    }
    let answer = reply.get::<Vec<u8>, DEFAULT_MAX>(0)?;
    reply.end();
    Ok(answer)
}

/// How long something that may be lost is waited for.
const TELLING: Duration = Duration::from_millis(100);
