//! Addresses that are not of the open Internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// Networks by first address and length, with what they are. After the special-purpose
/// registries of IANA (RFC 6890 and its updates), without those that are reachable globally.
const SPECIAL_V4: &[(Ipv4Addr, u32, &str)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8, "an address of this host"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "a private address"),
    (Ipv4Addr::new(100, 64, 0, 0), 10, "an address of a provider's own network"),
    (Ipv4Addr::new(127, 0, 0, 0), 8, "a loopback address"),
    // Not in the registries: where Azure's machines find their platform, secrets included.
    (Ipv4Addr::new(168, 63, 129, 16), 32, "an address of a provider's own services"),
    (Ipv4Addr::new(169, 254, 0, 0), 16, "a link-local address"),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "a private address"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, "a protocol's own address"),
    (Ipv4Addr::new(192, 0, 2, 0), 24, "an address for documentation"),
    (Ipv4Addr::new(192, 88, 99, 0), 24, "a 6to4 relay"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "a private address"),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "an address for benchmarks"),
    (Ipv4Addr::new(198, 51, 100, 0), 24, "an address for documentation"),
    (Ipv4Addr::new(203, 0, 113, 0), 24, "an address for documentation"),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "a multicast address"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, "a reserved address"),
];

const SPECIAL_V6: &[(Ipv6Addr, u32, &str)] = &[
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0, 0, 0), 128, "an address of this host"),
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0, 0, 1), 128, "a loopback address"),
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0, 0, 0), 96, "an IPv4-compatible address"),
    (Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0), 96, "an IPv4-translated address"),
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48, "an address of a local translation"),
    (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64, "a discard address"),
    (Ipv6Addr::new(0x100, 0, 0, 1, 0, 0, 0, 0), 64, "a dummy address"),
    // Teredo, benchmarks, ORCHID and other protocols.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, "a protocol's own address"),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, "an address for documentation"),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, "an address for documentation"),
    (Ipv6Addr::new(0x5f00, 0, 0, 0, 0, 0, 0, 0), 16, "an address of segment routing"),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, "a private address"),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, "a link-local address"),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, "a private address"),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, "a multicast address"),
];

/// What sort of special address it is, also when it is an IPv4 address that IPv6 carries;
/// `None` for one of the open Internet. One of the machine's own addresses, `local`, is special
/// wherever it lies: what listens there may be hidden from the rest of the Internet.
pub(super) fn special(address: IpAddr, local: &[IpAddr]) -> Option<&'static str> {
    let address = address.to_canonical();
    let registered = match address {
        IpAddr::V4(address) => special_v4(address),
        IpAddr::V6(address) => {
            special_v6(address).or_else(|| carried(address).and_then(special_v4))
        }
    };
    registered.or_else(|| local.contains(&address).then_some("an address of this machine"))
}

/// May it be reached because the operator named its network?
pub(super) fn is_named(address: IpAddr, networks: &[IpNet]) -> bool {
    let canonical = address.to_canonical();
    networks.iter().any(|network| network.contains(&address) || network.contains(&canonical))
}

/// The smallest network that holds the address, as an operator would write it.
pub(super) fn network_of(address: IpAddr) -> String {
    let address = address.to_canonical();
    IpNet::from(address).to_string()
}

fn special_v4(address: Ipv4Addr) -> Option<&'static str> {
    SPECIAL_V4.iter().find_map(|(network, length, kind)| {
        let same = (address.to_bits() ^ network.to_bits()).leading_zeros() >= *length;
        same.then_some(*kind)
    })
}

fn special_v6(address: Ipv6Addr) -> Option<&'static str> {
    SPECIAL_V6.iter().find_map(|(network, length, kind)| {
        let same = (address.to_bits() ^ network.to_bits()).leading_zeros() >= *length;
        same.then_some(*kind)
    })
}

/// The IPv4 address that a translating or tunnelling IPv6 address leads to: NAT64 (RFC 6052),
/// 6to4 (RFC 3056) and ISATAP (RFC 5214).
fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let from = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(from(high, low)),
        [0x2002, high, low, ..] => Some(from(high, low)),
        [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => Some(from(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sort(address: &str) -> Option<&'static str> {
        special(address.parse().unwrap(), &[])
    }

    #[test]
    fn the_open_internet_is_open() {
        for open in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2001:200::1",
            "2a00:1450:4001:80b::200e",
            "2002:808:808::1",
            "64:ff9b::808:808",
            "::ffff:8.8.8.8",
            "2a00:1450::5efe:8.8.8.8",
            "168.63.129.15",
        ] {
            assert_eq!(sort(open), None, "{open}");
        }
    }

    #[test]
    fn everything_else_is_special() {
        for closed in [
            "0.0.0.0",
            "0.255.255.255",
            "10.0.0.0",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.0.0",
            "169.254.169.254",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.0",
            "192.168.255.255",
            "198.18.0.0",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.255",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.0",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:0:127.0.0.1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:1ff::1",
            "2001:db8::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fdff::",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(sort(closed).is_some(), "{closed}");
        }
    }

    #[test]
    fn an_address_is_the_same_however_it_is_carried() {
        for spelling in [
            "::ffff:127.0.0.1",
            "::ffff:7f00:1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::1",
            "2002:7f00:1:abcd::",
            "2a00:1450::5efe:127.0.0.1",
            "2a00:1450::200:5efe:127.0.0.1",
        ] {
            assert_eq!(sort(spelling), Some("a loopback address"), "{spelling}");
        }
        for spelling in ["::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::"] {
            assert_eq!(sort(spelling), Some("a link-local address"), "{spelling}");
        }
        for spelling in ["::ffff:10.1.2.3", "64:ff9b::10.1.2.3", "2002:c0a8:1::"] {
            assert_eq!(sort(spelling), Some("a private address"), "{spelling}");
        }
    }

    #[test]
    fn the_operator_names_networks() {
        let networks: Vec<IpNet> = ["127.0.0.0/8", "fd00::/8"].map(|n| n.parse().unwrap()).into();
        let named = |address: &str| is_named(address.parse().unwrap(), &networks);
        assert!(named("127.1.2.3"));
        assert!(named("::ffff:127.0.0.1"));
        assert!(named("fd12::1"));
        assert!(!named("10.0.0.1"));
        assert!(!named("::1"));
        assert!(!named("64:ff9b::127.0.0.1"), "a gateway elsewhere is not this host");
        assert_eq!(network_of("::ffff:127.0.0.1".parse().unwrap()), "127.0.0.1/32");
        assert_eq!(network_of("::1".parse().unwrap()), "::1/128");
    }
}
