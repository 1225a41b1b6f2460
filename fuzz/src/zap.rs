//! Replies of ZAP handlers, against RFC 27.

#![forbid(unsafe_code)]

use super::input::Input;
use zmq::testing::zmtp::{ProtocolError, ZapVerdict, metadata, zap};

/// Up to nine frames, good ones or any.
pub fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let good: [&[u8]; zap::REPLY_FRAMES] = [b"", b"1.0", b"1", b"200", b"OK", b"joe", b""];
    let count = match input.below(16) {
        count @ 0..10 => count,
        _ => good.len(),
    };
    let frames: Vec<Vec<u8>> = (0..count)
        .map(|place| match input.byte() {
            0..=170 => good.get(place).copied().unwrap_or_default().to_vec(),
            171..=190 => [&b"200"[..], b"300", b"400", b"500"][input.below(4)].to_vec(),
            _ => input.short().to_vec(),
        })
        .collect();
    let verdict = zap::verdict(&frames);
    match wrong(&frames) {
        Some(error) => assert_eq!(verdict, ZapVerdict::Invalid(error)),
        None => check(&frames, verdict),
    }
}

fn wrong(frames: &[Vec<u8>]) -> Option<ProtocolError> {
    if frames.len() != 7 {
        return Some(ProtocolError::ZapMalformedReply);
    }
    let statuses: [&[u8]; 4] = [b"200", b"300", b"400", b"500"];
    let checks = [
        (frames[0].is_empty(), ProtocolError::ZapUnspecified),
        (frames[1] == b"1.0", ProtocolError::ZapBadVersion),
        (frames[2] == b"1", ProtocolError::ZapBadRequestId),
        (
            statuses.contains(&&frames[3][..]),
            ProtocolError::ZapInvalidStatusCode,
        ),
        (
            is_list(&frames[6]) && !frames[5].contains(&0),
            ProtocolError::ZapInvalidMetadata,
        ),
    ];
    checks
        .into_iter()
        .find(|(good, _)| !good)
        .map(|(_, error)| error)
}

/// Whether these are names as RFC 23 has them, and values without a NUL, to the last
/// byte.
fn is_list(mut rest: &[u8]) -> bool {
    while let Some(name) = rest.first() {
        let value = 1 + usize::from(*name);
        let Some(size) = rest.get(value..value + 4) else {
            return false;
        };
        let size = size
            .iter()
            .fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
        let Some(after) = rest.get(value + 4 + size..) else {
            return false;
        };
        let good = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.+".contains(byte);
        let name = &rest[1..value];
        if name.is_empty() || !name.iter().all(good) || rest[value + 4..][..size].contains(&0) {
            return false;
        }
        rest = after;
    }
    true
}

fn check(frames: &[Vec<u8>], verdict: ZapVerdict) {
    match (&frames[3][..], verdict) {
        (b"200", ZapVerdict::Accept(properties)) => {
            let mut properties = properties.iter();
            assert_eq!(properties.next(), Some((&b"User-Id"[..], &frames[5][..])));
            let mut list = Vec::new();
            for (name, value) in properties {
                metadata::append(name, value, &mut list);
            }
            assert_eq!(list, frames[6]);
        }
        (status, ZapVerdict::Deny(denied)) => assert_eq!(status, denied.to_string().as_bytes()),
        (status, verdict) => panic!("{status:?} gives {verdict:?}"),
    }
}
