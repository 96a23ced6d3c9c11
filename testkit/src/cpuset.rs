//! A cpuset of the test's own, below the one that everybody is in: as root only.
//!
//! Both versions of the kernel's interface will do: version 1 has a hierarchy for cpusets alone, version 2 one for
//! everything, in which the root must hand out the controller already. Nothing but the new group is changed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Removed when dropped; its processes must have ended by then.
#[derive(Debug)]
pub struct Cpuset {
    dir: PathBuf,
}

impl Cpuset {
    /// Makes an empty group with these CPUs.
    ///
    /// # Errors
    /// What the kernel says; `Unsupported` where there is no hierarchy with cpusets.
    pub fn new(name: &str, cpus: &[usize]) -> io::Result<Self> {
        let mounts = fs::read_to_string("/proc/self/mounts")?;
        let root = mounts.lines().find_map(root).ok_or(io::ErrorKind::Unsupported)?;
        let dir = root.join(format!("{name}-{}", std::process::id()));
        fs::create_dir(&dir)?;
        let group = Self { dir };
        if root.join("cpuset.cpu_exclusive").exists() {
            // Version 1: a new group has no memory nodes, and takes no process without.
            fs::write(group.dir.join("cpuset.mems"), fs::read_to_string(root.join("cpuset.mems"))?)?;
        }
        group.allow(cpus)?;
        Ok(group)
    }

    /// Replaces its CPUs.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn allow(&self, cpus: &[usize]) -> io::Result<()> {
        let list: Vec<_> = cpus.iter().map(usize::to_string).collect();
        fs::write(self.dir.join("cpuset.cpus"), list.join(","))
    }

    /// Moves a process into it, with all its threads.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn take(&self, pid: u32) -> io::Result<()> {
        fs::write(self.dir.join("cgroup.procs"), pid.to_string())
    }
}

/// Where groups with cpusets can be made, if this mount is such a place.
fn root(mount: &str) -> Option<PathBuf> {
    let mut fields = mount.split(' ').skip(1);
    let (dir, kind, options) = (Path::new(fields.next()?), fields.next()?, fields.next()?);
    let is_one = match kind {
        "cgroup" => options.split(',').any(|option| option == "cpuset"),
        "cgroup2" => fs::read_to_string(dir.join("cgroup.subtree_control")).ok()?.contains("cpuset"),
        _ => false,
    };
    is_one.then(|| dir.to_owned())
}

impl Drop for Cpuset {
    fn drop(&mut self) {
        // A process that was waited for leaves its group a little later.
        for _ in 0..200 {
            if fs::remove_dir(&self.dir).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        eprintln!("{} is left behind", self.dir.display());
    }
}
