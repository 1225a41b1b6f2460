//! Internet addresses as endpoint text.

#![forbid(unsafe_code)]

use crate::sys::interfaces;
use std::net::{Ipv6Addr, SocketAddr};

/// `tcp://host:port` or `tcp://[host]:port`.
pub(super) fn endpoint_text(address: &SocketAddr) -> Vec<u8> {
    let (host, port) = (host_text(address), address.port());
    match address {
        SocketAddr::V4(_) => format!("tcp://{host}:{port}"),
        SocketAddr::V6(_) => format!("tcp://[{host}]:{port}"),
    }
    .into_bytes()
}

/// The numeric host, with `%interface` if it has a scope.
pub(super) fn host_text(address: &SocketAddr) -> String {
    let ip = match address {
        SocketAddr::V6(six) if six.scope_id() != 0 => {
            let scope = six.scope_id();
            let name = if is_link_local(six.ip()) {
                interfaces::name_of(scope)
            } else {
                None
            };
            let name = name.unwrap_or_else(|| scope.to_string());
            return format!("{}%{name}", six.ip());
        }
        other => other.ip(),
    };
    ip.to_string()
}

fn is_link_local(ip: &Ipv6Addr) -> bool {
    let [first, second, ..] = ip.octets();
    first == 0xfe && second & 0xc0 == 0x80 || first == 0xff && second & 0x0f == 2
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddrV6;

    use super::*;

    fn text(address: SocketAddr) -> String {
        String::from_utf8(endpoint_text(&address)).expect("numeric")
    }

    #[test]
    fn internet_addresses() {
        for (address, expected) in [
            ("1.2.3.4:5", "tcp://1.2.3.4:5"),
            ("[::]:5", "tcp://[::]:5"),
            ("[::ffff:1.2.3.4]:65535", "tcp://[::ffff:1.2.3.4]:65535"),
        ] {
            assert_eq!(text(address.parse().expect("test address")), expected);
        }
    }

    #[test]
    fn scopes_show_as_names_only_where_they_are_links() {
        let at = |ip: &str, scope| {
            let ip = ip.parse().expect("test address");
            text(SocketAddrV6::new(ip, 5, 0, scope).into())
        };
        assert_eq!(at("::1", 1), "tcp://[::1%1]:5");
        let first = interfaces::name_of(1).unwrap_or_else(|| "1".into());
        assert_eq!(at("fe80::1", 1), format!("tcp://[fe80::1%{first}]:5"));
        assert_eq!(at("fe80::1", 999_999), "tcp://[fe80::1%999999]:5");
    }
}
