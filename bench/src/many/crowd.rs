//! The members' processes, seen from the one that orders them.

use std::path::Path;

use anyhow::{Context, Result};

use super::member::Order;
use crate::client::Task;
use crate::ordered::Ordered;

/// A member. Killed on drop.
#[derive(Debug)]
pub(crate) struct Member(Ordered);

impl Member {
    /// Starts one, on any processor that the program may use.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn start(task: &Task) -> Result<Self> {
        Ok(Self(Ordered::start(&task.processors.anywhere(), &["member"])?))
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.0.pid()
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
        self.0.tell(order)
    }

    /// Waits until what was ordered is done.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub(crate) fn hear(&mut self) -> Result<Vec<u64>> {
        self.0.hear()
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
