//! The file server: where it is to be seen, and the binding of this process to it.

use std::cell::RefCell;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use nearcall::Binder;
use nearcall_files::client::FileSystem;

use crate::c::error;
use crate::{directories, open_files, paths};

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

/// The file server, bound by this process.
///
/// # Errors
/// `EHOSTDOWN` if nobody serves; `ENOMEM`.
pub(crate) fn files() -> io::Result<Arc<FileSystem>> {
    static WATCHED: OnceLock<bool> = OnceLock::new();
    let watched = WATCHED.get_or_init(|| {
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
