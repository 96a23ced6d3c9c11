//! `LD_PRELOAD=libnearcall_preload.so`: programs run on the file server that nobody has rewritten for it.
//!
//! What a program does to paths below a prefix, and to descriptors that it has got for them, goes to a vfs; all else goes to the
//! C library, as if this were not there. There is no third way: what cannot be done on the file server is an error
//! (`EHOSTDOWN` if it is not there, `ENOTSUP` or what a file system would say of it otherwise), and never the same thing done to a
//! real file.
//!
//! | environment | |
//! |---|---|
//! | `NEARCALL_FILES_PREFIX` | where the vfs's mounts are to be seen: `/n`, say. Not set: nothing is |
//! | `NEARCALL_FILES_VFS` | the vfs's name; `vfs` if not set |
//! | `NEARCALL_DIR` | where names are, as for any client |
//!
//! **What there is:** open, creat, the fopen family, read, write and their positioned and vectored forms, lseek, the stat
//! family, access, directories, copy_file_range, dup, fcntl, truncate, sync, close, and mkdir, unlink, rename. `..` in a path is
//! taken away before it is looked at.
//!
//! **Descriptors** are numbers that the kernel has given out: behind each is `/dev/null`, opened so that it can be neither read nor
//! written. So dup, close-on-exec and limits are the kernel's, and what asks the kernel past the C library gets `EBADF`. They are
//! not carried across `exec`.
//!
//! **fork:** a child binds for itself when it first asks the file server for something. A descriptor that it has of its parent's it
//! opens again by its path then, and if another file is there by now, or none, it gets `ESTALE`. Positions are shared with the parent,
//! as of the kernel's files, by a word of memory that both have. A child that is forked in the middle of another kernel thread's
//! stream (`FILE *`) finds that as locked as without this library.
//!
//! `unsafe` is here because the C library's functions are: pointers are what the program says they are, as for the functions
//! that these stand in for. They are looked at in `c.rs`, and the functions of the C library are called in `real.rs`.
//!
//! Variadic functions have their one possible argument written out: the two calling conventions are the same for it where
//! this is built for.

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
compile_error!("whether variadic functions can be stood in for has been looked at for x86_64 and aarch64 only");

mod c;
mod data;
mod directories;
mod names;
mod open_files;
mod paths;
mod position;
mod real;
mod server;
mod streams;
