//! Types whose messages have one part, and what they do with others.

#![forbid(unsafe_code)]

use super::*;
use crate::abi::options::ZMQ_PROBE_ROUTER;

pub const SERVER: SocketType = SocketType::Server;
pub const CLIENT: SocketType = SocketType::Client;
pub const GATHER: SocketType = SocketType::Gather;
pub const SCATTER: SocketType = SocketType::Scatter;
pub const PEER: SocketType = SocketType::Peer;
pub const CHANNEL: SocketType = SocketType::Channel;

#[test]
fn a_scatter_sends_to_gathers_in_turn() {
    let mut net = Net::default();
    let (scatter, gathers) = net.star(SCATTER, 2, GATHER);
    for message in ["1", "2", "3", "4"] {
        net.send(scatter, message).unwrap();
    }
    assert_eq!(net.drain(gathers[0]), text(&["1", "3"]));
    assert_eq!(net.drain(gathers[1]), text(&["2", "4"]));
    let lonely = net.socket(SCATTER);
    assert_eq!(net.send(lonely, "x"), Err(Error::Again));
}

#[test]
fn a_channel_has_one_peer() {
    let mut net = Net::default();
    let (channel, others) = net.star(CHANNEL, 2, CHANNEL);
    net.send(channel, "there").unwrap();
    net.send(others[0], "back").unwrap();
    assert_eq!(net.drain(others[0]), text(&["there"]));
    assert_eq!(net.drain(channel), text(&["back"]));
    assert_eq!(net.send(others[1], "x"), Err(Error::Again));
}

#[test]
fn messages_of_several_parts_are_dropped() {
    let long = "a".repeat(100);
    for socket_type in [GATHER, SERVER, CLIENT, PEER, CHANNEL] {
        let mut net = Net::default();
        let at = net.socket(socket_type);
        let (_, mut far) = net.raw(at, Attachment::default());
        for framed in [false, true] {
            framed.then(|| far.set_framing());
            write(&mut far, &["1", "2"]);
            assert!(!net.has_in(at), "{socket_type:?}");
            assert_eq!(net.recv(at), Err(Error::Again));
            write(&mut far, &["1", &long, "3"]);
            write(&mut far, &["one"]);
            write(&mut far, &["1", "2"]);
            write(&mut far, &["another"]);
            assert!(net.has_in(at));
            assert_eq!(net.drain(at), text(&["one", "another"]));
            write(&mut far, &["1", "2"]);
            assert_eq!(net.recv(at), Err(Error::Again));
            assert!(!net.has_in(at));
        }
    }
}

#[test]
fn a_peer_is_served_while_another_sends_what_is_dropped() {
    for polls in [false, true] {
        let mut net = Net::default();
        let gather = net.socket(GATHER);
        let (_, mut bad) = net.raw(gather, Attachment::default());
        let (_, mut good) = net.raw(gather, Attachment::default());
        for _ in 0..3 {
            write(&mut bad, &["1", "2"]);
            write(&mut good, &["x"]);
        }
        assert!(!polls || net.has_in(gather));
        assert_eq!(net.drain(gather), text(&["x", "x", "x"]));
    }
}

#[test]
fn a_client_has_no_options_of_a_dealer() {
    let mut net = Net::default();
    let client = net.socket(CLIENT);
    let on = 1i32.to_ne_bytes();
    assert_eq!(net.set(client, ZMQ_PROBE_ROUTER, &on), Err(Error::Invalid));
}

#[test]
fn the_wrong_direction_is_not_supported() {
    let mut net = Net::default();
    for socket_type in [PUB, PUSH, SCATTER] {
        let at = net.socket(socket_type);
        assert_eq!(net.recv(at), Err(Error::NotSupported));
        assert!(!net.has_in(at));
        assert!(!socket_type.spec().receives);
    }
    for socket_type in [SUB, PULL, GATHER] {
        let at = net.socket(socket_type);
        assert_eq!(net.send(at, "x"), Err(Error::NotSupported));
        assert!(!net.has_out(at));
        assert!(socket_type.spec().receives);
    }
}
