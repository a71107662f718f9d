//! The server's own token of the API, which may do everything: from the environment, or made at first start.

use waystation_http::RootToken;

use super::data_dir::DataDir;
use super::private_file;
use crate::failure::{Done, Failure};

pub(super) const NAME: &str = "token";

/// Bytes of a token that is made here.
const BYTES: usize = 32;

/// The shortest token that is taken from the environment, in characters.
const LENGTH_MIN: usize = 16;

/// The token that callers of the API have to show.
pub(super) fn load(data: &DataDir) -> Done<RootToken> {
    if let Some(token) = std::env::var("WAYSTATION_TOKEN").ok().filter(|token| !token.is_empty()) {
        if token.len() < LENGTH_MIN || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Failure::usage(format!(
                "WAYSTATION_TOKEN: {LENGTH_MIN} or more visible ASCII characters are allowed"
            )));
        }
        return Ok(RootToken::new(&token));
    }
    let path = data.join(NAME);
    let failed = |error| Failure::new(format!("{}: {error}", path.display()));
    if let Some(text) = private_file::read(&path).map_err(failed)? {
        let token = text.trim();
        if token.is_empty() {
            let why = "it is empty; remove it, and the next start makes a new one";
            return Err(Failure::new(format!("{}: {why}", path.display())));
        }
        return Ok(RootToken::new(token));
    }
    let token = random_hex::<BYTES>()?;
    private_file::write(&path, &format!("{token}\n")).map_err(failed)?;
    tracing::info!(file = %path.display(), "made a token for the API");
    Ok(RootToken::new(&token))
}

/// So many random bytes, in hexadecimal.
pub(super) fn random_hex<const N: usize>() -> Done<String> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::new(format!("no randomness from the system: {error}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
