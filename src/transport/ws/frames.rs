//! WebSocket frames (RFC 6455, section 5): headers and masks.

#![forbid(unsafe_code)]

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

impl Opcode {
    fn from_bits(bits: u8) -> Option<Opcode> {
        use Opcode::*;
        let all = [Continuation, Text, Binary, Close, Ping, Pong];
        all.into_iter().find(|opcode| *opcode as u8 == bits)
    }

    /// Control frames are short and whole, and may stand between fragments.
    pub(super) fn is_control(self) -> bool {
        self as u8 >= Opcode::Close as u8
    }
}

/// The most bytes that a control frame carries.
pub(super) const CONTROL_MAX: u64 = 125;
/// The longest header: two bytes, a length of eight, a mask of four.
pub(super) const HEADER_MAX: usize = 14;

const FINAL: u8 = 0x80;
const RESERVED: u8 = 0x70;
const MASKED: u8 = 0x80;

/// The header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) opcode: Opcode,
    /// The last fragment of its message, as of most messages the only one.
    pub(super) is_final: bool,
    /// Bytes of payload.
    pub(super) length: u64,
    pub(super) mask: Option<Mask>,
}

impl Header {
    /// Reads a header: `None` if it is not complete yet, else also how many bytes it takes.
    ///
    /// Errors: why it is none.
    pub(super) fn decode(bytes: &[u8]) -> Result<Option<(Header, usize)>, &'static str> {
        let &[first, second, ..] = bytes else {
            return Ok(None);
        };
        if first & RESERVED != 0 {
            return Err("an extension was not agreed");
        }
        let opcode = Opcode::from_bits(first & 0x0f).ok_or("unknown kind of frame")?;
        let is_final = first & FINAL != 0;
        let (length, at) = match second & !MASKED {
            126 => match bytes.get(2..4) {
                Some(length) => (u64::from(u16::from_be_bytes([length[0], length[1]])), 4),
                None => return Ok(None),
            },
            127 => match bytes.get(2..10).and_then(|length| length.try_into().ok()) {
                Some(length) => (u64::from_be_bytes(length), 10),
                None => return Ok(None),
            },
            short => (u64::from(short), 2),
        };
        if opcode.is_control() && (length > CONTROL_MAX || !is_final) {
            return Err("a control frame that is long or a fragment");
        }
        if length > i64::MAX as u64 {
            return Err("a length of more than 63 bits");
        }
        let mask = match second & MASKED {
            0 => None,
            _ => match bytes.get(at..at + 4).and_then(|key| key.try_into().ok()) {
                Some(key) => Some(Mask::new(key)),
                None => return Ok(None),
            },
        };
        let header = Header {
            opcode,
            is_final,
            length,
            mask,
        };
        Ok(Some((header, at + if mask.is_some() { 4 } else { 0 })))
    }

    /// Appends the header to `out`.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let masked = if self.mask.is_some() { MASKED } else { 0 };
        out.push(self.opcode as u8 | if self.is_final { FINAL } else { 0 });
        match self.length {
            0..=125 => out.push(masked | self.length as u8),
            126..=0xffff => {
                out.push(masked | 126);
                out.extend_from_slice(&(self.length as u16).to_be_bytes());
            }
            _ => {
                out.push(masked | 127);
                out.extend_from_slice(&self.length.to_be_bytes());
            }
        }
        if let Some(mask) = self.mask {
            out.extend_from_slice(&mask.key.to_ne_bytes());
        }
    }
}

/// A mask, and how far in its four bytes the payload has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mask {
    /// The key as it stands in the header, in memory order.
    key: u32,
    /// Payload bytes masked so far, modulo 4.
    at: u32,
}

impl Mask {
    pub(super) fn new(key: [u8; 4]) -> Mask {
        Mask {
            key: u32::from_ne_bytes(key),
            at: 0,
        }
    }

    /// Masks or unmasks the next bytes of the payload, in place.
    pub(super) fn apply(&mut self, bytes: &mut [u8]) {
        let key = self.key.to_ne_bytes();
        let turned: [u8; 4] = std::array::from_fn(|i| key[(self.at as usize + i) % 4]);
        let word = u32::from_ne_bytes(turned);
        let wide = u64::from(word) << 32 | u64::from(word);
        let length = bytes.len();
        let mut chunks = bytes.chunks_exact_mut(8);
        for chunk in &mut chunks {
            let word = u64::from_ne_bytes(std::array::from_fn(|i| chunk[i]));
            chunk.copy_from_slice(&(word ^ wide).to_ne_bytes());
        }
        for (byte, key) in chunks
            .into_remainder()
            .iter_mut()
            .zip(turned.iter().cycle())
        {
            *byte ^= key;
        }
        self.at = (self.at + length as u32 % 4) % 4;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(opcode: Opcode, length: u64, key: Option<[u8; 4]>) -> Header {
        Header {
            opcode,
            is_final: true,
            length,
            mask: key.map(Mask::new),
        }
    }

    #[test]
    fn headers_are_read_as_they_are_written() {
        for length in [0, 1, 125, 126, 127, 0xffff, 0x10000, 1 << 40] {
            for key in [None, Some([1, 2, 3, 4])] {
                let header = header(Opcode::Binary, length, key);
                let mut bytes = Vec::new();
                header.encode(&mut bytes);
                assert!(bytes.len() <= HEADER_MAX);
                for part in 0..bytes.len() {
                    assert_eq!(Header::decode(&bytes[..part]), Ok(None));
                }
                bytes.push(0xaa);
                assert_eq!(Header::decode(&bytes), Ok(Some((header, bytes.len() - 1))));
            }
        }
    }

    #[test]
    fn the_shortest_length_is_written() {
        let written = |length| {
            let mut bytes = Vec::new();
            header(Opcode::Binary, length, None).encode(&mut bytes);
            bytes
        };
        assert_eq!(written(125), [0x82, 125]);
        assert_eq!(written(126), [0x82, 126, 0, 126]);
        assert_eq!(written(0x10000), [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn wrong_headers_are_refused() {
        for wrong in [
            [0x92, 0],   // an extension's bit
            [0x83, 0],   // an opcode that is reserved
            [0x09, 0],   // a ping that is a fragment
            [0x89, 126], // a ping that is long
        ] {
            let bytes = [&wrong[..], &[0xff; 12]].concat();
            assert!(Header::decode(&bytes).is_err(), "{wrong:x?}");
        }
        let too_long = [&[0x82, 127][..], &[0xff; 12]].concat();
        assert!(Header::decode(&too_long).is_err());
    }

    #[test]
    fn a_mask_goes_on_over_pieces_of_any_length() {
        let key = [0x11, 0x22, 0x33, 0x44];
        let plain: Vec<u8> = (0..100).collect();
        let expected: Vec<u8> = { plain.iter().zip(key.iter().cycle()) }
            .map(|(byte, key)| byte ^ key)
            .collect();
        for piece in 1..40 {
            let (mut bytes, mut mask) = (plain.clone(), Mask::new(key));
            for part in bytes.chunks_mut(piece) {
                mask.apply(part);
            }
            assert_eq!(bytes, expected, "pieces of {piece}");
        }
    }
}
