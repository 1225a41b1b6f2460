//! A program that holds both ends of a connection sees the messages of one
//! burst together: after the first of them, `ZMQ_EVENTS` tells of the rest.

#![cfg(target_os = "linux")]

use zmq::abi::options::*;
use zmq::runtime::{context, endpoints, socket};

use zmq::abi::numbers::{ZMQ_DEALER as DEALER, ZMQ_PULL as PULL, ZMQ_PUSH as PUSH};
const ROUNDS: usize = 100;
const BURST: usize = 10;

fn set(socket: usize, option: i32, value: i32) {
    socket::set_option(socket, option, Some(&value.to_ne_bytes())).unwrap();
}

fn get(socket: usize, option: i32) -> i32 {
    let mut out = [0; 4];
    socket::get_option(socket, option, &mut out).unwrap();
    i32::from_ne_bytes(out)
}

/// Rounds in which the events did not tell of what had been sent.
fn unseen(types: (i32, i32)) -> usize {
    let context = context::create().unwrap().address();
    let mut unseen = 0;
    for _ in 0..ROUNDS {
        let [a, b] = [types.0, types.1].map(|t| socket::create(context, t).unwrap().address());
        for end in [a, b] {
            set(end, ZMQ_LINGER, 0);
            set(end, ZMQ_RCVTIMEO, 8000);
            set(end, ZMQ_SNDTIMEO, 8000);
        }
        endpoints::bind(a, b"ipc://*").unwrap();
        let mut text = [0; 256];
        let len = socket::get_option(a, ZMQ_LAST_ENDPOINT, &mut text).unwrap();
        endpoints::connect(b, &text[..len - 1]).unwrap();
        get(b, ZMQ_FD);
        for n in 0..BURST {
            socket::send_bytes(a, &[n as u8], 0).unwrap();
        }
        for n in 0..BURST {
            if n > 0 && get(b, ZMQ_EVENTS) & i32::from(socket::POLLIN) == 0 {
                unseen += 1;
                break;
            }
            assert_eq!(socket::recv(b, 0).unwrap().data(), [n as u8]);
        }
        socket::close(a).unwrap();
        socket::close(b).unwrap();
    }
    context::terminate(context, false).unwrap();
    unseen
}

#[test]
fn events_tell_of_a_whole_burst() {
    assert_eq!(unseen((PUSH, PULL)), 0);
    assert_eq!(unseen((DEALER, DEALER)), 0);
}
