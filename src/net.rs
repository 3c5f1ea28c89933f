//! Networks: reading them and asking whether an address lies in one.
//!
//! In: text such as `10.0.0.0/8` or a bare address. Out: networks, and sets of them that answer in
//! time logarithmic in their number. IPv4 and IPv6 never match each other, but an IPv4 address written inside an
//! IPv6 one (`::ffff:198.51.100.7`) counts as that IPv4 address, in networks too.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

use crate::value::plain_ip;

/// Reads a network or a bare address, which is a network of one. Bits behind the prefix are cleared:
/// `10.6.48.157/8` is `10.0.0.0/8`. `None` when it is neither.
pub fn parse(text: &str) -> Option<IpNet> {
    let net: IpNet = match text.parse() {
        Ok(net) => net,
        Err(_) => IpNet::from(text.parse::<IpAddr>().ok()?),
    };
    Some(net.trunc())
}

/// A set of networks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetSet {
    v4: Ranges<u32>,
    v6: Ranges<u128>,
}

impl NetSet {
    /// Whether the address lies in any of the networks.
    pub fn contains(&self, ip: IpAddr) -> bool {
        match plain_ip(ip) {
            IpAddr::V4(ip) => self.v4.contains(ip.to_bits()),
            IpAddr::V6(ip) => self.v6.contains(ip.to_bits()),
        }
    }
}

impl<'a> FromIterator<&'a IpNet> for NetSet {
    fn from_iter<I: IntoIterator<Item = &'a IpNet>>(nets: I) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for net in nets {
            match plain_net(*net) {
                IpNet::V4(net) => v4.push((net.network().to_bits(), net.broadcast().to_bits())),
                IpNet::V6(net) => v6.push((net.network().to_bits(), net.broadcast().to_bits())),
            }
        }
        Self { v4: Ranges::new(v4), v6: Ranges::new(v6) }
    }
}

/// A network of IPv4 addresses written inside IPv6 ones is that IPv4 network.
fn plain_net(net: IpNet) -> IpNet {
    let mapped = match net {
        IpNet::V6(v6) => v6.addr().to_ipv4_mapped().zip(v6.prefix_len().checked_sub(96)),
        IpNet::V4(_) => None,
    };
    let v4 = mapped.and_then(|(addr, prefix)| Ipv4Net::new(addr, prefix).ok());
    v4.map_or(net, IpNet::V4)
}

/// Inclusive ranges, ascending and apart from each other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Ranges<T>(Box<[(T, T)]>);

impl<T: Ord + Copy> Ranges<T> {
    fn new(mut ranges: Vec<(T, T)>) -> Self {
        ranges.sort_unstable();
        // Networks either contain each other or are apart, so only whole ranges fall away.
        ranges.dedup_by(|next, kept| next.1 <= kept.1);
        Self(ranges.into_boxed_slice())
    }

    fn contains(&self, at: T) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= at);
        let before = after.checked_sub(1).and_then(|i| self.0.get(i));
        before.is_some_and(|(_, last)| at <= *last)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(nets: &[&str]) -> NetSet {
        let nets: Vec<IpNet> = nets.iter().map(|net| parse(net).unwrap()).collect();
        nets.iter().collect()
    }

    #[test]
    fn addresses_in_networks() {
        let cases = [
            ("10.6.48.157/8", "10.255.0.1", true),
            ("10.6.48.157/8", "11.0.0.0", false),
            ("0.0.0.0/0", "255.255.255.255", true),
            ("198.51.100.7", "198.51.100.7", true),
            ("198.51.100.7", "198.51.100.8", false),
            ("::1", "0:0:0:0:0:0:0:1", true),
            ("fe80::/10", "febf::1", true),
            ("fe80::/10", "fec0::1", false),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "127.0.0.1", false),
            // An address inside the other family is what it says it is.
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("::/0", "::ffff:10.1.2.3", false),
            ("::ffff:10.0.0.0/104", "10.1.2.3", true),
            ("::ffff:10.0.0.0/104", "11.1.2.3", false),
            ("::ffff:10.1.2.3", "::ffff:10.1.2.3", true),
        ];
        for (net, ip, expected) in cases {
            assert_eq!(set(&[net]).contains(ip.parse().unwrap()), expected, "{ip} in {net}");
        }
        assert!(!set(&[]).contains("::1".parse().unwrap()));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "10.0.0.0/33", "10.0.0/8", "fe80::/129", "localhost", "10.0.0.0/", " ::1"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_set_contains_what_one_of_its_networks_contains(
            nets in prop::collection::vec((any::<[u8; 4]>(), 0_u8..=32), 0..8),
            ip: [u8; 4],
        ) {
            let nets: Vec<IpNet> = nets
                .into_iter()
                .map(|(addr, prefix)| Ipv4Net::new(addr.into(), prefix).unwrap().into())
                .collect();
            let ip = IpAddr::from(ip);
            let expected = nets.iter().any(|net| net.contains(&ip));
            prop_assert_eq!(nets.iter().collect::<NetSet>().contains(ip), expected);
        }
    }
}
