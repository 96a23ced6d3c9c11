//! What the client tells the parent: one JSON object a line on its standard output.

use std::io::Write;

use serde::{Deserialize, Serialize};

use super::counts::ClientSide;
use super::meter::Row;

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Event {
    /// A file was read to its end and its copy written.
    Copied { path: String, bytes: u64 },
    /// The server refused a file or a directory; the client went on with the next.
    Refused { path: String, error: String },
    /// The whole tree is done.
    Done(Done),
    /// All threads of the client are calling: the server may be killed now.
    Calling { threads: usize },
    /// No call is under way any more; how each thread's last one ended.
    Ended { calls: Vec<LastCall> },
    /// The client bound to the new server and read on.
    Resumed(Resumed),
}

/// What the client measured over the tree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Done {
    /// User the client ran as.
    pub(crate) uid: u32,
    /// Whether the client could have opened the tree by itself.
    pub(crate) direct_access: bool,
    /// A line a procedure.
    pub(crate) procedures: Vec<Row>,
    /// All reads once more, with nothing between them.
    pub(crate) reads: Row,
    /// Mean time of the null call, nanoseconds: the median over batches.
    pub(crate) ping_ns: f64,
    /// How all calls up to here travelled.
    pub(crate) counts: ClientSide,
}

/// How the last call of a thread ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LastCall {
    /// Calls of this thread before it.
    pub(crate) calls: u64,
    /// The error's text; nothing: the server lived on past the thread's patience.
    pub(crate) error: Option<String>,
    /// What the error says about whether the procedure ran.
    pub(crate) ran: Option<String>,
    /// Whether the error is one that says that the server died.
    pub(crate) death: bool,
    /// Length of the call, microseconds.
    pub(crate) took_us: u64,
}

/// How the client went on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Resumed {
    /// Time until the binding to the new server was there, milliseconds.
    pub(crate) bind_ms: f64,
    /// The file that was read half by the old server, half by the new one; none if no file has contents.
    pub(crate) path: Option<String>,
    /// Bytes of it that the old server gave.
    pub(crate) before: u64,
    /// Bytes that the new one gave.
    pub(crate) after: u64,
}

/// The line that the parent answers [`Event::Done`] with: go on to the part in which the server dies.
pub(crate) const GO_ON: &str = "go on";

/// Writes a line.
///
/// # Errors
/// The parent is gone.
pub(crate) fn send(event: &Event) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(event)?;
    line.push(b'\n');
    let mut out = std::io::stdout().lock();
    out.write_all(&line)?;
    Ok(out.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_read_back() {
        let event = Event::Copied { path: "sub/größe\n\u{1}".into(), bytes: u64::MAX };
        let line = serde_json::to_string(&event).unwrap();
        assert!(!line.contains('\n'));
        assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), event);
    }
}
