//! Processes of this machine, as `/proc` shows them.

use std::fs;

use rustix::process::Pid;

/// The children of a process that have not ended.
pub(crate) fn children(parent: Pid) -> Vec<Pid> {
    let entries = fs::read_dir("/proc").expect("/proc is read");
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let pids = names.filter_map(|name| name.parse().ok().and_then(Pid::from_raw));
    pids.filter(|pid| parent_of(*pid) == Some(parent)).collect()
}

/// Is it there, and not only its entry?
pub(crate) fn is_alive(pid: Pid) -> bool {
    parent_of(pid).is_some()
}

pub(crate) fn niceness(pid: Pid) -> Option<i32> {
    stat(pid)?.get(16)?.parse().ok()
}

pub(crate) fn variables(pid: Pid) -> Option<usize> {
    let environment = fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero())).ok()?;
    Some(environment.split(|byte| *byte == 0).filter(|variable| !variable.is_empty()).count())
}

/// Are the calls of the system that it may make filtered (seccomp)?
pub(crate) fn is_filtered(pid: Pid) -> Option<bool> {
    let status = fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).ok()?;
    let mode = status.lines().find_map(|line| line.strip_prefix("Seccomp:"))?;
    Some(mode.trim() == "2")
}

/// The largest file that a crash may leave, as the process itself may set it; `None` is without
/// a bound.
pub(crate) fn core_bytes_max(pid: Pid) -> Option<u64> {
    let limits = fs::read_to_string(format!("/proc/{}/limits", pid.as_raw_nonzero()));
    let limits = limits.expect("the process is there");
    let line = limits.lines().find(|line| line.starts_with("Max core file size"));
    let words: Vec<&str> = line.expect("the kernel tells it").split_whitespace().collect();
    words.get(5)?.parse().ok()
}

/// The parent of a process that is alive.
fn parent_of(pid: Pid) -> Option<Pid> {
    let stat = stat(pid)?;
    let alive = stat.first()? != "Z";
    stat.get(1)?.parse().ok().and_then(Pid::from_raw).filter(|_| alive)
}

/// What follows on the name, which may hold anything: the state, the parent, …
fn stat(pid: Pid) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    Some(stat.rsplit_once(") ")?.1.split(' ').map(str::to_owned).collect())
}
