//! What the calls of an end do, one by one.

use super::*;

fn between_sockets(snd: i32, rcv: i32) -> Hwm {
    Hwm {
        snd: Some(snd),
        rcv: Some(rcv),
    }
}

#[test]
fn a_change_of_the_limits_counts_in_both_directions() {
    let one = between_sockets(1, 1);
    let fill = |end: &mut PipeEnd| (0..100).take_while(|_| end.write(msg("")).is_ok()).count();
    let (mut a, mut b) = pair(one, one, false);
    b.set_hwm(3, 4);
    assert_eq!((fill(&mut a), fill(&mut b)), (1 + 4, 3 + 1));
    a.set_hwm(6, 7);
    assert_eq!(a.take_events() | b.take_events(), event::WRITE);
    assert_eq!((fill(&mut a), fill(&mut b)), (6 + 4 - 5, 3 + 7 - 4));
    // The end of a socket hears of it as well, though it left no mark.
    let (mut a, mut b) = pair(one, one, false);
    a.set_lazy();
    assert_eq!(fill(&mut a), 2);
    a.flush();
    b.set_hwm(1, 2);
    assert_eq!(a.take_events(), event::WRITE);
    assert_eq!(fill(&mut a), 1);
    // And it learns what was read from that event, and not before.
    while b.read().is_some() {}
    assert_eq!(fill(&mut a), 0);
    assert_eq!(a.take_events(), event::WRITE);
    assert_eq!(fill(&mut a), 2);
}

#[test]
fn a_shut_end_leaves_what_was_written_and_can_be_read_on() {
    for swap in [false, true] {
        let (mut a, mut b) = pair(NONE, NONE, false);
        if swap {
            std::mem::swap(&mut a, &mut b);
        }
        b.write(msg("there")).unwrap();
        b.flush();
        a.write(msg("1")).unwrap();
        a.write(msg("half").with(flag::MORE)).unwrap();
        a.shut();
        assert_eq!(b.take_events(), event::CLOSED);
        assert!(b.is_peer_closed() && !b.check_write());
        assert_eq!(b.read().unwrap().data(), b"1");
        assert!(b.read().is_none() && b.is_ended());
        assert_eq!(a.read().unwrap().data(), b"there");
        assert!(!a.is_peer_closed() && !a.is_ended());
    }
}

/// Events, and those that come by [`Listener::pipe_drained`].
#[derive(Default)]
struct Kinds(Mutex<(usize, usize)>);

impl Listener for Kinds {
    fn pipe_event(&self, _token: usize) {
        self.0.lock().0 += 1;
    }

    fn pipe_drained(&self, _token: usize) {
        self.0.lock().1 += 1;
    }
}

#[test]
fn an_inquiry_does_not_wait_for_other_events_to_be_taken() {
    let (mut a, mut b) = pair(NONE, NONE, false);
    let kinds = Arc::new(Kinds::default());
    a.set_listener(kinds.clone(), 0);
    b.write(msg("x")).unwrap();
    b.flush();
    b.hiccup();
    assert_eq!(*kinds.0.lock(), (1, 0), "one call for events not taken");
    assert!(!b.has_peer_left());
    assert_eq!(*kinds.0.lock(), (1, 1));
    let events = event::READ | event::HICCUP | event::INQUIRY;
    assert_eq!(a.take_events(), events);
    a.set_peer_left(true);
    assert!(b.has_peer_left());
    assert_eq!(*kinds.0.lock(), (1, 1), "no inquiry when it is known");
    a.set_peer_left(false);
    a.close();
    assert!(b.has_peer_left() && !b.is_refused());
    b.refuse();
    assert!(a.is_refused());
}

#[test]
fn ends_know_how_they_were_made_and_used() {
    for conflate in [false, true] {
        let (mut a, mut b) = pair(NONE, NONE, conflate);
        assert_eq!((a.conflates(), b.conflates()), (conflate, conflate));
        assert!(a.is_untouched() && b.is_untouched());
        a.write(msg("half").with(flag::MORE)).unwrap();
        assert!(a.is_untouched());
        a.write(msg("x")).unwrap();
        assert!(!a.is_untouched() && b.is_untouched());
        assert!(a.has_room_now() && a.check_write());
        b.close();
        assert!(!a.has_room_now() && !a.check_write());
        assert!(!b.has_room_now() && !b.check_write());
    }
}

#[test]
fn ends_know_what_is_at_the_other() {
    for (forward, expected) in [
        (between_sockets(0, 0), true),
        (between_sockets(1, 1), true),
        (limit(1), false),
        (
            Hwm {
                snd: None,
                rcv: Some(1),
            },
            false,
        ),
    ] {
        let (_a, b) = pair(forward, NONE, false);
        assert_eq!(b.is_between_sockets(), expected);
    }
    // Of what a socket has written no account is kept.
    let (mut a, b) = pair(limit(0), limit(0), false);
    a.write(msg("x")).unwrap();
    drop(a);
    assert_eq!(b.unread_bytes(), 0);
}

#[test]
fn a_connection_whose_peer_has_gone_writes_without_limit() {
    let backward = Hwm {
        snd: None,
        rcv: Some(2),
    };
    let (mut socket, mut connection) = pair(limit(3), backward, false);
    let fill = |end: &mut PipeEnd| (0..9).take_while(|_| end.write(msg("")).is_ok()).count();
    assert_eq!((fill(&mut socket), fill(&mut connection)), (3, 2));
    connection.lift_limit();
    assert_eq!((fill(&mut socket), fill(&mut connection)), (0, 9));
    assert!(!connection.is_between_sockets());
    // It is a connection's end as before, of whose messages an account is kept.
    connection.close();
    assert_eq!(socket.unread_bytes(), (11 * MESSAGE_COST) as u64);
}

#[test]
fn messages_at_the_front_are_skipped() {
    let (mut a, mut b) = pair(NONE, NONE, false);
    a.write(msg("me").with(flag::ROUTING_ID)).unwrap();
    a.flush();
    assert_eq!((b.unread(), b.has_messages()), (1, false));
    for text in ["1", "2", "3"] {
        a.write(msg(text)).unwrap();
    }
    a.flush();
    assert_eq!((b.unread(), b.has_messages()), (4, true));
    b.skip_routing_id();
    assert_eq!(b.unread(), 3);
    b.skip_routing_id();
    assert_eq!(b.unread(), 3, "a message is no routing id");
    b.skip_while(|msg| msg.data() < b"3");
    assert_eq!(b.read().unwrap().data(), b"3");
    b.skip_while(|_| true);
    assert_eq!((b.unread(), b.has_messages()), (0, false));
    a.write(msg("4")).unwrap();
    a.flush();
    assert_eq!((b.unread(), b.has_messages()), (1, true));
    assert!(b.metadata().is_none());
}

#[test]
fn short_messages_are_taken_as_one_run_of_frames() {
    let (mut a, mut b) = pair(limit(0), NONE, false);
    a.set_framing();
    a.write(msg("one").with(flag::MORE)).unwrap();
    assert!(a.is_mid_message());
    a.write(msg("two")).unwrap();
    assert!(!a.is_mid_message());
    assert!(a.write_from(&mut Body::new(b"three").unwrap()));
    a.flush();
    let frames = b.take_frames(1000).unwrap();
    assert_eq!(frames.bytes, b"\x01\x03one\x00\x03two\x00\x05three");
    assert!(!frames.more);
    assert!(b.take_frames(1000).is_none());
}

#[test]
fn between_sockets_bodies_begin_where_any_number_may() {
    let (mut a, mut b) = pair(between_sockets(0, 0), NONE, false);
    a.set_framing();
    for len in [101, 203, 405, 303] {
        a.write(Msg::copy_from(&vec![7; len]).unwrap()).unwrap();
    }
    a.flush();
    for len in [101, 203, 405, 303] {
        let msg = b.read().unwrap();
        assert_eq!(msg.len(), len);
        assert_eq!(msg.data().as_ptr() as usize % 8, 0, "{len}");
    }
}

#[test]
fn a_message_of_both_kinds_of_parts_is_taken_back_alone() {
    let long = || Msg::copy_from(&[9; 5000]).unwrap();
    for first_is_short in [false, true] {
        let (mut a, mut b) = pair(limit(0), NONE, false);
        a.set_framing();
        for round in ["a", "b"] {
            a.write(msg(round)).unwrap();
            let mut parts = [long(), msg("short"), long(), msg("x")];
            parts.rotate_left(usize::from(first_is_short));
            for part in parts {
                a.write(part.with(flag::MORE)).unwrap();
            }
            a.rollback();
            a.write(msg("short").with(flag::MORE)).unwrap();
            a.write(long()).unwrap();
            a.write(long().with(flag::MORE)).unwrap();
            a.write(msg("end")).unwrap();
        }
        a.flush();
        for round in ["a", "b"] {
            let sizes = [round.len(), 5, 5000, 5000, 3];
            let more = [false, true, false, true, false];
            for expected in sizes.into_iter().zip(more) {
                let part = b.read().unwrap();
                assert_eq!((part.len(), part.more()), expected);
            }
        }
        assert!(b.read().is_none());
    }
}

#[test]
fn ids_of_removed_pipes_are_used_again_unless_they_are_kept() {
    let mut pipes = Pipes::default();
    assert!(pipes.is_empty());
    let end = || pair(NONE, NONE, false).0;
    let (first, second) = (pipes.insert(end()), pipes.insert(end()));
    assert!(!pipes.is_empty() && pipes.len() == 2);
    pipes.keep(first);
    pipes.remove(first).unwrap();
    assert!(pipes.get(first).is_none() && pipes.remove(first).is_none());
    let third = pipes.insert(end());
    assert!(third != first && third != second);
    pipes.let_go(second);
    pipes.let_go(first);
    assert_eq!(pipes.insert(end()), first);
    assert_eq!(pipes.ids().collect::<Vec<_>>(), [first, second, third]);
    pipes.remove(second).unwrap();
    assert_eq!(pipes.insert(end()), second);
}
