//! Groups on the wire: a peer in raw bytes against DISH and RADIO.

mod common;

use common::{Context, Message, Socket};
use std::io::{Read, Write};
use std::net::TcpStream;
use zmq::abi::numbers::draft::{ZMQ_DISH, ZMQ_RADIO};
use zmq::abi::options::ZMQ_XPUB_NODROP;
use zmq::capi::groups::*;

/// A connection to the socket after a handshake as ZMTP 3.`minor`, by a socket of a type with
/// a name of that many letters.
fn peer(socket: Socket, minor: u8, name: &str, its_name: &str) -> TcpStream {
    let endpoint = socket.last_endpoint();
    let mut peer = TcpStream::connect(endpoint.strip_prefix("tcp://").unwrap()).unwrap();
    let ready = |name: &str| {
        let length = [0, 0, 0, name.len() as u8];
        let body = [b"\x05READY\x0bSocket-Type", &length[..], name.as_bytes()].concat();
        [&[4, body.len() as u8], &body[..]].concat()
    };
    let mut greeting = b"\xff\0\0\0\0\0\0\0\0\x7f\x03".to_vec();
    greeting.extend([&[minor], &b"NULL"[..]].concat());
    greeting.resize(64, 0);
    peer.write_all(&greeting).unwrap();
    peer.write_all(&ready(name)).unwrap();
    expect(&mut peer, None, 64);
    let its_ready = ready(its_name);
    expect(&mut peer, Some(&its_ready), its_ready.len());
    peer
}

/// Reads so many bytes, and compares them.
fn expect(peer: &mut TcpStream, wanted: Option<&[u8]>, count: usize) {
    let mut bytes = vec![0; count];
    peer.read_exact(&mut bytes).unwrap();
    assert!(
        wanted.is_none_or(|wanted| wanted == bytes),
        "{}",
        bytes.escape_ascii()
    );
}

/// Joins and leaves are commands for peers of either version.
#[test]
fn a_dish_sends_commands_and_reads_groups() {
    for minor in [0, 1] {
        let context = Context::new();
        let dish = context.socket(ZMQ_DISH).unwrap();
        dish.bind("tcp://127.0.0.1:*").unwrap();
        // SAFETY: a string.
        assert_eq!(unsafe { zmq_join(dish.handle(), c"grp".as_ptr()) }, 0);
        let mut peer = peer(dish, minor, "RADIO", "DISH");
        let join = b"\x04\x08\x04JOINgrp";
        expect(&mut peer, Some(join), join.len());
        // Another group, three parts, one part; then one that fits.
        peer.write_all(
            b"\x01\x03gr2\0\x01x\x01\x03grp\x01\x01x\0\x01x\0\x03grp\x01\x03grp\0\x02hi",
        )
        .unwrap();
        assert_eq!(dish.recv(0).unwrap().data(), b"hi");
        // SAFETY: a string.
        assert_eq!(unsafe { zmq_leave(dish.handle(), c"grp".as_ptr()) }, 0);
        let leave = b"\x04\x09\x05LEAVEgrp";
        expect(&mut peer, Some(leave), leave.len());
        dish.close().unwrap();
        context.terminate().unwrap();
    }
}

#[test]
fn a_radio_sends_the_group_first() {
    for minor in [0, 1] {
        let context = Context::new();
        let radio = context.socket(ZMQ_RADIO).unwrap();
        radio.set(ZMQ_XPUB_NODROP, 1).unwrap();
        radio.bind("tcp://127.0.0.1:*").unwrap();
        let mut peer = peer(radio, minor, "DISH", "RADIO");
        // Subscriptions of other types are no joins.
        peer.write_all(b"\0\x04\x01bad\x04\x0d\x09SUBSCRIBEbad")
            .unwrap();
        peer.write_all(b"\x04\x08\x04JOINgrp").unwrap();
        peer.set_read_timeout(Some(std::time::Duration::from_millis(20)))
            .unwrap();
        let mut first = [0];
        while peer.peek(&mut first).is_err() {
            for group in [c"bad", c"grp"] {
                let mut message = Message::new(b"hi");
                // SAFETY: a message and a string.
                unsafe { zmq_msg_set_group(message.raw(), group.as_ptr()) };
                radio.send_message(&mut message, 0).unwrap();
            }
        }
        expect(&mut peer, Some(b"\x01\x03grp\0\x02hi"), 9);
        radio.close().unwrap();
        context.terminate().unwrap();
    }
}
