//! Peers that vanish at the worst moment: the connecting side tries again, and
//! the context still ends.

mod common;

use common::Context;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};
use zmq::abi::numbers::ZMQ_DEALER;
use zmq::abi::options::{ZMQ_LINGER, ZMQ_RECONNECT_IVL};

/// Greeting and READY of a DEALER, ZMTP 3.0.
fn hello() -> Vec<u8> {
    let mut bytes = vec![0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0];
    bytes.extend_from_slice(b"NULL");
    bytes.resize(64, 0);
    let body = b"\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER";
    bytes.extend_from_slice(&[4, body.len() as u8]);
    bytes.extend_from_slice(body);
    bytes
}

#[test]
fn a_peer_that_vanishes_in_the_handshake_is_tried_again() {
    const TIMES: usize = 60;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
    let context = Context::new();
    let socket = context.socket(ZMQ_DEALER).unwrap();
    for (option, value) in [(ZMQ_RECONNECT_IVL, 1), (ZMQ_LINGER, 0)] {
        socket.set(option, value).unwrap();
    }
    socket.connect(&endpoint).unwrap();
    let begun = Instant::now();
    listener.set_nonblocking(true).unwrap();
    let mut seen = 0;
    while seen < TIMES {
        let Ok((mut peer, _)) = listener.accept() else {
            assert!(begun.elapsed() < Duration::from_secs(20), "{seen} tries");
            std::thread::sleep(Duration::from_micros(200));
            continue;
        };
        peer.set_nonblocking(false).unwrap();
        peer.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        // Leave at another point each time: at once, after the greeting, or
        // with everything said and their bytes unread, which resets.
        if seen % 3 > 0 {
            let _ = peer.read(&mut [0; 10]);
        }
        let hello = hello();
        let cut = [hello.len(), 64, 12, 0][seen % 4];
        let _ = peer.write_all(&hello[..cut]);
        seen += 1;
    }
    socket.close().unwrap();
    context.terminate().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(20));
}
