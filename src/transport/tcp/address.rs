//! tcp addresses as text, read as leniently as libzmq does.

#![forbid(unsafe_code)]

use super::numeric::leading_int;
use crate::error::{Error, Result};

/// A tcp address: the text after `tcp://`, and the result of parsing it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpAddress {
    /// What follows `tcp://`.
    pub text: String,
    route: Result<TcpRoute>,
}

/// Both ends of a tcp address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpRoute {
    /// The address before `;`, to connect from. `bind` checks it and ignores it.
    pub source: Option<HostPort>,
    /// The address to bind or to connect to.
    pub target: HostPort,
}

/// One `host:port`, brackets and scope taken off the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    /// `*`, a numeric address, an interface name or a host name. May be empty, which does not
    /// resolve.
    pub host: String,
    /// The interface named after `%`.
    pub scope: Option<Scope>,
    /// Port in host byte order; 0 stands for an ephemeral one.
    pub port: u16,
}

/// The zone of an IPv6 address (RFC 4007).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Interface index, never 0.
    Index(u32),
    /// Interface name, starting with a letter.
    Name(String),
}

impl TcpAddress {
    /// Reads the part after `tcp://` of an address to bind.
    ///
    /// Errors: `Invalid` for a missing, empty or zero port and for a bad scope.
    pub fn bind(text: &[u8]) -> Result<TcpAddress> {
        let text = String::from_utf8_lossy(text).into_owned();
        let route = TcpRoute::parse(&text, true)?;
        Ok(TcpAddress {
            text,
            route: Ok(route),
        })
    }

    /// Reads the part after `tcp://` of an address to connect to.
    ///
    /// Only the characters and the first one of the port are checked here (`Invalid`). As in
    /// libzmq, another bad address (`a:65536`) is accepted, and each attempt to connect fails
    /// with the error of [`Self::route`].
    pub fn connect(text: &[u8]) -> Result<TcpAddress> {
        let Ok(text) = std::str::from_utf8(text) else {
            return Err(Error::Invalid);
        };
        let bytes = text.as_bytes();
        let first = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'[' | b':');
        let later = |b: &u8| b.is_ascii_alphanumeric() || b".-:%;[]_*".contains(b);
        let spelled = bytes.first().is_some_and(first) && bytes.iter().skip(1).all(later);
        let port = bytes.rsplit(|b| *b == b':').next().unwrap_or_default();
        let has_port = port.len() < bytes.len() && port.first().is_some_and(u8::is_ascii_digit);
        if !spelled || !has_port {
            return Err(Error::Invalid);
        }
        Ok(TcpAddress {
            text: text.to_owned(),
            route: TcpRoute::parse(text, false),
        })
    }

    /// The two ends. Errors: `Invalid`, of an address to connect to only.
    pub fn route(&self) -> Result<&TcpRoute> {
        match &self.route {
            Ok(route) => Ok(route),
            Err(error) => Err(*error),
        }
    }
}

impl TcpRoute {
    fn parse(text: &str, bind: bool) -> Result<TcpRoute> {
        // The last `;` splits; an earlier one is in the source, which is then invalid.
        let (source, target) = match text.rsplit_once(';') {
            Some((source, target)) => (Some(HostPort::parse(source, true)?), target),
            None => (None, text),
        };
        Ok(TcpRoute {
            source,
            target: HostPort::parse(target, bind)?,
        })
    }
}

impl HostPort {
    /// Reads `host:port`; the last colon splits, so IPv6 needs no brackets.
    /// `wildcard_port`: the port may be `*`.
    ///
    /// Errors: `Invalid`.
    pub fn parse(text: &str, wildcard_port: bool) -> Result<HostPort> {
        let (host, port) = text.rsplit_once(':').ok_or(Error::Invalid)?;
        let port = match port {
            "*" if wildcard_port => 0,
            "0" => 0,
            // Truncated to 16 bits, as in libzmq.
            digits => match leading_int(digits.as_bytes()) as u16 {
                0 => return Err(Error::Invalid),
                port => port,
            },
        };
        let host = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(host);
        let (host, scope) = match host.rsplit_once('%') {
            Some((host, scope)) => (host, Some(Scope::parse(scope)?)),
            None => (host, None),
        };
        Ok(HostPort {
            host: host.to_owned(),
            scope,
            port,
        })
    }

    /// Whether the host is `*`, every local address.
    pub fn is_any(&self) -> bool {
        self.host == "*"
    }
}

impl Scope {
    fn parse(text: &str) -> Result<Scope> {
        if text.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return Ok(Scope::Name(text.to_owned()));
        }
        match leading_int(text.as_bytes()) as u32 {
            0 => Err(Error::Invalid),
            index => Ok(Scope::Index(index)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host_port(host: &str, scope: Option<Scope>, port: u16) -> HostPort {
        HostPort {
            host: host.to_owned(),
            scope,
            port,
        }
    }

    fn bind(text: &str) -> Result<TcpRoute> {
        TcpAddress::bind(text.as_bytes())?.route().cloned()
    }

    fn connect(text: &str) -> Result<TcpRoute> {
        TcpAddress::connect(text.as_bytes())?.route().cloned()
    }

    #[test]
    fn bind_accepts() {
        let lo = || Some(Scope::Name("lo".into()));
        for (text, host, scope, port) in [
            ("*:*", "*", None, 0),
            ("*:0", "*", None, 0),
            ("[*]:7", "*", None, 7),
            ("*%lo:7", "*", lo(), 7),
            ("127.0.0.1:99999", "127.0.0.1", None, 34463),
            ("127.0.0.1:-1", "127.0.0.1", None, 65535),
            ("127.0.0.1:12ab", "127.0.0.1", None, 12),
            ("127.0.0.1: 13", "127.0.0.1", None, 13),
            ("127.0.0.1:\t13", "127.0.0.1", None, 13),
            ("127.0.0.1:+14", "127.0.0.1", None, 14),
            ("127.0.0.1:1.5", "127.0.0.1", None, 1),
            ("127.0.0.1:99999999999999999999", "127.0.0.1", None, 65535),
            ("[127.0.0.1]:5", "127.0.0.1", None, 5),
            (":5", "", None, 5),
            ("[]:5", "", None, 5),
            ("::1:5", "::1", None, 5),
            ("[::1]:5", "::1", None, 5),
            ("[::1:5", "[::1", None, 5),
            ("::1]:5", "::1]", None, 5),
            ("lo:5", "lo", None, 5),
            ("eth0:1:5", "eth0:1", None, 5),
            ("[fe80::1%lo]:5", "fe80::1", lo(), 5),
            ("fe80::1%4:5", "fe80::1", Some(Scope::Index(4)), 5),
            ("fe80::1%4x:5", "fe80::1", Some(Scope::Index(4)), 5),
            ("1.2.3.4%-1:5", "1.2.3.4", Some(Scope::Index(u32::MAX)), 5),
            ("%lo:5", "", lo(), 5),
        ] {
            let expected = TcpRoute {
                source: None,
                target: host_port(host, scope, port),
            };
            assert_eq!(bind(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn bind_refuses() {
        for text in [
            "127.0.0.1",
            "127.0.0.1:",
            "127.0.0.1:abc",
            "127.0.0.1:65536",
            "127.0.0.1:00",
            "127.0.0.1:*x",
            "127.0.0.1%:5",
            "127.0.0.1%0:5",
            "[::1%]:5",
            "127.0.0.1;127.0.0.1:5",
            ";127.0.0.1:5",
            ":;127.0.0.1:5",
            "a;b;c:5",
        ] {
            assert_eq!(bind(text), Err(Error::Invalid), "{text}");
        }
    }

    #[test]
    fn source_addresses() {
        for (text, source, target) in [
            (
                "127.0.0.1:0;127.0.0.1:5",
                ("127.0.0.1", 0),
                ("127.0.0.1", 5),
            ),
            ("lo:*;127.0.0.1:5", ("lo", 0), ("127.0.0.1", 5)),
            ("[::1]:4;[::1]:5", ("::1", 4), ("::1", 5)),
        ] {
            let expected = TcpRoute {
                source: Some(host_port(source.0, None, source.1)),
                target: host_port(target.0, None, target.1),
            };
            assert_eq!(bind(text), Ok(expected.clone()), "{text}");
            assert_eq!(connect(text), Ok(expected), "{text}");
        }
        assert!(bind("*:*;*:*").is_ok());
    }

    #[test]
    fn connect_checks_only_the_spelling() {
        for text in [
            "127.0.0.1",
            "127.0.0.1:",
            "127.0.0.1:*",
            "*:5",
            "%lo:5",
            "-a:5",
            "_a:5",
            "a b:5",
            "a:5 x",
            "a/b:5",
            ";127.0.0.1:5",
            "]a:5",
            "a:-1",
            "\u{e9}:5",
            "5",
        ] {
            assert_eq!(connect(text), Err(Error::Invalid), "{text}");
        }
        assert!(TcpAddress::connect(b"\xff:5").is_err());
        for (text, host, port) in [
            ("127.0.0.1:0", "127.0.0.1", 0),
            (":5", "", 5),
            ("a*b:5", "a*b", 5),
            ("::1:5", "::1", 5),
            ("a:5x", "a", 5),
            ("a:99999", "a", 34463),
            ("[]:5", "", 5),
            (":5:5", ":5", 5),
        ] {
            let expected = TcpRoute {
                source: None,
                target: host_port(host, None, port),
            };
            assert_eq!(connect(text), Ok(expected), "{text}");
        }
        // Accepted like libzmq does, and failing at each attempt.
        for text in ["a:65536", "a%:5", "a;b:5", "a:00"] {
            assert!(TcpAddress::connect(text.as_bytes()).is_ok(), "{text}");
            assert_eq!(connect(text), Err(Error::Invalid), "{text}");
        }
    }
}
