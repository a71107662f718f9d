//! Guests that call the host in any order with anything.

mod interpreter;
mod programs;
mod service;

use std::sync::LazyLock;

use waystation_core::{Allow, Digest};

use self::interpreter::{Interpreter, PROGRAM_BYTES_MAX};
use self::service::Service;
use crate::bounds::Bounds;

pub(crate) use self::programs::programs;

/// What stands in a program for the address of the one service that the guest may call.
const ADDRESS: &[u8] = b"127.0.0.1:PORT!";

struct World {
    bounds: Bounds,
    interpreter: Digest,
    operations: Vec<String>,
    service: Service,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let service = Service::start();
    let allow = Allow {
        http: vec![format!("http://{}", service.address()).parse().expect("a pattern")],
        email: true,
        config: [("REGION".to_owned(), "eu".to_owned())].into(),
        ..Allow::default()
    };
    let bounds = Bounds::new(allow);
    let Interpreter { component, operations } = Interpreter::build();
    let manifest = bounds.admit(component).expect("the interpreter is sound");
    World { bounds, interpreter: manifest.digest, operations, service }
});

/// The first byte is the length of what a service answers to calls out, the answer follows, and
/// the rest is a program for the guest of `interpreter.rs`: it never harms the host, keeps within
/// its limits, and whatever goes wrong is told as its own fault.
pub fn host_calls(data: &[u8]) {
    let Some((length, rest)) = data.split_first() else { return };
    let (answer, program) = rest.split_at(rest.len().min(usize::from(*length)));
    WORLD.service.answers(answer);
    let mut program = program[..program.len().min(PROGRAM_BYTES_MAX)].to_vec();
    let placed = WORLD.service.address();
    while let Some(at) = program.windows(ADDRESS.len()).position(|bytes| bytes == ADDRESS) {
        program[at..at + ADDRESS.len()].copy_from_slice(placed.as_bytes());
    }
    let letter = |half: u8| char::from(b'a' + half);
    let props = program.iter().flat_map(|byte| [letter(byte >> 4), letter(byte & 15)]).collect();
    WORLD.bounds.run(WORLD.interpreter, props);
}
