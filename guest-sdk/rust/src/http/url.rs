//! The URLs that can be called.

use iri_string::format::ToDedicatedString as _;
use iri_string::types::{IriString, UriAbsoluteString, UriReferenceStr, UriString};

/// An `http` or `https` URL with a host, without credentials and fragment. What is not ASCII is
/// percent-encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url(UriAbsoluteString);

impl Url {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if !text.contains("://") {
            return Err("the URL has no scheme; http:// and https:// are allowed".into());
        }
        let iri = IriString::try_from(text)
            .map_err(|_| "not a URL; spaces and special characters are written as %20 and so on")?;
        Self::checked(iri.encode_into_uri())
    }

    /// Where `location` leads from here: it may be relative.
    pub(super) fn join(&self, location: &str) -> Result<Self, String> {
        let reference = UriReferenceStr::new(location)
            .map_err(|_| format!("redirected to {location:?}, which is not a URL"))?;
        Self::checked(reference.resolve_against(&self.0).to_dedicated_string())
    }

    fn checked(uri: UriString) -> Result<Self, String> {
        let scheme = uri.scheme_str().to_ascii_lowercase();
        if scheme != "http" && scheme != "https" {
            return Err(format!("the URL's scheme is {scheme}; http and https are allowed"));
        }
        let authority = uri.authority_components();
        if authority.is_none_or(|authority| authority.host().is_empty()) {
            return Err("the URL has no host".into());
        }
        if authority.is_some_and(|authority| authority.userinfo().is_some()) {
            return Err("the URL has a user's name in it; credentials are allowed in the header \
                        authorization"
                .into());
        }
        Ok(Self(uri.into_absolute()))
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub(crate) fn scheme(&self) -> &str {
        if self.0.scheme_str().eq_ignore_ascii_case("https") { "https" } else { "http" }
    }

    /// Host and port.
    #[cfg(any(target_family = "wasm", test))]
    pub(crate) fn authority(&self) -> &str {
        self.0.authority_str().unwrap_or_default()
    }

    #[cfg(any(target_family = "wasm", test))]
    pub(crate) fn path_and_query(&self) -> String {
        let path = if self.0.path_str().is_empty() { "/" } else { self.0.path_str() };
        self.0.query_str().map_or_else(|| path.into(), |query| format!("{path}?{query}"))
    }

    /// Do both lead to the same scheme, host and port?
    pub(super) fn same_origin(&self, other: &Self) -> bool {
        self.origin() == other.origin()
    }

    fn origin(&self) -> (&str, String, String) {
        let scheme = self.scheme();
        let authority = self.0.authority_components();
        let host = authority.map_or("", |authority| authority.host()).to_ascii_lowercase();
        let port = authority.and_then(|authority| authority.port()).filter(|port| !port.is_empty());
        let default = if scheme == "https" { "443" } else { "80" };
        (scheme, host, port.unwrap_or(default).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn a_url_has_its_parts() {
        let parts = |text| {
            let url = url(text);
            (url.scheme().to_owned(), url.authority().to_owned(), url.path_and_query())
        };
        let expected = |scheme: &str, authority: &str, target: &str| {
            (scheme.to_owned(), authority.to_owned(), target.to_owned())
        };
        assert_eq!(parts("http://a.example"), expected("http", "a.example", "/"));
        assert_eq!(parts("HTTPS://[::1]:8443/b?c=d#e"), expected("https", "[::1]:8443", "/b?c=d"));
        assert_eq!(parts("http://a.example?c"), expected("http", "a.example", "/?c"));
        assert_eq!(parts("http://a.example/grün"), expected("http", "a.example", "/gr%C3%BCn"));
    }

    #[test]
    fn what_can_not_be_called_is_told_with_what_can() {
        for (text, word) in [
            ("a.example/b", "no scheme"),
            ("ftp://a.example", "ftp"),
            ("http:///b", "no host"),
            ("http://a b", "%20"),
            ("http://u:p@a.example", "authorization"),
        ] {
            let error = Url::parse(text).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn a_redirect_may_be_relative() {
        let base = url("http://a.example/b/c?d#e");
        for (location, target) in [
            ("/x", "http://a.example/x"),
            ("x?y", "http://a.example/b/x?y"),
            ("../x", "http://a.example/x"),
            ("//b.example/x", "http://b.example/x"),
            ("https://b.example/x#y", "https://b.example/x"),
        ] {
            assert_eq!(base.join(location).unwrap().as_str(), target, "{location}");
        }
        assert!(base.join("file:///etc").unwrap_err().contains("file"));
        assert!(base.join("http://x y").is_err());
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let base = url("http://a.example/");
        assert!(base.same_origin(&url("HTTP://A.example:80/x")));
        for other in ["https://a.example/", "http://b.example/", "http://a.example:81/"] {
            assert!(!base.same_origin(&url(other)), "{other}");
        }
    }
}
