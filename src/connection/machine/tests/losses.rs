//! Streams that break, attempts that fail, and what is sent after all.

#![forbid(unsafe_code)]

use super::*;
use crate::connection::machine::attempts::reconnect_stop;
use crate::transport::Endpoint;
use std::io;

#[test]
fn a_lost_stream_is_made_anew_and_the_pipe_stays() {
    let mut pair = Pair::new(dealer(|_| {}), dealer(|_| {}));
    pair.establish();
    for round in 0..3u8 {
        let now = pair.now;
        pair.net.cut(now);
        assert!(pair.run(SECOND, |pair| !pair.sides[CLIENT].machine.is_active()));
        pair.sides[CLIENT].send(&[b"while away", &[round]]);
        pair.establish();
        pair.expect(SERVER, &[b"while away", &[round]]);
    }
    let client = &pair.sides[CLIENT];
    assert_eq!(client.lost, vec![Loss::Stream(0); 3]);
    assert_eq!(client.retries, [100 * MILLISECOND; 3]);
    assert_eq!(client.established.len(), 4);
}

#[test]
fn a_message_that_was_cut_off_does_not_arrive_in_part() {
    let mut pair = Pair::new(dealer(|_| {}), dealer(|_| {}));
    pair.establish();
    (pair.net.chunk, pair.net.capacity) = (1000, 2000);
    pair.sides[CLIENT].send(&[b"first", &[7; 20_000], b"last"]);
    pair.sides[CLIENT].send(&[b"next"]);
    pair.pass(12 * MILLISECOND);
    let now = pair.now;
    pair.net.cut(now);
    pair.establish();
    pair.run(SECOND, |pair| pair.sides[SERVER].established.len() == 2);
    pair.expect(SERVER, &[b"next"]);
}

#[test]
fn attempts_are_made_at_growing_distances() {
    let client = dealer(|options| {
        options.reconnect_ivl = 100;
        options.reconnect_ivl_max = 350;
    });
    let mut pair = Pair::new(client, dealer(|_| {}));
    pair.door = Door::Refuses;
    let began = pair.now;
    assert!(pair.run(10 * SECOND, |pair| pair.sides[CLIENT].retries.len() == 5));
    assert_eq!(pair.now - began, (100 + 200 + 350 + 350) * MILLISECOND);
    let delays = [100, 200, 350, 350, 350].map(|delay| delay * MILLISECOND);
    assert_eq!(pair.sides[CLIENT].retries, delays);
    pair.door = Door::Open;
    pair.establish();
    let now = pair.now;
    pair.net.cut(now);
    pair.pass(20 * MILLISECOND);
    assert_eq!(pair.sides[CLIENT].retries[5..], [100 * MILLISECOND]);
}

#[test]
fn options_end_the_attempts() {
    let refused = |change: fn(&mut Options)| {
        let mut pair = Pair::new(dealer(change), dealer(|_| {}));
        pair.door = Door::Refuses;
        pair.pass(SECOND);
        pair
    };
    let pair = refused(|options| options.reconnect_stop = reconnect_stop::CONN_REFUSED);
    assert_eq!(pair.sides[CLIENT].gave_up, 1);
    let pair = refused(|options| options.reconnect_ivl = -1);
    assert_eq!(pair.sides[CLIENT].gave_up, 0);
    assert!(
        pair.sides[CLIENT].retries.is_empty()
            && pair.sides[CLIENT].machine.poll_timeout().is_none()
    );
}

#[test]
fn an_attempt_without_an_answer_has_its_time() {
    let client = dealer(|options| options.connect_timeout = 250);
    let mut pair = Pair::new(client, dealer(|_| {}));
    pair.door = Door::Silent;
    let began = pair.now;
    assert!(pair.run(SECOND, |pair| !pair.sides[CLIENT].retries.is_empty()));
    assert_eq!(pair.now - began, 250 * MILLISECOND);
    pair.door = Door::Open;
    pair.establish();
}

#[test]
fn a_socket_that_refuses_the_peer_ends_the_stream() {
    let mut pair = Pair::new(dealer(|_| {}), dealer(|_| {}));
    pair.establish();
    let end = pair.sides[SERVER].socket.as_mut().unwrap();
    end.refuse();
    end.close();
    assert!(pair.run(SECOND, |pair| pair.sides[SERVER].finished));
    assert_eq!(pair.sides[SERVER].lost, [Loss::Refused]);
}

/// A connecting side that is connected to a proxy, and the actions since then.
fn at_the_proxy() -> (Machine, Instant) {
    let mut pair = Pair::new(dealer(|_| {}), dealer(|_| {}));
    let [Side { mut machine, .. }, _] = pair.sides;
    pair.now += SECOND;
    machine.poll_event();
    machine.dialing(false, false, pair.now);
    let endpoint = Endpoint::parse_connect(b"tcp://example.com:80").unwrap();
    let options = Options::new(SocketType::Dealer, &ContextOptions::default());
    let tunnel = Tunnel::new(endpoint.address(), &options).unwrap();
    machine.enter_tunnel(tunnel, pair.now);
    (machine, pair.now)
}

#[test]
fn a_proxy_is_asked_for_the_target_and_the_greeting_follows() {
    let (mut machine, now) = at_the_proxy();
    let mut sent = Vec::new();
    let mut write = |head: &[u8], _: &[u8]| {
        sent.push(head.to_vec());
        Ok(head.len())
    };
    for answer in [&[5u8, 0][..], &[5, 0, 0, 1, 127], &[0, 0, 1, 0, 80]] {
        assert!(machine.transmit(usize::MAX, &mut write).1.is_ok());
        assert!(machine.poll_event().is_none());
        for byte in answer {
            assert!(machine.room().unwrap().put(&[*byte]));
            machine.handle_input(1, now);
        }
    }
    assert!(matches!(machine.poll_event(), Some(Action::ThroughProxy)));
    machine.connected(Peer::default(), now);
    assert!(machine.transmit(usize::MAX, &mut write).1.is_ok());
    assert_eq!(sent[0], [5, 1, 0]);
    assert_eq!(sent[1], b"\x05\x01\x00\x03\x0bexample.com\x00\x50");
    assert_eq!((sent[2][0], sent.len()), (0xff, 3));
}

#[test]
fn a_proxy_that_goes_is_given_up_once() {
    let (mut machine, now) = at_the_proxy();
    machine.write_failed(&io::ErrorKind::BrokenPipe.into(), now);
    machine.stream_failed(Loss::Stream(0), now);
    assert!(matches!(
        machine.poll_event(),
        Some(Action::AbandonAttempt(0))
    ));
    assert!(machine.poll_event().is_none() && machine.room().is_none());
}

#[test]
fn a_handshake_whose_last_words_cost_the_stream_is_tried_again() {
    let mut pair = Pair::new(dealer(|_| {}), dealer(|_| {}));
    pair.drive(CLIENT);
    let (now, machine) = (pair.now, &mut pair.sides[CLIENT].machine);
    machine.write_failed(&io::Error::from_raw_os_error(libc::ETIMEDOUT), now);
    machine.fail(crate::zmtp::HandshakeError::NoRandom, now);
    pair.establish();
    assert_eq!(pair.sides[CLIENT].lost, [Loss::Stream(libc::ETIMEDOUT)]);
}

/// What comes first from a peer, and what is received when it is lost.
#[test]
fn peers_are_greeted_and_their_loss_is_received() {
    let server = settings(SocketType::Router, |options| {
        options.hello_msg = b"welcome".to_vec();
        options.disconnect_msg = b"gone".to_vec();
        options.hiccup_msg = b"no effect on a ROUTER".to_vec();
    });
    let client = dealer(|options| {
        options.hello_msg = b"hello".to_vec();
        options.disconnect_msg = b"no effect on a DEALER".to_vec();
        options.hiccup_msg = b"hiccup".to_vec();
    });
    let mut pair = Pair::new(client, server);
    pair.sides[CLIENT].send(&[b"first"]);
    pair.establish();
    pair.expect(CLIENT, &[b"welcome"]);
    for expected in [&b"hello"[..], b"first"] {
        pair.expect(SERVER, &[expected]);
    }
    let now = pair.now;
    pair.net.cut(now);
    pair.expect(CLIENT, &[b"hiccup"]);
    pair.expect(SERVER, &[b"gone"]);
}
