//! One pair's channel: publishing, claiming and answering calls.
//!
//! [`client::ClientHalf`] writes request lines in ring order and reads reply lines; [`server::ServerHalf`] does the
//! reverse. Neither waits, sleeps or reads a clock: that is [`crate::transfer`]. Everything that decides is private: a
//! half never looks at what it wrote itself, and looks at what the peer wrote once.
//!
//! ```text
//! client                                        server
//!   line[s] = what, right, arguments               poll line[next].first == next      (relaxed)
//!   line[s].first = s            --Release-->      acquire fence; claim: next += 1     (private)
//!                                                  stamp[a] = s | STARTED
//!                                                  ... the procedure ...
//!                                                  stamp[a] = s | FINISHED
//!   poll reply[a].first == s     <--Release--      reply[a] = results; first = s | status
//!   acquire fence
//! ```

pub mod client;
pub mod grants;
pub mod memory;
pub mod server;
pub mod serving;

/// Words of arguments or results that ride in a line.
pub const LINE_WORDS: usize = nearcall_layout::head::LINE_BYTES / 8;

/// How far a call got, as far as the server wrote it down. It is as honest as the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ran {
    /// The server had not read the request: nothing happened, a retry is safe.
    No,
    /// The procedure was entered; it may have done some of its work, or all.
    Maybe,
    /// The procedure returned; only its results are lost.
    Yes,
}

#[cfg(test)]
mod tests;
