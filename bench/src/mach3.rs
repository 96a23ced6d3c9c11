//! What a byte costs, and a value (LRPC_Mach3, figures 7 and 8): slopes over the size of a parameter.
//!
//! Each line is measured at some sizes in one process, and its slope is that of least squares, so that what a call costs
//! besides falls out. The conventional line does the same by messages: a stub fills a buffer, which a Unix stream socket
//! carries, and the other side's stub empties it; the way back is the same. Either server does the same with the parameter: it looks
//! at the ends of what comes in, and writes those of what goes out, so that its own work has no slope.

mod conventional;
mod copies;

use std::hint::black_box;
use std::io::{Read, Write};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nearcall::{Binder, Exporter};
use serde::{Deserialize, Serialize};

use crate::case::{Case, Work};
use crate::client::Task;
use crate::measure::Plan;
use crate::peer::{Placement, READY};
use crate::sample::{Sample, percentile};
use conventional::Socket;

/// A line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Line {
    /// Bytes in.
    In,
    /// Bytes in and out.
    InOut,
    /// Bytes out.
    Out,
    /// Words as values.
    Values,
    /// Words by reference.
    Pointers,
}

/// By whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum By {
    /// nearcall.
    Stub,
    /// Messages over a socket.
    Message,
}

/// Bytes of a parameter, from 4 B to 64 KiB.
const SIZES: [usize; 6] = [4, 1024, 4096, 16 << 10, 32 << 10, 64 << 10];

/// Words of a call.
const COUNTS: [usize; 4] = [0, 2, 4, 8];

const LINES: [(Line, &str); 5] = [
    (Line::In, "in"),
    (Line::InOut, "inout"),
    (Line::Out, "out"),
    (Line::Values, "values"),
    (Line::Pointers, "pointers"),
];

/// The cases. bench/README.md says what each is for.
pub(crate) fn cases() -> Vec<Case> {
    let case = |&(line, name): &(Line, &str)| {
        let case = Case::new(format!("slope.{name}"), Placement::Together, Work::Slope(line, By::Stub));
        let case = case.limit(format!("conventional.{name}"));
        if line == Line::InOut { case.beside("slope.in").beside("slope.out") } else { case }
    };
    // What moves from CPU to CPU.
    let apart = |&(line, name): &(Line, &str)| {
        let case = Case::new(format!("slope.{name}.two_cpus"), Placement::Apart, Work::Slope(line, By::Stub));
        if line == Line::InOut { case.beside("slope.in.two_cpus").beside("slope.out.two_cpus") } else { case }
    };
    let copies = SIZES_COPIED.map(|size| {
        let case = Case::new(format!("xfer{size}"), Placement::Apart, Work::Copies { size, is_ours: true });
        case.limit(format!("memcpy{size}"))
    });
    LINES.iter().map(case).chain(LINES.iter().take(3).map(apart)).chain(copies).collect()
}

/// All there is to measure: what cases are compared with is found here.
pub(crate) fn universe() -> Vec<Case> {
    let conventional = |&(line, name): &(Line, &str)| {
        Case::new(format!("conventional.{name}"), Placement::Together, Work::Slope(line, By::Message))
    };
    let mut all: Vec<Case> = LINES.iter().map(conventional).collect();
    all.extend(
        SIZES_COPIED
            .map(|size| Case::new(format!("memcpy{size}"), Placement::Apart, Work::Copies { size, is_ours: false })),
    );
    all.extend(cases());
    all
}

/// Bytes that are copied.
const SIZES_COPIED: [usize; 2] = [4096, 64 << 10];

/// Measures copies, in this process.
///
/// # Errors
/// None that is expected.
pub(crate) fn copy(size: usize, is_ours: bool, plan: &Plan) -> Result<Sample> {
    copies::measure(size, is_ours, plan)
}

/// Parameters of one direction each, and words.
#[nearcall::interface]
pub(crate) trait Shapes {
    #[call(astack = 4200)]
    fn take(&self, bytes: &[u8]) -> u32;
    #[call(astack = 4200)]
    fn change(&self, bytes: &mut [u8]) -> u32;
    #[call(astack = 4200)]
    fn give(&self, #[out] bytes: &mut [u8]);
    fn words0(&self) -> u32;
    fn words2(&self, a: u32, b: u32) -> u32;
    fn words4(&self, a: u32, b: u32, c: u32, d: u32) -> u32;
    #[allow(clippy::too_many_arguments, reason = "as many as the figure has")]
    fn words8(&self, a: u32, b: u32, c: u32, d: u32, e: u32, f: u32, g: u32, h: u32) -> u32;
    fn refs2(&self, a: &u32, b: &u32) -> u32;
    fn refs4(&self, a: &u32, b: &u32, c: &u32, d: &u32) -> u32;
    #[allow(clippy::too_many_arguments, reason = "as many as the figure has")]
    fn refs8(&self, a: &u32, b: &u32, c: &u32, d: &u32, e: &u32, f: &u32, g: &u32, h: &u32) -> u32;
}

const NAME: &str = "shapes";
const SOCKET: &str = "socket";

/// What either server looks at.
fn ends(bytes: &[u8]) -> u32 {
    u32::from(*bytes.first().unwrap_or(&0)) + u32::from(*bytes.last().unwrap_or(&0))
}

/// What either server makes of a parameter that goes out.
fn fill(bytes: &mut [u8]) {
    let bytes = black_box(bytes);
    for end in [0, bytes.len().saturating_sub(1)] {
        if let Some(end) = bytes.get_mut(end) {
            *end = 7;
        }
    }
}

struct Answers;

impl Shapes for Answers {
    fn take(&self, bytes: &[u8]) -> u32 {
        ends(bytes)
    }
    fn change(&self, bytes: &mut [u8]) -> u32 {
        let ends = ends(bytes);
        fill(bytes);
        ends
    }
    fn give(&self, bytes: &mut [u8]) {
        fill(bytes);
    }
    fn words0(&self) -> u32 {
        0
    }
    fn words2(&self, a: u32, b: u32) -> u32 {
        a + b
    }
    fn words4(&self, a: u32, b: u32, c: u32, d: u32) -> u32 {
        a + b + c + d
    }
    fn words8(&self, a: u32, b: u32, c: u32, d: u32, e: u32, f: u32, g: u32, h: u32) -> u32 {
        a + b + c + d + e + f + g + h
    }
    fn refs2(&self, a: &u32, b: &u32) -> u32 {
        a + b
    }
    fn refs4(&self, a: &u32, b: &u32, c: &u32, d: &u32) -> u32 {
        a + b + c + d
    }
    fn refs8(&self, a: &u32, b: &u32, c: &u32, d: &u32, e: &u32, f: &u32, g: &u32, h: &u32) -> u32 {
        a + b + c + d + e + f + g + h
    }
}

/// How long the server may take to be found.
const WAIT: Duration = Duration::from_secs(5);

/// Measures a line once, with a server of its own: nanoseconds per KiB, or per word.
///
/// # Errors
/// When the server cannot be had, and for the first call that fails or has a wrong result.
pub(crate) fn measure(line: Line, by: By, plan: &Plan, task: &Task) -> Result<Sample> {
    let dir = tempfile::tempdir().context("making a directory for the names")?;
    let names = dir.path().to_str().context("the name of the temporary directory is not UTF-8")?;
    let mut server = task.start_server(&["serve-shapes", names], Stdio::piped())?;
    server.ready()?;
    match by {
        By::Message => {
            let mut socket = Socket::connect(&dir.path().join(SOCKET))?;
            slope(line, plan, |size| socket.call(line, size))
        }
        By::Stub => {
            let shapes: ShapesClient =
                Binder::new(NAME).dir(dir.path()).wait(WAIT).bind().context("binding to the server")?;
            let mut bytes = vec![1; 64 << 10];
            slope(line, plan, |size| call(&shapes, line, size, &mut bytes))
        }
    }
}

/// Measures at each size, and has the slope for the mean.
fn slope(line: Line, plan: &Plan, mut call: impl FnMut(usize) -> Result<()>) -> Result<Sample> {
    let sizes: &[usize] = if matches!(line, Line::Values | Line::Pointers) { &COUNTS } else { &SIZES };
    let unit = if matches!(line, Line::Values | Line::Pointers) { 1.0 } else { 1024.0 };
    let parts = u32::try_from(sizes.len()).context("few sizes")?;
    // A line takes little longer than any other case.
    let plan = Plan { batches: plan.batches / parts, ..*plan };
    let (mut points, mut last) = (Vec::new(), None);
    for &size in sizes {
        let sample = plan.measure(1, || call(size))?;
        // Medians: a slope of means is one of whatever else ran.
        points.push((size as f64 / unit, percentile(&sample.singles, 50.0)));
        last = Some(sample);
    }
    let mut sample = last.context("there are sizes")?;
    for (name, point) in [("first_ns", points.first()), ("last_ns", points.last())] {
        sample.fact(name, point.map_or(0.0, |(_, median)| *median));
    }
    sample.mean = least_squares(&points);
    sample.notes.push(format!("ns per {}; percentiles are of the last size", if unit > 1.0 { "KiB" } else { "word" }));
    Ok(sample)
}

fn least_squares(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let over: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    over / points.iter().map(|point| (point.0 - x).powi(2)).sum::<f64>()
}

fn call(shapes: &ShapesClient, line: Line, size: usize, bytes: &mut [u8]) -> Result<()> {
    let sum = match line {
        Line::In | Line::InOut | Line::Out => {
            let bytes = bytes.get_mut(..size).context("there are as many bytes")?;
            if line != Line::Out {
                // What a caller does that has something new to say.
                if let Some(first) = bytes.first_mut() {
                    *first = 1;
                }
            }
            let (sum, expected) = match line {
                Line::In => (shapes.take(bytes)?, ends(bytes)),
                Line::InOut => {
                    let expected = ends(bytes);
                    (shapes.change(bytes)?, expected)
                }
                _ => {
                    shapes.give(bytes)?;
                    (ends(bytes), 14)
                }
            };
            ensure!(sum == expected, "{size} bytes came to {sum} and not to {expected}");
            return Ok(());
        }
        Line::Values => match size {
            0 => shapes.words0()?,
            2 => shapes.words2(1, 1)?,
            4 => shapes.words4(1, 1, 1, 1)?,
            _ => shapes.words8(1, 1, 1, 1, 1, 1, 1, 1)?,
        },
        Line::Pointers => match size {
            0 => shapes.words0()?,
            2 => shapes.refs2(&1, &1)?,
            4 => shapes.refs4(&1, &1, &1, &1)?,
            _ => shapes.refs8(&1, &1, &1, &1, &1, &1, &1, &1)?,
        },
    };
    ensure!(sum as usize == size, "{size} words came to {sum}");
    Ok(())
}

/// Serves until its input ends.
///
/// # Errors
/// When a name cannot be had.
pub(crate) fn serve(names: &Path) -> Result<()> {
    let _sockets = conventional::listen(&names.join(SOCKET))?;
    let export =
        Exporter::new(NAME).dir(names).export(ShapesServer::new(Answers)).context("exporting the interface")?;
    let mut output = std::io::stdout();
    output.write_all(READY.as_bytes()).and_then(|()| output.flush()).context("telling the client")?;
    std::io::stdin().read_to_end(&mut Vec::new()).context("waiting for the end of the input")?;
    drop(export);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_are_those_of_lines() {
        assert!((least_squares(&[(0.0, 5.0), (1.0, 7.0), (4.0, 13.0)]) - 2.0).abs() < 1e-9);
    }

    #[test]
    fn every_case_finds_its_limits() {
        assert_eq!(crate::case::order(&cases(), &universe()).unwrap().len(), universe().len());
    }
}
