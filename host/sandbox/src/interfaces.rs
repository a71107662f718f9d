//! What the host offers to import, and what each of it lets a component do.

/// One interface of the host.
pub(crate) struct Offered {
    /// Its package.
    package: &'static str,
    /// Its name.
    name: &'static str,
    /// All versions that begin so are taken.
    version: &'static str,
    /// What a component that imports it can do.
    ability: &'static str,
}

impl Offered {
    const fn step(name: &'static str, ability: &'static str) -> Offered {
        Offered { package: "waystation:step", name, version: "0.1", ability }
    }

    const fn wasi(package: &'static str, name: &'static str, ability: &'static str) -> Offered {
        Offered { package, name, version: "0.2", ability }
    }

    /// Is this the interface that `import` names? Versions of one series replace each other.
    fn is(&self, import: &str) -> bool {
        let Some((path, version)) = import.split_once('@') else { return false };
        let in_series = version
            .strip_prefix(self.version)
            .and_then(|rest| rest.strip_prefix('.'))
            .is_some_and(|patch| !patch.is_empty() && patch.bytes().all(|b| b.is_ascii_digit()));
        in_series && path.split_once('/') == Some((self.package, self.name))
    }
}

const FLOW: &str = "can pause, repeat or end the workflow";
const DATA: &str = "exchanges JSON with the host";
const ENVIRONMENT: &str =
    "reads environment variables, which are the settings and secrets that the step's allow lists";
const EXIT: &str = "can end its run with an exit code";
const STDIN: &str = "reads the standard input, which is empty";
const STDOUT: &str = "writes to its log";
const TERMINAL: &str = "asks for a terminal, which is not there";
const CLOCKS: &str = "reads the clock and waits";
const RANDOM: &str = "takes random numbers";
const STREAMS: &str = "reads and writes streams that the host hands it";
const FILES: &str = "imports the file system, which is empty here";
const SOCKETS: &str = "imports sockets, which connect to nothing here";
const HTTP: &str = "can call out over HTTP, where the step's allow.http lets it";

/// Everything a component may import.
pub(crate) const OFFERED: &[Offered] = &[
    Offered::step("types", DATA),
    Offered::step("flow", FLOW),
    Offered::step(
        "context",
        "reads what the host knows of its execution, with all earlier exports",
    ),
    Offered::step("exports", "exports named values"),
    Offered::step("http-response", "can answer the HTTP request that triggered the workflow"),
    Offered::step("send", "can send mail, where the step's allow.email lets it"),
    Offered::wasi("wasi:cli", "environment", ENVIRONMENT),
    Offered::wasi("wasi:cli", "exit", EXIT),
    Offered::wasi("wasi:cli", "stdin", STDIN),
    Offered::wasi("wasi:cli", "stdout", STDOUT),
    Offered::wasi("wasi:cli", "stderr", STDOUT),
    Offered::wasi("wasi:cli", "terminal-input", TERMINAL),
    Offered::wasi("wasi:cli", "terminal-output", TERMINAL),
    Offered::wasi("wasi:cli", "terminal-stdin", TERMINAL),
    Offered::wasi("wasi:cli", "terminal-stdout", TERMINAL),
    Offered::wasi("wasi:cli", "terminal-stderr", TERMINAL),
    Offered::wasi("wasi:clocks", "monotonic-clock", CLOCKS),
    Offered::wasi("wasi:clocks", "wall-clock", CLOCKS),
    Offered::wasi("wasi:filesystem", "preopens", FILES),
    Offered::wasi("wasi:filesystem", "types", FILES),
    Offered::wasi("wasi:http", "outgoing-handler", HTTP),
    Offered::wasi("wasi:http", "types", HTTP),
    Offered::wasi("wasi:io", "error", STREAMS),
    Offered::wasi("wasi:io", "poll", STREAMS),
    Offered::wasi("wasi:io", "streams", STREAMS),
    Offered::wasi("wasi:random", "insecure", RANDOM),
    Offered::wasi("wasi:random", "insecure-seed", RANDOM),
    Offered::wasi("wasi:random", "random", RANDOM),
    Offered::wasi("wasi:sockets", "instance-network", SOCKETS),
    Offered::wasi("wasi:sockets", "ip-name-lookup", SOCKETS),
    Offered::wasi("wasi:sockets", "network", SOCKETS),
    Offered::wasi("wasi:sockets", "tcp", SOCKETS),
    Offered::wasi("wasi:sockets", "tcp-create-socket", SOCKETS),
    Offered::wasi("wasi:sockets", "udp", SOCKETS),
    Offered::wasi("wasi:sockets", "udp-create-socket", SOCKETS),
];

/// Does the host offer `import`?
pub(crate) fn is_offered(import: &str) -> bool {
    OFFERED.iter().any(|offered| offered.is(import))
}

/// The packages on offer, for people.
pub(crate) fn offer() -> String {
    let mut packages: Vec<String> = OFFERED
        .iter()
        .map(|offered| format!("{}@{}.x", offered.package, offered.version))
        .collect();
    packages.dedup();
    packages.join(", ")
}

/// What a component with these imports can do: a sentence for each sort of thing, with the
/// interfaces it comes from.
pub(crate) fn abilities(imports: &[String]) -> Vec<String> {
    let mut abilities: Vec<(&str, Vec<String>)> = Vec::new();
    for offered in OFFERED {
        if !imports.iter().any(|import| offered.is(import)) {
            continue;
        }
        let interface = format!("{}/{}", offered.package, offered.name);
        match abilities.iter_mut().find(|(ability, _)| *ability == offered.ability) {
            Some((_, interfaces)) => interfaces.push(interface),
            None => abilities.push((offered.ability, vec![interface])),
        }
    }
    let sentence = |(ability, interfaces): (&str, Vec<String>)| {
        format!("{ability} ({})", interfaces.join(", "))
    };
    abilities.into_iter().map(sentence).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_a_series_are_one() {
        for good in ["wasi:io/poll@0.2.0", "wasi:io/poll@0.2.99", "waystation:step/flow@0.1.0"] {
            assert!(is_offered(good), "{good}");
        }
        for bad in [
            "wasi:io/poll",
            "wasi:io/poll@0.3.0",
            "wasi:io/poll@0.2",
            "wasi:io/poll@0.20.0",
            "wasi:io/poll@0.2.0-rc.1",
            "wasi:io/polls@0.2.0",
            "waystation:step/flow@0.2.0",
            "env",
        ] {
            assert!(!is_offered(bad), "{bad}");
        }
    }

    #[test]
    fn abilities_are_sentences_said_once() {
        let imports = ["wasi:http/types@0.2.1", "wasi:http/outgoing-handler@0.2.1"];
        let abilities = abilities(&imports.map(str::to_owned));
        assert_eq!(
            abilities,
            ["can call out over HTTP, where the step's allow.http lets it \
              (wasi:http/outgoing-handler, wasi:http/types)"]
        );
    }

    #[test]
    fn the_offer_names_each_package_once() {
        assert!(offer().starts_with("waystation:step@0.1.x, wasi:cli@0.2.x, wasi:clocks@0.2.x"));
    }
}
