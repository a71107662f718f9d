//! pip: running it, and what its refusals mean.
//!
//! pip explains itself in a screen of text. The cases that happen are told in a sentence here;
//! any other is shown as pip said it.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::{BuildError, tool};

/// What pip says, in whatever words around it, when it can't reach its index.
const UNREACHABLE: [&str; 8] = [
    "Failed to establish a new connection",
    "NameResolutionError",
    "NewConnectionError",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "ProxyError",
    "Connection refused",
    "Network is unreachable",
];

/// `pip install` by this Python.
pub(super) fn install(python: &Path) -> Command {
    let mut pip = plain(python);
    // Two more tries: who is off-line should not wait for five. Not `--quiet`: it would hide
    // what a conflict is about.
    pip.args(["install", "--retries", "2", "--no-compile"]);
    pip
}

/// pip without questions and colours.
fn plain(python: &Path) -> Command {
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "--no-input", "--disable-pip-version-check", "--no-color"])
        .env_remove("PYTHONPATH")
        .env_remove("PYTHONHOME");
    pip
}

/// Runs an [`install`].
pub(super) fn run(pip: &mut Command) -> Result<(), BuildError> {
    let output = tool::output("pip", pip)?;
    if output.status.success() {
        return Ok(());
    }
    let said = tool::said(&output);
    let python = Path::new(pip.get_program()).to_path_buf();
    Err(match reason(&said) {
        Some(Reason::Told(sentence)) => BuildError::Step(sentence),
        Some(Reason::NoWheel { name, wanted_by }) => {
            BuildError::Step(no_wheel(&name, wanted_by.as_deref(), &versions(&python, &name)))
        }
        None => tool::failed("pip", &said),
    })
}

/// The sentence for a package index that can't be reached, if that is what pip said.
pub(super) fn unreachable(said: &str) -> Option<&'static str> {
    UNREACHABLE.iter().any(|words| said.contains(words)).then_some(
        "pip can't reach the package index: check the network (or PIP_INDEX_URL, PIP_PROXY), and \
         build again; what was fetched once is kept",
    )
}

/// Why pip gave up.
#[derive(Debug, PartialEq, Eq)]
enum Reason {
    /// In a sentence.
    Told(String),
    /// Nothing that could be installed was found for `name`; the index knows why.
    NoWheel { name: String, wanted_by: Option<String> },
}

fn reason(said: &str) -> Option<Reason> {
    if let Some(sentence) = unreachable(said) {
        return Some(Reason::Told(sentence.into()));
    }
    if said.contains("DO NOT MATCH THE HASHES") {
        let name = said.lines().find_map(|line| line.trim().split_once(" from http"));
        let name = name.map_or("a package", |(name, _)| name);
        return Some(Reason::Told(format!(
            "requirements.txt: the hash of {name} is not that of the file in the index: \
             someone changed the one or the other"
        )));
    }
    if said.contains("Hashes are required in --require-hashes mode") {
        return Some(Reason::Told(
            "requirements.txt: some requirements have hashes, so all need one, also what they \
             depend on and what comes without asking (requests, tzdata): let `pip-compile \
             --generate-hashes` or `uv pip compile --generate-hashes` write it"
                .into(),
        ));
    }
    if said.contains("because these package versions have conflicting dependencies") {
        return conflict(said);
    }
    if let Some(line) = error_line(said, "Invalid requirement: ") {
        let what = line.split("Invalid requirement: ").nth(1).unwrap_or(line);
        return Some(Reason::Told(format!("requirements.txt: pip does not understand {what}")));
    }
    not_found(error_line(said, "Could not find a version that satisfies the requirement ")?)
}

/// From the lines `NAME VERSION depends on REQUIREMENT` under "The conflict is caused by".
fn conflict(said: &str) -> Option<Reason> {
    let causes: Vec<_> = said
        .lines()
        .skip_while(|line| !line.starts_with("The conflict is caused by"))
        .skip(1)
        .take_while(|line| !line.trim().is_empty())
        .map(str::trim)
        .collect();
    let wants: BTreeSet<_> = causes
        .iter()
        .filter_map(|line| line.split_once(" depends on "))
        .map(|(by, wanted)| (by.split(' ').next().unwrap_or(by), super::requirements::name(wanted)))
        .collect();
    match wants.iter().collect::<Vec<_>>().as_slice() {
        // One wants one other, and no version of the other will do.
        [(by, name)] if causes.iter().all(|line| line.contains(" depends on ")) => {
            Some(Reason::NoWheel { name: (*name).into(), wanted_by: Some((*by).into()) })
        }
        [] => None,
        _ => Some(Reason::Told(format!(
            "requirements.txt: these do not go together: {}",
            causes.join("; ")
        ))),
    }
}

/// From `Could not find a version that satisfies the requirement NAME… (from OTHER) (from
/// versions: …)`.
fn not_found(line: &str) -> Option<Reason> {
    let (_, rest) = line.split_once("satisfies the requirement ")?;
    let (requirement, versions) = rest.rsplit_once(" (from versions: ")?;
    let (requirement, wanted_by) = match requirement.split_once(" (from ") {
        Some((requirement, by)) => (requirement, by.split([' ', '-', '>', ')']).next()),
        None => (requirement, None),
    };
    // `-r requirements.txt` stands there as well.
    let wanted_by = wanted_by.filter(|by| !by.is_empty()).map(Into::into);
    let name = super::requirements::name(requirement.trim()).to_owned();
    let versions = versions.trim_end_matches(')');
    if versions == "none" {
        return Some(Reason::NoWheel { name, wanted_by });
    }
    let newest = versions.rsplit(", ").next().unwrap_or(versions);
    Some(Reason::Told(format!(
        "requirements.txt: no version of {name} fits `{}`; the newest that a step can use is \
         {newest}",
        requirement.trim()
    )))
}

/// The versions of a distribution that the index has for some platform; empty when it has none.
fn versions(python: &Path, name: &str) -> String {
    let output = tool::output("pip", plain(python).args(["index", "versions", name]));
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}

fn no_wheel(name: &str, wanted_by: Option<&str>, versions: &str) -> String {
    let wanted = wanted_by.map_or_else(String::new, |by| format!(", which {by} needs,"));
    if versions.contains("Available versions") {
        format!(
            "requirements.txt: {name}{wanted} comes only compiled for a machine, or as source: a \
             step takes pure Python wheels (py3-none-any), since it runs as WebAssembly"
        )
    } else {
        format!("requirements.txt: the package index has no {name}{wanted}: is it spelled right?")
            .replace(",:", ":")
    }
}

/// The text of pip's `ERROR:` line that has `words`.
fn error_line<'a>(said: &'a str, words: &str) -> Option<&'a str> {
    let line = said.lines().find(|line| line.contains(words))?;
    Some(line.trim_start_matches("ERROR: ").trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(said: &str) -> String {
        match reason(said) {
            Some(Reason::Told(sentence)) => sentence,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_network_that_is_away_is_told_from_a_package_that_is_not_there() {
        let said = "WARNING: Retrying (Retry(total=1)) after connection broken by \
                    'NewConnectionError('<…>: Failed to establish a new connection: [Errno 111] \
                    Connection refused')': /simple/six/\n\
                    ERROR: Could not find a version that satisfies the requirement six (from \
                    versions: none)";
        assert!(told(said).contains("can't reach the package index"), "{}", told(said));
    }

    #[test]
    fn a_package_without_a_wheel_that_fits_is_named_with_who_needs_it() {
        let said = "ERROR: Could not find a version that satisfies the requirement \
                    pydantic-core==2.41.5 (from pydantic) (from versions: none)\n\
                    ERROR: No matching distribution found for pydantic-core==2.41.5";
        let expected =
            Reason::NoWheel { name: "pydantic-core".into(), wanted_by: Some("pydantic".into()) };
        assert_eq!(reason(said), Some(expected));
        let sentence = no_wheel("pydantic-core", Some("pydantic"), "Available versions: 2, 1");
        assert!(sentence.starts_with(
            "requirements.txt: pydantic-core, which pydantic needs, comes only compiled"
        ));
        let sentence = no_wheel("reqests", None, "");
        assert!(sentence.contains("has no reqests: is it spelled"), "{sentence}");
    }

    #[test]
    fn the_lists_own_name_is_nobody_who_needs_it() {
        let said = "ERROR: Could not find a version that satisfies the requirement numpy (from \
                    -r /tmp/requirements.txt (line 1)) (from versions: none)";
        let expected = Reason::NoWheel { name: "numpy".into(), wanted_by: None };
        assert_eq!(reason(said), Some(expected));
    }

    #[test]
    fn other_refusals_are_sentences_too() {
        let said = "ERROR: Could not find a version that satisfies the requirement six==99 \
                    (from versions: 1.0, 1.17.0)";
        assert!(told(said).contains("no version of six fits `six==99`"), "{}", told(said));
        assert!(told(said).ends_with("is 1.17.0"));
        let said = "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.\n    \
                    six==1.17.0 from https://example.org/six.whl (from -r x):\n";
        assert!(told(said).contains("the hash of six==1.17.0"), "{}", told(said));
        let said = "ERROR: Hashes are required in --require-hashes mode, but they are missing";
        assert!(told(said).contains("all need one"));
        assert_eq!(reason("ERROR: out of disk"), None);
    }

    #[test]
    fn a_conflict_names_who_wants_what() {
        let said = |causes: &str| {
            format!(
                "\nThe conflict is caused by:\n{causes}\nTo fix this you could try to\n\nERROR: \
                 Cannot install a because these package versions have conflicting dependencies.\n"
            )
        };
        let two = said("    a 1 depends on c==1\n    b 2 depends on c==2\n");
        assert!(told(&two).ends_with("a 1 depends on c==1; b 2 depends on c==2"));
        let asked = said("    The user requested c==2\n    a 1 depends on c==1\n");
        assert!(told(&asked).contains("The user requested c==2; a 1"));
        let one = said(
            "    jinja2 3.1 depends on MarkupSafe>=2.0\n    jinja2 3 depends on MarkupSafe>=2.0\n",
        );
        let expected =
            Reason::NoWheel { name: "MarkupSafe".into(), wanted_by: Some("jinja2".into()) };
        assert_eq!(reason(&one), Some(expected));
    }
}
