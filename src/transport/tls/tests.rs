//! Both ends of TLS streams, over socket pairs.

#![forbid(unsafe_code)]

use super::super::byte_stream::ByteStream;
use super::super::ipc::Ipc;
use super::super::socket::SocketStream;
use super::super::stream::Stream;
use super::config::Credentials;
use super::stream::Tls;
use crate::sys::room::Room;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConnection, ServerConnection, SupportedProtocolVersion};
use std::io::{self, ErrorKind, IoSlice};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// An authority and what it has signed for a name, as PEM.
struct Signed {
    authority: String,
    certificate: String,
    key: String,
}

fn signed(name: &str) -> Signed {
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = params.self_signed(&authority_key).unwrap();
    let issuer = rcgen::Issuer::new(params, authority_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    Signed {
        authority: authority.pem(),
        certificate: certificate.pem(),
        key: key.serialize_pem(),
    }
}

impl Signed {
    fn identity(&self) -> Credentials<'_> {
        Credentials {
            certificates: self.certificate.as_bytes(),
            key: self.key.as_bytes(),
            ..Credentials::default()
        }
    }

    fn trust<'a>(&'a self, hostname: &'a str) -> Credentials<'a> {
        Credentials {
            trust: self.authority.as_bytes(),
            hostname,
            ..Credentials::default()
        }
    }
}

const BOTH: &[&SupportedProtocolVersion] = &[&TLS12, &TLS13];

fn pair(
    client: &Credentials<'_>,
    server: &Credentials<'_>,
    versions: [&[&'static SupportedProtocolVersion]; 2],
) -> [Tls; 2] {
    let (one, other) = UnixStream::pair().unwrap();
    let [one, other] = [one, other].map(|socket| {
        socket.set_nonblocking(true).unwrap();
        ByteStream::Socket(SocketStream::new(socket.into(), &Ipc))
    });
    let name = client.server_name().unwrap();
    let client = ClientConnection::new(client.client(versions[0]).unwrap(), name).unwrap();
    let server = ServerConnection::new(server.server(versions[1]).unwrap()).unwrap();
    [Tls::new(one, client, None), Tls::new(other, server, None)]
}

/// Writes `bytes` at one end while the other reads them.
fn carry(from: &Tls, to: &Tls, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let block = |outcome: io::Result<usize>| match outcome {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        other => other.map(Some),
    };
    let end = Instant::now() + Duration::from_secs(10);
    let (mut rest, mut got, mut buffer) = (bytes, Vec::new(), vec![0; 30_000]);
    while got.len() < bytes.len() {
        assert!(Instant::now() < end, "in time");
        match rest {
            [] => drop(block(from.flush().map(|()| 0))?),
            _ => {
                let (first, second) = rest.split_at(rest.len() / 2);
                let pieces = [IoSlice::new(first), IoSlice::new(second)];
                rest = &rest[block(from.write_vectored(&pieces))?.unwrap_or(0)..];
            }
        }
        match block(to.read(&mut Room::from(&mut buffer[..])))? {
            Some(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Some(count) => got.extend_from_slice(&buffer[..count]),
            None => assert!(!to.has_buffered_input()),
        }
        if from.has_pending_output() {
            assert!(from.interest(true, false).1);
        }
        shake(from)?;
    }
    Ok(got)
}

/// Reads what concerns the handshake alone.
fn shake(end: &Tls) -> io::Result<()> {
    match end.read(&mut Room::from(&mut [0; 1])) {
        Ok(count) => panic!("{count} bytes out of nowhere"),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
        Err(error) => Err(error),
    }
}

#[test]
fn bytes_go_both_ways_in_both_versions() {
    let server = signed("example.test");
    let bytes: Vec<u8> = (0..500_000).map(|i| (i * 31 % 251) as u8).collect();
    for versions in [BOTH, &[&TLS12], &[&TLS13]] {
        for hostname in ["example.test", ""] {
            let [one, other] = &pair(
                &server.trust(hostname),
                &server.identity(),
                [versions, BOTH],
            );
            assert!(carry(one, other, &bytes).unwrap() == bytes);
            assert!(carry(other, one, &bytes).unwrap() == bytes);
        }
    }
}

#[test]
fn the_end_is_told_from_a_loss() {
    let server = signed("example.test");
    let [one, other] = pair(&server.trust(""), &server.identity(), [BOTH, BOTH]);
    carry(&one, &other, b"hello").unwrap();
    drop(one);
    assert_eq!(other.read(&mut Room::from(&mut [0; 9])).unwrap(), 0);
}

#[test]
fn certificates_that_do_not_fit_are_refused() {
    let (server, stranger) = (signed("example.test"), signed("example.test"));
    for client in [server.trust("another.test"), stranger.trust("example.test")] {
        let [one, other] = &pair(&client, &server.identity(), [BOTH, BOTH]);
        let end = Instant::now() + Duration::from_secs(10);
        let errors = loop {
            assert!(Instant::now() < end, "in time");
            let errors = [one, other].map(|end| shake(end).err());
            if errors.iter().any(Option::is_some) {
                break errors;
            }
        };
        let [clients, servers] = errors;
        let error = clients.expect("the client's");
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert!(error.to_string().contains("certificate"), "{error}");
        // The server gets the alert.
        let error = servers
            .or_else(|| shake(other).err())
            .expect("the server's");
        assert!(error.to_string().contains("alert"), "{error}");
    }
}

#[test]
fn a_server_with_authorities_asks_for_a_certificate() {
    let (server, client) = (signed("example.test"), signed("client.test"));
    let asking = Credentials {
        trust: client.authority.as_bytes(),
        ..server.identity()
    };
    let known = Credentials {
        certificates: client.certificate.as_bytes(),
        key: client.key.as_bytes(),
        ..server.trust("")
    };
    let [one, other] = &pair(&known, &asking, [BOTH, BOTH]);
    assert_eq!(carry(one, other, b"hello").unwrap(), b"hello");
    let [one, other] = &pair(&server.trust(""), &asking, [BOTH, BOTH]);
    assert!(carry(one, other, b"hello").is_err());
}

#[test]
fn options_that_cannot_be_read_are_said_to_be() {
    let server = signed("example.test");
    let none = Credentials::default();
    assert!(none.server(BOTH).unwrap_err().contains("no certificate"));
    assert!(none.client(BOTH).unwrap_err().contains("no authority"));
    let wrong_key = Credentials {
        key: b"not a key",
        ..server.identity()
    };
    assert!(
        wrong_key
            .server(BOTH)
            .unwrap_err()
            .contains("ZMQ_WSS_KEY_PEM")
    );
    let others_key = signed("example.test").key;
    let others = Credentials {
        key: others_key.as_bytes(),
        ..server.identity()
    };
    assert!(others.server(BOTH).is_err());
    let no_name = server.trust("no name").server_name();
    assert!(no_name.unwrap_err().contains("ZMQ_WSS_HOSTNAME"));
}
