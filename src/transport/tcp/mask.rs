//! Address filters: `ZMQ_TCP_ACCEPT_FILTER`.

#![forbid(unsafe_code)]

use std::net::IpAddr;

use super::numeric::{leading_int, parse_numeric};
use crate::error::{Error, Result};

/// A network, `address[/bits]`, that the addresses of peers are matched against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressMask {
    network: IpAddr,
    bits: u32,
}

impl AddressMask {
    /// Reads a numeric address with an optional prefix length in bits; without one the whole
    /// address must match. `ipv6` is the socket's `ZMQ_IPV6`: with it an IPv4 address is mapped
    /// to IPv6, and the bits count from the start of the mapped address.
    ///
    /// A NUL ends the text. Errors: `Invalid`.
    pub fn parse(text: &[u8], ipv6: bool) -> Result<AddressMask> {
        let text = text.split(|b| *b == 0).next().unwrap_or_default();
        let text = std::str::from_utf8(text).map_err(|_| Error::Invalid)?;
        let (host, mask) = match text.rsplit_once('/') {
            Some((host, mask)) => (host, Some(mask)),
            None => (text, None),
        };
        let host = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(host);
        let network = parse_numeric(host, ipv6).ok_or(Error::Invalid)?;
        let width = if network.is_ipv6() { 128 } else { 32 };
        let bits = match mask {
            None => width,
            Some("0") => 0,
            Some(digits) => match u32::try_from(leading_int(digits.as_bytes())) {
                Ok(bits @ 1..) if bits <= width => bits,
                _ => return Err(Error::Invalid),
            },
        };
        Ok(AddressMask { network, bits })
    }

    /// Whether `peer` is in the network. The families must be the same.
    pub fn matches(&self, peer: IpAddr) -> bool {
        let (network, peer, width) = match (self.network, peer) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                (u128::from(a.to_bits()), u128::from(b.to_bits()), 32)
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits(), b.to_bits(), 128),
            _ => return false,
        };
        // Zero bits match any address; the shift by the whole width would overflow.
        self.bits == 0 || (network ^ peer) >> (width - self.bits) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_match_by_prefix() {
        for (mask, ipv6, peer, expected) in [
            ("127.0.0.1", false, "127.0.0.1", true),
            ("127.0.0.1", false, "127.0.0.2", false),
            ("127.0.0.1/8", false, "127.200.0.2", true),
            ("127.0.0.1/9", false, "127.200.0.2", false),
            ("10.0.0.0/0", false, "127.0.0.1", true),
            ("10.0.0.0/0", false, "::1", false),
            ("::1/128", true, "::1", true),
            ("[::1]", true, "::2", false),
            ("127.0.0.1/128", true, "::ffff:127.0.0.1", true),
            ("127.0.0.1/32", true, "::1", true),
        ] {
            let parsed = AddressMask::parse(mask.as_bytes(), ipv6).expect(mask);
            let peer = peer.parse().expect("test address");
            assert_eq!(parsed.matches(peer), expected, "{mask} {peer}");
        }
    }

    #[test]
    fn bad_masks_are_refused() {
        for text in [
            "",
            "localhost",
            "1.2.3.4/",
            "1.2.3.4/33",
            "1.2.3.4/-1",
            "1.2.3.4/x",
            "::1",
        ] {
            assert_eq!(
                AddressMask::parse(text.as_bytes(), false),
                Err(Error::Invalid),
                "{text}"
            );
        }
        assert!(AddressMask::parse(b"::1/129", true).is_err());
    }
}
