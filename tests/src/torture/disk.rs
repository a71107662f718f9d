//! The disk fails, or is full: nothing is acknowledged that is not true later, and the process
//! says what is wrong and ends.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::torture::audit;
use crate::torture::image::Image;
use crate::torture::kill::kill_and_restart;
use crate::torture::plan::Pace;
use crate::torture::report::Kind;
use crate::torture::session::Session;
use crate::torture::workload::under_load;
use crate::torture::world::World;
use crate::{Server, ServerOptions, Stopped, http};

/// Threads of the load.
const THREADS: usize = 3;

/// The disk that is filled, in MiB.
const DISK: u64 = 96;

/// What is left free at most when it is filled, in bytes.
const LEFT_MAX: u64 = 4 << 20;

/// The system calls that fail, and from which one on at the latest: there are more of the first
/// than of the others.
const CALLS: [(&str, u32); 3] = [("pwrite64", 300), ("fdatasync", 100), ("sync_file_range", 100)];

/// A load that has not met the failure after this time does not meet it.
const REACHED: Duration = Duration::from_secs(8);

/// A process that has met it ends within this time.
const ENDS: Duration = Duration::from_secs(5);

/// What it says then: at work, and at its start.
const WORDS: [&str; 3] =
    ["the database can't be trusted any more", "can't be opened", "can't be used"];

/// Can this mode be done here? What is missing, otherwise.
pub(super) fn is_possible() -> Result<(), String> {
    let strace = Command::new("strace").arg("-V").stdout(Stdio::null()).status();
    if strace.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    Err("strace is missing: run `cargo xtask toolchain`, or `apt-get install strace`".into())
}

pub(super) fn run(session: &mut Session<'_>) {
    let full = Image::is_possible();
    if let Err(missing) = &full {
        session.report.note(format!("no disk was filled up: {missing}"));
    }
    while session.goes_on() {
        if full.is_ok() && session.rng.u8(0..3) == 0 {
            full_disk(session);
        } else {
            failing_calls(session);
        }
    }
}

/// System calls fail from one on, on one data directory again and again.
fn failing_calls(session: &mut Session<'_>) {
    let mut server = ServerOptions::new().start();
    let world = World::new(server.client(), Pace::real());
    for _ in 0..session.rng.u8(2..6) {
        if !session.goes_on_in(&world) {
            break;
        }
        server = fail_once(session, &world, server);
        audit::facts(&world);
        session.cycle(&world);
    }
    session.settle(&world, &server.data().join("outbox"), || ());
    world.tell(&mut session.report);
}

fn fail_once(session: &mut Session<'_>, world: &World, server: Server<'static>) -> Server<'static> {
    let folder = tempfile::tempdir().expect("a folder for the trace");
    let trace = folder.path().join("trace");
    let (call, latest) = session.rng.choice(CALLS).unwrap_or(CALLS[0]);
    let error = session.rng.choice(["EIO", "ENOSPC"]).unwrap_or("EIO");
    let failure = format!("{call}:error={error}:when={}+", session.rng.u32(1..latest));
    let (traced, inject) = (format!("trace={call}"), format!("inject={failure}"));
    let file = trace.display().to_string();
    let words = ["strace", "-D", "-f", "-qq", "-e", &traced, "-e", &inject, "-o", &file];
    let stopped = server.kill();
    world.died();
    world.forgive(true);
    let log = stopped.log().len();
    let stopped = match stopped.try_restart_with(ServerOptions::new().under(&words)) {
        Err(stopped) => *stopped,
        Ok(server) => {
            world.is_up_again();
            let met = || is_met(&trace);
            let (stopped, met) = meet(session, world, server, &failure, &met);
            world.died();
            match met {
                Met::Ended => stopped,
                Met::Stayed => return back(world, stopped, ServerOptions::new()),
                Met::Never => {
                    session.report.note("now and then the load did not get to the failing call");
                    return back(world, stopped, ServerOptions::new());
                }
            }
        }
    };
    check_words(world, &stopped, log, &failure);
    back(world, stopped, ServerOptions::new())
}

/// Has strace made a call fail?
fn is_met(trace: &Path) -> bool {
    fs::read_to_string(trace).is_ok_and(|text| text.contains("(INJECTED)"))
}

/// A disk of its own is filled up while the server works; then room is made.
fn full_disk(session: &mut Session<'_>) {
    let image = Image::make(DISK);
    let mut server = image.options().start();
    let world = World::new(server.client(), Pace::real());
    for _ in 0..session.rng.u8(1..4) {
        if !session.goes_on_in(&world) {
            break;
        }
        world.forgive(true);
        let log = server.log().len();
        let left = session.rng.u64(0..LEFT_MAX);
        let failure = format!("a full disk, {left} bytes before its end");
        image.fill(&server, left).expect("the disk is filled");
        let (stopped, met) = meet(session, &world, server, &failure, &|| false);
        world.died();
        match met {
            Met::Ended => check_words(&world, &stopped, log, &failure),
            Met::Stayed => {}
            Met::Never => session.report.note("now and then the load did not fill the disk"),
        }
        // Its start makes room.
        server = back(&world, stopped, image.options());
        audit::facts(&world);
        session.cycle(&world);
    }
    // A last time without any failure.
    server = kill_and_restart(&world, server);
    session.settle(&world, &image.data(&server).join("outbox"), || ());
    world.tell(&mut session.report);
}

/// What became of a process and a failure.
enum Met {
    /// It ended by itself.
    Ended,
    /// It did not, and had to be killed: that is a violation, and was told.
    Stayed,
    /// They did not meet.
    Never,
}

/// Works until the failure is met and the process has ended.
fn meet<'s>(
    session: &mut Session<'_>,
    world: &World,
    mut server: Server<'s>,
    failure: &str,
    met: &dyn Fn() -> bool,
) -> (Stopped<'s>, Met) {
    let mut rng = session.rng.fork();
    under_load(world, THREADS, &mut rng, || {
        if server.ends_within(REACHED) || (met() && server.ends_within(ENDS)) {
            return (server.stopped(), Met::Ended);
        }
        let how = match (met(), is_alive(&server)) {
            (true, true) => "the process goes on as if nothing had happened",
            (_, false) => "the process hangs: it neither ends nor answers",
            (false, true) => return (server.kill(), Met::Never),
        };
        let what = format!("{failure}: {how}\n{}", tail(&server.log()));
        world.ledger().violation(Kind::Other, what);
        (server.kill(), Met::Stayed)
    })
}

/// Does it answer, also when it has to read?
fn is_alive(server: &Server<'_>) -> bool {
    let url = format!("{}/healthz", server.client().url);
    let health = http::request("GET", &url).patience(ENDS).try_send();
    let executions = server.client().request("GET", "/api/v1/executions?limit=1").patience(ENDS);
    health.is_ok() && executions.try_send().is_ok()
}

/// A process that ended by itself has said why, and not in a panic.
fn check_words(world: &World, stopped: &Stopped<'_>, log: usize, failure: &str) {
    let text = stopped.log();
    let said = text.get(log..).unwrap_or_default();
    let clear = WORDS.iter().any(|words| said.contains(words));
    if !clear || said.contains("panicked at") {
        let how = if clear { "panicked besides" } else { "did not say what is wrong" };
        let what = format!("{failure}: ended ({}) and {how}:\n{}", stopped.status, tail(said));
        world.ledger().violation(Kind::Other, what);
    }
}

/// A process without any failure on what is left.
fn back(world: &World, stopped: Stopped<'_>, options: ServerOptions<'static>) -> Server<'static> {
    let server = stopped.restart_with(options);
    world.forgive(false);
    world.is_up_again();
    server
}

/// What it said last, without the requests.
fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let problems = lines.iter().filter(|line| !line.contains(" INFO "));
    let problems: Vec<&str> = problems.copied().collect();
    problems[problems.len().saturating_sub(12)..].join("\n")
}
