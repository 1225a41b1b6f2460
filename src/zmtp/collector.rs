//! Puts handshake frames together from any split of the byte stream.

#![forbid(unsafe_code)]

use super::error::{HandshakeError, Refusal};
use super::framing::{Framing, Header};
use std::mem;

/// What is kept of a frame's memory for the next one, in bytes.
const KEPT: usize = 1024;

/// One frame in the making. Grows with what really arrived, never with what a
/// header promises.
#[derive(Default)]
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
        if self.bytes.capacity() - self.bytes.len() < taken.len() {
            // Half as much more than there is, but no more than the frame needs.
            let ahead = (self.bytes.len() / 2).max(taken.len()).min(missing);
            self.bytes.reserve_exact(ahead);
        }
        self.bytes.extend_from_slice(taken);
        Ok((consumed + taken.len(), taken.len() == missing))
    }

    /// The body of a complete frame.
    pub fn body(&self) -> &[u8] {
        let start = self.header.map_or(0, |header| header.len);
        &self.bytes[start..]
    }

    /// Forgets the frame, for the next one. Returns the memory of a long one, empty.
    pub fn clear(&mut self) -> Vec<u8> {
        self.bytes.clear();
        self.header = None;
        match self.bytes.capacity() > KEPT {
            true => mem::take(&mut self.bytes),
            false => Vec::new(),
        }
    }

    #[cfg(test)]
    pub fn buffered(&self) -> usize {
        self.bytes.len()
    }

    #[cfg(test)]
    pub fn memory(&self) -> usize {
        self.bytes.capacity()
    }
}

/// There may be credentials among the bytes.
impl std::fmt::Debug for FrameCollector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FrameCollector({} bytes)", self.bytes.len())
    }
}
