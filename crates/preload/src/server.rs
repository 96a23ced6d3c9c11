//! The file server: where it is to be seen, and the binding of this process to it.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use nearcall::Binder;
use nearcall_files::client::FileSystem;

use crate::c::error;
use crate::paths;

/// How long a server may take to be there.
const WAIT: Duration = Duration::from_secs(2);

/// The prefix, normal; `None`: there is none, and nothing is ours.
pub(crate) fn prefix() -> Option<&'static str> {
    static PREFIX: OnceLock<Option<String>> = OnceLock::new();
    let read = || {
        let prefix = std::env::var("NEARCALL_FILES_PREFIX").ok().filter(|prefix| prefix.starts_with('/'))?;
        Some(paths::normal("/", &prefix)).filter(|prefix| prefix != "/")
    };
    PREFIX.get_or_init(read).as_deref()
}

/// How often this process has been forked off since one before it was bound.
static FORKS: AtomicU32 = AtomicU32::new(0);

extern "C" fn forked() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

/// Which process this is: another number after each fork.
pub(crate) fn process() -> u32 {
    FORKS.load(Ordering::Relaxed)
}

/// The file server, bound by this process.
///
/// # Errors
/// `EHOSTDOWN` if nobody serves; `ENOTSUP` in a forked child of a process that was bound.
pub(crate) fn files() -> io::Result<Arc<FileSystem>> {
    static FILES: Mutex<Option<Arc<FileSystem>>> = Mutex::new(None);
    static WATCHED: OnceLock<()> = OnceLock::new();
    WATCHED.get_or_init(|| {
        // SAFETY: the handler is a function of the library that is never unloaded: what is preloaded stays.
        unsafe { libc::pthread_atfork(None, None, Some(forked)) };
    });
    if process() > 0 {
        return Err(error(libc::ENOTSUP));
    }
    let mut files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(files) = &*files {
        return Ok(Arc::clone(files));
    }
    let name = std::env::var("NEARCALL_FILES_VFS").unwrap_or_else(|_| "vfs".to_owned());
    let bound = Arc::new(FileSystem::bind(Binder::new(&name).wait(WAIT)).map_err(|_| error(libc::EHOSTDOWN))?);
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
