//! The `Idempotency-Key` header.

use axum::http::HeaderMap;

use crate::problem::{Code, Problem};

const NAME: &str = "idempotency-key";

/// Its longest value, in bytes.
const BYTES_MAX: usize = 255;

/// What the keys of hooks begin with: no key of the API does, since none has a space. Anybody
/// may call a hook, and nobody there takes a key that a caller of the API will use.
const OF_HOOKS: &str = "hook ";

/// The name that a caller of the API has for this wish.
///
/// # Errors
///
/// 400 unless it is 1 to 255 visible ASCII characters, once.
pub(crate) fn of_api(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    key(headers)
}

/// The name that a caller of a hook has for it, apart from those of the API.
///
/// # Errors
///
/// As for the API.
pub(crate) fn of_hook(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    Ok(key(headers)?.map(|key| format!("{OF_HOOKS}{key}")))
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(NAME).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let bytes = value.as_bytes();
    let fits = (1..=BYTES_MAX).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic);
    match value.to_str() {
        Ok(key) if fits && values.next().is_none() => Ok(Some(key.to_owned())),
        _ => Err(Problem::new(
            Code::InvalidHeader,
            "Idempotency-Key: 1 to 255 visible ASCII characters, once, are allowed",
        )
        .with("header", "Idempotency-Key".into())),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn with(value: &str) -> Result<Option<String>, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert(NAME, HeaderValue::from_str(value).unwrap());
        key(&headers)
    }

    #[test]
    fn what_a_hook_is_told_is_no_key_of_the_api() {
        let mut headers = HeaderMap::new();
        assert_eq!(of_hook(&headers).unwrap(), None);
        headers.insert(NAME, HeaderValue::from_static("order-17"));
        // As keys were stored before hooks had their own.
        assert_eq!(of_api(&headers).unwrap().as_deref(), Some("order-17"));
        let hook = of_hook(&headers).unwrap().unwrap();
        assert!(hook.contains("order-17") && with(&hook).is_err(), "{hook:?}");
    }

    #[test]
    fn keys_are_visible_ascii() {
        assert_eq!(key(&HeaderMap::new()).unwrap(), None);
        assert_eq!(with("order-17").unwrap().as_deref(), Some("order-17"));
        assert!(with(&"k".repeat(255)).is_ok());
        for bad in [String::new(), "k".repeat(256), "a b".into(), "é".into()] {
            assert!(with(&bad).is_err(), "{bad}");
        }
    }
}
