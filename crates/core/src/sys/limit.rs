//! How much memory this process may have, as its control groups say.

use std::fs;
use std::path::{Path, PathBuf};

/// The least of the limits of the control groups this process is in, in bytes; `None` if there is none, or it is not
/// visible. A limit that is set later is not seen.
#[must_use]
pub fn memory_limit() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let found = groups.lines().filter_map(hierarchy).flat_map(|(root, path, file)| limits(root, &path, file));
    found.min()
}

/// Where the memory controller is mounted, the group's path in it and the file with its limit: of a line
/// `ID:CONTROLLERS:PATH`.
fn hierarchy(line: &str) -> Option<(&'static str, String, &'static str)> {
    let (_, rest) = line.split_once(':')?;
    let (controllers, path) = rest.split_once(':')?;
    let path = path.trim_start_matches('/').to_owned();
    if controllers.is_empty() {
        return Some(("/sys/fs/cgroup", path, "memory.max"));
    }
    let is_memory = controllers.split(',').any(|controller| controller == "memory");
    is_memory.then_some(("/sys/fs/cgroup/memory", path, "memory.limit_in_bytes"))
}

/// The limits of a group and of all above it. Inside a container the path may be that of the host, which leads nowhere:
/// the root is looked at all the same.
fn limits(root: &'static str, path: &str, file: &'static str) -> impl Iterator<Item = u64> + use<> {
    let groups: Vec<PathBuf> = Path::new(path).ancestors().map(|group| Path::new(root).join(group)).collect();
    groups.into_iter().filter_map(move |group| {
        // "max", and numbers beyond what any machine has, mean that there is none.
        let limit = fs::read_to_string(group.join(file)).ok()?.trim().parse::<u64>().ok()?;
        (limit < 1 << 60).then_some(limit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_hierarchies() {
        let of = |line: &str| hierarchy(line).map(|(root, path, _)| (root, path));
        assert_eq!(of("0::/user/a"), Some(("/sys/fs/cgroup", "user/a".to_owned())));
        assert_eq!(of("4:memory:/a/b"), Some(("/sys/fs/cgroup/memory", "a/b".to_owned())));
        assert_eq!(of("4:cpu,memory:/"), Some(("/sys/fs/cgroup/memory", String::new())));
        assert_eq!((of("4:cpu:/a"), of("nonsense"), of("")), (None, None, None));
    }

    #[test]
    fn a_group_and_all_above_it() {
        let dir = std::env::temp_dir().join(format!("nearcall-limit-{}", std::process::id()));
        fs::create_dir_all(dir.join("a/b")).unwrap();
        for (group, limit) in [("", "max"), ("a", "4096"), ("a/b", "9223372036854771712")] {
            fs::write(dir.join(group).join("memory.max"), limit).unwrap();
        }
        let root: &'static str = Box::leak(dir.to_str().unwrap().to_owned().into_boxed_str());
        assert_eq!(limits(root, "a/b", "memory.max").min(), Some(4096));
        assert_eq!(limits(root, "x/y", "memory.max").min(), None);
        fs::remove_dir_all(dir).unwrap();
    }
}
