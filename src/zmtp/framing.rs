//! Frame headers of ZMTP 1.0, of ZMTP 2.0 and later, and of raw streams (none).
//!
//! Bodies are not handled here: the caller stores them, and checks their sizes
//! against `ZMQ_MAXMSGSIZE`.

#![forbid(unsafe_code)]

use super::error::FrameError;
use crate::message::frame;

/// The longest header of any framing, in bytes.
pub const MAX_HEADER: usize = 10;

/// Most bytes in a message of [`Framing::Raw`]: libzmq's read size, which
/// applications of STREAM sockets can observe.
const RAW_CHUNK: usize = 8192;

/// First octet of a 1.0 frame whose length follows as a 64-bit number.
const V1_LONG: u8 = 0xff;

/// How frames are laid out on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// ZMTP 1.0 (RFC 13): length, flags, body; the length counts the flags.
    V1,
    /// ZMTP 2.0, 3.0 and 3.1 (RFC 15, 23, 37): flags, size, body.
    V2,
    /// No ZMTP, for STREAM: there are no headers, and the bytes of a read are
    /// a body.
    Raw,
}

/// A decoded frame header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Another frame of the same message follows.
    pub more: bool,
    /// The body is a command. Never set by [`Framing::V1`]; to be ignored on
    /// a ZMTP 2.0 connection, which has no commands.
    pub command: bool,
    /// Bytes of the body, which follows the header.
    pub size: u64,
    /// Bytes of the header itself, at most [`MAX_HEADER`].
    pub len: usize,
}

impl Framing {
    /// Reads the header at the front of `input`.
    ///
    /// `Ok(None)` means that more bytes are needed. The size is not checked: the
    /// caller compares it with `ZMQ_MAXMSGSIZE` and with the address space.
    /// Unknown flag bits are ignored, as in libzmq.
    ///
    /// # Errors
    /// [`FrameError::ZeroLength`], in ZMTP 1.0 only.
    #[inline]
    pub fn decode_header(self, input: &[u8]) -> Result<Option<Header>, FrameError> {
        match self {
            Framing::V2 => Ok(decode_v2(input)),
            Framing::V1 => decode_v1(input),
            Framing::Raw => Ok(decode_raw(input)),
        }
    }

    /// Writes the header of a frame with `size` bytes of body to the front of
    /// `out` and returns the header's length.
    ///
    /// `command` is ignored in [`Framing::V1`]; [`Framing::Raw`] writes nothing and
    /// returns 0.
    #[inline]
    pub fn encode_header(
        self,
        more: bool,
        command: bool,
        size: usize,
        out: &mut [u8; MAX_HEADER],
    ) -> usize {
        match self {
            Framing::V2 => frame::encode(v2_flags(more, command), size, |header| {
                out[..header.len()].copy_from_slice(header);
                header.len()
            }),
            Framing::V1 => {
                if size < usize::from(V1_LONG) - 1 {
                    out[0] = size as u8 + 1;
                    out[1] = u8::from(more);
                    2
                } else {
                    encode_v1_long((size as u64).saturating_add(1), u8::from(more), out);
                    10
                }
            }
            Framing::Raw => 0,
        }
    }

    /// As [`encode_header`](Self::encode_header), but appends the header to `out`.
    #[inline]
    pub fn append_header(self, more: bool, command: bool, size: usize, out: &mut Vec<u8>) {
        match self {
            Framing::V2 => {
                let flags = v2_flags(more, command);
                frame::encode(flags, size, |header| out.extend_from_slice(header));
            }
            _ => {
                let mut header = [0; MAX_HEADER];
                let len = self.encode_header(more, command, size, &mut header);
                out.extend_from_slice(&header[..len]);
            }
        }
    }

    /// Appends a whole frame to `out`. Copies the body, so it is for commands and
    /// identities; traffic uses [`Framing::append_header`].
    pub fn append_frame(self, more: bool, command: bool, body: &[u8], out: &mut Vec<u8>) {
        out.reserve(MAX_HEADER + body.len());
        self.append_header(more, command, body.len(), out);
        out.extend_from_slice(body);
    }
}

#[inline]
fn v2_flags(more: bool, command: bool) -> u8 {
    let of = |on: bool, flag| if on { flag } else { 0 };
    of(more, frame::MORE) | of(command, frame::COMMAND)
}

/// Writes the long form of a 1.0 header, which is also the signature of a greeting.
pub(super) fn encode_v1_long(length: u64, flags: u8, out: &mut [u8; MAX_HEADER]) {
    out[0] = V1_LONG;
    out[1..9].copy_from_slice(&length.to_be_bytes());
    out[9] = flags;
}

#[inline]
fn decode_v2(input: &[u8]) -> Option<Header> {
    let header = frame::decode(input)?;
    Some(Header {
        more: header.flags & frame::MORE != 0,
        command: header.flags & frame::COMMAND != 0,
        size: header.size,
        len: header.len,
    })
}

#[inline]
fn decode_v1(input: &[u8]) -> Result<Option<Header>, FrameError> {
    let Some(&first) = input.first() else {
        return Ok(None);
    };
    let (length, len) = if first == V1_LONG {
        let Some(long) = input[1..].first_chunk::<8>() else {
            return Ok(None);
        };
        (u64::from_be_bytes(*long), 10)
    } else {
        (u64::from(first), 2)
    };
    let Some(size) = length.checked_sub(1) else {
        return Err(FrameError::ZeroLength);
    };
    Ok(input.get(len - 1).map(|flags| Header {
        more: flags & frame::MORE != 0,
        command: false,
        size,
        len,
    }))
}

#[inline]
fn decode_raw(input: &[u8]) -> Option<Header> {
    (!input.is_empty()).then(|| Header {
        more: false,
        command: false,
        size: input.len().min(RAW_CHUNK) as u64,
        len: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes on both sides of every border of both framings.
    fn sizes() -> Vec<usize> {
        let mut sizes = vec![0, 1, 2];
        for border in [253, 254, 255, 256, 65_535, 1 << 32, (1 << 63) - 2] {
            sizes.extend([border - 1, border, border + 1]);
        }
        sizes
    }

    #[test]
    fn headers_survive_the_round_trip() {
        for framing in [Framing::V1, Framing::V2] {
            for size in sizes() {
                for (more, command) in [(false, false), (true, false), (false, true), (true, true)]
                {
                    let mut out = [0xAA; MAX_HEADER];
                    let len = framing.encode_header(more, command, size, &mut out);
                    let expected = Header {
                        more,
                        command: command && framing == Framing::V2,
                        size: size as u64,
                        len,
                    };
                    // Bytes behind the header make no difference, fewer mean "more please".
                    assert_eq!(framing.decode_header(&out), Ok(Some(expected)));
                    assert_eq!(framing.decode_header(&out[..len]), Ok(Some(expected)));
                    for short in 0..len {
                        assert_eq!(framing.decode_header(&out[..short]), Ok(None));
                    }
                }
            }
        }
    }

    #[test]
    fn the_long_form_starts_where_libzmq_starts_it() {
        let mut out = [0; MAX_HEADER];
        for (framing, size, len) in [
            (Framing::V1, 253, 2),
            (Framing::V1, 254, 10),
            (Framing::V2, 255, 2),
            (Framing::V2, 256, 9),
        ] {
            assert_eq!(framing.encode_header(false, false, size, &mut out), len);
        }
    }

    #[test]
    fn headers_as_written_in_the_rfcs() {
        let mut out = [0; MAX_HEADER];
        assert_eq!(Framing::V1.encode_header(true, true, 5, &mut out), 2);
        assert_eq!(out[..2], [6, 1]);
        assert_eq!(Framing::V1.encode_header(false, false, 254, &mut out), 10);
        assert_eq!(out, [0xff, 0, 0, 0, 0, 0, 0, 0, 255, 0]);
        assert_eq!(Framing::V2.encode_header(true, true, 255, &mut out), 2);
        assert_eq!(out[..2], [5, 255]);
        assert_eq!(Framing::V2.encode_header(true, false, 256, &mut out), 9);
        assert_eq!(out[..9], [3, 0, 0, 0, 0, 0, 0, 1, 0]);
    }

    #[test]
    fn long_form_for_small_bodies_and_unknown_flags_are_accepted() {
        let header = Framing::V2.decode_header(&[0xfa, 0, 0, 0, 0, 0, 0, 0, 3]);
        assert_eq!(
            header,
            Ok(Some(Header {
                more: false,
                command: false,
                size: 3,
                len: 9
            }))
        );
        let header = Framing::V1.decode_header(&[0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0xfe]);
        assert_eq!(
            header,
            Ok(Some(Header {
                more: false,
                command: false,
                size: 0,
                len: 10
            }))
        );
    }

    #[test]
    fn a_v1_length_of_zero_is_an_error() {
        let zero = Err(FrameError::ZeroLength);
        assert_eq!(Framing::V1.decode_header(&[0]), zero);
        assert_eq!(
            Framing::V1.decode_header(&[0xff, 0, 0, 0, 0, 0, 0, 0, 0]),
            zero
        );
    }

    #[test]
    fn raw_bytes_are_bodies_of_limited_size() {
        let decode = |len| Framing::Raw.decode_header(&vec![0xff; len]);
        assert_eq!(decode(0), Ok(None));
        for (len, size) in [(1, 1), (8192, 8192), (8193, 8192), (65_536, 8192)] {
            let header = decode(len).map(|header| header.map(|h| (h.size, h.len)));
            assert_eq!(header, Ok(Some((size, 0))));
        }
        let mut out = [0xAA; MAX_HEADER];
        assert_eq!(Framing::Raw.encode_header(true, true, 300, &mut out), 0);
        assert_eq!(out, [0xAA; MAX_HEADER]);
    }
}
