//! A SOCKS5 client (RFC 1928, user names by RFC 1929), without I/O.
//!
//! The caller sends [`Socks::output`], reads exactly [`Socks::wanted`] bytes and passes
//! them to [`Socks::advance`], until that reports that the tunnel is open. So no byte from
//! beyond the tunnel is read here.

#![forbid(unsafe_code)]

use crate::options::Secret;
use std::net::IpAddr;

const VERSION: u8 = 5;
const AUTH_VERSION: u8 = 1;
const CONNECT: u8 = 1;

/// Authentication methods.
mod method {
    pub const NONE: u8 = 0;
    pub const USER_NAME: u8 = 2;
}

/// Address types.
mod address {
    pub const IPV4: u8 = 1;
    pub const NAME: u8 = 3;
    pub const IPV6: u8 = 4;
}

/// The proxy refused, or violates the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

/// What the client expects from the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Version and method.
    Choice,
    /// Version and status.
    AuthStatus,
    /// The first five bytes of the reply, the last of them a length if the
    /// address is a name.
    Reply,
    /// This many more bytes of the reply: the proxy's own address and port.
    Address(usize),
    Open,
}

/// The client's side of one negotiation.
#[derive(Debug)]
pub struct Socks {
    step: Step,
    /// The current request, and how much of it was sent.
    output: Secret<Vec<u8>>,
    sent: usize,
    request: Vec<u8>,
    login: Option<Secret<Vec<u8>>>,
}

impl Socks {
    /// A request for a connection to `host` (a numeric address, or a name, which the proxy
    /// resolves) and `port`. A non-empty `user` is offered as the only way to authenticate.
    ///
    /// Errors: [`Refused`] for a host name, user or password over 255 bytes.
    pub fn new(host: &str, port: u16, user: &[u8], password: &[u8]) -> Result<Socks, Refused> {
        let (offered, login) = match user {
            [] => (method::NONE, None),
            user => (method::USER_NAME, Some(login(user, password)?)),
        };
        Ok(Socks {
            step: Step::Choice,
            output: Secret::new(vec![VERSION, 1, offered]),
            sent: 0,
            request: request(host, port)?,
            login,
        })
    }

    /// Bytes to send to the proxy; empty while its answer is awaited.
    pub fn output(&self) -> &[u8] {
        &self.output.expose()[self.sent..]
    }

    /// Marks `count` bytes of [`output`](Self::output) as sent.
    pub fn sent(&mut self, count: usize) {
        self.sent += count.min(self.output().len());
    }

    /// How many bytes to read for the next [`advance`](Self::advance); 0 when
    /// the tunnel is open.
    pub fn wanted(&self) -> usize {
        match self.step {
            Step::Choice | Step::AuthStatus => 2,
            Step::Reply => 5,
            Step::Address(rest) => rest,
            Step::Open => 0,
        }
    }

    /// Takes exactly [`wanted`](Self::wanted) bytes from the proxy. True if the tunnel is
    /// open; otherwise continue with `output` and `wanted`.
    ///
    /// Errors: [`Refused`]; the connection must be closed then.
    pub fn advance(&mut self, bytes: &[u8]) -> Result<bool, Refused> {
        self.step = match (self.step, bytes) {
            (Step::Choice, &[VERSION, method::NONE]) => self.ask(),
            (Step::Choice, &[VERSION, method::USER_NAME]) => {
                let login = self.login.take().ok_or(Refused)?;
                self.say(login);
                Step::AuthStatus
            }
            (Step::AuthStatus, &[AUTH_VERSION, 0]) => self.ask(),
            (Step::Reply, &[VERSION, 0, 0, kind, first]) => Step::Address(match kind {
                address::IPV4 => 3 + 2,
                address::NAME => usize::from(first) + 2,
                address::IPV6 => 15 + 2,
                _ => return Err(Refused),
            }),
            (Step::Address(rest), bytes) if bytes.len() == rest => Step::Open,
            _ => return Err(Refused),
        };
        Ok(self.step == Step::Open)
    }

    fn ask(&mut self) -> Step {
        let request = std::mem::take(&mut self.request);
        self.say(Secret::new(request));
        Step::Reply
    }

    fn say(&mut self, output: Secret<Vec<u8>>) {
        self.output = output;
        self.sent = 0;
    }
}

fn login(user: &[u8], password: &[u8]) -> Result<Secret<Vec<u8>>, Refused> {
    // Allocated at its final size: a growing buffer would leave unwiped copies behind.
    let mut login = Vec::with_capacity(3 + user.len() + password.len());
    login.push(AUTH_VERSION);
    for part in [user, password] {
        login.push(u8::try_from(part.len()).map_err(|_| Refused)?);
        login.extend_from_slice(part);
    }
    Ok(Secret::new(login))
}

fn request(host: &str, port: u16) -> Result<Vec<u8>, Refused> {
    let mut request = vec![VERSION, CONNECT, 0];
    match host.parse() {
        Ok(IpAddr::V4(ip)) => {
            request.push(address::IPV4);
            request.extend_from_slice(&ip.octets());
        }
        Ok(IpAddr::V6(ip)) => {
            request.push(address::IPV6);
            request.extend_from_slice(&ip.octets());
        }
        Err(_) => {
            request.push(address::NAME);
            request.push(u8::try_from(host.len()).map_err(|_| Refused)?);
            request.extend_from_slice(host.as_bytes());
        }
    }
    request.extend_from_slice(&port.to_be_bytes());
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a negotiation: what the client must send, what the proxy answers.
    fn play(mut client: Socks, exchange: &[(&[u8], &[u8])]) -> Result<bool, Refused> {
        let mut open = false;
        for (expected, answer) in exchange {
            assert_eq!(client.output(), *expected);
            client.sent(1);
            client.sent(expected.len() - 1);
            assert!(client.output().is_empty());
            let mut rest = *answer;
            while !rest.is_empty() {
                let (now, later) = rest.split_at(client.wanted());
                open = client.advance(now)?;
                rest = later;
            }
        }
        Ok(open)
    }

    const OK4: &[u8] = &[5, 0, 0, 1, 127, 0, 0, 1, 0, 80];

    #[test]
    fn plain_requests() {
        let four = Socks::new("1.2.3.4", 258, b"", b"unused").unwrap();
        let exchange: &[(&[u8], &[u8])] = &[
            (&[5, 1, 0], &[5, 0]),
            (&[5, 1, 0, 1, 1, 2, 3, 4, 1, 2], OK4),
        ];
        assert_eq!(play(four, exchange), Ok(true));

        let six = Socks::new("::1", 80, b"", b"").unwrap();
        let mut request = vec![5, 1, 0, 4];
        request.extend([0; 15]);
        request.extend([1, 0, 80]);
        let reply = [&[5, 0, 0, 4][..], &[0; 18]].concat();
        let exchange: &[(&[u8], &[u8])] = &[(&[5, 1, 0], &[5, 0]), (&request, &reply)];
        assert_eq!(play(six, exchange), Ok(true));

        let name = Socks::new("somewhere", 80, b"", b"").unwrap();
        let exchange: &[(&[u8], &[u8])] = &[
            (&[5, 1, 0], &[5, 0]),
            (
                b"\x05\x01\x00\x03\x09somewhere\x00\x50",
                b"\x05\x00\x00\x03\x04host\x00\x50",
            ),
        ];
        assert_eq!(play(name, exchange), Ok(true));
    }

    #[test]
    fn user_names() {
        let client = || Socks::new("1.2.3.4", 80, b"me", b"").unwrap();
        let request: &[u8] = &[5, 1, 0, 1, 1, 2, 3, 4, 0, 80];
        let login: &[u8] = b"\x01\x02me\x00";
        let exchange: &[(&[u8], &[u8])] =
            &[(&[5, 1, 2], &[5, 2]), (login, &[1, 0]), (request, OK4)];
        assert_eq!(play(client(), exchange), Ok(true));
        // The proxy may choose to do without authentication.
        let exchange: &[(&[u8], &[u8])] = &[(&[5, 1, 2], &[5, 0]), (request, OK4)];
        assert_eq!(play(client(), exchange), Ok(true));
        for status in [&[1, 1], &[5, 0]] {
            let exchange: &[(&[u8], &[u8])] = &[(&[5, 1, 2], &[5, 2]), (login, status)];
            assert_eq!(play(client(), exchange), Err(Refused));
        }
    }

    #[test]
    fn debug_output_shows_no_password() {
        let mut client = Socks::new("1.2.3.4", 80, b"me", b"\x7f\x7e\x7d").unwrap();
        assert!(!format!("{client:?}").contains("127, 126, 125"));
        assert_eq!(client.advance(&[5, 2]), Ok(false));
        assert_eq!(client.output(), b"\x01\x02me\x03\x7f\x7e\x7d");
        assert!(!format!("{client:?}").contains("127, 126, 125"));
    }

    #[test]
    fn refusals_and_nonsense_end_it() {
        let client = || Socks::new("1.2.3.4", 80, b"", b"").unwrap();
        for choice in [[5, 0xff], [5, 2], [4, 0], [5, 1]] {
            assert_eq!(client().advance(&choice), Err(Refused), "{choice:?}");
        }
        for reply in [
            [5, 1, 0, 1, 0],
            [5, 0, 1, 1, 0],
            [5, 0, 0, 2, 0],
            [4, 0, 0, 1, 0],
        ] {
            let mut client = client();
            assert_eq!(client.advance(&[5, 0]), Ok(false));
            assert_eq!(client.advance(&reply), Err(Refused), "{reply:?}");
        }
        let long = "x".repeat(256);
        assert!(Socks::new(&long, 80, b"", b"").is_err());
        assert!(Socks::new(&long[..255], 80, b"", b"").is_ok());
        assert!(Socks::new("x", 80, long.as_bytes(), b"").is_err());
        assert!(Socks::new("x", 80, b"u", long.as_bytes()).is_err());
    }

    #[test]
    fn a_name_of_no_length_leaves_the_port() {
        let mut client = Socks::new("1.2.3.4", 80, b"", b"").unwrap();
        assert_eq!(client.advance(&[5, 0]), Ok(false));
        assert_eq!(client.advance(&[5, 0, 0, 3, 0]), Ok(false));
        assert_eq!(client.wanted(), 2);
        assert_eq!(client.advance(&[0, 1]), Ok(true));
    }
}
