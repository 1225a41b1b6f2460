//! Heartbeats and the linger time.

#![forbid(unsafe_code)]

use super::*;

fn beating(change: impl FnOnce(&mut Options)) -> Arc<Settings> {
    dealer(|options| {
        options.heartbeat_ivl = 100;
        change(options);
    })
}

#[test]
fn a_peer_that_answers_lives_on() {
    let mut pair = Pair::new(beating(|_| {}), dealer(|_| {}));
    pair.establish();
    pair.pass(10 * SECOND);
    let client = &pair.sides[CLIENT];
    assert!(client.machine.is_active() && client.lost.is_empty());
    assert!((98..=100).contains(&client.pings), "{} PINGs", client.pings);
    assert_eq!(pair.sides[SERVER].pings, 0);
}

#[test]
fn a_silent_peer_is_lost_after_the_timeout() {
    let mut pair = Pair::new(
        beating(|options| options.heartbeat_timeout = 70),
        dealer(|_| {}),
    );
    pair.establish();
    let began = pair.now;
    pair.net.muted = true;
    assert!(pair.run(SECOND, |pair| !pair.sides[CLIENT].lost.is_empty()));
    assert_eq!(pair.sides[CLIENT].lost, [Loss::Timeout]);
    let after = pair.now - began;
    assert!(
        after <= 170 * MILLISECOND && after >= 150 * MILLISECOND,
        "{after:?}"
    );
    pair.net.muted = false;
    pair.establish();
}

/// The client's PINGs ask the server to give it up after 300 ms of silence.
#[test]
fn the_time_to_live_in_a_ping_counts_for_the_peer() {
    let client = beating(|options| {
        options.heartbeat_ttl = 3;
        options.heartbeat_timeout = 0;
    });
    let mut pair = Pair::new(client, dealer(|_| {}));
    pair.establish();
    assert!(pair.run(SECOND, |pair| pair.sides[CLIENT].pings == 1));
    pair.pass(10 * MILLISECOND);
    pair.net.muted = true;
    pair.pass(280 * MILLISECOND);
    assert!(pair.sides[SERVER].lost.is_empty());
    pair.pass(20 * MILLISECOND);
    assert_eq!(pair.sides[SERVER].lost, [Loss::Timeout]);
}

/// The PING is queued behind a message that the peer is still taking.
#[test]
fn a_peer_that_takes_bytes_lives() {
    let mut pair = Pair::new(beating(|_| {}), dealer(|_| {}));
    pair.establish();
    (pair.net.chunk, pair.net.capacity) = (1000, 1000); // 200 KB a second
    pair.sides[CLIENT].send(&[&[1; 400_000]]);
    pair.pass(SECOND);
    assert!(pair.sides[CLIENT].lost.is_empty());
    pair.pass(2 * SECOND);
    assert_eq!(pair.sides[SERVER].recv().unwrap()[0].len(), 400_000);
}

#[test]
fn a_full_pipe_is_no_silence() {
    let server = beating(|options| options.rcvhwm = 1);
    let mut pair = Pair::new(dealer(|_| {}), server);
    pair.establish();
    for _ in 0..10 {
        pair.sides[CLIENT].send(&[b"x"]);
    }
    pair.pass(5 * SECOND);
    assert!(pair.sides[SERVER].machine.is_stalled() && pair.sides[SERVER].lost.is_empty());
}

#[test]
fn the_linger_time_bounds_the_end() {
    let mut pair = Pair::new(dealer(|_| {}), dealer(|_| {}));
    pair.door = Door::Refuses;
    pair.sides[CLIENT].send(&[b"undelivered"]);
    let now = pair.now;
    pair.sides[CLIENT].machine.stop(730, now);
    assert!(pair.run(SECOND, |pair| pair.sides[CLIENT].finished));
    assert_eq!(pair.now - now, 730 * MILLISECOND);
    assert_eq!(pair.sides[CLIENT].unsent, 1);
}

#[test]
fn without_linger_one_flush_is_made() {
    let mut pair = Pair::new(dealer(|_| {}), dealer(|_| {}));
    pair.establish();
    pair.sides[CLIENT].send(&[b"goodbye"]);
    let now = pair.now;
    pair.sides[CLIENT].machine.stop(0, now);
    pair.drive(CLIENT);
    assert!(pair.sides[CLIENT].finished && pair.sides[CLIENT].unsent == 0);
    pair.expect(SERVER, &[b"goodbye"]);
}

#[test]
fn a_lingering_connection_ends_when_all_is_sent_even_on_a_new_stream() {
    let mut pair = Pair::new(dealer(|_| {}), dealer(|_| {}));
    pair.door = Door::Refuses;
    pair.sides[CLIENT].send(&[b"late"]);
    pair.pass(50 * MILLISECOND);
    let now = pair.now;
    pair.sides[CLIENT].machine.stop(-1, now);
    pair.pass(SECOND);
    assert!(!pair.sides[CLIENT].finished);
    pair.door = Door::Open;
    assert!(pair.run(SECOND, |pair| pair.sides[CLIENT].finished));
    pair.expect(SERVER, &[b"late"]);
}

#[test]
fn a_socket_that_closes_its_pipe_ends_the_connection() {
    let mut pair = Pair::new(dealer(|_| {}), dealer(|_| {}));
    pair.establish();
    pair.sides[SERVER].send(&[b"last words"]);
    pair.sides[SERVER].socket.as_mut().unwrap().close();
    assert!(pair.run(SECOND, |pair| pair.sides[SERVER].finished));
    pair.expect(CLIENT, &[b"last words"]);
}
