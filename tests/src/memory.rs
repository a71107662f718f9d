//! The memory of a server's process, as the kernel counts it.

use std::fs;

use crate::Server;

/// Memory in use, in KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Now.
    pub now_kib: u64,
    /// The most since [`Server::forget_peak`], or since its start.
    pub peak_kib: u64,
}

impl Server<'_> {
    /// What the server's process holds of the machine's memory (resident), children not counted.
    ///
    /// # Panics
    ///
    /// The process is no more.
    pub fn memory(&self) -> Memory {
        let status = fs::read_to_string(self.proc("status")).expect("the process is there");
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
            kib.unwrap_or_else(|| panic!("{name} in {status}"))
        };
        Memory { now_kib: field("VmRSS:"), peak_kib: field("VmHWM:") }
    }

    /// From here on [`Memory::peak_kib`] counts anew.
    ///
    /// # Panics
    ///
    /// The kernel does not do it.
    pub fn forget_peak(&self) {
        fs::write(self.proc("clear_refs"), "5").expect("the peak of memory is forgotten");
    }

    /// Files, sockets and the like that the process has open.
    ///
    /// # Panics
    ///
    /// The process is no more.
    pub fn open_files(&self) -> usize {
        fs::read_dir(self.proc("fd")).expect("the process is there").count()
    }

    fn proc(&self, file: &str) -> String {
        format!("/proc/{}/{file}", self.pid().as_raw_nonzero())
    }
}
