//! CURVE traffic, and arbitrary bytes as input of PLAIN and CURVE.

#![forbid(unsafe_code)]

use proptest::prelude::*;

use super::security::{
    BOTH_DONE, curve_client, curve_pair, curve_server, plain_client, plain_server,
};
use super::*;

fn traffic() -> [Mechanism; 2] {
    let mut pair = curve_pair();
    assert_eq!(pair.run(usize::MAX), BOTH_DONE);
    pair.sessions().map(|session| session.mechanism)
}

const PLAIN_FLAGS: Flags = Flags {
    more: false,
    command: false,
};

/// The body of the MESSAGE that carries `body`.
fn encoded(mechanism: &mut Mechanism, flags: Flags, body: &[u8]) -> Vec<u8> {
    let mut out = b"before".to_vec();
    mechanism.encode(flags, body, &mut out);
    assert_eq!(&out[..6], b"before");
    let header = Framing::V2.decode_header(&out[6..]).ok().flatten();
    let header = header.expect("a frame");
    assert_eq!((header.more, header.command), (false, false));
    assert_eq!(header.size as usize, body.len() + mechanism.overhead());
    let at = 6 + header.len;
    assert_eq!(out.len(), at + header.size as usize);
    out.split_off(at)
}

#[test]
fn messages_carry_body_and_flags_both_ways() {
    let [mut client, mut server] = traffic();
    for len in [0, 1, 30, 31, 32, 221, 222, 223, 1000, 70_000] {
        for (more, command) in [(false, false), (true, false), (false, true), (true, true)] {
            let flags = Flags { more, command };
            let body: Vec<u8> = (0..len).map(|i| (i * 7) as u8).collect();
            for back in [false, true] {
                let (from, to) = match back {
                    false => (&mut client, &mut server),
                    true => (&mut server, &mut client),
                };
                let mut wire = encoded(from, flags, &body);
                let decoded = to.decode(PLAIN_FLAGS, &mut wire);
                assert_eq!(decoded, Ok((flags, &mut body.clone()[..])));
            }
        }
    }
}

#[test]
fn short_nonces_start_where_the_handshake_ended() {
    let [mut client, mut server] = traffic();
    for (mechanism, first) in [(&mut client, 3), (&mut server, 2)] {
        for number in first..first + 3_u64 {
            let wire = encoded(mechanism, PLAIN_FLAGS, b"x");
            assert_eq!(wire[..8], *b"\x07MESSAGE");
            assert_eq!(wire[8..16], number.to_be_bytes());
        }
    }
}

#[test]
fn replays_and_old_messages_are_refused() {
    let [mut client, mut server] = traffic();
    let wires: Vec<_> = (0..3)
        .map(|_| encoded(&mut client, PLAIN_FLAGS, b"x"))
        .collect();
    // A gap is fine, going back is not.
    assert!(server.decode(PLAIN_FLAGS, &mut wires[1].clone()).is_ok());
    for old in [0, 1] {
        let mut wire = wires[old].clone();
        let refused = server.decode(PLAIN_FLAGS, &mut wire);
        assert_eq!(refused, Err(ProtocolError::InvalidSequence));
    }
    assert!(server.decode(PLAIN_FLAGS, &mut wires[2].clone()).is_ok());
    // One's own message does not count either.
    let mut wire = wires[2].clone();
    let refused = client.decode(PLAIN_FLAGS, &mut wire);
    assert_eq!(refused, Err(ProtocolError::Cryptographic));
}

#[test]
fn a_flipped_bit_or_a_cut_spoils_a_message() {
    let [mut client, mut server] = traffic();
    let wire = encoded(&mut client, PLAIN_FLAGS, &[5; 80]);
    for byte in 0..wire.len() {
        let mut bad = wire.clone();
        bad[byte] ^= 1 << (byte % 8);
        let error = server.decode(PLAIN_FLAGS, &mut bad).map(|_| ());
        let expected = match byte {
            0 if bad[0] as usize >= bad.len() => ProtocolError::MalformedCommand,
            0..8 => ProtocolError::UnexpectedCommand,
            _ => ProtocolError::Cryptographic,
        };
        assert_eq!(error, Err(expected), "{byte}");
    }
    for len in 0..wire.len() {
        let error = server
            .decode(PLAIN_FLAGS, &mut wire[..len].to_vec())
            .map(|_| ());
        let expected = match len {
            0..8 => ProtocolError::MalformedCommand,
            8..33 => ProtocolError::MalformedMessage,
            _ => ProtocolError::Cryptographic,
        };
        assert_eq!(error, Err(expected), "{len}");
    }
    assert!(server.decode(PLAIN_FLAGS, &mut wire.clone()).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn any_bytes_are_an_error_and_no_panic(
        bodies in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..400), 1..4),
        names in proptest::collection::vec(0..8_usize, 4),
    ) {
        const NAMES: [&[u8]; 8] = [
            b"", b"\x05HELLO", b"\x07WELCOME", b"\x08INITIATE", b"\x05READY", b"\x05ERROR",
            b"\x07MESSAGE", b"\x05HELLO\x01\x00",
        ];
        for config in [plain_client(), plain_server(), curve_client([9; 32]), curve_server()] {
            let mut stream = v3_greeting(1, config.mechanism.name());
            for (body, name) in bodies.iter().zip(&names) {
                let body = [NAMES[*name], body].concat();
                Framing::V2.append_frame(false, true, &body, &mut stream);
            }
            let (_, outcome) = offer(config, [&stream[..]]);
            prop_assert!(outcome.result.is_err() || outcome.result.is_ok_and(|p| !p.done));
        }
        let [mut client, _] = traffic();
        for (body, name) in bodies.iter().zip(&names) {
            let mut body = [NAMES[*name], body].concat();
            prop_assert!(client.decode(PLAIN_FLAGS, &mut body).is_err());
        }
    }

    #[test]
    fn splits_of_a_body_do_not_matter(body in proptest::collection::vec(any::<u8>(), 0..3000)) {
        let [mut client, mut server] = traffic();
        let mut wire = encoded(&mut client, PLAIN_FLAGS, &body);
        let mut rest = wire.split_off(server.overhead());
        prop_assert_eq!(server.decode_parts(PLAIN_FLAGS, &wire, &mut rest), Ok(PLAIN_FLAGS));
        prop_assert_eq!(rest, body);
    }
}
