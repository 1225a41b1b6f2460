//! Z85, the text encoding of binary data of ZeroMQ RFC 32: four bytes are encoded as
//! five characters.

#![forbid(unsafe_code)]

use crate::error::{Error, Result};

const ALPHABET: &[u8; 85] =
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

/// The entry in [`DIGITS`] of bytes that are not in the alphabet.
const NO_DIGIT: u8 = 0xff;

/// The value of each byte as a Z85 digit.
const DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut value = 0;
    while value < ALPHABET.len() {
        digits[ALPHABET[value] as usize] = value as u8;
        value += 1;
    }
    digits
};

/// The number of characters that encode `size` bytes, without a final NUL.
///
/// # Errors
/// [`Error::Invalid`] if `size` is not a multiple of 4 or the result overflows.
pub fn encoded_len(size: usize) -> Result<usize> {
    if size % 4 != 0 {
        return Err(Error::Invalid);
    }
    (size / 4).checked_mul(5).ok_or(Error::Invalid)
}

/// The number of bytes that a text of `length` characters decodes to.
///
/// # Errors
/// [`Error::Invalid`] if `length` is 0 or not a multiple of 5.
pub fn decoded_len(length: usize) -> Result<usize> {
    if length == 0 || length % 5 != 0 {
        return Err(Error::Invalid);
    }
    Ok(length / 5 * 4)
}

/// Encodes `data` into `text`, without a final NUL.
///
/// # Errors
/// [`Error::Invalid`] if the length of `data` is not a multiple of 4, or the
/// length of `text` not exactly [`encoded_len`] of it.
pub fn encode(data: &[u8], text: &mut [u8]) -> Result<()> {
    if text.len() != encoded_len(data.len())? {
        return Err(Error::Invalid);
    }
    for (bytes, group) in data.chunks_exact(4).zip(text.chunks_exact_mut(5)) {
        let mut value = bytes
            .iter()
            .fold(0u32, |sum, &byte| sum << 8 | u32::from(byte));
        for character in group.iter_mut().rev() {
            *character = ALPHABET[(value % 85) as usize];
            value /= 85;
        }
    }
    Ok(())
}

/// Decodes `text` into `data`.
///
/// # Errors
/// [`Error::Invalid`] if the length of `text` is 0 or not a multiple of 5, the
/// length of `data` not exactly [`decoded_len`] of it, a character is not in
/// the alphabet, or a group of five characters exceeds 32 bits. `data` may then
/// hold the groups before the invalid one.
pub fn decode(text: &[u8], data: &mut [u8]) -> Result<()> {
    if data.len() != decoded_len(text.len())? {
        return Err(Error::Invalid);
    }
    for (group, bytes) in text.chunks_exact(5).zip(data.chunks_exact_mut(4)) {
        let mut value = 0u64;
        for &character in group {
            let digit = DIGITS[usize::from(character)];
            if digit == NO_DIGIT {
                return Err(Error::Invalid);
            }
            value = value * 85 + u64::from(digit);
        }
        let value = u32::try_from(value).map_err(|_| Error::Invalid)?;
        bytes.copy_from_slice(&value.to_be_bytes());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The example that RFC 32 gives.
    const BYTES: [u8; 8] = [0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b];
    const TEXT: &[u8; 10] = b"HelloWorld";

    #[test]
    fn rfc_example() {
        let mut text = [0; 10];
        assert_eq!(encode(&BYTES, &mut text), Ok(()));
        assert_eq!(&text, TEXT);
        let mut bytes = [0; 8];
        assert_eq!(decode(TEXT, &mut bytes), Ok(()));
        assert_eq!(bytes, BYTES);
    }

    #[test]
    fn lengths() {
        assert_eq!(encoded_len(0), Ok(0));
        assert_eq!(encoded_len(32), Ok(40));
        assert_eq!(encoded_len(33), Err(Error::Invalid));
        assert_eq!(encoded_len(usize::MAX - 3), Err(Error::Invalid));
        assert_eq!(decoded_len(0), Err(Error::Invalid));
        assert_eq!(decoded_len(4), Err(Error::Invalid));
        assert_eq!(decoded_len(40), Ok(32));
    }

    #[test]
    fn the_largest_group_is_32_bits() {
        let mut bytes = [0; 4];
        assert_eq!(decode(b"%nSc0", &mut bytes), Ok(()));
        assert_eq!(bytes, [0xff; 4]);
        assert_eq!(decode(b"%nSc1", &mut bytes), Err(Error::Invalid));
        assert_eq!(decode(b"#####", &mut bytes), Err(Error::Invalid));
    }

    #[test]
    fn foreign_characters() {
        let mut bytes = [0; 4];
        for wrong in [b' ', b'"', b',', b'~', b'\n', 0x80, 0xff] {
            assert_eq!(
                decode(&[b'0', wrong, b'0', b'0', b'0'], &mut bytes),
                Err(Error::Invalid)
            );
        }
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out(mut data in prop::collection::vec(any::<u8>(), 0..64)) {
            data.truncate(data.len() / 4 * 4);
            let mut text = vec![0; encoded_len(data.len()).unwrap()];
            encode(&data, &mut text).unwrap();
            if !text.is_empty() {
                let mut back = vec![0; data.len()];
                decode(&text, &mut back).unwrap();
                prop_assert_eq!(back, data);
            }
        }
    }
}
