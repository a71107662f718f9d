//! The keys that sign links, in `DATA/link-keys`.
//!
//! A line is a key: its id, 0 to 255, and its 32 bytes in hexadecimal. The last line signs,
//! all lines verify. To rotate, add a line with a new id and start again; a line may go when no
//! pause from its time is open.

use waystation_core::LinkKeys;

use super::data_dir::DataDir;
use super::private_file;
use super::token::random_hex;
use crate::failure::{Done, Failure};

pub(super) const NAME: &str = "link-keys";

/// Bytes of a key.
const BYTES: usize = 32;

const HEAD: &str = "\
# Keys that sign the links of paused workflows. Whoever has one can resume and cancel.
# A line: id (0 to 255), key (64 hex digits). The last line signs, all lines verify.
";

/// The keys; at first start, a new one.
pub(super) fn load(data: &DataDir) -> Done<LinkKeys> {
    let path = data.join(NAME);
    let failed = |why: String| Failure::new(format!("{}: {why}", path.display()));
    let text = match private_file::read(&path).map_err(|error| failed(error.to_string()))? {
        Some(text) => text,
        None => {
            let text = format!("{HEAD}1 {}\n", random_hex::<BYTES>()?);
            private_file::write(&path, &text).map_err(|error| failed(error.to_string()))?;
            text
        }
    };
    parse(&text).map_err(failed)
}

pub(crate) fn parse(text: &str) -> Result<LinkKeys, String> {
    let mut keys = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        // The line itself stays out of the message: it may be most of a key.
        let key = key(line).ok_or_else(|| {
            format!("line {}: an id from 0 to 255 and 64 hex digits are allowed", number + 1)
        })?;
        keys.push(key);
    }
    LinkKeys::new(keys)
        .ok_or_else(|| "one key or more, each with its own id, are needed".to_owned())
}

fn key(line: &str) -> Option<(u8, [u8; BYTES])> {
    let (id, hex) = line.split_once(char::is_whitespace)?;
    Some((id.parse().ok()?, private_file::hex(hex.trim())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::open(folder.path()).unwrap();
        load(&data).unwrap();
        let text = std::fs::read_to_string(folder.path().join(NAME)).unwrap();
        load(&data).unwrap();
        assert_eq!(std::fs::read_to_string(folder.path().join(NAME)).unwrap(), text);
    }

    #[test]
    fn several_keys_are_kept() {
        let text = format!("{HEAD}1 {}\n\n2 {}\n", "ab".repeat(32), "0c".repeat(32));
        assert_eq!(format!("{:?}", parse(&text).unwrap()), "LinkKeys(2)");
    }

    #[test]
    fn damage_is_told_without_the_key() {
        for bad in [
            String::new(),
            "# nothing".into(),
            format!("1 {}", "ab".repeat(31)),
            format!("256 {}", "ab".repeat(32)),
            format!("1 {}\n1 {}", "ab".repeat(32), "cd".repeat(32)),
            format!("1 {}zz", "ab".repeat(31)),
        ] {
            let message = parse(&bad).unwrap_err();
            assert!(!message.contains("abab"), "{message}");
        }
    }
}
