//! ZMTP, the wire protocol, without I/O.
//!
//! Nothing here reads a clock, touches a descriptor or blocks: bytes come in,
//! bytes and decisions go out, and `now` is an argument. The connection layer
//! above owns the stream and calls, in this order,
//!
//! 1. [`Handshake::start`], then [`Handshake::advance`] with whatever was read,
//!    until it reports `done`;
//! 2. [`Handshake::into_session`], which tells what was agreed;
//! 3. [`Framing::decode_header`] and [`Framing::encode_header`] for traffic,
//!    [`command::parse`] for command frames, [`Heartbeat`] for liveness.
//!
//! Spoken are ZMTP 1.0 ([RFC 13]), 2.0 ([RFC 15]), 3.0 ([RFC 23]) and 3.1
//! ([RFC 37]), each the way libzmq speaks it; where libzmq and the RFC differ,
//! libzmq's peers decide and the place in the code says so.
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
mod socket_type;

pub use error::{FrameError, HandshakeError, ProtocolError, Refusal};
pub use framing::{Framing, Header, MAX_HEADER};
pub use greeting::Version;
pub use handshake::{Handshake, HandshakeConfig, MAX_HANDSHAKE_FRAME, Progress, Session};
pub use heartbeat::{Heartbeat, HeartbeatAction};
pub use mechanism::{
    Flags, Mechanism, MechanismConfig, PlainRole, ZapPolicy, ZapRequest, ZapVerdict, curve,
};
pub use socket_type::SocketType;

#[cfg(test)]
mod tests;
