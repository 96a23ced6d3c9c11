//! The members' processes, seen from the one that orders them.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use anyhow::{Context, Result, bail};

use super::member::Order;
use crate::client::Task;
use crate::peer::this_program;

/// A member. Killed on drop: what it holds of the server goes the way of a client that dies.
#[derive(Debug)]
pub(crate) struct Member {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Member {
    /// Starts one, on any processor that the program may use.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn start(task: &Task) -> Result<Self> {
        let mut command = this_program(&task.processors.anywhere(), &["member"])?;
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.context("starting a member of the crowd")?;
        let orders = child.stdin.take().context("a member has no input")?;
        let answers = BufReader::new(child.stdout.take().context("a member has no output")?);
        Ok(Self { child, orders, answers })
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Orders something and waits until it is done.
    ///
    /// # Errors
    /// When the member failed; it has said why on its standard error.
    pub(crate) fn ask(&mut self, order: &Order) -> Result<Vec<u64>> {
        self.tell(order)?;
        self.hear()
    }

    /// Orders something that gives one number.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub(crate) fn ask_one(&mut self, order: &Order) -> Result<f64> {
        let answer = self.ask(order)?;
        Ok(*answer.first().context("a member answered nothing")? as f64)
    }

    /// Orders something.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub(crate) fn tell(&mut self, order: &Order) -> Result<()> {
        let mut line = serde_json::to_vec(order)?;
        line.push(b'\n');
        self.orders.write_all(&line).context("ordering a member")
    }

    /// Waits until what was ordered is done.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub(crate) fn hear(&mut self) -> Result<Vec<u64>> {
        let mut line = String::new();
        self.answers.read_line(&mut line).context("hearing from a member")?;
        if line.is_empty() {
            bail!("a member of the crowd failed");
        }
        serde_json::from_str(&line).context("a member's answer")
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // It fails only if the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts `count` members.
///
/// # Errors
/// As [`Member::start`].
pub(crate) fn start(task: &Task, count: u32) -> Result<Vec<Member>> {
    (0..count).map(|_| Member::start(task)).collect()
}

/// Has every member bind `count` times, one member after the other. Returns how long each bind of each took.
///
/// # Errors
/// As [`Member::ask`].
pub(crate) fn bind(members: &mut [Member], names: &Path, count: u32) -> Result<Vec<Vec<u64>>> {
    let order = Order::Bind { names: names.to_owned(), count };
    members.iter_mut().map(|member| member.ask(&order)).collect()
}
