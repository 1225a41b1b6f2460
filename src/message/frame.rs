//! The header of a frame in ZMTP 2 and later: a byte of flags, then the size of the body in one
//! byte or in eight, most significant first.

#![forbid(unsafe_code)]

/// Bits of the flags.
pub const MORE: u8 = 0x01;
/// The size has eight bytes.
pub const LONG: u8 = 0x02;
/// The body is a command.
pub const COMMAND: u8 = 0x04;

const SHORT_LEN: usize = 2;
const LONG_LEN: usize = 9;

/// A decoded header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// [`MORE`], [`LONG`], [`COMMAND`], and whatever other bits there are.
    pub flags: u8,
    /// Bytes of the body.
    pub size: u64,
    /// Bytes of the header.
    pub len: usize,
}

/// Bytes of the header of a frame with so many bytes of body.
#[inline]
pub const fn header_len(size: usize) -> usize {
    match size < 256 {
        true => SHORT_LEN,
        false => LONG_LEN,
    }
}

/// Passes the header of a frame with `size` bytes of body to `write`. `flags` are without [`LONG`].
#[inline(always)]
pub fn encode<R>(flags: u8, size: usize, write: impl FnOnce(&[u8]) -> R) -> R {
    match u8::try_from(size) {
        Ok(size) => write(&[flags, size]),
        Err(_) => {
            let mut header = [flags | LONG; LONG_LEN];
            header[1..].copy_from_slice(&(size as u64).to_be_bytes());
            write(&header)
        }
    }
}

/// The header that begins with the bytes `first`. `size` reads the eight bytes behind the flags, if
/// they are the size.
///
/// # Errors
/// That of `size`.
#[inline(always)]
pub fn decode_with<E>(
    first: [u8; 2],
    size: impl FnOnce() -> Result<[u8; 8], E>,
) -> Result<FrameHeader, E> {
    let [flags, short] = first;
    let (size, len) = match flags & LONG {
        0 => (u64::from(short), SHORT_LEN),
        _ => (u64::from_be_bytes(size()?), LONG_LEN),
    };
    Ok(FrameHeader { flags, size, len })
}

/// The header at the front of `input`. `None` if more bytes are needed.
#[inline(always)]
pub fn decode(input: &[u8]) -> Option<FrameHeader> {
    let first = input.first_chunk::<2>()?;
    let size = || input[1..].first_chunk::<8>().copied().ok_or(());
    decode_with(*first, size).ok()
}
