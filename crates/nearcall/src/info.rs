//! What a server says of itself to whoever may open its socket: its interface, its limits and its clients.
//!
//! A fresh connection says Hello, and then Describe instead of Pair. The server makes its report once and sends it in
//! pages. Whoever asks believes none of it but the process id, which is the kernel's word: sizes are bounded before they
//! are allocated, and text is [`printable`] before it is anybody's.

use std::path::Path;
use std::time::Duration;

use nearcall_core::transfer::crew::Pair as _;
use nearcall_layout::pair::VERSION;
use nearcall_layout::shape::Spelling;
use rustix::fs::{AtFlags, FileType};
use rustix::io::Errno;

use crate::bind::Greeting;
use crate::binding::patience;
use crate::clerk::Exported;
use crate::describe::ProcedureDescription;
use crate::domain::{random, server_counts};
use crate::error::{BindError, DirError};
use crate::interface::fingerprint;
use crate::message::{FromClient, FromServer, NotAMessage, Reader, SIZE_MAX, Writer};
use crate::names::{self, Dir};
use crate::rt::{Carried, Class, Direction, Interface, Procedure, Shape};

/// Bytes of a report that are read.
const REPORT_SIZE_MAX: usize = 4 * 1024 * 1024;

/// Bytes of it in one message.
const PAGE_SIZE: usize = 48 * 1024;

/// Clients in a report.
const CLIENT_COUNT_MAX: usize = 4096;

/// How long a server may take for all of it.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a server says of one of its exports. Every text is printable: control characters, and those that reverse text,
/// are written as `\u{..}`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerInfo {
    /// The name it was asked under.
    pub name: String,
    /// The server's process id, as the kernel states it; `None` if it is not visible from here.
    pub pid: Option<i32>,
    /// Its user id, as the kernel states it ([`Peer::uid`](crate::Peer::uid)).
    pub uid: u32,
    /// The interface's name.
    pub interface: String,
    /// In order of declaration.
    pub procedures: Vec<ProcedureInfo>,
    /// Size classes: the A-stacks that each client has.
    pub frames: Vec<FrameInfo>,
    /// Processes that have bound.
    pub clients: Vec<ClientInfo>,
    /// Clients that did not fit.
    pub left_out: u32,
    /// What clients did that no correct client does ([`Export::refused_count`](crate::Export::refused_count)).
    pub refused: u64,
    /// Calls that the process has taken, over all of its exports.
    pub calls: u64,
    /// Of these, by a processor that polled.
    pub polled: u64,
    /// Of these, on the caller's CPU.
    pub donations: u64,
}

/// A procedure.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProcedureInfo {
    /// Its name.
    pub name: String,
    /// Its declaration in the manner of an interface file.
    pub declaration: String,
    /// How its parameters and results travel ([`Layout`](crate::Layout)).
    pub layout: String,
    /// Bytes of a frame.
    pub frame_size: u32,
    /// Calls at once.
    pub concurrency: u16,
    /// What more calls do: `wait`, `fail` or `grow(n)`.
    pub exhausted: String,
    /// Bytes that the largest of its parameters and results of varying size may have; 0 if all have a fixed size.
    pub max: u64,
    /// After which callers give up, unless they say otherwise; `None`: never.
    pub timeout: Option<Duration>,
    /// Whether calling twice is as good as calling once.
    pub idempotent: bool,
    /// Whether it says that it may take long or block ([`blocking`](crate::blocking)): other calls do not wait for it.
    pub handoff: bool,
    /// What both sides compare when binding.
    pub fingerprint: u64,
}

/// A size class of A-stacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct FrameInfo {
    /// Bytes of each frame.
    pub size: u32,
    /// How many each client has.
    pub count: u16,
}

/// A client process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientInfo {
    /// Its process id; `None` if the server does not see it.
    pub pid: Option<i32>,
    /// Its user id.
    pub uid: u32,
    /// Bindings it has to this export.
    pub bindings: u32,
    /// Its calls of this export that run.
    pub running: u32,
    /// Calls of its process, of whatever export, that were taken on a CPU that it gave for them.
    pub donations: u64,
}

impl ServerInfo {
    /// The interface in the manner of an interface file, types written out where they come first.
    #[must_use]
    pub fn idl(&self) -> String {
        let declarations = self.procedures.iter().map(|procedure| format!("    {};\n", procedure.declaration));
        format!("interface {} {{\n{}}}\n", self.interface, declarations.collect::<String>())
    }

    /// Bindings that clients have now.
    #[must_use]
    pub fn bindings(&self) -> u64 {
        self.clients.iter().map(|client| u64::from(client.bindings)).sum()
    }
}

/// A name in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed {
    /// The name; printable, as the texts of [`ServerInfo`].
    pub name: String,
    /// Who owns its socket.
    pub uid: u32,
    /// Who is behind it.
    pub state: NameState,
}

/// Who is behind a name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameState {
    /// A server, and what it says of itself.
    Alive(Box<ServerInfo>),
    /// Nobody: its server has died. The next export takes the name over.
    Dead,
    /// The socket is not for this user.
    Denied,
    /// Somebody who does not give the answer that a server gives: why not.
    Odd(String),
}

/// The names in a directory, in order; in the default one if `dir` is `None`. Each server is asked, for two seconds at
/// most. A directory that does not exist has no names.
///
/// # Errors
/// [`DirError`].
pub fn list(dir: Option<&Path>) -> Result<Vec<Listed>, DirError> {
    let dir = match Dir::open(dir, false) {
        Err(DirError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let failed = |errno: Errno| DirError::Io { path: dir.path.clone(), source: errno.into() };
    let mut all = Vec::new();
    for entry in rustix::fs::Dir::read_from(&dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let Ok(name) = entry.file_name().to_str() else { continue };
        let Ok(stat) = rustix::fs::statat(&dir, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
        if names::check(name).is_err() || FileType::from_raw_mode(stat.st_mode) != FileType::Socket {
            continue;
        }
        let state = match ask(&dir, name) {
            Ok(info) => NameState::Alive(Box::new(info)),
            // Gone between the two looks.
            Err(BindError::NotFound { .. }) if rustix::fs::statat(&dir, name, AtFlags::empty()).is_err() => continue,
            Err(BindError::NotFound { .. }) => NameState::Dead,
            Err(BindError::Denied { .. }) => NameState::Denied,
            Err(error) => NameState::Odd(error.to_string()),
        };
        all.push(Listed { name: printable(name), uid: stat.st_uid, state });
    }
    all.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(all)
}

/// What the server of a name says of itself. Whoever may open the name's socket may ask; nothing is bound.
///
/// # Errors
/// [`BindError`], as from a bind.
pub fn info(name: &str, dir: Option<&Path>) -> Result<ServerInfo, BindError> {
    names::check(name)?;
    match Dir::open(dir, false) {
        Err(DirError::Io { source, path }) if source.kind() == std::io::ErrorKind::NotFound => {
            Err(BindError::NotFound { name: name.to_owned(), dir: path })
        }
        dir => ask(&dir?, name),
    }
}

fn ask(dir: &Dir, name: &str) -> Result<ServerInfo, BindError> {
    let io = |what: &'static str| move |errno: Errno| BindError::Io { what, source: errno.into() };
    let socket = dir.connect(name).map_err(|errno| match errno {
        Errno::NOENT | Errno::CONNREFUSED => BindError::NotFound { name: name.to_owned(), dir: dir.path.clone() },
        Errno::ACCESS | Errno::PERM => {
            BindError::Denied { why: format!("the socket of {name:?} is not for this user") }
        }
        Errno::AGAIN => BindError::Timeout(Duration::ZERO),
        errno => io("connect")(errno),
    })?;
    let greeting = Greeting::new(socket, PATIENCE);
    let instance = random().map_err(io("get random bytes"))?;
    greeting.tell(&FromClient::Hello { version: VERSION, instance })?;
    let (welcome, received) = greeting.hear()?;
    match welcome {
        FromServer::Welcome { version: VERSION, .. } => {}
        FromServer::Welcome { version, .. } => return Err(BindError::Version { client: VERSION, server: version }),
        _ => return Err(BindError::PeerMisbehaved("it did not begin with a welcome")),
    }
    let mut report = Vec::new();
    let mut buffer = vec![0; SIZE_MAX];
    loop {
        let at = u32::try_from(report.len()).unwrap_or(u32::MAX);
        greeting.tell(&FromClient::Describe { at })?;
        let (FromServer::Description { total, bytes }, _) = greeting.hear_into(&mut buffer)? else {
            return Err(BindError::PeerMisbehaved("it did not describe itself"));
        };
        let total = usize::try_from(total).unwrap_or(usize::MAX);
        if bytes.is_empty() || total > REPORT_SIZE_MAX || report.len() + bytes.len() > total {
            return Err(BindError::PeerMisbehaved("its description has an impossible size"));
        }
        report.extend(bytes);
        if report.len() == total {
            break;
        }
    }
    let ids = received.sender.credentials;
    let info = ServerInfo {
        name: printable(name),
        pid: ids.map(|ids| ids.pid).filter(|&pid| pid > 0),
        // Every message comes with them, because the socket wants them; the overflow id, should that ever fail.
        uid: ids.map_or(65534, |ids| ids.uid),
        ..read(&report).map_err(|_| BindError::PeerMisbehaved("its description is none"))?
    };
    Ok(info)
}

/// What the exporting process says of an export.
pub(crate) fn report(exported: &Exported) -> Vec<u8> {
    let interface = exported.interface();
    let clients = exported.clients();
    let left_out = clients.len().saturating_sub(CLIENT_COUNT_MAX);
    let counts = server_counts();
    let small = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let declarations = declarations(interface);
    let procedures: Vec<_> = interface.procedures.iter().zip(&declarations).collect();
    let clients: Vec<_> = clients.iter().take(CLIENT_COUNT_MAX).collect();
    let bytes = Writer::default()
        .text(interface.name)
        .each(&procedures, |to, (procedure, declaration)| {
            let timeout = patience(procedure.timeout).map(|timeout| u64::try_from(timeout.as_micros()));
            to.text(procedure.name)
                .text(declaration)
                .text(&ProcedureDescription::new(procedure).layout().to_string())
                .u32(small(procedure.frame_size))
                .u16(procedure.concurrency)
                .text(&procedure.exhausted.to_string())
                .u64(largest(procedure))
                .u64(timeout.map_or(u64::MAX, |us| us.unwrap_or(u64::MAX - 1)))
                .u8(u8::from(procedure.idempotent))
                .u8(u8::from(procedure.handoff))
                .u64(fingerprint(procedure))
        })
        .each(exported.classes(), |to, &(size, count)| to.u32(size).u16(count))
        .each(&clients, |to, pair| {
            let (peer, id) = (pair.peer(), exported.id);
            to.u32(peer.pid().map_or(0, i32::unsigned_abs))
                .u32(peer.uid())
                .u32(small(pair.bindings(id)))
                .u32(small(pair.running(id)))
                .u64(pair.half().donations())
        })
        .u32(small(left_out))
        .u64(exported.refused_count())
        .u64(counts.calls)
        .u64(counts.polled)
        .u64(counts.donations);
    bytes.0
}

/// The page of a report that begins at byte `at`; `None` if there is none.
pub(crate) fn page(report: &[u8], at: u32) -> Option<FromServer> {
    let rest = report.get(usize::try_from(at).ok()?..).filter(|rest| !rest.is_empty())?;
    let bytes = rest.get(..PAGE_SIZE).unwrap_or(rest).to_vec();
    Some(FromServer::Description { total: u32::try_from(report.len()).ok()?, bytes })
}

fn read(bytes: &[u8]) -> Result<ServerInfo, NotAMessage> {
    let mut from = Reader(bytes);
    let info = ServerInfo {
        name: String::new(),
        pid: None,
        uid: 0,
        interface: from.text().map(printable)?,
        procedures: from.each(|from| {
            Ok(ProcedureInfo {
                name: from.text().map(printable)?,
                declaration: from.text().map(printable)?,
                layout: from.text().map(printable)?,
                frame_size: from.u32()?,
                concurrency: from.u16()?,
                exhausted: from.text().map(printable)?,
                max: from.u64()?,
                timeout: Some(from.u64()?).filter(|&us| us != u64::MAX).map(Duration::from_micros),
                idempotent: from.u8()? != 0,
                handoff: from.u8()? != 0,
                fingerprint: from.u64()?,
            })
        })?,
        frames: from.each(|from| Ok(FrameInfo { size: from.u32()?, count: from.u16()? }))?,
        clients: from.each(|from| {
            Ok(ClientInfo {
                pid: i32::try_from(from.u32()?).ok().filter(|&pid| pid > 0),
                uid: from.u32()?,
                bindings: from.u32()?,
                running: from.u32()?,
                donations: from.u64()?,
            })
        })?,
        left_out: from.u32()?,
        refused: from.u64()?,
        calls: from.u64()?,
        polled: from.u64()?,
        donations: from.u64()?,
    };
    from.end(info)
}

/// Bytes that a part of varying size may have.
fn largest(procedure: &Procedure) -> u64 {
    let varying = procedure.params.iter().filter(|param| !matches!(param.carried, Carried::Value(Class::Fixed)));
    varying.map(|param| u64::try_from(param.max).unwrap_or(u64::MAX)).max().unwrap_or(0)
}

/// Each procedure as `result name([in] type parameter, ..) raises (error)`.
fn declarations(interface: &Interface) -> Vec<String> {
    let mut spelling = Spelling::default();
    let mut spelled = |shape: &Shape| {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = spelling.spell(shape, &mut text);
        if text == "()" { "void".to_owned() } else { text }
    };
    let declare = |procedure: &Procedure| {
        let of = |wanted| procedure.params.iter().find(|param| param.direction == wanted);
        let result = of(Direction::Return).map_or_else(|| "void".to_owned(), |param| spelled(param.shape));
        let error = of(Direction::Error).map(|param| spelled(param.shape));
        let params = procedure.params.iter().filter_map(|param| {
            let way = match param.direction {
                Direction::In => "in",
                Direction::InOut => "in, out",
                Direction::Out => "out",
                Direction::Return | Direction::Error => return None,
            };
            Some(format!("[{way}] {} {}", spelled(param.shape), param.name))
        });
        let params = params.collect::<Vec<_>>().join(", ");
        let raises = error.map(|error| format!(" raises ({error})")).unwrap_or_default();
        format!("{result} {}({params}){raises}", procedure.name)
    };
    interface.procedures.iter().map(declare).collect()
}

/// Text as it may be shown on a terminal, whoever wrote it: no control characters, and none that reverse what follows.
pub(crate) fn printable(text: &str) -> String {
    let is_odd = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_odd(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_cannot_drive_a_terminal() {
        assert_eq!(printable("größe\u{1b}[2J\u{202e}x\n\u{7f}"), "größe\\u{1b}[2J\\u{202e}x\\u{a}\\u{7f}");
    }

    #[test]
    fn pages_cover_a_report_once() {
        let report: Vec<u8> = (0..PAGE_SIZE * 2 + 5).map(|i| i.to_le_bytes()[0]).collect();
        let mut all = Vec::new();
        while let Some(FromServer::Description { total, bytes }) = page(&report, u32::try_from(all.len()).unwrap()) {
            assert_eq!(usize::try_from(total), Ok(report.len()));
            all.extend(bytes);
        }
        assert!(all == report && page(&report, u32::MAX).is_none() && page(&[], 0).is_none());
        assert!(page(&report, 0).unwrap().to_bytes().len() <= SIZE_MAX);
    }

    #[test]
    fn a_report_of_any_bytes_is_read_or_refused() {
        let mut bytes = Writer::default()
            .text("I")
            .each(&[()], |to, ()| {
                to.text("f").text("void f()").text("line").u32(0).u16(5).text("wait").u64(0).u64(1).u8(1).u8(1).u64(9)
            })
            .each(&[()], |to, ()| to.u32(128).u16(5))
            .each(&[()], |to, ()| to.u32(7).u32(8).u32(1).u32(0).u64(6))
            .u32(0)
            .u64(1)
            .u64(2)
            .u64(3)
            .u64(4)
            .0;
        let info = read(&bytes).unwrap();
        assert_eq!((info.idl().as_str(), info.bindings()), ("interface I {\n    void f();\n}\n", 1));
        assert!(info.procedures[0].idempotent && info.procedures[0].handoff);
        (0..bytes.len()).for_each(|cut| assert_eq!(read(&bytes[..cut]), Err(NotAMessage)));
        for at in 0..bytes.len() {
            let was = bytes[at];
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                bytes[at] = value;
                let _ = read(&bytes);
            }
            bytes[at] = was;
        }
    }
}
