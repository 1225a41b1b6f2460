//! ZMTP, the wire protocol, without I/O.
//!
//! A sans-I/O state machine: nothing here reads a clock, uses a descriptor,
//! blocks or takes a lock. Input is bytes and, where time matters, `now`; output
//! is bytes and decisions. The connection layer owns the stream and calls, in
//! this order, from the thread that holds the connection's work lock:
//!
//! 1. [`Handshake::start`], then [`Handshake::advance`] with the bytes read,
//!    until it returns `done`;
//! 2. [`Handshake::into_session`], which returns what was negotiated;
//! 3. [`Framing::decode_header`] and [`Framing::append_header`] for traffic,
//!    [`command::parse`] for command frames, [`Heartbeat`] for liveness.
//!
//! Supported are ZMTP 1.0 ([RFC 13]), 2.0 ([RFC 15]), 3.0 ([RFC 23]) and 3.1
//! ([RFC 37]). Where libzmq deviates from the RFC, this implementation follows
//! libzmq, and a comment at the place names the deviation.
//!
//! [RFC 13]: https://rfc.zeromq.org/spec/13/
//! [RFC 15]: https://rfc.zeromq.org/spec/15/
//! [RFC 23]: https://rfc.zeromq.org/spec/23/
//! [RFC 37]: https://rfc.zeromq.org/spec/37/

#![forbid(unsafe_code)]

pub mod command;
pub mod mechanism;
pub mod metadata;
pub mod zap;

mod collector;
mod error;
mod framing;
mod greeting;
mod handshake;
mod heartbeat;
mod peer;

#[cfg(feature = "testing")]
pub use error::FrameError;
pub use error::{HandshakeError, ProtocolError, Refusal};
#[cfg(any(test, feature = "testing"))]
pub use framing::MAX_HEADER;
pub use framing::{Framing, Header};
pub use greeting::Version;
pub use handshake::{Handshake, HandshakeConfig, Session};
#[cfg(any(test, feature = "testing"))]
pub use handshake::{MAX_HANDSHAKE_FRAME, Progress};
pub use heartbeat::{Heartbeat, HeartbeatAction};
pub use mechanism::{
    Flags, Mechanism, MechanismConfig, PlainRole, ZapPolicy, ZapRequest, ZapVerdict, curve,
};

#[cfg(test)]
mod tests;
