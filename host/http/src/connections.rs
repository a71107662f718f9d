//! The connections that are open, and who goes when there are too many.
//!
//! A connection either waits for its client, who is to send a request or to take an answer, or
//! it works for it. When the places run out, the one that has waited longest goes: of the
//! source that has the most, so that one who opens many only drives out its own. One that works
//! never goes: it was promised an answer.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::source::Source;

/// The log hears of refused connections once in this time.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// All open connections.
#[derive(Clone)]
pub(crate) struct Connections(Arc<Inner>);

struct Inner {
    max: usize,
    per_source_max: usize,
    started: Instant,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    next: u64,
    seats: HashMap<u64, Arc<Seat>>,
    by_source: HashMap<Source, usize>,
    told: Option<Instant>,
}

/// A connection's place; free again when this is dropped.
pub(crate) struct Place {
    connections: Connections,
    number: u64,
    seat: Arc<Seat>,
}

/// What others may know of a connection.
pub(crate) struct Seat {
    /// None is not counted: a proxy's connections are those of many.
    source: Option<Source>,
    started: Instant,
    /// Since when it has waited for its client: milliseconds since `started`, and 1 more; 0 is
    /// not now.
    waits_since: AtomicU64,
    /// Has a request been handed on and not been answered?
    in_request: AtomicBool,
    /// Requests so far.
    requests: AtomicU64,
    given_up: Notify,
}

impl Connections {
    pub(crate) fn new(max: usize, per_source_max: usize) -> Connections {
        let (started, table) = (Instant::now(), Mutex::default());
        Connections(Arc::new(Inner { max, per_source_max, started, table }))
    }

    /// A place for a connection of `source`, for which another one may be given up.
    ///
    /// None when all that count work.
    pub(crate) fn enter(&self, source: Option<Source>) -> Option<Place> {
        let mut table = self.lock();
        let of_source = source.and_then(|source| table.by_source.get(&source)).copied();
        if of_source.unwrap_or(0) >= self.0.per_source_max {
            table.give_up_one(|seat| seat.source == source)?;
        }
        if table.seats.len() >= self.0.max {
            table.give_up_one(|_| true)?;
        }
        let number = table.next;
        table.next += 1;
        let seat = Arc::new(Seat {
            source,
            started: self.0.started,
            waits_since: AtomicU64::new(0),
            in_request: AtomicBool::new(false),
            requests: AtomicU64::new(0),
            given_up: Notify::new(),
        });
        seat.waits_anew();
        table.insert(number, Arc::clone(&seat));
        Some(Place { connections: self.clone(), number, seat })
    }

    /// Is it time to tell again that connections are refused?
    pub(crate) fn is_to_be_told(&self) -> bool {
        let (mut table, now) = (self.lock(), Instant::now());
        let due = table.told.is_none_or(|told| now.duration_since(told) >= TOLD_EVERY);
        if due {
            table.told = Some(now);
        }
        due
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn insert(&mut self, number: u64, seat: Arc<Seat>) {
        if let Some(source) = seat.source {
            *self.by_source.entry(source).or_default() += 1;
        }
        self.seats.insert(number, seat);
    }

    fn remove(&mut self, number: u64) {
        let Some(seat) = self.seats.remove(&number) else { return };
        let Some(source) = seat.source else { return };
        if let Some(count) = self.by_source.get_mut(&source) {
            *count -= 1;
            if *count == 0 {
                self.by_source.remove(&source);
            }
        }
    }

    /// Gives up the one among them that has waited longest, of the source with the most.
    fn give_up_one(&mut self, among: impl Fn(&Seat) -> bool) -> Option<()> {
        let waiting = self.seats.iter().filter(|(_, seat)| among(seat));
        let waiting = waiting.filter_map(|(number, seat)| {
            let since = seat.waits_since()?;
            let count = seat.source.and_then(|source| self.by_source.get(&source));
            Some((count.copied().unwrap_or(0), std::cmp::Reverse((since, *number))))
        });
        let (_, std::cmp::Reverse((_, number))) = waiting.max()?;
        if let Some(seat) = self.seats.get(&number) {
            seat.given_up.notify_one();
        }
        self.remove(number);
        Some(())
    }
}

impl Place {
    pub(crate) fn seat(&self) -> Arc<Seat> {
        Arc::clone(&self.seat)
    }

    /// Returns when others need the place more.
    pub(crate) async fn given_up(&self) {
        self.seat.given_up.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.lock().remove(self.number);
    }
}

impl Seat {
    fn waits_since(&self) -> Option<u64> {
        self.waits_since.load(Ordering::Relaxed).checked_sub(1)
    }

    /// It waits for its client, from now on if it did not before.
    pub(crate) fn waits(&self) {
        if self.waits_since().is_none() {
            self.waits_anew();
        }
    }

    /// It waits for its client, who has just done something.
    pub(crate) fn waits_anew(&self) {
        let ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX - 1);
        self.waits_since.store(ms + 1, Ordering::Relaxed);
    }

    /// It works for its client.
    pub(crate) fn works(&self) {
        self.waits_since.store(0, Ordering::Relaxed);
    }

    /// Its client took some of the answer.
    pub(crate) fn was_read_from(&self) {
        if !self.is_in_request() {
            self.waits_anew();
        }
    }

    /// A request begins.
    pub(crate) fn begins(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.in_request.store(true, Ordering::Relaxed);
        self.works();
    }

    /// Its answer is there, to be taken.
    pub(crate) fn has_answered(&self) {
        self.in_request.store(false, Ordering::Relaxed);
        self.waits_anew();
    }

    pub(crate) fn is_in_request(&self) -> bool {
        self.in_request.load(Ordering::Relaxed)
    }

    /// Requests so far.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn source(n: u8) -> Option<Source> {
        Some(Source::of([192, 0, 2, n].into()))
    }

    fn is_given_up(place: &Place) -> bool {
        place.given_up().now_or_never().is_some()
    }

    #[test]
    fn one_source_has_so_many_and_then_drives_out_its_own_that_has_waited_longest() {
        let connections = Connections::new(10, 2);
        let other = connections.enter(source(2)).unwrap();
        let [first, second, third] = [1; 3].map(|n| connections.enter(source(n)).unwrap());
        assert!(is_given_up(&first) && !is_given_up(&second) && !is_given_up(&third));
        assert!(!is_given_up(&other));
        drop(first);
        assert_eq!(connections.lock().by_source[&source(1).unwrap()], 2);
    }

    #[test]
    fn when_all_places_are_taken_whoever_has_the_most_gives_one() {
        let connections = Connections::new(3, 3);
        let honest = connections.enter(source(1)).unwrap();
        let many = [2; 2].map(|n| connections.enter(source(n)).unwrap());
        let newcomer = connections.enter(source(3)).unwrap();
        assert!(!is_given_up(&honest) && !is_given_up(&newcomer));
        assert_eq!(many.each_ref().map(is_given_up), [true, false]);
    }

    #[test]
    fn who_works_stays_and_the_newcomer_is_refused() {
        let connections = Connections::new(2, 2);
        let places = [1, 2].map(|n| connections.enter(source(n)).unwrap());
        for place in &places {
            place.seat.begins();
        }
        assert!(connections.enter(source(3)).is_none());
        // It waits for a body, or for its answer to be taken: it may go.
        places[0].seat.waits();
        assert!(connections.enter(source(3)).is_some());
        assert_eq!(places.each_ref().map(is_given_up), [true, false]);
    }

    #[test]
    fn a_place_is_free_again_when_its_connection_ends() {
        let connections = Connections::new(1, 1);
        let place = connections.enter(source(1)).unwrap();
        place.seat.begins();
        assert!(connections.enter(source(1)).is_none());
        drop(place);
        assert!(connections.enter(source(1)).is_some());
        assert!(connections.lock().by_source.is_empty());
    }

    #[test]
    fn a_trusted_proxy_has_any_number() {
        let connections = Connections::new(10, 1);
        let places: Vec<Place> = (0..10).map(|_| connections.enter(None).unwrap()).collect();
        assert!(!places.iter().any(is_given_up));
    }
}
