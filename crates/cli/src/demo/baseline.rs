//! The same reads without calls: by read(2), and over a Unix socket from another process.
//!
//! Both follow the reads of the client exactly: the same files, positions and sizes, opening not timed. The socket keeps
//! the borders of messages (SOCK_SEQPACKET), so a read is one send and one receive on each side, without a length to
//! parse, without buffers that grow, and the server reads the file into the message itself: nothing is left to take away
//! but the socket.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};
use rustix::thread::CpuSet;

use super::files::CHUNK;
use super::meter::{Meter, Row};
use super::processes::{self, Kept, Program};
use super::root::Root;
use super::tree::Found;

/// Reads `files` by read(2) in this process.
pub(crate) fn by_read(tree: &Root, files: &[Found]) -> Row {
    let mut meter = Meter::new("read(2)");
    for found in files {
        // What cannot be read is the comparison's to report.
        let Ok(file) = tree.file(&found.path) else { continue };
        let mut buf = [0; CHUNK];
        let _ = read_through(found, |pos| meter.time(|n| *n as u64, || file.read_at(&mut buf, pos)));
    }
    meter.row()
}

/// Reads `files` over a socket from a process that `program` starts over `tree`, twice: with both processes where the
/// scheduler puts them, and with both on one processor.
///
/// Which of the two is faster depends on what it costs to wake an idle processor, on virtual machines more than the rest
/// of the call. A baseline that leaves that to chance proves nothing.
pub(crate) fn by_socket(program: &Program, tree: &Path, files: &[Found]) -> anyhow::Result<[Row; 2]> {
    let anywhere = over_socket("Unix socket", program, tree, files)?;
    let _pinned = Pinned::to_one().context("cannot bind the baseline to one processor")?;
    Ok([anywhere, over_socket("same, 1 CPU", program, tree, files)?])
}

/// This thread, and the processes it starts, on one processor while the value lives.
struct Pinned {
    before: CpuSet,
}

impl Pinned {
    fn to_one() -> Result<Self, Errno> {
        let before = rustix::thread::sched_getaffinity(None)?;
        let first = (0..CpuSet::MAX_CPU).find(|&cpu| before.is_set(cpu)).unwrap_or(0);
        let mut one = CpuSet::new();
        one.set(first);
        rustix::thread::sched_setaffinity(None, &one)?;
        Ok(Self { before })
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        // These were allowed a moment ago; if they no longer are, one processor is still right.
        let _ = rustix::thread::sched_setaffinity(None, &self.before);
    }
}

fn over_socket(name: &'static str, program: &Program, tree: &Path, files: &[Found]) -> anyhow::Result<Row> {
    let (ours, theirs) =
        rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
            .context("cannot make the socket of the baseline")?;
    let mut command = program.command("__demo-socket-server");
    command.arg("--tree").arg(tree).args(["--parent", &std::process::id().to_string()]);
    command.stdin(Stdio::from(theirs)).stdout(Stdio::null());
    let server = Kept::spawn(&mut command, "socket server")?;
    // It holds the other end of the socket, whose last copy should be the server's.
    drop(command);

    let mut socket = Socket { fd: ours, message: [0; MESSAGE] };
    let mut meter = Meter::new(name);
    for found in files {
        if !socket.open(&found.path)? {
            continue;
        }
        read_through(found, |pos| meter.time(|n| *n as u64, || socket.read(pos)))?;
    }
    drop(socket);
    ensure!(server.finish(Duration::from_secs(5)), "the baseline's socket server failed");
    Ok(meter.row())
}

/// The positions at which the client reads a file, until a short read.
fn read_through<E>(found: &Found, mut read: impl FnMut(u64) -> Result<usize, E>) -> Result<(), E> {
    let mut pos = 0;
    while pos <= found.stat.size {
        let n = read(pos)?;
        pos += n as u64;
        if n < CHUNK {
            break;
        }
    }
    Ok(())
}

/// Largest message: a chunk and its status; a path and its operation.
const MESSAGE: usize = CHUNK + 1;

/// First byte of a request: a path follows, of the file that the next reads are about.
const OPEN: u8 = b'o';
/// First byte of a request: a position follows, 8 bytes, little-endian.
const READ: u8 = b'r';
/// First byte of a reply: done; what was read follows.
const DONE: u8 = 0;
/// First byte of a reply: the file cannot be opened or read.
const FAILED: u8 = 1;

struct Socket {
    fd: OwnedFd,
    message: [u8; MESSAGE],
}

impl Socket {
    /// Whether the server could open the file.
    fn open(&mut self, path: &str) -> anyhow::Result<bool> {
        let mut request = vec![OPEN];
        request.extend_from_slice(path.as_bytes());
        // Such a path does not fit a system call's either.
        if request.len() > MESSAGE {
            return Ok(false);
        }
        Ok(self.ask(&request).is_ok())
    }

    /// Bytes that came.
    fn read(&mut self, pos: u64) -> Result<usize, Errno> {
        let mut request = [READ; 9];
        request[1..].copy_from_slice(&pos.to_le_bytes());
        self.ask(&request)
    }

    fn ask(&mut self, request: &[u8]) -> Result<usize, Errno> {
        rustix::net::send(&self.fd, request, SendFlags::NOSIGNAL)?;
        let (len, _) = rustix::net::recv(&self.fd, &mut self.message, RecvFlags::empty())?;
        match (len, self.message[0]) {
            (0, _) => Err(Errno::CONNRESET),
            (len, DONE) => Ok(len - 1),
            _ => Err(Errno::IO),
        }
    }
}

/// How the parent starts the socket server.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Process that must be alive
    #[arg(long)]
    parent: u32,
    /// Tree to read
    #[arg(long)]
    tree: PathBuf,
}

/// Answers on standard input, which is the socket, until its other end is closed.
pub(crate) fn serve(options: &Options) -> anyhow::Result<()> {
    processes::die_with(options.parent)?;
    let tree = Root::new(&options.tree).context("cannot open the tree to serve it over a socket")?;
    let stdin = std::io::stdin();
    let socket = stdin.as_fd();
    let mut open: Option<File> = None;
    let mut message = [0; MESSAGE];
    loop {
        let (len, _) = rustix::net::recv(socket, &mut message, RecvFlags::empty()).context("the socket broke")?;
        let Some((&operation, rest)) = message[..len].split_first() else { return Ok(()) };
        let reply = match (operation, <[u8; 8]>::try_from(rest)) {
            (READ, Ok(pos)) => {
                open.as_ref().and_then(|file| file.read_at(&mut message[1..], u64::from_le_bytes(pos)).ok())
            }
            (OPEN, _) => {
                open = std::str::from_utf8(rest).ok().and_then(|path| tree.file(path).ok());
                open.as_ref().map(|_| 0)
            }
            _ => None,
        };
        message[0] = if reply.is_some() { DONE } else { FAILED };
        let len = 1 + reply.unwrap_or(0);
        rustix::net::send(socket, &message[..len], SendFlags::NOSIGNAL).context("the socket broke")?;
    }
}
