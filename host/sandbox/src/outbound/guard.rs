//! What the operator lets through, for all runs.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::time::Instant;
use waystation_core::{Limits, UrlPattern};

use super::addresses;
use super::destination::Destination;
use super::error::CallError;
use super::lookup::Lookups;
use super::places::Places;
use super::tls::Tls;
use crate::OutboundPolicy;

/// Addresses of one name that are tried, all of them checked.
const ADDRESSES_MAX: usize = 16;

/// The way of a call, all of it checked.
#[derive(Debug)]
pub(super) struct Way {
    /// One of them is connected to.
    pub(super) addresses: Vec<SocketAddr>,
    /// May it lead to this server?
    pub(super) comes_back: bool,
}

/// The operator's rules, and what all calls share.
pub(crate) struct Guard {
    policy: OutboundPolicy,
    lookups: Lookups,
    /// How much there may be of everything.
    pub(super) limits: Limits,
    /// Where calls wait for each other.
    pub(super) places: Places,
    /// How to speak TLS.
    pub(super) tls: Tls,
}

impl Guard {
    /// A guard with these rules.
    pub(crate) fn new(policy: OutboundPolicy, limits: Limits) -> Guard {
        Guard {
            lookups: Lookups::new(policy.resolver.clone(), limits.http_lookups_max),
            places: Places::new(limits.http_connections_max, limits.http_connections_per_host_max),
            tls: Tls::default(),
            policy,
            limits,
        }
    }

    /// May a step with these rules call there at all? The first check of two: it knows nothing
    /// of addresses yet.
    pub(super) fn check(&self, to: &Destination, step: &[UrlPattern]) -> Result<(), CallError> {
        if !to.is_allowed(step) {
            return Err(CallError::NotAllowedToStep { rule: to.rule() });
        }
        if self.policy.allow.as_ref().is_some_and(|operator| !to.is_allowed(operator)) {
            return Err(CallError::NotAllowedHere { rule: to.rule() });
        }
        match &self.policy.own {
            Some(own) if own.forbids_name(to) => Err(CallError::OwnServer),
            _ => Ok(()),
        }
    }

    /// The way to the destination, whose addresses may all be connected to. Looked up once; who
    /// connects uses these and no others. `run` bounds what one run looks up at the same time.
    pub(super) async fn resolve(
        &self,
        to: &Destination,
        run: Arc<Semaphore>,
        by: Instant,
    ) -> Result<Way, CallError> {
        let mut addresses = match to.address() {
            Some(address) => vec![SocketAddr::new(address, to.port)],
            None => self.lookups.look_up(to.host_text(), to.port, run, by).await?,
        };
        addresses.iter_mut().for_each(|address| address.set_port(to.port));
        let local = self.lookups.resolver().local_addresses().map_err(CallError::LocalAddresses)?;
        self.check_addresses(to, &addresses, &local)?;
        addresses.truncate(ADDRESSES_MAX);
        let own = self.policy.own.as_ref();
        let comes_back = own.is_some_and(|own| own.may_get(to, &addresses, &local));
        Ok(Way { addresses, comes_back })
    }

    /// One bad address spoils the name. Whoever mixes them wants the choice to be made by
    /// accident, and there is no accident that an attacker could not bring about.
    fn check_addresses(
        &self,
        to: &Destination,
        addresses: &[SocketAddr],
        local: &[IpAddr],
    ) -> Result<(), CallError> {
        if addresses.is_empty() {
            return Err(CallError::Dns("it has no address".into()));
        }
        for address in addresses {
            let ip = address.ip();
            let special = addresses::special(ip, local);
            if let Some(kind) = special.filter(|_| !addresses::is_named(ip, &self.policy.private)) {
                let network = addresses::network_of(ip);
                return Err(CallError::SpecialAddress { address: ip, kind, network });
            }
            if self.policy.own.as_ref().is_some_and(|own| own.forbids_address(to, *address, local))
            {
                return Err(CallError::OwnServer);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::super::lookup::OF_RUN_MAX;
    use super::*;
    use crate::OwnServer;

    fn to(uri: &str) -> Destination {
        Destination::of(&Method::GET, &uri.parse().unwrap()).unwrap()
    }

    fn patterns(texts: &[&str]) -> Vec<UrlPattern> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn guard(policy: OutboundPolicy) -> Guard {
        Guard::new(policy, Limits::default())
    }

    fn with_private(networks: &[&str]) -> Guard {
        let private = networks.iter().map(|network| network.parse().unwrap()).collect();
        guard(OutboundPolicy { private, ..OutboundPolicy::default() })
    }

    #[test]
    fn both_must_allow() {
        let any = guard(OutboundPolicy::default());
        let some = guard(OutboundPolicy {
            allow: Some(patterns(&["GET https://*.example.com/v1"])),
            ..OutboundPolicy::default()
        });
        let step = patterns(&["https://api.example.com", "https://other.org"]);
        assert!(any.check(&to("https://other.org/"), &step).is_ok());
        assert!(some.check(&to("https://api.example.com/v1/x"), &step).is_ok());
        assert_eq!(
            some.check(&to("https://other.org/x"), &step).unwrap_err().to_string(),
            "refused: this host lets no step call it: its operator may add \
             \"GET https://other.org/x\" to allow under [outbound]"
        );
        assert_eq!(
            any.check(&to("http://127.0.0.1:9000/x?y"), &[]).unwrap_err().to_string(),
            "refused: the step may not call it: add \"GET http://127.0.0.1:9000/x\" to its \
             allow.http"
        );
        for narrower in ["https://api.example.com/v2", "https://api.example.com/v1/../v2"] {
            assert!(some.check(&to(narrower), &step).is_err(), "{narrower}");
        }
        let post = Destination { method: Method::POST, ..to("https://api.example.com/v1") };
        assert!(some.check(&post, &step).is_err());
    }

    #[test]
    fn one_special_address_spoils_the_name() {
        let addresses: Vec<SocketAddr> =
            ["8.8.8.8:80", "127.0.0.1:80", "[::1]:80"].map(|a| a.parse().unwrap()).into();
        let check = |private: &[&str], count: usize| {
            let guard = with_private(private);
            guard.check_addresses(&to("http://h/"), &addresses[..count], &[])
        };
        assert!(check(&[], 1).is_ok());
        assert_eq!(
            check(&[], 2).unwrap_err().to_string(),
            "refused: 127.0.0.1 is a loopback address: the operator may add \"127.0.0.1/32\" to \
             private under [outbound]"
        );
        assert!(check(&["127.0.0.0/8"], 2).is_ok());
        assert!(check(&["127.0.0.0/8"], 3).unwrap_err().to_string().contains("\"::1/128\""));
        assert!(check(&["127.0.0.0/8", "::1/128"], 3).is_ok());
        assert!(check(&[], 0).is_err());
    }

    #[test]
    fn an_address_of_this_machine_is_special_even_when_it_is_public() {
        let local: Vec<IpAddr> = vec!["8.8.8.8".parse().unwrap()];
        let check = |guard: &Guard, address: &str| {
            guard.check_addresses(&to("http://h/"), &[address.parse().unwrap()], &local)
        };
        let closed = with_private(&[]);
        assert!(check(&closed, "8.8.8.8:80").unwrap_err().to_string().contains("this machine"));
        assert!(check(&closed, "[::ffff:8.8.8.8]:80").is_err());
        assert!(check(&closed, "8.8.4.4:80").is_ok());
        assert!(check(&with_private(&["8.8.8.8/32"]), "8.8.8.8:80").is_ok());
    }

    #[test]
    fn ourselves_no_rule_and_no_network_opens() {
        let guard = guard(OutboundPolicy {
            private: vec!["127.0.0.0/8".parse().unwrap()],
            own: Some(OwnServer::new("127.0.0.1:8787".parse().unwrap(), "https://w.example")),
            ..OutboundPolicy::default()
        });
        let any = patterns(&["http://*:*", "https://*:*"]);
        let called = |url: &str, address: &str| {
            let to = to(url);
            guard.check(&to, &any)?;
            guard.check_addresses(&to, &[address.parse().unwrap()], &[])
        };
        for url in ["http://127.1:8787/api/v1/workflows", "http://rebound.example:8787/metrics"] {
            assert!(matches!(called(url, "127.0.0.1:8787"), Err(CallError::OwnServer)), "{url}");
        }
        let by_name = called("https://w.example/api", "8.8.8.8:443");
        assert!(matches!(by_name, Err(CallError::OwnServer)));
        assert!(called("http://127.0.0.1:8787/resume/token", "127.0.0.1:8787").is_ok());
        assert!(called("http://127.0.0.1:9000/api", "127.0.0.1:9000").is_ok());
    }

    #[tokio::test]
    async fn a_name_does_not_hide_an_address() {
        let guard = with_private(&[]);
        for sly in ["http://localhost/", "http://2130706433/", "http://0x7f.1/", "http://127.1/"] {
            let by = Instant::now() + std::time::Duration::from_secs(5);
            let run = Arc::new(Semaphore::new(OF_RUN_MAX));
            let resolved = guard.resolve(&to(sly), run, by).await;
            assert!(
                matches!(resolved, Err(CallError::SpecialAddress { .. })),
                "{sly}: {resolved:?}"
            );
        }
    }
}
