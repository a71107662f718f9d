//! Files of keys: a key a line; empty lines and comments (`#`) between them.

use std::path::Path;

use zeroize::Zeroizing;

use super::private_file;
use crate::failure::{Done, Failure};

/// The keys in the file at `path`, as `parse` reads them. When there is no file, `first` says
/// what the first one holds.
pub(super) fn load<K>(
    path: &Path,
    first: impl FnOnce() -> Done<String>,
    parse: impl FnOnce(&str) -> Result<K, String>,
) -> Done<K> {
    let failed = |why: String| Failure::new(format!("{}: {why}", path.display()));
    let text = match private_file::read(path).map_err(|error| failed(error.to_string()))? {
        Some(text) => Zeroizing::new(text),
        None => {
            let text = Zeroizing::new(first()?);
            private_file::write(path, &text).map_err(|error| failed(error.to_string()))?;
            text
        }
    };
    parse(&text).map_err(failed)
}

/// The keys in `text`, each as `key` reads its line; `allowed` says what a line may be.
///
/// # Errors
///
/// Which line is none. The line itself stays out of the message: it may be most of a key.
pub(super) fn lines<K>(
    text: &str,
    allowed: &str,
    key: impl Fn(&str) -> Option<K>,
) -> Result<Vec<K>, String> {
    let numbered = text.lines().map(str::trim).enumerate();
    let lines = numbered.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let key = |(number, line): (usize, &str)| {
        key(line).ok_or_else(|| format!("line {}: {allowed} are allowed", number + 1))
    };
    lines.map(key).collect()
}
