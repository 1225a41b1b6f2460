//! Setters of options that add to a list instead of replacing a value, and of others with rules
//! of their own.

#![forbid(unsafe_code)]

use super::value;
use crate::abi::numbers::draft::{ZMQ_NOTIFY_CONNECT, ZMQ_NOTIFY_DISCONNECT};
use crate::abi::socket_type::SocketType;
use crate::error::{Error, Result};

/// Longest text of an address filter, in bytes.
const MAX_FILTER: usize = 255;
/// Longest name of a metadata property, in bytes: its length is encoded in one byte.
const MAX_KEY: usize = 255;
/// Longest user name and password of RFC 1929, in bytes.
const MAX_CREDENTIAL: usize = 255;

/// `ZMQ_TCP_ACCEPT_FILTER`: adds a filter, or with NULL removes all. Each filter is
/// stored with the value of `ZMQ_IPV6` at this time, which its parsing depends on.
pub(super) fn tcp_filter(
    list: &mut Vec<(Vec<u8>, bool)>,
    ipv6: bool,
    data: Option<&[u8]>,
) -> Result<()> {
    match value::bytes_or_null(data, MAX_FILTER)? {
        [] => list.clear(),
        text => list.push((text.to_vec(), ipv6)),
    }
    Ok(())
}

/// `ZMQ_IPC_FILTER_PID` and its like: adds an id, or with NULL removes all.
pub(super) fn add<T: PartialEq>(
    list: &mut Vec<T>,
    data: Option<&[u8]>,
    read: fn([u8; 4]) -> T,
) -> Result<()> {
    let Some(bytes) = data else {
        list.clear();
        return Ok(());
    };
    let id = read(bytes.try_into().map_err(|_| Error::Invalid)?);
    if !list.contains(&id) {
        list.push(id);
    }
    Ok(())
}

/// Whether a metadata property may have this name: `1*255name-char` of RFC 23.
pub fn is_property_name(name: &[u8]) -> bool {
    let is_name_char = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.+".contains(byte);
    (1..=MAX_KEY).contains(&name.len()) && name.iter().all(is_name_char)
}

/// `ZMQ_METADATA`, `X-key:value`: adds a property. A value for an existing key is
/// ignored; the list is sorted by key. As in libzmq, a text of four bytes is refused,
/// and a value ends at its first NUL. A key that is no valid name is refused, because a
/// peer would close the connection.
pub(super) fn add_property(list: &mut Vec<(Vec<u8>, Vec<u8>)>, data: Option<&[u8]>) -> Result<()> {
    let text = data.filter(|text| text.len() != 4).ok_or(Error::Invalid)?;
    let colon = text.iter().position(|b| *b == b':').ok_or(Error::Invalid)?;
    let (key, rest) = (&text[..colon], &text[colon + 1..]);
    if !key.starts_with(b"X-") || !is_property_name(key) || rest.is_empty() {
        return Err(Error::Invalid);
    }
    let value = rest.split(|b| *b == 0).next().unwrap_or_default();
    if let Err(at) = list.binary_search_by(|(known, _)| known.as_slice().cmp(key)) {
        list.insert(at, (key.to_vec(), value.to_vec()));
    }
    Ok(())
}

/// `ZMQ_SOCKS_USERNAME` and `ZMQ_SOCKS_PASSWORD`: NULL or an empty text clears it.
pub(super) fn credential(data: Option<&[u8]>) -> Result<Vec<u8>> {
    let data = data.filter(|data| !data.is_empty());
    Ok(value::bytes_or_null(data, MAX_CREDENTIAL)?.to_vec())
}

/// `ZMQ_ROUTER_NOTIFY`: flags, for the types that have the option.
pub(super) fn router_notify(kind: SocketType, data: Option<&[u8]>) -> Result<i32> {
    let flags = value::int(data)?;
    let all = ZMQ_NOTIFY_CONNECT | ZMQ_NOTIFY_DISCONNECT;
    match kind {
        SocketType::Router | SocketType::Rep if (0..=all).contains(&flags) => Ok(flags),
        _ => Err(Error::Invalid),
    }
}

/// A value of `ZMQ_WSS_*`: any bytes, or none. [`Error::Invalid`] in a build without TLS.
pub(super) fn tls(data: Option<&[u8]>) -> Result<Vec<u8>> {
    match cfg!(feature = "wss") {
        true => Ok(data.unwrap_or_default().to_vec()),
        false => Err(Error::Invalid),
    }
}

/// `ZMQ_WSS_TRUST_SYSTEM`: 0 or 1. Errors as for [`tls`].
pub(super) fn tls_flag(data: Option<&[u8]>) -> Result<bool> {
    tls(data)?;
    match value::int(data)? {
        flag @ 0..=1 => Ok(flag == 1),
        _ => Err(Error::Invalid),
    }
}
