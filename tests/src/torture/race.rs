//! Everybody at the same pause at the same time: callers, operators and its own deadline.

use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::torture::ledger::Links;
use crate::torture::plan::{Pace, Plan};
use crate::torture::rules::NEXT;
use crate::torture::session::Session;
use crate::torture::workload::{Worker, call};
use crate::torture::world::World;
use crate::{ServerOptions, wait};

/// Storms at the same time.
const STORMS: usize = 8;

/// Times that as many storms come before all is looked at.
const ROUND: usize = 8;

/// Callers of one storm.
const CALLERS: std::ops::Range<usize> = 3..12;

/// A pause lasts so long, in milliseconds: the callers hit its deadline.
const TIMEOUT: std::ops::Range<u64> = 100..400;

/// A step sleeps so long before its pause begins, in milliseconds: the callers hit that, too.
const SLEEP: std::ops::Range<u64> = 0..80;

/// Callers come within so many milliseconds.
const GUST: u64 = 12;

/// Runs whose links a storm waits for: reruns have one pause after the other.
const RUNS_MAX: usize = 3;

/// A run that has not begun after this time will not.
const PATIENCE: Duration = Duration::from_secs(2);

/// Looks for links between two looks at the execution, which may have gone on.
const POLLS: u32 = 10;

pub(super) fn run(session: &mut Session<'_>) {
    while session.goes_on() {
        let server = ServerOptions::new().start();
        let world = World::new(server.client(), Pace::real());
        while session.goes_on_in(&world) {
            for _ in 0..ROUND {
                thread::scope(|scope| {
                    for _ in 0..STORMS {
                        let rng = session.rng.fork();
                        let world = &world;
                        scope.spawn(move || storm(world, rng));
                    }
                });
                session.cycle(&world);
                if !session.goes_on_in(&world) {
                    break;
                }
            }
            session.settle(&world, &server.data().join("outbox"), || ());
        }
        world.tell(&mut session.report);
    }
}

/// Triggers an execution and calls all that its pauses have, around the moments that matter.
fn storm(world: &World, mut rng: Rng) {
    let (sleep, timeout) = (rng.u64(SLEEP), rng.u64(TIMEOUT));
    let plan = Plan::contested(&mut rng, sleep, timeout, world.witness());
    Worker { world, rng: rng.fork() }.send(&plan);
    let Some(id) = world.ledger().id_of(&plan) else { return };
    for _ in 0..RUNS_MAX {
        let Some(links) = begun(world, &id) else { break };
        // As the run is told, as its pause begins, or as its time is over.
        let moment = rng.choice([0, sleep, sleep + timeout]).unwrap_or(0);
        rage(world, &mut rng, &links, moment);
        world.history(&id);
    }
    world.execution(&id);
}

/// The links of the next run, as soon as the witness hears of it; none when no more will come.
fn begun(world: &World, id: &str) -> Option<Links> {
    let until = Instant::now() + PATIENCE;
    let mut polls = 0;
    while Instant::now() < until {
        let links = world.ledger().take_early(id);
        if links.is_some() {
            return links;
        }
        polls += 1;
        if polls % POLLS == 0 {
            let view = world.execution(id)?;
            let left = view["steps"][NEXT]["status"] != "pending";
            if left || !view["finished_at"].is_null() {
                return None;
            }
        }
        wait::pause(Duration::from_millis(1));
    }
    None
}

fn rage(world: &World, rng: &mut Rng, links: &Links, moment: u64) {
    thread::scope(|scope| {
        for _ in 0..rng.usize(CALLERS) {
            let mut rng = rng.fork();
            scope.spawn(move || {
                let gust = rng.u64(0..GUST);
                wait::pause(Duration::from_millis((moment + gust).saturating_sub(GUST / 2)));
                call(world, &mut rng, links);
                // And once more, when all is over.
                call(world, &mut rng, links);
            });
        }
    });
}
