//! Components that are none, or that should never be compiled.

use std::collections::BTreeMap;

use tempfile::TempDir;
use waystation_tests::{Client, wait};

use crate::arena::{Arena, tight};
use crate::attack::{Attack, Got};
use crate::{bombs, guest};

/// A server with compiled code of its own: what is uploaded here is no use to others, and nothing
/// of it is there before.
fn arena(folder: &TempDir) -> Arena<'_> {
    Arena::new("uploads", tight().data(&folder.path().join("data")))
}

fn put(client: &Client, component: Vec<u8>) -> Got {
    Got::answer(&client.put_component("bad", component))
}

#[test]
fn bytes_that_are_no_component() {
    let folder = tempfile::tempdir().unwrap();
    let mut arena = arena(&folder);
    let good = guest::component("anything");
    let mut precompiled = b"\x7fELF\x02\x01\x01\xc8".to_vec();
    // The head of an ELF file whose flags say that wasmtime has made it of a component.
    precompiled.extend([0; 8]);
    precompiled.extend([1, 0, 62, 0, 1, 0, 0, 0]);
    precompiled.extend([0; 24]);
    precompiled.extend([2, 0, 0, 0, 64, 0, 0, 0, 0, 0, 64, 0, 0, 0, 0, 0]);
    for (name, tries, bytes, endings) in [
        ("nothing", "uploads nothing", Vec::new(), &["not_webassembly"][..]),
        ("a byte", "uploads one byte", vec![0], &["not_webassembly"]),
        ("a text", "uploads a text", b"(component)".to_vec(), &["not_webassembly"]),
        ("machine code", "uploads what wasmtime would run unseen", precompiled, &["precompiled"]),
        ("a core module", "uploads a module", b"\0asm\x01\0\0\0".to_vec(), &["core_module"]),
        (
            "a head",
            "uploads the first bytes of a component",
            b"\0asm\x0d\0\x01\0".to_vec(),
            &["no_handler"],
        ),
        (
            "the version after next",
            "uploads a component of the future",
            b"\0asm\x0f\0\x01\0".to_vec(),
            &["malformed", "not_webassembly"],
        ),
    ] {
        arena.attack(&Attack::new(name, tries, endings), |client| put(client, bytes));
    }
    let cut = Attack::new(
        "120 cut components",
        "uploads all beginnings of a component, in steps",
        &["all refused"],
    );
    arena.attack(&cut.within_s(30), |client| {
        let lengths = (0..good.len()).step_by(good.len() / 120 + 1);
        refused(lengths.map(|length| put(client, good[..length].to_vec())))
    });
    let mut dice = fastrand::Rng::with_seed(7);
    let noise = Attack::new(
        "60 noises",
        "uploads the head of a component and dice after it",
        &["all refused"],
    );
    arena.attack(&noise.within_s(30), |client| {
        refused((0..60).map(|_| {
            let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
            bytes.extend((0..2000).map(|_| dice.u8(..)));
            put(client, bytes)
        }))
    });
    let mut dice = fastrand::Rng::with_seed(8);
    let changed = Attack::new(
        "120 changed components",
        "uploads a component with some bytes changed",
        &["no fault"],
    );
    arena.attack(&changed.within_s(40).grows_mib(128).keeps_mib(96), |client| {
        no_fault((0..120).map(|_| {
            let mut bytes = good.clone();
            (0..dice.usize(1..4)).for_each(|_| bytes[dice.usize(8..good.len())] = dice.u8(..));
            put(client, bytes)
        }))
    });
    arena.end();
}

/// All of them are refused for what they are.
fn refused(mut answers: impl Iterator<Item = Got>) -> Got {
    let other = answers.find(|got| {
        !["malformed", "not_webassembly", "no_handler", "feature_off"]
            .contains(&got.ending.as_str())
    });
    other.unwrap_or_else(|| Got::new("all refused", ""))
}

/// They may be components, but nothing breaks.
fn no_fault(answers: impl Iterator<Item = Got>) -> Got {
    let mut endings = BTreeMap::<String, u32>::new();
    for got in answers {
        if ["internal", "busy", "500", "503"].contains(&got.ending.as_str()) {
            return got;
        }
        *endings.entry(got.ending).or_default() += 1;
    }
    let counts: Vec<String> =
        endings.iter().map(|(ending, count)| format!("{count} {ending}")).collect();
    Got::new("no fault", counts.join(", "))
}

#[test]
fn components_that_are_too_much() {
    let folder = tempfile::tempdir().unwrap();
    let mut arena = arena(&folder);
    let instances =
        format!("(core module $empty) {}", "(core instance (instantiate $empty))".repeat(10_000));
    let imports = format!("(import \"{}\" (func))", "a".repeat(90_000));
    let exports: Vec<String> =
        (0..20_000).map(|n| format!("(export \"e{n}-{}\" (func 0))", "x".repeat(180))).collect();
    let no_handler = format!(
        "(component (core module $m (func (export \"f\"))) (core instance $i (instantiate $m))
            (func (canon lift (core func $i \"f\"))) {})",
        exports.join("\n")
    );
    let named = format!("(core module (func ${}))", "n".repeat(8 << 20));
    for (name, tries, bytes, endings) in [
        (
            "10 000 instances",
            "has its module instantiated 10 000 times",
            bombs::with_text(&instances),
            &["too_demanding", "malformed"][..],
        ),
        (
            "5 000 components deep",
            "is a component in a component in a component",
            bombs::nested(5_000),
            &["too_demanding"],
        ),
        (
            "90 components deep",
            "is as deep as it may be",
            bombs::nested(90),
            &["201", "too_demanding"],
        ),
        (
            "a name of 8 MiB",
            "has a function whose name each trap would copy for each frame",
            bombs::with_text(&named),
            &["too_demanding"],
        ),
        (
            "a name of 90 kB",
            "imports something with a name of 90 000 bytes",
            bombs::with_text(&imports),
            &["too_demanding"],
        ),
        (
            "20 000 names",
            "exports 20 000 long names, and no handler",
            wat::parse_str(no_handler).unwrap(),
            &["too_demanding"],
        ),
    ] {
        let mut bytes_said = 0;
        arena.attack(&Attack::new(name, tries, endings).within_s(20), |client| {
            let got = put(client, bytes);
            bytes_said = got.message.len();
            got
        });
        arena.hold(bytes_said < 16 << 10, format!("{name}: the refusal has {bytes_said} bytes"));
    }
    let data =
        format!("(core module (memory 1000) (data (i32.const 0) \"{}\"))", "x".repeat(60 << 20));
    let data = bombs::with_text(&data);
    let huge = Attack::new(
        "60 MiB of data",
        "begins with its memory full",
        &["201", "200", "compile_memory"],
    );
    arena.attack(&huge.within_s(60).grows_mib(400).keeps_mib(256), |client| put(client, data));
    arena.end();
}

#[test]
fn components_that_take_for_ever_to_compile() {
    let folder = tempfile::tempdir().unwrap();
    let options = tight()
        .data(&folder.path().join("data"))
        .env("WAYSTATION_LIMITS_COMPILE_S", "5")
        .env("WAYSTATION_LIMITS_COMPILE_MEMORY_MIB", "512");
    let mut arena = Arena::new("uploads", options);
    let endings = &["compile_timeout", "compile_memory"];
    for (name, tries, bomb) in [
        (
            "64 MiB of functions",
            "has the compiler work on 340 000 functions",
            bombs::with_functions(340_000, &bombs::arithmetic(24)),
        ),
        (
            "one function of 7 MB",
            "has the compiler work on one function that is as large as can be",
            bombs::with_functions(1, &bombs::arithmetic(900_000)),
        ),
    ] {
        // The server holds the bytes of the upload; the compiler's memory is not its own.
        let attack = Attack::new(name, tries, endings).within_s(30).grows_mib(320).keeps_mib(256);
        arena.attack(&attack, |client| put(client, bomb));
    }
    arena.end();
}

#[test]
fn a_storm_of_uploads() {
    let folder = tempfile::tempdir().unwrap();
    let mut arena = arena(&folder);
    let attack = Attack::new(
        "40 uploads at once",
        "has the compiler busy with 40 components at once",
        &["no fault"],
    );
    arena.attack(&attack.within_s(60).keeps_mib(96), |client| {
        let upload = |n: usize| {
            let component =
                waystation_wat::guest(&format!("(drop (i32.const {n})) (call $return {{1}})"));
            // Few may wait; the others are told to come again, and do.
            wait::until("the storm is over", || {
                let answer = client.put_component(&format!("storm-{n}"), component.clone());
                (answer.status != 503).then(|| Got::answer(&answer))
            })
        };
        std::thread::scope(|scope| {
            let uploads: Vec<_> = (0..40).map(|n| scope.spawn(move || upload(n))).collect();
            no_fault(uploads.into_iter().map(|upload| upload.join().unwrap()))
        })
    });
    arena.end();
}
