//! fio, a program that measures file systems: this one's, and the kernel's.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::client::Task;
use crate::measure::Plan;
use crate::sample::{Sample, new_histogram, record_many};

/// What is read: far less than the server's cache, and the kernel's.
const SIZE: &str = "--size=2m";

/// What fio says, of which it is this.
#[derive(Deserialize)]
struct Report {
    jobs: Vec<Job>,
}

#[derive(Deserialize)]
struct Job {
    error: i32,
    read: Reads,
}

#[derive(Deserialize)]
struct Reads {
    total_ios: u64,
    lat_ns: Latency,
    clat_ns: Completion,
}

#[derive(Deserialize)]
struct Latency {
    mean: f64,
}

#[derive(Deserialize)]
struct Completion {
    /// None where nothing was read.
    #[serde(default)]
    percentile: std::collections::BTreeMap<String, f64>,
}

/// Reads at random, for as long as any case takes; `environment`: what fio is started with.
///
/// # Errors
/// When there is no fio, or it finds an error.
pub(super) fn run(plan: &Plan, task: &Task, environment: &[(&str, PathBuf)], directory: &Path) -> Result<Sample> {
    let cpu = task.processors.each().first().context("there is a processor")?;
    let fio = |what: &[String]| -> Result<Job> {
        let mut command = Command::new("fio");
        command.envs(environment.iter().map(|(name, value)| (name, value))).stdin(Stdio::null());
        command.args(["--name=file", "--ioengine=psync", "--bs=4k", SIZE, "--thread", "--fallocate=none"]);
        command.args(["--invalidate=0", "--output-format=json", &format!("--cpus_allowed={cpu}")]);
        command.arg(format!("--directory={}", directory.display())).args(what);
        let output = command.stderr(Stdio::inherit()).output().context("starting fio")?;
        ensure!(output.status.success(), "fio ended with {}", output.status);
        let report: Report = serde_json::from_slice(&output.stdout).context("reading what fio found")?;
        let job = report.jobs.into_iter().next().context("fio says nothing of its job")?;
        ensure!(job.error == 0, "fio found error {}", job.error);
        Ok(job)
    };
    fio(&["--rw=write".to_owned()])?;
    let milliseconds = (plan.warm_up + plan.batches).as_millis();
    let read =
        fio(&["--rw=randread".to_owned(), "--time_based".to_owned(), format!("--runtime={milliseconds}ms")])?.read;
    let at = |percent: &str| read.clat_ns.percentile.get(percent).copied().context("fio says no percentile");
    let mut singles = new_histogram();
    for (percent, weight) in [("50.000000", 98), ("99.000000", 2)] {
        record_many(&mut singles, at(percent)?, weight);
    }
    let mut sample = Sample::new(read.lat_ns.mean, singles, read.total_ios);
    sample.notes.push("percentiles are fio's".to_owned());
    Ok(sample)
}
