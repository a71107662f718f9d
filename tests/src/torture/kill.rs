//! `kill -9` at any moment, again and again.

use std::time::Duration;

use crate::torture::audit;
use crate::torture::plan::Pace;
use crate::torture::session::Session;
use crate::torture::workload::under_load;
use crate::torture::world::World;
use crate::{Server, ServerOptions};

/// Threads of the load.
const THREADS: usize = 4;

/// Longer than a start takes, in milliseconds.
const STARTING: u64 = 250;

pub(super) fn run(session: &mut Session<'_>) {
    while session.goes_on() {
        let mut server = ServerOptions::new().start();
        let world = World::new(server.client(), Pace::real());
        while session.goes_on_in(&world) {
            server = round(session, &world, server);
            session.settle(&world, &server.data().join("outbox"), || ());
        }
        world.tell(&mut session.report);
    }
}

/// Some kills under load.
fn round<'s>(session: &mut Session<'_>, world: &World, mut server: Server<'s>) -> Server<'s> {
    let mut rng = session.rng.fork();
    under_load(world, THREADS, &mut rng, || {
        for _ in 0..session.rng.u8(3..8) {
            session.pause(20..1500);
            server = kill_often(session, world, server);
            audit::facts(world);
            session.cycle(world);
            if !session.goes_on_in(world) {
                break;
            }
        }
        server
    })
}

/// A kill, now and then some more while the next process starts, and one that lives.
fn kill_often<'s>(session: &mut Session<'_>, world: &World, server: Server<'s>) -> Server<'s> {
    let mut stopped = server.kill();
    world.died();
    while session.rng.u8(0..3) == 0 {
        let after = session.rng.u64(0..STARTING);
        stopped = stopped.restart_and_kill(Duration::from_millis(after));
        world.died();
        session.cycle(world);
    }
    let server = stopped.restart();
    world.is_up_again();
    server
}

/// `kill -9`, and a new process.
pub(super) fn kill_and_restart<'s>(world: &World, server: Server<'s>) -> Server<'s> {
    let stopped = server.kill();
    world.died();
    let server = stopped.restart();
    world.is_up_again();
    server
}
