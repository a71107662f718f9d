//! Every error code is documented, and every documented one exists.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

/// Where the codes of HTTP are made, and what follows on one there: its status.
const HTTP: (&str, &str) = ("host/http/src/problem.rs", "\", S::");
/// Where the check of components has its own, and what precedes one there.
const COMPONENTS: (&str, &str) = ("host/sandbox/src/invalid.rs", " => \"");
/// Over HTTP this one is `component_too_large`.
const INSIDE: &str = "too_large";

const DOCUMENT: &str = "docs/api.md";
const HEADING: &str = "## Error codes";

pub(super) fn check(root: &Path) -> Result<()> {
    let read = |path: &str| fs::read_to_string(root.join(path)).context(path.to_owned());
    let (http, components) = (read(HTTP.0)?, read(COMPONENTS.0)?);
    let made: BTreeSet<&str> =
        before(&http, HTTP.1).chain(after(&components, COMPONENTS.1)).collect();
    ensure!(made.len() > 20, "the codes were not found in {} and {}", HTTP.0, COMPONENTS.0);
    let document = read(DOCUMENT)?;
    let documented: BTreeSet<&str> = documented(&document).collect();
    let missing: Vec<&str> =
        made.difference(&documented).copied().filter(|code| *code != INSIDE).collect();
    ensure!(missing.is_empty(), "not in {DOCUMENT}: {}", missing.join(", "));
    let unknown: Vec<&str> = documented.difference(&made).copied().collect();
    ensure!(unknown.is_empty(), "only in {DOCUMENT}: {}", unknown.join(", "));
    Ok(())
}

/// The words between a quotation mark and `mark`.
fn before<'a>(text: &'a str, mark: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines().filter_map(move |line| line.split_once(mark)?.0.rsplit('"').next())
}

/// The words between `mark` and a quotation mark.
fn after<'a>(text: &'a str, mark: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines().filter_map(move |line| line.split_once(mark)?.1.split('"').next())
}

/// The first words of the rows under the heading, in backticks.
fn documented(document: &str) -> impl Iterator<Item = &str> {
    let section = document.lines().skip_while(|line| *line != HEADING).skip(1);
    let section = section.take_while(|line| !line.starts_with("## "));
    section.filter_map(|line| line.strip_prefix("| `")?.split('`').next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_found_where_they_stand() {
        let rust = "Code::NotFound => (\"not_found\", S::NOT_FOUND, \"Nothing\"),\n // other";
        assert_eq!(before(rust, HTTP.1).collect::<Vec<_>>(), ["not_found"]);
        let rust = "InvalidComponent::CoreModule => \"core_module\",";
        assert_eq!(after(rust, COMPONENTS.1).collect::<Vec<_>>(), ["core_module"]);
        let text = "| `a` |\n## Error codes\n| code |\n|---|\n| `b` | 404 |\n## More\n| `c` |";
        assert_eq!(documented(text).collect::<Vec<_>>(), ["b"]);
    }
}
