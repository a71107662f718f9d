//! The corpus of every target, and a short pass of mutations of it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use waystation_fuzz::mutate::INPUT_BYTES_MAX;
use waystation_fuzz::{TARGETS, Target};

/// No input takes longer, also on a busy machine.
const INPUT_TIME_MAX: Duration = Duration::from_secs(20);

/// Panics on threads of the host, which it survives and we must not.
static PANICS: AtomicUsize = AtomicUsize::new(0);

fn count_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            PANICS.fetch_add(1, Ordering::SeqCst);
            before(panic);
        }));
    });
}

fn target(name: &str) -> &'static Target {
    TARGETS.iter().find(|target| target.name == name).unwrap()
}

fn corpus_folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name)
}

/// The files of a target's corpus, by name.
fn corpus(name: &str) -> Vec<(String, Vec<u8>)> {
    let folder = corpus_folder(name);
    let files = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut inputs: Vec<(String, Vec<u8>)> = files
        .map(|file| file.unwrap())
        .map(|file| (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap()))
        .collect();
    inputs.sort();
    inputs
}

/// Gives one input to a target. What breaks it is kept in `target/fuzz/failures/`.
#[track_caller]
fn holds(target: &Target, input: &[u8], what: &str) {
    let (panics, started) = (PANICS.load(Ordering::SeqCst), Instant::now());
    let ran = panic::catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    let took = started.elapsed();
    if ran.is_ok() && PANICS.load(Ordering::SeqCst) == panics && took < INPUT_TIME_MAX {
        return;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/fuzz/failures");
    fs::create_dir_all(&folder).unwrap();
    let kept = folder.join(format!("{}-{:08x}", target.name, hash(input)));
    fs::write(&kept, input).unwrap();
    panic!("{}: {what} breaks it, after {took:?}; kept as {}", target.name, kept.display());
}

fn hash(input: &[u8]) -> u32 {
    input.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(16_777_619))
}

/// The corpus, and mutations of it: always the same ones.
#[track_caller]
fn short_pass(name: &str) {
    count_panics();
    let target = target(name);
    let corpus = corpus(name);
    for (file, input) in &corpus {
        holds(target, input, &format!("corpus/{name}/{file}"));
    }
    let mut rng = fastrand::Rng::with_seed(7);
    for pass in 0..target.short_pass {
        let (file, input) = rng.choice(&corpus).unwrap();
        let mutated = (target.mutate)(&mut rng, input);
        holds(target, &mutated, &format!("mutation {pass}, of {file},"));
    }
}

#[test]
fn only_the_genuine_spelling_of_a_token_is_a_link() {
    short_pass("link_token");
}

#[test]
fn workflow_files_come_back_the_same_or_are_refused_in_a_line() {
    short_pass("workflow_file");
}

#[test]
fn templates_end_soon_with_a_value_that_is_not_too_large() {
    short_pass("template");
}

#[test]
fn requests_become_the_object_that_is_promised() {
    short_pass("http_event");
}

#[test]
fn backups_are_refused_in_a_line_or_restored_to_a_store_that_answers() {
    short_pass("backup");
}

#[test]
fn patterns_lead_to_the_hosts_that_they_name() {
    short_pass("outbound");
}

#[test]
fn uploads_are_refused_or_run_within_their_limits() {
    short_pass("upload");
}

#[test]
fn guests_that_call_the_host_with_anything_harm_themselves_alone() {
    short_pass("host_calls");
}

#[test]
fn every_target_has_a_corpus_of_small_files_and_a_program() {
    for target in TARGETS {
        let corpus = corpus(target.name);
        assert!(corpus.len() >= 5, "{}: {} files", target.name, corpus.len());
        for (file, input) in corpus {
            assert!(input.len() < INPUT_BYTES_MAX, "{}/{file}: {} bytes", target.name, input.len());
        }
        let program = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fuzz_targets")
            .join(target.name)
            .with_extension("rs");
        assert!(program.is_file(), "{}", program.display());
    }
}

/// What the numbers of operations in programs are follows from the WIT: when that changes, so do
/// the programs.
#[test]
fn what_is_made_from_sources_is_in_the_corpus_as_it_is_made() {
    let write = std::env::var_os("WAYSTATION_FUZZ_WRITE").is_some();
    for (target, name, made) in TARGETS.iter().flat_map(|target| {
        (target.made)().into_iter().map(move |(name, made)| (target.name, name, made))
    }) {
        let file = corpus_folder(target).join(name);
        if write {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, &made).unwrap();
        }
        assert!(
            fs::read(&file).unwrap_or_default() == made,
            "{} is out of date: run this test with WAYSTATION_FUZZ_WRITE=1",
            file.display()
        );
    }
}
