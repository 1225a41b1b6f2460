//! `ZMQ_FERRO_SPIN` 0: a thread that has to wait sleeps, at once and each time.

#![cfg(target_os = "linux")]

use zmq::abi::options::*;
use zmq::runtime::{context, endpoints, socket};

use zmq::abi::numbers::{ZMQ_REP as REP, ZMQ_REQ as REQ};
const ROUNDS: u64 = 2000;

/// How often the calling thread has left its processor: by going to sleep, or for one
/// that it woke, which then may have answered before it could go.
fn sleeps() -> u64 {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let lines = status
        .lines()
        .filter(|line| line.contains("voluntary_ctxt_switches:"));
    lines
        .map(|line| {
            line.rsplit(':')
                .next()
                .unwrap()
                .trim()
                .parse::<u64>()
                .unwrap()
        })
        .sum()
}

fn make(context: usize, kind: i32) -> usize {
    let made = socket::create(context, kind).unwrap().address();
    for (option, value) in [(ZMQ_LINGER, 0), (ZMQ_RCVTIMEO, 8000), (ZMQ_SNDTIMEO, 8000)] {
        socket::set_option(made, option, Some(&i32::to_ne_bytes(value))).unwrap();
    }
    made
}

/// Sleeps of a client that asks `ROUNDS` times over `endpoint`.
fn sleeps_of_client(endpoint: &[u8], spin: i32) -> u64 {
    let context = context::create().unwrap().address();
    context::set(context, ZMQ_FERRO_SPIN, spin).unwrap();
    assert_eq!(context::get(context, ZMQ_FERRO_SPIN), Ok(spin));
    let (client, server) = (make(context, REQ), make(context, REP));
    endpoints::bind(server, endpoint).unwrap();
    let mut text = [0; 256];
    let len = socket::get_option(server, ZMQ_LAST_ENDPOINT, &mut text).unwrap();
    endpoints::connect(client, &text[..len - 1]).unwrap();
    let serving = std::thread::spawn(move || {
        for _ in 0..ROUNDS {
            let question = socket::recv(server, 0).unwrap();
            socket::send_bytes(server, question.data(), 0).unwrap();
        }
        server
    });
    let before = sleeps();
    for round in 0..ROUNDS {
        socket::send_bytes(client, &round.to_ne_bytes(), 0).unwrap();
        assert_eq!(socket::recv(client, 0).unwrap().data(), round.to_ne_bytes());
    }
    let slept = sleeps() - before;
    socket::close(serving.join().unwrap()).unwrap();
    socket::close(client).unwrap();
    context::terminate(context, false).unwrap();
    slept
}

#[test]
fn without_it_each_wait_is_a_sleep() {
    for endpoint in [&b"inproc://spin"[..], b"tcp://127.0.0.1:*", b"ipc://*"] {
        let slept = sleeps_of_client(endpoint, 0);
        assert!(
            slept >= ROUNDS * 9 / 10,
            "{slept} sleeps in {ROUNDS} rounds"
        );
        // With it, an answer may come sooner; how often depends on the machine.
        sleeps_of_client(endpoint, 1);
    }
}
