//! Which modules a Python source names in its imports, as far as the text tells.
//!
//! Lines are enough: the step is parsed for real by the Python inside the component, which may
//! be newer than the machine's. A line in a docstring that looks like an import does no harm.

use std::collections::BTreeSet;

/// The first parts of the names of all absolute imports: `a` for `import a.b` and
/// `from a.b import c`, wherever they stand.
pub(super) fn top_level(source: &str) -> BTreeSet<String> {
    source
        .lines()
        .flat_map(|line| line.split(';'))
        .map(str::trim_start)
        .flat_map(|statement| {
            if let Some(names) = statement.strip_prefix("import ") {
                names.split(',').map(first_part).collect()
            } else if let Some(names) = statement.strip_prefix("from ") {
                vec![first_part(names)]
            } else {
                Vec::new()
            }
        })
        .filter(|name| !name.is_empty())
        .map(Into::into)
        .collect()
}

fn first_part(name: &str) -> &str {
    let name = name.trim_start();
    name.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_found_wherever_they_stand() {
        let source = "import requests, os.path as p\n\
                      def handler(pd):\n    from zoneinfo import ZoneInfo; import json\n\
                      from . import beside\nimportant = 1\nfrom a.b import (\n    c)\n";
        let found: Vec<_> = top_level(source).into_iter().collect();
        assert_eq!(found, ["a", "json", "os", "requests", "zoneinfo"]);
    }
}
