//! The child: bounds and confines itself, reads the component, works, answers.

use std::io::{self, Read};

use rustix::process::{Resource, Rlimit, nice, setrlimit};
use waystation_sandbox::{AdmitError, compile};

use super::confinement::confine;
use super::{Answer, ChildArgs};
use crate::failure::{Done, Failure};
use crate::output;

/// The least that a process can do without being told to stop.
const NICENESS: i32 = 19;

/// Open files: the pipes, the cache, and some that libraries hold.
const FILES_MAX: u64 = 64;

/// Stack of the thread that only waits, in bytes.
const WATCH_STACK_BYTES: usize = 64 << 10;

/// Does what the parent asks for.
pub(crate) fn run(args: &ChildArgs) -> Done {
    let answer = begin(args).map_err(AdmitError::Host).and_then(|component| work(args, &component));
    output::json_line(&serde_json::to_value(&answer).map_err(Failure::new)?);
    Ok(())
}

/// The component, of which nothing is read before this process is bounded and confined. What goes
/// wrong here says nothing of it.
fn begin(args: &ChildArgs) -> Result<Vec<u8>, String> {
    bound(args).map_err(|error| format!("the compiler has no bounds: {error}"))?;
    // What a system can't do, the server has said at its start.
    confine(args.into.as_deref())
        .map_err(|error| format!("the compiler is not confined: {error}"))?;
    let component = receive().map_err(|error| format!("the compiler got nothing: {error}"))?;
    watch_parent().map_err(|error| format!("the compiler has no thread: {error}"))?;
    Ok(component)
}

fn work(args: &ChildArgs, component: &[u8]) -> Answer {
    let machine_code_bytes_max = (args.machine_code_mib as usize) << 20;
    match &args.into {
        Some(into) => compile::compile(component, into, machine_code_bytes_max),
        None => compile::check(component).map_err(Into::into),
    }
}

fn bound(args: &ChildArgs) -> io::Result<()> {
    let limit = |resource, most: u64| {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })
    };
    limit(Resource::Core, 0)?;
    limit(Resource::Nofile, FILES_MAX)?;
    limit(Resource::Fsize, u64::from(args.machine_code_mib) << 20)?;
    limit(Resource::As, u64::from(args.memory_mib) << 20)?;
    // The soft one first: its signal says what happened.
    let seconds = u64::from(args.seconds);
    setrlimit(Resource::Cpu, Rlimit { current: Some(seconds), maximum: Some(seconds + 5) })?;
    nice(NICENESS)?;
    // Where the whole machine is short of memory, this is what can go. Not every system has it.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    Ok(())
}

/// The component: its length in eight bytes, the least significant first, and its bytes.
fn receive() -> io::Result<Vec<u8>> {
    let mut input = io::stdin().lock();
    let mut length = [0; 8];
    input.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    let mut component = Vec::new();
    input.take(length).read_to_end(&mut component)?;
    if component.len() as u64 == length {
        Ok(component)
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

/// Ends this process when its parent is gone: then nothing comes any more, and the end of the
/// input does.
fn watch_parent() -> io::Result<()> {
    let watch = || {
        // Whatever it is, the parent is not there to say more.
        let _ = io::stdin().lock().read(&mut [0]);
        std::process::exit(1);
    };
    std::thread::Builder::new().stack_size(WATCH_STACK_BYTES).spawn(watch).map(drop)
}
