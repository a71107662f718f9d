//! Many stories, each from its own seed.
//!
//! `WAYSTATION_SIMULATION_RUNS` says how many, `WAYSTATION_SIMULATION_FROM` from which seed on;
//! `WAYSTATION_SIMULATION_SEED` tells one again, with all that happens in it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use crate::interleaving::{Told, tell};
use crate::kinds;
use crate::world::Prepared;

const RUNS: u64 = 1_000_000;

/// In so many, everything has happened that can.
const ENOUGH: u64 = 20_000;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

fn prepared() -> (tempfile::TempDir, Prepared) {
    let folder = tempfile::tempdir().unwrap();
    let prepared = Prepared::new(folder.path().to_owned());
    (folder, prepared)
}

#[test]
fn everything_holds_in_every_order() {
    if let Some(seed) = variable("WAYSTATION_SIMULATION_SEED") {
        return tell_one(seed);
    }
    let runs = variable("WAYSTATION_SIMULATION_RUNS").unwrap_or(RUNS);
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let first = variable("WAYSTATION_SIMULATION_FROM").unwrap_or(0);
    let (next, failed) = (AtomicU64::new(first), AtomicBool::new(false));
    let begun = Instant::now();
    let tell_some = || {
        let (_folder, prepared) = prepared();
        let mut sum = Told::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + runs || failed.load(Ordering::Relaxed) {
                return sum;
            }
            match tell(&prepared, seed, false) {
                Ok(told) => sum.add(told),
                Err(broken) => {
                    failed.store(true, Ordering::Relaxed);
                    panic!("WAYSTATION_SIMULATION_SEED={seed}: {}", broken.problem);
                }
            }
        }
    };
    let sum = std::thread::scope(|scope| {
        let tellers: Vec<_> = (0..threads).map(|_| scope.spawn(tell_some)).collect();
        let mut sum = Told::default();
        for teller in tellers {
            match teller.join() {
                Ok(told) => sum.add(told),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        sum
    });
    let seconds = begun.elapsed().as_secs_f64();
    println!("{sum:#?} in {seconds:.1} s: {:.0} a second", sum.stories as f64 / seconds);
    if runs >= ENOUGH {
        let never: Vec<_> =
            kinds::ALL.iter().filter(|kind| !sum.kinds.contains_key(*kind)).collect();
        assert!(never.is_empty(), "this never happened: {never:?}");
    }
}

fn tell_one(seed: u64) {
    let (_folder, prepared) = prepared();
    match tell(&prepared, seed, true) {
        Ok(told) => println!("seed {seed}: {told:?}"),
        Err(broken) => {
            broken.trace.iter().for_each(|line| println!("{line}"));
            panic!("WAYSTATION_SIMULATION_SEED={seed}: {}", broken.problem);
        }
    }
}

#[test]
fn a_seed_gives_the_same_again() {
    let (_folder, prepared) = prepared();
    for seed in 0..500 {
        let (first, second) = (tell(&prepared, seed, false), tell(&prepared, seed, false));
        assert_eq!(first.unwrap(), second.unwrap(), "seed {seed}");
    }
}

impl Told {
    fn add(&mut self, told: Told) {
        self.stories += told.stories;
        self.turns += told.turns;
        self.deaths += told.deaths;
        self.executions += told.executions;
        self.passes += told.passes;
        self.entries += told.entries;
        self.answers += told.answers;
        self.print ^= told.print;
        for (kind, times) in told.kinds {
            *self.kinds.entry(kind).or_default() += times;
        }
    }
}
