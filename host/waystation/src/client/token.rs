//! Which token a server is shown, and which it is not.
//!
//! The token beside a data directory may do everything, on one server. Who names another server
//! and happens to stand beside a data directory has not said that it may go there.

use std::path::Path;

use super::ServerArgs;
use crate::failure::{Done, Failure};

/// The token for a server that is on this machine or not: the one that was given, else the one in
/// the data directory.
///
/// # Errors
///
/// The server is elsewhere, and nobody said that the token in the data directory is for it.
pub(super) fn token(args: &ServerArgs, on_this_machine: bool) -> Done<Option<String>> {
    if let Some(given) = args.token.as_ref().filter(|token| !token.is_empty()) {
        return Ok(Some(given.clone()));
    }
    if on_this_machine || args.data_dir.is_some() {
        return Ok(read(args.data_dir()));
    }
    Err(Failure::usage(format!("no token for {}, which is not this machine", args.url)).hint(
        "set WAYSTATION_TOKEN or --token; that of a data directory goes there only with --data-dir",
    ))
}

fn read(data: &Path) -> Option<String> {
    let text = std::fs::read_to_string(data.join("token")).ok()?;
    Some(text.trim().to_owned()).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(token: Option<&str>, data_dir: Option<&Path>) -> ServerArgs {
        ServerArgs {
            url: "https://flows.example".into(),
            token: token.map(str::to_owned),
            data_dir: data_dir.map(Path::to_owned),
            json: false,
        }
    }

    #[test]
    fn a_token_that_was_given_goes_anywhere_and_before_that_of_a_file() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), "of-the-file\n").unwrap();
        for here in [true, false] {
            let args = args(Some("given"), Some(folder.path()));
            assert_eq!(token(&args, here).unwrap().as_deref(), Some("given"));
        }
    }

    #[test]
    fn the_token_of_a_directory_that_was_named_goes_anywhere() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), "of-the-file\n").unwrap();
        // An empty variable says nothing.
        let args = args(Some(""), Some(folder.path()));
        assert_eq!(token(&args, false).unwrap().as_deref(), Some("of-the-file"));
    }

    #[test]
    fn without_a_word_a_token_stays_on_this_machine() {
        let refused = token(&args(None, None), false).unwrap_err();
        assert_eq!(refused.exit, 2);
        assert!(refused.to_string().contains("WAYSTATION_TOKEN"), "{refused}");
    }
}
