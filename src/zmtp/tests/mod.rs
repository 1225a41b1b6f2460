//! Tests of the whole handshake. The byte streams are from the RFCs and from
//! captures of libzmq.

#![forbid(unsafe_code)]

mod pairs;
mod properties;
mod security;
mod traffic;
mod vectors;
mod zap;

use super::*;
use crate::abi::socket_type::SocketType;

fn config(socket_type: SocketType, routing_id: &[u8]) -> HandshakeConfig {
    HandshakeConfig {
        socket_type,
        routing_id: routing_id.to_vec(),
        max_msg_size: -1,
        mechanism: MechanismConfig::Null,
        zap: ZapPolicy::default(),
        app_metadata: Vec::new(),
    }
}

/// The outcome of offering a whole stream to a handshake.
#[derive(Debug, PartialEq)]
struct Outcome {
    result: Result<Progress, HandshakeError>,
    output: Vec<u8>,
}

/// Starts a handshake, offers `pieces` one after the other, and lets `Progress`
/// count over all of them.
fn offer<'a>(
    config: HandshakeConfig,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Handshake, Outcome) {
    let mut handshake = Handshake::new(config);
    let mut output = Vec::new();
    handshake.start(&mut output);
    let mut total = Progress {
        consumed: 0,
        done: false,
    };
    let mut error = None;
    for piece in pieces {
        match handshake.advance(piece, &mut output) {
            Ok(progress) => {
                assert!(progress.done || progress.consumed == piece.len());
                total.consumed += progress.consumed;
                total.done = progress.done;
            }
            Err(found) => {
                error = Some(found);
                break;
            }
        }
        if total.done {
            break;
        }
    }
    let result = error.map_or(Ok(total), Err);
    (handshake, Outcome { result, output })
}

/// Offers `stream` at once and expects the handshake to take all but `rest`.
fn accept(config: HandshakeConfig, stream: &[u8], rest: usize) -> (Session, Vec<u8>) {
    let (handshake, outcome) = offer(config, [stream]);
    let expected = Progress {
        consumed: stream.len() - rest,
        done: true,
    };
    assert_eq!(outcome.result, Ok(expected));
    (handshake.into_session(), outcome.output)
}

/// Offers `stream` at once and expects a refusal. Returns the error.
fn refuse(config: HandshakeConfig, stream: &[u8]) -> HandshakeError {
    let (mut handshake, outcome) = offer(config, [stream]);
    let error = outcome.result.expect_err("must be refused");
    assert_eq!(handshake.advance(b"", &mut Vec::new()), Err(error));
    error
}

/// The greeting of a 3.x peer with an empty routing id.
fn v3_greeting(minor: u8, mechanism: &str) -> Vec<u8> {
    let mut bytes = b"\xff\0\0\0\0\0\0\0\x01\x7f\x03".to_vec();
    bytes.push(minor);
    bytes.extend_from_slice(mechanism.as_bytes());
    bytes.resize(64, 0);
    bytes
}

fn v3_stream(minor: u8, commands: &[&[u8]]) -> Vec<u8> {
    let mut bytes = v3_greeting(minor, "NULL");
    for body in commands {
        bytes.push(4);
        bytes.push(u8::try_from(body.len()).expect("short command"));
        bytes.extend_from_slice(body);
    }
    bytes
}
