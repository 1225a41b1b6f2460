//! What mechanisms have in common: ZAP, and the structure of their commands.

#![forbid(unsafe_code)]

use crate::zmtp::command;
use crate::zmtp::error::{HandshakeError, ProtocolError, Refusal};
use crate::zmtp::metadata::PropertyList;

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
    pub(super) const fn skips_curve(self) -> bool {
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

/// The flags of a frame of traffic before encoding or after decoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags {
    /// Another frame of the same message follows.
    pub more: bool,
    /// The body is a command.
    pub command: bool,
}

/// The check that PLAIN and CURVE make of every command before its name is parsed.
/// `bytes` is the beginning of a body of `size` bytes.
pub(super) fn check_structure(bytes: &[u8], size: usize) -> Result<(), ProtocolError> {
    match bytes.first() {
        Some(&name_len) if size > 1 && size > usize::from(name_len) => Ok(()),
        _ => Err(ProtocolError::MalformedCommand),
    }
}

/// Turns a ZAP verdict into the result of the handshake. With `required`, a missing
/// handler is an error. On a denial, an ERROR command may be appended to `body`.
pub(super) fn judge(
    verdict: &ZapVerdict,
    required: bool,
    body: &mut Vec<u8>,
) -> Result<(), HandshakeError> {
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
pub(super) fn read_error(data: &[u8]) -> HandshakeError {
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
