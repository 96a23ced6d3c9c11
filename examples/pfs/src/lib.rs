//! Interfaces from `.idl` files beside one that is a trait: the file system of the IDL4 paper, with a loop that was changed by
//! hand, and a library that is described both ways.
#![forbid(unsafe_code)]

pub mod library;
pub mod pfs_loop;
pub mod pfs_server;
pub mod shelves;

/// From `pfs.idl`.
pub mod pfs {
    nearcall::include_idl!("pfs");
}

/// From `library.idl`, with the stubs that the others are compared with.
pub mod idl_conventional {
    nearcall::include_idl!("library_conventional");
}

/// From `library.idl`.
pub mod idl {
    nearcall::include_idl!("library");
}
