//! The wall clock jumps, forwards and back, while the server runs and while it is down.

use std::ops::Range;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::torture::kill::kill_and_restart;
use crate::torture::plan::{Pace, Plan};
use crate::torture::session::Session;
use crate::torture::workload::{Worker, operate, under_load};
use crate::torture::world::World;
use crate::torture::{audit, report::Kind};
use crate::{Clock, Server, ServerOptions, wait};

/// Threads of the load.
const THREADS: usize = 3;

/// Jumps are between a minute and three weeks, in seconds.
const JUMP: Range<u64> = 60..1_814_400;

/// Further than any deadline: what was set before the clock was turned back is weeks ahead.
const PAST_ALL: Duration = Duration::from_secs(400 * 86_400);

const DAY: Duration = Duration::from_secs(86_400);

/// Executions that are resumed under a clock that was turned back.
const READY: usize = 5;

/// What is ready to run ends within this time, whatever the clock says.
const READY_PATIENCE: Duration = Duration::from_secs(15);

/// Timeouts that run out by themselves, and those that need a jump.
fn pace() -> Pace {
    Pace { short: 500..4000, long: 10_000..10 * 86_400_000 }
}

pub(super) fn run(session: &mut Session<'_>) {
    while session.goes_on() {
        let clock = Clock::new();
        let mut server = ServerOptions::new().clock(&clock).start();
        let world = World::new(server.client(), pace());
        world.ledger().clock_jumps = true;
        while session.goes_on_in(&world) {
            server = jumps(session, &world, server, &clock);
            server = ready_runs_go_on(session, &world, server, &clock);
            if session.goes_on_in(&world) {
                // A jump past every deadline, again when new ones have been set.
                let outbox: PathBuf = server.data().join("outbox");
                clock.advance(PAST_ALL);
                session.settle(&world, &outbox, || clock.advance(DAY * 11));
                clock.turn_back(PAST_ALL);
            }
        }
        world.tell(&mut session.report);
    }
}

/// Jumps under load, some of them over a kill.
fn jumps<'s>(
    session: &mut Session<'_>,
    world: &World,
    mut server: Server<'s>,
    clock: &Clock,
) -> Server<'s> {
    let mut rng = session.rng.fork();
    under_load(world, THREADS, &mut rng, || {
        for _ in 0..session.rng.u8(3..8) {
            session.pause(50..800);
            let by = Duration::from_secs(session.rng.u64(JUMP));
            if session.rng.bool() {
                clock.advance(by);
            } else {
                clock.turn_back(by);
            }
            if session.rng.u8(0..3) == 0 {
                server = kill_and_restart(world, server);
            }
            audit::facts(world);
            session.cycle(world);
            if !session.goes_on_in(world) {
                break;
            }
        }
        server
    })
}

/// What is ready to run does not wait until the clock has caught up.
fn ready_runs_go_on<'s>(
    session: &mut Session<'_>,
    world: &World,
    server: Server<'s>,
    clock: &Clock,
) -> Server<'s> {
    let ids: Vec<String> = (0..READY).filter_map(|_| paused(session, world)).collect();
    let mut rng = session.rng.fork();
    // Half of them are resumed before the jump, at the last moment; the others after it.
    let (before, after) = ids.split_at(ids.len() / 2);
    before.iter().for_each(|id| operate(world, &mut rng, id, "resume"));
    clock.turn_back(DAY);
    let server = if session.rng.bool() { kill_and_restart(world, server) } else { server };
    after.iter().for_each(|id| operate(world, &mut rng, id, "resume"));
    session.cycle(world);
    let since = Instant::now();
    for id in &ids {
        let left = READY_PATIENCE.saturating_sub(since.elapsed());
        let ended = wait::within(left, || {
            let view = world.execution(id)?;
            (!view["finished_at"].is_null()).then_some(())
        });
        if ended.is_none() {
            let what = format!("{id}: was resumed, and waits because the clock was turned back");
            world.ledger().violation(Kind::Other, what);
        }
    }
    server
}

/// A new execution that waits for somebody.
fn paused(session: &mut Session<'_>, world: &World) -> Option<String> {
    let plan = Plan::patient(&mut session.rng, world.witness());
    Worker { world, rng: session.rng.fork() }.send(&plan);
    let id = world.ledger().id_of(&plan)?;
    wait::within(READY_PATIENCE, || {
        let view = world.execution(&id)?;
        (view["status"] == "suspended").then_some(())
    })?;
    Some(id)
}
