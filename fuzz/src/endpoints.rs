//! Endpoint texts, address masks and numeric hosts.

#![forbid(unsafe_code)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use zmq::testing::error::{Error, Result};
use zmq::testing::transport::{AddressMask, Endpoint, HostPort, IPC_NAME_MAX, parse_numeric};

/// The input is a text, to bind and to connect.
pub fn run(input: &[u8]) {
    check(input, Endpoint::parse_bind);
    check(input, Endpoint::parse_connect);
    let text = String::from_utf8_lossy(input);
    for wildcard in [false, true] {
        if let Ok(parsed) = HostPort::parse(&text, wildcard) {
            assert!(text.contains(&parsed.host));
        }
    }
    masks(input);
    numbers(&text);
}

/// What was understood is understood again from what is shown.
fn check(text: &[u8], parse: fn(&[u8]) -> Result<Endpoint>) {
    let endpoint = match parse(text) {
        Ok(endpoint) => endpoint,
        Err(error) => {
            use Error::{Invalid, NameTooLong, NoCompatProto, ProtoNotSupported};
            let documented = [Invalid, NameTooLong, NoCompatProto, ProtoNotSupported];
            return assert!(documented.contains(&error), "{error:?}");
        }
    };
    let name = endpoint.spec().name;
    assert!(text.starts_with(name.as_bytes()) && text[name.len()..].starts_with(b"://"));
    let shown = endpoint.text();
    let _ = endpoint.address().host_and_port();
    match name {
        "inproc" => assert_eq!(shown, text),
        "ipc" => assert!(shown.len() <= "ipc://".len() + IPC_NAME_MAX),
        // A name shows its domain as if it were the end of a range.
        "tipc" => return,
        _ => {}
    }
    let again = parse(&shown).map(|endpoint| endpoint.text());
    assert_eq!(again, Ok(shown));
}

fn masks(text: &[u8]) {
    for ipv6 in [false, true] {
        let Ok(mask) = AddressMask::parse(text, ipv6) else {
            continue;
        };
        for address in [
            Ipv4Addr::UNSPECIFIED,
            Ipv4Addr::LOCALHOST,
            Ipv4Addr::BROADCAST,
        ] {
            mask.matches(address.into());
            mask.matches(address.to_ipv6_mapped().into());
        }
        mask.matches(Ipv6Addr::LOCALHOST.into());
        // Without bits the address is the only one that matches.
        let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
        let host = String::from_utf8_lossy(text);
        if let Some(address) = parse_numeric(&host, ipv6) {
            assert!(mask.matches(address));
        }
    }
}

/// Where the standard library has an opinion it is ours as well.
fn numbers(host: &str) {
    if let Ok(four) = host.parse::<Ipv4Addr>() {
        assert_eq!(parse_numeric(host, false), Some(IpAddr::V4(four)));
        let mapped = IpAddr::V6(four.to_ipv6_mapped());
        assert_eq!(parse_numeric(host, true), Some(mapped));
    }
    let six = host.parse::<Ipv6Addr>().ok();
    if let Some(six) = six {
        assert_eq!(parse_numeric(host, true), Some(IpAddr::V6(six)));
    }
    let (without, with) = (parse_numeric(host, false), parse_numeric(host, true));
    assert!(without.is_none_or(|address| address.is_ipv4()));
    assert!(with.is_none_or(|address| address.is_ipv6()));
    assert!(without.is_none() || with.is_some());
}
