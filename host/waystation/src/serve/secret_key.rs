//! The keys that secrets are sealed under, in `DATA/secret-key`.
//!
//! A line is a key: its 32 bytes in hexadecimal. The last line seals, all lines open. To rotate,
//! add a line, start again and set the secrets again; a line may go when nothing is sealed under
//! it any more.

use waystation_engine::SecretKeys;
use zeroize::Zeroizing;

use super::data_dir::DataDir;
use super::token::random_hex;
use super::{key_file, private_file};
use crate::failure::Done;

pub(super) const NAME: &str = "secret-key";

const HEAD: &str = "\
# Keys that secrets are sealed under. Whoever has them and the database can read all secrets.
# A line: a key (64 hex digits). The last line seals, all lines open.
";

/// The keys; at first start, a new one.
pub(super) fn load(data: &DataDir) -> Done<SecretKeys> {
    let first = || Ok(format!("{HEAD}{}\n", random_hex::<{ SecretKeys::BYTES }>()?));
    key_file::load(&data.join(NAME), first, parse)
}

pub(crate) fn parse(text: &str) -> Result<SecretKeys, String> {
    let key = |line: &str| private_file::hex(line).map(Zeroizing::new);
    let keys = key_file::lines(text, "64 hex digits", key)?;
    SecretKeys::new(keys).ok_or_else(|| "one key or more, each once, are needed".to_owned())
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
        let text = format!("{HEAD}{}\n\n {} \n", "ab".repeat(32), "0c".repeat(32));
        assert_eq!(format!("{:?}", parse(&text).unwrap()), "SecretKeys(2)");
    }

    #[test]
    fn damage_is_told_without_the_key() {
        for bad in [
            String::new(),
            "# nothing".into(),
            "ab".repeat(31),
            format!("1 {}", "ab".repeat(32)),
            format!("{}\n{}", "ab".repeat(32), "AB".repeat(32)),
            format!("{}zz", "ab".repeat(31)),
        ] {
            let message = parse(&bad).unwrap_err();
            assert!(!message.to_lowercase().contains("abab"), "{message}");
        }
    }
}
