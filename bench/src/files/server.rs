//! The file server of the measurement: the same object by three ways.

use std::cell::RefCell;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use nearcall::{Binder, Exporter};
use nearcall_files::pfs::Pfs;
use nearcall_files::vfs::Mounts;
use nearcall_files::{FileError, Files, Handle, VfsServer, flags};

use super::{FILE_SIZE, NAME};
use crate::peer::READY;

/// Names, in the directory that the server is given.
pub(crate) const PFS: &str = "pfs";
pub(crate) const CONVENTIONAL: &str = "conventional";
pub(crate) const SOCKET: &str = "socket";
pub(crate) const VFS: &str = "vfs";
/// The mount of the vfs.
pub(crate) const MOUNT: &str = "one";
/// The directory that is served.
pub(crate) const TREE: &str = "tree";

/// A read as a message each way: what a stub compiler makes that knows of nothing but messages. Either side has one buffer for each
/// kind of them, as MiG's stubs have.
#[nearcall::interface]
pub(crate) trait Conventional {
    #[call(astack = 4300)]
    fn read(&self, request: &[u8], #[out(len = return)] reply: &mut [u8]) -> Result<u32, FileError>;
}

/// What a request says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request {
    pub(crate) handle: Handle,
    pub(crate) pos: u64,
    pub(crate) size: u32,
}

impl Request {
    /// As a message: each part with its type and size, as MiG's have them.
    pub(crate) fn to_message(self, message: &mut Vec<u8>) {
        message.clear();
        for (kind, word) in [(1, u64::from(self.handle.slot)), (1, u64::from(self.handle.generation)), (2, self.pos)] {
            put(message, kind, &word.to_le_bytes());
        }
        put(message, 1, &self.size.to_le_bytes());
    }

    fn parse(message: &[u8]) -> Option<Self> {
        let (slot, rest) = get(message, 1)?;
        let (generation, rest) = get(rest, 1)?;
        let (pos, rest) = get(rest, 2)?;
        let (size, rest) = get(rest, 1)?;
        let word = |bytes: &[u8]| Some(u64::from_le_bytes(bytes.try_into().ok()?));
        rest.is_empty().then_some(())?;
        let handle =
            Handle { slot: u32::try_from(word(slot)?).ok()?, generation: u32::try_from(word(generation)?).ok()? };
        Some(Self { handle, pos: word(pos)?, size: u32::from_le_bytes(size.try_into().ok()?) })
    }
}

fn put(message: &mut Vec<u8>, kind: u16, bytes: &[u8]) {
    message.extend_from_slice(&kind.to_le_bytes());
    message.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    message.extend_from_slice(bytes);
}

fn get(message: &[u8], kind: u16) -> Option<(&[u8], &[u8])> {
    let (head, rest) = message.split_first_chunk::<2>()?;
    let (size, rest) = rest.split_first_chunk::<4>()?;
    (u16::from_le_bytes(*head) == kind).then_some(())?;
    rest.split_at_checked(u32::from_le_bytes(*size) as usize)
}

/// The position and the bytes of a reply.
pub(crate) fn parse(message: &[u8]) -> Option<(u64, &[u8])> {
    let (pos, rest) = get(message, 2)?;
    let (bytes, rest) = get(rest, 3)?;
    rest.is_empty().then_some((u64::from_le_bytes(pos.try_into().ok()?), bytes))
}

/// Bytes before the data of a reply.
pub(crate) const REPLY_HEAD: usize = 20;

struct Messages(Arc<Pfs>);

thread_local! {
    /// What the stub of a kernel thread fills.
    static REPLY: RefCell<Vec<u8>> = RefCell::new(vec![0; REPLY_HEAD + FILE_SIZE]);
}

impl Conventional for Messages {
    fn read(&self, request: &[u8], reply: &mut [u8]) -> Result<u32, FileError> {
        let request = Request::parse(request).ok_or(FileError::BadArgument)?;
        REPLY.with_borrow_mut(|message| {
            // The data goes where it belongs in the message, without a buffer of its own.
            let (head, data) = message.split_at_mut(REPLY_HEAD);
            let data = data.get_mut(..request.size as usize).ok_or(FileError::BadArgument)?;
            let mut pos = request.pos;
            let n = self.0.read(request.handle, &mut pos, data)?;
            let (first, second) = head.split_at_mut(14);
            put_at(first, 2, 8, &pos.to_le_bytes());
            put_at(second, 3, n, &[]);
            let message = message.get(..REPLY_HEAD + n as usize).ok_or(FileError::Io)?;
            reply.get_mut(..message.len()).ok_or(FileError::BadArgument)?.copy_from_slice(message);
            Ok(message.len() as u32)
        })
    }
}

/// The type and the size of a part, and those of its bytes that are known already.
fn put_at(message: &mut [u8], kind: u16, size: u32, bytes: &[u8]) {
    let (head, rest) = message.split_at_mut(6);
    head[..2].copy_from_slice(&kind.to_le_bytes());
    head[2..].copy_from_slice(&size.to_le_bytes());
    rest.copy_from_slice(bytes);
}

/// Serves until its input ends.
///
/// # Errors
/// When a name or the directory cannot be had.
pub(crate) fn serve(names: &Path) -> Result<()> {
    let tree = names.join(TREE);
    std::fs::create_dir(&tree).context("making the directory to serve")?;
    let pfs = Arc::new(Pfs::new(&tree, 4096).context("opening the directory to serve")?);
    let listener = UnixListener::bind(names.join(SOCKET)).context("making the socket")?;
    let sockets = Arc::clone(&pfs);
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            // An end or an error of the socket: the client has gone.
            let _ = answer(&sockets, socket);
        }
    });
    let messages = Exporter::new(CONVENTIONAL).dir(names).export(ConventionalServer::new(Messages(Arc::clone(&pfs))));
    let messages = messages.context("exporting messages")?;
    let export = pfs.export(Exporter::new(PFS).dir(names)).context("exporting the file server")?;
    let mounts = Mounts::new().mount(MOUNT, Binder::new(PFS).dir(names)).context("mounting")?;
    let vfs = Exporter::new(VFS).dir(names).export(VfsServer::new(mounts)).context("exporting the mounts")?;
    let mut output = std::io::stdout();
    output.write_all(READY.as_bytes()).and_then(|()| output.flush()).context("telling the client")?;
    std::io::stdin().read_to_end(&mut Vec::new()).context("waiting for the end of the input")?;
    drop((vfs, messages, export));
    Ok(())
}

/// Answers reads over a socket: position and size, then size and bytes.
fn answer(pfs: &Pfs, mut socket: UnixStream) -> Result<()> {
    let handle = pfs.open(NAME, flags::READ)?;
    let mut reply = vec![0; 4 + FILE_SIZE];
    loop {
        let mut request = [0; 12];
        socket.read_exact(&mut request)?;
        let (pos, size) = request.split_at(8);
        let mut pos = u64::from_le_bytes(pos.try_into()?);
        let size = u32::from_le_bytes(size.try_into()?) as usize;
        let (head, data) = reply.split_at_mut(4);
        let n = pfs.read(handle, &mut pos, data.get_mut(..size).context("more than the file has")?)?;
        head.copy_from_slice(&n.to_le_bytes());
        socket.write_all(reply.get(..4 + n as usize).unwrap_or_default())?;
    }
}
