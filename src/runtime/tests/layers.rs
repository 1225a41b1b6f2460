//! Tests: messages over a stream that reads ahead, keeps output back and shakes hands.

#![forbid(unsafe_code)]

use crate::abi::numbers::{ZMQ_PULL, ZMQ_PUSH, ZMQ_REP, ZMQ_REQ};
use crate::abi::options::*;
use crate::error::Error;
use crate::runtime::socket::endpoints;
use crate::runtime::{context, socket};
use crate::sys;
use crate::transport::conformance::layered::REFUSED;
use std::net::TcpStream;
// Not from sync::atomic: a counter of the tests, which no model sees.
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

struct Pair {
    context: usize,
    ends: [usize; 2],
}

impl Pair {
    /// The second one connects.
    fn new(kinds: [i32; 2]) -> Pair {
        Pair::with(kinds, |_| {})
    }

    fn with(kinds: [i32; 2], prepare: fn(usize)) -> Pair {
        let context = context::create().unwrap().address();
        let ends = kinds.map(|kind| {
            let made = socket::create(context, kind).unwrap().address();
            for option in [ZMQ_RCVTIMEO, ZMQ_SNDTIMEO] {
                socket::set_option(made, option, Some(&5000i32.to_ne_bytes())).unwrap();
            }
            prepare(made);
            made
        });
        endpoints::bind(ends[0], b"layer://127.0.0.1:*").unwrap();
        let mut text = [0; 64];
        let len = socket::get_option(ends[0], ZMQ_LAST_ENDPOINT, &mut text).unwrap();
        endpoints::connect(ends[1], &text[..len - 1]).unwrap();
        Pair { context, ends }
    }

    fn close(self) {
        for end in self.ends {
            socket::close(end).unwrap();
        }
        context::terminate(self.context, false).unwrap();
    }
}

/// What was written is read, however long it is, also after the sender has closed.
#[test]
fn messages_of_all_lengths_arrive() {
    let sizes = || {
        (0..2000)
            .map(|n| n * n % 9_973)
            .chain([1_000_000, 0, 70_000, 3])
    };
    let pair = Pair::new([ZMQ_PULL, ZMQ_PUSH]);
    let [pull, push] = pair.ends;
    let sender = thread::spawn(move || {
        for size in sizes() {
            socket::send_bytes(push, &vec![size as u8; size], 0).unwrap();
        }
    });
    for size in sizes() {
        let msg = socket::recv(pull, 0).unwrap();
        assert!(msg.data() == vec![size as u8; size], "{size}");
    }
    sender.join().unwrap();
    pair.close();
}

/// A slow reader: the stream is full whenever the sender looks.
#[test]
fn a_closed_sender_flushes() {
    let small = |end| {
        for (option, value) in [(ZMQ_SNDBUF, 5000i32), (ZMQ_RCVBUF, 5000), (ZMQ_RCVHWM, 1)] {
            socket::set_option(end, option, Some(&value.to_ne_bytes())).unwrap();
        }
    };
    let pair = Pair::with([ZMQ_PULL, ZMQ_PUSH], small);
    let [pull, push] = pair.ends;
    for _ in 0..60 {
        socket::send_bytes(push, &[7; 50_000], 0).unwrap();
    }
    socket::close(push).unwrap();
    for _ in 0..60 {
        assert_eq!(socket::recv(pull, 0).unwrap().data(), [7; 50_000]);
        thread::sleep(Duration::from_millis(2));
    }
    socket::close(pull).unwrap();
    context::terminate(pair.context, false).unwrap();
}

/// What a layer has read ahead does not wait for bytes to follow, nor for the application.
#[test]
fn the_io_thread_delivers_what_was_read_ahead() {
    let pair = Pair::new([ZMQ_PULL, ZMQ_PUSH]);
    let [pull, push] = pair.ends;
    let mut fd = [0; 4];
    socket::get_option(pull, ZMQ_FD, &mut fd).unwrap();
    let fd = i32::from_ne_bytes(fd);
    for size in [100_000, 50_000, 9_000] {
        socket::send_bytes(push, &vec![1; size], 0).unwrap();
        // Asleep on ZMQ_FD this thread reads no stream itself.
        let msg = loop {
            assert!(
                sys::is_ready_within(fd, libc::POLLIN, 10_000),
                "mail for {size}"
            );
            match socket::recv(pull, socket::DONTWAIT) {
                Err(Error::Again) => {}
                done => break done.unwrap(),
            }
        };
        assert_eq!(msg.len(), size);
        // ZMQ_FD reports mail that comes after nothing was found.
        assert_eq!(
            socket::recv(pull, socket::DONTWAIT).err(),
            Some(Error::Again)
        );
    }
    pair.close();
}

/// A connection that may not write yet does not wait for room to write.
#[test]
fn a_silent_peer_costs_nothing() {
    let pair = Pair::new([ZMQ_PULL, ZMQ_PUSH]);
    let mut text = [0; 64];
    let len = socket::get_option(pair.ends[0], ZMQ_LAST_ENDPOINT, &mut text).unwrap();
    let address = std::str::from_utf8(&text[b"layer://".len()..len - 1]).unwrap();
    let silent = TcpStream::connect(address).unwrap();
    thread::sleep(Duration::from_millis(100));
    let before = REFUSED.load(Ordering::Relaxed);
    thread::sleep(Duration::from_millis(200));
    // Other tests shake hands meanwhile.
    assert!(REFUSED.load(Ordering::Relaxed) - before < 100);
    drop(silent);
    pair.close();
}

#[test]
fn questions_are_answered() {
    let pair = Pair::new([ZMQ_REP, ZMQ_REQ]);
    let [rep, req] = pair.ends;
    for n in 0..500u32 {
        let question = vec![n as u8; n as usize * 7];
        socket::send_bytes(req, &question, 0).unwrap();
        assert_eq!(socket::recv(rep, 0).unwrap().data(), question);
        socket::send_bytes(rep, &n.to_ne_bytes(), 0).unwrap();
        assert_eq!(socket::recv(req, 0).unwrap().data(), n.to_ne_bytes());
    }
    pair.close();
}
