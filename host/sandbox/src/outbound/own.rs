//! This server as a destination of its own steps.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName};
use url::{Host, Url};
use waystation_core::{normal_host, straight_path};

use super::destination::Destination;

/// What steps may call of us: what anybody may, who has a link or knows a hook. The rest is for
/// operators, and what guards it, a token or a network, must not be all there is between them
/// and a step.
const OPEN: [&str; 4] = ["/resume/", "/cancel/", "/approve/", "/hooks/"];

/// Where this server is.
#[derive(Clone, Debug)]
pub struct OwnServer {
    listen: SocketAddr,
    public: Option<Public>,
}

/// Where others find it.
#[derive(Clone, Debug)]
struct Public {
    host: Host<String>,
    ports: Vec<u16>,
    /// Without a slash at its end, in lower case.
    path: String,
}

impl OwnServer {
    /// A server that listens at `listen` and that links name by `public_url`.
    pub fn new(listen: SocketAddr, public_url: &str) -> OwnServer {
        OwnServer { listen, public: Url::parse(public_url).ok().and_then(|url| Public::of(&url)) }
    }

    /// Would this call ask us, by our public name, for what is not open to steps?
    pub(super) fn forbids_name(&self, to: &Destination) -> bool {
        self.named_by(to).is_some_and(|public| public.forbids(&to.path))
    }

    /// May this call come to us: by our public name, or at an address of this machine, `local`
    /// or loopback, where we listen, or a proxy that sends us what it gets?
    pub(super) fn may_get(
        &self,
        to: &Destination,
        addresses: &[SocketAddr],
        local: &[IpAddr],
    ) -> bool {
        let is_here = |address: &SocketAddr| {
            let ip = address.ip().to_canonical();
            ip.is_loopback() || ip.is_unspecified() || local.contains(&ip)
        };
        let is_ours = |address: &SocketAddr| is_here(address) || self.is_at(*address, local);
        self.named_by(to).is_some() || addresses.iter().any(is_ours)
    }

    fn named_by(&self, to: &Destination) -> Option<&Public> {
        self.public
            .as_ref()
            .filter(|public| public.host == to.host && public.ports.contains(&to.port))
    }

    /// Would this call do so at `address`? `local` are the addresses of this machine.
    pub(super) fn forbids_address(
        &self,
        to: &Destination,
        address: SocketAddr,
        local: &[IpAddr],
    ) -> bool {
        self.is_at(address, local) && !is_open(&to.path)
    }

    fn is_at(&self, address: SocketAddr, local: &[IpAddr]) -> bool {
        let (ip, listen) = (address.ip().to_canonical(), self.listen.ip().to_canonical());
        let everywhere = listen.is_unspecified() && (ip.is_loopback() || local.contains(&ip));
        // Whoever connects to 0.0.0.0 comes to this machine.
        address.port() == self.listen.port() && (ip == listen || ip.is_unspecified() || everywhere)
    }
}

impl Public {
    fn of(url: &Url) -> Option<Public> {
        let host = normal_host(url.host_str()?).ok()?;
        let ports = match url.port() {
            Some(port) => vec![port],
            // Who serves one of these commonly serves the other, too.
            None => vec![80, 443],
        };
        let path = url.path().trim_end_matches('/').to_ascii_lowercase();
        Some(Public { host, ports, path })
    }

    fn forbids(&self, path: &str) -> bool {
        if self.path.is_empty() {
            return !is_open(path);
        }
        // Beside our part of the host there may be others'. A path that may lead to ours does.
        let Some(straight) = straight_path(path) else { return true };
        let mut straight = straight.to_ascii_lowercase();
        while straight.contains("//") {
            straight = straight.replace("//", "/");
        }
        match straight.strip_prefix(&self.path) {
            Some(rest) => (rest.is_empty() || rest.starts_with('/')) && !is_open(rest),
            None => false,
        }
    }
}

/// Takes out what proxies say of whom they heard from. Where this machine is a trusted proxy, a
/// step that calls its own server would be believed.
pub(super) fn drop_forwarding(headers: &mut HeaderMap) {
    let names: Vec<HeaderName> = headers.keys().filter(|name| forwards(name)).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

fn forwards(name: &HeaderName) -> bool {
    let name = name.as_str();
    name == "forwarded" || name == "x-real-ip" || name.starts_with("x-forwarded-")
}

fn is_open(path: &str) -> bool {
    OPEN.iter().any(|open| path.starts_with(open)) && straight_path(path).is_some()
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    fn to(uri: &str) -> Destination {
        Destination::of(&Method::GET, &uri.parse().unwrap()).unwrap()
    }

    fn own(listen: &str, public_url: &str) -> OwnServer {
        OwnServer::new(listen.parse().unwrap(), public_url)
    }

    const CLOSED: [&str; 11] = [
        "/",
        "/api/v1/executions",
        "/metrics",
        "/healthz",
        "/readyz",
        "/resume",
        "/Resume/x",
        "/resume/../api/v1/executions",
        "/resume/x%2f..%2f..%2fapi",
        "/hooks/..;/api",
        "//resume/x",
    ];

    const OPEN: [&str; 5] =
        ["/resume/token", "/cancel/token", "/approve/token", "/hooks/name", "/hooks/name/a?b=c"];

    #[test]
    fn at_our_address_links_and_hooks_are_open_and_no_more() {
        let own = own("127.0.0.1:8787", "http://127.0.0.1:8787");
        let forbids = |path: &str, address: &str| {
            let to = to(&format!("http://h:8787{path}"));
            own.forbids_address(&to, address.parse().unwrap(), &[])
        };
        for path in CLOSED {
            for address in
                ["127.0.0.1:8787", "[::ffff:127.0.0.1]:8787", "0.0.0.0:8787", "[::]:8787"]
            {
                assert!(forbids(path, address), "{address} {path}");
            }
            assert!(!forbids(path, "127.0.0.1:8788"), "{path}");
            assert!(!forbids(path, "10.0.0.1:8787"), "{path}");
        }
        for path in OPEN {
            assert!(!forbids(path, "127.0.0.1:8787"), "{path}");
        }
    }

    #[test]
    fn who_listens_everywhere_is_at_every_address_of_the_machine() {
        let local: Vec<IpAddr> = ["10.0.0.7", "fd00::7"].map(|ip| ip.parse().unwrap()).into();
        for listen in ["0.0.0.0:8787", "[::]:8787"] {
            let own = own(listen, "");
            let forbids = |address: &str| {
                own.forbids_address(&to("http://h:8787/api"), address.parse().unwrap(), &local)
            };
            for ours in
                ["127.0.0.1", "127.9.9.9", "[::1]", "10.0.0.7", "[fd00::7]", "[::ffff:10.0.0.7]"]
            {
                assert!(forbids(&format!("{ours}:8787")), "{listen} {ours}");
                assert!(!forbids(&format!("{ours}:8788")), "{listen} {ours}");
            }
            assert!(!forbids("10.0.0.8:8787"), "{listen}");
        }
    }

    #[test]
    fn our_public_name_is_ours() {
        let own = own("127.0.0.1:8787", "https://Flows.Example.com");
        for path in CLOSED {
            for origin in [
                "https://flows.example.com",
                "http://flows.example.com.",
                "https://FLOWS.example.com:80",
            ] {
                assert!(own.forbids_name(&to(&format!("{origin}{path}"))), "{origin}{path}");
            }
            assert!(!own.forbids_name(&to(&format!("https://flows.example.com:8443{path}"))));
            assert!(!own.forbids_name(&to(&format!("https://example.com{path}"))));
        }
        for path in OPEN {
            assert!(!own.forbids_name(&to(&format!("https://flows.example.com{path}"))), "{path}");
        }
    }

    #[test]
    fn what_may_come_back_to_us_is_known() {
        let own = own("10.0.0.7:8787", "https://flows.example.com");
        let local: Vec<IpAddr> = vec!["10.0.0.7".parse().unwrap()];
        let may =
            |url: &str, address: &str| own.may_get(&to(url), &[address.parse().unwrap()], &local);
        assert!(may("https://flows.example.com/hooks/w", "8.8.8.8:443"));
        for here in ["10.0.0.7:8787", "10.0.0.7:80", "127.0.0.1:80", "[::1]:80", "0.0.0.0:1"] {
            assert!(may("http://other.example/hooks/w", here), "{here}");
        }
        assert!(!may("https://other.example/hooks/w", "8.8.8.8:443"));
        assert!(!may("https://flows.example.com:8443/hooks/w", "8.8.8.8:8443"));
    }

    #[test]
    fn what_proxies_say_is_taken_out_and_nothing_else() {
        let mut headers = HeaderMap::new();
        for name in [
            "Forwarded",
            "X-Forwarded-For",
            "x-forwarded-for",
            "X-Forwarded-Proto",
            "X-Forwarded-Host",
            "X-Real-IP",
            "X-Forwardedness",
            "Authorization",
        ] {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, http::HeaderValue::from_static("x"));
        }
        drop_forwarding(&mut headers);
        let mut left: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["authorization", "x-forwardedness"]);
    }

    #[test]
    fn beside_a_public_path_others_live() {
        let own = own("127.0.0.1:8787", "https://example.com/flows/");
        let forbids = |path: &str| own.forbids_name(&to(&format!("https://example.com{path}")));
        for ours in [
            "/flows",
            "/flows/",
            "/flows/api/v1/executions",
            "/Flows/api",
            "/%66lows/api",
            "//flows//api",
            "/other/../flows/api",
            "/other/%2e%2e/flows/api",
        ] {
            assert!(forbids(ours), "{ours}");
        }
        for others in ["/", "/other", "/flows2/api", "/flows/resume/token", "/flows/hooks/name"] {
            assert!(!forbids(others), "{others}");
        }
    }
}
