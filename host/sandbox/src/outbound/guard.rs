//! What the operator lets through, for all runs.

use std::net::{IpAddr, SocketAddr};

use tokio::time::Instant;
use waystation_core::UrlPattern;

use super::addresses;
use super::destination::Destination;
use super::error::CallError;
use super::tls::Tls;
use crate::OutboundPolicy;

/// The operator's rules, and what all calls share.
pub(crate) struct Guard {
    policy: OutboundPolicy,
    /// How to speak TLS.
    pub(super) tls: Tls,
}

impl Guard {
    /// A guard with these rules.
    pub(crate) fn new(policy: OutboundPolicy) -> Guard {
        Guard { policy, tls: Tls::default() }
    }

    /// May a step with this `allow.http` call there at all?
    pub(super) fn check(&self, to: &Destination, step: &[UrlPattern]) -> Result<(), CallError> {
        let allows =
            |pattern: &UrlPattern| pattern.allows(to.scheme(), &to.host, to.port, &to.path);
        if !step.iter().any(allows) {
            return Err(CallError::NotAllowedToStep { origin: to.origin() });
        }
        match &self.policy.allow {
            Some(patterns) if !patterns.iter().any(allows) => {
                Err(CallError::NotAllowedHere { origin: to.origin() })
            }
            _ => Ok(()),
        }
    }

    /// The destination's addresses that may be connected to. Looked up once; who connects uses
    /// these and no others.
    pub(super) async fn resolve(
        &self,
        to: &Destination,
        by: Instant,
    ) -> Result<Vec<SocketAddr>, CallError> {
        let addresses = match to.address() {
            Some(address) => vec![SocketAddr::new(address, to.port)],
            None => lookup(to, by).await?,
        };
        self.checked(&addresses)
    }

    fn checked(&self, addresses: &[SocketAddr]) -> Result<Vec<SocketAddr>, CallError> {
        let may_connect = |address: IpAddr| {
            addresses::special(address).is_none()
                || addresses::is_named(address, &self.policy.private)
        };
        let good: Vec<SocketAddr> =
            addresses.iter().copied().filter(|address| may_connect(address.ip())).collect();
        match addresses.first() {
            _ if !good.is_empty() => Ok(good),
            None => Err(CallError::Dns("it has no address".into())),
            Some(bad) => Err(CallError::SpecialAddress {
                address: bad.ip(),
                kind: addresses::special(bad.ip()).unwrap_or("a special address"),
                network: addresses::network_of(bad.ip()),
            }),
        }
    }
}

async fn lookup(to: &Destination, by: Instant) -> Result<Vec<SocketAddr>, CallError> {
    let looked_up = tokio::net::lookup_host((to.host.as_str(), to.port));
    match tokio::time::timeout_at(by, looked_up).await {
        Ok(Ok(addresses)) => Ok(addresses.collect()),
        Ok(Err(error)) => Err(CallError::Dns(error.to_string())),
        Err(_) => Err(CallError::DnsTimeout),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(uri: &str) -> Destination {
        Destination::of(&uri.parse().unwrap()).unwrap()
    }

    fn patterns(texts: &[&str]) -> Vec<UrlPattern> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn both_must_allow() {
        let any = Guard::new(OutboundPolicy::default());
        let some = Guard::new(OutboundPolicy {
            allow: Some(patterns(&["https://*.example.com"])),
            private: vec![],
        });
        let step = patterns(&["https://api.example.com", "https://other.org"]);
        assert!(any.check(&to("https://other.org/"), &step).is_ok());
        assert!(some.check(&to("https://api.example.com/"), &step).is_ok());
        assert_eq!(
            some.check(&to("https://other.org/x"), &step).unwrap_err().to_string(),
            "refused: this host lets no step call https://other.org: its operator may add \
             \"https://other.org\" to allow under [outbound]"
        );
        assert_eq!(
            any.check(&to("http://127.0.0.1:9000/x?y"), &[]).unwrap_err().to_string(),
            "refused: the step may not call http://127.0.0.1:9000: add \"http://127.0.0.1:9000\" \
             to its allow.http"
        );
    }

    #[test]
    fn what_a_refusal_proposes_would_work() {
        let guard = Guard::new(OutboundPolicy::default());
        for uri in
            ["http://[::1]:8080/a", "https://h.example/", "http://10.0.0.1/", "https://h:80/x"]
        {
            let to = to(uri);
            assert!(guard.check(&to, &[]).is_err());
            assert!(guard.check(&to, &patterns(&[&to.origin()])).is_ok(), "{uri}");
        }
    }

    #[test]
    fn special_addresses_are_dropped_unless_named() {
        let guard = |private: &[&str]| {
            let private = private.iter().map(|network| network.parse().unwrap()).collect();
            Guard::new(OutboundPolicy { allow: None, private })
        };
        let addresses: Vec<SocketAddr> =
            ["127.0.0.1:80", "8.8.8.8:80", "[::1]:80"].map(|a| a.parse().unwrap()).into();
        assert_eq!(guard(&[]).checked(&addresses).unwrap(), [addresses[1]]);
        assert_eq!(guard(&["127.0.0.0/8"]).checked(&addresses).unwrap(), addresses[..2]);
        assert_eq!(
            guard(&[]).checked(&addresses[..1]).unwrap_err().to_string(),
            "refused: 127.0.0.1 is a loopback address: its operator may set [outbound] private = \
             [\"127.0.0.1/32\"]"
        );
    }

    #[tokio::test]
    async fn a_name_does_not_hide_an_address() {
        let guard = Guard::new(OutboundPolicy::default());
        let by = Instant::now() + std::time::Duration::from_secs(5);
        for sly in ["http://localhost/", "http://2130706433/", "http://0x7f.1/", "http://127.1/"] {
            let resolved = guard.resolve(&to(sly), by).await;
            let refused = matches!(
                resolved,
                Err(CallError::SpecialAddress { .. } | CallError::Dns(_) | CallError::DnsTimeout)
            );
            assert!(refused, "{sly}: {resolved:?}");
        }
    }
}
