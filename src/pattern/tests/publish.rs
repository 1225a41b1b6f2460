//! PUB, SUB, XPUB and XSUB: matching, notices, drops.

#![forbid(unsafe_code)]

use super::*;
use crate::abi::options::draft::*;
use crate::abi::options::*;
use crate::abi::socket_type::SocketType;

pub fn subscribed(
    net: &mut Net,
    publisher: usize,
    socket_type: SocketType,
    topics: &[&str],
) -> usize {
    let at = net.socket(socket_type);
    for topic in topics {
        subscribe(net, at, topic);
    }
    net.connect(at, publisher);
    at
}

pub fn subscribe(net: &mut Net, at: usize, topic: &str) {
    if net.set(at, ZMQ_SUBSCRIBE, topic.as_bytes()).is_err() {
        net.send(at, &format!("\x01{topic}")).unwrap();
    }
}

pub fn unsubscribe(net: &mut Net, at: usize, topic: &str) {
    if net.set(at, ZMQ_UNSUBSCRIBE, topic.as_bytes()).is_err() {
        net.send(at, &format!("\0{topic}")).unwrap();
    }
}

#[test]
fn messages_go_where_a_prefix_matches_once() {
    let mut net = Net::default();
    let publisher = net.socket(PUB);
    net.send(publisher, "nobody is there").unwrap();
    let all = subscribed(&mut net, publisher, SUB, &[""]);
    let some = subscribed(&mut net, publisher, SUB, &["a", "ab", "abc", "b"]);
    let none = subscribed(&mut net, publisher, SUB, &[]);
    let verbatim = subscribed(&mut net, publisher, XSUB, &["c"]);
    assert_eq!(net.get(publisher, ZMQ_TOPICS_COUNT), Ok(6));
    assert_eq!(net.get(some, ZMQ_TOPICS_COUNT), Ok(4));
    for message in ["abcd", "b", "c", ""] {
        net.send_all(publisher, &[message, "b"]).unwrap();
        assert!(net.has_out(publisher));
    }
    assert_eq!(net.drain(all), text(&["abcd|b", "b|b", "c|b", "|b"]));
    assert_eq!(net.drain(some), text(&["abcd|b", "b|b"]));
    assert!(!net.has_in(none));
    assert_eq!(net.drain(none), text(&[]));
    assert_eq!(net.drain(verbatim), text(&["c|b"]));
}

#[test]
fn unsubscribing_counts() {
    let mut net = Net::default();
    let publisher = net.socket(PUB);
    let sub = subscribed(&mut net, publisher, SUB, &["a", "a"]);
    unsubscribe(&mut net, sub, "never asked for");
    unsubscribe(&mut net, sub, "a");
    net.send(publisher, "a1").unwrap();
    unsubscribe(&mut net, sub, "a");
    assert_eq!(net.get(publisher, ZMQ_TOPICS_COUNT), Ok(0));
    net.send(publisher, "a2").unwrap();
    // What was sent while subscribed is filtered out on arrival.
    assert_eq!(net.drain(sub), text(&[]));
    subscribe(&mut net, sub, "a");
    net.send(publisher, "a3").unwrap();
    assert_eq!(net.drain(sub), text(&["a3"]));
}

#[test]
fn sub_filters_again_whole_messages() {
    let mut net = Net::default();
    let sub = net.socket(SUB);
    let (_, mut far) = net.raw(sub, Attachment::default());
    subscribe(&mut net, sub, "a");
    write(&mut far, &["b", "a", "a"]);
    write(&mut far, &["a", "b"]);
    write(&mut far, &["b"]);
    assert!(net.has_in(sub) && net.has_in(sub));
    assert_eq!(net.drain(sub), text(&["a|b"]));
    assert!(!net.has_in(sub));
    let subscription = far.read().unwrap();
    assert_eq!(subscription.data(), b"\x01a");
    assert!(subscription.has(flag::SUBSCRIPTION));
}

#[test]
fn inverted_matching() {
    let mut net = Net::default();
    let publisher = net.socket(PUB);
    let sub = net.socket(SUB);
    let idle = net.socket(SUB);
    for at in [publisher, sub, idle] {
        net.options(at).invert_matching = true;
    }
    subscribe(&mut net, sub, "a");
    net.connect(sub, publisher);
    net.connect(idle, publisher);
    for message in ["a1", "b"] {
        net.send(publisher, message).unwrap();
    }
    assert_eq!(net.drain(sub), text(&["b"]));
    assert_eq!(net.drain(idle), text(&["a1", "b"]));
}

#[test]
fn a_full_subscriber_misses_whole_messages_and_others_none() {
    let mut net = Net::default();
    let publisher = net.socket(PUB);
    net.options(publisher).sndhwm = 1;
    let slow = net.socket(SUB);
    net.options(slow).rcvhwm = 1;
    subscribe(&mut net, slow, "");
    net.connect(slow, publisher);
    let fast = subscribed(&mut net, publisher, SUB, &[""]);
    for number in 0..5 {
        net.send_more(publisher, &number.to_string()).unwrap();
        if number == 3 {
            // Room in mid-message: still nothing of this message.
            assert_eq!(net.drain(slow), text(&["0|x", "1|x"]));
        }
        net.send(publisher, "x").unwrap();
    }
    assert_eq!(net.drain(slow), text(&["4|x"]));
    assert_eq!(net.drain(fast).len(), 5);
}

#[test]
fn nodrop_lets_nobody_miss_anything() {
    let mut net = Net::default();
    for socket_type in [PUB, XPUB] {
        let publisher = net.socket(socket_type);
        net.on(publisher, ZMQ_XPUB_NODROP);
        net.options(publisher).sndhwm = 1;
        let slow = net.socket(SUB);
        net.options(slow).rcvhwm = 1;
        subscribe(&mut net, slow, "");
        let (near, _) = net.connect(slow, publisher);
        let fast = subscribed(&mut net, publisher, SUB, &[""]);
        net.send_all(publisher, &["1", "x"]).unwrap();
        net.send(publisher, "2").unwrap();
        assert_eq!(net.send_more(publisher, "3"), Err(Error::Again));
        assert_eq!(net.drain(fast), text(&["1|x", "2"]));
        assert_eq!(net.drain(slow), text(&["1|x", "2"]));
        net.send_all(publisher, &["3", "x"]).unwrap();
        net.send(publisher, "4").unwrap();
        assert_eq!(net.send(publisher, "5"), Err(Error::Again));
        net.hang_up(slow, near);
        net.send(publisher, "5").unwrap();
        assert_eq!(net.drain(fast), text(&["3|x", "4", "5"]));
    }
}

#[test]
fn nodrop_does_not_wait_for_a_peer_that_left() {
    let mut net = Net::default();
    let publisher = net.socket(PUB);
    net.on(publisher, ZMQ_XPUB_NODROP);
    net.options(publisher).sndhwm = 1;
    let (_, mut far) = net.raw(publisher, Attachment::default());
    write(&mut far, &["\x01"]);
    net.send(publisher, "1").unwrap();
    assert_eq!(net.send(publisher, "2"), Err(Error::Again));
    far.close();
    // The event was not delivered yet.
    let mut msg = Msg::inline(b"2");
    assert!(net.with(publisher, |pattern, env| {
        pattern.send(env, &mut msg).is_ok()
    }));
}

#[test]
fn newcomers_get_nothing_of_a_half_sent_message() {
    let mut net = Net::default();
    let publisher = net.socket(PUB);
    net.send_more(publisher, "1").unwrap();
    let sub = subscribed(&mut net, publisher, SUB, &[""]);
    net.send(publisher, "2").unwrap();
    net.send(publisher, "3").unwrap();
    assert_eq!(net.drain(sub), text(&["3"]));
}

#[test]
fn a_subscriber_lost_in_mid_message_does_no_harm() {
    let mut net = Net::default();
    let publisher = net.socket(XPUB);
    let (a, b) = (net.socket(SUB), net.socket(SUB));
    for sub in [a, b] {
        subscribe(&mut net, sub, "");
    }
    net.connect(a, publisher);
    let (near, _) = net.connect(b, publisher);
    net.send_more(publisher, "1").unwrap();
    net.hang_up(b, near);
    net.send(publisher, "2").unwrap();
    assert_eq!(net.drain(a), text(&["1|2"]));
    assert_eq!(net.drain(b), text(&[]));
    assert_eq!(net.pipes(publisher), 1);
}

#[test]
fn long_bodies_are_shared() {
    let mut net = Net::default();
    let publisher = net.socket(PUB);
    let subs = [(); 3].map(|()| subscribed(&mut net, publisher, SUB, &["x"]));
    let body = "x".repeat(1000);
    net.send(publisher, &body).unwrap();
    for sub in subs {
        assert_eq!(net.recv_all(sub).unwrap(), body);
    }
}

#[test]
fn xpub_hears_of_first_and_last() {
    let mut net = Net::default();
    let xpub = net.socket(XPUB);
    assert_eq!(net.recv(xpub), Err(Error::Again));
    let a = subscribed(&mut net, xpub, XSUB, &["t"]);
    assert!(net.has_in(xpub));
    assert_eq!(net.drain(xpub), text(&["\\x01t"]));
    let b = subscribed(&mut net, xpub, XSUB, &["t", "u"]);
    subscribe(&mut net, a, "t");
    unsubscribe(&mut net, a, "t");
    unsubscribe(&mut net, a, "t");
    assert_eq!(net.drain(xpub), text(&["\\x01u"]));
    unsubscribe(&mut net, b, "t");
    assert_eq!(net.drain(xpub), text(&["\\x00t"]));
}

#[test]
fn xpub_hears_unsubscriptions_from_topics_never_asked_for() {
    let mut net = Net::default();
    let xpub = net.socket(XPUB);
    let (_, mut far) = net.raw(xpub, Attachment::default());
    write(&mut far, &["\0t"]);
    net.pump();
    assert_eq!(net.drain(xpub), text(&["\\x00t"]));
}

#[test]
fn verbose_and_verboser() {
    for (option, expected) in [
        (
            ZMQ_XPUB_VERBOSE,
            &["\\x01t", "\\x01t", "\\x01t", "\\x00t"][..],
        ),
        (
            ZMQ_XPUB_VERBOSER,
            &["\\x01t", "\\x01t", "\\x01t", "\\x00t", "\\x00t"],
        ),
    ] {
        let mut net = Net::default();
        let xpub = net.socket(XPUB);
        net.on(xpub, option);
        let a = subscribed(&mut net, xpub, SUB, &["t", "t"]);
        // The second time the filters are sent once each.
        subscribe(&mut net, a, "t");
        let b = subscribed(&mut net, xpub, SUB, &["t"]);
        for sub in [a, a, a, b] {
            unsubscribe(&mut net, sub, "t");
        }
        assert_eq!(net.drain(xpub), text(expected));
    }
}

#[test]
fn a_peer_that_leaves_unsubscribes_in_order() {
    for verboser in [false, true] {
        let mut net = Net::default();
        let xpub = net.socket(XPUB);
        let sub = net.socket(SUB);
        for topic in ["b", "", "shared", "ab", "a"] {
            subscribe(&mut net, sub, topic);
        }
        let (near, _) = net.connect(sub, xpub);
        subscribed(&mut net, xpub, SUB, &["shared"]);
        net.drain(xpub);
        if verboser {
            net.on(xpub, ZMQ_XPUB_VERBOSER);
        }
        net.hang_up(sub, near);
        let mut expected = text(&["\\x00", "\\x00a", "\\x00ab", "\\x00b"]);
        if verboser {
            expected.push("\\x00shared".into());
        }
        assert_eq!(net.drain(xpub), expected);
        assert_eq!(net.get(xpub, ZMQ_TOPICS_COUNT), Ok(1));
        assert_eq!(net.pipes(xpub), 1);
    }
}

#[test]
fn user_messages_travel_upstream() {
    let mut net = Net::default();
    let (xpub, publisher) = (net.socket(XPUB), net.socket(PUB));
    let xsub = subscribed(&mut net, xpub, XSUB, &[]);
    net.connect(xsub, publisher);
    net.send_all(xsub, &["user", "data"]).unwrap();
    net.send(xsub, "").unwrap();
    net.send(xsub, "\x02").unwrap();
    assert_eq!(net.drain(xpub), text(&["user|data", "", "\\x02"]));
    // Later parts may subscribe too, unless the option says otherwise.
    net.send_all(xsub, &["user", "\x01t"]).unwrap();
    assert_eq!(net.get(xsub, ZMQ_TOPICS_COUNT), Ok(1));
    assert_eq!(net.get(xpub, ZMQ_TOPICS_COUNT), Ok(1));
    assert_eq!(net.get(publisher, ZMQ_TOPICS_COUNT), Ok(1));
    assert_eq!(net.recv(xpub).unwrap(), "user");
    assert_eq!(net.recv(xpub).unwrap(), "\\x01t");
    net.on(xsub, ZMQ_ONLY_FIRST_SUBSCRIBE);
    net.on(xpub, ZMQ_ONLY_FIRST_SUBSCRIBE);
    net.send_all(xsub, &["user", "\x01u"]).unwrap();
    assert_eq!(net.drain(xpub), text(&["user|\\x01u"]));
    assert_eq!(net.get(xpub, ZMQ_TOPICS_COUNT), Ok(1));
    assert_eq!(net.get(xsub, ZMQ_TOPICS_COUNT), Ok(1));
}

#[test]
fn subscriptions_are_never_dropped() {
    let mut net = Net::default();
    for socket_type in [SUB, XSUB] {
        let sub = net.socket(socket_type);
        net.options(sub).sndhwm = 2;
        let (_, mut far) = net.raw(sub, Attachment::default());
        for number in 0..10 {
            subscribe(&mut net, sub, &number.to_string());
        }
        unsubscribe(&mut net, sub, "0");
        let got = std::iter::from_fn(|| far.read()).count();
        assert_eq!(got, 11);
    }
}

#[test]
fn xsub_drops_user_messages_for_a_full_peer() {
    let mut net = Net::default();
    let xsub = net.socket(XSUB);
    net.options(xsub).sndhwm = 2;
    let (_, mut far) = net.raw(xsub, Attachment::default());
    for _ in 0..5 {
        net.send(xsub, "user").unwrap();
    }
    assert!(net.has_out(xsub));
    assert_eq!(std::iter::from_fn(|| far.read()).count(), 2);
}

#[test]
fn filters_are_sent_to_new_peers_and_after_a_hiccup() {
    let mut net = Net::default();
    for socket_type in [SUB, XSUB] {
        let sub = net.socket(socket_type);
        for topic in ["b", "a", "a"] {
            subscribe(&mut net, sub, topic);
        }
        let (_, mut far) = net.raw(sub, Attachment::default());
        let mut read = || {
            let data = std::iter::from_fn(|| far.read());
            let data = data.map(|msg| msg.data().escape_ascii().to_string());
            data.collect::<Vec<_>>()
        };
        assert_eq!(read(), text(&["\\x01a", "\\x01b"]));
        subscribe(&mut net, sub, "lost");
        unsubscribe(&mut net, sub, "b");
        if socket_type == XSUB {
            net.send_more(sub, "half").unwrap();
        }
        far.hiccup();
        net.pump();
        if socket_type == XSUB {
            net.send(sub, "other half").unwrap();
        }
        let got = std::iter::from_fn(|| far.read())
            .map(|msg| msg.data().escape_ascii().to_string())
            .collect::<Vec<_>>();
        assert_eq!(got, text(&["\\x01a", "\\x01lost"]));
        if socket_type == XSUB {
            net.send(sub, "whole").unwrap();
            assert_eq!(far.read().unwrap().data(), b"whole");
        }
    }
}

#[test]
fn old_peers_may_be_taken_as_subscribed_to_all() {
    let mut net = Net::default();
    let publisher = net.socket(PUB);
    let how = Attachment {
        subscribe_all: true,
        ..Attachment::default()
    };
    let (_, mut far) = net.raw(publisher, how);
    net.send(publisher, "x").unwrap();
    assert_eq!(far.read().unwrap().data(), b"x");
}

#[test]
fn a_pub_reads_subscriptions_of_a_peer_and_forgets_it() {
    let mut net = Net::default();
    let publisher = net.socket(PUB);
    let (_, mut far) = net.raw(publisher, Attachment::default());
    write(&mut far, &["\x01a"]);
    write(&mut far, &["user data"]);
    net.pump();
    assert_eq!(net.get(publisher, ZMQ_TOPICS_COUNT), Ok(1));
    far.close();
    net.pump();
    assert_eq!(net.pipes(publisher), 0);
    assert_eq!(net.get(publisher, ZMQ_TOPICS_COUNT), Ok(0));
    assert_eq!(net.recv(publisher), Err(Error::NotSupported));
}

#[test]
fn a_verbose_xsub_passes_on_unsubscriptions_that_change_nothing() {
    let mut net = Net::default();
    let xpub = net.socket(XPUB);
    net.set(xpub, ZMQ_XPUB_VERBOSER, &1i32.to_ne_bytes())
        .unwrap();
    let xsub = subscribed(&mut net, xpub, XSUB, &["a", "a"]);
    assert_eq!(net.drain(xpub), text(&["\\x01a"]));
    unsubscribe(&mut net, xsub, "a");
    assert_eq!(net.drain(xpub), text(&[]));
    let on = 1i32.to_ne_bytes();
    net.set(xsub, ZMQ_XSUB_VERBOSE_UNSUBSCRIBE, &on).unwrap();
    assert!(
        net.set(xsub, ZMQ_XSUB_VERBOSE_UNSUBSCRIBE, &on[..3])
            .is_err()
    );
    for _ in 0..2 {
        unsubscribe(&mut net, xsub, "a");
        assert_eq!(net.drain(xpub), text(&["\\x00a"]));
    }
    let sub = net.socket(SUB);
    assert!(net.set(sub, ZMQ_XSUB_VERBOSE_UNSUBSCRIBE, &on).is_err());
}
