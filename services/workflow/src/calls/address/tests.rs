use super::*;
use proptest::prelude::*;

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn what_is_not_the_open_internet_is_known_in_every_form() {
    let special = [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.100.100.200",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.7",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::8.8.8.8",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:0:127.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::169.254.169.254",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:10::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "2002:0808:0808::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    ];
    for text in special {
        assert!(!is_public(address(text)), "{text}");
    }
}

#[test]
fn the_open_internet_is_public_up_to_its_edges() {
    let public = [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.255.255",
        "192.169.0.0",
        "223.255.255.255",
        "2606:4700:4700::1111",
        "2a00:1450:4001:80b::200e",
        "2001:4860:4860::8888",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
    ];
    for text in public {
        assert!(is_public(address(text)), "{text}");
    }
}

/// What the standard library and the registries' text say, written without this module's lists.
fn is_special_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, d] = address.octets();
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || address.is_unspecified()
        || a == 0
        || a >= 240
        || (a == 100 && b & 0xc0 == 64)
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && b & 0xfe == 18)
        || [a, b, c, d] == [168, 63, 129, 16]
}

fn is_special_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || address.is_unique_local()
        || address.is_unicast_link_local()
        || !(0x2000..0x4000).contains(&a)
        || (a == 0x2001 && (b < 0x200 || b == 0xdb8))
        || a == 0x2002
        || (a == 0x3fff && b < 0x1000)
}

/// Also the edges of networks, which evenly drawn addresses would miss.
fn any_v4() -> impl Strategy<Value = Ipv4Addr> {
    let edge = (proptest::sample::select(&SPECIAL_V4[..]), -2_i64..=2, any::<bool>()).prop_map(
        |(net, beside, last)| {
            let net: Ipv4Net = net.parse().unwrap();
            let edge = if last { net.broadcast() } else { net.network() };
            Ipv4Addr::from_bits((i64::from(edge.to_bits()) + beside) as u32)
        },
    );
    prop_oneof![any::<u32>().prop_map(Ipv4Addr::from_bits), edge]
}

fn any_v6() -> impl Strategy<Value = Ipv6Addr> {
    let near = (0x1ffe_u16..0x4002, any::<[u16; 7]>());
    let near = near.prop_map(|(a, [b, c, d, e, f, g, h])| Ipv6Addr::new(a, b, c, d, e, f, g, h));
    let special = proptest::sample::select(&[0x2001_u16, 0x2002, 0x3fff][..]);
    let special = (special, 0_u16..0x2000, any::<u64>())
        .prop_map(|(a, b, rest)| Ipv6Addr::new(a, b, (rest >> 48) as u16, 0, 0, 0, 0, rest as u16));
    prop_oneof![any::<u128>().prop_map(Ipv6Addr::from_bits), near, special]
}

proptest! {
    #[test]
    fn ipv4_is_judged_as_an_independent_list_judges_it_in_each_of_its_spellings(address in any_v4()) {
        let public = !is_special_v4(address);
        prop_assert_eq!(is_public(address.into()), public);
        prop_assert_eq!(is_public(address.to_ipv6_mapped().into()), public);
        let [a, b, c, d] = address.octets().map(u16::from);
        let translated = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, a << 8 | b, c << 8 | d);
        prop_assert_eq!(is_public(translated.into()), public);
        let (compatible, tunnel) = (address.to_ipv6_compatible(), Ipv6Addr::new(0x2002, a << 8 | b, c << 8 | d, 0, 0, 0, 0, 1));
        prop_assert!(!is_public(compatible.into()) && !is_public(tunnel.into()));
    }

    #[test]
    fn ipv6_is_judged_as_an_independent_list_judges_it(address in any_v6()) {
        prop_assume!(embedded(address).is_none());
        prop_assert_eq!(is_public(address.into()), !is_special_v6(address));
    }
}
