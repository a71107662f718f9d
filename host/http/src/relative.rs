//! Times in words.

use waystation_core::Timestamp;

/// `at` as seen from `now`: "in 3 hours", "2 days ago", "just now".
pub(crate) fn words(at: Timestamp, now: Timestamp) -> String {
    let (ahead, behind) = (at.millis_since(now), now.millis_since(at));
    let seconds = ahead.max(behind) / 1000;
    let (count, unit) = match seconds {
        0..=9 if ahead == 0 => return "just now".to_owned(),
        0..=9 => return "in a moment".to_owned(),
        10..=89 => (seconds, "second"),
        90..=5_399 => ((seconds + 30) / 60, "minute"),
        5_400..=129_599 => ((seconds + 1_800) / 3_600, "hour"),
        _ => ((seconds + 43_200) / 86_400, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    if ahead > 0 {
        format!("in {count} {unit}{plural}")
    } else {
        format!("{count} {unit}{plural} ago")
    }
}

/// `at` for people: `2026-01-31 12:00:00 UTC`.
pub(crate) fn utc(at: Timestamp) -> String {
    let text = at.to_string();
    let day_and_time = text.split('.').next().unwrap_or_default();
    format!("{} UTC", day_and_time.replace('T', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_the_unit_that_fits() {
        let now = Timestamp::from_millis(1_769_860_800_007);
        let ahead = |seconds: u64| words(now.plus_millis(seconds * 1000), now);
        let behind = |seconds: u64| words(now, now.plus_millis(seconds * 1000));
        assert_eq!(ahead(5), "in a moment");
        assert_eq!(behind(5), "just now");
        assert_eq!(ahead(60), "in 60 seconds");
        assert_eq!(behind(120), "2 minutes ago");
        assert_eq!(ahead(86_400), "in 24 hours");
        assert_eq!(ahead(7 * 86_400), "in 7 days");
        assert_eq!(utc(now), "2026-01-31 12:00:00 UTC");
    }
}
