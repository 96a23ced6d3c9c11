//! The calls: what each one sends, and how its reply is checked.
//!
//! Payload has a word of its own for each call, at a place that a multiplication scatters over the rest, and the reply
//! has to know it. So every call is checked, for a few nanoseconds, and every place of the payload sooner or later.

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

use super::interface::{BIG, BenchClient, PAGE, page_word};
use crate::measure::{Job, Watch};
use crate::sample::Sample;

/// Which procedure is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
pub(crate) enum Procedure {
    /// No argument, no result.
    Null,
    /// Two numbers there, one back.
    Add,
    /// 200 bytes there, 4 back.
    BigIn,
    /// 200 bytes there and back.
    BigInOut,
    /// 4096 bytes there, 4 back.
    Write4096,
    /// 8 bytes there, 4096 back, into the caller's buffer.
    Read4096,
    /// 40 bytes there, the same back.
    Echo40,
    /// 64 KiB there, 4 bytes back: out of band.
    Write65536,
    /// 8 bytes there, 64 KiB back, into the caller's buffer: out of band.
    Read65536,
}

impl Procedure {
    /// All that are timed, and their names in those of cases.
    pub(crate) const ALL: [(Self, &'static str); 7] = [
        (Self::Null, "null"),
        (Self::Add, "add"),
        (Self::BigIn, "big_in"),
        (Self::BigInOut, "big_in_out"),
        (Self::Write4096, "write4096"),
        (Self::Read4096, "read4096"),
        (Self::Echo40, "echo40"),
    ];
}

/// Where in its page the caller's buffer begins: as large blocks of an allocator do, right behind 16 bytes of its own.
const USUAL_OFFSET: usize = 16;

/// The four calls of LRPC's Table IV, by whatever carries them.
pub(crate) trait Basic {
    /// [`super::interface::Bench::null`], and so on.
    fn null(&mut self) -> Result<()>;
    fn add(&mut self, a: u32, b: u32) -> Result<u32>;
    fn big_in(&mut self, data: &[u8; BIG]) -> Result<u32>;
    fn big_in_out(&mut self, data: &mut [u8; BIG]) -> Result<()>;
}

impl Basic for &BenchClient {
    #[inline(always)]
    fn null(&mut self) -> Result<()> {
        Ok(BenchClient::null(self)?)
    }
    #[inline(always)]
    fn add(&mut self, a: u32, b: u32) -> Result<u32> {
        Ok(BenchClient::add(self, a, b)?)
    }
    #[inline(always)]
    fn big_in(&mut self, data: &[u8; BIG]) -> Result<u32> {
        Ok(BenchClient::big_in(self, data)?)
    }
    #[inline(always)]
    fn big_in_out(&mut self, data: &mut [u8; BIG]) -> Result<()> {
        Ok(BenchClient::big_in_out(self, data)?)
    }
}

/// Does `job` with calls of one of the four, each verified.
///
/// # Errors
/// The first call that fails or returns something else, and if `procedure` is none of the four.
#[inline(always)]
pub(crate) fn basic(mut client: impl Basic, procedure: Procedure, job: &Job, watch: &mut impl Watch) -> Result<Sample> {
    let mut calls = 0_u32;
    match procedure {
        Procedure::Null => job.run(watch, || client.null()),
        Procedure::Add => job.run(watch, || {
            calls = calls.wrapping_add(0x9e37_79b9);
            expect(client.add(calls, 17)?, calls.wrapping_add(17))
        }),
        Procedure::BigIn => {
            let mut data = [0; BIG];
            job.run(watch, || {
                calls = calls.wrapping_add(1);
                stamp(&mut data, calls);
                expect(client.big_in(&data)?, calls)
            })
        }
        Procedure::BigInOut => {
            let mut data = [0; BIG];
            job.run(watch, || {
                calls = calls.wrapping_add(1);
                let place = stamp(&mut data, calls);
                // A word that nobody touches in this call.
                let other = 4 + (place + 60) % (BIG - 8);
                let untouched = word(&data, other);
                client.big_in_out(&mut data)?;
                expect(word(&data, place), calls.wrapping_add(1))?;
                expect((word(&data, 0), word(&data, other)), (place as u32, untouched))
            })
        }
        other => bail!("{other:?} is not one of the four basic calls"),
    }
}

/// Does `job` with calls of `procedure`, each verified.
///
/// # Errors
/// The first call that fails or returns something else.
pub(crate) fn run(client: &BenchClient, procedure: Procedure, job: &Job, watch: &mut impl Watch) -> Result<Sample> {
    let mut calls = 0_u32;
    match procedure {
        Procedure::Null | Procedure::Add | Procedure::BigIn | Procedure::BigInOut => {
            basic(client, procedure, job, watch)
        }
        Procedure::Write4096 | Procedure::Write65536 => {
            let mut buffer = Buffer::of(if procedure == Procedure::Write4096 { PAGE } else { LARGE });
            let data = buffer.at(USUAL_OFFSET);
            job.run(watch, || {
                calls = calls.wrapping_add(1);
                write(client, data, calls)
            })
        }
        Procedure::Read4096 | Procedure::Read65536 => {
            let mut buffer = Buffer::of(if procedure == Procedure::Read4096 { PAGE } else { LARGE });
            let data = buffer.at(USUAL_OFFSET);
            job.run(watch, || {
                calls = calls.wrapping_add(1);
                let words = data.len() as u32 / 4;
                let place = scattered(calls) % words;
                let other = (place + 1) % words;
                client.read(place, calls, data)?;
                let words = (word(data, place as usize * 4), word(data, other as usize * 4));
                expect(words, (calls, page_word(other % (PAGE as u32 / 4))))
            })
        }
        Procedure::Echo40 => job.run(watch, || {
            calls = calls.wrapping_add(1);
            let [a, b, c, d, e] = std::array::from_fn(|index| u64::from(calls) + ((index as u64) << 32));
            expect(client.echo40(a, b, c, d, e)?, [a, b, c, d, e])
        }),
    }
}

/// One verified write of `data`, the `calls`th.
///
/// # Errors
/// When the call fails or returns something else.
#[inline(always)]
pub(crate) fn write(client: &BenchClient, data: &mut [u8], calls: u32) -> Result<()> {
    stamp(data, calls);
    expect(client.write(data)?, calls)
}

/// Writes `value` at a place of `data`, and the place at its beginning. Returns the place.
#[inline(always)]
fn stamp(data: &mut [u8], value: u32) -> usize {
    let place = 4 + 4 * (scattered(value) % (data.len() as u32 / 4 - 1));
    data[..4].copy_from_slice(&place.to_le_bytes());
    data[place as usize..][..4].copy_from_slice(&value.to_le_bytes());
    place as usize
}

#[inline(always)]
fn scattered(number: u32) -> u32 {
    number.wrapping_mul(0x9e37_79b9) >> 8
}

#[inline(always)]
fn word(data: &[u8], at: usize) -> u32 {
    data.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

#[inline(always)]
fn expect<T: PartialEq + std::fmt::Debug>(got: T, expected: T) -> Result<()> {
    if got != expected {
        bail!("the call returned {got:?}, not {expected:?}");
    }
    Ok(())
}

/// Bytes of the calls that go out of band.
const LARGE: usize = 65536;

/// Memory in which some bytes can begin at any offset of a page.
#[derive(Debug)]
pub(crate) struct Buffer(Vec<u8>);

impl Buffer {
    /// A page's worth, all zero.
    pub(crate) fn new() -> Self {
        Self::of(PAGE)
    }

    /// `size` bytes, all zero.
    fn of(size: usize) -> Self {
        Self(vec![0; size + PAGE])
    }

    /// The bytes, at an address that is `offset` modulo the size of a page.
    pub(crate) fn at(&mut self, offset: usize) -> &mut [u8] {
        let start = offset.wrapping_sub(self.0.as_ptr().addr()) % PAGE;
        let size = self.0.len() - PAGE;
        &mut self.0[start..start + size]
    }
}

#[cfg(test)]
mod tests {
    use super::super::interface::{Answers, Bench};
    use super::*;

    #[test]
    fn buffers_begin_where_they_should() {
        let mut buffer = Buffer::new();
        for offset in [0, 1, 16, 64, 4080, 4095] {
            let data = buffer.at(offset);
            assert_eq!((data.as_ptr().addr() % PAGE, data.len()), (offset, PAGE));
        }
    }

    #[test]
    fn procedures_answer_as_callers_expect() {
        let server = Answers::new();
        for calls in 1..2000_u32 {
            let mut data = [0; BIG];
            let place = stamp(&mut data, calls);
            assert_eq!(server.big_in(&data), calls);
            server.big_in_out(&mut data);
            assert_eq!(word(&data, place), calls + 1);
            let other = 4 + (place + 60) % (BIG - 8);
            assert!(other.abs_diff(place) >= 4 && other + 4 <= BIG, "{place} {other}");
        }
        let mut page = vec![0; PAGE];
        server.read(5, 77, &mut page);
        assert_eq!((word(&page, 20), word(&page, 24)), (77, page_word(6)));
        // Places that are not there are not followed.
        assert_eq!(server.write(&[255; 8]), 0);
        server.big_in_out(&mut [255; BIG]);
    }
}
