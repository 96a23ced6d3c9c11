//! The file server of the demo: one process, two trees.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use nearcall::far::{Host, HostError};

use super::counts::{self, ServerSide};
use super::files::{Entry, FileError, Files, FilesServer, Handle, OPEN_DIRECTORY, Stat, put_page};
use super::root::Root;
use super::{SERVICE, processes};

/// How the parent starts the server.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Process that must be alive
    #[arg(long)]
    parent: u32,
    /// Directory of names
    #[arg(long)]
    names: PathBuf,
    /// Tree to read
    #[arg(long)]
    tree: PathBuf,
    /// Tree to write
    #[arg(long)]
    copy: PathBuf,
    /// Whether clients of other users may bind
    #[arg(long)]
    everyone: bool,
    /// Address and port at which other hosts are served
    #[arg(long)]
    far: Option<std::net::SocketAddrV4>,
}

/// Serves until the parent closes our standard input; says how the calls were taken whenever it asks.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    processes::die_with(options.parent)?;
    let service = FileService::new(
        Root::new(&options.tree).with_context(|| format!("cannot open {} to serve it", options.tree.display()))?,
        Root::new(&options.copy).with_context(|| format!("cannot open {} to write to", options.copy.display()))?,
    );
    let mode = if options.everyone { 0o666 } else { 0o600 };
    let exporter = nearcall::Exporter::new(SERVICE).dir(&options.names).mode(mode);
    let _export = exporter.export(FilesServer::new(service)).context("cannot export the file service")?;

    let _far = options.far.map(|at| serve_far(options, at)).transpose()?;

    let mut out = std::io::stdout();
    out.write_all(b"ready\n").and_then(|()| out.flush()).context("the demo that started this server is gone")?;
    for line in std::io::stdin().lines().map_while(Result::ok) {
        ensure!(line == counts::ASK, "the demo that started this server asks {line:?}");
        let mut answer = serde_json::to_vec(&ServerSide::from(nearcall::server_counts()))?;
        answer.push(b'\n');
        out.write_all(&answer).and_then(|()| out.flush()).context("the demo that started this server is gone")?;
    }
    Ok(())
}

/// Makes the service callable from other hosts.
fn serve_far(options: &Options, at: std::net::SocketAddrV4) -> anyhow::Result<nearcall::far::FarServer> {
    let deadline = Instant::now() + REBIND;
    let host = loop {
        match Host::bound_to(*at.ip(), at.port()) {
            Ok(host) => break host,
            // A server that was killed a moment ago has its socket until the kernel has taken it apart.
            Err(HostError::File { .. }) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(1)),
            Err(error) => return Err(error).context("cannot listen to other hosts"),
        }
    };
    nearcall::far::serve(Arc::new(host), Some(options.names.clone()), &[SERVICE]).context("cannot serve other hosts")
}

/// How long a server that was killed may keep its port.
const REBIND: Duration = Duration::from_secs(5);

/// Handles that clients may hold at one time; a client that never closes must not use up the server's descriptors.
const HANDLES: usize = 64;

/// The files behind the interface.
#[derive(Debug)]
pub(crate) struct FileService {
    tree: Root,
    copy: Root,
    table: Mutex<Vec<Slot>>,
}

#[derive(Debug, Default)]
struct Slot {
    generation: u32,
    open: Option<Open>,
}

/// Shared, so that no call holds the table while the disk works.
#[derive(Debug, Clone)]
enum Open {
    Read(Arc<File>),
    Write(Arc<File>),
    /// The names as they were at the opening: pages of one listing always fit together.
    Directory(Arc<[Entry]>),
}

impl FileService {
    /// Serves `tree` to read and `copy` to write.
    pub(crate) fn new(tree: Root, copy: Root) -> Self {
        Self { tree, copy, table: Mutex::default() }
    }

    fn keep(&self, open: Open) -> Result<Handle, FileError> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = match table.iter().position(|slot| slot.open.is_none()) {
            Some(free) => free,
            None if table.len() < HANDLES => {
                table.push(Slot::default());
                table.len() - 1
            }
            None => return Err(FileError::TooManyOpen),
        };
        table[slot].open = Some(open);
        Ok(Handle { slot: slot as u32, generation: table[slot].generation })
    }

    fn open_at(&self, handle: Handle) -> Result<Open, FileError> {
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = table.get(handle.slot as usize).filter(|slot| slot.generation == handle.generation);
        slot.and_then(|slot| slot.open.clone()).ok_or(FileError::BadHandle)
    }
}

impl Files for FileService {
    fn ping(&self) -> u32 {
        0
    }

    fn open(&self, path: &str, flags: u32) -> Result<Handle, FileError> {
        self.keep(match flags {
            0 => Open::Read(Arc::new(self.tree.file(path)?)),
            OPEN_DIRECTORY => Open::Directory(self.tree.list(path)?.into()),
            _ => return Err(FileError::BadFlags),
        })
    }

    fn stat(&self, path: &str) -> Result<Stat, FileError> {
        self.tree.stat(path)
    }

    fn list(&self, handle: Handle, next: &mut u64, page: &mut [u8]) -> Result<u32, FileError> {
        let Open::Directory(entries) = self.open_at(handle)? else { return Err(FileError::WrongKind) };
        let rest = usize::try_from(*next).ok().and_then(|next| entries.get(next..)).unwrap_or_default();
        let (count, used) = put_page(rest, page);
        if count == 0 && !rest.is_empty() {
            return Err(FileError::PageTooSmall);
        }
        *next += count as u64;
        Ok(used as u32)
    }

    fn read(&self, handle: Handle, pos: &mut u64, buf: &mut [u8]) -> Result<u32, FileError> {
        let Open::Read(file) = self.open_at(handle)? else { return Err(FileError::WrongKind) };
        let n = file.read_at(buf, *pos).map_err(|error| file_error(&error))?;
        *pos += n as u64;
        Ok(n as u32)
    }

    fn create(&self, path: &str) -> Result<Handle, FileError> {
        self.keep(Open::Write(Arc::new(self.copy.create(path)?)))
    }

    fn mkdir(&self, path: &str) -> Result<(), FileError> {
        self.copy.mkdir(path)
    }

    fn write(&self, handle: Handle, pos: &mut u64, data: &[u8]) -> Result<u32, FileError> {
        let Open::Write(file) = self.open_at(handle)? else { return Err(FileError::WrongKind) };
        let n = file.write_at(data, *pos).map_err(|error| file_error(&error))?;
        *pos += n as u64;
        Ok(n as u32)
    }

    fn close(&self, handle: Handle) -> Result<(), FileError> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = table.get_mut(handle.slot as usize).filter(|slot| slot.generation == handle.generation);
        let slot = slot.ok_or(FileError::BadHandle)?;
        let open = slot.open.take().ok_or(FileError::BadHandle)?;
        slot.generation = slot.generation.wrapping_add(1);
        // The last close of a file can take long; not while others wait for the table.
        drop(table);
        drop(open);
        Ok(())
    }
}

fn file_error(error: &std::io::Error) -> FileError {
    rustix::io::Errno::from_io_error(error).map_or(FileError::Io, FileError::from)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A service over `dir`/tree and `dir`/copy, which it makes.
    pub(crate) fn service(dir: &std::path::Path) -> FileService {
        let root = |name: &str| {
            let path = dir.join(name);
            std::fs::create_dir_all(&path).unwrap();
            Root::new(&path).unwrap()
        };
        FileService::new(root("tree"), root("copy"))
    }

    #[test]
    fn handles_do_not_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let service = service(dir.path());
        std::fs::write(dir.path().join("tree/a"), "abc").unwrap();
        let first = service.open("a", 0).unwrap();
        service.close(first).unwrap();
        let second = service.open("a", 0).unwrap();
        assert_eq!(first.slot, second.slot);
        let mut buf = [0; 8];
        assert_eq!(service.read(first, &mut 0, &mut buf), Err(FileError::BadHandle));
        assert_eq!(service.close(first), Err(FileError::BadHandle));
        let mut pos = 1;
        assert_eq!((service.read(second, &mut pos, &mut buf), pos, &buf[..2]), (Ok(2), 3, &b"bc"[..]));
        assert_eq!(service.read(Handle { slot: 9_999, generation: 0 }, &mut 0, &mut buf), Err(FileError::BadHandle));
    }

    #[test]
    fn refuses_what_it_must() {
        let dir = tempfile::tempdir().unwrap();
        let service = service(dir.path());
        std::fs::write(dir.path().join("tree/a"), "abc").unwrap();
        assert_eq!(service.open("a", 7), Err(FileError::BadFlags));
        assert_eq!(service.open("../copy", OPEN_DIRECTORY), Err(FileError::Outside));
        let read = service.open("a", 0).unwrap();
        assert_eq!(service.write(read, &mut 0, b"x"), Err(FileError::WrongKind));
        assert_eq!(service.list(read, &mut 0, &mut [0; 9]), Err(FileError::WrongKind));
        assert_eq!(service.read(read, &mut { u64::MAX }, &mut [0; 9]), Err(FileError::BadPath));
        let listing = service.open(".", OPEN_DIRECTORY).unwrap();
        assert_eq!(service.list(listing, &mut 0, &mut [0; 2]), Err(FileError::PageTooSmall));
        assert_eq!(service.list(listing, &mut { u64::MAX }, &mut [0; 2]), Ok(0));
        let open: Vec<_> = (0..HANDLES).map(|_| service.open("a", 0)).filter(Result::is_err).collect();
        assert_eq!(open, [Err(FileError::TooManyOpen), Err(FileError::TooManyOpen)]);
    }
}
