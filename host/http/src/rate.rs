//! How often one caller may do something.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use waystation_core::Timestamp;

use crate::source::Source;

/// Callers that are remembered at the same time. A caller who has been forgotten starts afresh,
/// so it takes more networks than this to get around a limit, and they get no more memory.
const SOURCES_MAX: usize = 10_000;

const MINUTE_MS: u64 = 60_000;

/// So many a minute for each caller. One who was quiet for a minute may do all of them at once.
pub(crate) struct Rate {
    per_minute: u32,
    spent: Mutex<HashMap<Source, Spent>>,
}

/// What a caller has used up, in the milliseconds that it takes to come back.
#[derive(Clone, Copy)]
struct Spent {
    ms: u64,
    at: Timestamp,
}

impl Spent {
    /// What is left of it at `now`. A clock that was set back gives nothing back.
    fn left(self, now: Timestamp) -> u64 {
        self.ms.saturating_sub(now.millis_since(self.at))
    }
}

/// Too often; again in so many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooOften {
    pub(crate) retry_after_s: u64,
}

impl Rate {
    /// So many a minute; 0 is any number.
    pub(crate) fn new(per_minute: u32) -> Rate {
        Rate { per_minute, spent: Mutex::default() }
    }

    /// Once more, by `source`.
    ///
    /// # Errors
    ///
    /// It was too often. This try then costs nothing.
    pub(crate) fn take(&self, source: Source, now: Timestamp) -> Result<(), TooOften> {
        let Some(cost) = self.cost() else { return Ok(()) };
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let left = left(&mut spent, source, now);
        fits(left, cost)?;
        if !spent.contains_key(&source) {
            make_room(&mut spent, now);
        }
        spent.insert(source, Spent { ms: left + cost, at: now });
        Ok(())
    }

    /// Could `source` do it once more? Costs nothing.
    ///
    /// # Errors
    ///
    /// It was too often.
    pub(crate) fn look(&self, source: Source, now: Timestamp) -> Result<(), TooOften> {
        let Some(cost) = self.cost() else { return Ok(()) };
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        fits(left(&mut spent, source, now), cost)
    }

    /// The milliseconds that one try takes to come back; none without a limit. More than one a
    /// millisecond is no limit either.
    fn cost(&self) -> Option<u64> {
        MINUTE_MS.checked_div(self.per_minute.into()).filter(|cost| *cost > 0)
    }
}

/// What `source` has spent at `now`. It is remembered as of now: after a clock that was set back,
/// time goes on from there.
fn left(spent: &mut HashMap<Source, Spent>, source: Source, now: Timestamp) -> u64 {
    let Some(spent) = spent.get_mut(&source) else { return 0 };
    *spent = Spent { ms: spent.left(now), at: now };
    spent.ms
}

fn fits(left: u64, cost: u64) -> Result<(), TooOften> {
    match (left + cost).checked_sub(MINUTE_MS) {
        None | Some(0) => Ok(()),
        Some(over) => Err(TooOften { retry_after_s: over.div_ceil(1000) }),
    }
}

/// Forgets those who have nothing spent any more, and, when that is not enough, those who were
/// here longest ago: half of all at once, so that it costs little for each.
fn make_room(spent: &mut HashMap<Source, Spent>, now: Timestamp) {
    if spent.len() < SOURCES_MAX {
        return;
    }
    spent.retain(|_, spent| spent.left(now) > 0);
    if spent.len() < SOURCES_MAX / 2 {
        return;
    }
    let mut sources: Vec<(Timestamp, Source)> =
        spent.iter().map(|(source, spent)| (spent.at, *source)).collect();
    sources.sort_unstable_by_key(|(at, _)| *at);
    for (_, source) in sources.iter().take(sources.len() / 2) {
        spent.remove(source);
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + ms)
    }

    fn source(n: u32) -> Source {
        Source::of(IpAddr::V4(Ipv4Addr::from(n)))
    }

    #[test]
    fn a_minutes_worth_may_come_at_once_and_then_one_by_one() {
        let rate = Rate::new(60);
        for n in 0..60 {
            assert_eq!(rate.take(source(1), at(0)), Ok(()), "{n}");
        }
        assert_eq!(rate.look(source(1), at(0)), Err(TooOften { retry_after_s: 1 }));
        assert_eq!(rate.take(source(1), at(999)), Err(TooOften { retry_after_s: 1 }));
        assert_eq!(rate.take(source(2), at(999)), Ok(()), "others are not concerned");
        assert_eq!(rate.take(source(1), at(1000)), Ok(()));
        assert_eq!(rate.take(source(1), at(1000)), Err(TooOften { retry_after_s: 1 }));
    }

    #[test]
    fn a_clock_that_was_set_back_is_waited_for_from_there() {
        let rate = Rate::new(1);
        assert_eq!(rate.take(source(1), at(3_600_000)), Ok(()));
        assert_eq!(rate.take(source(1), at(0)), Err(TooOften { retry_after_s: 60 }));
        assert_eq!(rate.take(source(1), at(60_000)), Ok(()));
    }

    #[test]
    fn looking_costs_nothing() {
        let rate = Rate::new(1);
        assert_eq!(rate.look(source(1), at(0)), Ok(()));
        assert_eq!(rate.look(source(1), at(0)), Ok(()));
        assert_eq!(rate.take(source(1), at(0)), Ok(()));
        assert_eq!(rate.look(source(1), at(0)), Err(TooOften { retry_after_s: 60 }));
        assert_eq!(rate.look(source(1), at(59_001)), Err(TooOften { retry_after_s: 1 }));
        assert_eq!(rate.look(source(1), at(60_000)), Ok(()));
    }

    #[test]
    fn zero_is_no_limit() {
        let rate = Rate::new(0);
        assert!((0..10_000).all(|_| rate.take(source(1), at(0)).is_ok()));
        assert!(rate.spent.lock().unwrap().is_empty());
    }

    #[test]
    fn a_clock_that_is_set_back_gives_nothing_back() {
        let rate = Rate::new(1);
        assert_eq!(rate.take(source(1), at(50_000)), Ok(()));
        assert_eq!(rate.take(source(1), at(0)), Err(TooOften { retry_after_s: 60 }));
    }

    #[test]
    fn however_many_callers_there_are_the_table_stays_small() {
        let rate = Rate::new(1);
        let many = u32::try_from(SOURCES_MAX * 3).unwrap();
        for n in 0..many {
            assert_eq!(rate.take(source(n), at(u64::from(n / 100))), Ok(()));
            assert!(rate.spent.lock().unwrap().len() <= SOURCES_MAX);
        }
        let last = rate.take(source(many - 1), at(u64::from(many / 100)));
        assert!(last.is_err(), "those who were here last are remembered");
    }
}
