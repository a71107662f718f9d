//! A crowd of suspended executions: what it costs to have them, and to start a server with them.

use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{Client, Server, http, run_id, toolbox, wait};

/// Callers at the same time.
const CALLERS: usize = 16;

/// Longer than a crowd takes to settle, on a slow machine under load.
const PATIENCE: Duration = Duration::from_secs(1800);

/// A server and its crowd at one moment.
#[derive(Clone, Debug, Default)]
pub struct Moment {
    /// What led to it.
    pub what: &'static str,
    /// How long that took.
    pub took: Duration,
    /// Memory of the process, in bytes.
    pub resident: u64,
    /// The database on disk, in bytes.
    pub disk: u64,
}

/// All moments of a measurement, and what was wrong.
#[derive(Clone, Debug, Default)]
pub struct Crowd {
    /// How many executions.
    pub executions: usize,
    /// In order.
    pub moments: Vec<Moment>,
    /// What the last check of the store found.
    pub problems: Vec<String>,
}

/// Suspends so many executions, stops the server, starts it, kills it, starts it again, and
/// resumes them all by their links. `tell` gets a line about each moment.
///
/// # Panics
///
/// Anything went otherwise than promised.
pub fn run(executions: usize, tell: &dyn Fn(&str)) -> Crowd {
    let mut crowd = Crowd { executions, ..Crowd::default() };
    let mut moment = |server: &Server<'_>, what, took| {
        let (resident, disk) = (resident(server), size(&server.data().join("store")));
        let moment = Moment { what, took, resident, disk };
        tell(&moment.to_string());
        crowd.moments.push(moment);
    };
    let server = Server::start();
    toolbox::deploy_and_next(
        server.client(),
        "crowd",
        &json!([{"suspend": {"timeout_ms": MONTH_MS}}]),
    );
    moment(&server, "an empty server", Duration::ZERO);

    let ids = Mutex::new(Vec::new());
    let client = server.client();
    let took = timed(|| {
        all_do(executions, |_| {
            let id = trigger(client);
            ids.lock().expect("the ids").push(id);
        });
        settled(client, "ready_waiting", 0);
        settled(client, "runs_active", 0);
    });
    moment(&server, "all triggered and suspended", took);

    server.ask_to_stop();
    let stopped = server.stopped();
    let (server, took) = timed_with(|| stopped.restart());
    moment(&server, "started after a clean end", took);

    let killed = server.kill();
    let (server, took) = timed_with(|| killed.restart());
    moment(&server, "started after kill -9", took);

    let client = server.client();
    let ids = ids.into_inner().expect("the ids");
    let (links, took) = timed_with(|| {
        let links = Mutex::new(Vec::new());
        all_do(executions, |n| {
            let execution = client.execution(&ids[n]);
            assert_eq!(execution["status"], "suspended", "{execution:#}");
            let link = execution["waiting"]["resume_url"].as_str().expect("a link").to_owned();
            links.lock().expect("the links").push(link);
        });
        links.into_inner().expect("the links")
    });
    moment(&server, "all looked at", took);

    let took = timed(|| {
        all_do(executions, |n| {
            let answer = http::post(&links[n], &json!({"n": n})).expect(200).json();
            assert_eq!(answer["already"], false, "{answer}");
        });
        settled(client, "executions_completed_total", executions as u64);
    });
    moment(&server, "all resumed and completed", took);
    let report = client.get("/api/v1/check").expect(200).json();
    assert_eq!(report["executions"].as_u64(), Some(executions as u64), "{report}");
    let problems = report["problems"].as_array().cloned().unwrap_or_default();
    crowd.problems = problems.iter().map(Value::to_string).collect();
    crowd
}

const MONTH_MS: u64 = 30 * 86_400_000;

fn trigger(client: &Client) -> String {
    run_id(&http::post(&format!("{}/hooks/crowd", client.url), &json!({})).expect(202).json())
}

/// Does it for every number below `count`, many at the same time.
fn all_do(count: usize, act: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                loop {
                    match next.fetch_add(1, Ordering::Relaxed) {
                        n if n < count => act(n),
                        _ => return,
                    }
                }
            });
        }
    });
}

/// Waits until the figure is `value`.
fn settled(client: &Client, figure: &str, value: u64) {
    let there = || (client.figure(figure) == value).then_some(());
    wait::within(PATIENCE, there).unwrap_or_else(|| panic!("waited in vain for {value} {figure}"));
}

fn timed(act: impl FnOnce()) -> Duration {
    timed_with(act).1
}

fn timed_with<T>(act: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    (act(), start.elapsed())
}

/// Memory of the process, in bytes.
fn resident(server: &Server<'_>) -> u64 {
    let file = format!("/proc/{}/status", server.pid().as_raw_nonzero());
    let status = fs::read_to_string(file).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default() * 1024
}

/// All files in a folder, in bytes.
fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| Some(entry.metadata().ok()?.len())).sum()
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        let Moment { what, took, resident, disk } = self;
        let (took, resident, disk) = (took.as_secs_f64(), mib(*resident), mib(*disk));
        write!(
            f,
            "{what:<28} {took:>8.2} s   {resident:>7.1} MiB resident   {disk:>7.1} MiB on disk"
        )
    }
}
