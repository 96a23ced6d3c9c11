//! The functions that are behind ours: those that the program would have called.

use std::ffi::{CStr, c_void};
use std::sync::atomic::{AtomicPtr, Ordering};

/// What a function returns that is not there.
pub(crate) trait Failed {
    /// By its convention.
    const FAILED: Self;
}

impl Failed for i32 {
    const FAILED: Self = -1;
}

/// A mask, whose function does not fail.
impl Failed for u32 {
    const FAILED: Self = 0o77;
}

impl Failed for i64 {
    const FAILED: Self = -1;
}

impl Failed for isize {
    const FAILED: Self = -1;
}

/// What returns nothing says nothing.
impl Failed for () {
    const FAILED: Self = ();
}

impl<T> Failed for *mut T {
    const FAILED: Self = std::ptr::null_mut();
}

/// The next function of this name, looked up once. Null: there is none.
pub(crate) fn next(known: &AtomicPtr<c_void>, name: &CStr) -> *mut c_void {
    // Relaxed: code is there before anybody can ask for it.
    let found = known.load(Ordering::Relaxed);
    if !found.is_null() {
        return found;
    }
    // SAFETY: the name ends in a zero byte.
    let found = unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) };
    known.store(found, Ordering::Relaxed);
    found
}

/// Calls the C library's function of this name with these arguments.
macro_rules! real {
    ($name:ident($($argument:ident: $ty:ty),*) -> $returned:ty) => {{
        static NEXT: std::sync::atomic::AtomicPtr<std::ffi::c_void> =
            std::sync::atomic::AtomicPtr::new(std::ptr::null_mut());
        const NAME: &std::ffi::CStr = match std::ffi::CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()) {
            Ok(name) => name,
            Err(_) => panic!("no name has a zero byte"),
        };
        let found = $crate::real::next(&NEXT, NAME);
        // SAFETY: null is `None`, and a symbol of this name is a function of this type: those of glibc's documentation.
        let function = unsafe {
            std::mem::transmute::<*mut std::ffi::c_void, Option<unsafe extern "C" fn($($ty),*) -> $returned>>(found)
        };
        match function {
            // SAFETY: the arguments are the program's, which has called ours as it would have called this one.
            Some(function) => unsafe { function($($argument),*) },
            None => {
                $crate::c::set_errno(libc::ENOSYS);
                <$returned as $crate::real::Failed>::FAILED
            }
        }
    }};
}
pub(crate) use real;

/// Stands in for functions of one type: `ours` says what becomes of a call that is ours, and `None` of all others, which go on to
/// the function of the same name.
macro_rules! stand_in {
    ($ours:ident for $($name:ident),+: $arguments:tt -> $returned:ty) => {
        $($crate::real::stand_in!(@one $ours $name $arguments -> $returned);)+
    };
    (@one $ours:ident $name:ident ($($argument:ident: $ty:ty),*) -> $returned:ty) => {
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name($($argument: $ty),*) -> $returned {
            // SAFETY: pointers are what the program says they are, as for the function that this stands in for.
            match unsafe { $ours($($argument),*) } {
                Some(result) => $crate::c::give(result),
                None => $crate::real::real!($name($($argument: $ty),*) -> $returned),
            }
        }
    };
}
pub(crate) use stand_in;
