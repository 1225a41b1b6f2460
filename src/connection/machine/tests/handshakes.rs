//! From a stream to a session, with each mechanism and with what goes wrong.

#![forbid(unsafe_code)]

use super::*;
use crate::options::{Secret, mechanism};
use crate::zmtp::metadata::PropertyList;
use crate::zmtp::{HandshakeError, ZapVerdict, curve};

fn plain(server: bool) -> Arc<Settings> {
    dealer(|options| {
        options.mechanism = mechanism::PLAIN;
        options.as_server = server;
        options.plain_username = b"joe".to_vec();
        options.plain_password = Secret::new(b"secret".to_vec());
    })
}

fn null() -> [Arc<Settings>; 2] {
    [dealer(|_| {}), dealer(|_| {})]
}

fn curve() -> [Arc<Settings>; 2] {
    let key = |seed: u8| {
        let secret = [seed; 32];
        (curve::public_key(&secret), secret)
    };
    let (server_public, server_secret) = key(7);
    let (client_public, client_secret) = key(9);
    let client = dealer(|options| {
        options.mechanism = mechanism::CURVE;
        options.curve_serverkey = server_public;
        options.curve_publickey = client_public;
        options.curve_secretkey = Secret::new(client_secret);
    });
    let server = dealer(|options| {
        options.mechanism = mechanism::CURVE;
        options.as_server = true;
        options.curve_secretkey = Secret::new(server_secret);
    });
    [client, server]
}

/// Answers the server's query to the ZAP handler.
fn answer(pair: &mut Pair, verdict: ZapVerdict) {
    assert!(pair.run(SECOND, |pair| !pair.sides[SERVER].asked.is_empty()));
    let side = &mut pair.sides[SERVER];
    let query = side.asked.pop().unwrap();
    assert_eq!(query.address, b"192.0.2.1");
    assert!(side.machine.zap_answered(query.token, verdict));
}

fn accept() -> ZapVerdict {
    ZapVerdict::Accept(PropertyList::default())
}

/// All mechanisms, however the bytes are split, on fast streams and slow ones.
#[test]
fn messages_follow_each_handshake() {
    for (name, [client, server]) in [
        ("NULL", null()),
        ("PLAIN", [plain(false), plain(true)]),
        ("CURVE", curve()),
    ] {
        for (chunk, capacity) in [(usize::MAX, usize::MAX), (7, usize::MAX), (61, 100)] {
            let mut pair = Pair::new(client.clone(), server.clone());
            (pair.net.chunk, pair.net.capacity) = (chunk, capacity);
            pair.sides[CLIENT].send(&[b"early", b"bird"]);
            match name {
                "NULL" => {}
                "PLAIN" => answer(&mut pair, accept()),
                _ => answer(&mut pair, ZapVerdict::Unavailable),
            }
            pair.establish();
            for side in &pair.sides {
                let [established] = &side.established[..] else {
                    panic!("{} sessions", side.established.len());
                };
                assert_eq!(established.mechanism, name);
                assert_eq!(established.peer_type, Some(SocketType::Dealer));
            }
            pair.expect(SERVER, &[b"early", b"bird"]);
            let long = vec![b'x'; 9_000];
            pair.sides[SERVER].send(&[b"", &long, b"end"]);
            pair.sides[CLIENT].send(&[b"short"]);
            pair.expect(SERVER, &[b"short"]);
            pair.run(10 * SECOND, |pair| {
                let pipe = pair.sides[CLIENT].socket.as_mut().unwrap();
                pipe.check_read()
            });
            pair.expect(CLIENT, &[b"", &long, b"end"]);
        }
    }
}

#[test]
fn all_that_a_peer_sends_may_come_in_one_read() {
    let mut pair = Pair::new(dealer(|_| {}), dealer(|_| {}));
    pair.establish();
    pair.sides[SERVER].send(&[b"with", b"the handshake"]);
    pair.expect(CLIENT, &[b"with", b"the handshake"]);
    let bytes = std::mem::take(&mut pair.net.sent[SERVER]);
    let mut again = Pair::new(dealer(|_| {}), dealer(|_| {}));
    let (machine, now) = (&mut again.sides[CLIENT].machine, again.now);
    machine.poll_event();
    machine.dialing(false, false, now);
    machine.connected(Peer::default(), now);
    machine.begin_input(now);
    assert!(machine.room().unwrap().put(&bytes));
    machine.handle_input(bytes.len(), now);
    again.perform_all(CLIENT);
    let machine = &mut again.sides[CLIENT].machine;
    assert!(machine.may_resume());
    machine.begin_input(now);
    assert_eq!(machine.end_input(), 1);
    let message = again.sides[CLIENT].recv().unwrap();
    assert_eq!(message, [&b"with"[..], b"the handshake"]);
}

#[test]
fn a_handshake_waits_for_the_zap_handler() {
    let mut pair = Pair::new(plain(false), plain(true));
    pair.sides[CLIENT].send(&[b"hello"]);
    pair.pass(SECOND);
    assert!(pair.sides.iter().all(|side| side.established.is_empty()));
    let server = &mut pair.sides[SERVER];
    let token = server.asked[0].token;
    assert_eq!(server.asked[0].request.mechanism, "PLAIN");
    assert!(
        !server.machine.zap_answered(token + 1, accept()),
        "of another query"
    );
    assert!(server.machine.zap_answered(token, accept()));
    pair.expect(SERVER, &[b"hello"]);
}

#[test]
fn a_handshake_ends_without_an_answer_of_the_zap_handler() {
    let mut pair = Pair::new(plain(false), plain(true));
    let lost = |pair: &mut Pair| !pair.sides[SERVER].lost.is_empty();
    assert!(!pair.run(29 * SECOND, lost) && pair.run(2 * SECOND, lost));
    assert_eq!(pair.sides[SERVER].lost, [Loss::Timeout]);
    assert!(
        !pair.sides[SERVER].machine.zap_answered(1, accept()),
        "too late"
    );
}

/// The reason is written before the stream is closed, and read after its end.
#[test]
fn a_refused_client_reads_why() {
    let mut pair = Pair::new(plain(false), plain(true));
    answer(&mut pair, ZapVerdict::Deny(400));
    pair.run(SECOND, |pair| !pair.sides[CLIENT].lost.is_empty());
    let denied = HandshakeError::Denied(400);
    assert_eq!(pair.sides[SERVER].lost, [Loss::Protocol(denied)]);
    let auth = HandshakeError::Auth(400);
    assert_eq!(pair.sides[CLIENT].lost, [Loss::Protocol(auth)]);
    assert!(pair.sides[SERVER].finished && !pair.sides[CLIENT].finished);
}

#[test]
fn a_silent_peer_has_the_handshakes_time() {
    let client = dealer(|options| options.handshake_ivl = 300);
    let mut pair = Pair::new(client, dealer(|options| options.handshake_ivl = 0));
    pair.net.muted = true;
    let began = pair.now;
    assert!(pair.run(SECOND, |pair| !pair.sides[CLIENT].lost.is_empty()));
    assert_eq!(pair.now - began, 300 * MILLISECOND);
    assert_eq!(pair.sides[CLIENT].lost, [Loss::Timeout]);
    assert_eq!(pair.sides[CLIENT].retries, [100 * MILLISECOND]);
}

#[test]
fn one_of_too_many_handshakes_is_ended_and_a_session_is_not() {
    let mut pair = Pair::new(dealer(|_| {}), dealer(|_| {}));
    let now = pair.now;
    pair.drive(CLIENT);
    pair.sides[SERVER].machine.evict(now);
    pair.establish(); // the client has tried again
    assert_eq!(pair.sides[SERVER].lost, [Loss::Crowded]);
    pair.sides[SERVER].machine.evict(now);
    pair.sides[CLIENT].send(&[b"still here"]);
    pair.expect(SERVER, &[b"still here"]);
}

#[test]
fn peers_that_do_not_fit_make_no_further_attempt() {
    let mut pair = Pair::new(settings(SocketType::Req, |_| {}), dealer(|_| {}));
    assert!(pair.run(SECOND, |pair| pair.sides[CLIENT].gave_up == 1));
    pair.pass(SECOND);
    let client = &mut pair.sides[CLIENT];
    assert!(client.retries.is_empty() && !client.finished);
    // The socket reads that, and again after the grace time; then the connection ends.
    client.machine.stop_soon(0, pair.now);
    assert!(pair.run(SECOND, |pair| pair.sides[CLIENT].gave_up == 2));
    let now = pair.now;
    pair.sides[CLIENT].machine.stop_soon(0, now);
    assert!(pair.run(SECOND, |pair| pair.sides[CLIENT].finished));
}
