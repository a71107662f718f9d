//! Sets up what is missing, then does it: `cargo xtask COMMAND`.
//!
//! # Layout
//!
//! - one module a command: `demo`, `test`, `torture` (and `crowd`), `hostile`, `fuzz`, `check`, `languages`,
//!   `toolchain`
//! - `guests.rs`: components from the sources in `examples/` and `tests/guests/`
//! - `program.rs`: running programs; `terminal.rs`: telling people what happens

mod check;
mod demo;
mod fuzz;
mod guests;
mod hostile;
mod languages;
mod program;
mod terminal;
mod test;
mod toolchain;
mod torture;

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;

const USAGE: &str = "\
usage: cargo xtask COMMAND

Each command sets up what is missing first, in target/, and says so.

commands:
  demo         build everything, run the example approve-by-mail from upload to the end
  test         build the guests, check what the workspace depends on, run all tests
  torture      kill, race, cut off from power and otherwise mistreat a server under load, and
               check that nothing acknowledged is lost and nothing recorded repeated;
               [--seconds N] [--seed S] [--mode kill|race|clock|power|disk]
  hostile      attack a server with hostile guests and callers, beside an innocent one; the table
               of what came of it is in target/hostile.md, too
  crowd        measure a server with many suspended executions: its start, memory and disk;
               [--executions N] (100000)
  fuzz         give the readers of what strangers send, and the sandbox, inputs that lead where no
               test has been; [TARGET] [--seconds N]
  check        formatting, lints, docs, licences, advisories, and what the docs promise
  languages    measure the languages of steps, write the tables of docs/languages.md
  toolchain    set up what the guests' languages and the tests need, and nothing else";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let root = root();
    let done = match arguments.as_slice() {
        ["demo"] => demo::run(&root),
        ["test"] => test::run(&root),
        ["torture", rest @ ..] => return torture(&root, rest),
        ["hostile"] => hostile::run(&root),
        ["crowd"] => return ended(torture::crowd(&root, "100000")),
        ["fuzz", rest @ ..] => return fuzz(&root, rest),
        // How many that may be, the program says itself.
        ["crowd", "--executions", count] => return ended(torture::crowd(&root, count)),
        ["check"] => check::run(&root),
        ["languages"] => languages::run(&root),
        ["toolchain"] => set_up(&root),
        ["help" | "--help" | "-h"] => {
            terminal::line(USAGE);
            Ok(())
        }
        _ => {
            terminal::note(USAGE);
            return ExitCode::from(2);
        }
    };
    ended(done.map(|()| ExitCode::SUCCESS))
}

fn torture(root: &Path, arguments: &[&str]) -> ExitCode {
    match torture::Wish::parse(arguments) {
        Some(wish) => ended(torture::run(root, &wish)),
        None => {
            terminal::note(torture::USAGE);
            ExitCode::from(2)
        }
    }
}

fn fuzz(root: &Path, arguments: &[&str]) -> ExitCode {
    match fuzz::Wish::parse(arguments) {
        Some(wish) => ended(fuzz::run(root, &wish)),
        None => {
            terminal::note(fuzz::USAGE);
            ExitCode::from(2)
        }
    }
}

fn ended(done: Result<ExitCode>) -> ExitCode {
    done.unwrap_or_else(|error| {
        terminal::note(&format!("error: {error:#}"));
        ExitCode::FAILURE
    })
}

fn set_up(root: &Path) -> Result<()> {
    if !toolchain::all(root)? {
        terminal::note("nothing is left to set up");
    }
    Ok(())
}

/// The repository's folder.
fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_path_buf()
}
