//! A handshake that waits for the ZAP reply, and 1.0 and 2.0 peers where ZAP is required.

#![forbid(unsafe_code)]

use super::*;
use crate::abi::socket_type::SocketType;

const READY_SUB: &[u8] = b"\x05READY\x0bSocket-Type\0\0\0\x03SUB";
const READY_PUB: &[u8] = b"\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03PUB";

fn zap_config() -> HandshakeConfig {
    let mut ours = config(SocketType::Pub, b"");
    ours.zap.domain_set = true;
    ours
}

/// Runs up to the pause; the peer's READY is in when `ready` says so.
fn paused(ready: bool) -> Handshake {
    let commands: &[&[u8]] = if ready { &[READY_SUB] } else { &[] };
    let (mut handshake, outcome) = offer(zap_config(), [&v3_stream(1, commands)[..]]);
    assert_eq!(outcome.output.len(), 64, "READY must wait for ZAP");
    assert!(!handshake.is_done());
    let request = ZapRequest {
        mechanism: "NULL",
        credentials: Vec::new(),
    };
    assert_eq!(handshake.take_zap_request(), Some(request));
    assert_eq!(handshake.take_zap_request(), None);
    handshake
}

#[test]
fn nobody_is_asked_without_a_domain() {
    let (mut handshake, _) = offer(config(SocketType::Pub, b""), [&v3_greeting(1, "NULL")[..]]);
    assert_eq!(handshake.take_zap_request(), None);
    assert_eq!(
        handshake.zap_reply(ZapVerdict::Deny(400), &mut Vec::new()),
        Ok(false),
        "an answer nobody asked for changes nothing"
    );
}

#[test]
fn an_accepted_peer_gets_our_ready() {
    for ready_first in [true, false] {
        let mut handshake = paused(ready_first);
        let mut output = Vec::new();
        let done = handshake.zap_reply(
            ZapVerdict::Accept(metadata::PropertyList::default()),
            &mut output,
        );
        assert_eq!(done, Ok(ready_first));
        assert_eq!(output, READY_PUB);
        if !ready_first {
            let frame = [&[4, READY_SUB.len() as u8], READY_SUB].concat();
            let progress = handshake.advance(&frame, &mut output);
            assert!(progress.is_ok_and(|progress| progress.done));
        }
        assert_eq!(
            handshake.into_session().peer_socket_type,
            Some(SocketType::Sub)
        );
    }
}

#[test]
fn a_denied_peer_is_told_except_for_a_temporary_failure() {
    for (status, expected) in [
        (300, &b""[..]),
        (400, b"\x04\x0a\x05ERROR\x03400"),
        (500, b"\x04\x0a\x05ERROR\x03500"),
    ] {
        let mut handshake = paused(true);
        let mut output = Vec::new();
        let denied = Err(HandshakeError::Denied(status));
        assert_eq!(
            handshake.zap_reply(ZapVerdict::Deny(status), &mut output),
            denied
        );
        assert_eq!(output, expected);
        assert!(handshake.advance(b"x", &mut output).is_err());
    }
}

#[test]
fn a_peer_does_not_change_what_the_handler_says() {
    let claims = b"\x05Group\0\0\0\x04root\x05gROUP\0\0\0\x04root\x05Color\0\0\0\x03red";
    let body = [READY_SUB, claims].concat();
    let (mut handshake, _) = offer(zap_config(), [&v3_stream(1, &[&body])[..]]);
    assert!(handshake.take_zap_request().is_some());
    let said = [(metadata::USER_ID, &b"joe"[..]), (b"Group", b"staff")];
    let verdict = ZapVerdict::Accept(said.into_iter().collect());
    assert_eq!(handshake.zap_reply(verdict, &mut Vec::new()), Ok(true));
    let session = handshake.into_session();
    let mut names: Vec<_> = session.properties.iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    assert_eq!(names, [&b"Color"[..], b"Group", b"Socket-Type", b"User-Id"]);
    assert_eq!(session.property(b"Group"), Some(&b"staff"[..]));
}

/// Whatever a peer sends before ZAP has judged it, about as much is kept.
#[test]
fn what_waits_for_zap_takes_no_more_memory_than_came() {
    let most = MAX_HANDSHAKE_FRAME as usize;
    for (name, value) in [(1, 0), (1, 1), (255, 0), (1, 60_000), (20, 300)] {
        let mut body = READY_SUB.to_vec();
        while body.len() + 1 + name + 4 + value <= most {
            metadata::append(&vec![b'n'; name], &vec![7; value], &mut body);
        }
        let mut stream = v3_greeting(1, "NULL");
        Framing::V2.append_frame(false, true, &body, &mut stream);
        for step in [1000, 8192, usize::MAX] {
            let (mut handshake, _) = offer(zap_config(), stream.chunks(step.min(stream.len())));
            assert!(handshake.take_zap_request().is_some());
            let limit = body.len() + 2048;
            assert!(
                handshake.memory() <= limit,
                "{} of {limit}",
                handshake.memory()
            );
        }
        // A frame that is not complete: half as much more than came at most.
        let (handshake, _) = offer(zap_config(), stream[..most / 2].chunks(1000));
        assert!(handshake.memory() <= most * 3 / 4 + 1024);
    }
}

#[test]
fn traffic_during_the_pause_is_refused() {
    let mut handshake = paused(true);
    let error = handshake.advance(b"\x00\x01x", &mut Vec::new());
    let unexpected = HandshakeError::Protocol(ProtocolError::UnexpectedCommand);
    assert_eq!(error, Err(unexpected));
}

#[test]
fn old_peers_are_refused_where_zap_would_judge() {
    let signature = b"\xff\0\0\0\0\0\0\0\x01\x7f";
    for stream in [
        b"\x01\x00".to_vec(),
        [&signature[..], b"\x00\x02"].concat(),
        [&signature[..], b"\x01\x02"].concat(),
    ] {
        assert_eq!(
            refuse(zap_config(), &stream),
            HandshakeError::Closed(Refusal::OldPeer)
        );
    }
}
