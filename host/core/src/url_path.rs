//! Paths of URLs that servers take for other paths.

/// Times that a path is decoded: once by the server, and by what may stand in front of it.
const DECODED_MAX: usize = 3;

/// The path, decoded until nothing is left to decode, or `None` when a server may take it for
/// another one: when it holds `.` or `..` as a segment, plain or percent-encoded, with or without
/// a parameter behind it (`..;x`); a backslash, which some take for a slash; or is encoded more
/// than three times over.
pub fn straight_path(path: &str) -> Option<String> {
    let mut bytes = path.as_bytes().to_vec();
    for _ in 0..DECODED_MAX {
        if !leads_straight(&bytes) {
            return None;
        }
        let decoded = decoded(&bytes);
        if decoded == bytes {
            return Some(String::from_utf8_lossy(&bytes).into_owned());
        }
        bytes = decoded;
    }
    let done = leads_straight(&bytes) && decoded(&bytes) == bytes;
    done.then(|| String::from_utf8_lossy(&bytes).into_owned())
}

fn leads_straight(path: &[u8]) -> bool {
    let is_dots = |segment: &[u8]| {
        let name = segment.split(|byte| *byte == b';').next().unwrap_or_default();
        name == b"." || name == b".."
    };
    !path.contains(&b'\\') && !path.split(|byte| *byte == b'/').any(is_dots)
}

fn decoded(path: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((&first, after)) = rest.split_first() {
        let hex = |at: usize| after.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        match (first, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                decoded.push(first);
                rest = after;
            }
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_decoded() {
        for (path, straight) in [
            ("/", "/"),
            ("/v1/a%20b", "/v1/a b"),
            ("/%76%31", "/v1"),
            ("/group%2Fname", "/group/name"),
            ("/https%253A%252F%252Fx", "/https://x"),
            ("/100%", "/100%"),
            ("/%zz", "/%zz"),
            ("/...", "/..."),
            ("/.well-known/x", "/.well-known/x"),
            ("/a..b", "/a..b"),
            ("//a", "//a"),
        ] {
            assert_eq!(straight_path(path).as_deref(), Some(straight), "{path}");
        }
    }

    #[test]
    fn a_path_that_may_lead_elsewhere_is_not_straight() {
        for sly in [
            "/v1/..",
            "/v1/../admin",
            "/v1/./x",
            "/v1/%2e%2E/admin",
            "/v1/.%2e/admin",
            "/v1/..%2fadmin",
            "/v1%2f..%2fadmin",
            "/v1/..\\admin",
            "/v1\\x",
            "/v1/..%5cadmin",
            "/v1/..;/admin",
            "/v1/..;x=y/admin",
            "/v1/%2e%2e%3b/admin",
            "/v1/%252e%252e/admin",
            "/v1/%25252e%25252e/admin",
            "/v1/%2525252e%2525252e/admin",
            "/%25252525252541",
        ] {
            assert_eq!(straight_path(sly), None, "{sly}");
        }
    }
}
