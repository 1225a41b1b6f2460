//! Reassembles handshake frames from arbitrary splits of the byte stream.

#![forbid(unsafe_code)]

use super::error::{HandshakeError, Refusal};
use super::framing::{Framing, Header};
use std::mem;

/// The largest buffer that is reused for the next frame, in bytes.
const KEPT: usize = 1024;

/// One partially received frame. Its buffer grows with the bytes that arrived and is
/// not preallocated from the size in the header, which the peer may forge.
#[derive(Default)]
pub(super) struct FrameCollector {
    bytes: Vec<u8>,
    header: Option<Header>,
}

impl FrameCollector {
    /// Consumes bytes of the current frame from the front of `input`. Returns their
    /// number, and whether the frame is complete.
    ///
    /// # Errors
    /// The header is malformed, or its size exceeds `limit`; returned as soon as the
    /// header is complete.
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
        // No overflow: the size is at most `limit`, which is far below `usize::MAX`.
        let missing = header.len + header.size as usize - self.bytes.len();
        let rest = &input[consumed..];
        let taken = &rest[..missing.min(rest.len())];
        if self.bytes.capacity() - self.bytes.len() < taken.len() {
            // Geometric growth by one half, but not beyond what the frame needs.
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

    /// Resets for the next frame. Returns the emptied buffer if it is larger than
    /// [`KEPT`], else an empty vector.
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

/// Does not print the bytes, which may hold credentials.
impl std::fmt::Debug for FrameCollector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FrameCollector({} bytes)", self.bytes.len())
    }
}
