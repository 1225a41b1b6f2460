//! Byte vectors for each version, written by hand.

#![forbid(unsafe_code)]

use super::*;
use crate::abi::socket_type::{SPECS, SocketType};

const SIGNATURE: &[u8] = b"\xff\0\0\0\0\0\0\0\x01\x7f";
const READY_ROUTER: &[u8] = b"\x05READY\x0bSocket-Type\0\0\0\x06ROUTER\x08Identity\0\0\0\x02id";
const READY_SUB: &[u8] = b"\x05READY\x0bSocket-Type\0\0\0\x03SUB";

fn protocol(error: ProtocolError) -> HandshakeError {
    HandshakeError::Protocol(error)
}

#[test]
fn v3_1_both_sides() {
    let stream = [&v3_stream(1, &[READY_ROUTER])[..], b"traffic"].concat();
    let (session, output) = accept(config(SocketType::Dealer, b"me"), &stream, 7);

    let mut expected = b"\xff\0\0\0\0\0\0\0\x03\x7f\x03\x01NULL".to_vec();
    expected.resize(64, 0);
    expected.extend_from_slice(
        b"\x04\x2b\x05READY\x0bSocket-Type\0\0\0\x06DEALER\x08Identity\0\0\0\x02me",
    );
    assert_eq!(output, expected);

    assert_eq!(session.version, Version::V3_1);
    assert_eq!(session.framing, Framing::V2);
    assert_eq!(session.peer_routing_id, b"id");
    assert_eq!(session.peer_socket_type, Some(SocketType::Router));
    assert_eq!(session.property(b"Identity"), Some(&b"id"[..]));
    assert_eq!(session.property(b"Socket-Type"), Some(&b"ROUTER"[..]));
    assert_eq!(session.property(b"socket-type"), None);
    assert!(session.has_heartbeats() && session.has_subscription_commands());
    assert!(session.mechanism.transparent());
    assert!(!session.subscribe_all);
}

#[test]
fn identity_is_announced_by_three_types_only() {
    for kind in SPECS.iter().map(|spec| spec.kind) {
        let mut handshake = Handshake::new(config(kind, b""));
        let mut output = Vec::new();
        handshake
            .advance(&v3_greeting(1, "NULL"), &mut output)
            .expect("a good greeting");
        let mut ready = format!("\x05READY\x0bSocket-Type\0\0\0\x06{}", kind.name()).into_bytes();
        ready[6 + 12 + 3] = kind.name().len() as u8;
        if matches!(
            kind,
            SocketType::Req | SocketType::Dealer | SocketType::Router
        ) {
            ready.extend_from_slice(b"\x08Identity\0\0\0\0");
        }
        let frame = [&[4, ready.len() as u8], &ready[..]].concat();
        assert!(output.ends_with(&frame), "{kind:?}: {output:?}");
    }
}

#[test]
fn application_metadata_follows_cut_at_nul() {
    let mut ours = config(SocketType::Pub, b"");
    ours.app_metadata = vec![
        (b"X-A".to_vec(), b"one\0two".to_vec()),
        (b"X-B".to_vec(), b"".to_vec()),
    ];
    let (_, output) = accept(ours, &v3_stream(1, &[READY_SUB]), 0);
    assert!(output.ends_with(b"\x03PUB\x03X-A\0\0\0\x03one\x03X-B\0\0\0\0"));
}

#[test]
fn stages_leave_as_the_peer_shows_itself() {
    let peer = v3_greeting(1, "NULL");
    let mut handshake = Handshake::new(config(SocketType::Pair, b""));
    let mut output = Vec::new();
    handshake.start(&mut output);
    assert_eq!(output, SIGNATURE);
    let mut lengths = Vec::new();
    for byte in peer {
        let progress = handshake.advance(&[byte], &mut output);
        assert_eq!(
            progress,
            Ok(Progress {
                consumed: 1,
                done: false
            })
        );
        lengths.push(output.len());
    }
    assert_eq!(lengths[..9], [10; 9]);
    assert_eq!(lengths[9], 11);
    assert_eq!(lengths[10..63], [64; 53]);
    assert_eq!(lengths[63], 64 + 2 + 6 + 12 + 4 + 4);
}

#[test]
fn versions_are_chosen_as_libzmq_chooses_them() {
    for (revision, minor, version) in [
        (3, 0, Version::V3_0),
        (3, 1, Version::V3_1),
        (3, 9, Version::V3_1),
        (2, 0, Version::V3_1),
        (4, 0, Version::V3_1),
        (255, 255, Version::V3_1),
    ] {
        let mut stream = v3_stream(minor, &[READY_SUB]);
        stream[10] = revision;
        let (session, _) = accept(config(SocketType::Pub, b""), &stream, 0);
        assert_eq!(session.version, version, "{revision}.{minor}");
        assert_eq!(
            session.has_subscription_commands(),
            version == Version::V3_1
        );
        assert!(session.has_heartbeats());
    }
}

#[test]
fn v2_0_exchanges_identity_messages() {
    // DEALER "peer", then a first message.
    let stream = [SIGNATURE, b"\x01\x05\x00\x04peer", b"\x00\x01x"].concat();
    let (session, output) = accept(config(SocketType::Router, b"me"), &stream, 3);
    assert_eq!(
        output,
        b"\xff\0\0\0\0\0\0\0\x03\x7f\x03\x06\x00\x02me".to_vec()
    );
    assert_eq!(session.version, Version::V2_0);
    assert_eq!(session.framing, Framing::V2);
    assert_eq!(session.peer_routing_id, b"peer");
    assert_eq!(session.peer_socket_type, Some(SocketType::Dealer));
    assert!(!session.has_heartbeats());
    assert!(!session.has_subscription_commands());
    assert!(!session.subscribe_all);
}

#[test]
fn v2_0_socket_types_are_not_checked() {
    let stream = [SIGNATURE, b"\x01\x01\x00\x00"].concat();
    let (session, _) = accept(config(SocketType::Router, b""), &stream, 0);
    assert_eq!(session.peer_socket_type, Some(SocketType::Pub));
    let stream = [SIGNATURE, b"\x01\xee\x00\x00"].concat();
    let (session, _) = accept(config(SocketType::Router, b""), &stream, 0);
    assert_eq!(session.peer_socket_type, None);
}

#[test]
fn revision_0_uses_v1_frames_after_a_greeting() {
    let stream = [SIGNATURE, b"\x00\x02\x03\x00ab", b"\x02\x00x"].concat();
    let (session, output) = accept(config(SocketType::Pub, b""), &stream, 3);
    assert_eq!(output, b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01\x01\x00");
    assert_eq!(session.version, Version::V1);
    assert_eq!(session.framing, Framing::V1);
    assert_eq!(session.peer_routing_id, b"ab");
    assert_eq!(session.peer_socket_type, Some(SocketType::Sub));
    assert!(!session.subscribe_all);
}

#[test]
fn our_long_identity_has_a_long_v1_header() {
    let stream = [SIGNATURE, b"\x00\x05\x01\x00"].concat();
    let (_, output) = accept(config(SocketType::Router, &[7; 255]), &stream, 0);
    let mut expected = b"\xff\0\0\0\0\0\0\x01\x00\x7f\x03\x06".to_vec();
    expected.extend_from_slice(b"\xff\0\0\0\0\0\0\x01\x00\x00");
    expected.extend_from_slice(&[7; 255]);
    assert_eq!(output, expected);
}

#[test]
fn unversioned_peer_with_a_short_identity_frame() {
    let stream = b"\x04\x00abc\x02\x00x";
    let (session, output) = accept(config(SocketType::Router, b"me"), stream, 3);
    // The signature is the header of our identity frame; only the body follows.
    assert_eq!(output, b"\xff\0\0\0\0\0\0\0\x03\x7fme");
    assert_eq!(session.version, Version::V1_0);
    assert_eq!(session.framing, Framing::V1);
    assert_eq!(session.peer_routing_id, b"abc");
    assert_eq!(session.peer_socket_type, None);
    assert!(!session.has_heartbeats());
}

#[test]
fn unversioned_peer_with_an_empty_identity() {
    let (session, output) = accept(config(SocketType::Dealer, b""), b"\x01\x00\x02\x00x", 3);
    assert_eq!(output, SIGNATURE);
    assert_eq!(session.peer_routing_id, b"");
}

#[test]
fn unversioned_peer_with_a_long_identity_frame() {
    let mut stream = b"\xff\0\0\0\0\0\0\x01\x00\x00".to_vec();
    stream.extend_from_slice(&[9; 255]);
    stream.push(1);
    let (session, output) = accept(config(SocketType::Router, b""), &stream, 1);
    assert_eq!(output, SIGNATURE);
    assert_eq!(session.version, Version::V1_0);
    assert_eq!(session.peer_routing_id, [9; 255]);
}

#[test]
fn only_publishers_take_unversioned_peers_for_subscribers_of_everything() {
    for kind in SPECS.iter().map(|spec| spec.kind) {
        let (session, _) = accept(config(kind, b""), b"\x01\x00", 0);
        let publisher = matches!(kind, SocketType::Pub | SocketType::Xpub);
        assert_eq!(session.subscribe_all, publisher, "{kind:?}");
    }
}

#[test]
fn a_v1_frame_of_length_zero_is_refused() {
    let ours = || config(SocketType::Router, b"");
    assert_eq!(
        refuse(ours(), b"\x00"),
        HandshakeError::Closed(Refusal::Frame)
    );
    let stream = [SIGNATURE, b"\x00\x05\x00"].concat();
    assert_eq!(
        refuse(ours(), &stream),
        HandshakeError::Closed(Refusal::Frame)
    );
    assert_eq!(
        refuse(ours(), b"\xff\0\0\0\0\0\0\0\0\x00"),
        HandshakeError::Closed(Refusal::Frame)
    );
}

#[test]
fn mechanisms_must_agree_over_all_twenty_bytes() {
    let mismatch = protocol(ProtocolError::MechanismMismatch);
    assert_eq!(ProtocolError::MechanismMismatch.code(), 0x1100_0002);
    for name in ["PLAIN", "CURVE", "NUL", "NULLX", "null", ""] {
        let error = refuse(config(SocketType::Pair, b""), &v3_greeting(1, name));
        assert_eq!(error, mismatch, "{name}");
    }
    let mut handshake = Handshake::new(config(SocketType::Pair, b""));
    assert_eq!(handshake.peer_mechanism(), None);
    let outcome = handshake.advance(&v3_greeting(1, "PLAIN"), &mut Vec::new());
    assert_eq!(outcome, Err(mismatch));
    assert_eq!(handshake.peer_mechanism(), Some(&b"PLAIN"[..]));
    let mut stream = v3_greeting(1, "NULL");
    stream[31] = 1;
    assert_eq!(refuse(config(SocketType::Pair, b""), &stream), mismatch);
    // The byte behind is as-server, and like the filler nobody reads it.
    let mut stream = v3_stream(1, &[READY_SUB]);
    stream[32..64].fill(1);
    stream[1..9].fill(0xee);
    accept(config(SocketType::Pub, b""), &stream, 0);
}

#[test]
fn the_first_command_must_be_ready_or_error() {
    let refusal = |body: &[u8]| refuse(config(SocketType::Pub, b""), &v3_stream(1, &[body]));
    let unexpected = protocol(ProtocolError::UnexpectedCommand);
    for body in [
        &b""[..],
        b"\x05READX",
        b"\x05HELLO",
        b"\x06READY",
        b"\x04PING\0\0",
        b"\xff",
    ] {
        assert_eq!(refusal(body), unexpected, "{body:?}");
    }
    let malformed = protocol(ProtocolError::MalformedError);
    assert_eq!(refusal(b"\x05ERROR"), malformed);
    assert_eq!(refusal(b"\x05ERROR\x04400"), malformed);
}

#[test]
fn an_error_command_tells_the_zap_status() {
    let refusal = |body: &[u8]| refuse(config(SocketType::Pub, b""), &v3_stream(1, &[body]));
    assert_eq!(refusal(b"\x05ERROR\x03300"), HandshakeError::Auth(300));
    assert_eq!(refusal(b"\x05ERROR\x03400"), HandshakeError::Auth(400));
    assert_eq!(refusal(b"\x05ERROR\x03500"), HandshakeError::Auth(500));
    assert_eq!(refusal(b"\x05ERROR\x03400junk"), HandshakeError::Auth(400));
    for body in [
        &b"\x05ERROR\x00"[..],
        b"\x05ERROR\x03200",
        b"\x05ERROR\x03401",
        b"\x05ERROR\x04400 ",
    ] {
        assert_eq!(
            refusal(body),
            HandshakeError::Closed(Refusal::ByPeer),
            "{body:?}"
        );
    }
}

#[test]
fn malformed_metadata_closes_without_a_code() {
    for tail in [
        &b"\x01"[..],
        b"\x01A\0\0\0",
        b"\x01A\0\0\0\x02x",
        b"\x01A\xff\xff\xff\xff",
    ] {
        let body = [READY_SUB, tail].concat();
        let error = refuse(config(SocketType::Pub, b""), &v3_stream(1, &[&body]));
        assert_eq!(error, HandshakeError::Closed(Refusal::Metadata), "{tail:?}");
    }
}

#[test]
fn a_missing_socket_type_is_accepted_and_case_counts() {
    let body = b"\x05READY\x0bsocket-type\0\0\0\x04nope";
    let (session, _) = accept(config(SocketType::Pub, b""), &v3_stream(1, &[body]), 0);
    assert_eq!(session.peer_socket_type, None);
    assert_eq!(session.property(b"socket-type"), Some(&b"nope"[..]));
    accept(
        config(SocketType::Pub, b""),
        &v3_stream(1, &[b"\x05READY"]),
        0,
    );
}

#[test]
fn unknown_socket_types_are_refused() {
    for name in ["", "PUBX", "sub", "STREAM"] {
        let mut body = b"\x05READY\x0bSocket-Type\0\0\0".to_vec();
        body.push(name.len() as u8);
        body.extend_from_slice(name.as_bytes());
        let error = refuse(config(SocketType::Pub, b""), &v3_stream(1, &[&body]));
        assert_eq!(error, HandshakeError::Closed(Refusal::SocketType), "{name}");
    }
}

#[test]
fn the_first_of_duplicate_properties_is_found() {
    let body = [READY_SUB, b"\x01A\0\0\0\x01x\x01A\0\0\0\x01y"].concat();
    let (session, _) = accept(config(SocketType::Pub, b""), &v3_stream(1, &[&body]), 0);
    assert_eq!(session.property(b"A"), Some(&b"x"[..]));
    assert_eq!(session.properties.iter().count(), 3);
}

/// READY of a SUB with one property more.
fn ready_with(name: &[u8], value: &[u8]) -> Vec<u8> {
    let mut body = READY_SUB.to_vec();
    metadata::append(name, value, &mut body);
    let mut stream = v3_greeting(1, "NULL");
    Framing::V2.append_frame(false, true, &body, &mut stream);
    stream
}

#[test]
fn names_beyond_the_characters_of_the_rfc_are_refused() {
    let invalid = HandshakeError::Protocol(ProtocolError::InvalidMetadata);
    for byte in 0..=u8::MAX {
        let good = byte.is_ascii_alphanumeric() || b"-_.+".contains(&byte);
        for name in [[b'X', byte], [byte, b'X']] {
            let stream = ready_with(&name, b"x");
            match good {
                true => drop(accept(config(SocketType::Pub, b""), &stream, 0)),
                false => {
                    let error = refuse(config(SocketType::Pub, b""), &stream);
                    assert_eq!(error, invalid, "{byte}");
                }
            }
        }
    }
    for name in [&b""[..], b"User-Id\0", b"User-Id\0x", b"Identity\0", b"\0"] {
        let error = refuse(config(SocketType::Pub, b""), &ready_with(name, b"root"));
        assert_eq!(error, invalid, "{name:?}");
    }
    accept(
        config(SocketType::Pub, b""),
        &ready_with(&[b'n'; 255], b""),
        0,
    );
}

#[test]
fn a_peer_does_not_say_who_it_is() {
    for name in [
        "User-Id",
        "user-id",
        "USER-ID",
        "Peer-Address",
        "peer-addresS",
    ] {
        let stream = ready_with(name.as_bytes(), b"root");
        let (session, _) = accept(config(SocketType::Pub, b""), &stream, 0);
        assert_eq!(session.property(name.as_bytes()), None);
        assert_eq!(session.properties.iter().count(), 1, "{name}");
    }
}

#[test]
fn of_two_routing_ids_the_first_counts_everywhere() {
    let body = [READY_SUB, b"\x08Identity\0\0\0\x01a\x08Identity\0\0\0\x01b"].concat();
    let (session, _) = accept(config(SocketType::Pub, b""), &v3_stream(1, &[&body]), 0);
    assert_eq!(session.peer_routing_id, b"a");
    assert_eq!(session.property(b"Identity"), Some(&b"a"[..]));
}

#[test]
fn handshake_commands_may_come_as_messages_in_any_form() {
    for flags in [0_u8, 1, 4, 5, 0xf8] {
        let mut stream = v3_greeting(1, "NULL");
        stream.push(flags);
        stream.push(READY_SUB.len() as u8);
        stream.extend_from_slice(READY_SUB);
        accept(config(SocketType::Pub, b""), &stream, 0);

        let mut stream = v3_greeting(1, "NULL");
        stream.push(flags | 2);
        stream.extend_from_slice(&(READY_SUB.len() as u64).to_be_bytes());
        stream.extend_from_slice(READY_SUB);
        accept(config(SocketType::Pub, b""), &stream, 0);
    }
}

#[test]
fn the_size_limit_holds_for_handshake_frames() {
    let limited = |max| {
        let mut ours = config(SocketType::Pub, b"");
        ours.max_msg_size = max;
        ours
    };
    let size = READY_SUB.len() as i64;
    let stream = v3_stream(1, &[READY_SUB]);
    accept(limited(size), &stream, 0);
    // The header alone is enough to know.
    assert_eq!(
        refuse(limited(size - 1), &stream[..66]),
        HandshakeError::Closed(Refusal::TooLong)
    );
    accept(limited(3), b"\x04\x00abc", 0);
    assert_eq!(
        refuse(limited(2), b"\x04\x00"),
        HandshakeError::Closed(Refusal::TooLong)
    );
    accept(limited(0), b"\x01\x00", 0);
}

#[test]
fn frames_beyond_our_own_limit_are_refused_by_their_header() {
    for size in [MAX_HANDSHAKE_FRAME + 1, 1 << 40, u64::MAX] {
        let mut stream = v3_greeting(1, "NULL");
        stream.push(6);
        stream.extend_from_slice(&size.to_be_bytes());
        let error = refuse(config(SocketType::Pub, b""), &stream);
        assert_eq!(error, HandshakeError::Closed(Refusal::TooLong));
    }
}
