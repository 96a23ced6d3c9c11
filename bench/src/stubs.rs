//! Instructions of stubs, as Table 4 of the paper on IDL4 counts them: those of the two back ends of the interface compiler, of
//! the three procedures of the paper, in both directions.
//!
//! ```text
//! client   begin |--1--> hook |            | hook --4--> end
//! server                      |--2--> procedure --3--> |
//! ```
//!
//! One kernel thread is client and server in turn, by the library's hook, and callgrind counts each of the four parts by itself:
//! the program switches counting on and off at the marks. What a stub costs is what its call takes more than one that was
//! written by hand and moves the same bytes (its floor). The server's loop is included, as in the paper; the procedure is not.

#[cfg(feature = "instructions")]
mod floor;
#[cfg(feature = "instructions")]
mod marks;
#[cfg(feature = "instructions")]
mod own;
#[cfg(feature = "instructions")]
#[allow(unreachable_pub, reason = "as the interface compiler writes it")]
mod pfs_loop;
#[cfg(feature = "instructions")]
#[allow(unreachable_pub, reason = "as the interface compiler writes it")]
mod pfs_loop_conventional;

#[cfg(feature = "instructions")]
pub(crate) use own::{Kind, report, run};

/// By the optimised back end.
#[cfg(feature = "instructions")]
#[allow(unreachable_pub, reason = "as the interface compiler writes it")]
mod pfs {
    nearcall::include_idl!("pfs");
}

/// By the conventional one.
#[cfg(feature = "instructions")]
#[allow(unreachable_pub, reason = "as the interface compiler writes it")]
mod pfs_conventional {
    nearcall::include_idl!("pfs_conventional");
}

/// Says how to get it.
///
/// # Errors
/// Always.
#[cfg(not(feature = "instructions"))]
pub(crate) fn report(_: bool) -> anyhow::Result<()> {
    anyhow::bail!("this needs `cargo run --release -p nearcall-bench --features instructions -- stubs`")
}
