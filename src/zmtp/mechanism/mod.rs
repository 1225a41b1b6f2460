//! Security mechanisms of ZMTP 3.x.
//!
//! A mechanism lives twice. During the handshake it is a `Negotiation`, which
//! takes and makes commands and may pause for an answer from ZAP; afterwards it
//! is a [`Mechanism`], which turns traffic into wire frames and back. A new one
//! adds a variant to [`MechanismConfig`], `Negotiation` and [`Mechanism`].

#![forbid(unsafe_code)]

mod null;

use super::error::{HandshakeError, ProtocolError};
use super::framing::Framing;
use super::peer::PeerProperties;
use null::NullNegotiation;

/// Which mechanism to use, with what it needs to know (`ZMQ_MECHANISM`).
#[derive(Clone, Debug, Default)]
pub enum MechanismConfig {
    /// `ZMQ_NULL`: no security (RFC 23, 37).
    #[default]
    Null,
}

impl MechanismConfig {
    /// The name in the greeting.
    pub const fn name(&self) -> &'static str {
        match self {
            MechanismConfig::Null => "NULL",
        }
    }

    /// Whether peers without mechanisms (ZMTP 1.0, 2.0) may connect.
    pub(super) const fn admits_old_peers(&self) -> bool {
        matches!(self, MechanismConfig::Null)
    }
}

/// What a ZAP handler is to be asked (RFC 27), apart from what the socket
/// knows itself: domain, peer address, routing id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZapRequest {
    /// Name of the mechanism.
    pub mechanism: &'static str,
    /// Credential frames: none for NULL, user and password for PLAIN, the
    /// 32-byte client key for CURVE.
    pub credentials: Vec<Vec<u8>>,
}

/// The outcome of asking ZAP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZapVerdict {
    /// Status 200, or no handler where that is good enough.
    Accept,
    /// Status 300, 400 or 500.
    Deny(u16),
}

/// A mechanism during the handshake.
#[derive(Debug)]
pub(super) enum Negotiation {
    Null(NullNegotiation),
}

impl Negotiation {
    /// `zap` tells that a ZAP domain is set.
    pub fn new(config: &MechanismConfig, zap: bool) -> Self {
        match config {
            MechanismConfig::Null => Negotiation::Null(NullNegotiation::new(zap)),
        }
    }

    /// Appends the body of the next command that is due and returns true, or
    /// returns false if it is the peer's or ZAP's turn. `metadata` is our own,
    /// encoded.
    pub fn next_command(&mut self, metadata: &[u8], body: &mut Vec<u8>) -> bool {
        match self {
            Negotiation::Null(null) => null.next_command(metadata, body),
        }
    }

    /// Acts on a command of the peer, noting its metadata in `peer`.
    pub fn process_command(
        &mut self,
        body: &[u8],
        peer: &mut PeerProperties,
    ) -> Result<(), HandshakeError> {
        match self {
            Negotiation::Null(null) => null.process_command(body, peer),
        }
    }

    /// The request to be put to ZAP, once.
    pub fn take_zap_request(&mut self) -> Option<ZapRequest> {
        match self {
            Negotiation::Null(null) => null.take_zap_request(),
        }
    }

    /// Takes the answer of ZAP. On a denial, `body` may get an ERROR command.
    pub fn zap_reply(
        &mut self,
        verdict: ZapVerdict,
        body: &mut Vec<u8>,
    ) -> Result<(), HandshakeError> {
        match self {
            Negotiation::Null(null) => null.zap_reply(verdict, body),
        }
    }

    /// Whether both sides are through.
    pub fn is_ready(&self) -> bool {
        match self {
            Negotiation::Null(null) => null.is_ready(),
        }
    }

    /// The mechanism for the traffic, once ready.
    pub fn into_mechanism(self) -> Mechanism {
        match self {
            Negotiation::Null(_) => Mechanism::Null,
        }
    }
}

/// A frame of traffic as the application means it, apart from its body.
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
}

impl Mechanism {
    /// Whether frames pass unchanged, so that [`Mechanism::encode`] and
    /// [`Mechanism::decode`] need not be called at all.
    #[inline]
    pub const fn transparent(&self) -> bool {
        match self {
            Mechanism::Null => true,
        }
    }

    /// Appends the wire frame (header and all, ZMTP 3.x) for `body` to `out`.
    pub fn encode(&mut self, flags: Flags, body: &[u8], out: &mut Vec<u8>) {
        match self {
            Mechanism::Null => Framing::V2.append_frame(flags.more, flags.command, body, out),
        }
    }

    /// Turns the body of a received frame, in place, into what the peer meant.
    /// `flags` are those of its header.
    ///
    /// # Errors
    /// The connection must be closed, and the error reported as
    /// `HANDSHAKE_FAILED_PROTOCOL`, even though the handshake is over.
    pub fn decode<'a>(
        &mut self,
        flags: Flags,
        body: &'a mut [u8],
    ) -> Result<(Flags, &'a mut [u8]), ProtocolError> {
        match self {
            Mechanism::Null => Ok((flags, body)),
        }
    }
}

/// Turns the reason of an ERROR command into the error to report: the ZAP
/// statuses 300, 400 and 500 have an event, nothing else has.
pub(super) fn error_from_reason(reason: &[u8]) -> HandshakeError {
    match reason {
        b"300" => HandshakeError::Auth(300),
        b"400" => HandshakeError::Auth(400),
        b"500" => HandshakeError::Auth(500),
        _ => HandshakeError::Closed,
    }
}
