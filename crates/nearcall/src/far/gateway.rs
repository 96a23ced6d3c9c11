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
use crate::binding::Path;
use crate::error::{CallError, ExportError, Ran};
use crate::export::{Export, Exporter};

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
}

/// What a gateway does.
#[crate::interface]
pub(crate) trait Gateway {
    /// Calls `procedure` of the host at `address` and `port`, to be over in `time` microseconds; all ones is no limit. The
    /// other host's word on that is what counts.
    #[call(timeout = "none", concurrency = 16)]
    fn exchange(&self, address: u32, port: u16, procedure: u16, time: u64, request: &[u8]) -> Result<Vec<u8>, Refused>;

    /// The same for what nobody waits for: neither the client for the gateway, nor that for the other host.
    #[call(oneway, concurrency = 16)]
    fn send(&self, address: u32, port: u16, procedure: u16, time: u64, request: &[u8]);
}

struct Forwarder(Arc<Host>);

impl Gateway for Forwarder {
    fn exchange(&self, address: u32, port: u16, procedure: u16, time: u64, request: &[u8]) -> Result<Vec<u8>, Refused> {
        let peer = Peer { host: address.into(), port };
        let until = (time != u64::MAX).then(|| Instant::now().checked_add(Duration::from_micros(time))).flatten();
        // Long waits leave the seat to others.
        let _open = handoff::open();
        self.0.exchange(peer, procedure, request.to_vec(), until).map_err(|error| match error {
            Unanswered::Timeout { sent } => Refused::Timeout(sent),
            Unanswered::Restarted { sent } => Refused::Restarted(sent),
            Unanswered::TooLarge { size, limit } => {
                Refused::TooLarge(u64::try_from(size).unwrap_or(u64::MAX), u64::try_from(limit).unwrap_or(u64::MAX))
            }
            Unanswered::Died { .. } => Refused::Down("its own gateway has died".to_owned()),
            Unanswered::Down(error) => Refused::Down(error.to_string()),
        })
    }

    fn send(&self, address: u32, port: u16, procedure: u16, time: u64, request: &[u8]) {
        let peer = Peer { host: address.into(), port };
        let until = (time != u64::MAX).then(|| Instant::now().checked_add(Duration::from_micros(time))).flatten();
        // Whoever sent it does not hear of it.
        let _ = self.0.send(peer, procedure, request.to_vec(), until);
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
        gateway.exchange(peer.host.to_bits(), peer.port, procedure, time, &bytes).map_err(|error| match error {
            CallError::App(Refused::Timeout(sent)) => Unanswered::Timeout { sent },
            CallError::App(Refused::Restarted(sent)) => Unanswered::Restarted { sent },
            CallError::App(Refused::TooLarge(size, limit)) => Unanswered::TooLarge {
                size: usize::try_from(size).unwrap_or(usize::MAX),
                limit: usize::try_from(limit).unwrap_or(usize::MAX),
            },
            CallError::App(Refused::Down(why)) => Unanswered::Down(std::io::Error::other(why)),
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
            CallError::NoAStack => Unanswered::Timeout { sent: false },
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

/// How long something that may be lost is waited for.
const TELLING: Duration = Duration::from_millis(100);
