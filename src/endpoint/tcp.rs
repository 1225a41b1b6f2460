//! Addresses of the tcp transport, read as leniently as libzmq does.

#![forbid(unsafe_code)]

use super::numeric::leading_int;
use crate::error::{Error, Result};

/// A tcp address: the text after `tcp://`, and the result of parsing it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpAddress {
    text: String,
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

    /// The text after `tcp://`.
    pub fn text(&self) -> &str {
        &self.text
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
