//! What the C library makes out of opening, looking and removing, made here out of ours.

#![expect(
    clippy::missing_safety_doc,
    reason = "the conditions of each are those of the C library's function that it stands in for"
)]

use std::ffi::c_void;
use std::io;

use libc::{c_char, c_int, dirent, size_t};
use nearcall_files::flags;

use crate::c::{self, error};
use crate::names::{HERE, open_ours, ours};
use crate::real::{real, stand_in};
use crate::server;

type Ours<T> = Option<io::Result<T>>;

unsafe fn on_remove(path: *const c_char) -> Ours<c_int> {
    // SAFETY: passed on.
    let path = unsafe { ours(HERE, path) }?;
    let remove = |path: String| {
        let files = server::files()?;
        let is_directory = files.stat(&path, flags::NO_FOLLOW)?.mode & libc::S_IFMT == libc::S_IFDIR;
        files.unlink(&path, if is_directory { flags::DIRECTORY } else { 0 }).map(|()| 0)
    };
    Some(path.and_then(remove))
}
stand_in!(on_remove for remove: (path: *const c_char) -> c_int);

/// How often another name is tried.
const TRIES: usize = 100;

/// Letters that names are made of.
const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// Makes something under a name whose six letters before the last `behind` bytes nobody has.
unsafe fn make<T>(template: *mut c_char, behind: c_int, each: impl Fn(String) -> io::Result<T>) -> Ours<T> {
    // SAFETY: a string, as for mkstemp.
    let length = unsafe { c::path(template) }?.len();
    // SAFETY: passed on.
    unsafe { ours(HERE, template) }?.err().map_or_else(
        || {
            let place = usize::try_from(behind).ok().and_then(|behind| length.checked_sub(behind + 6));
            let Some(at) = place else { return Some(Err(error(libc::EINVAL))) };
            // SAFETY: the six bytes lie within the string, which the program lets us change, as for mkstemp.
            let letters = unsafe { std::slice::from_raw_parts_mut(template.cast::<u8>().wrapping_add(at), 6) };
            if letters != b"XXXXXX" {
                return Some(Err(error(libc::EINVAL)));
            }
            for _ in 0..TRIES {
                let mut random = [0_u8; 6];
                // SAFETY: there is room for six bytes.
                if unsafe { libc::getrandom(random.as_mut_ptr().cast::<c_void>(), 6, 0) } != 6 {
                    return Some(Err(io::Error::last_os_error()));
                }
                for (letter, random) in letters.iter_mut().zip(random) {
                    *letter = LETTERS.get(usize::from(random) % LETTERS.len()).copied().unwrap_or(b'a');
                }
                // SAFETY: still a string.
                let path = unsafe { ours(HERE, template) }?;
                match path.and_then(&each) {
                    Err(error) if error.raw_os_error() == Some(libc::EEXIST) => {}
                    made => return Some(made),
                }
            }
            Some(Err(error(libc::EEXIST)))
        },
        |error| Some(Err(error)),
    )
}

unsafe fn on_mkostemps(template: *mut c_char, behind: c_int, how: c_int) -> Ours<c_int> {
    let how = how & !libc::O_ACCMODE | libc::O_RDWR | libc::O_CREAT | libc::O_EXCL;
    // SAFETY: passed on.
    unsafe { make(template, behind, |path| open_ours(path, how, 0o600)) }
}

unsafe fn on_mkostemp(template: *mut c_char, how: c_int) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { on_mkostemps(template, 0, how) }
}

unsafe fn on_mkstemps(template: *mut c_char, behind: c_int) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { on_mkostemps(template, behind, 0) }
}

unsafe fn on_mkstemp(template: *mut c_char) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { on_mkostemps(template, 0, 0) }
}

unsafe fn on_mkdtemp(template: *mut c_char) -> Ours<*mut c_char> {
    // SAFETY: passed on.
    let made = unsafe { make(template, 0, |path| server::with_files(|files| files.mkdir(&path, 0o700))) };
    made.map(|made| made.map(|()| template))
}

unsafe fn on_mktemp(template: *mut c_char) -> Ours<*mut c_char> {
    let free = |path: String| match server::files()?.stat(&path, flags::NO_FOLLOW) {
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(error(libc::EEXIST)),
    };
    // SAFETY: passed on.
    unsafe { make(template, 0, free) }.map(|made| made.map(|()| template))
}
stand_in!(on_mkstemp for mkstemp, mkstemp64: (template: *mut c_char) -> c_int);
stand_in!(on_mkostemp for mkostemp, mkostemp64: (template: *mut c_char, how: c_int) -> c_int);
stand_in!(on_mkstemps for mkstemps, mkstemps64: (template: *mut c_char, behind: c_int) -> c_int);
stand_in!(on_mkostemps for mkostemps, mkostemps64: (template: *mut c_char, behind: c_int, how: c_int) -> c_int);
stand_in!(on_mkdtemp for mkdtemp: (template: *mut c_char) -> *mut c_char);
stand_in!(on_mktemp for mktemp, __mktemp: (template: *mut c_char) -> *mut c_char);

/// A path without symbolic links. Where the file server has one, it does not say where that leads.
unsafe fn real_path(path: *const c_char, into: *mut c_char, room: usize) -> Ours<*mut c_char> {
    // SAFETY: passed on.
    let path = unsafe { ours(HERE, path) }?;
    let resolve = |path: String| {
        let files = server::files()?;
        let path = path.trim_end_matches('/');
        for end in path.match_indices('/').map(|(at, _)| at).chain([path.len()]) {
            let name = path.get(..end).unwrap_or(path);
            if files.stat(name, flags::NO_FOLLOW)?.mode & libc::S_IFMT == libc::S_IFLNK {
                return Err(error(libc::ENOTSUP));
            }
        }
        let given = server::prefix().map(server::Prefix::given).unwrap_or_default();
        let rest = if path == "." { Vec::new() } else { [b"/", path.as_bytes()].concat() };
        let bytes = [given, &rest, b"\0"].concat();
        if bytes.len() > room {
            return Err(error(libc::ENAMETOOLONG));
        }
        // SAFETY: it has no conditions.
        let into = if into.is_null() { unsafe { libc::malloc(bytes.len()) }.cast() } else { into };
        if into.is_null() {
            return Err(error(libc::ENOMEM));
        }
        // SAFETY: there is room for `room` bytes, as for realpath, or for as many as were asked for just now.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr().cast(), into, bytes.len()) };
        Ok(into)
    };
    Some(path.and_then(resolve))
}

unsafe fn on_realpath(path: *const c_char, into: *mut c_char) -> Ours<*mut c_char> {
    // SAFETY: passed on.
    unsafe { real_path(path, into, libc::PATH_MAX as usize) }
}

unsafe fn on_realpath_chk(path: *const c_char, into: *mut c_char, room: size_t) -> Ours<*mut c_char> {
    // SAFETY: passed on.
    unsafe { real_path(path, into, room.min(libc::PATH_MAX as usize)) }
}

unsafe fn on_canonicalize(path: *const c_char) -> Ours<*mut c_char> {
    // SAFETY: passed on.
    unsafe { on_realpath(path, std::ptr::null_mut()) }
}
stand_in!(on_realpath for realpath: (path: *const c_char, into: *mut c_char) -> *mut c_char);
stand_in!(on_realpath_chk for __realpath_chk: (path: *const c_char, into: *mut c_char, room: size_t) -> *mut c_char);
stand_in!(on_canonicalize for canonicalize_file_name: (path: *const c_char) -> *mut c_char);

type Wanted = Option<unsafe extern "C" fn(*const dirent) -> c_int>;
type Compared = Option<unsafe extern "C" fn(*mut *const dirent, *mut *const dirent) -> c_int>;

/// The entries of a directory, each and their list from malloc.
unsafe fn scan(
    directory: c_int,
    path: *const c_char,
    list: *mut *mut *mut dirent,
    wanted: Wanted,
    compared: Compared,
) -> Ours<c_int> {
    // SAFETY: passed on.
    let found = unsafe { ours(directory, path) }?;
    let collect = |path: String| {
        let fd = open_ours(path, libc::O_DIRECTORY | libc::O_CLOEXEC, 0)?;
        // SAFETY: the descriptor is ours, and the stream's from now on.
        let stream = unsafe { libc::fdopendir(fd) };
        if stream.is_null() {
            let error = io::Error::last_os_error();
            // SAFETY: it is still ours.
            unsafe { libc::close(fd) };
            return Err(error);
        }
        let mut entries: Vec<*mut dirent> = Vec::new();
        loop {
            // SAFETY: nobody else has the stream.
            let entry = unsafe { libc::readdir(stream) };
            if entry.is_null() {
                break;
            }
            // SAFETY: an entry of ours, whole, and the program's function, as for scandir.
            if wanted.is_none_or(|wanted| unsafe { wanted(entry) } != 0) {
                // SAFETY: it has no conditions.
                let copy = unsafe { libc::malloc(size_of::<dirent>()) }.cast::<dirent>();
                if copy.is_null() {
                    continue;
                }
                // SAFETY: there is room for one, and one is there.
                unsafe { std::ptr::copy_nonoverlapping(entry, copy, 1) };
                entries.push(copy);
            }
        }
        // SAFETY: nobody uses it any more.
        unsafe { libc::closedir(stream) };
        // SAFETY: it has no conditions.
        let all = unsafe { libc::malloc((entries.len() + 1) * size_of::<*mut dirent>()) }.cast::<*mut dirent>();
        if all.is_null() {
            return Err(error(libc::ENOMEM));
        }
        // SAFETY: there is room for one more than that.
        unsafe { std::ptr::copy_nonoverlapping(entries.as_ptr(), all, entries.len()) };
        if let Some(compared) = compared {
            // SAFETY: a function of two pointers to elements, which scandir's are.
            let compared = unsafe {
                std::mem::transmute::<
                    unsafe extern "C" fn(*mut *const dirent, *mut *const dirent) -> c_int,
                    unsafe extern "C" fn(*const c_void, *const c_void) -> c_int,
                >(compared)
            };
            // SAFETY: that many elements of that size.
            unsafe { libc::qsort(all.cast(), entries.len(), size_of::<*mut dirent>(), Some(compared)) };
        }
        // SAFETY: room for a list, as for scandir.
        unsafe { c::put(list, all) }?;
        Ok(c_int::try_from(entries.len()).unwrap_or(c_int::MAX))
    };
    Some(found.and_then(collect))
}

unsafe fn on_scandir(
    path: *const c_char,
    list: *mut *mut *mut dirent,
    wanted: Wanted,
    compared: Compared,
) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { scan(HERE, path, list, wanted, compared) }
}

stand_in!(on_scandir for scandir, scandir64:
    (path: *const c_char, list: *mut *mut *mut dirent, wanted: Wanted, compared: Compared) -> c_int);
stand_in!(scan for scandirat, scandirat64:
    (directory: c_int, path: *const c_char, list: *mut *mut *mut dirent, wanted: Wanted, compared: Compared) -> c_int);

/// glibc's `glob_t`.
#[repr(C)]
struct Found {
    count: size_t,
    paths: *mut *mut c_char,
    offset: size_t,
    flags: c_int,
    close: Option<unsafe extern "C" fn(*mut libc::DIR) -> c_int>,
    read: Option<unsafe extern "C" fn(*mut libc::DIR) -> *mut dirent>,
    open: Option<unsafe extern "C" fn(*const c_char) -> *mut libc::DIR>,
    look_at_link: Option<unsafe extern "C" fn(*const c_char, *mut libc::stat) -> c_int>,
    look: Option<unsafe extern "C" fn(*const c_char, *mut libc::stat) -> c_int>,
}

/// glibc's `GLOB_ALTDIRFUNC`.
const OTHER_FUNCTIONS: c_int = 1 << 9;

/// The C library's own, with the functions that stand in for those that it would have called from within.
macro_rules! globs {
    ($($name:ident),+) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name(pattern: *const c_char, how: c_int, error: *const c_void, into: *mut Found) -> c_int {
            let mut how = how;
            // SAFETY: null or a `glob_t`, as for glob.
            if server::prefix().is_some() && how & OTHER_FUNCTIONS == 0 && let Some(found) = unsafe { into.as_mut() } {
                how |= OTHER_FUNCTIONS;
                found.close = Some(libc::closedir);
                found.read = Some(libc::readdir);
                found.open = Some(libc::opendir);
                found.look_at_link = Some(libc::lstat);
                found.look = Some(libc::stat);
            }
            real!($name(pattern: *const c_char, how: c_int, error: *const c_void, into: *mut Found) -> c_int)
        }
    )+};
}
globs!(glob, glob64);
