//! Messages and back-pressure of an established session.

#![forbid(unsafe_code)]

use super::*;

#[test]
fn long_messages_arrive_in_parts_of_any_size() {
    for (chunk, capacity) in [(usize::MAX, usize::MAX), (1000, 3000), (70_001, 80_000)] {
        let mut pair = Pair::new(dealer(|_| {}), dealer(|_| {}));
        pair.establish();
        (pair.net.chunk, pair.net.capacity) = (chunk, capacity);
        let body = |size: usize| (0..size).map(|i| (i / 7) as u8).collect::<Vec<u8>>();
        let bodies = [
            body(200_000),
            body(0),
            body(8_193),
            body(64 * 1024),
            body(3),
        ];
        let parts: Vec<&[u8]> = bodies.iter().map(Vec::as_slice).collect();
        pair.sides[CLIENT].send(&parts);
        pair.sides[SERVER].send(&parts[1..]);
        for side in [SERVER, CLIENT] {
            pair.run(10 * SECOND, |pair| {
                pair.sides[side].socket.as_mut().unwrap().check_read()
            });
            pair.expect(side, &parts[side ^ 1..]);
        }
    }
}

/// The pipe takes two messages; the rest waits on the way, and nothing is lost.
#[test]
fn a_full_pipe_stops_reading_until_the_socket_reads() {
    let mut pair = Pair::new(dealer(|_| {}), dealer(|options| options.rcvhwm = 2));
    pair.establish();
    for number in 0..100u8 {
        pair.sides[CLIENT].send(&[&[number]]);
    }
    pair.pass(SECOND);
    assert!(pair.sides[SERVER].machine.is_stalled());
    for number in 0..100u8 {
        pair.expect(SERVER, &[&[number]]);
    }
    pair.pass(SECOND);
    assert!(!pair.sides[SERVER].machine.is_stalled());
}

/// Nothing is read while the pipe is full, so that the end of the stream shows by a check only.
#[test]
fn what_a_departed_peer_has_sent_is_read_past_the_high_water_mark() {
    let mut pair = Pair::new(dealer(|_| {}), dealer(|options| options.rcvhwm = 2));
    pair.establish();
    for number in 0..100u8 {
        pair.sides[CLIENT].send(&[&[number]]);
    }
    pair.pass(100 * MILLISECOND);
    let now = pair.now;
    pair.sides[CLIENT].machine.stop(-1, now);
    assert!(pair.run(SECOND, |pair| pair.sides[CLIENT].finished));
    assert!(!pair.sides[SERVER].finished, "before the check");
    assert!(pair.run(2 * SECOND, |pair| pair.sides[SERVER].finished));
    for number in 0..100u8 {
        assert_eq!(pair.sides[SERVER].recv(), Some(vec![vec![number]]));
    }
}

#[test]
fn subscriptions_travel_as_commands() {
    let publisher = settings(SocketType::Xpub, |_| {});
    let mut pair = Pair::new(settings(SocketType::Xsub, |_| {}), publisher);
    let subscribe = Msg::copy_from(b"\x01topic").unwrap();
    let pipe = pair.sides[CLIENT].socket.as_mut().unwrap();
    pipe.write_unchecked(subscribe.with(flag::SUBSCRIPTION));
    pipe.flush();
    pair.expect(SERVER, &[b"\x01topic"]);
}

#[test]
fn raw_streams_carry_bytes_without_a_handshake() {
    let raw = |kind| {
        let mut settings = Arc::into_inner(settings(kind, |_| {})).unwrap();
        (settings.raw, settings.raw_notify) = (true, true);
        Arc::new(settings)
    };
    let mut pair = Pair::new(raw(SocketType::Stream), raw(SocketType::Stream));
    pair.establish();
    for side in [CLIENT, SERVER] {
        pair.expect(side, &[b""]); // the peer has come
    }
    pair.sides[CLIENT].send(&[b"GET / HTTP/1.0\r\n\r\n"]);
    pair.expect(SERVER, &[b"GET / HTTP/1.0\r\n\r\n"]);
    let now = pair.now;
    pair.net.cut(now);
    pair.expect(SERVER, &[b""]); // it has gone
}

#[test]
fn batch_sizes_bound_what_is_read_and_written_at_a_time() {
    let client = dealer(|options| options.out_batch_size = 500);
    let mut pair = Pair::new(client, dealer(|options| options.in_batch_size = 100));
    pair.establish();
    let now = pair.now;
    let server = &mut pair.sides[SERVER].machine;
    server.begin_input(now);
    assert_eq!(server.room().map(|room| room.len()), Some(100));
    server.end_input();
    for _ in 0..100 {
        pair.sides[CLIENT].send(&[&[7; 64]]);
    }
    let mut sizes = Vec::new();
    let machine = &mut pair.sides[CLIENT].machine;
    let (count, _) = machine.transmit(usize::MAX, |head, body| {
        sizes.push(head.len() + body.len());
        Ok(head.len() + body.len())
    });
    assert_eq!(count, 100 * 66);
    assert!(sizes.iter().all(|size| *size < 500 + 66), "{sizes:?}");
}

#[test]
fn small_batches_lose_nothing() {
    let small = |options: &mut Options| {
        (options.in_batch_size, options.out_batch_size) = (1, 1);
    };
    let mut pair = Pair::new(dealer(small), dealer(small));
    pair.establish();
    for size in [0, 1, 100, 300, 20_000] {
        pair.sides[CLIENT].send(&[&[1; 3], &vec![7; size]]);
        pair.expect(SERVER, &[&[1; 3], &vec![7; size]]);
    }
}

#[test]
fn without_zero_copy_messages_have_memory_of_their_own() {
    for zero_copy in [true, false] {
        let server = dealer(|options| options.zero_copy_recv = zero_copy);
        let mut pair = Pair::new(dealer(|_| {}), server);
        pair.establish();
        for _ in 0..2 {
            pair.sides[CLIENT].send(&[&[7; 4000], &[8; 100]]);
        }
        pair.pass(SECOND);
        let pipe = pair.sides[SERVER].socket.as_mut().expect("a pipe");
        let own: Vec<_> = std::iter::from_fn(|| pipe.read())
            .map(|msg| msg.is_own_heap())
            .collect();
        assert_eq!(own.len(), 4);
        assert_eq!(own.iter().all(|own| *own), !zero_copy, "{own:?}");
    }
}
