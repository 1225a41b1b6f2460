//! ZAP (RFC 27): encodes a request into frames and decodes the reply.

#![forbid(unsafe_code)]

use super::error::ProtocolError;
use super::mechanism::{ZapRequest, ZapVerdict};
use super::metadata::{self, PropertyList};

/// The inproc name that a ZAP handler binds.
pub const NAME: &[u8] = b"zeromq.zap.01";

const VERSION: &[u8] = b"1.0";
/// Constant, because each request has a pipe of its own.
const REQUEST_ID: &[u8] = b"1";
/// Frames of a reply, the empty delimiter included.
pub const REPLY_FRAMES: usize = 7;

/// The frames of a request: `domain` is `ZMQ_ZAP_DOMAIN`, `address` the peer's
/// without a port, and `routing_id` the `ZMQ_ROUTING_ID` of our own socket
/// (libzmq sends that; the RFC means the peer's).
pub fn request_frames<'a>(
    request: &'a ZapRequest,
    domain: &'a [u8],
    address: &'a [u8],
    routing_id: &'a [u8],
) -> Vec<&'a [u8]> {
    let mechanism = request.mechanism.as_bytes();
    let mut frames = vec![
        &b""[..],
        VERSION,
        REQUEST_ID,
        domain,
        address,
        routing_id,
        mechanism,
    ];
    frames.extend(request.credentials.iter().map(Vec::as_slice));
    frames
}

/// Decodes a reply.
pub fn verdict(frames: &[Vec<u8>]) -> ZapVerdict {
    read(frames).unwrap_or_else(ZapVerdict::Invalid)
}

fn read(frames: &[Vec<u8>]) -> Result<ZapVerdict, ProtocolError> {
    let [delimiter, version, id, status, _text, user_id, list] = frames else {
        return Err(ProtocolError::ZapMalformedReply);
    };
    if !delimiter.is_empty() {
        return Err(ProtocolError::ZapUnspecified);
    }
    if version != VERSION {
        return Err(ProtocolError::ZapBadVersion);
    }
    if id != REQUEST_ID {
        return Err(ProtocolError::ZapBadRequestId);
    }
    let status = match status.as_slice() {
        b"200" => 200,
        b"300" => 300,
        b"400" => 400,
        b"500" => 500,
        _ => return Err(ProtocolError::ZapInvalidStatusCode),
    };
    // Added before a User-Id in the metadata: of equal names the first is used.
    let mut properties = PropertyList::default();
    properties.push(metadata::USER_ID, user_id);
    for property in metadata::properties(list) {
        let property = property.ok().filter(|(name, _)| metadata::is_name(name));
        let (name, value) = property.ok_or(ProtocolError::ZapInvalidMetadata)?;
        properties.push(name, value);
    }
    // Applications get values as C strings: a value truncated at its NUL may be the id
    // of another user.
    if properties.iter().any(|(_, value)| value.contains(&0)) {
        return Err(ProtocolError::ZapInvalidMetadata);
    }
    Ok(match status {
        200 => ZapVerdict::Accept(properties),
        denied => ZapVerdict::Deny(denied),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(change: impl FnOnce(&mut Vec<Vec<u8>>)) -> ZapVerdict {
        let good: [&[u8]; REPLY_FRAMES] = [b"", b"1.0", b"1", b"200", b"OK", b"joe", b""];
        let mut frames: Vec<_> = good.iter().map(|frame| frame.to_vec()).collect();
        change(&mut frames);
        verdict(&frames)
    }

    #[test]
    fn a_request_as_handlers_expect_it() {
        let request = ZapRequest {
            mechanism: "PLAIN",
            credentials: vec![b"admin".to_vec(), b"secret".to_vec()],
        };
        let frames = request_frames(&request, b"global", b"127.0.0.1", b"id");
        let expected: [&[u8]; 9] = [
            b"",
            b"1.0",
            b"1",
            b"global",
            b"127.0.0.1",
            b"id",
            b"PLAIN",
            b"admin",
            b"secret",
        ];
        assert_eq!(frames, expected);
    }

    fn list(properties: &[(&[u8], &[u8])]) -> PropertyList {
        properties.iter().copied().collect()
    }

    #[test]
    fn replies_that_decide() {
        let user = (metadata::USER_ID, &b"joe"[..]);
        assert_eq!(reply(|_| ()), ZapVerdict::Accept(list(&[user])));
        let with_list = reply(|frames| {
            frames[6] = b"\x05Hello\0\0\0\x05World\x07User-Id\0\0\0\x01x".to_vec();
        });
        let all = list(&[user, (b"Hello", b"World"), (metadata::USER_ID, b"x")]);
        assert_eq!(all.get(metadata::USER_ID), Some(&b"joe"[..]));
        assert_eq!(with_list, ZapVerdict::Accept(all));
        for (text, status) in [(b"300", 300), (b"400", 400), (b"500", 500)] {
            let denied = reply(|frames| frames[3] = text.to_vec());
            assert_eq!(denied, ZapVerdict::Deny(status));
        }
    }

    #[test]
    fn replies_that_are_none() {
        use ProtocolError::*;
        let cases: &[(usize, &[u8], ProtocolError)] = &[
            (0, b"x", ZapUnspecified),
            (1, b"2.0", ZapBadVersion),
            (2, b"2", ZapBadRequestId),
            (3, b"100", ZapInvalidStatusCode),
            (3, b"600", ZapInvalidStatusCode),
            (3, b"2000", ZapInvalidStatusCode),
            (3, b"", ZapInvalidStatusCode),
            (5, b"joe\0x", ZapInvalidMetadata),
            (6, b"\x05Hel", ZapInvalidMetadata),
            (6, b"\x00\0\0\0\x01x", ZapInvalidMetadata),
            (6, b"\x03A b\0\0\0\x01x", ZapInvalidMetadata),
            (6, b"\x03A\0b\0\0\0\x01x", ZapInvalidMetadata),
            (6, b"\x01A\0\0\0\x03x\0y", ZapInvalidMetadata),
        ];
        for (place, value, error) in cases {
            let found = reply(|frames| frames[*place] = value.to_vec());
            assert_eq!(found, ZapVerdict::Invalid(*error), "{place} {value:?}");
        }
        let malformed = ZapVerdict::Invalid(ZapMalformedReply);
        assert_eq!(reply(|frames| frames.truncate(6)), malformed);
        assert_eq!(reply(|frames| frames.push(Vec::new())), malformed);
        assert_eq!(verdict(&[]), malformed);
    }
}
