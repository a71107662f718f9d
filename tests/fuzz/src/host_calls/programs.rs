//! Programs that make sense, for a fuzzer to begin with.

use super::{ADDRESS, WORLD};

/// The last value that was kept, and earlier ones.
const KEPT: [u8; 6] = [0b10, 0b110, 0b1010, 0b1110, 0b1_0010, 0b1_0110];

/// A result goes where results go.
const RESULT: &[u8] = &[0];

/// Names of programs and the programs, as `host_calls` takes them.
pub(crate) fn programs() -> Vec<(&'static str, Vec<u8>)> {
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx-a: b\r\n\r\nhello";
    vec![
        ("flow", program(b"", flow())),
        ("context", program(b"", context())),
        ("exports", program(b"", exports())),
        ("deliveries", program(b"", deliveries())),
        ("log", program(b"", log())),
        ("clocks", program(b"", clocks())),
        ("random", program(b"", random())),
        ("leak", program(b"", leak())),
        ("dishonest-memory", program(b"", dishonest_memory())),
        ("answer", program(b"", answered())),
        ("sockets", program(b"", sockets())),
        ("fields", program(b"", fields())),
        ("call-out", program(answer, call_out())),
        ("call-out-to-nonsense", program(b"HTTP/1.1 999\r\n: \0\r\n\r\n", call_out())),
        ("spin", program(b"", Program::default().call("spin", &[]))),
        ("recurse", program(b"", Program::default().call("recurse", &[]))),
        ("trap", program(b"", Program::default().call("trap", &[]))),
    ]
}

fn program(answer: &[u8], program: Program) -> Vec<u8> {
    let length = u8::try_from(answer.len()).expect("a short answer");
    [&[length], answer, program.0.as_slice()].concat()
}

#[derive(Default)]
struct Program(Vec<u8>);

impl Program {
    fn call(mut self, operation: &str, arguments: &[&[u8]]) -> Program {
        let at = WORLD.operations.iter().position(|known| known == operation);
        let at = at.unwrap_or_else(|| panic!("no operation {operation}"));
        self.0.push(u8::try_from(at).expect("fewer than 256 operations"));
        self.0.extend(arguments.concat());
        self
    }

    fn flow(self, function: &str, arguments: &[&[u8]]) -> Program {
        self.call(&format!("waystation:step/flow@0.1.0#{function}"), arguments)
    }

    fn http(self, function: &str, arguments: &[&[u8]]) -> Program {
        self.call(&format!("wasi:http/types@0.2.12#{function}"), arguments)
    }

    fn io(self, function: &str, arguments: &[&[u8]]) -> Program {
        self.call(&format!("wasi:io/{function}"), arguments)
    }
}

/// A small number as an argument.
fn n(number: u8) -> [u8; 1] {
    [number << 2]
}

/// A small number of 64 bits.
fn long(number: u8) -> [u8; 1] {
    [number << 1]
}

/// A string.
fn text(text: &[u8]) -> Vec<u8> {
    [&[u8::try_from(text.len()).expect("a short text")], text].concat()
}

fn flow() -> Program {
    let most = [1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    Program::default()
        .flow("suspend", &[&n(1), &long(9), RESULT])
        .flow("suspend", &[&n(1), &most, RESULT])
        .flow(
            "suspend-with",
            &[
                &n(1),
                &long(9),
                &n(1),
                &n(2),
                &n(1),
                &text("ä line".as_bytes()),
                &n(1),
                &text(b"{\"type\": \"object\"}"),
                RESULT,
            ],
        )
        .flow("rerun", &[&long(1), &n(1), &text(b"[1]"), &n(1), &n(3), RESULT])
        .flow("delay", &[&long(100), RESULT])
        .flow("withdraw", &[])
        .flow("exit", &[&n(1), &text(b"done\n\x07")])
}

fn context() -> Program {
    ["get-run", "get-execution", "get-event", "get-steps"]
        .into_iter()
        .fold(Program::default(), |program, name| {
            program.call(&format!("waystation:step/context@0.1.0#{name}"), &[RESULT])
        })
}

fn exports() -> Program {
    let set = |program: Program, name: &[u8], value: &[u8]| {
        program.call("waystation:step/exports@0.1.0#set", &[&text(name), &text(value), RESULT])
    };
    let program = set(Program::default(), b"a", b"{\"x\": 1e3}");
    let program = set(program, b"$summary", b"\"a line\"");
    let program = set(program, b"$return_value", b"1");
    set(program, b"b", b"\xff")
}

fn deliveries() -> Program {
    // A header, and an address to send to: pointers to the program's own bytes.
    let header: Vec<u8> = [65_536_u32, 3, 65_536, 3].iter().flat_map(|n| n.to_le_bytes()).collect();
    Program::default()
        .call(
            "waystation:step/http-response@0.1.0#respond",
            &[&[3, 200, 0, 0, 0], &[240, 16], &header, &text(b"body"), RESULT],
        )
        .call(
            "waystation:step/send@0.1.0#email",
            &[&[245, 0], &text(b"a subject"), &n(1), &text(b"text"), &n(0), &text(b""), RESULT],
        )
}

fn log() -> Program {
    let stdout = Program::default().call("wasi:cli/stdout@0.2.12#get-stdout", &[]);
    stdout
        .io("streams@0.2.12#[method]output-stream.check-write", &[&[KEPT[0]], RESULT])
        .io(
            "streams@0.2.12#[method]output-stream.blocking-write-and-flush",
            &[&[KEPT[2]], &text(b"line\n\xff\nline"), RESULT],
        )
        .call("repeat", &[])
}

fn clocks() -> Program {
    Program::default()
        .call("wasi:clocks/monotonic-clock@0.2.12#now", &[])
        .call("wasi:clocks/monotonic-clock@0.2.12#subscribe-duration", &[&long(9)])
        .io("poll@0.2.12#[method]pollable.block", &[&[KEPT[0]]])
        .io("poll@0.2.12#[method]pollable.ready", &[&[KEPT[0]]])
}

fn random() -> Program {
    Program::default()
        .call("wasi:random/random@0.2.12#get-random-bytes", &[&long(100), RESULT])
        .call("wasi:random/random@0.2.12#get-random-bytes", &[&[1], &[255; 8], RESULT])
        .call("wasi:random/insecure@0.2.12#get-insecure-random-u64", &[])
}

fn leak() -> Program {
    (0..64)
        .fold(Program::default(), |program, _| program.http("[constructor]fields", &[]))
        .call("repeat", &[])
}

fn dishonest_memory() -> Program {
    let event = "waystation:step/context@0.1.0#get-event";
    Program::default()
        .call(event, &[RESULT])
        .call("grow", &[&[200]])
        .call("realloc", &[&[5]])
        .call(event, &[RESULT])
        .call("realloc", &[&[6]])
        .call(event, &[RESULT])
        .call("realloc", &[&[2]])
        .call(event, &[&[255, 3], &0xffff_fff0_u32.to_le_bytes()])
}

fn answered() -> Program {
    Program::default()
        .call("answer", &[&[4], &n(1)])
        .call("answer", &[&[8], &[3], &65_550_u32.to_le_bytes()])
        .call("answer", &[&[12], &n(2)])
        .call("repeat", &[b"[]"])
}

fn sockets() -> Program {
    Program::default()
        .call("wasi:sockets/instance-network@0.2.12#instance-network", &[])
        .call("wasi:sockets/tcp-create-socket@0.2.12#create-tcp-socket", &[&n(0), RESULT])
        .call(
            "wasi:sockets/ip-name-lookup@0.2.12#resolve-addresses",
            &[&[KEPT[2]], &text(b"localhost"), RESULT],
        )
        .call("wasi:filesystem/preopens@0.2.12#get-directories", &[RESULT])
        .call("wasi:cli/environment@0.2.12#get-environment", &[RESULT])
}

fn fields() -> Program {
    Program::default()
        .http("[constructor]fields", &[])
        .http("[method]fields.append", &[&[KEPT[0]], &text(b"X-A"), &text(b"b"), RESULT])
        .http("[method]fields.append", &[&[KEPT[2]], &text(b"host"), &text(b"c\r\n"), RESULT])
        .http("[method]fields.entries", &[&[KEPT[4]], RESULT])
}

fn call_out() -> Program {
    Program::default()
        .http("[constructor]fields", &[])
        .http("[constructor]outgoing-request", &[&[KEPT[0]]])
        .http("[method]outgoing-request.set-scheme", &[&[KEPT[0]], &n(1), &n(0), &text(b"")])
        .http("[method]outgoing-request.set-authority", &[&[KEPT[1]], &n(1), &text(ADDRESS)])
        .http("[method]outgoing-request.set-path-with-query", &[&[KEPT[2]], &n(1), &text(b"/a?b")])
        .call("wasi:http/outgoing-handler@0.2.12#handle", &[&[KEPT[3]], &n(0), &n(0), RESULT])
        .call("keep", &[&[8]])
        .http("[method]future-incoming-response.subscribe", &[&[KEPT[0]]])
        .io("poll@0.2.12#[method]pollable.block", &[&[KEPT[0]]])
        .http("[method]future-incoming-response.get", &[&[KEPT[1]], RESULT])
        // The answer, in a result in a result in an option.
        .call("keep", &[&[24]])
        .http("[method]incoming-response.consume", &[&[KEPT[0]], RESULT])
        .http("[method]incoming-body.stream", &[&[KEPT[0]], RESULT])
        .io("streams@0.2.12#[method]input-stream.blocking-read", &[&[KEPT[0]], &long(100), RESULT])
}
