//! Numeric hosts, and numbers read as leniently as libzmq does.

#![forbid(unsafe_code)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Reads a numeric host the way the C resolver does, without a name service.
///
/// IPv4 may be written in any of the traditional forms (`127.1`, `0x7f000001`).
/// With `ipv6` the result is always an IPv6 address, and an IPv4 one is mapped into
/// `::ffff:0:0/96`. Without it the result is always an IPv4 address, and of IPv6 literals only
/// mapped ones are accepted.
pub fn parse_numeric(host: &str, ipv6: bool) -> Option<IpAddr> {
    let six = || host.parse::<Ipv6Addr>().ok();
    match (parse_ipv4(host), ipv6) {
        (Some(address), false) => Some(IpAddr::V4(address)),
        (Some(address), true) => Some(IpAddr::V6(address.to_ipv6_mapped())),
        (None, false) => six()?.to_ipv4_mapped().map(IpAddr::V4),
        (None, true) => six().map(IpAddr::V6),
    }
}

/// One to four parts; the last one is the value of all bytes that are left.
fn parse_ipv4(host: &str) -> Option<Ipv4Addr> {
    let mut value: u32 = 0;
    let mut parts = host.split('.');
    for index in 0..4u32 {
        let number = parse_part(parts.next()?)?;
        if parts.clone().next().is_none() {
            let limit = u64::from(u32::MAX >> (8 * index));
            if u64::from(number) > limit {
                return None;
            }
            return Some(Ipv4Addr::from(value | number));
        }
        if index == 3 || number > 255 {
            return None;
        }
        value |= number << (24 - 8 * index);
    }
    None
}

/// Decimal, `0x` hexadecimal or `0` octal.
fn parse_part(part: &str) -> Option<u32> {
    let lower = part.as_bytes();
    let (digits, radix) = match lower {
        [b'0', b'x' | b'X', ..] => (&part[2..], 16),
        [b'0', _, ..] => (&part[1..], 8),
        _ => (part, 10),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    u32::from_str_radix(digits, radix).ok()
}

/// C's `atoi` on a 64-bit system: blanks, a sign, digits, then anything. A number out of the
/// range of `long` saturates, and the result is truncated to `int`.
pub(super) fn leading_int(text: &[u8]) -> i32 {
    let blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r');
    let start = text.iter().take_while(|b| blank(b)).count();
    let text = &text[start..];
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let mut value: i64 = 0;
    for digit in digits.iter().take_while(|b| b.is_ascii_digit()) {
        let digit = i64::from(digit - b'0');
        value = value.saturating_mul(10);
        value = if negative {
            value.saturating_sub(digit)
        } else {
            value.saturating_add(digit)
        };
    }
    value as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traditional_ipv4_forms() {
        for (text, expected) in [
            ("127.0.0.1", Some([127, 0, 0, 1])),
            ("127.1", Some([127, 0, 0, 1])),
            ("127.0.1", Some([127, 0, 0, 1])),
            ("10.1.65535", Some([10, 1, 255, 255])),
            ("10.1.65536", None),
            ("0x7f.1", Some([127, 0, 0, 1])),
            ("2130706433", Some([127, 0, 0, 1])),
            ("4294967295", Some([255, 255, 255, 255])),
            ("4294967296", None),
            ("0", Some([0, 0, 0, 0])),
            ("010.0.0.1", Some([8, 0, 0, 1])),
            ("08.0.0.1", None),
            ("256.1.1.1", None),
            ("1.2.3.256", None),
            ("1.2.3.4.5", None),
            ("1.2.3.", None),
            (".1", None),
            ("", None),
            ("0x", None),
            ("+1", None),
            ("1 ", None),
            ("a", None),
        ] {
            let expected = expected.map(|b| IpAddr::V4(Ipv4Addr::from(b)));
            assert_eq!(parse_numeric(text, false), expected, "{text:?}");
        }
    }

    #[test]
    fn ipv6_only_when_asked_for() {
        assert_eq!(parse_numeric("::1", false), None);
        assert_eq!(
            parse_numeric("::1", true),
            Some(IpAddr::V6(Ipv6Addr::LOCALHOST))
        );
        assert_eq!(
            parse_numeric("127.1", true),
            Some(IpAddr::V6(Ipv4Addr::LOCALHOST.to_ipv6_mapped()))
        );
        assert_eq!(parse_numeric("[::1]", true), None);
        assert_eq!(
            parse_numeric("::ffff:127.0.0.1", false),
            Some(IpAddr::V4(Ipv4Addr::LOCALHOST))
        );
    }

    #[test]
    fn numbers_are_as_lenient_as_atoi() {
        for (text, expected) in [
            ("12", 12),
            (" \t12ab", 12),
            ("+7", 7),
            ("-1", -1),
            ("- 1", 0),
            ("", 0),
            ("x", 0),
            ("99999999999999999999", -1),
            ("-99999999999999999999", 0),
            ("4294967296", 0),
        ] {
            assert_eq!(leading_int(text.as_bytes()), expected, "{text:?}");
        }
    }
}
