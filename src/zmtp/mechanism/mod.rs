//! Security mechanisms of ZMTP 3.x.
//!
//! A mechanism has two representations. During the handshake it is a
//! `Negotiation`, which processes and produces commands and may wait for a ZAP
//! reply; afterwards it is a [`Mechanism`], which encodes traffic into wire frames
//! and decodes it. Both are owned by the connection and used under its work lock.
//! A new mechanism adds a variant to [`MechanismConfig`], `Negotiation` and
//! [`Mechanism`].

#![forbid(unsafe_code)]

pub mod curve;
mod null;
mod plain;

use super::command;
use super::error::{HandshakeError, ProtocolError, Refusal};
use super::framing::Framing;
use super::metadata::PropertyList;
use super::peer::PeerProperties;
use curve::{CurveClient, CurveConfig, CurveRole, CurveServer, CurveTraffic};
use null::NullNegotiation;
pub use plain::PlainRole;
use plain::{PlainClient, PlainServer};

/// The mechanism to use (`ZMQ_MECHANISM`), with its role, credentials and keys.
#[derive(Clone, Debug, Default)]
pub enum MechanismConfig {
    /// `ZMQ_NULL`: no security (RFC 23, 37).
    #[default]
    Null,
    /// `ZMQ_PLAIN`: user name and password, in the clear (RFC 24).
    Plain(PlainRole),
    /// `ZMQ_CURVE`: authentication and encryption (RFC 25, 26).
    Curve(CurveConfig),
}

impl MechanismConfig {
    /// The name in the greeting.
    pub const fn name(&self) -> &'static str {
        match self {
            MechanismConfig::Null => "NULL",
            MechanismConfig::Plain(_) => "PLAIN",
            MechanismConfig::Curve(_) => "CURVE",
        }
    }

    /// Whether peers without mechanisms (ZMTP 1.0, 2.0) may connect.
    pub(super) const fn admits_old_peers(&self) -> bool {
        matches!(self, MechanismConfig::Null)
    }
}

/// When a ZAP request is sent, and the effect of a missing ZAP handler.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ZapPolicy {
    /// Whether `ZMQ_ZAP_DOMAIN` is not empty. If so, NULL peers are authenticated
    /// by ZAP too, and 1.0 and 2.0 peers, which cannot be, are refused.
    pub domain_set: bool,
    /// `ZMQ_ZAP_ENFORCE_DOMAIN`: without a handler the peer is refused; without a
    /// domain, CURVE sends no ZAP request.
    pub enforce_domain: bool,
}

impl ZapPolicy {
    const fn skips_curve(self) -> bool {
        self.enforce_domain && !self.domain_set
    }
}

/// The mechanism's part of a ZAP request (RFC 27). The socket adds domain, peer
/// address and routing id.
#[derive(Clone, PartialEq, Eq)]
pub struct ZapRequest {
    /// Name of the mechanism.
    pub mechanism: &'static str,
    /// Credential frames: none for NULL, user and password for PLAIN, the
    /// 32-byte client key for CURVE.
    pub credentials: Vec<Vec<u8>>,
}

impl std::fmt::Debug for ZapRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ZapRequest({}, credentials not shown)", self.mechanism)
    }
}

/// The result of a ZAP request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ZapVerdict {
    /// Status 200, with the properties in the reply: User-Id first.
    Accept(PropertyList),
    /// Status 300, 400 or 500.
    Deny(u16),
    /// There is no handler. NULL and CURVE then accept the peer unless
    /// `ZMQ_ZAP_ENFORCE_DOMAIN` is set; PLAIN refuses it.
    Unavailable,
    /// The reply is malformed.
    Invalid(ProtocolError),
}

/// A mechanism during the handshake.
pub(super) enum Negotiation {
    Null(NullNegotiation),
    PlainClient(PlainClient),
    PlainServer(PlainServer),
    CurveClient(Box<CurveClient>),
    CurveServer(Box<CurveServer>),
}

impl std::fmt::Debug for Negotiation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Negotiation::Null(_) => "Null",
            Negotiation::PlainClient(_) => "PlainClient",
            Negotiation::PlainServer(_) => "PlainServer",
            Negotiation::CurveClient(_) => "CurveClient",
            Negotiation::CurveServer(_) => "CurveServer",
        })
    }
}

impl Negotiation {
    pub fn new(config: &MechanismConfig, zap: ZapPolicy) -> Self {
        match config {
            MechanismConfig::Null => Negotiation::Null(NullNegotiation::new(zap)),
            MechanismConfig::Plain(PlainRole::Client { username, password }) => {
                Negotiation::PlainClient(PlainClient::new(username, password))
            }
            MechanismConfig::Plain(PlainRole::Server) => {
                Negotiation::PlainServer(PlainServer::new())
            }
            MechanismConfig::Curve(CurveConfig { role, random }) => match role {
                CurveRole::Client {
                    server_key,
                    public_key,
                    secret_key,
                } => {
                    let secret_key = secret_key.clone();
                    let client = CurveClient::new(*server_key, *public_key, secret_key, *random);
                    Negotiation::CurveClient(Box::new(client))
                }
                CurveRole::Server { secret_key } => {
                    let server = CurveServer::new(secret_key.clone(), *random, zap);
                    Negotiation::CurveServer(Box::new(server))
                }
            },
        }
    }

    /// Appends the body of the next command that is due and returns true, or
    /// returns false if the peer's command or the ZAP reply is awaited. `metadata`
    /// is this side's, encoded.
    pub fn next_command(
        &mut self,
        metadata: &[u8],
        body: &mut Vec<u8>,
    ) -> Result<bool, HandshakeError> {
        match self {
            Negotiation::Null(null) => Ok(null.next_command(metadata, body)),
            Negotiation::PlainClient(client) => Ok(client.next_command(metadata, body)),
            Negotiation::PlainServer(server) => Ok(server.next_command(metadata, body)),
            Negotiation::CurveClient(client) => client.next_command(metadata, body),
            Negotiation::CurveServer(server) => server.next_command(metadata, body),
        }
    }

    /// Processes a command of the peer, storing its metadata in `peer`.
    pub fn process_command(
        &mut self,
        body: &[u8],
        peer: &mut PeerProperties,
    ) -> Result<(), HandshakeError> {
        match self {
            Negotiation::Null(null) => null.process_command(body, peer),
            Negotiation::PlainClient(client) => client.process_command(body, peer),
            Negotiation::PlainServer(server) => server.process_command(body, peer),
            Negotiation::CurveClient(client) => client.process_command(body, peer),
            Negotiation::CurveServer(server) => server.process_command(body, peer),
        }
    }

    /// The ZAP request that is due, returned once.
    pub fn take_zap_request(&mut self) -> Option<ZapRequest> {
        match self {
            Negotiation::Null(null) => null.take_zap_request(),
            Negotiation::PlainServer(server) => server.take_zap_request(),
            Negotiation::CurveServer(server) => server.take_zap_request(),
            Negotiation::PlainClient(_) | Negotiation::CurveClient(_) => None,
        }
    }

    /// Processes the ZAP reply. On a denial, an ERROR command may be appended to `body`.
    pub fn zap_reply(
        &mut self,
        verdict: &ZapVerdict,
        body: &mut Vec<u8>,
    ) -> Result<(), HandshakeError> {
        match self {
            Negotiation::Null(null) => null.zap_reply(verdict, body),
            Negotiation::PlainServer(server) => server.zap_reply(verdict, body),
            Negotiation::CurveServer(server) => server.zap_reply(verdict, body),
            Negotiation::PlainClient(_) | Negotiation::CurveClient(_) => Ok(()),
        }
    }

    /// Whether the negotiation is complete on both sides.
    pub fn is_ready(&self) -> bool {
        match self {
            Negotiation::Null(null) => null.is_ready(),
            Negotiation::PlainClient(client) => client.is_ready(),
            Negotiation::PlainServer(server) => server.is_ready(),
            Negotiation::CurveClient(client) => client.is_ready(),
            Negotiation::CurveServer(server) => server.is_ready(),
        }
    }

    /// The mechanism for the traffic, once ready; `None` before.
    pub fn into_mechanism(self) -> Option<Mechanism> {
        if !self.is_ready() {
            return None;
        }
        let traffic = match self {
            Negotiation::Null(_) => return Some(Mechanism::Null),
            Negotiation::PlainClient(_) | Negotiation::PlainServer(_) => {
                return Some(Mechanism::Plain);
            }
            Negotiation::CurveClient(client) => client.into_traffic(),
            Negotiation::CurveServer(server) => server.into_traffic(),
        };
        traffic.map(|traffic| Mechanism::Curve(Box::new(traffic)))
    }
}

/// The flags of a frame of traffic before encoding or after decoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags {
    /// Another frame of the same message follows.
    pub more: bool,
    /// The body is a command.
    pub command: bool,
}

/// A mechanism after the handshake.
#[derive(Debug)]
pub enum Mechanism {
    /// Frames pass unchanged.
    Null,
    /// Frames pass unchanged.
    Plain,
    /// Frames travel encrypted.
    Curve(Box<CurveTraffic>),
}

impl Mechanism {
    /// The name in the greeting.
    pub const fn name(&self) -> &'static str {
        match self {
            Mechanism::Null => "NULL",
            Mechanism::Plain => "PLAIN",
            Mechanism::Curve(_) => "CURVE",
        }
    }

    /// Whether frames pass unchanged, so that [`Mechanism::encode`] and
    /// [`Mechanism::decode_parts`] need not be called at all.
    #[inline]
    pub const fn transparent(&self) -> bool {
        matches!(self, Mechanism::Null | Mechanism::Plain)
    }

    /// Bytes at the front of a received body that [`Mechanism::decode_parts`] consumes;
    /// the decoded body is the rest.
    #[inline]
    pub const fn overhead(&self) -> usize {
        match self {
            Mechanism::Null | Mechanism::Plain => 0,
            Mechanism::Curve(_) => curve::PREFIX,
        }
    }

    /// Appends the wire frame (header and all, ZMTP 3.x) for `body` to `out`.
    pub fn encode(&mut self, flags: Flags, body: &[u8], out: &mut Vec<u8>) {
        match self {
            Mechanism::Null | Mechanism::Plain => {
                Framing::V2.append_frame(flags.more, flags.command, body, out);
            }
            Mechanism::Curve(traffic) => traffic.encode(flags, body, out),
        }
    }

    /// Decodes the body of a received frame in place. `flags` are those of its
    /// header.
    ///
    /// # Errors
    /// As [`Mechanism::decode_parts`].
    #[cfg(any(test, feature = "testing"))]
    pub fn decode<'a>(
        &mut self,
        flags: Flags,
        body: &'a mut [u8],
    ) -> Result<(Flags, &'a mut [u8]), ProtocolError> {
        let (prefix, body) = body.split_at_mut(self.overhead().min(body.len()));
        let flags = self.decode_parts(flags, prefix, body)?;
        Ok((flags, body))
    }

    /// The same for a body stored in two pieces: `prefix`, its first
    /// [`Mechanism::overhead`] bytes or all of it if it is shorter, and the
    /// rest, which is decoded in place.
    ///
    /// # Errors
    /// The connection must be closed, and the error reported as
    /// `HANDSHAKE_FAILED_PROTOCOL`, even though the handshake is over.
    pub fn decode_parts(
        &mut self,
        flags: Flags,
        prefix: &[u8],
        body: &mut [u8],
    ) -> Result<Flags, ProtocolError> {
        match self {
            Mechanism::Null | Mechanism::Plain => Ok(flags),
            Mechanism::Curve(traffic) => traffic.decode(prefix, body),
        }
    }
}

/// The check that PLAIN and CURVE make of every command before its name is parsed.
/// `bytes` is the beginning of a body of `size` bytes.
fn check_structure(bytes: &[u8], size: usize) -> Result<(), ProtocolError> {
    match bytes.first() {
        Some(&name_len) if size > 1 && size > usize::from(name_len) => Ok(()),
        _ => Err(ProtocolError::MalformedCommand),
    }
}

/// Turns a ZAP verdict into the result of the handshake. With `required`, a missing
/// handler is an error. On a denial, an ERROR command may be appended to `body`.
fn judge(verdict: &ZapVerdict, required: bool, body: &mut Vec<u8>) -> Result<(), HandshakeError> {
    match verdict {
        ZapVerdict::Accept(_) => Ok(()),
        ZapVerdict::Unavailable if required => Err(HandshakeError::NoZapHandler),
        ZapVerdict::Unavailable => Ok(()),
        ZapVerdict::Deny(status) => {
            // A temporary failure (300) is not reported to the peer.
            if *status != 300 {
                command::error_status(*status, body);
            }
            Err(HandshakeError::Denied(*status))
        }
        ZapVerdict::Invalid(error) => Err((*error).into()),
    }
}

/// Turns `data`, what follows the name of an ERROR command, into the error to
/// report: only the ZAP statuses 300, 400 and 500 have an event.
fn read_error(data: &[u8]) -> HandshakeError {
    let reason = data
        .split_first()
        .and_then(|(&len, rest)| rest.get(..usize::from(len)));
    match reason {
        Some(b"300") => HandshakeError::Auth(300),
        Some(b"400") => HandshakeError::Auth(400),
        Some(b"500") => HandshakeError::Auth(500),
        Some(_) => HandshakeError::Closed(Refusal::ByPeer),
        None => ProtocolError::MalformedError.into(),
    }
}
