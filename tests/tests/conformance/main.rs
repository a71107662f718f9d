//! The conformance programs of `tests/conformance/README.md`: every one in every language, through the real host,
//! with the same outcome.
//!
//! A language's test runs all programs, also when one fails, and leaves its column of the table in
//! `target/conformance/`, where `cargo xtask languages` reads it.
#![expect(clippy::unwrap_used, reason = "a helper that finds nothing there has failed")]

mod case;
mod programs;

use std::any::Any;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};

use case::Case;
use waystation_tests::{ServerOptions, guests};

/// The folders of `tests/conformance/`.
const LANGUAGES: [&str; 6] = ["c", "go", "javascript", "python", "rust", "typescript"];

#[test]
fn c() {
    every_program_in("c");
}

#[test]
fn go() {
    every_program_in("go");
}

#[test]
fn javascript() {
    every_program_in("javascript");
}

#[test]
fn python() {
    every_program_in("python");
}

#[test]
fn rust() {
    every_program_in("rust");
}

#[test]
fn typescript() {
    every_program_in("typescript");
}

#[test]
fn the_table_has_every_language_and_every_program() {
    let home = guests::repository().join("tests/conformance");
    let entries = fs::read_dir(&home).unwrap().flatten().filter(|entry| entry.path().is_dir());
    let mut languages: Vec<_> =
        entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    languages.sort();
    assert_eq!(languages, LANGUAGES);
    let text = fs::read_to_string(home.join("README.md")).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let named: Vec<_> = programs::ALL.iter().map(|(name, _)| *name).collect();
    assert_eq!(rows.collect::<Vec<_>>(), named);
}

fn every_program_in(language: &str) {
    let server = ServerOptions::new().env("WAYSTATION_EMAIL_FROM", "host@example.org").start();
    let case = Case::new(&server, language);
    let results: Vec<_> = programs::ALL
        .iter()
        .map(|(name, program)| {
            let result = catch_unwind(AssertUnwindSafe(|| program(&case, name)));
            (*name, result.err().map(|panic| message(panic.as_ref())))
        })
        .collect();
    leave(language, &results);
    let failed: Vec<_> = results
        .iter()
        .filter_map(|(name, failure)| Some(format!("{name}: {}", failure.as_deref()?)))
        .collect();
    assert!(failed.is_empty(), "{language}:\n{}", failed.join("\n"));
}

/// A column of the table: a line a program.
fn leave(language: &str, results: &[(&str, Option<String>)]) {
    let folder = guests::repository().join("target/conformance");
    fs::create_dir_all(&folder).unwrap();
    let lines = results.iter().map(|(name, failure)| {
        format!("{name}\t{}\n", if failure.is_none() { "ok" } else { "failed" })
    });
    fs::write(folder.join(format!("{language}.txt")), lines.collect::<String>()).unwrap();
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "a panic without a message".to_owned())
}
