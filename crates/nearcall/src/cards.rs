//! Cards: how whoever is passed a client comes to its server.
//!
//! ```text
//! holder --Introduce--> server         a card is one end of a socket pair, of which the server has kept the other
//! holder <--Card + fd-- server
//! holder --card, beside a call--> bearer
//!                       server <--Knock + fd-- bearer      on the card; the fd is the end of a socket pair of the bearer's
//!                       server <--Hello, Pair, .. Bind-->  on that, and a card is no more
//! ```
//! A card is good for one knock, and is no number that could be guessed. What follows does not go over the card itself: who
//! passed it on may have kept a copy, would read along there, and could go on as the bearer. Whose the new socket is, the
//! kernel says, as of one that was accepted; and the export's policy has to let that process in.
//!
//! A server looks at the descriptor that a knock brings: whether it is a socket of the one kind with which nothing can hang
//! ([`socket::is_one`]). It asks nothing else of what a client has made.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nearcall_core::sys::foreign::Foreign;
use nearcall_core::sys::peer;
use nearcall_core::sys::socket::{self, Credentials, Received};
use rustix::io::Errno;

use crate::clerk::{Exported, ServerPair};
use crate::message::{FromClient, FromServer};
use crate::quota::{Charge, Kind, QUOTA};

/// How long a card is good. It has to outlast the time that the call which brings it waits to be run.
const CARD_TIME: Duration = Duration::from_secs(60);

/// The right to bind once, to an export that is not given up as long as somebody may come with such a right.
#[derive(Debug)]
pub(crate) struct Introduction {
    exported: Arc<Exported>,
    /// How often all bindings had been taken back when it was given: once more, and it is void.
    epoch: u64,
    spent: AtomicBool,
}

impl Introduction {
    fn to(exported: &Arc<Exported>) -> Self {
        exported.introduced.fetch_add(1, Ordering::Relaxed);
        let epoch = exported.epoch.load(Ordering::Relaxed);
        Self { exported: Arc::clone(exported), epoch, spent: AtomicBool::new(false) }
    }

    /// Uses it; `false` if it was used before, or has become void. On the watcher, like binds and the look for exports that
    /// nobody uses: so nothing comes between.
    pub(crate) fn spend(&self) -> bool {
        let is_first = !self.spent.swap(true, Ordering::Relaxed);
        if is_first {
            self.exported.introduced.fetch_sub(1, Ordering::Relaxed);
            self.exported.lost_one();
        }
        is_first && self.epoch == self.exported.epoch.load(Ordering::Relaxed)
    }
}

impl Drop for Introduction {
    fn drop(&mut self) {
        let _ = self.spend();
    }
}

/// A socket that whoever has the other end may have put descriptors into, which are taken out before it is closed.
#[derive(Debug)]
pub(crate) struct Door(OwnedFd);

impl Drop for Door {
    fn drop(&mut self) {
        socket::hang_up(self.0.as_fd());
    }
}

/// The server's end of a card.
#[derive(Debug)]
pub(crate) struct Card {
    door: Door,
    introduction: Introduction,
    until: Instant,
    /// On the account of whoever asked for it.
    _charge: Charge,
}

/// What came of looking at a card.
#[derive(Debug)]
pub(crate) enum Knock {
    /// Nothing yet.
    Nobody,
    /// The card is over: nobody has it any more, or whoever has it does not know what to do with it.
    Over,
    /// Somebody, with a socket.
    Somebody { socket: Foreign, ids: Credentials },
}

impl Card {
    /// A card to an export, and the end for the bearer; `None` if the uid that asks for it, or this process, has too many.
    pub(crate) fn new(exported: &Arc<Exported>, uid: u32, now: Instant) -> Option<(Self, OwnedFd)> {
        let charge = QUOTA.take(Kind::Descriptors, uid, 1).ok()?;
        let (own, bearers) = socket::pair().ok()?;
        let introduction = Introduction::to(exported);
        Some((Self { door: Door(own), introduction, until: now + CARD_TIME, _charge: charge }, bearers))
    }

    pub(crate) fn socket(&self) -> &OwnedFd {
        &self.door.0
    }

    pub(crate) fn until(&self) -> Instant {
        self.until
    }

    /// Where it leads.
    pub(crate) fn exported(&self) -> &Arc<Exported> {
        &self.introduction.exported
    }

    /// The right that it is.
    pub(crate) fn into_introduction(self) -> Introduction {
        self.introduction
    }

    /// Whether somebody has knocked. A knock that is none is counted.
    pub(crate) fn knocked(&self) -> Knock {
        let mut buffer = [0; 8];
        let received = match socket::receive(self.door.0.as_fd(), &mut buffer) {
            Ok(None) => return Knock::Nobody,
            Ok(Some(received)) if received.size > 0 => received,
            _ => return Knock::Over,
        };
        match somebody(received, &buffer) {
            Some((socket, ids)) => Knock::Somebody { socket, ids },
            None => {
                nearcall_core::channel::grants::Refusals::count_refused(&***self.exported());
                Knock::Over
            }
        }
    }
}

/// The socket that a knock has brought, and whose it is: it has to be of the kind, and made by the process that knocks.
fn somebody(knock: Received, buffer: &[u8]) -> Option<(Foreign, Credentials)> {
    let Received { size, truncated, sender, fds } = knock;
    let [brought] = <[Foreign; 1]>::try_from(fds).ok()?;
    if truncated
        || FromClient::from_bytes(buffer.get(..size)?) != Ok(FromClient::Knock)
        || !socket::is_one(brought.as_fd())
    {
        return None;
    }
    let ids = peer::credentials(brought.as_fd()).ok()?;
    if sender.credentials.map(|sender| sender.pid) != Some(ids.pid) {
        return None;
    }
    socket::want_identity(brought.as_fd()).ok()?;
    Some((brought, ids))
}

/// Knocks: the socket on which the server is to be spoken to from now on. What is no card is not touched.
///
/// # Errors
/// What the kernel says; `NOTSOCK` if it is no card.
pub(crate) fn knock(card: Foreign) -> Result<OwnedFd, Errno> {
    if !socket::is_one(card.as_fd()) {
        return Err(Errno::NOTSOCK);
    }
    let (own, theirs) = socket::pair()?;
    // Until some are asked for.
    let _ = socket::refuse_descriptors(own.as_fd());
    let sent = socket::send(card.as_fd(), &FromClient::Knock.to_bytes(), &[theirs.as_fd()]);
    // Nobody reads what may be in it.
    socket::hang_up(card.as_fd());
    drop(card.checked());
    sent.map(|()| own)
}

impl ServerPair {
    /// A card for one of this client's bindings. One that it does not have is counted.
    pub(crate) fn introduce(&self, id: u32, binding: u16, generation: u32) -> (FromServer, Option<OwnedFd>) {
        let refused = (FromServer::NoMemory { id }, None);
        let Some(exported) = self.entitled(binding, generation) else { return (FromServer::Card { id }, None) };
        let Some((card, bearers)) = Card::new(&exported, self.uid(), Instant::now()) else { return refused };
        let Ok(domain) = crate::domain::domain() else { return refused };
        domain.watcher.command(crate::watcher::Command::Introduce(Box::new(card)));
        (FromServer::Card { id }, Some(bearers))
    }
}
