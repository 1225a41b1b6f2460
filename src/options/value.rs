//! Reading option values from the caller's buffer, and writing them to it.
//!
//! Setters get the value as `Option<&[u8]>`; `None` is a NULL pointer with length 0.
//! Getters get the caller's whole buffer as a [`Room`], and return the length to report
//! to the caller. A length or value that is not allowed is [`Error::Invalid`], with the
//! buffer unchanged.

#![forbid(unsafe_code)]

use super::z85;
use crate::error::{Error, Result};
use crate::sys::room::Room;
use zeroize::Zeroizing;

/// Bytes of a CURVE key.
const KEY: usize = 32;
/// Characters of a CURVE key in Z85, without the NUL.
const KEY_TEXT: usize = 40;

/// Reads a C `int`; the length must be exactly 4.
pub fn int(value: Option<&[u8]>) -> Result<i32> {
    Ok(i32::from_ne_bytes(exact(value)?))
}

/// Reads a `uint64_t`; the length must be exactly 8.
pub fn u64(value: Option<&[u8]>) -> Result<u64> {
    Ok(u64::from_ne_bytes(exact(value)?))
}

/// Reads an `int64_t`; the length must be exactly 8.
pub fn i64(value: Option<&[u8]>) -> Result<i64> {
    Ok(i64::from_ne_bytes(exact(value)?))
}

/// Reads a switch that must be 0 or 1: the rule of most generic options.
pub fn flag(value: Option<&[u8]>) -> Result<bool> {
    match int(value)? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Error::Invalid),
    }
}

/// Reads a switch that accepts any `int`; all but 0 are true.
pub fn any_flag(value: Option<&[u8]>) -> Result<bool> {
    Ok(int(value)? != 0)
}

/// Reads a switch that must not be negative; all positive numbers are true: the rule of the
/// options of single socket types (`ZMQ_ROUTER_MANDATORY`, `ZMQ_XPUB_VERBOSE`, ...).
pub fn non_negative_flag(value: Option<&[u8]>) -> Result<bool> {
    match int(value)? {
        number if number >= 0 => Ok(number != 0),
        _ => Err(Error::Invalid),
    }
}

/// Reads 1 to `max` bytes.
pub fn bytes(value: Option<&[u8]>, max: usize) -> Result<&[u8]> {
    match value {
        Some(data) if !data.is_empty() && data.len() <= max => Ok(data),
        _ => Err(Error::Invalid),
    }
}

/// Reads 1 to `max` bytes, or NULL with length 0 as the empty value.
///
/// A length of 0 with a pointer other than NULL is refused.
pub fn bytes_or_null(value: Option<&[u8]>, max: usize) -> Result<&[u8]> {
    match value {
        None => Ok(&[]),
        some => bytes(some, max),
    }
}

/// Reads a CURVE key: 32 bytes, or 40 characters of Z85 with or without a NUL.
pub fn key(value: Option<&[u8]>) -> Result<[u8; KEY]> {
    let value = value.unwrap_or_default();
    if value.len() == KEY {
        return exact(Some(value));
    }
    let text = match value {
        [text @ .., 0] if text.len() == KEY_TEXT => text,
        text => text,
    };
    let mut key = [0; KEY];
    z85::decode(text, &mut key)?;
    Ok(key)
}

fn exact<const N: usize>(value: Option<&[u8]>) -> Result<[u8; N]> {
    value
        .and_then(|data| data.try_into().ok())
        .ok_or(Error::Invalid)
}

/// Writes an `int` into a buffer of exactly 4 bytes: the rule of the plain integer options.
pub fn put_int_exact(out: &mut Room<'_>, value: i32) -> Result<usize> {
    put_exact(out, value.to_ne_bytes())
}

/// Writes a `uint64_t` into a buffer of exactly 8 bytes.
pub fn put_u64_exact(out: &mut Room<'_>, value: u64) -> Result<usize> {
    put_exact(out, value.to_ne_bytes())
}

/// Writes an `int64_t` into a buffer of exactly 8 bytes.
pub fn put_i64_exact(out: &mut Room<'_>, value: i64) -> Result<usize> {
    put_exact(out, value.to_ne_bytes())
}

fn put_exact<const N: usize>(out: &mut Room<'_>, value: [u8; N]) -> Result<usize> {
    match out.len() == N && out.put(&value) {
        true => Ok(N),
        false => Err(Error::Invalid),
    }
}

/// Writes an `int` into a buffer of 4 bytes or more, zeroes the rest and returns 4.
///
/// The rule of the options that report state: `ZMQ_RCVMORE`, `ZMQ_FD`, `ZMQ_EVENTS`,
/// `ZMQ_THREAD_SAFE`, `ZMQ_TOPICS_COUNT`.
pub fn put_int_zero_padded(out: &mut Room<'_>, value: i32) -> Result<usize> {
    put_bytes(out, &value.to_ne_bytes())
}

/// Writes raw bytes, zeroes the rest of the buffer and returns their number. An empty value
/// fits any buffer.
pub fn put_bytes(out: &mut Room<'_>, value: &[u8]) -> Result<usize> {
    if !out.put(value) {
        return Err(Error::Invalid);
    }
    out.pad();
    Ok(value.len())
}

/// Writes a text and its final NUL, zeroes the rest and returns the length with the NUL.
///
/// An empty text needs a buffer of 1 byte. NUL bytes within the text are kept.
pub fn put_string(out: &mut Room<'_>, value: &[u8]) -> Result<usize> {
    if out.len() <= value.len() {
        return Err(Error::Invalid);
    }
    Ok(put_bytes(out, value)? + 1)
}

/// Writes a CURVE key: raw into a buffer of exactly 32 bytes, as Z85 and a NUL into one of
/// exactly 41.
pub fn put_key_exact(out: &mut Room<'_>, key: &[u8; KEY]) -> Result<usize> {
    let size = out.len();
    if size == KEY {
        out.put(key);
    } else if size == KEY_TEXT + 1 {
        let mut text = Zeroizing::new([0; KEY_TEXT + 1]);
        z85::encode(key, &mut text[..KEY_TEXT])?;
        out.put(&text[..]);
    } else {
        return Err(Error::Invalid);
    }
    Ok(size)
}
