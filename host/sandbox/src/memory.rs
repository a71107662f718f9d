//! One bound on the memory of an attempt, over all its memories and tables together.

use wasmtime::ResourceLimiter;
use waystation_core::Limits;

/// What one element of a table takes.
const TABLE_ELEMENT_BYTES: usize = size_of::<usize>();

/// Counts what an attempt holds, and says no when it wants more than it may.
pub(crate) struct MemoryLimiter {
    bytes: usize,
    bytes_max: usize,
    /// Added last: taken back when the growth fails after all.
    added: usize,
    /// Was the growth asked for last refused?
    denied: bool,
}

impl MemoryLimiter {
    /// A limiter for `bytes_max` bytes.
    pub(crate) fn new(bytes_max: usize) -> MemoryLimiter {
        MemoryLimiter { bytes: 0, bytes_max, added: 0, denied: false }
    }

    /// Was the guest refused what it asked for last? One that was given more after that has
    /// found a way to live with less.
    pub(crate) fn denied(&self) -> bool {
        self.denied
    }

    fn grow(&mut self, current: usize, desired: usize) -> bool {
        let added = desired.saturating_sub(current);
        let allowed = self.bytes.checked_add(added).is_some_and(|sum| sum <= self.bytes_max);
        self.added = if allowed { added } else { 0 };
        self.bytes += self.added;
        self.denied = !allowed;
        allowed
    }

    fn take_back(&mut self) {
        self.bytes = self.bytes.saturating_sub(self.added);
        self.added = 0;
    }
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(current, desired))
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.take_back();
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let bytes = |elements: usize| elements.saturating_mul(TABLE_ELEMENT_BYTES);
        Ok(self.grow(bytes(current), bytes(desired)))
    }

    fn table_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.take_back();
        Ok(())
    }

    fn instances(&self) -> usize {
        Limits::INSTANCES_PER_COMPONENT_MAX as usize
    }

    fn tables(&self) -> usize {
        Limits::TABLES_PER_COMPONENT_MAX as usize
    }

    fn memories(&self) -> usize {
        Limits::MEMORIES_PER_COMPONENT_MAX as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_small_memories_are_one_large_one() {
        let mut limiter = MemoryLimiter::new(1000);
        assert!(limiter.memory_growing(0, 400, None).unwrap());
        assert!(limiter.memory_growing(0, 400, None).unwrap());
        assert!(!limiter.denied());
        assert!(!limiter.memory_growing(0, 201, None).unwrap());
        assert!(limiter.denied());
        assert!(limiter.table_growing(0, 25, None).unwrap());
        assert!(!limiter.denied());
        assert!(!limiter.table_growing(25, 26, None).unwrap());
    }

    #[test]
    fn what_failed_to_grow_is_not_held() {
        let mut limiter = MemoryLimiter::new(1000);
        assert!(limiter.memory_growing(0, 900, None).unwrap());
        limiter.memory_grow_failed(wasmtime::Error::msg("no")).unwrap();
        assert!(limiter.memory_growing(0, 1000, None).unwrap());
    }
}
