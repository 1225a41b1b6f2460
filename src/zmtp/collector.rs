//! Puts handshake frames together from any split of the byte stream.

#![forbid(unsafe_code)]

use super::error::{HandshakeError, Refusal};
use super::framing::{Framing, Header};

/// One frame in the making. Grows with what really arrived, never with what a
/// header promises.
#[derive(Debug, Default)]
pub(super) struct FrameCollector {
    bytes: Vec<u8>,
    header: Option<Header>,
}

impl FrameCollector {
    /// Takes bytes of the current frame from the front of `input`. Returns how
    /// many, and whether the frame is complete.
    ///
    /// A body larger than `limit` ends the handshake as soon as its header is
    /// there.
    pub fn feed(
        &mut self,
        framing: Framing,
        input: &[u8],
        limit: u64,
    ) -> Result<(usize, bool), HandshakeError> {
        let mut consumed = 0;
        let header = loop {
            if let Some(header) = self.header {
                break header;
            }
            if let Some(header) = framing.decode_header(&self.bytes)? {
                if header.size > limit {
                    return Err(HandshakeError::Closed(Refusal::TooLong));
                }
                self.header = Some(header);
            } else if let Some(&byte) = input.get(consumed) {
                self.bytes.push(byte);
                consumed += 1;
            } else {
                return Ok((consumed, false));
            }
        };
        // Fits: `limit` is a limit on what is kept in memory.
        let missing = header.len + header.size as usize - self.bytes.len();
        let rest = &input[consumed..];
        let taken = &rest[..missing.min(rest.len())];
        self.bytes.extend_from_slice(taken);
        Ok((consumed + taken.len(), taken.len() == missing))
    }

    /// The body of a complete frame.
    pub fn body(&self) -> &[u8] {
        let start = self.header.map_or(0, |header| header.len);
        &self.bytes[start..]
    }

    /// Forgets the frame, for the next one.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.header = None;
    }

    #[cfg(test)]
    pub fn buffered(&self) -> usize {
        self.bytes.len()
    }
}
