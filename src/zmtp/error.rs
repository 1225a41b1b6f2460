//! What can go wrong on the wire.

#![forbid(unsafe_code)]

use std::fmt;

/// A violation that libzmq reports as `ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL`.
///
/// The discriminants are the `ZMQ_PROTOCOL_ERROR_*` values of `zmq.h`, which
/// travel as the value of that monitor event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum ProtocolError {
    /// `ZMQ_PROTOCOL_ERROR_ZMTP_UNSPECIFIED`.
    ZmtpUnspecified = 0x1000_0000,
    /// `ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND`.
    UnexpectedCommand = 0x1000_0001,
    /// `ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE`.
    InvalidSequence = 0x1000_0002,
    /// `ZMQ_PROTOCOL_ERROR_ZMTP_KEY_EXCHANGE`.
    KeyExchange = 0x1000_0003,
    /// `ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED`.
    MalformedCommand = 0x1000_0011,
    /// `ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE`.
    MalformedMessage = 0x1000_0012,
    /// `ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO`.
    MalformedHello = 0x1000_0013,
    /// `ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE`.
    MalformedInitiate = 0x1000_0014,
    /// `ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR`.
    MalformedError = 0x1000_0015,
    /// `ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_READY`.
    MalformedReady = 0x1000_0016,
    /// `ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_WELCOME`.
    MalformedWelcome = 0x1000_0017,
    /// `ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_METADATA`.
    InvalidMetadata = 0x1000_0018,
    /// `ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC`.
    Cryptographic = 0x1100_0001,
    /// `ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH`.
    MechanismMismatch = 0x1100_0002,
    /// `ZMQ_PROTOCOL_ERROR_ZAP_UNSPECIFIED`.
    ZapUnspecified = 0x2000_0000,
    /// `ZMQ_PROTOCOL_ERROR_ZAP_MALFORMED_REPLY`.
    ZapMalformedReply = 0x2000_0001,
    /// `ZMQ_PROTOCOL_ERROR_ZAP_BAD_REQUEST_ID`.
    ZapBadRequestId = 0x2000_0002,
    /// `ZMQ_PROTOCOL_ERROR_ZAP_BAD_VERSION`.
    ZapBadVersion = 0x2000_0003,
    /// `ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE`.
    ZapInvalidStatusCode = 0x2000_0004,
    /// `ZMQ_PROTOCOL_ERROR_ZAP_INVALID_METADATA`.
    ZapInvalidMetadata = 0x2000_0005,
    /// `ZMQ_PROTOCOL_ERROR_WS_UNSPECIFIED`.
    WsUnspecified = 0x3000_0000,
}

impl ProtocolError {
    /// The value of the monitor event.
    pub const fn code(self) -> u32 {
        self as u32
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "protocol error {:#010x} ({self:?})", self.code())
    }
}

impl std::error::Error for ProtocolError {}

/// Why a handshake ended without a session.
///
/// In libzmq's terms each of these is a protocol error: the connection is
/// closed and a connecting endpoint does not try again, except after
/// [`NoRandom`](Self::NoRandom).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandshakeError {
    /// Report `HANDSHAKE_FAILED_PROTOCOL` with this error's code.
    Protocol(ProtocolError),
    /// Report `HANDSHAKE_FAILED_AUTH` with this ZAP status (300, 400, 500).
    ///
    /// When ZAP denied the peer here, an ERROR command may stand in the output
    /// and should reach the peer before the stream is closed.
    Auth(u16),
    /// Report `HANDSHAKE_FAILED_NO_DETAIL` with `EFAULT`: somebody must judge
    /// the peer and no ZAP handler is there.
    NoZapHandler,
    /// The system has no random numbers at the moment: worth another try.
    NoRandom,
    /// Close without a handshake event: malformed metadata, incompatible
    /// socket types, an oversize or malformed frame, a 1.0 or 2.0 peer where
    /// authentication is required, an ERROR with an unknown reason.
    Closed,
}

impl From<ProtocolError> for HandshakeError {
    fn from(error: ProtocolError) -> Self {
        HandshakeError::Protocol(error)
    }
}

impl From<FrameError> for HandshakeError {
    fn from(_: FrameError) -> Self {
        HandshakeError::Closed
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HandshakeError::Protocol(error) => error.fmt(f),
            HandshakeError::Auth(status) => write!(f, "authentication failed, status {status}"),
            HandshakeError::NoZapHandler => f.write_str("no authentication handler"),
            HandshakeError::NoRandom => f.write_str("no random numbers"),
            HandshakeError::Closed => f.write_str("handshake refused"),
        }
    }
}

impl std::error::Error for HandshakeError {}

/// A frame header that no continuation can make valid.
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
