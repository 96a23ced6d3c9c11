//! `LD_PRELOAD=libnearcall_preload.so`: programs run on the file server that nobody has rewritten for it.
//!
//! What a program does to paths below a prefix, and to descriptors that it has got for them, goes to a vfs; all else goes to the
//! C library, as if this were not there. There is no third way: what cannot be done on the file server is an error
//! (`EHOSTDOWN` if it is not there, `EILSEQ` for names that are not UTF-8, `ENOTSUP` or what a file system would say of it otherwise),
//! and never the same thing done to a real file. Each function of the C library that takes a path is stood in for, because glibc calls
//! the kernel from within; those of which the file server has nothing are refused (`refused.rs`, `programs.rs`).
//!
//! A path is judged by its text: an absolute one as it is, a relative one from the current directory or the directory's descriptor, as
//! the kernel names them. **Not seen, and so done to real files:** a path that comes below the prefix through a symbolic link (or
//! `/proc/self/root`) on the way to it; what a program asks of the kernel without the C library (system calls of its own, as of Go and of
//! programs that are linked statically; io_uring; `syscall`); catalogs of messages and the like that the C library opens by names from
//! the environment; what the loader finds by `LD_LIBRARY_PATH`.
//!
//! | environment | |
//! |---|---|
//! | `NEARCALL_FILES_PREFIX` | where the vfs's mounts are to be seen: `/n`, say. Not set, or empty: nothing is. No absolute path of UTF-8, or `/`: the program is aborted |
//! | `NEARCALL_FILES_VFS` | the vfs's name; `vfs` if not set |
//! | `NEARCALL_DIR` | where names are, as for any client |
//!
//! **What there is:** open, creat, mkstemp and its like, the fopen family, read, write and their positioned and vectored forms, lseek, the
//! stat family, access, directories, scandir, glob, realpath (where no symbolic link is), copy_file_range, dup, fcntl, truncate, sync,
//! close, close_range, and mkdir, unlink, remove, rename. `..` in a path is taken away before it is looked at. **What there is not**, and is
//! an error: current directories, links and where they lead, permissions, owners, times, attributes, locks, special files, sockets, watches,
//! mappings, walks by ftw and fts, freopen, programs and libraries. `access` and `stat` say of permissions what the disk says; the
//! rights are the server's. chmod succeeds where it changes nothing. poll finds no file behind a descriptor. A standard stream does not
//! write to a file whose descriptor was put in its place (`dup2(fd, 1)`, as `sort -o` does): the C library asks the kernel from within.
//!
//! Writes of a descriptor with `O_SYNC` or `O_DSYNC` are followed by a sync each. `O_DIRECT` means nothing. A pointer that is none is
//! the end of the program where the kernel would say `EFAULT`.
//!
//! **Descriptors** are numbers that the kernel has given out: behind each is `/dev/null`, opened so that it can be neither read nor
//! written. So dup, close-on-exec and limits are the kernel's, and what asks the kernel past the C library gets `EBADF`. Whether such
//! a number is still what it was is asked with each use: what the C library closes from within may have given it to a real
//! file. They are not carried across `exec`.
//!
//! **fork:** a child binds for itself when it first asks the file server for something. A descriptor that it has of its parent's it
//! opens again by its path then, and if another file is there by now, or none, it gets `ESTALE`. Positions are shared with the parent,
//! as of the kernel's files, by a word of memory that both have. A child that is forked in the middle of another kernel thread's
//! stream (`FILE *`) finds that as locked as without this library. `vfork` is a fork; a child of `clone` that shares its parent's memory
//! must not touch its descriptors.
//!
//! **Closing what one does not have** (each number up to a limit, as daemons do; `closefrom`) spares this library's sockets: they have
//! high numbers, from half of the limit on, and `close` of one is `EBADF`, `dup2` onto one `EBUSY`. Who closes them past the C library
//! closes them: from then on the file server is not there, and the program's next files have numbers by which kernel threads of this
//! library still go.
//!
//! `unsafe` is here because the C library's functions are: pointers are what the program says they are, as for the functions
//! that these stand in for. They are looked at in `c.rs`, and the functions of the C library are called in `real.rs`.
//!
//! The umask is remembered from the program's calls of `umask`; before the first it is what `/proc/self/status` says, and `077` if
//! nothing does.
//!
//! Variadic functions have their one possible argument written out: the two calling conventions are the same for it where
//! this is built for.

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
compile_error!("whether variadic functions can be stood in for has been looked at for x86_64 and aarch64 only");

mod c;
mod data;
mod directories;
mod made;
mod names;
mod open_files;
mod paths;
mod position;
mod programs;
mod real;
mod refused;
mod server;
mod streams;
