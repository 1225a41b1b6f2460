//! Parses text to an [`Endpoint`].

#![forbid(unsafe_code)]

use super::{Endpoint, IpcAddress, Scheme, TcpAddress, TipcAddress, VsockAddress};
use crate::error::{Error, Result};

/// Splits `scheme://address` and looks the scheme up.
///
/// Errors: `Invalid` without `://` or with nothing on one side of it;
/// `ProtoNotSupported` for a scheme that is not in the table; `NoCompatProto` for udp, which
/// libzmq always has, but not for any socket type of this library.
pub fn split(text: &[u8]) -> Result<(Scheme, &[u8])> {
    let at = text
        .windows(3)
        .position(|window| window == b"://")
        .ok_or(Error::Invalid)?;
    let (name, address) = (&text[..at], &text[at + 3..]);
    if name.is_empty() || address.is_empty() {
        return Err(Error::Invalid);
    }
    let scheme = Scheme::from_name(name).ok_or(match name {
        b"udp" => Error::NoCompatProto,
        _ => Error::ProtoNotSupported,
    })?;
    Ok((scheme, address))
}

/// Reads an endpoint given to `zmq_bind`.
///
/// Errors: those of [`split`]; `Invalid` and `NameTooLong` for an address that the transport
/// does not have.
pub fn bind(text: &[u8]) -> Result<Endpoint> {
    let (scheme, address) = split(text)?;
    Ok(match scheme {
        Scheme::Inproc => Endpoint::Inproc(address.to_vec()),
        Scheme::Ipc => Endpoint::Ipc(IpcAddress::bind(address)?),
        Scheme::Tcp => Endpoint::Tcp(Box::new(TcpAddress::bind(address)?)),
        Scheme::Tipc => Endpoint::Tipc(TipcAddress::bind(address)?),
        Scheme::Vsock => Endpoint::Vsock(VsockAddress::parse(address)?),
    })
}

/// Reads an endpoint given to `zmq_connect`. Errors as for [`bind`].
pub fn connect(text: &[u8]) -> Result<Endpoint> {
    let (scheme, address) = split(text)?;
    Ok(match scheme {
        Scheme::Inproc => Endpoint::Inproc(address.to_vec()),
        Scheme::Ipc => Endpoint::Ipc(IpcAddress::connect(address)?),
        Scheme::Tcp => Endpoint::Tcp(Box::new(TcpAddress::connect(address)?)),
        Scheme::Tipc => Endpoint::Tipc(TipcAddress::connect(address)?),
        Scheme::Vsock => Endpoint::Vsock(VsockAddress::parse(address)?),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{HostPort, Scope, TcpRoute};
    use super::*;

    fn host_port(host: &str, scope: Option<Scope>, port: u16) -> HostPort {
        HostPort {
            host: host.to_owned(),
            scope,
            port,
        }
    }

    fn route(endpoint: Result<Endpoint>) -> Result<TcpRoute> {
        match endpoint? {
            Endpoint::Tcp(address) => address.route().cloned(),
            other => panic!("not tcp: {other:?}"),
        }
    }

    #[test]
    fn schemes() {
        for (text, expected) in [
            ("", Error::Invalid),
            ("tcp", Error::Invalid),
            ("tcp:/x", Error::Invalid),
            ("tcp://", Error::Invalid),
            ("://x", Error::Invalid),
            ("://", Error::Invalid),
            ("foo://", Error::Invalid),
            ("foo://x", Error::ProtoNotSupported),
            ("udp://127.0.0.1:5555", Error::NoCompatProto),
            ("udp://", Error::Invalid),
            ("TCP://127.0.0.1:0", Error::ProtoNotSupported),
            (" tcp://127.0.0.1:0", Error::ProtoNotSupported),
        ] {
            assert_eq!(bind(text.as_bytes()), Err(expected), "bind {text:?}");
            assert_eq!(connect(text.as_bytes()), Err(expected), "connect {text:?}");
        }
        let inproc = Ok(Endpoint::Inproc(b"a://b".to_vec()));
        assert_eq!(bind(b"inproc://a://b"), inproc);
        assert_eq!(connect(b"inproc://a://b"), inproc);
    }

    #[test]
    fn tcp_bind_accepts() {
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
            let text = format!("tcp://{text}");
            assert_eq!(route(bind(text.as_bytes())), Ok(expected), "{text}");
        }
    }

    #[test]
    fn tcp_bind_refuses() {
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
            let text = format!("tcp://{text}");
            assert_eq!(bind(text.as_bytes()), Err(Error::Invalid), "{text}");
        }
    }

    #[test]
    fn tcp_source_addresses() {
        for (text, source, target) in [
            (
                "127.0.0.1:0;127.0.0.1:5",
                ("127.0.0.1", 0),
                ("127.0.0.1", 5),
            ),
            ("lo:*;127.0.0.1:5", ("lo", 0), ("127.0.0.1", 5)),
            ("[::1]:4;[::1]:5", ("::1", 4), ("::1", 5)),
        ] {
            let text = format!("tcp://{text}");
            let expected = TcpRoute {
                source: Some(host_port(source.0, None, source.1)),
                target: host_port(target.0, None, target.1),
            };
            assert_eq!(route(bind(text.as_bytes())), Ok(expected.clone()), "{text}");
            assert_eq!(route(connect(text.as_bytes())), Ok(expected), "{text}");
        }
        assert!(route(bind(b"tcp://*:*;*:*")).is_ok());
    }

    #[test]
    fn tcp_connect_checks_only_the_spelling() {
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
            let text = format!("tcp://{text}");
            assert_eq!(connect(text.as_bytes()), Err(Error::Invalid), "{text}");
        }
        assert_eq!(connect(b"tcp://\xff:5"), Err(Error::Invalid));
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
            let text = format!("tcp://{text}");
            let expected = TcpRoute {
                source: None,
                target: host_port(host, None, port),
            };
            assert_eq!(route(connect(text.as_bytes())), Ok(expected), "{text}");
        }
        // Accepted like libzmq does, and failing at each attempt.
        for text in ["a:65536", "a%:5", "a;b:5", "a:00"] {
            let text = format!("tcp://{text}");
            assert!(connect(text.as_bytes()).is_ok(), "{text}");
            assert_eq!(
                route(connect(text.as_bytes())),
                Err(Error::Invalid),
                "{text}"
            );
        }
    }

    #[test]
    fn ipc_addresses() {
        let long = |n: usize| "x".repeat(n);
        for (text, bound, connected) in [
            ("a".into(), Ok(IpcAddress::Path(b"a".to_vec())), None),
            (
                "/t/a:b".into(),
                Ok(IpcAddress::Path(b"/t/a:b".to_vec())),
                None,
            ),
            ("@a".into(), Ok(IpcAddress::Abstract(b"a".to_vec())), None),
            ("@".into(), Err(Error::Invalid), None),
            ("a\0b".into(), Err(Error::Invalid), None),
            (
                "*".into(),
                Ok(IpcAddress::Wildcard),
                Some(IpcAddress::Path(b"*".to_vec())),
            ),
            (
                "*ab".into(),
                Ok(IpcAddress::Wildcard),
                Some(IpcAddress::Path(b"*ab".to_vec())),
            ),
            (
                long(107),
                Ok(IpcAddress::Path(long(107).into_bytes())),
                None,
            ),
            (long(108), Err(Error::NameTooLong), None),
            (
                format!("@{}", long(106)),
                Ok(IpcAddress::Abstract(long(106).into_bytes())),
                None,
            ),
            (format!("@{}", long(107)), Err(Error::NameTooLong), None),
        ] {
            let text = format!("ipc://{text}");
            let connected = connected.map_or(bound.clone(), Ok).map(Endpoint::Ipc);
            assert_eq!(
                bind(text.as_bytes()),
                bound.map(Endpoint::Ipc),
                "bind {text:?}"
            );
            assert_eq!(connect(text.as_bytes()), connected, "connect {text:?}");
        }
        assert!(bind(b"ipc:///a/\xff").is_ok(), "any byte but NUL");
    }

    #[test]
    fn text_comes_back_as_given() {
        for text in [
            "inproc://a",
            "ipc://@a",
            "ipc:///a/b",
            "tcp://lo:*;127.0.0.1:5x",
        ] {
            let endpoint = bind(text.as_bytes()).expect(text);
            assert_eq!(endpoint.text(), text.as_bytes());
        }
        assert_eq!(bind(b"ipc://*").expect("wildcard").text(), b"ipc://*");
    }

    proptest! {
        #[test]
        fn parsing_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..160)) {
            let _ = bind(&bytes);
            let _ = connect(&bytes);
        }

        #[test]
        fn parsing_addresses_never_panics(text in "(tcp|ipc|inproc)://[-\\[\\]0-9a-fx%:;*@. \u{e9}]{0,120}") {
            let bound = bind(text.as_bytes());
            if let Ok(endpoint) = connect(text.as_bytes()) {
                // Whatever can be connected to is found again under its text.
                prop_assert_eq!(endpoint.text(), text.as_bytes());
            }
            if let Ok(Endpoint::Ipc(IpcAddress::Path(path))) = bound {
                prop_assert!(path.len() <= super::super::IPC_NAME_MAX);
            }
        }
    }
}
