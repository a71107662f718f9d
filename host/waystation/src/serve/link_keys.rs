//! The keys that sign links, in `DATA/link-keys`.
//!
//! A line is a key: its id, 0 to 255, and its 32 bytes in hexadecimal. The last line signs,
//! all lines verify. To rotate, add a line with a new id and start again; a line may go when no
//! pause from its time is open.

use waystation_core::LinkKeys;

use super::data_dir::DataDir;
use super::token::random_hex;
use super::{key_file, private_file};
use crate::failure::Done;

pub(super) const NAME: &str = "link-keys";

/// Bytes of a key.
const BYTES: usize = 32;

const HEAD: &str = "\
# Keys that sign the links of paused workflows. Whoever has one can resume and cancel.
# A line: id (0 to 255), key (64 hex digits). The last line signs, all lines verify.
";

/// The keys; at first start, a new one.
pub(super) fn load(data: &DataDir) -> Done<LinkKeys> {
    let first = || Ok(format!("{HEAD}1 {}\n", random_hex::<BYTES>()?));
    key_file::load(&data.join(NAME), first, parse)
}

pub(crate) fn parse(text: &str) -> Result<LinkKeys, String> {
    let keys = key_file::lines(text, "an id from 0 to 255 and 64 hex digits", key)?;
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
