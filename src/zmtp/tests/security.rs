//! PLAIN and CURVE as client and as server, and peers that violate them.

#![forbid(unsafe_code)]

use std::cell::Cell;

use super::*;
use crate::abi::socket_type::SocketType;
use crate::options::Secret;
use crate::zmtp::curve::{CurveConfig, CurveRole, public_key};

/// Numbers that differ from call to call and are the same in every run.
fn random(bytes: &mut [u8]) -> crate::error::Result<()> {
    thread_local!(static NEXT: Cell<u64> = const { Cell::new(1) });
    for byte in bytes {
        let next = NEXT
            .get()
            .wrapping_mul(0x5851_f42d_4c95_7f2d)
            .wrapping_add(1);
        NEXT.set(next);
        *byte = (next >> 56) as u8;
    }
    Ok(())
}

fn no_random(_: &mut [u8]) -> crate::error::Result<()> {
    Err(crate::error::Error::Again)
}

const CLIENT_SECRET: [u8; 32] = [0x11; 32];
const SERVER_SECRET: [u8; 32] = [0x22; 32];

fn with(socket_type: SocketType, mechanism: MechanismConfig) -> HandshakeConfig {
    HandshakeConfig {
        mechanism,
        ..config(socket_type, b"id")
    }
}

pub(super) fn curve_client(server_key: [u8; 32]) -> HandshakeConfig {
    let role = CurveRole::Client {
        server_key,
        public_key: public_key(&CLIENT_SECRET),
        secret_key: Secret::new(CLIENT_SECRET),
    };
    with(
        SocketType::Dealer,
        MechanismConfig::Curve(CurveConfig { role, random }),
    )
}

pub(super) fn curve_server() -> HandshakeConfig {
    let role = CurveRole::Server {
        secret_key: Secret::new(SERVER_SECRET),
    };
    with(
        SocketType::Router,
        MechanismConfig::Curve(CurveConfig { role, random }),
    )
}

pub(super) fn plain_client() -> HandshakeConfig {
    let role = PlainRole::Client {
        username: b"admin".to_vec(),
        password: Secret::new(b"secret".to_vec()),
    };
    with(SocketType::Dealer, MechanismConfig::Plain(role))
}

pub(super) fn plain_server() -> HandshakeConfig {
    with(
        SocketType::Router,
        MechanismConfig::Plain(PlainRole::Server),
    )
}

/// The two ends of a handshake, and all that each has sent.
pub(super) struct Pair {
    ends: [Handshake; 2],
    sent: [Vec<u8>; 2],
    read: [usize; 2],
    /// What ZAP says, and what it was asked.
    verdict: ZapVerdict,
    asked: Vec<ZapRequest>,
}

pub(super) type Outcomes = [Result<bool, HandshakeError>; 2];

impl Pair {
    fn new(client: HandshakeConfig, server: HandshakeConfig) -> Pair {
        let mut pair = Pair {
            ends: [Handshake::new(client), Handshake::new(server)],
            sent: [Vec::new(), Vec::new()],
            read: [0, 0],
            verdict: ZapVerdict::Accept(metadata::PropertyList::default()),
            asked: Vec::new(),
        };
        for (end, sent) in pair.ends.iter_mut().zip(&mut pair.sent) {
            end.start(sent);
        }
        pair
    }

    /// Lets an end read at most `step` bytes; says what came of it.
    fn turn(&mut self, end: usize, step: usize) -> Result<bool, HandshakeError> {
        let start = self.read[end];
        let stop = self.sent[1 - end].len().min(start.saturating_add(step));
        let input = self.sent[1 - end][start..stop].to_vec();
        let handshake = &mut self.ends[end];
        let progress = handshake.advance(&input, &mut self.sent[end])?;
        self.read[end] += progress.consumed;
        if let Some(request) = handshake.take_zap_request() {
            self.asked.push(request);
            return handshake.zap_reply(self.verdict.clone(), &mut self.sent[end]);
        }
        Ok(progress.done)
    }

    /// Until nothing moves any more.
    pub(super) fn run(&mut self, step: usize) -> Outcomes {
        let mut outcomes: Outcomes = [Ok(false), Ok(false)];
        for _ in 0..20_000 {
            let before = (self.read, self.sent[0].len(), self.sent[1].len());
            for end in [0, 1] {
                if outcomes[end] == Ok(false) {
                    outcomes[end] = self.turn(end, step);
                }
            }
            if before == (self.read, self.sent[0].len(), self.sent[1].len()) {
                break;
            }
        }
        outcomes
    }

    pub(super) fn sessions(self) -> [Session; 2] {
        self.ends.map(Handshake::into_session)
    }
}

pub(super) const BOTH_DONE: Outcomes = [Ok(true), Ok(true)];

fn protocol(error: ProtocolError) -> HandshakeError {
    HandshakeError::Protocol(error)
}

/// The bodies of the command frames behind a greeting.
fn commands(stream: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = stream.get(64..).unwrap_or_default();
    let mut bodies = Vec::new();
    while let Ok(Some(header)) = Framing::V2.decode_header(rest) {
        let (frame, after) = rest.split_at(header.len + header.size as usize);
        bodies.push(frame[header.len..].to_vec());
        rest = after;
    }
    bodies
}

pub(super) fn curve_pair() -> Pair {
    Pair::new(curve_client(public_key(&SERVER_SECRET)), curve_server())
}

#[test]
fn plain_asks_about_user_and_password() {
    for step in [1, 13, usize::MAX] {
        let mut pair = Pair::new(plain_client(), plain_server());
        pair.verdict =
            ZapVerdict::Accept([(metadata::USER_ID, &b"root"[..])].into_iter().collect());
        assert_eq!(pair.run(step), BOTH_DONE);
        let request = ZapRequest {
            mechanism: "PLAIN",
            credentials: vec![b"admin".to_vec(), b"secret".to_vec()],
        };
        assert_eq!(pair.asked, [request]);
        assert_eq!(commands(&pair.sent[0])[0], b"\x05HELLO\x05admin\x06secret");
        assert_eq!(commands(&pair.sent[1])[0], b"\x07WELCOME");
        assert_eq!(pair.sent[1][12..20], *b"PLAIN\0\0\0");
        assert_eq!(pair.sent[1][32], 0, "as-server is never set");
        let [client, server] = pair.sessions();
        assert!(client.mechanism.transparent() && server.mechanism.transparent());
        assert_eq!(server.property(b"User-Id"), Some(&b"root"[..]));
        assert_eq!(server.property(b"Socket-Type"), Some(&b"DEALER"[..]));
        assert_eq!(server.peer_routing_id, b"id");
        assert_eq!(client.property(b"Socket-Type"), Some(&b"ROUTER"[..]));
    }
}

#[test]
fn debug_output_shows_no_password() {
    let mut pair = Pair::new(plain_client(), plain_server());
    while !pair.ends[1].is_done() {
        for end in [0, 1] {
            assert!(pair.turn(end, 1).is_ok());
            // "secr", as a list of bytes.
            assert!(!format!("{:?}", pair.ends[end]).contains("115, 101, 99, 114"));
        }
    }
}

#[test]
fn curve_agrees_in_any_pace() {
    for step in [1, 100, usize::MAX] {
        let mut pair = curve_pair();
        assert_eq!(pair.run(step), BOTH_DONE);
        let request = ZapRequest {
            mechanism: "CURVE",
            credentials: vec![public_key(&CLIENT_SECRET).to_vec()],
        };
        assert_eq!(pair.asked, [request]);
        let sizes = |stream: &[u8]| commands(stream).iter().map(Vec::len).collect::<Vec<_>>();
        // Socket-Type and Identity take 22 and 15 bytes, of DEALER and ROUTER.
        let metadata = 22 + 15;
        assert_eq!(sizes(&pair.sent[0]), [200, 257 + metadata]);
        assert_eq!(sizes(&pair.sent[1]), [168, 30 + metadata]);
        let [client, server] = pair.sessions();
        assert_eq!(server.peer_socket_type, Some(SocketType::Dealer));
        assert_eq!(client.peer_socket_type, Some(SocketType::Router));
        assert!(!client.mechanism.transparent());
    }
}

/// (client's view, server's view, the server's last command)
fn judged(mut pair: Pair, verdict: ZapVerdict) -> (Outcomes, Vec<u8>) {
    pair.verdict = verdict;
    let outcomes = pair.run(usize::MAX);
    let last = commands(&pair.sent[1]).pop().unwrap_or_default();
    (outcomes, last)
}

#[test]
fn zap_decides() {
    let plain = || Pair::new(plain_client(), plain_server());
    // PLAIN as libzmq writes it.
    for (make, name) in [(plain as fn() -> Pair, "^"), (curve_pair, "\x05E")] {
        for status in [400, 500] {
            let (outcomes, last) = judged(make(), ZapVerdict::Deny(status));
            let denied = HandshakeError::Denied(status);
            let refused = HandshakeError::Auth(status);
            assert_eq!(outcomes, [Err(refused), Err(denied)]);
            assert_eq!(last, format!("{name}RROR\x03{status}").into_bytes());
        }
        let (outcomes, last) = judged(make(), ZapVerdict::Deny(300));
        assert_eq!(outcomes, [Ok(false), Err(HandshakeError::Denied(300))]);
        assert!(!last.windows(4).any(|name| name == b"RROR"));
        let bad = ProtocolError::ZapBadVersion;
        let (outcomes, _) = judged(make(), ZapVerdict::Invalid(bad));
        assert_eq!(outcomes, [Ok(false), Err(protocol(bad))]);
    }
    let (outcomes, _) = judged(plain(), ZapVerdict::Unavailable);
    assert_eq!(outcomes, [Ok(false), Err(HandshakeError::NoZapHandler)]);
    let (outcomes, _) = judged(curve_pair(), ZapVerdict::Unavailable);
    assert_eq!(outcomes, BOTH_DONE);
}

#[test]
fn curve_and_the_enforced_domain() {
    for (domain_set, expected, asked) in [
        (false, BOTH_DONE, 0),
        (true, [Ok(false), Err(HandshakeError::NoZapHandler)], 1),
    ] {
        let mut server = curve_server();
        server.zap = ZapPolicy {
            domain_set,
            enforce_domain: true,
        };
        let mut pair = Pair::new(curve_client(public_key(&SERVER_SECRET)), server);
        pair.verdict = ZapVerdict::Unavailable;
        assert_eq!(pair.run(usize::MAX), expected);
        assert_eq!(pair.asked.len(), asked);
    }
}

#[test]
fn mechanisms_and_roles_must_fit() {
    let mismatch = Err(protocol(ProtocolError::MechanismMismatch));
    for (one, two) in [
        (plain_client(), curve_server()),
        (curve_client([9; 32]), config(SocketType::Router, b"")),
        (plain_client(), config(SocketType::Router, b"")),
    ] {
        assert_eq!(Pair::new(one, two).run(usize::MAX), [mismatch, mismatch]);
    }
    let mut two_clients = Pair::new(plain_client(), plain_client());
    let unexpected = Err(protocol(ProtocolError::UnexpectedCommand));
    assert_eq!(two_clients.run(usize::MAX), [unexpected, unexpected]);
    let mut two_servers = Pair::new(curve_server(), curve_server());
    assert_eq!(two_servers.run(usize::MAX), [Ok(false), Ok(false)]);
}

#[test]
fn a_wrong_server_key_is_noticed() {
    let outcomes = Pair::new(curve_client([9; 32]), curve_server()).run(usize::MAX);
    assert_eq!(outcomes[1], Err(protocol(ProtocolError::Cryptographic)));
    // A key without a secret is not even tried.
    let outcomes = Pair::new(curve_client([0; 32]), curve_server()).run(usize::MAX);
    assert_eq!(outcomes[0], Err(protocol(ProtocolError::Cryptographic)));
}

#[test]
fn a_public_key_of_somebody_else_is_noticed() {
    let mut client = curve_client(public_key(&SERVER_SECRET));
    if let MechanismConfig::Curve(CurveConfig {
        role: CurveRole::Client { public_key, .. },
        ..
    }) = &mut client.mechanism
    {
        *public_key = curve::public_key(&[0x33; 32]);
    }
    let outcomes = Pair::new(client, curve_server()).run(usize::MAX);
    assert_eq!(outcomes[1], Err(protocol(ProtocolError::Cryptographic)));
}

#[test]
fn without_random_numbers_there_is_no_handshake() {
    for end in [0, 1] {
        let mut configs = [curve_client(public_key(&SERVER_SECRET)), curve_server()];
        if let MechanismConfig::Curve(config) = &mut configs[end].mechanism {
            config.random = no_random;
        }
        let [client, server] = configs;
        let outcomes = Pair::new(client, server).run(usize::MAX);
        assert_eq!(outcomes[end], Err(HandshakeError::NoRandom));
    }
}

/// Runs until `end` has sent its command number `number`, then changes it with
/// `change` and lets the other end read it.
fn tampered(
    mut pair: Pair,
    end: usize,
    number: usize,
    change: impl Fn(&mut Vec<u8>),
) -> Result<bool, HandshakeError> {
    for round in 0..8 {
        let bodies = commands(&pair.sent[end]);
        if bodies.len() > number && pair.sent[end].len() > 64 {
            let mut stream = pair.sent[end][..64].to_vec();
            for (place, mut body) in bodies.into_iter().enumerate() {
                if place == number {
                    change(&mut body);
                }
                Framing::V2.append_frame(false, true, &body, &mut stream);
            }
            pair.sent[end] = stream;
            return pair.turn(1 - end, usize::MAX);
        }
        pair.turn(round % 2, usize::MAX)?;
    }
    panic!("the command was never sent");
}

#[test]
fn every_flipped_bit_ends_a_curve_handshake() {
    for (end, number, size) in [(0, 0, 200), (1, 0, 168), (0, 1, 294), (1, 1, 67)] {
        for byte in 0..size {
            // The padding of HELLO means nothing, here as in libzmq, and the
            // highest bit of C' nothing to the curve: INITIATE brings it out.
            let silent = (8..80).contains(&byte) || byte == 111;
            let expected_to_pass = (end, number) == (0, 0) && silent;
            let bit = 1 << (byte % 8);
            let outcome = tampered(curve_pair(), end, number, |body| body[byte] ^= bit);
            assert_eq!(outcome.is_ok(), expected_to_pass, "{end} {number} {byte}");
        }
    }
}

#[test]
fn the_short_term_key_of_hello_must_be_that_of_the_vouch() {
    let mut pair = curve_pair();
    for end in [1, 0, 1, 0] {
        assert_eq!(pair.turn(end, usize::MAX), Ok(false));
    }
    // Behind the greeting and a frame header of two bytes.
    pair.sent[0][64 + 2 + 111] ^= 0x80;
    let outcome = pair.run(usize::MAX)[1];
    assert_eq!(outcome, Err(protocol(ProtocolError::KeyExchange)));
}

#[test]
fn commands_of_a_wrong_length() {
    let cases = [
        (0, 0, ProtocolError::MalformedHello),
        (1, 0, ProtocolError::Cryptographic),
        (0, 1, ProtocolError::Cryptographic),
        (1, 1, ProtocolError::Cryptographic),
    ];
    for (end, number, error) in cases {
        for change in [
            |body: &mut Vec<u8>| body.push(0),
            |body: &mut Vec<u8>| {
                body.pop();
            },
        ] {
            let outcome = tampered(curve_pair(), end, number, change);
            assert_eq!(outcome, Err(protocol(error)), "{end} {number}");
        }
    }
    for (end, number, len, error) in [
        (0, 1, 256, ProtocolError::MalformedInitiate),
        (0, 1, 257, ProtocolError::Cryptographic),
        (1, 1, 29, ProtocolError::MalformedReady),
        (1, 1, 30, ProtocolError::Cryptographic),
        (0, 0, 1, ProtocolError::MalformedCommand),
        (0, 1, 0, ProtocolError::MalformedCommand),
        (0, 0, 5, ProtocolError::MalformedCommand),
        (1, 0, 7, ProtocolError::UnexpectedCommand),
    ] {
        let outcome = tampered(curve_pair(), end, number, |body| body.truncate(len));
        assert_eq!(outcome, Err(protocol(error)), "{end} {number} {len}");
    }
    let outcome = tampered(curve_pair(), 0, 0, |body| body[6] = 2);
    assert_eq!(outcome, Err(protocol(ProtocolError::MalformedHello)));
}

#[test]
fn malformed_plain_commands() {
    let plain = || Pair::new(plain_client(), plain_server());
    let cases: &[(usize, usize, &[u8], ProtocolError)] = &[
        (0, 0, b"\x05HELLO", ProtocolError::MalformedHello),
        (0, 0, b"\x05HELLO\x02a", ProtocolError::MalformedHello),
        (0, 0, b"\x05HELLO\x01a", ProtocolError::MalformedHello),
        (0, 0, b"\x05HELLO\x01a\x02b", ProtocolError::MalformedHello),
        (0, 0, b"\x05HELLO\x01a\x01bc", ProtocolError::MalformedHello),
        (
            0,
            0,
            b"\x05HELPO\x01a\x01b",
            ProtocolError::UnexpectedCommand,
        ),
        (0, 0, b"\x05HELL", ProtocolError::MalformedCommand),
        (0, 0, b"", ProtocolError::MalformedCommand),
        (0, 0, b"\0", ProtocolError::MalformedCommand),
        (1, 0, b"\x07WELCOMEx", ProtocolError::MalformedWelcome),
        (1, 0, b"\x05READY", ProtocolError::UnexpectedCommand),
        (1, 0, b"\x05ERROR", ProtocolError::MalformedError),
        (1, 0, b"\x05ERROR\x03", ProtocolError::MalformedError),
        (1, 0, b"^RROR", ProtocolError::MalformedError),
        (1, 0, b"^RROR\x04400", ProtocolError::MalformedError),
        (0, 1, b"\x08INITIATX", ProtocolError::UnexpectedCommand),
        (1, 1, b"\x05READYx", ProtocolError::InvalidMetadata),
        (1, 1, b"\x07WELCOME", ProtocolError::UnexpectedCommand),
    ];
    for (end, number, body, error) in cases {
        let outcome = tampered(plain(), *end, *number, |old| *old = body.to_vec());
        assert_eq!(outcome, Err(protocol(*error)), "{body:?}");
    }
    for (body, error) in [
        (&b"\x05ERROR\x03300"[..], HandshakeError::Auth(300)),
        (b"\x05ERROR\x03301", HandshakeError::Closed(Refusal::ByPeer)),
    ] {
        for number in [0, 1] {
            for make in [plain, curve_pair] {
                let outcome = tampered(make(), 1, number, |old| *old = body.to_vec());
                assert_eq!(outcome, Err(error));
            }
        }
    }
    let outcome = tampered(plain(), 1, 0, |old| *old = b"^RROR\x03500".to_vec());
    assert_eq!(outcome, Err(HandshakeError::Auth(500)));
    let outcome = tampered(curve_pair(), 1, 0, |old| *old = b"^RROR\x03500".to_vec());
    assert_eq!(outcome, Err(protocol(ProtocolError::UnexpectedCommand)));
    // libzmq 4.3 would try to open this READY with a key that it does not have.
    let outcome = tampered(curve_pair(), 1, 0, |old| {
        *old = [&b"\x05READY"[..], &[0; 100]].concat();
    });
    assert_eq!(outcome, Err(protocol(ProtocolError::UnexpectedCommand)));
    let outcome = tampered(plain(), 0, 1, |old| *old = b"\x08INITIATEx".to_vec());
    assert_eq!(outcome, Err(HandshakeError::Closed(Refusal::Metadata)));
}

#[test]
fn nothing_may_come_while_zap_is_asked() {
    for (config, client) in [
        (plain_server(), plain_client()),
        (curve_server(), curve_client(public_key(&SERVER_SECRET))),
    ] {
        let mut pair = Pair::new(client, config);
        let mut output = Vec::new();
        for _ in 0..4 {
            for end in [0, 1] {
                let start = pair.read[end];
                let input = pair.sent[1 - end][start..].to_vec();
                let progress = pair.ends[end].advance(&input, &mut pair.sent[end]);
                pair.read[end] += progress.expect("good so far").consumed;
            }
        }
        assert!(!pair.ends[1].is_done());
        let error = pair.ends[1].advance(b"\x04\x07\x06CANCEL", &mut output);
        assert_eq!(error, Err(protocol(ProtocolError::ZmtpUnspecified)));
    }
}
