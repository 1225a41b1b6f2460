//! Errors of the wire protocol and the monitor events that report them.

#![forbid(unsafe_code)]

use crate::abi::numbers::*;
use std::fmt;

/// A violation that libzmq reports as `ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL`.
///
/// The discriminants are the `ZMQ_PROTOCOL_ERROR_*` values of `zmq.h`, which
/// travel as the value of that monitor event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum ProtocolError {
    /// `ZMQ_PROTOCOL_ERROR_ZMTP_UNSPECIFIED`.
    ZmtpUnspecified = ZMQ_PROTOCOL_ERROR_ZMTP_UNSPECIFIED as u32,
    /// `ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND`.
    UnexpectedCommand = ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND as u32,
    /// `ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE`.
    InvalidSequence = ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE as u32,
    /// `ZMQ_PROTOCOL_ERROR_ZMTP_KEY_EXCHANGE`.
    KeyExchange = ZMQ_PROTOCOL_ERROR_ZMTP_KEY_EXCHANGE as u32,
    /// `ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED`.
    MalformedCommand = ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED as u32,
    /// `ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE`.
    MalformedMessage = ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE as u32,
    /// `ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO`.
    MalformedHello = ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO as u32,
    /// `ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE`.
    MalformedInitiate = ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE as u32,
    /// `ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR`.
    MalformedError = ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR as u32,
    /// `ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_READY`.
    MalformedReady = ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_READY as u32,
    /// `ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_WELCOME`.
    MalformedWelcome = ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_WELCOME as u32,
    /// `ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_METADATA`.
    InvalidMetadata = ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_METADATA as u32,
    /// `ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC`.
    Cryptographic = ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC as u32,
    /// `ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH`.
    MechanismMismatch = ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH as u32,
    /// `ZMQ_PROTOCOL_ERROR_ZAP_UNSPECIFIED`.
    ZapUnspecified = ZMQ_PROTOCOL_ERROR_ZAP_UNSPECIFIED as u32,
    /// `ZMQ_PROTOCOL_ERROR_ZAP_MALFORMED_REPLY`.
    ZapMalformedReply = ZMQ_PROTOCOL_ERROR_ZAP_MALFORMED_REPLY as u32,
    /// `ZMQ_PROTOCOL_ERROR_ZAP_BAD_REQUEST_ID`.
    ZapBadRequestId = ZMQ_PROTOCOL_ERROR_ZAP_BAD_REQUEST_ID as u32,
    /// `ZMQ_PROTOCOL_ERROR_ZAP_BAD_VERSION`.
    ZapBadVersion = ZMQ_PROTOCOL_ERROR_ZAP_BAD_VERSION as u32,
    /// `ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE`.
    ZapInvalidStatusCode = ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE as u32,
    /// `ZMQ_PROTOCOL_ERROR_ZAP_INVALID_METADATA`.
    ZapInvalidMetadata = ZMQ_PROTOCOL_ERROR_ZAP_INVALID_METADATA as u32,
    /// `ZMQ_PROTOCOL_ERROR_WS_UNSPECIFIED`.
    #[allow(dead_code)] // ws is not there yet
    WsUnspecified = ZMQ_PROTOCOL_ERROR_WS_UNSPECIFIED as u32,
}

impl ProtocolError {
    /// The value of the monitor event.
    pub const fn code(self) -> u32 {
        self as u32
    }

    /// Whether the fault is in our ZAP handler's reply and not in the peer's bytes.
    pub const fn is_of_zap(self) -> bool {
        self.code() >> 28 == 2
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "protocol error {:#010x} ({self:?})", self.code())
    }
}

impl std::error::Error for ProtocolError {}

/// Why a handshake failed, or why a session was aborted. A connecting endpoint
/// retries unless the error [is lasting](Self::is_lasting).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandshakeError {
    /// Report `HANDSHAKE_FAILED_PROTOCOL` with this error's code.
    Protocol(ProtocolError),
    /// The peer's ZAP handler denied this side: report `HANDSHAKE_FAILED_AUTH` with
    /// this ZAP status (300, 400, 500).
    Auth(u16),
    /// Our ZAP handler denied the peer: report `HANDSHAKE_FAILED_AUTH` with this
    /// ZAP status (300, 400, 500). The output may hold an ERROR command, which is to
    /// be written before the stream is closed.
    Denied(u16),
    /// Authentication is required and there is no ZAP handler: report
    /// `HANDSHAKE_FAILED_NO_DETAIL` with `EFAULT`.
    NoZapHandler,
    /// The system returned no random numbers; the endpoint may retry.
    NoRandom,
    /// Close without a handshake event.
    Closed(Refusal),
}

/// Why a handshake failed, for failures that have no event in libzmq.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The metadata is malformed.
    Metadata,
    /// The peer's socket type is unknown or not compatible with ours.
    SocketType,
    /// A frame is malformed.
    Frame,
    /// A frame is longer than `ZMQ_MAXMSGSIZE` or, during the handshake, than
    /// `MAX_HANDSHAKE_FRAME` of `handshake`.
    TooLong,
    /// Allocation of a frame failed.
    Memory,
    /// The peer speaks 1.0 or 2.0, and authentication is required.
    OldPeer,
    /// The peer sent an ERROR whose reason is not a ZAP status.
    ByPeer,
    /// An internal error of the library.
    Internal,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refusal::Metadata => "malformed metadata",
            Refusal::SocketType => "the peer's socket type does not go with this one",
            Refusal::Frame => "a malformed frame",
            Refusal::TooLong => "a frame longer than ZMQ_MAXMSGSIZE, or than a handshake has",
            Refusal::Memory => "no memory for a frame",
            Refusal::OldPeer => "a ZMTP 1.0 or 2.0 peer, which cannot be authenticated",
            Refusal::ByPeer => "the peer refuses, for an unknown reason",
            Refusal::Internal => "an internal error",
        })
    }
}

impl From<ProtocolError> for HandshakeError {
    fn from(error: ProtocolError) -> Self {
        HandshakeError::Protocol(error)
    }
}

impl From<FrameError> for HandshakeError {
    fn from(_: FrameError) -> Self {
        HandshakeError::Closed(Refusal::Frame)
    }
}

impl HandshakeError {
    /// Whether a retry would fail the same way, because the peer's bytes caused the
    /// failure. Failures on this side (a denial by the ZAP handler, a missing handler,
    /// no random numbers) may not recur.
    pub const fn is_lasting(self) -> bool {
        match self {
            HandshakeError::Protocol(error) => !error.is_of_zap(),
            HandshakeError::Auth(_) | HandshakeError::Closed(_) => true,
            HandshakeError::Denied(_) | HandshakeError::NoZapHandler | HandshakeError::NoRandom => {
                false
            }
        }
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HandshakeError::Protocol(error) => error.fmt(f),
            HandshakeError::Auth(status) | HandshakeError::Denied(status) => {
                write!(f, "authentication failed, ZAP status {status}")
            }
            HandshakeError::NoZapHandler => f.write_str("there is no ZAP handler to ask"),
            HandshakeError::NoRandom => f.write_str("no random numbers"),
            HandshakeError::Closed(refusal) => refusal.fmt(f),
        }
    }
}

impl std::error::Error for HandshakeError {}

/// A frame header that is invalid whatever bytes follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// A ZMTP 1.0 length of zero, which leaves no room for the flags octet.
    ZeroLength,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("frame length is zero")
    }
}

impl std::error::Error for FrameError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_decided_here_may_be_decided_otherwise() {
        let protocol = HandshakeError::Protocol;
        let lasting = [
            protocol(ProtocolError::MechanismMismatch),
            protocol(ProtocolError::MalformedReady),
            protocol(ProtocolError::Cryptographic),
            HandshakeError::Auth(300),
            HandshakeError::Auth(400),
            HandshakeError::Closed(Refusal::SocketType),
            HandshakeError::Closed(Refusal::OldPeer),
        ];
        assert!(lasting.iter().all(|error| error.is_lasting()));
        let passing = [
            protocol(ProtocolError::ZapUnspecified),
            protocol(ProtocolError::ZapInvalidStatusCode),
            HandshakeError::Denied(300),
            HandshakeError::Denied(400),
            HandshakeError::NoZapHandler,
            HandshakeError::NoRandom,
        ];
        assert!(!passing.iter().any(|error| error.is_lasting()));
        for error in lasting.iter().chain(&passing) {
            assert!(error.to_string().len() > 5, "{error:?}");
        }
        assert_eq!(FrameError::ZeroLength.to_string(), "frame length is zero");
    }
}
