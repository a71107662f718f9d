//! Instants in UTC, and where they come from.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// An instant: milliseconds since the Unix epoch, UTC.
///
/// Shown and stored as RFC 3339 with milliseconds, such as `2026-01-31T12:00:00.000Z`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The last instant that RFC 3339, with its years of four digits, can show in every time
    /// zone: `9999-12-30T22:00:00.999Z`.
    pub const MAX: Timestamp = Timestamp(253_402_207_200_999);

    /// `millis` since the Unix epoch; anything past [`Timestamp::MAX`] becomes it.
    pub const fn from_millis(millis: u64) -> Timestamp {
        if millis < Timestamp::MAX.0 { Timestamp(millis) } else { Timestamp::MAX }
    }

    /// Milliseconds since the Unix epoch.
    pub fn as_millis(self) -> u64 {
        self.0
    }

    /// This instant and `millis` more, at most [`Timestamp::MAX`].
    #[must_use]
    pub fn plus_millis(self, millis: u64) -> Timestamp {
        Timestamp::from_millis(self.0.saturating_add(millis))
    }

    /// Milliseconds from `earlier` to this instant; 0 when `earlier` is later.
    pub fn millis_since(self, earlier: Timestamp) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = i64::try_from(self.0).unwrap_or(i64::MAX);
        let instant = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX);
        write!(f, "{instant:.3}")
    }
}

impl FromStr for Timestamp {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Timestamp, jiff::Error> {
        let millis = text.parse::<jiff::Timestamp>()?.as_millisecond();
        Ok(Timestamp::from_millis(u64::try_from(millis).unwrap_or(0)))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Where the time comes from. Everything that asks for it asks one of these, so that
/// tests can move it.
pub trait Clock: Send + Sync + 'static {
    /// The wall-clock time. It may jump, forwards and backwards.
    fn now(&self) -> Timestamp;
}

/// A clock that stands still until it is told to move.
#[derive(Debug)]
pub struct ManualClock(AtomicU64);

impl ManualClock {
    /// A clock that shows `start`.
    pub fn new(start: Timestamp) -> ManualClock {
        ManualClock(AtomicU64::new(start.as_millis()))
    }

    /// Moves the clock forwards.
    pub fn advance_millis(&self, millis: u64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }

    /// Moves the clock to `to`, also backwards.
    pub fn set(&self, to: Timestamp) {
        self.0.store(to.as_millis(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_shown_as_rfc_3339_with_milliseconds() {
        assert_eq!(Timestamp::from_millis(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(
            Timestamp::from_millis(1_769_860_800_007).to_string(),
            "2026-01-31T12:00:00.007Z"
        );
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-30T22:00:00.999Z");
    }

    #[test]
    fn reads_back_what_it_wrote() {
        for millis in [0, 1, 999, 1_769_860_800_007, Timestamp::MAX.as_millis()] {
            let instant = Timestamp::from_millis(millis);
            assert_eq!(instant.to_string().parse::<Timestamp>().unwrap(), instant);
        }
    }

    #[test]
    fn never_passes_what_can_be_shown() {
        assert_eq!(Timestamp::from_millis(u64::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::MAX.plus_millis(1), Timestamp::MAX);
    }
}
