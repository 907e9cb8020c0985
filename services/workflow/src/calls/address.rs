//! Which addresses are the open Internet's: the only ones that a workflow may call without being allowed to. Pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use ipnet::{Ipv4Net, Ipv6Net};

/// What of IPv4 is not the open Internet, after the registry of special-purpose addresses (RFC 6890).
const SPECIAL_V4: [&str; 16] = [
    "0.0.0.0/8",        // this host
    "10.0.0.0/8",       // private
    "100.64.0.0/10",    // shared behind a carrier's NAT
    "127.0.0.0/8",      // loopback
    "168.63.129.16/32", // what a virtual machine's host answers at, in one large cloud
    "169.254.0.0/16",   // link-local, and the metadata of clouds
    "172.16.0.0/12",    // private
    "192.0.0.0/24",     // protocol assignments
    "192.0.2.0/24",     // documentation
    "192.88.99.0/24",   // relays from IPv6, retired
    "192.168.0.0/16",   // private
    "198.18.0.0/15",    // benchmarks
    "198.51.100.0/24",  // documentation
    "203.0.113.0/24",   // documentation
    "224.0.0.0/4",      // multicast
    "240.0.0.0/4",      // reserved, and broadcast
];

/// All that IPv6 gives out for the open Internet: loopback, unique local, link-local, multicast, and IPv4 in older forms lie
/// outside.
const GLOBAL_V6: &str = "2000::/3";

/// What within [`GLOBAL_V6`] is not the open Internet.
const SPECIAL_V6: [&str; 4] = [
    "2001::/23",     // protocol assignments, tunnels to an IPv4 address among them
    "2001:db8::/32", // documentation
    "2002::/16",     // tunnels to an IPv4 address, retired
    "3fff::/20",     // documentation
];

/// Where IPv6 networks without IPv4 find an IPv4 address (NAT64).
const TRANSLATED: &str = "64:ff9b::/96";

static V4: LazyLock<Vec<Ipv4Net>> = LazyLock::new(|| SPECIAL_V4.iter().map(|net| read(net)).collect());
static V6: LazyLock<Vec<Ipv6Net>> = LazyLock::new(|| SPECIAL_V6.iter().map(|net| read(net)).collect());
static GLOBAL: LazyLock<Ipv6Net> = LazyLock::new(|| read(GLOBAL_V6));
static NAT64: LazyLock<Ipv6Net> = LazyLock::new(|| read(TRANSLATED));

/// Whether this is an address of the open Internet.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match embedded(address) {
            Some(address) => is_public_v4(address),
            None => GLOBAL.contains(&address) && !V6.iter().any(|net| net.contains(&address)),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !V4.iter().any(|net| net.contains(&address))
}

/// The IPv4 address that is really meant.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [.., a, b, c, d] = address.octets();
    let translated = NAT64.contains(&address).then(|| Ipv4Addr::new(a, b, c, d));
    address.to_ipv4_mapped().or(translated)
}

fn read<N: std::str::FromStr<Err = ipnet::AddrParseError>>(net: &str) -> N {
    net.parse().expect("the lists hold networks")
}

#[cfg(test)]
mod tests;
