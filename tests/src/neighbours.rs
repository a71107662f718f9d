//! What runs suffer from an upload beside them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{Client, Server, ServerOptions, bombs, wait};

/// How long executions took, from the trigger to the answer that they have ended.
#[derive(Clone, Copy, Debug)]
pub struct Latency {
    /// Half of them were faster.
    pub median: Duration,
    /// Nine of ten were faster.
    pub p90: Duration,
    /// None took longer.
    pub longest: Duration,
}

/// Executions without a neighbour, and beside an upload whose compiler works all the time.
#[derive(Clone, Copy, Debug)]
pub struct Beside {
    /// Without.
    pub alone: Latency,
    /// Beside.
    pub beside: Latency,
}

/// Rounds of both, so that what else the machine does falls on both alike.
const ROUNDS: usize = 5;

/// Measures about `count` executions without, and as many beside, a hostile upload.
///
/// # Panics
///
/// The upload ended before the executions had.
pub fn measure(count: usize) -> Beside {
    let server = ServerOptions::new().env("WAYSTATION_LIMITS_COMPILE_S", "3600").start();
    let client = server.client();
    client.put_component("small", bombs::step("small")).expect(201);
    client.deploy(&json!({"name": "small", "steps": [{"name": "a", "component": "small"}]}));
    let some = || -> Vec<Duration> { (0..count.div_ceil(ROUNDS)).map(|_| one(client)).collect() };
    // Whatever is slow at first.
    some();
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        alone.extend(some());
        beside.extend(while_uploading(&server, bombs::many_functions(5000), some));
    }
    Beside { alone: latency(alone), beside: latency(beside) }
}

/// Does `work` while the server compiles `component`; then its uploader leaves.
fn while_uploading<T>(server: &Server<'_>, component: Vec<u8>, work: impl FnOnce() -> T) -> T {
    let upload = server.client().start_upload("bomb", component);
    wait::until("the compiler works", || (!server.compilers().is_empty()).then_some(()));
    let done = work();
    assert!(!server.compilers().is_empty(), "the compiler was done before the executions");
    drop(upload);
    wait::until("the compiler is gone", || server.compilers().is_empty().then_some(()));
    done
}

fn latency(mut all: Vec<Duration>) -> Latency {
    all.sort_unstable();
    let at = |part: usize| all.get((all.len() * part / 100).min(all.len() - 1)).copied();
    Latency {
        median: at(50).unwrap_or_default(),
        p90: at(90).unwrap_or_default(),
        longest: at(100).unwrap_or_default(),
    }
}

fn one(client: &Client) -> Duration {
    let started = Instant::now();
    let path = "/api/v1/workflows/small/executions?wait=30";
    let answer = client.post(path, &Value::Null).expect(200).json();
    assert_eq!(answer["status"], "completed", "{answer}");
    started.elapsed()
}
