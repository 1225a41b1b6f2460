//! `host:port/path`, the text after `ws://`.

#![forbid(unsafe_code)]

use super::super::interface::{Address, Transport};
use super::super::tcp::Tcp;
use crate::error::{Error, Result};

/// The address of a WebSocket.
#[derive(Debug)]
pub(super) struct WsAddress {
    /// What follows `://`.
    pub(super) text: String,
    /// Host and port.
    pub(super) below: Box<dyn Address>,
    /// What the client asks for: `/` or what follows the port.
    pub(super) path: String,
    /// `wss`.
    pub(super) secure: bool,
}

impl WsAddress {
    /// Reads an address to bind. Errors as for tcp, and `Invalid` for a path that an HTTP
    /// request cannot hold.
    pub(super) fn bind(text: &[u8], secure: bool) -> Result<WsAddress> {
        WsAddress::parse(text, secure, |authority| Tcp.parse_bind(authority))
    }

    /// Reads an address to connect to. Errors as for [`bind`](Self::bind).
    pub(super) fn connect(text: &[u8], secure: bool) -> Result<WsAddress> {
        WsAddress::parse(text, secure, |authority| Tcp.parse_connect(authority))
    }

    fn parse(
        text: &[u8],
        secure: bool,
        below: impl FnOnce(&[u8]) -> Result<Box<dyn Address>>,
    ) -> Result<WsAddress> {
        let text = std::str::from_utf8(text).map_err(|_| Error::Invalid)?;
        let slash = text.find('/').unwrap_or(text.len());
        let (authority, path) = text.split_at(slash);
        if !path.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::Invalid);
        }
        Ok(WsAddress {
            text: text.to_owned(),
            below: below(authority.as_bytes())?,
            path: if path.is_empty() { "/" } else { path }.to_owned(),
            secure,
        })
    }

    /// The name before `://`.
    pub(super) fn scheme(&self) -> &'static str {
        if self.secure { "wss" } else { "ws" }
    }

    /// The Host field of a request: host and port, the latter unless it is the usual one.
    pub(super) fn host(&self) -> String {
        let usual = if self.secure { 443 } else { 80 };
        let slash = self.text.find('/').unwrap_or(self.text.len());
        let authority = &self.text[..slash];
        // A source address comes before the target.
        let target = authority.rsplit(';').next().unwrap_or(authority);
        match target.rsplit_once(':') {
            Some((host, port)) if port.parse() == Ok(usual) => host.to_owned(),
            _ => target.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_may_follow_the_port() {
        for (text, path, host) in [
            ("127.0.0.1:80", "/", "127.0.0.1"),
            ("127.0.0.1:8080/", "/", "127.0.0.1:8080"),
            ("example.test:80/a/b:c?d=e", "/a/b:c?d=e", "example.test"),
            ("[::1]:81/x", "/x", "[::1]:81"),
            ("127.0.0.1:0;example.test:80/x", "/x", "example.test"),
        ] {
            let address = WsAddress::connect(text.as_bytes(), false).unwrap();
            assert_eq!((&*address.path, &*address.host()), (path, host), "{text}");
            assert_eq!(address.text, text);
        }
        assert_eq!(WsAddress::bind(b"*:*/x", true).unwrap().path, "/x");
        assert_eq!(WsAddress::connect(b"a:443", true).unwrap().host(), "a");
    }

    #[test]
    fn what_no_request_can_hold_is_refused() {
        for text in [
            "127.0.0.1:80/a b",
            "127.0.0.1:80/a\r\nX: y",
            "127.0.0.1",
            "/x",
            "a:80/\u{e9}",
        ] {
            assert!(
                WsAddress::connect(text.as_bytes(), false).is_err(),
                "{text}"
            );
            assert!(WsAddress::bind(text.as_bytes(), false).is_err(), "{text}");
        }
    }
}
