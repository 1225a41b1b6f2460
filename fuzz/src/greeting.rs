//! The first bytes of a connection, of any version, to any kind of socket.

#![forbid(unsafe_code)]

use super::handshakes::any_mechanism;
use super::input::Input;
use zmq::abi::socket_type::SPECS;
use zmq::testing::zmtp::{
    Framing, Handshake, HandshakeConfig, HandshakeError, MAX_HANDSHAKE_FRAME, ZapPolicy,
    ZapVerdict, metadata::PropertyList,
};

/// All that came of a stream.
#[derive(Debug, PartialEq)]
struct Outcome {
    result: Result<bool, HandshakeError>,
    consumed: usize,
    output: Vec<u8>,
    session: Option<String>,
}

/// Some choices, then the stream. However it is cut, the outcome is the same.
pub fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let mechanism = input.byte();
    let kind = SPECS[input.below(SPECS.len())].kind;
    let flags = input.byte();
    let step = 1 + usize::from(input.byte());
    let config = HandshakeConfig {
        socket_type: kind,
        routing_id: input.short().to_vec(),
        max_msg_size: if flags & 1 == 0 { -1 } else { 40 },
        mechanism: any_mechanism(mechanism),
        zap: ZapPolicy {
            domain_set: flags & 2 != 0,
            enforce_domain: flags & 4 != 0,
        },
        app_metadata: Vec::new(),
    };
    let verdict = match flags >> 3 & 3 {
        0 => ZapVerdict::Unavailable,
        1 => ZapVerdict::Deny(400),
        _ => ZapVerdict::Accept(PropertyList::default()),
    };
    let stream = input.rest();
    any_mechanism(mechanism); // the random numbers begin anew
    let whole = offer(config.clone(), &verdict, [stream]);
    any_mechanism(mechanism);
    assert_eq!(offer(config.clone(), &verdict, stream.chunks(step)), whole);
    any_mechanism(mechanism);
    assert_eq!(offer(config, &verdict, stream.chunks(1)), whole);
}

/// Offers all pieces, then answers a question to ZAP.
fn offer<'a>(
    config: HandshakeConfig,
    verdict: &ZapVerdict,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Outcome {
    let mut handshake = Handshake::new(config);
    let mut output = Vec::new();
    handshake.start(&mut output);
    let mut consumed = 0;
    let mut result = Ok(false);
    for piece in pieces {
        let step = handshake.advance(piece, &mut output);
        if let Ok(progress) = step {
            assert!(progress.done || progress.consumed == piece.len());
            consumed += progress.consumed;
        }
        result = step.map(|progress| progress.done);
        if result != Ok(false) {
            break;
        }
    }
    if result == Ok(false) && handshake.take_zap_request().is_some() {
        result = handshake.zap_reply(verdict.clone(), &mut output);
    }
    // Nobody says more than a greeting and two frames.
    assert!(output.len() < 2 * MAX_HANDSHAKE_FRAME as usize);
    match result {
        Err(error) => assert_eq!(handshake.advance(&[], &mut Vec::new()), Err(error)),
        Ok(done) => assert_eq!(done, handshake.is_done()),
    }
    // How much of a refused piece was read, nobody knows.
    consumed = if result.is_ok() { consumed } else { 0 };
    let session = handshake.is_done().then(|| {
        let session = handshake.into_session();
        assert_ne!(session.framing, Framing::Raw);
        format!("{session:?}")
    });
    Outcome {
        result,
        consumed,
        output,
        session,
    }
}
