//! Room on the disk. A write that finds none ends the process, and the next start may not have
//! enough to begin: so new work is refused while there is still room for what was accepted.

use crate::DiskLow;
use crate::engine::Engine;

impl Engine {
    /// May new work come?
    pub(crate) fn disk_has_room(&self) -> Result<(), DiskLow> {
        let least_mib = self.limits().disk_free_mib_min;
        if least_mib == 0 {
            return Ok(());
        }
        match self.0.store.disk_free_bytes().map(|bytes| bytes >> 20) {
            Some(free_mib) if free_mib < least_mib.into() => Err(DiskLow { free_mib, least_mib }),
            _ => Ok(()),
        }
    }
}
