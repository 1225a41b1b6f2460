//! Each mechanism after the handshake.

#![forbid(unsafe_code)]

use super::common::Flags;
use super::curve::{self, CurveTraffic};
use crate::zmtp::error::ProtocolError;
use crate::zmtp::framing::Framing;

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
