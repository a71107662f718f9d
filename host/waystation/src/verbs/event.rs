//! `--data`: JSON, `@FILE` or `@-`.

use std::io::Read;

use crate::failure::{Done, Failure};

/// The JSON text that `data` means; null when there is none.
pub(super) fn read(data: Option<&str>) -> Done<String> {
    let Some(data) = data else { return Ok("null".to_owned()) };
    let text = match data.strip_prefix('@') {
        None => data.to_owned(),
        Some("-") => {
            let mut text = String::new();
            let read = std::io::stdin().lock().read_to_string(&mut text);
            read.map_err(|error| Failure::usage(format!("--data: standard input: {error}")))?;
            text
        }
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| Failure::usage(format!("--data: {path}: {error}")))?,
    };
    match serde_json::from_str::<serde::de::IgnoredAny>(&text) {
        Ok(_) => Ok(text),
        Err(error) => Err(Failure::usage(format!("--data: not JSON: {error}"))
            .hint("text is written as '\"text\"', a file as @FILE")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_json_or_a_file_of_it() {
        assert_eq!(read(None).unwrap(), "null");
        assert_eq!(read(Some("{\"a\": 1}")).unwrap(), "{\"a\": 1}");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "[1]").unwrap();
        assert_eq!(read(Some(&format!("@{}", file.path().display()))).unwrap(), "[1]");
        assert_eq!(read(Some("hello")).unwrap_err().exit, 2);
        assert_eq!(read(Some("@/nowhere/at/all")).unwrap_err().exit, 2);
    }
}
