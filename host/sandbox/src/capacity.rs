//! How much of something is kept, and how much of the oldest has to go.

/// How much may stay.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Capacity {
    /// How many.
    pub(crate) entries_max: usize,
    /// All of them together, in bytes; but one that takes more alone may stay alone.
    pub(crate) bytes_max: u64,
}

impl Capacity {
    /// How many of the first have to go, so that the others fit. The last one stays.
    pub(crate) fn too_many(self, sizes: &[u64]) -> usize {
        let mut sum = 0_u64;
        let stay = sizes.iter().rev().take(self.entries_max.max(1)).enumerate();
        let stay = stay.take_while(|(at, size)| {
            sum = sum.saturating_add(**size);
            *at == 0 || sum <= self.bytes_max
        });
        sizes.len() - stay.count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_stay_as_far_as_there_is_room() {
        let capacity = Capacity { entries_max: 4, bytes_max: 10 };
        assert_eq!(capacity.too_many(&[]), 0);
        assert_eq!(capacity.too_many(&[11]), 0);
        assert_eq!(capacity.too_many(&[1, 11]), 1);
        assert_eq!(capacity.too_many(&[4, 3, 3]), 0);
        assert_eq!(capacity.too_many(&[5, 3, 3]), 1);
        assert_eq!(capacity.too_many(&[1, 11, 1]), 2);
        assert_eq!(capacity.too_many(&[0; 6]), 2);
    }
}
