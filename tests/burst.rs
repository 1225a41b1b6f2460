//! A program that holds both ends of a connection sees the messages of one
//! burst together: after the first of them, `ZMQ_EVENTS` tells of the rest.

#![cfg(target_os = "linux")]

mod common;

use common::Context;
use zmq::abi::numbers::{ZMQ_DEALER as DEALER, ZMQ_POLLIN, ZMQ_PULL as PULL, ZMQ_PUSH as PUSH};
use zmq::abi::options::*;

const ROUNDS: usize = 100;
const BURST: usize = 10;

/// Rounds in which the events did not tell of what had been sent.
fn unseen(types: (i32, i32)) -> usize {
    let context = Context::new();
    let mut unseen = 0;
    for _ in 0..ROUNDS {
        let [a, b] = [types.0, types.1].map(|t| context.socket(t).unwrap());
        for end in [a, b] {
            end.set(ZMQ_LINGER, 0).unwrap();
            end.set(ZMQ_RCVTIMEO, 8000).unwrap();
            end.set(ZMQ_SNDTIMEO, 8000).unwrap();
        }
        a.bind("ipc://*").unwrap();
        b.connect(&a.last_endpoint()).unwrap();
        b.get(ZMQ_FD).unwrap();
        for n in 0..BURST {
            a.send(&[n as u8], 0).unwrap();
        }
        for n in 0..BURST {
            if n > 0 && b.get(ZMQ_EVENTS).unwrap() & ZMQ_POLLIN == 0 {
                unseen += 1;
                break;
            }
            assert_eq!(b.recv(0).unwrap().data(), [n as u8]);
        }
        a.close().unwrap();
        b.close().unwrap();
    }
    context.terminate().unwrap();
    unseen
}

#[test]
fn events_tell_of_a_whole_burst() {
    assert_eq!(unseen((PUSH, PULL)), 0);
    assert_eq!(unseen((DEALER, DEALER)), 0);
}
