//! Frame headers of all versions, against what the RFCs say.

#![forbid(unsafe_code)]

use zmq::testing::zmtp::{FrameError, Framing, Header, MAX_HEADER};

/// The input is a stream of frames, in each of the framings.
pub fn run(input: &[u8]) {
    for framing in [Framing::V1, Framing::V2, Framing::Raw] {
        let mut rest = input;
        // Headers alone, so that a long body does not end it.
        for _ in 0..64 {
            let found = framing.decode_header(rest);
            assert_eq!(found, expected(framing, rest));
            let Ok(Some(header)) = found else { break };
            check(framing, header, rest);
            let Some(after) = rest.get(header.len.max(1)..) else {
                break;
            };
            rest = match usize::try_from(header.size) {
                Ok(size) if size <= after.len() => &after[size..],
                _ => after,
            };
        }
    }
}

/// A header is found as soon as its last byte is there, and survives.
fn check(framing: Framing, header: Header, bytes: &[u8]) {
    assert!(header.len <= MAX_HEADER && header.len <= bytes.len());
    if framing == Framing::Raw {
        return;
    }
    for short in 0..header.len {
        let more_needed = framing.decode_header(&bytes[..short]);
        assert_eq!(more_needed, Ok(None));
    }
    let Ok(size) = usize::try_from(header.size) else {
        return;
    };
    let mut out = [0xAA; MAX_HEADER];
    let len = framing.encode_header(header.more, header.command, size, &mut out);
    assert!(len <= header.len, "the shortest form");
    // One more byte than there can be has no place in version 1.
    if framing == Framing::V2 || header.size < u64::MAX {
        let again = framing.decode_header(&out[..len]);
        assert_eq!(again, Ok(Some(Header { len, ..header })));
    }
}

/// RFC 13 for version 1; RFC 15, 23 and 37 for the others.
fn expected(framing: Framing, bytes: &[u8]) -> Result<Option<Header>, FrameError> {
    let Some(first) = bytes.first() else {
        return Ok(None);
    };
    let number = |at: usize| {
        let bytes = bytes.get(at..at + 8)?;
        Some(
            bytes
                .iter()
                .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte)),
        )
    };
    let (flags, size, len, command) = match framing {
        Framing::V2 if first & 2 != 0 => (Some(first), number(1), 9, first & 4 != 0),
        Framing::V2 => (
            Some(first),
            bytes.get(1).map(|size| u64::from(*size)),
            2,
            first & 4 != 0,
        ),
        Framing::V1 => {
            let (length, at) = match first {
                255 => (number(1), 9),
                _ => (Some(u64::from(*first)), 1),
            };
            if length == Some(0) {
                return Err(FrameError::ZeroLength);
            }
            (
                bytes.get(at),
                length.map(|length| length - 1),
                at + 1,
                false,
            )
        }
        Framing::Raw => (Some(&0), Some(bytes.len().min(8192) as u64), 0, false),
    };
    let (Some(flags), Some(size)) = (flags, size) else {
        return Ok(None);
    };
    Ok(Some(Header {
        more: flags & 1 != 0,
        command,
        size,
        len,
    }))
}
