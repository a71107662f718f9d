//! One spelling for the host of a URL.

use url::Host;

/// Longest name in DNS, in its written form.
const NAME_BYTES_MAX: usize = 253;

/// Longest part of a name between two dots.
const LABEL_BYTES_MAX: usize = 63;

/// The host that `text` stands for, by the rules of the URL standard: names in lower case, in
/// ASCII (IDNA), without a dot at their end; every spelling of an address, such as `127.1`,
/// `0x7f.1`, `2130706433` or digits of other scripts, as the address.
///
/// # Errors
///
/// Says what is wrong. Percent signs are refused although the standard decodes them: nobody
/// writes a host so who does not want to hide it.
pub fn normal_host(text: &str) -> Result<Host<String>, &'static str> {
    if text.is_empty() {
        return Err("there is no host");
    }
    if text.contains('%') {
        return Err("a host has no percent sign in it");
    }
    match Host::parse(text) {
        Ok(Host::Domain(name)) => {
            let name = name.strip_suffix('.').unwrap_or(&name);
            if is_name(name) { Ok(Host::Domain(name.to_owned())) } else { Err(NO_HOST) }
        }
        Ok(address) => Ok(address),
        Err(_) => Err(NO_HOST),
    }
}

const NO_HOST: &str = "the host is neither a name nor an address";

fn is_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=LABEL_BYTES_MAX).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    name.len() <= NAME_BYTES_MAX && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(text: &str) -> Result<String, &'static str> {
        normal_host(text).map(|host| host.to_string())
    }

    #[test]
    fn names_have_one_spelling() {
        for (text, name) in [
            ("API.Example.COM", "api.example.com"),
            ("api.example.com.", "api.example.com"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("BÜCHER.example", "xn--bcher-kva.example"),
            ("example。com", "example.com"),
            ("a_b-c", "a_b-c"),
        ] {
            assert_eq!(normal(text).as_deref(), Ok(name), "{text}");
        }
    }

    #[test]
    fn every_spelling_of_an_address_is_the_address() {
        for text in [
            "127.0.0.1",
            "127.0.0.1.",
            "127.1",
            "127.0.1",
            "0x7f.1",
            "0x7f000001",
            "0X7F.0.0.0x1",
            "0177.0.0.1",
            "017700000001",
            "2130706433",
            "１２７.0.0.1",
            "127。0。0。1",
            "①②⑦.0.0.1",
            "1\u{ad}27.0.0.1",
        ] {
            assert!(matches!(normal_host(text), Ok(Host::Ipv4(_))), "{text}");
            assert_eq!(normal(text).as_deref(), Ok("127.0.0.1"), "{text}");
        }
        assert_eq!(normal("[0:0:0:0:0:0:0:1]").as_deref(), Ok("[::1]"));
        assert_eq!(normal("[::FFFF:7f00:1]").as_deref(), Ok("[::ffff:7f00:1]"));
    }

    #[test]
    fn what_is_no_host_is_refused() {
        let label = "a".repeat(64);
        let long = "a.".repeat(128);
        for bad in [
            "",
            ".",
            "a..b",
            "a b",
            "a/b",
            "a\\b",
            "a@b",
            "a:1",
            "a#b",
            "%31",
            "127%2e0.0.1",
            "[::1",
            "::1",
            "[fe80::1%25eth0]",
            "[fe80::1%eth0]",
            "1.2.3.4.5",
            "256.0.0.1",
            "127.0.0.1..",
            "0x7f.0.0.0x100",
            "[127.0.0.1]",
            "a\r\nb",
            "a\0",
            &label,
            &long,
        ] {
            assert!(normal(bad).is_err(), "{bad:?}: {:?}", normal(bad));
        }
    }
}
