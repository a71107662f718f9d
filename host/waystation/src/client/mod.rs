//! How verbs talk to a server.

pub(crate) mod pages;
mod server;
mod token;
mod watch;

use std::path::{Path, PathBuf};

use clap::Args;

pub(crate) use server::Server;
pub(crate) use watch::until_at_rest;

/// The data directory, when none is named.
const DATA: &str = "./waystation-data";

/// Where the server is, and what it wants to see.
#[derive(Clone, Debug, Args)]
pub(crate) struct ServerArgs {
    /// The server
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "WAYSTATION_URL",
        default_value = "http://127.0.0.1:8787"
    )]
    pub(crate) url: String,
    /// The API's token [default: DIR/token, for a server on this machine]
    #[arg(
        long,
        global = true,
        value_name = "TOKEN",
        env = "WAYSTATION_TOKEN",
        hide_env_values = true
    )]
    pub(crate) token: Option<String>,
    /// The data directory of a server on this machine [default: ./waystation-data]
    #[arg(long, global = true, value_name = "DIR", env = "WAYSTATION_DATA")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

impl ServerArgs {
    /// The data directory that was named, or the usual one.
    pub(crate) fn data_dir(&self) -> &Path {
        self.data_dir.as_deref().unwrap_or(Path::new(DATA))
    }
}
