//! XPUB: manual mode, last value, welcome message, option values.

#![forbid(unsafe_code)]

use super::publish::{subscribe, subscribed, unsubscribe};
use super::*;
use crate::abi::options::draft::*;
use crate::abi::options::*;

#[test]
fn the_application_decides_what_a_request_means() {
    let mut net = Net::default();
    let xpub = net.socket(XPUB);
    assert_eq!(net.set(xpub, ZMQ_SUBSCRIBE, b"x"), Err(Error::Invalid));
    net.on(xpub, ZMQ_XPUB_MANUAL);
    // Without a request, nothing happens.
    net.set(xpub, ZMQ_SUBSCRIBE, b"x").unwrap();
    let a = subscribed(&mut net, xpub, XSUB, &["A"]);
    let b = subscribed(&mut net, xpub, XSUB, &["B"]);
    net.send(xpub, "A").unwrap();
    assert_eq!(net.drain(a), text(&[]));
    assert_eq!(net.recv(xpub).unwrap(), "\\x01A");
    net.set(xpub, ZMQ_SUBSCRIBE, b"XA").unwrap();
    assert_eq!(net.recv(xpub).unwrap(), "\\x01B");
    net.set(xpub, ZMQ_SUBSCRIBE, b"XB").unwrap();
    for message in ["A", "B", "XA", "XB"] {
        net.send(xpub, message).unwrap();
    }
    assert_eq!(net.drain(a), text(&["XA"]));
    assert_eq!(net.drain(b), text(&["XB"]));
    unsubscribe(&mut net, a, "A");
    assert_eq!(net.drain(xpub), text(&["\\x00A"]));
    net.send(xpub, "XA").unwrap();
    net.set(xpub, ZMQ_UNSUBSCRIBE, b"XA").unwrap();
    net.send(xpub, "XA").unwrap();
    assert_eq!(net.drain(a), text(&["XA"]));
    assert_eq!(net.get(xpub, ZMQ_TOPICS_COUNT), Ok(1));
}

#[test]
fn in_manual_mode_every_request_is_passed_up() {
    let mut net = Net::default();
    let xpub = net.socket(XPUB);
    net.on(xpub, ZMQ_XPUB_MANUAL);
    let a = subscribed(&mut net, xpub, SUB, &["t"]);
    subscribed(&mut net, xpub, SUB, &["t"]);
    subscribe(&mut net, a, "t");
    assert_eq!(net.drain(xpub), text(&["\\x01t"; 3]));
}

#[test]
fn user_data_does_not_shift_requests() {
    let mut net = Net::default();
    let xpub = net.socket(XPUB);
    net.on(xpub, ZMQ_XPUB_MANUAL);
    let a = subscribed(&mut net, xpub, XSUB, &[]);
    net.send(a, "user").unwrap();
    let b = subscribed(&mut net, xpub, XSUB, &["t"]);
    assert_eq!(net.recv(xpub).unwrap(), "user");
    assert_eq!(net.recv(xpub).unwrap(), "\\x01t");
    net.set(xpub, ZMQ_SUBSCRIBE, b"t").unwrap();
    net.send(xpub, "t").unwrap();
    assert_eq!(net.drain(a), text(&[]));
    assert_eq!(net.drain(b), text(&["t"]));
}

#[test]
fn a_requester_that_left_is_not_subscribed() {
    let mut net = Net::default();
    let xpub = net.socket(XPUB);
    net.on(xpub, ZMQ_XPUB_MANUAL);
    let a = net.socket(SUB);
    for topic in ["b", "a"] {
        subscribe(&mut net, a, topic);
    }
    let (near, _) = net.connect(a, xpub);
    assert_eq!(net.recv(xpub).unwrap(), "\\x01a");
    net.set(xpub, ZMQ_SUBSCRIBE, b"other").unwrap();
    net.hang_up(a, near);
    assert_eq!(net.get(xpub, ZMQ_TOPICS_COUNT), Ok(0));
    // Another peer gets the same pipe id; it did not ask for anything.
    let b = subscribed(&mut net, xpub, SUB, &[]);
    net.set(xpub, ZMQ_SUBSCRIBE, b"").unwrap();
    for expected in ["\\x01b", "\\x00a", "\\x00b"] {
        assert_eq!(net.recv(xpub).unwrap(), expected);
        net.set(xpub, ZMQ_SUBSCRIBE, b"").unwrap();
    }
    assert_eq!(net.get(xpub, ZMQ_TOPICS_COUNT), Ok(0));
    net.send(xpub, "x").unwrap();
    assert!(!net.has_in(b));
}

#[test]
fn last_value_goes_to_the_newest_subscriber_only() {
    let mut net = Net::default();
    let xpub = net.socket(XPUB);
    net.on(xpub, ZMQ_XPUB_MANUAL_LAST_VALUE);
    let a = subscribed(&mut net, xpub, SUB, &["t"]);
    let b = subscribed(&mut net, xpub, SUB, &["t"]);
    for _ in 0..2 {
        assert_eq!(net.recv(xpub).unwrap(), "\\x01t");
        net.set(xpub, ZMQ_SUBSCRIBE, b"t").unwrap();
    }
    net.send_all(xpub, &["t", "last"]).unwrap();
    net.send(xpub, "t to all").unwrap();
    assert_eq!(net.drain(a), text(&["t to all"]));
    assert_eq!(net.drain(b), text(&["t|last", "t to all"]));
}

#[test]
fn welcome_messages() {
    let mut net = Net::default();
    for socket_type in [PUB, XPUB] {
        let publisher = net.socket(socket_type);
        net.set(publisher, ZMQ_XPUB_WELCOME_MSG, b"W").unwrap();
        let xsub = subscribed(&mut net, publisher, XSUB, &[]);
        let sub = subscribed(&mut net, publisher, SUB, &["W"]);
        let other = subscribed(&mut net, publisher, SUB, &["x"]);
        assert_eq!(net.drain(xsub), text(&["W"]));
        assert_eq!(net.drain(sub), text(&["W"]));
        assert_eq!(net.drain(other), text(&[]));
        net.set(publisher, ZMQ_XPUB_WELCOME_MSG, b"").unwrap();
        let late = subscribed(&mut net, publisher, XSUB, &[]);
        assert_eq!(net.drain(late), text(&[]));
    }
}

#[test]
fn switches_take_non_negative_ints() {
    let mut net = Net::default();
    for socket_type in [PUB, XPUB] {
        let at = net.socket(socket_type);
        for option in [
            ZMQ_XPUB_VERBOSE,
            ZMQ_XPUB_VERBOSER,
            ZMQ_XPUB_NODROP,
            ZMQ_XPUB_MANUAL,
            ZMQ_XPUB_MANUAL_LAST_VALUE,
            ZMQ_ONLY_FIRST_SUBSCRIBE,
        ] {
            for good in [0i32, 1, 2] {
                assert_eq!(net.set(at, option, &good.to_ne_bytes()), Ok(()));
            }
            for bad in [&[1u8][..], &[], &(-1i32).to_ne_bytes(), &[0; 8]] {
                assert_eq!(net.set(at, option, bad), Err(Error::Invalid));
            }
        }
    }
    let sub = net.socket(SUB);
    let set = net.set(sub, ZMQ_ONLY_FIRST_SUBSCRIBE, &1i32.to_ne_bytes());
    assert_eq!(set, Err(Error::Invalid));
    let xsub = net.socket(XSUB);
    net.on(xsub, ZMQ_ONLY_FIRST_SUBSCRIBE);
}
