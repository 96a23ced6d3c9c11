//! A server's process and a binding to it, and the calls that are made through the binding.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::interface::{BenchClient, NAME};
use crate::alloc;
use crate::case::Setting;
use crate::measure::{Job, Sample};
use crate::peer::{Peer, Placement};

/// Which procedure is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Procedure {
    /// No argument, no result.
    Null,
    /// Two numbers there, one back.
    Add,
    /// 40 bytes there, the same back.
    Echo40,
    /// 4096 bytes there, 4 back.
    Write4096,
}

/// Bytes that [`Procedure::Write4096`] sends.
const WRITE_BYTES: usize = 4096;

/// How long the server may take to be found.
const WAIT: Duration = Duration::from_secs(5);

/// A server of its own and the only binding to it. On drop the binding goes first, then the server, then its name.
#[derive(Debug)]
pub(crate) struct Session {
    client: BenchClient,
    _peer: Peer,
    _names: tempfile::TempDir,
}

impl Session {
    /// Starts a server, with the names in a directory of its own, and binds.
    ///
    /// # Errors
    /// When the process, the directory or the binding cannot be had.
    pub(crate) fn start(setting: &Setting, placement: Placement) -> Result<Self> {
        let names = tempfile::tempdir().context("making a directory for the name")?;
        let path = names.path().to_str().context("the name of the temporary directory is not UTF-8")?;
        let mut peer = Peer::start(&setting.processors, placement, &["serve", path], Stdio::piped())?;
        peer.ready()?;
        let client = nearcall::Binder::new(NAME).dir(names.path()).wait(WAIT).bind::<BenchClient>();
        Ok(Self { client: client.context("binding to the server")?, _peer: peer, _names: names })
    }

    /// Does `job` with calls of `procedure`, each verified.
    ///
    /// # Errors
    /// The first call that fails or returns something else.
    pub(crate) fn run(&self, procedure: Procedure, job: &Job) -> Result<Sample> {
        let client = &self.client;
        let mut calls = 0_u32;
        match procedure {
            Procedure::Null => job.run(|| Ok(client.null()?)),
            Procedure::Add => job.run(|| {
                calls = calls.wrapping_add(0x9e37_79b9);
                expect(client.add(calls, 17)?, calls.wrapping_add(17))
            }),
            Procedure::Echo40 => job.run(|| {
                calls = calls.wrapping_add(1);
                let [a, b, c, d, e] = std::array::from_fn(|index| u64::from(calls) + ((index as u64) << 32));
                expect(client.echo40(a, b, c, d, e)?, [a, b, c, d, e])
            }),
            Procedure::Write4096 => {
                let mut data = vec![0; WRITE_BYTES];
                job.run(|| {
                    calls = calls.wrapping_add(1);
                    // A word of its own for each call, at a place that the multiplication scatters over the rest.
                    let scattered = calls.wrapping_mul(0x9e37_79b9) >> 8;
                    let place = 4 + 4 * (scattered % (WRITE_BYTES as u32 / 4 - 1));
                    data[..4].copy_from_slice(&place.to_le_bytes());
                    data[place as usize..][..4].copy_from_slice(&calls.to_le_bytes());
                    expect(client.write(&data)?, calls)
                })
            }
        }
    }

    /// Allocations so far, ours and the server's.
    ///
    /// # Errors
    /// When the call that asks the server fails.
    pub(crate) fn allocations(&self) -> Result<(u64, u64)> {
        let theirs = self.client.allocations()?;
        Ok((alloc::allocations(), theirs))
    }
}

#[inline(always)]
fn expect<T: PartialEq + std::fmt::Debug>(got: T, expected: T) -> Result<()> {
    if got != expected {
        bail!("the call returned {got:?}, not {expected:?}");
    }
    Ok(())
}
