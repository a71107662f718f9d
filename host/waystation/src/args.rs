//! The command line.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Parser, Subcommand};
use waystation_build::Language;
use waystation_core::Scope;

use crate::client::ServerArgs;
use crate::compiling::ChildArgs;
use crate::settings::ServeArgs;

/// A self-hosted host for durable workflows whose steps are sandboxed WebAssembly components.
#[derive(Debug, Parser)]
#[command(
    name = "waystation",
    bin_name = "waystation",
    version,
    after_help = "\
Start a server, upload a component, deploy a workflow, run it:
  waystation serve
  waystation component push step.wasm --name approve-order
  waystation workflow deploy workflow.yaml
  waystation trigger approve-order --data '{\"total\": 12}' --wait

Exit codes: 0 done, 1 failed, 2 wrong usage."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Run the server
    Serve(ServeArgs),
    /// Upload and look at components
    #[command(after_help = "\
Examples:
  waystation component push step.wasm
  waystation component inspect step.wasm     (needs no server)
  waystation component ls --json")]
    Component {
        #[command(flatten)]
        server: ServerArgs,
        #[command(subcommand)]
        verb: ComponentVerb,
    },
    /// Deploy and look at workflows
    #[command(after_help = "\
Examples:
  waystation workflow deploy workflow.yaml
  waystation workflow show approve-order")]
    Workflow {
        #[command(flatten)]
        server: ServerArgs,
        #[command(subcommand)]
        verb: WorkflowVerb,
    },
    /// Make, list and revoke tokens of the API
    #[command(after_help = "\
Scopes:
  read      look at components, workflows and executions
  operate   read, and trigger, test, resume and cancel
  deploy    read, and upload components and deploy workflows
  admin     everything, tokens and backups included

Examples:
  waystation token create --name ci --scope deploy --expires-days 90
  waystation token create --name on-call --scope operate
  waystation token ls
  waystation token revoke 8f1c2a9e0b7d4c63")]
    Token {
        #[command(flatten)]
        server: ServerArgs,
        #[command(subcommand)]
        verb: TokenVerb,
    },
    /// Set, list and remove secrets
    #[command(after_help = "\
The value comes from standard input, or from a file; a terminal is asked for it without echo. A
step that names the secret gets a placeholder, which the host replaces by the value in requests
to the destinations named by --for, and nowhere else.

Examples:
  waystation secret set API_KEY --for https://api.example.com < key.txt
  waystation secret set SIGNING_KEY --reveal --file key.pem     (steps see the value itself)
  waystation secret ls")]
    Secret {
        #[command(flatten)]
        server: ServerArgs,
        #[command(subcommand)]
        verb: SecretVerb,
    },
    /// Start an execution of a workflow
    #[command(after_help = "\
Examples:
  waystation trigger approve-order --data '{\"total\": 12}'
  waystation trigger approve-order --data @event.json --wait")]
    Trigger {
        #[command(flatten)]
        server: ServerArgs,
        /// The workflow's name
        workflow: String,
        /// The event: JSON, @FILE, or @- for standard input [default: null]
        #[arg(long, value_name = "JSON|@FILE")]
        data: Option<String>,
        /// Wait until the execution has ended or paused
        #[arg(long)]
        wait: bool,
        /// A name for this wish: a second trigger with it starts nothing
        #[arg(long, value_name = "KEY")]
        idempotency_key: Option<String>,
    },
    /// Look at executions, resume and cancel them
    #[command(after_help = "\
Examples:
  waystation execution ls --status suspended
  waystation execution watch 0198c9a2-…
  waystation execution resume 0198c9a2-… --data '{\"approved\": true}'")]
    Execution {
        #[command(flatten)]
        server: ServerArgs,
        #[command(subcommand)]
        verb: ExecutionVerb,
    },
    /// Run a workflow in the foreground and leave nothing behind
    #[command(after_help = "\
A step that suspends, reruns or delays ends a test as canceled.

Example:
  waystation test approve-order --data '{\"total\": 12}'")]
    Test {
        #[command(flatten)]
        server: ServerArgs,
        /// The workflow's name
        workflow: String,
        /// The event: JSON, @FILE, or @- for standard input [default: null]
        #[arg(long, value_name = "JSON|@FILE")]
        data: Option<String>,
    },
    /// Make a folder with a step, a workflow that uses it, and how to run both
    #[command(after_help = "\
Example:
  waystation new --lang typescript approve-order")]
    New {
        /// What the step is written in
        #[arg(long, value_name = "LANG", value_parser = language())]
        lang: Language,
        /// The folder's name, and the component's and workflow's: a-z, 0-9 and `-`
        name: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a component from a step's source
    #[command(after_help = "\
Examples:
  waystation build step.py
  waystation build ./my-step -o my-step.wasm")]
    Build {
        /// A source file, or a package's folder
        path: PathBuf,
        /// Where the component goes [default: the step's name with .wasm, here]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Check the server, its store, the token, the public URL, the clock and the data directory
    #[command(after_help = "\
A running server checks its own store; one that is down leaves its store to this command.

Examples:
  waystation doctor
  waystation doctor --data-dir /var/lib/waystation --json")]
    Doctor {
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Show how much there may be of everything, as the server has it
    #[command(after_help = "\
Limits are set in the section [limits] of the settings file; docs/configuration.md says why each is there.

Example:
  waystation limits --json")]
    Limits {
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Check and compile a component that comes by standard input: servers call this
    #[command(hide = true)]
    CompileComponent(ChildArgs),
    /// Fetch everything that a running server keeps into one file
    #[command(after_help = "\
The server goes on working meanwhile; the file shows one moment.

Examples:
  waystation backup waystation-2026-01-31.tar
  waystation backup --with-keys waystation.tar     (links go on working after a restore)")]
    Backup {
        #[command(flatten)]
        server: ServerArgs,
        /// The file, which must not be there
        file: PathBuf,
        /// Put the keys of links and the API's token in, too: whoever has the file has them
        #[arg(long)]
        with_keys: bool,
    },
    /// Make a data directory from a backup
    #[command(after_help = "\
Example:
  waystation restore waystation.tar --data ./waystation-data
  waystation serve --data ./waystation-data")]
    Restore {
        /// The backup
        file: PathBuf,
        /// The data directory, which must not be there, or be empty
        #[arg(
            long,
            value_name = "DIR",
            env = "WAYSTATION_DATA",
            default_value = "./waystation-data"
        )]
        data: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// The word for a language.
fn language() -> impl TypedValueParser<Value = Language> {
    PossibleValuesParser::new(Language::ALL.map(Language::word)).try_map(|word| {
        Language::ALL.into_iter().find(|one| one.word() == word).ok_or("no such language")
    })
}

/// The word for a scope.
fn scope() -> impl TypedValueParser<Value = Scope> {
    PossibleValuesParser::new(Scope::ALL.map(Scope::as_str)).try_map(|word| {
        Scope::ALL.into_iter().find(|one| one.as_str() == word).ok_or("no such scope")
    })
}

#[derive(Debug, Subcommand)]
pub(crate) enum ComponentVerb {
    /// Upload a component under a name
    Push {
        /// The component
        file: PathBuf,
        /// Its name [default: the file's, without its ending]
        #[arg(long)]
        name: Option<String>,
    },
    /// List all
    #[command(visible_alias = "list")]
    Ls,
    /// Show one
    Show {
        /// Its name
        name: String,
    },
    /// Take a name away
    Rm {
        /// The name
        name: String,
    },
    /// Show what a component file is and what it could do, without a server
    Inspect {
        /// The component
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum WorkflowVerb {
    /// Deploy a workflow file, YAML or JSON
    Deploy {
        /// The file
        file: PathBuf,
        /// Accept that it asks for more than the version before
        #[arg(long)]
        accept: bool,
    },
    /// List all
    #[command(visible_alias = "list")]
    Ls,
    /// Show one, with its definition
    Show {
        /// Its name
        name: String,
    },
    /// Take one away; executions under way go on
    Rm {
        /// Its name
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenVerb {
    /// Make one, and print it this once
    Create {
        /// What to call it: a-z, A-Z, 0-9 and - _ . @
        #[arg(long)]
        name: String,
        /// What it may do; several may be given
        #[arg(long = "scope", value_name = "SCOPE", required = true, value_parser = scope())]
        scopes: Vec<Scope>,
        /// How long it is good, 1 to 3650 days [default: until it is revoked]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=3650))]
        expires_days: Option<u16>,
    },
    /// List all
    #[command(visible_alias = "list")]
    Ls,
    /// Take one away at once
    Revoke {
        /// Its id
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SecretVerb {
    /// Set one, in place of what had its name
    Set {
        /// Its name: A-Z, 0-9 and _
        name: String,
        /// Where its value may be sent, as in a workflow's allow.http; may be given again
        #[arg(long = "for", value_name = "PATTERN")]
        destinations: Vec<String>,
        /// Steps that ask for it may see the value itself
        #[arg(long)]
        reveal: bool,
        /// Read the value from this file
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// List all: names, and what may be done with them
    #[command(visible_alias = "list")]
    Ls,
    /// Take one away
    Rm {
        /// Its name
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ExecutionVerb {
    /// List, newest first
    #[command(visible_alias = "list")]
    Ls {
        /// Of this workflow only
        #[arg(long)]
        workflow: Option<String>,
        /// In this status only: queued, running, suspended, completed, failed or canceled
        #[arg(long)]
        status: Option<String>,
        /// At most so many, 1 to 200
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Where the page before ended
        #[arg(long)]
        cursor: Option<String>,
    },
    /// Show one: status, steps, what it waits for
    Show {
        /// Its id
        id: String,
    },
    /// Show what its runs logged
    Logs {
        /// Its id
        id: String,
    },
    /// Show everything that happened to it
    History {
        /// Its id
        id: String,
    },
    /// Follow it until it ends
    Watch {
        /// Its id
        id: String,
    },
    /// Resume it
    Resume {
        /// Its id
        id: String,
        /// What the step gets: JSON, @FILE, or @- for standard input
        #[arg(long, value_name = "JSON|@FILE")]
        data: Option<String>,
    },
    /// Cancel it
    Cancel {
        /// Its id
        id: String,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }
}
