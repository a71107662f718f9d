//! The tables in `docs/languages.md`, between marks.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use waystation_build::Language;

use super::measure::Measured;

pub(super) const PATH: &str = "docs/languages.md";
/// Where the conformance test leaves a column for each language.
const COLUMNS: &str = "target/conformance";

/// Writes both tables.
pub(super) fn write(root: &Path, measured: &[Measured]) -> Result<()> {
    let path = root.join(PATH);
    let text = fs::read_to_string(&path).with_context(|| PATH.to_owned())?;
    let text = between(&text, "costs", &costs(measured))?;
    let text = between(&text, "conformance", &conformance(root)?)?;
    fs::write(&path, text).with_context(|| PATH.to_owned())
}

/// `text` with `table` between the marks called `name`.
fn between(text: &str, name: &str, table: &str) -> Result<String> {
    let (start, end) = (format!("<!-- {name}: made by"), format!("<!-- end of {name} -->"));
    let (before, rest) = text.split_once(&start).with_context(|| format!("no mark {start}"))?;
    let (mark, rest) = rest.split_once('\n').with_context(|| format!("no line after {start}"))?;
    let (_, after) = rest.split_once(&end).with_context(|| format!("no mark {end}"))?;
    Ok(format!("{before}{start}{mark}\n\n{table}\n{end}{after}"))
}

fn costs(measured: &[Measured]) -> String {
    let mut table = String::from(
        "| language | component | first build | build | upload | first run | warm run | built twice |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for one in measured {
        let twice = if one.reproducible { "the same bytes" } else { "other bytes" };
        let _ = writeln!(
            table,
            "| {} | {} | {} | {} | {} | {} | {} | {twice} |",
            one.language,
            size(one.bytes),
            time(one.first_build),
            time(one.build),
            time(one.upload),
            time(one.first_run),
            time(one.warm_run),
        );
    }
    table
}

/// All programs by all languages. A language without results has cells that say so.
fn conformance(root: &Path) -> Result<String> {
    let mut columns = Vec::new();
    for language in Language::ALL {
        let file = root.join(COLUMNS).join(language.word()).with_extension("txt");
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let cells = text.lines().filter_map(|line| line.split_once('\t'));
        columns.push(cells.map(|(name, cell)| (name.to_owned(), cell.to_owned())).collect());
    }
    Ok(rows(&columns))
}

fn rows(columns: &[Vec<(String, String)>]) -> String {
    let heads = Language::ALL.map(Language::name).join(" | ");
    let mut table = format!("| program | {heads} |\n|---|{}\n", "---|".repeat(Language::ALL.len()));
    for (program, _) in columns.first().into_iter().flatten() {
        let cells: Vec<&str> = columns
            .iter()
            .map(|column| {
                let cell = column.iter().find(|(name, _)| name == program);
                cell.map_or("not run", |(_, cell)| cell.as_str())
            })
            .collect();
        let _ = writeln!(table, "| `{program}` | {} |", cells.join(" | "));
    }
    table
}

fn size(bytes: usize) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes / 1000),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
    }
}

fn time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds >= 0.1 {
        format!("{seconds:.1} s")
    } else if seconds >= 0.001 {
        format!("{:.1} ms", seconds * 1e3)
    } else {
        format!("{:.0} µs", seconds * 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_goes_between_its_marks() {
        let text = "a\n<!-- costs: made by x -->\nold\n<!-- end of costs -->\nb\n";
        let made = between(text, "costs", "| t |\n").unwrap();
        assert_eq!(made, "a\n<!-- costs: made by x -->\n\n| t |\n\n<!-- end of costs -->\nb\n");
        assert_eq!(between(&made, "costs", "| t |\n").unwrap(), made);
        assert!(between(text, "other", "").is_err());
    }

    #[test]
    fn a_cell_without_a_result_says_so() {
        let column = |cells: &[(&str, &str)]| -> Vec<(String, String)> {
            cells.iter().map(|(name, cell)| ((*name).into(), (*cell).into())).collect()
        };
        let mut columns = vec![column(&[("exit", "ok"), ("get", "failed")])];
        columns.push(column(&[("exit", "ok")]));
        let table = rows(&columns);
        assert!(table.ends_with("| `exit` | ok | ok |\n| `get` | failed | not run |\n"), "{table}");
    }

    #[test]
    fn figures_have_the_unit_that_fits() {
        assert_eq!((size(119_877), size(18_640_000)), ("119 kB".into(), "18.6 MB".into()));
        let times = [12_340_000, 1_840, 76].map(|us| time(Duration::from_micros(us)));
        assert_eq!(times, ["12.3 s", "1.8 ms", "76 µs"]);
    }
}
