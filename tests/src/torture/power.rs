//! The power goes at any moment: of what was written, only what has reached the disk is left.
//!
//! The server's disk is an image. A cut stops the server in the middle of whatever it does,
//! copies the image as it is, without a sync, and kills the server; the next one finds the copy.

use std::fs;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::torture::audit;
use crate::torture::image::Image;
use crate::torture::plan::Pace;
use crate::torture::session::Session;
use crate::torture::workload::under_load;
use crate::torture::world::World;
use crate::{Server, wait};

/// Threads of the load.
const THREADS: usize = 4;

/// The disk's size, in MiB. Its file has holes where nothing was written.
const DISK: u64 = 256;

/// Within this time all threads of a process stop, also those that wait for a disk.
const STOPPING: Duration = Duration::from_secs(20);

pub(super) fn run(session: &mut Session<'_>) {
    while session.goes_on() {
        let mut image = Image::make(DISK);
        let mut server = image.options().start();
        let world = World::new(server.client(), Pace::real());
        while session.goes_on_in(&world) {
            (server, image) = round(session, &world, server, image);
            session.settle(&world, &image.data(&server).join("outbox"), || ());
            // Now and then a new disk: what is young is the least settled.
            if session.rng.u8(0..4) == 0 {
                break;
            }
        }
        world.tell(&mut session.report);
    }
}

/// Some cuts under load.
fn round(
    session: &mut Session<'_>,
    world: &World,
    mut server: Server<'static>,
    mut image: Image,
) -> (Server<'static>, Image) {
    let mut rng = session.rng.fork();
    under_load(world, THREADS, &mut rng, || {
        for _ in 0..session.rng.u8(2..6) {
            session.pause(20..1500);
            (server, image) = cut(world, server, &image);
            audit::facts(world);
            session.cycle(world);
            if !session.goes_on_in(world) {
                break;
            }
        }
        (server, image)
    })
}

fn cut(world: &World, server: Server<'static>, image: &Image) -> (Server<'static>, Image) {
    freeze(server.pid());
    let copy = image.copy();
    let stopped = server.kill();
    world.died();
    let server = stopped.restart_with(copy.options());
    world.is_up_again();
    (server, copy)
}

/// Stops a process, and returns when none of its threads does anything any more.
fn freeze(pid: Pid) {
    kill_process(pid, Signal::STOP).expect("SIGSTOP is sent");
    let tasks = format!("/proc/{}/task", pid.as_raw_nonzero());
    let stopped = wait::within(STOPPING, || {
        let tasks = fs::read_dir(&tasks).ok()?;
        let states = tasks.flatten().map(|task| fs::read_to_string(task.path().join("stat")));
        states.into_iter().all(|stat| stat.is_ok_and(|stat| is_stopped(&stat))).then_some(())
    });
    stopped.expect("all threads stop");
}

/// The state stands behind the name, which may hold anything.
fn is_stopped(stat: &str) -> bool {
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
}
