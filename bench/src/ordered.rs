//! Processes of this program that sleep at their standard input until they are ordered to do something.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::peer::{Start, under};

/// Such a process, seen from the one that orders it. Killed on drop: what it holds of a server goes the way of a client that
/// dies.
#[derive(Debug)]
pub(crate) struct Ordered {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Ordered {
    /// Starts one with `arguments`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn start(start: &Start, arguments: &[&str]) -> Result<Self> {
        Self::start_under(&[], start, arguments)
    }

    /// The same under `tool`: [`under`].
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn start_under(tool: &[&str], start: &Start, arguments: &[&str]) -> Result<Self> {
        let mut command = under(tool, start, arguments)?;
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.context("starting a process that takes orders")?;
        let orders = child.stdin.take().context("a process that takes orders has no input")?;
        let answers = BufReader::new(child.stdout.take().context("a process that takes orders has no output")?);
        Ok(Self { child, orders, answers })
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Orders something.
    ///
    /// # Errors
    /// When the process failed; it has said why on its standard error.
    pub(crate) fn tell(&mut self, order: &impl Serialize) -> Result<()> {
        let mut line = serde_json::to_vec(order)?;
        line.push(b'\n');
        self.orders.write_all(&line).context("ordering a process")
    }

    /// Waits until what was ordered is done.
    ///
    /// # Errors
    /// As [`Self::tell`].
    pub(crate) fn hear<T: DeserializeOwned>(&mut self) -> Result<T> {
        let mut line = String::new();
        self.answers.read_line(&mut line).context("hearing from a process")?;
        if line.is_empty() {
            bail!("a process that was ordered something failed");
        }
        serde_json::from_str(&line).context("the answer to an order")
    }
}

impl Drop for Ordered {
    fn drop(&mut self) {
        // It fails only if the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The process itself: does what each line of its standard input says with `perform`, and prints a line with the answer,
/// until the input ends.
///
/// # Errors
/// The first order that cannot be read or done.
pub(crate) fn obey<O: DeserializeOwned, A: Serialize>(mut perform: impl FnMut(O) -> Result<A>) -> Result<()> {
    let mut output = std::io::stdout();
    for line in std::io::stdin().lock().lines() {
        let order = serde_json::from_str(&line.context("reading an order")?).context("an order")?;
        let mut answer = serde_json::to_vec(&perform(order)?)?;
        answer.push(b'\n');
        output.write_all(&answer).and_then(|()| output.flush()).context("answering")?;
    }
    Ok(())
}
