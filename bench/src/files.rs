//! Files: IOzone's reread (IDL4, Table 3) through the file server, and by what else there is.
//!
//! A file of 64 KiB is written once, then read in records of 4 KiB from its beginning to its end, again and again; the first
//! pass is warm-up. All ways read the same bytes of one file server's page cache, or of the kernel's, and each record is
//! looked at. Times are of one record.

mod fio;
mod server;

use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nearcall::Binder;
use nearcall_files::client::File;
use nearcall_files::{FilesClient, Handle, flags};
use serde::{Deserialize, Serialize};

use crate::case::{Case, Work};
use crate::client::Task;
use crate::measure::Plan;
use crate::peer::{Peer, Placement, Side, this_program};
use crate::sample::Sample;
pub(crate) use server::serve;
use server::{CONVENTIONAL, ConventionalClient, MOUNT, PFS, REPLY_HEAD, Request, SOCKET, VFS, parse};

/// By what a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Files {
    /// The file server's `read`.
    Served,
    /// An open file of the file server's client, which has a window once it is read again.
    Windowed,
    /// The same server and cache by stubs that fill and empty a message buffer on either side.
    Conventional,
    /// read(2) of the kernel's page cache.
    Read2,
    /// The same server and cache through a Unix stream socket.
    Socket,
    /// read(2) again, in a program that the library of `nearcall-preload` was loaded into.
    Preload,
    /// fio's reads of 4 KiB at random, in a process that the library was loaded into.
    Fio,
    /// The same of the kernel's file system.
    FioKernel,
}

/// Bytes of the file, and of a record.
const FILE_SIZE: usize = 64 << 10;
const RECORD_SIZE: usize = 4096;

/// Where the server is seen by a program that the library was loaded into.
const PREFIX: &str = "/nearcall-bench";

const NAME: &str = "reread";

/// The cases. bench/README.md says what each is for.
pub(crate) fn cases() -> Vec<Case> {
    let case = |name: &str, files| Case::new(name, Placement::Apart, Work::Files(files));
    vec![
        case("reread", Files::Windowed).limit("conventional").beside("reread.reply"),
        case("reread.reply", Files::Served).limit("conventional").beside("copy4096"),
        case("reread.read2", Files::Windowed).limit("read2"),
        case("reread.preload", Files::Preload).limit("read2"),
        case("fio", Files::Fio).limit("fio_kernel"),
        case("reread.socket", Files::Socket).limit("reread"),
    ]
}

/// All there is to measure: what cases are compared with is found here.
pub(crate) fn universe() -> Vec<Case> {
    let floor = |name: &str, files| Case::new(name, Placement::Apart, Work::Files(files));
    let mut all = vec![
        floor("conventional", Files::Conventional),
        floor("read2", Files::Read2),
        floor("fio_kernel", Files::FioKernel),
    ];
    all.extend(crate::floor::cases());
    all.extend(cases());
    all
}

/// The bytes of the file: each record is told from the others.
fn contents() -> Vec<u8> {
    (0..FILE_SIZE).map(|at| (at / RECORD_SIZE * 7 + at) as u8).collect()
}

/// How long the server may take to be found.
const WAIT: Duration = Duration::from_secs(5);

/// Measures rereading once, with a server of its own.
///
/// # Errors
/// When the server cannot be had, and for the first record that fails or has other bytes.
pub(crate) fn measure(files: Files, plan: &Plan, task: &Task) -> Result<Sample> {
    let dir = tempfile::tempdir().context("making a directory for the file")?;
    let names = dir.path().to_str().context("the name of the temporary directory is not UTF-8")?;
    let mut server: Peer = task.start_server(&["serve-files", names], Stdio::piped())?;
    server.ready()?;
    let served = || -> Result<FilesClient> {
        Binder::new(PFS).dir(dir.path()).wait(WAIT).bind().context("binding to the file server")
    };
    let pfs = served()?;
    let handle = pfs.create(NAME, flags::READ | flags::WRITE, 0o600).context("making the file")?;
    let mut end = 0;
    let written = pfs.write(handle, &mut end, &contents()).context("writing the file")?;
    ensure!(written as usize == FILE_SIZE && end == FILE_SIZE as u64, "{written} bytes were written");
    match files {
        Files::Served => reread(plan, |pos, record| Ok(pfs.read(handle, pos, record)? as usize)),
        Files::Windowed => {
            let file = File::open(&Arc::new(pfs), NAME, flags::READ).context("opening the file")?;
            reread(plan, |pos, record| {
                let n = file.read_at(record, *pos)?;
                *pos += n as u64;
                Ok(n)
            })
        }
        Files::Conventional => {
            let client: ConventionalClient =
                Binder::new(CONVENTIONAL).dir(dir.path()).wait(WAIT).bind().context("binding to the file server")?;
            let mut messages = (Vec::new(), vec![0; REPLY_HEAD + RECORD_SIZE]);
            reread(plan, |pos, record| conventional(&client, &mut messages, handle, pos, record))
        }
        Files::Read2 => by_read(plan, &dir.path().join(server::TREE).join(NAME)),
        Files::Preload => preloaded(plan, task, dir.path()),
        Files::Fio => fio::run(plan, task, &library(dir.path())?, &Path::new(PREFIX).join(MOUNT)),
        Files::FioKernel => fio::run(plan, task, &[], &dir.path().join(server::TREE)),
        Files::Socket => by_socket(plan, &dir.path().join(SOCKET)),
    }
}

/// Reads the file in records over and over; a call is one record.
fn reread(plan: &Plan, mut read: impl FnMut(&mut u64, &mut [u8]) -> Result<usize>) -> Result<Sample> {
    let expected = contents();
    let (mut pos, mut record, mut passes) = (0_u64, [0; RECORD_SIZE], 0_u64);
    plan.measure(1, || {
        let at = pos as usize;
        let n = read(&mut pos, &mut record)?;
        let bytes = expected.get(at..at + RECORD_SIZE).context("the file is longer than it was")?;
        // All of it in the first passes; then the ends, so that the comparison is not what is measured.
        let same =
            if passes < 2 { record == bytes } else { record[..8] == bytes[..8] && record[4088..] == bytes[4088..] };
        if n != RECORD_SIZE || !same || pos != (at + RECORD_SIZE) as u64 {
            bail!("the record at {at} is not what was written");
        }
        if pos == FILE_SIZE as u64 {
            (pos, passes) = (0, passes + 1);
        }
        Ok(())
    })
}

fn conventional(
    client: &ConventionalClient,
    (request, reply): &mut (Vec<u8>, Vec<u8>),
    handle: Handle,
    pos: &mut u64,
    record: &mut [u8],
) -> Result<usize> {
    Request { handle, pos: *pos, size: record.len() as u32 }.to_message(request);
    let size = client.read(request, reply)? as usize;
    let message = reply.get(..size).context("the reply has more than there is room for")?;
    let (after, bytes) = parse(message).context("the reply is no message")?;
    let space = record.get_mut(..bytes.len()).context("the reply has more than was asked for")?;
    space.copy_from_slice(bytes);
    *pos = after;
    Ok(bytes.len())
}

fn by_read(plan: &Plan, path: &Path) -> Result<Sample> {
    let file = std::fs::File::open(path).with_context(|| format!("opening {}", path.display()))?;
    reread(plan, |pos, record| {
        let n = file.read_at(record, *pos)?;
        *pos += n as u64;
        Ok(n)
    })
}

/// The library, which a build of `nearcall-preload` puts beside this program.
const LIBRARY: &str = "libnearcall_preload.so";

/// What a process is started with that the library is to be loaded into.
fn library(names: &Path) -> Result<Vec<(&'static str, PathBuf)>> {
    let library = std::env::current_exe().context("finding this program")?.with_file_name(LIBRARY);
    ensure!(library.is_file(), "{} is not there: build nearcall-preload first", library.display());
    Ok(vec![
        ("LD_PRELOAD", library),
        ("NEARCALL_FILES_PREFIX", PREFIX.into()),
        ("NEARCALL_FILES_VFS", VFS.into()),
        ("NEARCALL_DIR", names.to_owned()),
    ])
}

/// Has a process of its own, into which the library is loaded, read the file.
fn preloaded(plan: &Plan, task: &Task, names: &Path) -> Result<Sample> {
    let start = task.processors.start(task.spec.placement, Side::Client);
    let path = Path::new(PREFIX).join(MOUNT).join(NAME);
    let path = path.to_str().context("the path is UTF-8")?;
    let output = this_program(&start, &["reread-file", path, &serde_json::to_string(plan)?])?
        .envs(library(names)?)
        .stderr(Stdio::inherit())
        .output()
        .context("starting a process with the library")?;
    ensure!(output.status.success(), "the process with the library ended with {}", output.status);
    serde_json::from_slice(&output.stdout).context("reading what the process with the library found")
}

/// The part of that process.
///
/// # Errors
/// As [`measure`].
pub(crate) fn reread_file(path: &Path, plan: &str) -> Result<()> {
    let plan: Plan = serde_json::from_str(plan).context("reading what to do")?;
    println!("{}", serde_json::to_string(&by_read(&plan, path)?)?);
    Ok(())
}

fn by_socket(plan: &Plan, at: &Path) -> Result<Sample> {
    let mut socket = UnixStream::connect(at).context("connecting to the server's socket")?;
    reread(plan, |pos, record| {
        let mut request = [0; 12];
        request[..8].copy_from_slice(&pos.to_le_bytes());
        request[8..].copy_from_slice(&(record.len() as u32).to_le_bytes());
        socket.write_all(&request)?;
        let mut head = [0; 4];
        socket.read_exact(&mut head)?;
        let n = u32::from_le_bytes(head) as usize;
        socket.read_exact(record.get_mut(..n).context("the server sends more than it was asked for")?)?;
        *pos += n as u64;
        Ok(n)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_finds_its_limits() {
        let ordered = crate::case::order(&cases(), &universe()).unwrap();
        // conventional, read2, fio_kernel and copy4096.
        assert_eq!(ordered.len(), cases().len() + 4);
    }
}
