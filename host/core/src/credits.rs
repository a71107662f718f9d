//! What a stretch of work costs. Paused time costs nothing.

use serde::{Deserialize, Serialize};

/// The stretch from a start, resume, rerun or retry to the next pause or end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Time in runs, in milliseconds.
    pub compute_ms: u64,
    /// The largest memory limit of the steps that ran, in MiB.
    pub memory_mib: u32,
}

impl Segment {
    /// One credit buys this much time, in milliseconds, …
    const CREDIT_MS: u64 = 30_000;
    /// … with this much memory, in MiB.
    const CREDIT_MIB: u64 = 256;

    /// What the segment costs: `⌈time⌉ × ⌈memory⌉`, each at least 1.
    pub fn credits(&self) -> u64 {
        let time = self.compute_ms.div_ceil(Self::CREDIT_MS).max(1);
        let memory = u64::from(self.memory_mib).div_ceil(Self::CREDIT_MIB).max(1);
        time.saturating_mul(memory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_rounded_up() {
        let credits = |compute_ms, memory_mib| Segment { compute_ms, memory_mib }.credits();
        assert_eq!(credits(0, 256), 1);
        assert_eq!(credits(30_000, 256), 1);
        assert_eq!(credits(30_001, 256), 2);
        assert_eq!(credits(1, 257), 2);
        assert_eq!(credits(60_001, 1024), 12);
    }
}
