//! The server's settings: flag before environment before file before default.
//!
//! Every setting has one key. A flag is `--listen`, a variable `WAYSTATION_LIMITS_MEMORY_MIB`,
//! a line of the file `memory_mib` under `[limits]`: all three mean a key, and all three end
//! up in the same [`given::Given`], which remembers where each came from.

mod file;
mod given;
mod limits;
mod read;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use ipnet::IpNet;
use waystation_core::{Limits, OnTimeout, UrlPattern};
use waystation_http::GetLink;

use crate::failure::Done;

/// The flags of `serve`.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = "\
All settings may also stand in a TOML file and in the environment; a flag wins over a
variable, a variable over the file:
  listen, data, public_url, store, trusted_proxies = [\"10.0.0.0/8\"]
  [outbound]  allow = [\"https://*.example.com\"], private = [\"10.0.0.0/8\"]
  [email]     smtp_url, from, owner
  [links]     get = \"act\" | \"confirm\"
  [suspend]   on_timeout = \"resume\" | \"cancel\" | \"fail\"
  [limits]    memory_mib, timeout_s, body_bytes_max, component_bytes_max, runs_max, …
  [log]       level = \"info\", format = \"text\" | \"json\"
  [debug]     attach = \"never\" | \"allow\"
The variable of limits.memory_mib is WAYSTATION_LIMITS_MEMORY_MIB; lists take commas.
WAYSTATION_TOKEN sets the API's token; without it one is made in DATA/token.

Examples:
  waystation serve
  waystation serve --listen 0.0.0.0:8787 --public-url https://flows.example.com
  waystation serve --config /etc/waystation.toml")]
pub(crate) struct ServeArgs {
    /// Where everything is kept [default: ./waystation-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<String>,
    /// Where to listen; port 0 picks one [default: 127.0.0.1:8787]
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<String>,
    /// How links and answers name this server [default: where it listens]
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// The store [default: sled:]
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<String>,
    /// A TOML file with settings
    #[arg(long, value_name = "FILE", env = "WAYSTATION_CONFIG")]
    pub(crate) config: Option<PathBuf>,
}

/// The server's settings, checked.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// `HOST:PORT`.
    pub(crate) listen: String,
    /// Where everything is kept.
    pub(crate) data: PathBuf,
    /// Without a slash at its end; none means: where the server listens.
    pub(crate) public_url: Option<String>,
    /// Proxies that are believed about where a request came from.
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// Where steps may call out to; `None` is anywhere that is public.
    pub(crate) outbound_allow: Option<Vec<UrlPattern>>,
    /// Special networks that steps may reach all the same.
    pub(crate) outbound_private: Vec<IpNet>,
    /// How mail is delivered; none means: as files.
    pub(crate) smtp_url: Option<String>,
    /// The sender of mail.
    pub(crate) mail_from: String,
    /// Who gets mail that names nobody.
    pub(crate) mail_owner: Option<String>,
    /// What a GET on a link does.
    pub(crate) get_link: GetLink,
    /// What happens to a `suspend` that nobody answers, unless it says so itself.
    pub(crate) on_timeout: OnTimeout,
    /// How much there may be of everything.
    pub(crate) limits: Limits,
    /// The least important messages that are logged.
    pub(crate) log_level: tracing::level_filters::LevelFilter,
    /// How they are written.
    pub(crate) log_format: LogFormat,
    /// May debuggers attach, and crashes leave a core file?
    pub(crate) debug_attach: bool,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For programs: an object a line.
    Json,
}

impl Settings {
    /// Settings from `args`, the environment and the file that `args` names.
    ///
    /// # Errors
    ///
    /// One line: where the fault is, the key, the value, and what is allowed.
    pub(crate) fn load(args: &ServeArgs) -> Done<Settings> {
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            // What is not Unicode can't be one of ours.
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Settings::from_sources(args, environment.collect())
    }

    fn from_sources(args: &ServeArgs, environment: Vec<(String, String)>) -> Done<Settings> {
        let mut given = given::Given::default();
        if let Some(path) = &args.config {
            file::read(path, &mut given)?;
        }
        given.environment(environment)?;
        for (name, key, value) in [
            ("--data", "data", &args.data),
            ("--listen", "listen", &args.listen),
            ("--public-url", "public_url", &args.public_url),
            ("--store", "store", &args.store),
        ] {
            if let Some(value) = value {
                given.set(key, name.to_owned(), value.clone().into());
            }
        }
        read::settings(&given)
    }
}

/// The URL of a server that listens at `address`, as seen from its own machine.
pub(crate) fn local_url(address: SocketAddr) -> String {
    let mut address = address;
    if address.ip().is_unspecified() {
        let loopback: std::net::IpAddr = match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        };
        address.set_ip(loopback);
    }
    format!("http://{address}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(file: &str, environment: &[(&str, &str)], listen: Option<&str>) -> Done<Settings> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.toml");
        std::fs::write(&path, file).unwrap();
        let args = ServeArgs {
            listen: listen.map(str::to_owned),
            config: Some(path),
            ..ServeArgs::default()
        };
        let environment = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Settings::from_sources(&args, environment.collect())
    }

    fn fault(file: &str, environment: &[(&str, &str)]) -> String {
        let failure = load(file, environment, None).unwrap_err();
        assert_eq!(failure.exit, 2);
        let text = failure.to_string();
        assert!(!text.contains('\n'), "{text}");
        text
    }

    #[test]
    fn nothing_has_to_be_set() {
        let settings = load("", &[], None).unwrap();
        assert_eq!(settings.listen, "127.0.0.1:8787");
        assert_eq!(settings.data, PathBuf::from("./waystation-data"));
        assert_eq!(settings.limits, Limits::default());
        assert_eq!(settings.get_link, GetLink::Act);
        assert_eq!(settings.outbound_allow, None);
    }

    #[test]
    fn flags_win_over_variables_and_those_over_the_file() {
        let file = "listen = \"127.0.0.1:1\"\n[limits]\nmemory_mib = 64\ntimeout_s = 7\n";
        let environment =
            [("WAYSTATION_LISTEN", "127.0.0.1:2"), ("WAYSTATION_LIMITS_MEMORY_MIB", "65")];
        let settings = load(file, &environment, Some("127.0.0.1:3")).unwrap();
        assert_eq!(settings.listen, "127.0.0.1:3");
        assert_eq!((settings.limits.memory_mib, settings.limits.timeout_s), (65, 7));
        assert_eq!(load(file, &environment, None).unwrap().listen, "127.0.0.1:2");
        assert_eq!(load(file, &[], None).unwrap().listen, "127.0.0.1:1");
    }

    #[test]
    fn lists_and_words_are_read() {
        let file = "[outbound]\nallow = [\"https://*.example.com\"]\nprivate = [\"10.0.0.0/8\"]\n\
                    [links]\nget = \"confirm\"\n[suspend]\non_timeout = \"fail\"\n[log]\nformat = \"json\"\n";
        let settings = load(file, &[], None).unwrap();
        assert_eq!(settings.outbound_allow.unwrap().len(), 1);
        assert_eq!(settings.outbound_private.len(), 1);
        assert_eq!(settings.get_link, GetLink::Confirm);
        assert_eq!(settings.on_timeout, OnTimeout::Fail);
        assert_eq!(settings.log_format, LogFormat::Json);
        let list =
            [("WAYSTATION_OUTBOUND_ALLOW", "http://a, http://b:1"), ("WAYSTATION_EMAIL_OWNER", "")];
        let settings = load(file, &list, None).unwrap();
        assert_eq!(settings.outbound_allow.unwrap().len(), 2);
        assert_eq!(settings.mail_owner, None);
    }

    #[test]
    fn a_fault_names_its_source_its_key_its_value_and_what_is_allowed() {
        for (file, parts) in [
            (
                "\n[limits]\nmemory_mib = \"x\"",
                ["w.toml:3:", "limits.memory_mib", "\"x\"", "whole number"],
            ),
            ("[limits]\nruns_max = 0", ["w.toml:2:", "limits.runs_max", "0", "1 to"]),
            ("[limits]\nstack_kib = 63", ["w.toml:2:", "limits.stack_kib", "63", "64 to 65536"]),
            (
                "[limits]\nstack_kib = 65537",
                ["w.toml:2:", "limits.stack_kib", "65537", "64 to 65536"],
            ),
            (
                "[limits]\ncpu_ms = 2000\ncpu_ms_max = 1999",
                ["w.toml:2:", "limits.cpu_ms", "2000", "here 1999"],
            ),
            ("[limits]\nmemory = 3", ["w.toml:2:", "limits.memory", "unknown", "memory_mib"]),
            ("listen = \"8787\"", ["w.toml:1:", "listen", "8787", "HOST:PORT"]),
            ("public_url = \"ftp://x\"", ["w.toml:1:", "public_url", "ftp://x", "http"]),
            ("public_url = \"http://x/?a\"", ["w.toml:1:", "public_url", "?a", "query"]),
            ("store = \"postgres://x\"", ["w.toml:1:", "store", "postgres", "sled:"]),
            ("[links]\nget = \"ask\"", ["w.toml:2:", "links.get", "ask", "confirm"]),
            (
                "[outbound]\nprivate = [\"10.0.0.0/99\"]",
                ["w.toml:2:", "outbound.private", "10.0.0.0/99", "CIDR"],
            ),
            (
                "trusted_proxies = [\"10.0.0.1\"]",
                ["w.toml:1:", "trusted_proxies", "10.0.0.1", "CIDR"],
            ),
            (
                "[limits]\nheader_bytes_max = 8191",
                ["w.toml:2:", "limits.header_bytes_max", "8191", "8192 to"],
            ),
            (
                "[outbound]\nallow = [\"x\"]",
                ["w.toml:2:", "outbound.allow", "\"x\"", "scheme://host"],
            ),
            (
                "[outbound]\nallow = [\"https://a\", \"https://*example.com\"]",
                ["w.toml:2:", "outbound.allow", "*example.com", "a star stands"],
            ),
            (
                "[limits]\nhttp_headers_bytes_max = 8191",
                ["w.toml:2:", "limits.http_headers_bytes_max", "8191", "8192 to"],
            ),
            ("[email]\nowner = \"me\"", ["w.toml:2:", "email.owner", "me", "name@host"]),
            ("a = [", ["w.toml:1:", "", "", ""]),
        ] {
            let text = fault(file, &[]);
            for part in parts {
                assert!(text.contains(part), "{text:?} has no {part:?}");
            }
        }
        let text = fault("", &[("WAYSTATION_LIMITS_RUNS_MAX", "many")]);
        assert!(text.starts_with("WAYSTATION_LIMITS_RUNS_MAX: limits.runs_max"), "{text}");
        let text = fault("", &[("WAYSTATION_LIMITS_RUN_MAX", "1")]);
        assert!(text.contains("WAYSTATION_LIMITS_RUN_MAX"), "{text}");
    }

    #[test]
    fn a_public_url_has_no_slash_at_its_end() {
        let settings = load("public_url = \"https://w.example/base/\"", &[], None).unwrap();
        assert_eq!(settings.public_url.as_deref(), Some("https://w.example/base"));
    }
}
