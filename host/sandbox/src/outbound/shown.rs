//! A call as the run's log has it.

use http::{Method, Uri};

use super::destination::Destination;
use crate::secrets::Secrets;

/// The longest call that is shown, in characters.
const SHOWN_CHARS_MAX: usize = 600;

/// The call without its query and its user's name, which may hold secrets; `to` when it is a
/// destination. Known secrets are hidden first: a piece of one would not be recognized.
pub(super) fn shown(
    method: &Method,
    uri: &Uri,
    to: Option<&Destination>,
    secrets: &Secrets,
) -> String {
    let text = match to {
        Some(to) => {
            let path = uri.path_and_query().map_or("/", |path| path.as_str());
            format!("{method} {}{path}", to.origin())
        }
        None => format!("{method} {uri}"),
    };
    let text = secrets.hide(text);
    let text = text.split(['?', '#']).next().unwrap_or_default();
    let text = match (to, text.split_once("://"), text.split_once('@')) {
        (None, Some((scheme, _)), Some((_, rest))) => format!("{scheme}://…@{rest}"),
        _ => text.to_owned(),
    };
    text.chars().take(SHOWN_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use waystation_core::{RunSecret, SecretValue};

    use super::*;

    fn seen(uri: &str, secret: &str) -> String {
        let given = RunSecret {
            name: "KEY".parse().unwrap(),
            value: SecretValue::new(secret.to_owned().into()).unwrap(),
            destinations: vec![],
            reveal: true,
        };
        let secrets = Secrets::new(vec![given]).unwrap();
        let uri = uri.parse().unwrap();
        let to = Destination::of(&Method::GET, &uri);
        shown(&Method::GET, &uri, to.as_ref().ok(), &secrets)
    }

    #[test]
    fn queries_and_users_are_not_shown() {
        assert_eq!(seen("https://h.example/a?b=c", "12345678"), "GET https://h.example/a");
        assert_eq!(seen("https://h.example/@a?b=c", "12345678"), "GET https://h.example/@a");
        assert_eq!(seen("https://me:pw@h.example/a?b", "12345678"), "GET https://…@h.example/a");
    }

    #[test]
    fn secrets_are_hidden_before_anything_is_cut() {
        for pad in SHOWN_CHARS_MAX - 60..SHOWN_CHARS_MAX {
            let uri = format!("https://h.example/{}/abcdefghijkl", "x".repeat(pad));
            let text = seen(&uri, "abcdefghijkl");
            assert!(!text.contains("abc"), "{text}");
            assert!(text.chars().count() <= SHOWN_CHARS_MAX);
        }
        let hook = "https://h.example/hook?key=1";
        assert_eq!(seen(hook, hook), "GET [secret KEY]");
    }
}
