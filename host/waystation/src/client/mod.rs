//! How verbs talk to a server.

pub(crate) mod pages;
mod server;
mod watch;

use std::path::{Path, PathBuf};

use clap::Args;

pub(crate) use server::Server;
pub(crate) use watch::until_at_rest;

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
    /// The API's token [default: DIR/token]
    #[arg(
        long,
        global = true,
        value_name = "TOKEN",
        env = "WAYSTATION_TOKEN",
        hide_env_values = true
    )]
    pub(crate) token: Option<String>,
    /// The data directory of a server on this machine
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "WAYSTATION_DATA",
        default_value = "./waystation-data"
    )]
    pub(crate) data_dir: PathBuf,
    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

impl ServerArgs {
    /// The token that was given, or the one beside a local data directory.
    pub(crate) fn token(&self) -> Option<String> {
        let given = self.token.clone().filter(|token| !token.is_empty());
        given.or_else(|| read_token(&self.data_dir))
    }
}

fn read_token(data: &Path) -> Option<String> {
    let text = std::fs::read_to_string(data.join("token")).ok()?;
    Some(text.trim().to_owned()).filter(|token| !token.is_empty())
}
