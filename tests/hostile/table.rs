//! All attacks that were made, as a table in `target/hostile.md`.

use std::fmt::Write as _;
use std::fs;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use waystation_tests::guests;

use crate::attack::Got;

/// One attack.
pub(crate) struct Row {
    pub(crate) subject: &'static str,
    pub(crate) attack: String,
    pub(crate) tries: String,
    pub(crate) got: Got,
    pub(crate) took: Duration,
    /// Before, at the most, after.
    pub(crate) memory_kib: [u64; 3],
    /// Alone; the slowest beside the attack.
    pub(crate) neighbour: [Duration; 2],
}

static ROWS: Mutex<Vec<Row>> = Mutex::new(Vec::new());

const HEAD: &str = "\
| subject | attack | what it tries | what it got | after | server's memory before → peak → after, MiB | neighbour alone → beside, ms |
|---|---|---|---|---|---|---|
";

/// Adds a row, and writes the file anew: it is there also when a test fails.
pub(crate) fn add(row: Row) {
    let mut rows = ROWS.lock().unwrap_or_else(PoisonError::into_inner);
    rows.push(row);
    rows.sort_by_key(|row| row.subject);
    let mut table = HEAD.to_owned();
    rows.iter().for_each(|row| row.write(&mut table));
    fs::write(guests::repository().join("target/hostile.md"), table).expect("the table is written");
}

impl Row {
    fn write(&self, table: &mut String) {
        let [before, peak, after] = self.memory_kib.map(|kib| kib / 1024);
        let [alone, beside] = self.neighbour.map(|time| time.as_millis());
        let message = first_words(&self.got.message);
        let got = if message.is_empty() {
            self.got.ending.clone()
        } else {
            format!("`{}`: {message}", self.got.ending)
        };
        writeln!(
            table,
            "| {} | {} | {} | {got} | {:.1} s | {before} → {peak} → {after} | {alone} → {beside} |",
            self.subject,
            self.attack,
            plain(&self.tries),
            self.took.as_secs_f64(),
        )
        .expect("a string takes everything");
    }
}

fn first_words(message: &str) -> String {
    let mut words: String = plain(message).chars().take(70).collect();
    if words.len() < message.len() {
        words.push('…');
    }
    words
}

/// One line without what would end a cell.
fn plain(text: &str) -> String {
    text.replace(|c: char| c.is_control() || c == '|', " ")
}
