//! The file server: where it is to be seen, and the binding of this process to it.

use std::cell::RefCell;
use std::ffi::{CStr, CString, OsStr, c_void};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use libc::{c_char, c_int};
use nearcall::Binder;
use nearcall_files::client::FileSystem;

use crate::c::error;
use crate::real::real;
use crate::{directories, open_files, paths};

/// How long a server may take to be there, when it is first asked for.
const WAIT: Duration = Duration::from_secs(2);

/// Where the vfs's mounts are to be seen.
#[derive(Debug)]
pub(crate) struct Prefix {
    given: Vec<u8>,
    /// The same place as the kernel calls it, in whose directories relative paths begin.
    resolved: Vec<u8>,
}

impl Prefix {
    /// A normal path that is not the root.
    fn new(prefix: &OsStr) -> Option<Self> {
        let prefix = prefix.as_bytes();
        let mut given = paths::normal(b"/", prefix);
        if given.ends_with(b"/") {
            given.pop();
        }
        let is_fit = prefix.starts_with(b"/") && !given.is_empty() && std::str::from_utf8(&given).is_ok();
        is_fit.then(|| Self { resolved: resolved(&given), given })
    }

    /// As the environment has it.
    pub(crate) fn given(&self) -> &[u8] {
        &self.given
    }

    /// What is left of a normal path.
    pub(crate) fn below<'p>(&self, path: &'p [u8]) -> Option<&'p [u8]> {
        paths::below(&self.given, path).or_else(|| paths::below(&self.resolved, path))
    }

    /// Whether the prefix is below a normal path.
    pub(crate) fn is_below(&self, path: &[u8]) -> bool {
        paths::below(path, &self.given).or_else(|| paths::below(path, &self.resolved)).is_some()
    }
}

/// A normal path without symbolic links, as far as there is something; the rest as it is.
fn resolved(path: &[u8]) -> Vec<u8> {
    for end in (1..=path.len()).rev().filter(|&end| path.get(end).is_none_or(|&byte| byte == b'/')) {
        let (there, rest) = path.split_at(end);
        let Ok(there) = CString::new(there) else { break };
        let mut into = [0 as c_char; libc::PATH_MAX as usize];
        let (path, into_at) = (there.as_ptr(), into.as_mut_ptr());
        if !real!(realpath(path: *const c_char, into_at: *mut c_char) -> *mut c_char).is_null() {
            // SAFETY: it ends in a zero byte, which realpath has written.
            let found = unsafe { CStr::from_ptr(into_at) }.to_bytes();
            let found = found.strip_suffix(b"/").unwrap_or(found);
            return [found, rest].concat();
        }
    }
    path.to_vec()
}

/// The prefix; `None`: there is none, and nothing is ours. One that is set and fits nothing is the end of the program: to go on
/// would be to do to real files what was meant for the file server.
pub(crate) fn prefix() -> Option<&'static Prefix> {
    static PREFIX: OnceLock<Option<Prefix>> = OnceLock::new();
    let read = || {
        let prefix = std::env::var_os("NEARCALL_FILES_PREFIX").filter(|prefix| !prefix.is_empty())?;
        Prefix::new(&prefix).or_else(|| {
            let said = b"nearcall-preload: NEARCALL_FILES_PREFIX is no absolute path of UTF-8 below the root\n";
            let (fd, bytes, size) = (libc::STDERR_FILENO, said.as_ptr().cast::<c_void>(), said.len());
            real!(write(fd: c_int, bytes: *const c_void, size: usize) -> isize);
            std::process::abort()
        })
    };
    PREFIX.get_or_init(read).as_ref()
}

type Binding = MutexGuard<'static, Option<Arc<FileSystem>>>;

/// The binding, of this process.
static FILES: Mutex<Option<Arc<FileSystem>>> = Mutex::new(None);

thread_local! {
    /// What the calling kernel thread holds while it forks, so that its child finds no lock that somebody else holds for ever.
    static HELD: RefCell<Option<(Binding, open_files::Held, directories::Held)>> = const { RefCell::new(None) };
}

fn lock() -> Binding {
    FILES.lock().unwrap_or_else(PoisonError::into_inner)
}

extern "C" fn prepare() {
    // Whoever binds takes the library's locks, and looks at nothing that is open: so this comes first, and then they do.
    let held = (lock(), open_files::hold(), directories::hold());
    let _ = HELD.try_with(|all| *all.borrow_mut() = Some(held));
}

extern "C" fn parent() {
    let _ = HELD.try_with(|held| held.borrow_mut().take());
}

extern "C" fn child() {
    parent();
    open_files::inherit();
    // The parent's binding: nothing of it may be done here, not even given up.
    std::mem::forget(lock().take());
}

/// Has the library's own descriptors out of the way of the program's, half of whose numbers stay together, and known to its `close`.
fn keep_ours() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: it writes one `rlimit`, which lives through the call.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } == 0 {
        nearcall::kept::keep_from(c_int::try_from(limit.rlim_cur / 2).unwrap_or(c_int::MAX).clamp(64, 16_384));
    }
}

/// The file server, bound by this process.
///
/// # Errors
/// `EHOSTDOWN` if nobody serves; `ENOMEM`.
pub(crate) fn files() -> io::Result<Arc<FileSystem>> {
    static WATCHED: OnceLock<bool> = OnceLock::new();
    let watched = WATCHED.get_or_init(|| {
        keep_ours();
        // Handlers that run before a fork run in the reverse order: ours, then the library's.
        nearcall::let_children_take_part().is_ok()
            // SAFETY: the handlers are functions of a library that is never unloaded: what is preloaded stays.
            && unsafe { libc::pthread_atfork(Some(prepare), Some(parent), Some(child)) } == 0
    });
    if !watched {
        return Err(error(libc::ENOMEM));
    }
    let mut files = lock();
    if let Some(files) = &*files {
        return Ok(Arc::clone(files));
    }
    let name = std::env::var("NEARCALL_FILES_VFS").unwrap_or_else(|_| "vfs".to_owned());
    // Nobody waits again and again for what is not there; to ask is cheap.
    static WAITED: AtomicBool = AtomicBool::new(false);
    let wait = if WAITED.swap(true, Ordering::Relaxed) { Duration::ZERO } else { WAIT };
    let bound = Arc::new(FileSystem::bind(Binder::new(&name).wait(wait)).map_err(|_| error(libc::EHOSTDOWN))?);
    *files = Some(Arc::clone(&bound));
    Ok(bound)
}

/// Asks the file server something.
///
/// # Errors
/// As [`files`], and what the call says.
pub(crate) fn with_files<T>(call: impl Fn(&FileSystem) -> io::Result<T>) -> io::Result<T> {
    call(&*files()?)
}
