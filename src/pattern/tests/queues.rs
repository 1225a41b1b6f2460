//! PUSH, PULL, DEALER and PAIR: turns, mute states, peers that leave.

#![forbid(unsafe_code)]

use super::*;

#[test]
fn push_goes_round_robin() {
    let mut net = Net::default();
    let (push, pulls) = net.star(PUSH, 3, PULL);
    for number in 0..9 {
        net.send(push, &number.to_string()).unwrap();
    }
    let mut got = pulls.iter().map(|at| net.drain(*at)).collect::<Vec<_>>();
    // In turn: each gets every third. Who is first follows libzmq's list order.
    got.sort();
    assert_eq!(
        got,
        [
            text(&["0", "3", "6"]),
            text(&["1", "4", "7"]),
            text(&["2", "5", "8"])
        ]
    );
}

#[test]
fn pull_is_fair_and_keeps_messages_whole() {
    let mut net = Net::default();
    let (pull, pushes) = net.star(PULL, 3, PUSH);
    for push in &pushes {
        for number in 0..4 {
            net.send_all(*push, &[&push.to_string(), &number.to_string()])
                .unwrap();
        }
    }
    let got = net.drain(pull);
    assert_eq!(got.len(), 12);
    for (index, message) in got.iter().enumerate() {
        let (push, number) = message.split_once('|').unwrap();
        assert_eq!(number, (index / 3).to_string(), "{got:?}");
        assert_eq!(push, got[index % 3].split_once('|').unwrap().0, "{got:?}");
    }
}

#[test]
fn without_a_peer_or_room_sending_would_block() {
    let mut net = Net::default();
    for (one, other) in [(PUSH, PULL), (DEALER, DEALER), (PAIR, PAIR)] {
        let (a, b) = (net.socket(one), net.socket(other));
        net.options(a).sndhwm = 2;
        net.options(b).rcvhwm = 2;
        assert!(!net.has_out(a));
        assert_eq!(net.send(a, "x"), Err(Error::Again));
        net.connect(a, b);
        for number in 0..4 {
            assert!(net.has_out(a));
            net.send(a, &number.to_string()).unwrap();
        }
        assert!(!net.has_out(a));
        assert_eq!(net.send(a, "x"), Err(Error::Again));
        assert_eq!(net.drain(b), text(&["0", "1", "2", "3"]));
        assert!(net.has_out(a));
        net.send(a, "4").unwrap();
        assert_eq!(net.drain(b), text(&["4"]));
    }
}

#[test]
fn a_full_peer_is_passed_over_and_comes_back() {
    let mut net = Net::default();
    let push = net.socket(PUSH);
    let (slow, fast) = (net.socket(PULL), net.socket(PULL));
    net.options(push).sndhwm = 1;
    net.options(slow).rcvhwm = 1;
    net.options(fast).rcvhwm = 100;
    net.connect(push, slow);
    net.connect(push, fast);
    for number in 0..10 {
        net.send(push, &number.to_string()).unwrap();
    }
    assert_eq!(net.drain(slow).len(), 2);
    assert_eq!(net.drain(fast).len(), 8);
    net.send_all(push, &["a", "b"]).unwrap();
    net.send_all(push, &["c", "d"]).unwrap();
    assert_eq!(net.drain(slow).len(), 1);
    assert_eq!(net.drain(fast).len(), 1);
}

#[test]
fn parts_stick_together_on_the_way_out() {
    let mut net = Net::default();
    let (push, pulls) = net.star(PUSH, 2, PULL);
    net.send_more(push, "a").unwrap();
    net.send_more(push, "b").unwrap();
    // A peer that comes in mid-message changes nothing.
    let late = net.socket(PULL);
    net.connect(push, late);
    assert!(pulls.iter().all(|pull| !net.has_in(*pull)));
    net.send(push, "c").unwrap();
    let mut got = Vec::new();
    for pull in pulls.into_iter().chain([late]) {
        got.extend(net.drain(pull));
    }
    assert_eq!(got, text(&["a|b|c"]));
}

#[test]
fn a_message_whose_peer_leaves_halfway_is_dropped_to_its_end() {
    for (one, other) in [(PUSH, PULL), (DEALER, DEALER), (PAIR, PAIR)] {
        let mut net = Net::default();
        let (a, b) = (net.socket(one), net.socket(other));
        let (_, far) = net.connect(a, b);
        net.send_more(a, "1").unwrap();
        net.hang_up(b, far);
        let next = net.socket(other);
        net.connect(a, next);
        net.send_more(a, "2").unwrap();
        net.send(a, "3").unwrap();
        net.send_all(a, &["4", "5"]).unwrap();
        assert_eq!(net.drain(next), text(&["4|5"]), "type {one:?}");
        assert_eq!(net.drain(b), text(&[]));
    }
}

#[test]
fn another_peer_leaving_does_not_split_a_message() {
    // Whichever pipe leaves, in whatever position of the lists.
    for leaving in 0..4 {
        for skip in 0..4 {
            let mut net = Net::default();
            let dealer = net.socket(DEALER);
            let peers = (0..4).map(|_| net.socket(DEALER)).collect::<Vec<_>>();
            let mut pipes = Vec::new();
            for peer in &peers {
                pipes.push(net.connect(dealer, *peer).0);
                net.send_all(*peer, &["in", "put"]).unwrap();
                net.send_all(*peer, &["in", "put"]).unwrap();
            }
            for _ in 0..skip {
                net.send(dealer, "skip").unwrap();
                net.recv_all(dealer).unwrap();
            }
            net.send_more(dealer, "a").unwrap();
            assert_eq!(net.recv(dealer).unwrap(), "in");
            net.hang_up(dealer, pipes[leaving]);
            net.send(dealer, "b").unwrap();
            assert_eq!(net.recv(dealer).unwrap(), "put");
            let mut got = Vec::new();
            for peer in &peers {
                got.extend(net.drain(*peer));
            }
            got.retain(|message| message != "skip");
            assert!(got.is_empty() || got == ["a|b"], "{got:?}");
            for message in net.drain(dealer) {
                assert_eq!(message, "in|put");
            }
        }
    }
}

#[test]
fn what_a_peer_sent_before_leaving_is_received() {
    let mut net = Net::default();
    let (pull, push) = (net.socket(PULL), net.socket(PUSH));
    let (_, near) = net.connect(pull, push);
    net.send(push, "1").unwrap();
    net.send_all(push, &["2", "3"]).unwrap();
    net.send_more(push, "lost").unwrap();
    net.hang_up(push, near);
    assert_eq!(net.pipes(pull), 1);
    assert_eq!(net.drain(pull), text(&["1", "2|3"]));
    assert_eq!(net.pipes(pull), 0);
}

#[test]
fn a_peer_that_leaves_without_a_word_is_forgotten() {
    for (one, other) in [(PULL, PUSH), (DEALER, DEALER), (PUSH, PULL), (PAIR, PAIR)] {
        let mut net = Net::default();
        let (a, b) = (net.socket(one), net.socket(other));
        let (_, far) = net.connect(a, b);
        assert!(!net.has_in(a));
        net.hang_up(b, far);
        assert_eq!(net.pipes(a), 0, "type {one:?}");
    }
}

#[test]
fn messages_wake_a_pipe_that_had_run_dry() {
    let mut net = Net::default();
    let (a, b) = (net.socket(PULL), net.socket(PUSH));
    net.connect(a, b);
    for _ in 0..3 {
        assert!(!net.has_in(a));
        assert_eq!(net.recv(a), Err(Error::Again));
        net.send(b, "x").unwrap();
        assert!(net.has_in(a));
        assert_eq!(net.recv(a).unwrap(), "x");
    }
}

#[test]
fn pair_has_one_peer_and_takes_another_after_it() {
    let mut net = Net::default();
    let (a, b, c) = (net.socket(PAIR), net.socket(PAIR), net.socket(PAIR));
    let (_, far) = net.connect(a, b);
    net.connect(c, a);
    assert_eq!((net.pipes(a), net.pipes(c)), (1, 0));
    net.send(a, "1").unwrap();
    assert_eq!(net.recv(b).unwrap(), "1");
    net.hang_up(b, far);
    net.connect(c, a);
    net.send(a, "2").unwrap();
    net.send(c, "3").unwrap();
    assert_eq!(net.recv(c).unwrap(), "2");
    assert_eq!(net.recv(a).unwrap(), "3");
}

/// Peers that came, sent and went are read one after the other, with no pause between
/// them that a call would take for the end.
#[test]
fn a_pair_reads_the_peers_that_have_gone_in_their_order() {
    let mut net = Net::default();
    let (a, b, c) = (net.socket(PAIR), net.socket(PAIR), net.socket(PAIR));
    for round in ["1", "2", "3"] {
        let (near, _) = net.connect(b, a);
        net.send(b, round).unwrap();
        if round == "2" {
            net.send_all(b, &["parts", "of", "one"]).unwrap();
        }
        net.hang_up(b, near);
    }
    net.connect(c, a);
    net.send(c, "last").unwrap();
    net.send(a, "to the present one").unwrap();
    assert_eq!(net.recv(c).unwrap(), "to the present one");
    assert_eq!(net.drain(a), ["1", "2", "parts|of|one", "3", "last"]);
    assert_eq!((net.pipes(a), net.has_in(a)), (1, false));
    let (d, e) = (net.socket(PAIR), net.socket(PAIR));
    for (socket, last) in [(d, false), (e, true)] {
        let (near, _) = net.connect(socket, b);
        net.send(socket, "one").unwrap();
        if !last {
            net.hang_up(socket, near);
        }
    }
    assert_eq!(net.recv(b).unwrap(), "one");
    assert!(net.has_in(b), "what the next one sent is there");
}

/// The limit falls below what is queued, in mid-message, and rises again.
#[test]
fn half_a_message_is_taken_back_when_the_pipe_takes_no_more() {
    for socket_type in [PUSH, PUB, ROUTER, XSUB] {
        let mut net = Net::default();
        let at = net.socket(socket_type);
        let (pipe, mut far) = net.raw(at, Attachment::default());
        let id = Msg::inline(b"d").with(flag::ROUTING_ID);
        match socket_type {
            PUB => write(&mut far, &["\x01"]),
            ROUTER => {
                far.write(id).unwrap();
                far.flush();
            }
            _ => {}
        }
        net.pump();
        let begin = |net: &mut Net| {
            if socket_type == ROUTER {
                net.send_more(at, "d").unwrap();
            }
        };
        let limit = |net: &mut Net, hwm| net.pipe(at, pipe).set_hwm(hwm, 0);
        begin(&mut net);
        net.send(at, "queued").unwrap();
        begin(&mut net);
        net.send_more(at, "half").unwrap();
        limit(&mut net, 1);
        net.send_more(at, "lost").unwrap();
        limit(&mut net, 9);
        net.send(at, "lost").unwrap();
        assert_eq!(far.read().unwrap().data(), b"queued");
        let next = |net: &mut Net, text| {
            begin(net);
            // A distributor learns of the room only by the event.
            net.with(at, |pattern, env| pattern.write_ready(env, pipe));
            net.send(at, text).unwrap();
        };
        next(&mut net, "whole");
        let part = far.read().unwrap();
        assert_eq!(part.data(), b"whole", "type {socket_type:?}");
    }
}

#[test]
fn conflate_keeps_the_latest() {
    let mut net = Net::default();
    let (a, b) = (net.socket(PUSH), net.socket(PULL));
    net.options(b).conflate = true;
    net.connect(a, b);
    for number in 0..5 {
        net.send(a, &number.to_string()).unwrap();
    }
    assert_eq!(net.drain(b), text(&["4"]));
    net.send(a, "5").unwrap();
    assert_eq!(net.drain(b), text(&["5"]));
}

#[test]
fn dealers_take_probes_and_nothing_else() {
    use crate::abi::options::ZMQ_PROBE_ROUTER;
    let mut net = Net::default();
    let (a, b) = (net.socket(DEALER), net.socket(DEALER));
    for bad in [&[1u8][..], &[], &(-1i32).to_ne_bytes(), &[0; 8]] {
        assert_eq!(net.set(a, ZMQ_PROBE_ROUTER, bad), Err(Error::Invalid));
    }
    net.on(a, ZMQ_PROBE_ROUTER);
    net.connect(a, b);
    assert_eq!(net.drain(b), text(&[""]));
}

#[test]
fn routing_ids_never_reach_those_who_do_not_want_them() {
    let mut net = Net::default();
    for socket_type in [DEALER, PULL, PAIR] {
        let at = net.socket(socket_type);
        let (_, mut far) = net.raw(at, Attachment::default());
        far.write(Msg::inline(b"me").with(flag::ROUTING_ID))
            .unwrap();
        write(&mut far, &["data"]);
        assert_eq!(net.drain(at), text(&["data"]));
    }
}
