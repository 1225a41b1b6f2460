//! Handshakes between two instances of [`Handshake`].

#![forbid(unsafe_code)]

use super::*;
use crate::abi::socket_type::{SPECS, SocketType};

/// Carries bytes between two handshakes, at most `step` at a time, until
/// nothing moves.
fn converse(
    one: &mut Handshake,
    two: &mut Handshake,
    step: usize,
) -> (Result<bool, HandshakeError>, Result<bool, HandshakeError>) {
    let (mut to_two, mut to_one) = (Vec::new(), Vec::new());
    let (mut from_one, mut from_two) = (0, 0);
    one.start(&mut to_two);
    two.start(&mut to_one);
    let (mut first, mut second) = (Ok(false), Ok(false));
    for _ in 0..10_000 {
        let before = (from_one, from_two);
        if first == Ok(false) {
            let end = to_one.len().min(from_two + step);
            first = one
                .advance(&to_one[from_two..end], &mut to_two)
                .map(|progress| {
                    from_two += progress.consumed;
                    progress.done
                });
        }
        if second == Ok(false) {
            let end = to_two.len().min(from_one + step);
            second = two
                .advance(&to_two[from_one..end], &mut to_one)
                .map(|progress| {
                    from_one += progress.consumed;
                    progress.done
                });
        }
        if before == (from_one, from_two) {
            break;
        }
    }
    if first == Ok(true) && second == Ok(true) {
        assert_eq!((from_two, from_one), (to_one.len(), to_two.len()));
    }
    (first, second)
}

#[test]
fn compatible_types_agree_and_others_refuse_each_other() {
    for one in SPECS.iter().map(|spec| spec.kind) {
        for two in SPECS.iter().map(|spec| spec.kind) {
            for step in [1, 7, usize::MAX / 2] {
                let mut left = Handshake::new(config(one, b"left"));
                let mut right = Handshake::new(config(two, b"right"));
                let results = converse(&mut left, &mut right, step);
                if !one.is_compatible(two) {
                    let refused = Err(HandshakeError::Closed(Refusal::SocketType));
                    assert_eq!(results, (refused, refused), "{one:?} {two:?}");
                    continue;
                }
                assert_eq!(results, (Ok(true), Ok(true)), "{one:?} {two:?}");
                let (left, right) = (left.into_session(), right.into_session());
                assert_eq!(left.version, Version::V3_1);
                assert_eq!(right.version, Version::V3_1);
                assert_eq!(left.peer_socket_type, Some(two));
                assert_eq!(right.peer_socket_type, Some(one));
                let named = |kind, id: &'static [u8]| match kind {
                    SocketType::Req | SocketType::Dealer | SocketType::Router => id,
                    _ => b"",
                };
                assert_eq!(left.peer_routing_id, named(two, b"right"));
                assert_eq!(right.peer_routing_id, named(one, b"left"));
            }
        }
    }
}
